//! Reading the parts of a bucket.

use aws_sdk_s3::types::{
    BucketVersioningStatus, EncryptionType, ServerSideEncryption, TransitionDefaultMinimumObjectSize as MinimumSize,
};

use super::{acl, lifecycle, replication};
use crate::driver::aws::api::PartRead;
use crate::driver::aws::error::{classify, code, found};
use crate::driver::aws::mark::Tags;
use crate::driver::aws::object::{Told, unless_usual};
use crate::driver::aws::region::Region;
use crate::driver::protocol::is_managed;
use crate::driver::{Class, DriverError};
use crate::kind::document;
use crate::value::{Attributes, Value};

/// The four blocks of public access, in the order in which S3 lists them.
pub const BLOCKS: [&str; 4] = ["block_acls", "ignore_acls", "block_policies", "restrict"];

/// The tags of a bucket; none when there is no such bucket.
pub async fn tags(region: &Region, name: &str) -> Result<Option<Tags>, DriverError> {
    let s3 = region.s3().await;
    // Another account may let everybody read its bucket, which is none of this one's all the same.
    let ask = s3.get_bucket_tagging().bucket(name).expected_bucket_owner(region.account().await?);
    match ask.send().await {
        Ok(answer) => {
            Ok(Some(answer.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()))
        }
        Err(error) if code(&error).starts_with("NoSuchTagSet") => Ok(Some(Tags::new())),
        other => match found("reading the tags of a bucket", other) {
            Err(error) if error.class == Class::Denied => Err(whose(region, name, error).await),
            other => other.map(|_| None),
        },
    }
}

/// What it means that a bucket may not be looked at: a list has the account's own buckets, and any other one is another's.
async fn whose(region: &Region, name: &str, denied: DriverError) -> DriverError {
    let s3 = region.s3().await;
    let mut pages = s3.list_buckets().into_paginator().send();
    while let Some(page) = pages.next().await {
        let Ok(page) = page else { return denied };
        if page.buckets().iter().any(|bucket| bucket.name() == Some(name)) {
            return denied;
        }
    }
    let why = "a bucket's name is unique in all of AWS, and another account has this one: choose another `name`";
    DriverError::new(Class::Conflict, why)
}

pub async fn versioning(at: PartRead<'_>) -> Result<Told, DriverError> {
    let on = match at.region.s3().await.get_bucket_versioning().bucket(&at.described.key).send().await {
        Ok(answer) => answer.status() == Some(&BucketVersioningStatus::Enabled),
        // Some servers give the answer another name than S3 does, which the SDK refuses. Its content is read from the
        // text.
        Err(error) if error.raw_response().is_some_and(|raw| raw.status().is_success()) => {
            let body = error.raw_response().and_then(|raw| raw.body().bytes()).unwrap_or_default();
            String::from_utf8_lossy(body).contains("<Status>Enabled</Status>")
        }
        Err(error) => return Err(classify("reading the versioning of a bucket", &error)),
    };
    Ok(vec![("versioning", Value::Bool(on))])
}

pub async fn encryption(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_bucket_encryption().bucket(&at.described.key).send().await;
    let answer = found("reading the encryption of a bucket", ask)?;
    let answer = answer.and_then(|answer| answer.server_side_encryption_configuration);
    let rule = answer.as_ref().and_then(|one| one.rules().first());
    let by_default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default());
    // Without a rule, S3 encrypts with its own keys.
    let word = match by_default.map(|by_default| by_default.sse_algorithm()) {
        None | Some(ServerSideEncryption::Aes256) => "aes256",
        Some(ServerSideEncryption::AwsKmsDsse) => "kms-dsse",
        Some(_) => "kms",
    };
    let kms = word != "aes256";
    let key = by_default.filter(|_| kms).and_then(|by_default| by_default.kms_master_key_id());
    let blocked = rule.and_then(|rule| rule.blocked_encryption_types()).map(|types| {
        let is_blocked = types.encryption_type().contains(&EncryptionType::SseC);
        Value::from(if is_blocked { "blocked" } else { "allowed" })
    });
    // Accounts differ in what a bucket has of this when nobody says it.
    let said = is_managed("customer_keys", at.described.mark.as_ref(), at.wanted);
    let bucket_key = rule.and_then(|rule| rule.bucket_key_enabled).is_some_and(|on| on && word == "kms");
    Ok(vec![
        ("encryption", word.into()),
        ("kms_key", key.map(Value::from).unwrap_or_default()),
        ("bucket_key", unless_usual("bucket_key", Value::Bool(bucket_key), &Value::Bool(false), at.wanted)),
        ("customer_keys", blocked.filter(|_| said).unwrap_or_default()),
    ])
}

