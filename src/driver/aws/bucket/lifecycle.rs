//! Lifecycle rules, from and to S3's words. They are written as a whole, so all that S3 has a word for is read as well. S3
//! counts in days.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration, NoncurrentVersionTransition, Tag,
    Transition, TransitionStorageClass,
};

use super::words::{age, class, class_of, days, flag, int, number, present, text};
use crate::driver::{Class, DriverError};
use crate::value::Value;

/// The day on which something happens begins with this time: S3 takes no other one.
const MIDNIGHT: &str = "T00:00:00Z";

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
    let expiration = rule.expiration();
    let old = rule.noncurrent_version_expiration();
    let moves = rule.transitions().iter().map(|one| {
        Value::default()
            .with(&["after"], one.days().map(|count| days(Some(count))).unwrap_or_default())
            .with(&["on"], day(one.date()))
            .with(&["to"], one.storage_class().map(|word| class(word.as_str())).unwrap_or_default())
    });
    let old_moves = rule.noncurrent_version_transitions().iter().map(|one| {
        Value::default()
            .with(&["after"], days(Some(one.noncurrent_days().unwrap_or_default())))
            .with(&["to"], one.storage_class().map(|word| class(word.as_str())).unwrap_or_default())
            .with(&["keep"], number(one.newer_noncurrent_versions()))
    });
    let uploads = rule.abort_incomplete_multipart_upload().and_then(|one| one.days_after_initiation());
    let filter = read_filter(rule);
    Value::default()
        .with(&["id"], present(rule.id()))
        .with(&["enabled"], Value::Bool(*rule.status() == ExpirationStatus::Enabled))
        .with(&["prefix"], present(filter.prefix()))
        .with(&["tags"], super::words::tags(filter.tags()))
        .with(&["larger_than"], filter.object_size_greater_than().map(Value::Int).unwrap_or_default())
        .with(&["smaller_than"], filter.object_size_less_than().map(Value::Int).unwrap_or_default())
        .with(&["expire_after"], days(expiration.and_then(LifecycleExpiration::days).filter(|days| *days > 0)))
        .with(&["expire_on"], day(expiration.and_then(LifecycleExpiration::date)))
        .with(&["remove_markers"], flag(expiration.and_then(LifecycleExpiration::expired_object_delete_marker)))
        .with(&["expire_noncurrent_after"], days(old.and_then(NoncurrentVersionExpiration::noncurrent_days)))
        .with(&["keep_noncurrent"], number(old.and_then(NoncurrentVersionExpiration::newer_noncurrent_versions)))
        .with(&["abort_uploads_after"], days(uploads))
        .with(&["transitions"], Value::List(moves.collect()))
        .with(&["noncurrent_transitions"], Value::List(old_moves.collect()))
}

/// The filter of a rule, whichever of S3's four ways to write one was taken.
fn read_filter(rule: &LifecycleRule) -> LifecycleRuleAndOperator {
    let filter = rule.filter();
    if let Some(all) = filter.and_then(LifecycleRuleFilter::and) {
        return all.clone();
    }
    // The prefix of a rule itself is S3's former way to say it.
    #[allow(deprecated, reason = "rules that were written that way are still there")]
    let former = rule.prefix();
    LifecycleRuleAndOperator::builder()
        .set_prefix(filter.and_then(LifecycleRuleFilter::prefix).or(former).map(str::to_owned))
        .set_tags(filter.and_then(LifecycleRuleFilter::tag).map(|tag| vec![tag.clone()]))
        .set_object_size_greater_than(filter.and_then(LifecycleRuleFilter::object_size_greater_than))
        .set_object_size_less_than(filter.and_then(LifecycleRuleFilter::object_size_less_than))
        .build()
}

