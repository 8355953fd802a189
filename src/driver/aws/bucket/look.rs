//! Looking at buckets: its tags first, then only what is Atlas's business.

use aws_sdk_s3::types::{BucketVersioningStatus, ServerSideEncryption};

use super::lifecycle;
use crate::driver::DriverError;
use crate::driver::aws::error::{classify, code, is_absent};
use crate::driver::aws::mark::{self, Tags};
use crate::driver::aws::region::Region;
use crate::driver::aws::sight::{Sight, is_managed};
use crate::kind::{self, Outputs, Usage, document};
use crate::value::{Attributes, Value};

/// A bucket with more than this many pages of a thousand versions is full enough to be called that.
const PAGES: usize = 10;

/// The names of all buckets of a region.
pub async fn list(region: &Region) -> Result<Vec<String>, DriverError> {
    let s3 = &region.clients().await.s3;
    // Buckets are listed for all regions at once; only AWS itself tells them apart.
    let only = region.settings.endpoint.is_none().then(|| region.name().to_owned());
    let mut pages = s3.list_buckets().set_bucket_region(only).into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify("listing buckets", &error))?;
        names.extend(page.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)));
    }
    Ok(names)
}

/// Looks at one bucket, as far as it is Atlas's business; with `usage`, also at what it holds.
pub async fn look(
    region: &Region,
    name: &str,
    wanted: Option<&Attributes>,
    any: bool,
    usage: bool,
) -> Result<Option<Sight>, DriverError> {
    let Some(tags) = tags(region, name).await? else { return Ok(None) };
    if !any && mark::read(&tags).is_none() {
        return Ok(None);
    }
    let mut attributes = vec![("name", name.into())];
    let managed = |attribute: &str| is_managed(attribute, &tags, wanted);
    if managed("versioning") {
        attributes.push(("versioning", versioning(region, name).await?));
    }
    if managed("encryption") || managed("kms_key") {
        attributes.extend(encryption(region, name).await?);
    }
    if managed("public_access") {
        attributes.push(("public_access", public_access(region, name).await?));
    }
    if managed("object_ownership") {
        attributes.push(("object_ownership", ownership(region, name).await?));
    }
    if managed("policy") || managed("secure_transport") {
        attributes.extend(policy(region, name, wanted).await?);
    }
    if managed("lifecycle") {
        attributes.push(("lifecycle", rules(region, name).await?));
    }
    if managed("replication") {
        attributes.push(("replication", replication(region, name).await?));
    }
    if managed("logging") {
        attributes.push(("logging", logging(region, name).await?));
    }
    let usage = if usage { counted(region, name).await? } else { Usage::default() };
    Ok(Some(Sight {
        kind: kind::get("bucket").unwrap_or(kind::ALL[0]),
        identity: format!("{}/bucket/{name}", region.identity()),
        host: region.identity(),
        arn: format!("arn:aws:s3:::{name}"),
        tags,
        attributes,
        outputs: Outputs::default(),
        usage,
    }))
}