pub async fn public_access(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_public_access_block().bucket(&at.described.key).send().await;
    let answer = found("reading the public access block of a bucket", ask)?;
    let answer = answer.and_then(|answer| answer.public_access_block_configuration);
    let on = |flag: Option<bool>| flag == Some(true);
    let flags = answer.map_or([false; 4], |block| {
        [block.block_public_acls, block.ignore_public_acls, block.block_public_policy, block.restrict_public_buckets]
            .map(on)
    });
    let parts = BLOCKS.iter().zip(flags).map(|(name, on)| ((*name).into(), Value::Bool(on)));
    let parts = Value::Map(parts.collect());
    let word = match flags {
        [true, true, true, true] => Some(Value::from("blocked")),
        [false, false, false, false] => Some("allowed".into()),
        _ => None,
    };
    // It is told in the form in which the spec says it, or did when it was last applied.
    let digest = at.described.mark.as_ref().and_then(|mark| mark.digest_of("public_access"));
    let applied = |value: &Value| digest.is_some_and(|digest| digest == value.digest());
    let said = at.wanted.map(|wanted| wanted.get("public_access"));
    let as_parts = said.is_some_and(|said| *said == parts)
        || applied(&parts) && said.is_none_or(|said| Some(said) != word.as_ref());
    Ok(vec![("public_access", word.filter(|_| !as_parts).unwrap_or(parts))])
}

pub async fn ownership(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_bucket_ownership_controls().bucket(&at.described.key).send().await;
    let answer = found("reading the ownership of a bucket's objects", ask)?;
    let answer = answer.and_then(|answer| answer.ownership_controls);
    let rule = answer.as_ref().and_then(|controls| controls.rules().first());
    let owner = match rule.map(|rule| rule.object_ownership().as_str()) {
        Some("BucketOwnerEnforced") => "bucket-owner-enforced",
        Some("BucketOwnerPreferred") => "bucket-owner-preferred",
        _ => "object-writer",
    };
    if owner == "bucket-owner-enforced" {
        // No list counts then, whatever it says.
        return Ok(vec![("object_ownership", owner.into()), ("acl", usual_acl("private".into(), at.wanted))]);
    }
    let list = acl::list(at.region, &at.described.key, at.wanted.map(|wanted| wanted.get("acl"))).await?;
    Ok(vec![("object_ownership", owner.into()), ("acl", usual_acl(list, at.wanted))])
}

fn usual_acl(list: Value, wanted: Option<&Attributes>) -> Value {
    unless_usual("acl", list, &"private".into(), wanted)
}

pub async fn policy(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_bucket_policy().bucket(&at.described.key).send().await;
    let answer = found("reading the policy of a bucket", ask)?;
    let answer = answer.and_then(|answer| answer.policy);
    let (own, secure) =
        answer.map_or((None, false), |policy| document::split_secure_transport(&policy, &at.described.key));
    let said = at.wanted.and_then(|wanted| wanted.get("policy").as_str());
    let own = own.map(|own| match said.filter(|said| document::same(said, &own)) {
        Some(said) => said.into(),
        None => Value::from(own.as_str()),
    });
    Ok(vec![("policy", own.unwrap_or_default()), ("secure_transport", Value::Bool(secure))])
}

pub async fn rules(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_bucket_lifecycle_configuration().bucket(&at.described.key).send().await;
    let answer = found("reading the lifecycle of a bucket", ask)?;
    let Some(answer) = answer else { return Ok(Told::new()) };
    let by_class = answer.transition_default_minimum_object_size() == Some(&MinimumSize::VariesByStorageClass);
    let least = if by_class { "by-class" } else { "128-kib" };
    Ok(vec![
        ("lifecycle", lifecycle::read(answer.rules())),
        ("transition_minimum", unless_usual("transition_minimum", least.into(), &"128-kib".into(), at.wanted)),
    ])
}

pub async fn copies(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_bucket_replication().bucket(&at.described.key).send().await;
    let answer = found("reading the replication of a bucket", ask)?;
    let answer = answer.and_then(|answer| answer.replication_configuration);
    let long = is_managed("replication_rules", at.described.mark.as_ref(), at.wanted);
    Ok(answer.map(|whole| replication::read(&whole, long)).unwrap_or_default())
}
