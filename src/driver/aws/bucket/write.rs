//! Writing the parts of a bucket.

use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketVersioningStatus, EncryptionType, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    TransitionDefaultMinimumObjectSize as MinimumSize, VersioningConfiguration,
};

use super::look::BLOCKS;
use super::{acl, lifecycle, replication as copies};
use crate::driver::DriverError;
use crate::driver::aws::api::PartWrite;
use crate::driver::aws::error::{done, found, unbuildable};
use crate::driver::aws::mark::Tags;
use crate::driver::aws::object::text;
use crate::driver::aws::region::Region;
use crate::kind::document;
use crate::value::{Attributes, Value};

pub async fn versioning(to: PartWrite<'_>) -> Result<(), DriverError> {
    let on = to.after.get("versioning") == &Value::Bool(true);
    let status = if on { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    let wanted = VersioningConfiguration::builder().status(status).build();
    let put = to.region.s3().await.put_bucket_versioning().bucket(to.key).versioning_configuration(wanted);
    done("changing the versioning of the bucket", put.send().await).map(drop)
}

pub async fn encryption(to: PartWrite<'_>) -> Result<(), DriverError> {
    let algorithm = match text(to.after, "encryption") {
        Some("kms") => ServerSideEncryption::AwsKms,
        Some("kms-dsse") => ServerSideEncryption::AwsKmsDsse,
        _ => ServerSideEncryption::Aes256,
    };
    let bucket_key = to.after.get("bucket_key") == &Value::Bool(true);
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(algorithm)
        .set_kms_master_key_id(text(to.after, "kms_key").map(str::to_owned));
    let blocked = blocked_keys(&to).await?;
    let wanted = by_default.build().and_then(|by_default| {
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default);
        let rule = rule.set_blocked_encryption_types(blocked);
        ServerSideEncryptionConfiguration::builder().rules(rule.bucket_key_enabled(bucket_key).build()).build()
    });
    let wanted = wanted.map_err(unbuildable)?;
    let put = to.region.s3().await.put_bucket_encryption().bucket(to.key);
    let put = put.server_side_encryption_configuration(wanted).send().await;
    done("changing the encryption of the bucket", put).map(drop)
}

/// Which keys are not taken. Where the spec says nothing of it, it stays as it is, as the rule is written as a whole.
async fn blocked_keys(to: &PartWrite<'_>) -> Result<Option<BlockedEncryptionTypes>, DriverError> {
    let one = |kind: EncryptionType| BlockedEncryptionTypes::builder().encryption_type(kind).build();
    match text(to.after, "customer_keys") {
        Some("blocked") => return Ok(Some(one(EncryptionType::SseC))),
        Some(_) => return Ok(Some(one(EncryptionType::None))),
        None => {}
    }
    let ask = to.region.s3().await.get_bucket_encryption().bucket(to.key).send().await;
    let there = found("reading the encryption of the bucket", ask)?;
    let there = there.and_then(|answer| answer.server_side_encryption_configuration);
    Ok(there.and_then(|there| there.rules().first().and_then(|rule| rule.blocked_encryption_types().cloned())))
}

/// Who owns the objects of a bucket, as S3 says it.
pub fn ownership(attributes: &Attributes) -> ObjectOwnership {
    match text(attributes, "object_ownership") {
        Some("object-writer") => ObjectOwnership::ObjectWriter,
        Some("bucket-owner-preferred") => ObjectOwnership::BucketOwnerPreferred,
        _ => ObjectOwnership::BucketOwnerEnforced,
    }
}

pub async fn controls(to: PartWrite<'_>) -> Result<(), DriverError> {
    acl::close(&to).await?;
    let rule = OwnershipControlsRule::builder().object_ownership(ownership(to.after)).build();
    let wanted = rule.and_then(|rule| OwnershipControls::builder().rules(rule).build()).map_err(unbuildable)?;
    let put = to.region.s3().await.put_bucket_ownership_controls().bucket(to.key).ownership_controls(wanted);
    done("changing the ownership of the bucket's objects", put.send().await)?;
    acl::begin(&to).await
}

