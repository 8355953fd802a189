//! Making, changing and deleting buckets. Each part is written only where it differs.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketLoggingStatus, BucketVersioningStatus, CreateBucketConfiguration, Delete,
    DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination, LoggingEnabled, ObjectIdentifier,
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter, ReplicationRuleStatus, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};

use super::lifecycle;
use crate::driver::aws::error::{classify, code, is_absent};
use crate::driver::aws::mark::{self, Tags};
use crate::driver::aws::region::Region;
use crate::driver::aws::sight::{Names, Sight};
use crate::driver::aws::{resolve, text};
use crate::driver::{Class, DriverError, Request};
use crate::kind::document;
use crate::value::{Attributes, Value};

/// Makes the bucket and its mark, then everything else of it.
pub async fn create(region: &Region, name: &str, request: &Request<'_>, names: &Names) -> Result<(), DriverError> {
    let s3 = &region.clients().await.s3;
    // us-east-1 is where a bucket goes that names no place, and the one region that S3 refuses by name:
    // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>.
    let place = (region.name() != "us-east-1").then(|| {
        let place = BucketLocationConstraint::from(region.name());
        CreateBucketConfiguration::builder().location_constraint(place).build()
    });
    let ownership = ownership(request.attributes);
    let made =
        s3.create_bucket().bucket(name).set_create_bucket_configuration(place).object_ownership(ownership.clone());
    match made.send().await {
        // The SDK tried again after an answer that was lost; whoever called had looked that nobody's was there.
        Err(error) if code(&error) == "BucketAlreadyOwnedByYou" => {}
        other => drop(other.map_err(|error| classify("creating the bucket", &error))?),
    }
    retag(region, name, &mark::write(request.mark, request.attributes)).await?;
    // What a new bucket is like everywhere; whether public access is blocked differs.
    let mut fresh = Attributes::default();
    fresh.set("versioning", Value::Bool(false));
    fresh.set("encryption", "aes256".into());
    fresh.set("secure_transport", Value::Bool(false));
    fresh.set("object_ownership", request.attributes.get("object_ownership").clone());
    names.learn(&request.mark.address, &format!("arn:aws:s3:::{name}"));
    parts(region, name, &fresh, request.attributes, names).await
}

/// Brings the bucket that is there to the request's attributes and tags.
pub async fn update(
    region: &Region,
    name: &str,
    there: &Sight,
    request: &Request<'_>,
    names: &Names,
) -> Result<(), DriverError> {
    let before: Attributes = there.attributes.iter().cloned().collect();
    parts(region, name, &before, request.attributes, names).await?;
    let tags = mark::merged(&there.tags, request.mark, request.attributes);
    if tags != there.tags {
        retag(region, name, &tags).await?;
    }
    names.learn(&request.mark.address, &there.arn);
    Ok(())
}

/// Leaves the bucket without its mark.
pub async fn forget(region: &Region, name: &str, there: &Sight) -> Result<(), DriverError> {
    retag(region, name, &mark::without(&there.tags)).await
}

/// Deletes the bucket; with `empty`, every version of every object in it first.
pub async fn delete(region: &Region, name: &str, empty: bool) -> Result<(), DriverError> {
    if empty {
        remove_objects(region, name).await?;
    }
    match region.clients().await.s3.delete_bucket().bucket(name).send().await {
        Err(error) if !is_absent(&error) => Err(classify("deleting the bucket", &error)),
        _ => Ok(()),
    }
}

async fn parts(
    region: &Region,
    name: &str,
    before: &Attributes,
    after: &Attributes,
    names: &Names,
) -> Result<(), DriverError> {
    let changed = |names: &[&str]| names.iter().any(|name| before.get(name) != after.get(name));
    if changed(&["versioning"]) {
        versioning(region, name, after).await?;
    }
    if changed(&["encryption", "kms_key"]) {
        encryption(region, name, after).await?;
    }
    if changed(&["object_ownership"]) {
        controls(region, name, after).await?;
    }
    if changed(&["public_access"]) {
        public_access(region, name, after).await?;
    }
    if changed(&["policy", "secure_transport"]) {
        policy(region, name, after).await?;
    }
    if changed(&["lifecycle"]) {
        rules(region, name, after).await?;
    }
    // What names other buckets may be told in another way than the request's: both are compared as ARNs.
    if worded(names, before, "logging")? != worded(names, after, "logging")? {
        logging(region, name, &worded(names, after, "logging")?).await?;
    }
    if worded(names, before, "replication")? != worded(names, after, "replication")? {
        replication(region, name, &worded(names, after, "replication")?).await?;
    }
    Ok(())
}

