//! Lifecycle rules, from and to S3's words. S3 counts in days.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, NoncurrentVersionExpiration, Transition, TransitionStorageClass,
};

use crate::driver::{Class, DriverError};
use crate::kind::duration;
use crate::value::Value;

const DAY: u64 = 86_400;

/// The rules as the spec says them.
pub(super) fn read(rules: &[LifecycleRule]) -> Value {
    Value::List(rules.iter().map(read_rule).collect())
}

/// The rules as S3 takes them.
pub(super) fn write(rules: &Value) -> Result<BucketLifecycleConfiguration, DriverError> {
    let rules = rules.items().iter().map(write_rule).collect::<Result<Vec<_>, _>>();
    let whole = rules.and_then(|rules| BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build());
    whole.map_err(|error| DriverError::from_source(Class::Invalid, "the lifecycle rules can't be written", error))
}

fn read_rule(rule: &LifecycleRule) -> Value {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(Value::from).unwrap_or_default();
    let prefix = rule.filter().and_then(|filter| filter.prefix());
    let noncurrent = rule.noncurrent_version_expiration().and_then(|one| one.noncurrent_days());
    let uploads = rule.abort_incomplete_multipart_upload().and_then(|one| one.days_after_initiation());
    let moves = rule.transitions().iter().map(|one| {
        let class = one.storage_class().map(|class| class.as_str().to_lowercase().replace('_', "-"));
        Value::default()
            .with(&["after"], days(Some(one.days().unwrap_or_default())))
            .with(&["to"], class.map(|class| Value::from(class.as_str())).unwrap_or_default())
    });
    let moves: Vec<Value> = moves.collect();
    Value::default()
        .with(&["id"], text(rule.id()))
        .with(&["prefix"], text(prefix))
        .with(&["expire_after"], days(rule.expiration().and_then(LifecycleExpiration::days)))
        .with(&["expire_noncurrent_after"], days(noncurrent))
        .with(&["abort_uploads_after"], days(uploads))
        .with(&["transitions"], if moves.is_empty() { Value::Null } else { Value::List(moves) })
}

fn write_rule(rule: &Value) -> Result<LifecycleRule, aws_sdk_s3::error::BuildError> {
    let text = |name: &str| rule.at(name).and_then(Value::as_str);
    let age = |name: &str| text(name).map(in_days);
    let moves = rule.at("transitions").map(Value::items).unwrap_or_default().iter().map(|one| {
        let class = one.at("to").and_then(Value::as_str).unwrap_or_default().to_uppercase().replace('-', "_");
        let after = one.at("after").and_then(Value::as_str).map(in_days);
        Transition::builder().set_days(after).storage_class(TransitionStorageClass::from(class.as_str())).build()
    });
    let moves: Vec<Transition> = moves.collect();
    let expiration = age("expire_after").map(|days| LifecycleExpiration::builder().days(days).build());
    let noncurrent = age("expire_noncurrent_after");
    let uploads = age("abort_uploads_after");
    LifecycleRule::builder()
        .set_id(text("id").map(str::to_owned))
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(text("prefix").unwrap_or_default()).build())
        .set_expiration(expiration)
        .set_noncurrent_version_expiration(
            noncurrent.map(|days| NoncurrentVersionExpiration::builder().noncurrent_days(days).build()),
        )
        .set_abort_incomplete_multipart_upload(
            uploads.map(|days| AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build()),
        )
        .set_transitions(if moves.is_empty() { None } else { Some(moves) })
        .build()
}

fn days(days: Option<i32>) -> Value {
    let seconds = days.and_then(|days| u64::try_from(days).ok()).map(|days| days * DAY);
    seconds.map(|seconds| Value::from(duration::format(seconds).as_str())).unwrap_or_default()
}

fn in_days(text: &str) -> i32 {
    i32::try_from(duration::parse(text).unwrap_or_default() / DAY).unwrap_or(i32::MAX)
}