pub async fn public_access(to: PartWrite<'_>) -> Result<(), DriverError> {
    let wanted = to.after.get("public_access");
    let blocked = wanted.as_str() == Some("blocked");
    let [acls, ignored, policies, restricted] =
        BLOCKS.map(|name| wanted.at(name).map_or(blocked, |on| *on == Value::Bool(true)));
    let wanted = PublicAccessBlockConfiguration::builder()
        .block_public_acls(acls)
        .ignore_public_acls(ignored)
        .block_public_policy(policies)
        .restrict_public_buckets(restricted)
        .build();
    let put = to.region.s3().await.put_public_access_block().bucket(to.key);
    let put = put.public_access_block_configuration(wanted).send().await;
    done("changing the public access block of the bucket", put).map(drop)
}

pub async fn policy(to: PartWrite<'_>) -> Result<(), DriverError> {
    let s3 = to.region.s3().await;
    let own = text(to.after, "policy");
    let whole = if to.after.get("secure_transport") == &Value::Bool(true) {
        Some(document::with_secure_transport(own, to.key))
    } else {
        own.map(str::to_owned)
    };
    match whole {
        Some(policy) => {
            let put = s3.put_bucket_policy().bucket(to.key).policy(policy).send().await;
            done("writing the policy of the bucket", put).map(drop)
        }
        None => {
            let gone = s3.delete_bucket_policy().bucket(to.key).send().await;
            done("removing the policy of the bucket", gone).map(drop)
        }
    }
}

pub async fn rules(to: PartWrite<'_>) -> Result<(), DriverError> {
    let wanted = lifecycle::write(to.after.get("lifecycle"))?;
    // Where S3 is not told, it takes 128 KiB as well.
    let least = match text(to.after, "transition_minimum") {
        Some("by-class") => MinimumSize::VariesByStorageClass,
        _ => MinimumSize::AllStorageClasses128K,
    };
    let put = to.region.s3().await.put_bucket_lifecycle_configuration().bucket(to.key);
    let put = put.transition_default_minimum_object_size(least);
    done("changing the lifecycle of the bucket", put.lifecycle_configuration(wanted).send().await).map(drop)
}

pub async fn no_rules(to: PartWrite<'_>) -> Result<(), DriverError> {
    let gone = to.region.s3().await.delete_bucket_lifecycle().bucket(to.key).send().await;
    done("removing the lifecycle of the bucket", gone).map(drop)
}

pub async fn replication(to: PartWrite<'_>) -> Result<(), DriverError> {
    let whole = copies::write(to.after).map_err(unbuildable)?;
    let put = to.region.s3().await.put_bucket_replication().bucket(to.key);
    let put = put.replication_configuration(whole).send().await;
    done("changing the replication of the bucket", put).map(drop)
}

pub async fn no_replication(to: PartWrite<'_>) -> Result<(), DriverError> {
    let gone = to.region.s3().await.delete_bucket_replication().bucket(to.key).send().await;
    done("removing the replication of the bucket", gone).map(drop)
}

/// Gives the bucket these tags and no others.
pub async fn retag(region: &Region, name: &str, tags: &Tags) -> Result<(), DriverError> {
    let s3 = region.s3().await;
    if tags.is_empty() {
        let gone = s3.delete_bucket_tagging().bucket(name).send().await;
        return done("removing the tags of the bucket", gone).map(drop);
    }
    let set = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    let set = set.collect::<Result<Vec<_>, _>>().and_then(|set| Tagging::builder().set_tag_set(Some(set)).build());
    let put = s3.put_bucket_tagging().bucket(name).tagging(set.map_err(unbuildable)?).send().await;
    done("tagging the bucket", put).map(drop)
}