/// A table of the bucket with the addresses in it as ARNs.
fn worded(names: &Names, attributes: &Attributes, name: &str) -> Result<Value, DriverError> {
    let mut table = attributes.get(name).clone();
    for key in ["to", "role"] {
        if let Some(address) = table.at(key).and_then(Value::as_str).map(str::to_owned) {
            table = table.with(&[key], resolve(names, &address)?.as_str().into());
        }
    }
    Ok(table)
}

async fn versioning(region: &Region, name: &str, after: &Attributes) -> Result<(), DriverError> {
    let on = after.get("versioning") == &Value::Bool(true);
    let status = if on { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    let wanted = VersioningConfiguration::builder().status(status).build();
    let put = region.clients().await.s3.put_bucket_versioning().bucket(name).versioning_configuration(wanted);
    put.send().await.map(drop).map_err(|error| classify("changing the versioning of the bucket", &error))
}

async fn encryption(region: &Region, name: &str, after: &Attributes) -> Result<(), DriverError> {
    let kms = text(after, "encryption") == Some("kms");
    let algorithm = if kms { ServerSideEncryption::AwsKms } else { ServerSideEncryption::Aes256 };
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(algorithm)
        .set_kms_master_key_id(text(after, "kms_key").map(str::to_owned));
    let wanted = by_default.build().and_then(|by_default| {
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build();
        ServerSideEncryptionConfiguration::builder().rules(rule).build()
    });
    let wanted = wanted.map_err(unbuildable)?;
    let put = region.clients().await.s3.put_bucket_encryption().bucket(name);
    let put = put.server_side_encryption_configuration(wanted).send().await;
    put.map(drop).map_err(|error| classify("changing the encryption of the bucket", &error))
}

fn ownership(after: &Attributes) -> ObjectOwnership {
    match text(after, "object_ownership") {
        Some("object-writer") => ObjectOwnership::ObjectWriter,
        Some("bucket-owner-preferred") => ObjectOwnership::BucketOwnerPreferred,
        _ => ObjectOwnership::BucketOwnerEnforced,
    }
}

async fn controls(region: &Region, name: &str, after: &Attributes) -> Result<(), DriverError> {
    let rule = OwnershipControlsRule::builder().object_ownership(ownership(after)).build();
    let wanted = rule.and_then(|rule| OwnershipControls::builder().rules(rule).build()).map_err(unbuildable)?;
    let put = region.clients().await.s3.put_bucket_ownership_controls().bucket(name).ownership_controls(wanted);
    put.send().await.map(drop).map_err(|error| classify("changing the ownership of the bucket's objects", &error))
}

async fn public_access(region: &Region, name: &str, after: &Attributes) -> Result<(), DriverError> {
    let blocked = text(after, "public_access") == Some("blocked");
    let wanted = PublicAccessBlockConfiguration::builder()
        .block_public_acls(blocked)
        .ignore_public_acls(blocked)
        .block_public_policy(blocked)
        .restrict_public_buckets(blocked)
        .build();
    let put = region.clients().await.s3.put_public_access_block().bucket(name);
    let put = put.public_access_block_configuration(wanted).send().await;
    put.map(drop).map_err(|error| classify("changing the public access block of the bucket", &error))
}

async fn policy(region: &Region, name: &str, after: &Attributes) -> Result<(), DriverError> {
    let s3 = &region.clients().await.s3;
    let own = text(after, "policy");
    let whole = if after.get("secure_transport") == &Value::Bool(true) {
        Some(document::with_secure_transport(own, name))
    } else {
        own.map(str::to_owned)
    };
    match whole {
        Some(policy) => {
            let put = s3.put_bucket_policy().bucket(name).policy(policy).send().await;
            put.map(drop).map_err(|error| classify("writing the policy of the bucket", &error))
        }
        None => {
            let gone = s3.delete_bucket_policy().bucket(name).send().await;
            gone.map(drop).map_err(|error| classify("removing the policy of the bucket", &error))
        }
    }
}

async fn rules(region: &Region, name: &str, after: &Attributes) -> Result<(), DriverError> {
    let s3 = &region.clients().await.s3;
    let wanted = after.get("lifecycle");
    if wanted.is_null() {
        let gone = s3.delete_bucket_lifecycle().bucket(name).send().await;
        return gone.map(drop).map_err(|error| classify("removing the lifecycle of the bucket", &error));
    }
    let put = s3.put_bucket_lifecycle_configuration().bucket(name).lifecycle_configuration(lifecycle::write(wanted)?);
    put.send().await.map(drop).map_err(|error| classify("changing the lifecycle of the bucket", &error))
}

async fn logging(region: &Region, name: &str, wanted: &Value) -> Result<(), DriverError> {
    let get = |key: &str| wanted.at(key).and_then(Value::as_str).unwrap_or_default();
    let target = (!wanted.is_null()).then(|| {
        let bucket = get("to").trim_start_matches("arn:aws:s3:::");
        LoggingEnabled::builder().target_bucket(bucket).target_prefix(get("prefix")).build()
    });
    let target = target.transpose().map_err(unbuildable)?;
    let status = BucketLoggingStatus::builder().set_logging_enabled(target).build();
    let put = region.clients().await.s3.put_bucket_logging().bucket(name).bucket_logging_status(status).send().await;
    put.map(drop).map_err(|error| classify("changing the access log of the bucket", &error))
}

async fn replication(region: &Region, name: &str, wanted: &Value) -> Result<(), DriverError> {
    let s3 = &region.clients().await.s3;
    if wanted.is_null() {
        let gone = s3.delete_bucket_replication().bucket(name).send().await;
        return gone.map(drop).map_err(|error| classify("removing the replication of the bucket", &error));
    }
    let get = |key: &str| wanted.at(key).and_then(Value::as_str).unwrap_or_default();
    let rule = Destination::builder().bucket(get("to")).build().and_then(|destination| {
        let keep = DeleteMarkerReplication::builder().status(DeleteMarkerReplicationStatus::Disabled).build();
        ReplicationRule::builder()
            .id("atlas")
            .priority(1)
            .status(ReplicationRuleStatus::Enabled)
            .filter(ReplicationRuleFilter::builder().prefix(get("prefix")).build())
            .delete_marker_replication(keep)
            .destination(destination)
            .build()
    });
    let whole = rule.and_then(|rule| ReplicationConfiguration::builder().role(get("role")).rules(rule).build());
    let put = s3.put_bucket_replication().bucket(name).replication_configuration(whole.map_err(unbuildable)?);
    put.send().await.map(drop).map_err(|error| classify("changing the replication of the bucket", &error))
}

async fn retag(region: &Region, name: &str, tags: &Tags) -> Result<(), DriverError> {
    let s3 = &region.clients().await.s3;
    if tags.is_empty() {
        let gone = s3.delete_bucket_tagging().bucket(name).send().await;
        return gone.map(drop).map_err(|error| classify("removing the tags of the bucket", &error));
    }
    let set = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    let set = set.collect::<Result<Vec<_>, _>>().and_then(|set| Tagging::builder().set_tag_set(Some(set)).build());
    let put = s3.put_bucket_tagging().bucket(name).tagging(set.map_err(unbuildable)?).send().await;
    put.map(drop).map_err(|error| classify("tagging the bucket", &error))
}

/// Removes every version of every object, a thousand at a time.
async fn remove_objects(region: &Region, name: &str) -> Result<(), DriverError> {
    let s3 = &region.clients().await.s3;
    loop {
        let page = match s3.list_object_versions().bucket(name).send().await {
            Err(error) if is_absent(&error) => return Ok(()),
            other => other.map_err(|error| classify("listing the objects of the bucket", &error))?,
        };
        let versions = page.versions().iter().map(|one| (one.key(), one.version_id()));
        let markers = page.delete_markers().iter().map(|one| (one.key(), one.version_id()));
        let objects = versions.chain(markers).map(|(key, version)| {
            let version = version.filter(|version| *version != "null").map(str::to_owned);
            ObjectIdentifier::builder().key(key.unwrap_or_default()).set_version_id(version).build()
        });
        let objects = objects.collect::<Result<Vec<_>, _>>().map_err(unbuildable)?;
        if objects.is_empty() {
            return Ok(());
        }
        let wanted = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(unbuildable)?;
        let done = s3.delete_objects().bucket(name).delete(wanted).send().await;
        let done = done.map_err(|error| classify("removing the objects of the bucket", &error))?;
        if let Some(left) = done.errors().first() {
            let why = format!(
                "`{}` can't be removed: {}",
                left.key().unwrap_or_default(),
                left.message().unwrap_or_default()
            );
            return Err(DriverError::new(Class::Denied, why));
        }
    }
}

fn unbuildable(error: aws_sdk_s3::error::BuildError) -> DriverError {
    DriverError::from_source(Class::Invalid, "the request can't be made", error)
}
