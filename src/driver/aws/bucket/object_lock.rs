//! Object lock, from and to S3's words.

use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
};

use super::words::{int, number, text};
use crate::driver::DriverError;
use crate::driver::aws::api::{PartRead, PartWrite};
use crate::driver::aws::error::{done, found};
use crate::driver::aws::object::Told;
use crate::driver::aws::region::Region;
use crate::value::Value;

pub async fn read(at: PartRead<'_>) -> Result<Told, DriverError> {
    let lock = lock(at.region, &at.described.key).await?;
    Ok(lock.map(|lock| vec![("object_lock", lock)]).unwrap_or_default())
}

/// A bucket that is there has to keep versions before S3 lets it lock them, so that is written before this.
pub async fn write(to: PartWrite<'_>) -> Result<(), DriverError> {
    let wanted = to.after.get("object_lock");
    let mode = match text(wanted, "mode") {
        Some("compliance") => ObjectLockRetentionMode::Compliance,
        _ => ObjectLockRetentionMode::Governance,
    };
    let retention =
        DefaultRetention::builder().mode(mode).set_days(int(wanted, "days")).set_years(int(wanted, "years"));
    let rule =
        matches!(wanted, Value::Map(_)).then(|| ObjectLockRule::builder().default_retention(retention.build()).build());
    let whole = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled).set_rule(rule);
    let put = to.region.s3().await.put_object_lock_configuration().bucket(to.key);
    let put = put.object_lock_configuration(whole.build()).send().await;
    done("changing the object lock of the bucket", put).map(drop)
}

/// The lock of a bucket as the spec says it; none when it has none.
pub async fn lock(region: &Region, name: &str) -> Result<Option<Value>, DriverError> {
    let ask = region.s3().await.get_object_lock_configuration().bucket(name).send().await;
    let answer = found("reading the object lock of a bucket", ask)?.and_then(|answer| answer.object_lock_configuration);
    let is_on = |whole: &ObjectLockConfiguration| whole.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled);
    let Some(whole) = answer.filter(is_on) else { return Ok(None) };
    let retention = whole.rule().and_then(ObjectLockRule::default_retention);
    let Some(mode) = retention.and_then(DefaultRetention::mode) else { return Ok(Some("enabled".into())) };
    // Some servers tell both numbers, one of them as 0.
    let some = |count: Option<i32>| number(count.filter(|count| *count > 0));
    let told = Value::default()
        .with(&["mode"], mode.as_str().to_lowercase().as_str().into())
        .with(&["days"], some(retention.and_then(DefaultRetention::days)))
        .with(&["years"], some(retention.and_then(DefaultRetention::years)));
    Ok(Some(told))
}