fn write_rule(rule: &Value) -> Result<LifecycleRule, BuildError> {
    let moves = rule.at("transitions").map(Value::items).unwrap_or_default().iter().map(|one| {
        Transition::builder()
            .set_days(age(one, "after"))
            .set_date(date(one, "on"))
            .storage_class(TransitionStorageClass::from(class_of(one, "to").as_str()))
            .build()
    });
    let old_moves = rule.at("noncurrent_transitions").map(Value::items).unwrap_or_default().iter().map(|one| {
        NoncurrentVersionTransition::builder()
            .set_noncurrent_days(age(one, "after"))
            .storage_class(TransitionStorageClass::from(class_of(one, "to").as_str()))
            .set_newer_noncurrent_versions(int(one, "keep"))
            .build()
    });
    let (moves, old_moves): (Vec<_>, Vec<_>) = (moves.collect(), old_moves.collect());
    let markers = rule.at("remove_markers") == Some(&Value::Bool(true));
    let expires = age(rule, "expire_after").is_some() || date(rule, "expire_on").is_some() || markers;
    let expiration = expires.then(|| {
        LifecycleExpiration::builder()
            .set_days(age(rule, "expire_after"))
            .set_date(date(rule, "expire_on"))
            .set_expired_object_delete_marker(markers.then_some(true))
            .build()
    });
    let old = age(rule, "expire_noncurrent_after").map(|days| {
        let kept = int(rule, "keep_noncurrent");
        NoncurrentVersionExpiration::builder().noncurrent_days(days).set_newer_noncurrent_versions(kept).build()
    });
    let uploads = age(rule, "abort_uploads_after")
        .map(|days| AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build());
    let enabled = rule.at("enabled") != Some(&Value::Bool(false));
    LifecycleRule::builder()
        .set_id(text(rule, "id").map(str::to_owned))
        .status(if enabled { ExpirationStatus::Enabled } else { ExpirationStatus::Disabled })
        .filter(write_filter(rule)?)
        .set_expiration(expiration)
        .set_noncurrent_version_expiration(old)
        .set_abort_incomplete_multipart_upload(uploads)
        .set_transitions((!moves.is_empty()).then_some(moves))
        .set_noncurrent_version_transitions((!old_moves.is_empty()).then_some(old_moves))
        .build()
}

/// S3 takes one condition as itself, and several only together.
fn write_filter(rule: &Value) -> Result<LifecycleRuleFilter, BuildError> {
    let (prefix, tags) = (text(rule, "prefix"), super::words::to_tags(rule.at("tags"))?);
    let size = |name: &str| rule.at(name).and_then(Value::as_int);
    let (above, below) = (size("larger_than"), size("smaller_than"));
    let filter = LifecycleRuleFilter::builder();
    let count = usize::from(prefix.is_some()) + tags.len() + above.iter().count() + below.iter().count();
    if count < 2 {
        // Without any condition, a rule is about all objects.
        let prefix = prefix.or((count == 0).then_some("")).map(str::to_owned);
        let filter = filter.set_prefix(prefix).set_tag(tags.into_iter().next());
        return Ok(filter.set_object_size_greater_than(above).set_object_size_less_than(below).build());
    }
    let all = LifecycleRuleAndOperator::builder()
        .set_prefix(prefix.map(str::to_owned))
        .set_tags(Some(tags).filter(|tags: &Vec<Tag>| !tags.is_empty()))
        .set_object_size_greater_than(above)
        .set_object_size_less_than(below);
    Ok(filter.and(all.build()).build())
}

/// A day as the spec says it; a moment that S3 does not take is told as it is.
fn day(date: Option<&DateTime>) -> Value {
    let text = date.and_then(|date| date.fmt(DateTimeFormat::DateTime).ok());
    text.map(|text| Value::from(text.strip_suffix(MIDNIGHT).unwrap_or(&text))).unwrap_or_default()
}

fn date(rule: &Value, name: &str) -> Option<DateTime> {
    let said = text(rule, name)?;
    let whole = if said.contains('T') { said.to_owned() } else { [said, MIDNIGHT].concat() };
    DateTime::from_str(&whole, DateTimeFormat::DateTime).ok()
}
