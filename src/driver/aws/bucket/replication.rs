//! Replication, from and to S3's words. It is written as a whole, so all that S3 has a word for is read as well.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AccessControlTranslation, DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination,
    EncryptionConfiguration, ExistingObjectReplication, ExistingObjectReplicationStatus, Metrics, MetricsStatus,
    OwnerOverride, ReplicaModifications, ReplicaModificationsStatus, ReplicationConfiguration, ReplicationRule,
    ReplicationRuleAndOperator, ReplicationRuleFilter, ReplicationRuleStatus, ReplicationTime, ReplicationTimeStatus,
    ReplicationTimeValue, SourceSelectionCriteria, SseKmsEncryptedObjects, SseKmsEncryptedObjectsStatus, StorageClass,
};

use super::words::{class, class_of, int, number, present, tags, text, to_tags};
use crate::driver::aws::object::Told;
use crate::value::{Attributes, Value};

/// The name of the one rule of the short form.
const SHORT: &str = "atlas";

/// The only time that S3 takes, in minutes.
const MINUTES: i32 = 15;

/// What the spec may say of a rule in its short form; the name and the priority of a single rule mean nothing.
const IN_SHORT: [&str; 2] = ["to", "prefix"];
const MEANINGLESS: [&str; 2] = ["id", "priority"];

/// The replication as the spec says it: in its short form where that says all of it, unless the spec says it in the long
/// one.
pub(super) fn read(whole: &ReplicationConfiguration, long: bool) -> Told {
    let rules: Vec<Value> = whole.rules().iter().map(read_rule).collect();
    let role = present(Some(whole.role()));
    if let ([rule], false) = (rules.as_slice(), long)
        && is_short(rule)
    {
        let to = rule.at("to").cloned().unwrap_or_default();
        let prefix = rule.at("prefix").cloned().unwrap_or_default();
        return vec![(
            "replication",
            Value::default().with(&["to"], to).with(&["role"], role).with(&["prefix"], prefix),
        )];
    }
    vec![("replication_rules", Value::default().with(&["role"], role).with(&["rules"], Value::List(rules)))]
}

/// The replication as S3 takes it.
pub(super) fn write(attributes: &Attributes) -> Result<ReplicationConfiguration, BuildError> {
    let (short, long) = (attributes.get("replication"), attributes.get("replication_rules"));
    let rules = if long.is_null() {
        let rule = short.clone().with(&["id"], SHORT.into()).with(&["priority"], Value::Int(1));
        vec![write_rule(&rule)?]
    } else {
        long.at("rules").map(Value::items).unwrap_or_default().iter().map(write_rule).collect::<Result<_, _>>()?
    };
    let role = text(if long.is_null() { short } else { long }, "role").unwrap_or_default();
    ReplicationConfiguration::builder().role(role).set_rules(Some(rules)).build()
}

fn is_short(rule: &Value) -> bool {
    let plain = |name: &str, value: &Value| match name {
        "enabled" => *value == Value::Bool(true),
        _ => value.is_null() || *value == Value::Bool(false),
    };
    let Value::Map(entries) = rule else { return false };
    let mut others = entries.iter().filter(|(name, _)| !IN_SHORT.contains(&name.as_str()));
    others.all(|(name, value)| MEANINGLESS.contains(&name.as_str()) || plain(name, value))
}

fn read_rule(rule: &ReplicationRule) -> Value {
    let filter = rule.filter();
    let both = filter.and_then(ReplicationRuleFilter::and);
    // The prefix of a rule itself is S3's former way to say it.
    #[allow(deprecated, reason = "rules that were written that way are still there")]
    let former = rule.prefix();
    let prefix = both.and_then(ReplicationRuleAndOperator::prefix).or(filter.and_then(ReplicationRuleFilter::prefix));
    let tag = filter.and_then(ReplicationRuleFilter::tag).map(std::slice::from_ref).unwrap_or_default();
    let to = rule.destination();
    let source = rule.source_selection_criteria();
    let on = |is: bool| Value::Bool(is);
    let markers = rule.delete_marker_replication().and_then(DeleteMarkerReplication::status);
    // A rule without a filter is of the first version of these rules, which copies that an object was deleted:
    // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-marker-replication.html>.
    let marks = filter.is_none() || markers == Some(&DeleteMarkerReplicationStatus::Enabled);
    let time = to.and_then(Destination::replication_time);
    let key = to.and_then(Destination::encryption_configuration);
    let owner = to.and_then(Destination::access_control_translation);
    let encrypted = source.and_then(SourceSelectionCriteria::sse_kms_encrypted_objects);
    let replicas = source.and_then(SourceSelectionCriteria::replica_modifications);
    let existing = rule.existing_object_replication();
    let metrics = to.and_then(Destination::metrics);
    Value::default()
        .with(&["id"], present(rule.id()))
        .with(&["enabled"], on(*rule.status() == ReplicationRuleStatus::Enabled))
        .with(&["priority"], number(Some(rule.priority().unwrap_or_default())))
        .with(&["prefix"], present(prefix.or(former)))
        .with(&["tags"], tags(both.map_or(tag, ReplicationRuleAndOperator::tags)))
        .with(&["to"], present(to.map(Destination::bucket)))
        .with(
            &["storage_class"],
            to.and_then(Destination::storage_class).map(|it| class(it.as_str())).unwrap_or_default(),
        )
        .with(&["delete_markers"], on(marks))
        .with(&["existing"], on(existing.is_some_and(|it| *it.status() == ExistingObjectReplicationStatus::Enabled)))
        .with(&["replica_changes"], on(replicas.is_some_and(|it| *it.status() == ReplicaModificationsStatus::Enabled)))
        .with(&["account"], present(to.and_then(Destination::account)))
        .with(&["own_copies"], on(owner.is_some()))
        .with(&["encrypted"], on(encrypted.is_some_and(|it| *it.status() == SseKmsEncryptedObjectsStatus::Enabled)))
        .with(&["kms_key"], present(key.and_then(EncryptionConfiguration::replica_kms_key_id)))
        .with(&["within_15_minutes"], on(time.is_some_and(|it| *it.status() == ReplicationTimeStatus::Enabled)))
        .with(&["metrics"], on(metrics.is_some_and(|it| *it.status() == MetricsStatus::Enabled)))
}

