//! Access logs, from and to S3's words. They are written as a whole, and read as one.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    BucketLoggingStatus, BucketLogsPermission, LoggingEnabled, PartitionDateSource, PartitionedPrefix, TargetGrant,
    TargetObjectKeyFormat,
};

use super::super::error::unbuildable;
use super::acl;
use super::words::{kebab, present, text};
use crate::driver::DriverError;
use crate::driver::aws::api::{PartRead, PartWrite};
use crate::driver::aws::error::done;
use crate::driver::aws::object::Told;
use crate::value::Value;

pub async fn read(at: PartRead<'_>) -> Result<Told, DriverError> {
    let answer = at.region.s3().await.get_bucket_logging().bucket(&at.described.key).send().await;
    let answer = done("reading the access log of a bucket", answer)?;
    Ok(answer.logging_enabled().map(|target| vec![("logging", told(target))]).unwrap_or_default())
}

pub async fn write(to: PartWrite<'_>) -> Result<(), DriverError> {
    let wanted = to.after.get("logging");
    let target = if wanted.is_null() { None } else { Some(target(wanted).map_err(unbuildable)?) };
    let status = BucketLoggingStatus::builder().set_logging_enabled(target).build();
    let put = to.region.s3().await.put_bucket_logging().bucket(to.key).bucket_logging_status(status);
    done("changing the access log of the bucket", put.send().await).map(drop)
}

fn told(target: &LoggingEnabled) -> Value {
    let partitioned = target.target_object_key_format().and_then(TargetObjectKeyFormat::partitioned_prefix);
    // A day that nobody chose shows, and can't be said: which one S3 takes then is for it to say.
    let day = partitioned.map(|one| one.partition_date_source().map_or("unsaid", PartitionDateSource::as_str));
    let grants: Vec<Value> = target
        .target_grants()
        .iter()
        .map(|one| acl::told_grant(one.grantee(), one.permission().map(BucketLogsPermission::as_str)))
        .collect();
    Value::default()
        .with(&["to"], format!("arn:aws:s3:::{}", target.target_bucket()).as_str().into())
        .with(&["prefix"], target.target_prefix().into())
        .with(&["partitioned_by"], present(day.map(kebab).as_deref()))
        .with(&["grants"], if grants.is_empty() { Value::Null } else { Value::List(grants) })
}

fn target(wanted: &Value) -> Result<LoggingEnabled, BuildError> {
    let format = text(wanted, "partitioned_by").map(|word| {
        let delivery = word == "delivery-time";
        let day = if delivery { PartitionDateSource::DeliveryTime } else { PartitionDateSource::EventTime };
        let prefix = PartitionedPrefix::builder().partition_date_source(day).build();
        TargetObjectKeyFormat::builder().partitioned_prefix(prefix).build()
    });
    let grants = wanted.at("grants").map(Value::items).unwrap_or_default().iter().map(grant);
    let grants = grants.collect::<Result<Vec<_>, _>>()?;
    LoggingEnabled::builder()
        .target_bucket(text(wanted, "to").unwrap_or_default().trim_start_matches("arn:aws:s3:::"))
        .target_prefix(text(wanted, "prefix").unwrap_or_default())
        .set_target_object_key_format(format)
        .set_target_grants((!grants.is_empty()).then_some(grants))
        .build()
}

fn grant(one: &Value) -> Result<TargetGrant, BuildError> {
    let right = BucketLogsPermission::from(acl::right_for(one).as_str());
    Ok(TargetGrant::builder().grantee(acl::grantee(one)?).permission(right).build())
}