/// The tags of a bucket; none when there is no such bucket.
async fn tags(region: &Region, name: &str) -> Result<Option<Tags>, DriverError> {
    let s3 = &region.clients().await.s3;
    match s3.get_bucket_tagging().bucket(name).send().await {
        Ok(answer) => {
            Ok(Some(answer.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()))
        }
        Err(error) if code(&error).starts_with("NoSuchTagSet") => Ok(Some(Tags::new())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(classify("reading the tags of a bucket", &error)),
    }
}

async fn versioning(region: &Region, name: &str) -> Result<Value, DriverError> {
    let on = match region.clients().await.s3.get_bucket_versioning().bucket(name).send().await {
        Ok(answer) => answer.status() == Some(&BucketVersioningStatus::Enabled),
        // Some servers name the answer otherwise than S3 does. The SDK insists on the name; what it says is plain.
        Err(error) if error.raw_response().is_some_and(|raw| raw.status().is_success()) => {
            let body = error.raw_response().and_then(|raw| raw.body().bytes()).unwrap_or_default();
            String::from_utf8_lossy(body).contains("<Status>Enabled</Status>")
        }
        Err(error) => return Err(classify("reading the versioning of a bucket", &error)),
    };
    Ok(Value::Bool(on))
}

async fn encryption(region: &Region, name: &str) -> Result<[(&'static str, Value); 2], DriverError> {
    let answer = match region.clients().await.s3.get_bucket_encryption().bucket(name).send().await {
        Ok(answer) => answer.server_side_encryption_configuration,
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(classify("reading the encryption of a bucket", &error)),
    };
    let rule = answer.as_ref().and_then(|one| one.rules().first()?.apply_server_side_encryption_by_default());
    // S3 encrypts with its own keys whatever nobody says anything about.
    let kms = rule.is_some_and(|rule| *rule.sse_algorithm() != ServerSideEncryption::Aes256);
    let key = rule.filter(|_| kms).and_then(|rule| rule.kms_master_key_id());
    Ok([
        ("encryption", if kms { "kms".into() } else { "aes256".into() }),
        ("kms_key", key.map(Value::from).unwrap_or_default()),
    ])
}

async fn public_access(region: &Region, name: &str) -> Result<Value, DriverError> {
    let answer = match region.clients().await.s3.get_public_access_block().bucket(name).send().await {
        Ok(answer) => answer.public_access_block_configuration,
        Err(error) if is_absent(&error) || code(&error).starts_with("NoSuchPublicAccessBlock") => None,
        Err(error) => return Err(classify("reading the public access block of a bucket", &error)),
    };
    let blocked = answer.is_some_and(|block| {
        [block.block_public_acls, block.ignore_public_acls, block.block_public_policy, block.restrict_public_buckets]
            .iter()
            .all(|one| *one == Some(true))
    });
    Ok(if blocked { "blocked".into() } else { "allowed".into() })
}

async fn ownership(region: &Region, name: &str) -> Result<Value, DriverError> {
    let answer = match region.clients().await.s3.get_bucket_ownership_controls().bucket(name).send().await {
        Ok(answer) => answer.ownership_controls,
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(classify("reading the ownership of a bucket's objects", &error)),
    };
    let rule = answer.as_ref().and_then(|controls| controls.rules().first());
    Ok(match rule.map(|rule| rule.object_ownership().as_str()) {
        Some("BucketOwnerEnforced") => "bucket-owner-enforced".into(),
        Some("BucketOwnerPreferred") => "bucket-owner-preferred".into(),
        _ => "object-writer".into(),
    })
}

async fn policy(
    region: &Region,
    name: &str,
    wanted: Option<&Attributes>,
) -> Result<[(&'static str, Value); 2], DriverError> {
    let answer = match region.clients().await.s3.get_bucket_policy().bucket(name).send().await {
        Ok(answer) => answer.policy,
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(classify("reading the policy of a bucket", &error)),
    };
    let (own, secure) = answer.map_or((None, false), |policy| document::split_secure_transport(&policy, name));
    let said = wanted.and_then(|wanted| wanted.get("policy").as_str());
    let own = own.map(|own| match said.filter(|said| document::same(said, &own)) {
        Some(said) => said.into(),
        None => Value::from(own.as_str()),
    });
    Ok([("policy", own.unwrap_or_default()), ("secure_transport", Value::Bool(secure))])
}

async fn rules(region: &Region, name: &str) -> Result<Value, DriverError> {
    match region.clients().await.s3.get_bucket_lifecycle_configuration().bucket(name).send().await {
        Ok(answer) => Ok(lifecycle::read(answer.rules())),
        Err(error) if is_absent(&error) => Ok(Value::Null),
        Err(error) => Err(classify("reading the lifecycle of a bucket", &error)),
    }
}

async fn replication(region: &Region, name: &str) -> Result<Value, DriverError> {
    let answer = match region.clients().await.s3.get_bucket_replication().bucket(name).send().await {
        Ok(answer) => answer.replication_configuration,
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(classify("reading the replication of a bucket", &error)),
    };
    let Some(whole) = answer else { return Ok(Value::Null) };
    let rule = whole.rules().first();
    let to = rule.and_then(|rule| rule.destination()).map(|destination| destination.bucket());
    let prefix = rule.and_then(|rule| rule.filter()?.prefix()).filter(|prefix| !prefix.is_empty());
    Ok(Value::default()
        .with(&["to"], to.map(Value::from).unwrap_or_default())
        .with(&["role"], whole.role().into())
        .with(&["prefix"], prefix.map(Value::from).unwrap_or_default()))
}

async fn logging(region: &Region, name: &str) -> Result<Value, DriverError> {
    let answer = region.clients().await.s3.get_bucket_logging().bucket(name).send().await;
    let answer = answer.map_err(|error| classify("reading the access log of a bucket", &error))?;
    let Some(target) = answer.logging_enabled() else { return Ok(Value::Null) };
    let to = format!("arn:aws:s3:::{}", target.target_bucket());
    Ok(Value::Map(
        [("to".into(), Value::from(to.as_str())), ("prefix".into(), target.target_prefix().into())]
            .into_iter()
            .collect(),
    ))
}

/// How many versions of objects it holds, and how many bytes they have together.
async fn counted(region: &Region, name: &str) -> Result<Usage, DriverError> {
    let s3 = &region.clients().await.s3;
    let (mut objects, mut bytes) = (0, 0);
    let (mut key, mut version) = (None, None);
    for _ in 0..PAGES {
        let ask = s3.list_object_versions().bucket(name).set_key_marker(key).set_version_id_marker(version);
        let page = match ask.send().await {
            Err(error) if is_absent(&error) => break,
            other => other.map_err(|error| classify("counting the objects of a bucket", &error))?,
        };
        objects += (page.versions().len() + page.delete_markers().len()) as u64;
        bytes += page.versions().iter().filter_map(|one| u64::try_from(one.size()?).ok()).sum::<u64>();
        if page.is_truncated() != Some(true) {
            break;
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    }
    Ok(Usage::from_iter([("bytes".into(), bytes), ("objects".into(), objects)]))
}