fn write_rule(rule: &Value) -> Result<ReplicationRule, BuildError> {
    let on = |name: &str| rule.at(name) == Some(&Value::Bool(true));
    let markers = match on("delete_markers") {
        true => DeleteMarkerReplicationStatus::Enabled,
        false => DeleteMarkerReplicationStatus::Disabled,
    };
    let existing = on("existing")
        .then(|| ExistingObjectReplication::builder().status(ExistingObjectReplicationStatus::Enabled).build());
    let enabled = rule.at("enabled") != Some(&Value::Bool(false));
    ReplicationRule::builder()
        .set_id(text(rule, "id").map(str::to_owned))
        .set_priority(int(rule, "priority").or(Some(0)))
        .status(if enabled { ReplicationRuleStatus::Enabled } else { ReplicationRuleStatus::Disabled })
        .filter(write_filter(rule)?)
        .delete_marker_replication(DeleteMarkerReplication::builder().status(markers).build())
        .set_existing_object_replication(existing.transpose()?)
        .set_source_selection_criteria(write_source(&on)?)
        .destination(write_destination(rule, &on)?)
        .build()
}

/// S3 takes one condition as itself, and several only together.
fn write_filter(rule: &Value) -> Result<ReplicationRuleFilter, BuildError> {
    let (prefix, tags) = (text(rule, "prefix"), to_tags(rule.at("tags"))?);
    let filter = ReplicationRuleFilter::builder();
    if tags.is_empty() {
        // Without any condition, a rule is about all objects.
        return Ok(filter.prefix(prefix.unwrap_or_default()).build());
    }
    if prefix.is_none() && tags.len() == 1 {
        return Ok(filter.set_tag(tags.into_iter().next()).build());
    }
    let both = ReplicationRuleAndOperator::builder().set_prefix(prefix.map(str::to_owned)).set_tags(Some(tags));
    Ok(filter.and(both.build()).build())
}

fn write_source(on: &dyn Fn(&str) -> bool) -> Result<Option<SourceSelectionCriteria>, BuildError> {
    let encrypted = on("encrypted")
        .then(|| SseKmsEncryptedObjects::builder().status(SseKmsEncryptedObjectsStatus::Enabled).build())
        .transpose()?;
    let replicas = on("replica_changes")
        .then(|| ReplicaModifications::builder().status(ReplicaModificationsStatus::Enabled).build())
        .transpose()?;
    let source = SourceSelectionCriteria::builder();
    let any = encrypted.is_some() || replicas.is_some();
    let source = source.set_sse_kms_encrypted_objects(encrypted).set_replica_modifications(replicas);
    Ok(any.then(|| source.build()))
}

fn write_destination(rule: &Value, on: &dyn Fn(&str) -> bool) -> Result<Destination, BuildError> {
    let owner = on("own_copies")
        .then(|| AccessControlTranslation::builder().owner(OwnerOverride::Destination).build())
        .transpose()?;
    let minutes = ReplicationTimeValue::builder().minutes(MINUTES).build();
    let time = on("within_15_minutes")
        .then(|| ReplicationTime::builder().status(ReplicationTimeStatus::Enabled).time(minutes.clone()).build());
    let metrics = on("metrics").then(|| {
        let threshold = on("within_15_minutes").then(|| minutes.clone());
        Metrics::builder().status(MetricsStatus::Enabled).set_event_threshold(threshold).build()
    });
    let key = text(rule, "kms_key").map(|key| EncryptionConfiguration::builder().replica_kms_key_id(key).build());
    let class = text(rule, "storage_class").map(|_| StorageClass::from(class_of(rule, "storage_class").as_str()));
    Destination::builder()
        .bucket(text(rule, "to").unwrap_or_default())
        .set_account(text(rule, "account").map(str::to_owned))
        .set_storage_class(class)
        .set_access_control_translation(owner)
        .set_encryption_configuration(key)
        .set_replication_time(time.transpose()?)
        .set_metrics(metrics.transpose()?)
        .build()
}
