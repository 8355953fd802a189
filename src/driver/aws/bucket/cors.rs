//! CORS rules, from and to S3's words. They are written as a whole, and read as one.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{CorsConfiguration, CorsRule};

use super::super::error::unbuildable;
use super::words::{present, seconds, seconds_of, text, texts, to_texts};
use crate::driver::DriverError;
use crate::driver::aws::api::{PartRead, PartWrite};
use crate::driver::aws::error::{done, found};
use crate::driver::aws::object::Told;
use crate::value::Value;

pub async fn read(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_bucket_cors().bucket(&at.described.key).send().await;
    let answer = found("reading the CORS rules of a bucket", ask)?;
    let rules = answer.map(|answer| answer.cors_rules().iter().map(read_rule).collect());
    Ok(rules.map(|rules| vec![("cors", Value::List(rules))]).unwrap_or_default())
}

pub async fn write(to: PartWrite<'_>) -> Result<(), DriverError> {
    let rules = to.after.get("cors").items().iter().map(write_rule).collect::<Result<Vec<_>, _>>();
    let whole = rules.and_then(|rules| CorsConfiguration::builder().set_cors_rules(Some(rules)).build());
    let put = to.region.s3().await.put_bucket_cors().bucket(to.key);
    let put = put.cors_configuration(whole.map_err(unbuildable)?).send().await;
    done("changing the CORS rules of the bucket", put).map(drop)
}

pub async fn clear(to: PartWrite<'_>) -> Result<(), DriverError> {
    let gone = to.region.s3().await.delete_bucket_cors().bucket(to.key).send().await;
    done("removing the CORS rules of the bucket", gone).map(drop)
}

fn read_rule(rule: &CorsRule) -> Value {
    Value::default()
        .with(&["id"], present(rule.id()))
        .with(&["origins"], texts(rule.allowed_origins()))
        .with(&["methods"], texts(rule.allowed_methods()))
        .with(&["headers"], texts(rule.allowed_headers()))
        .with(&["expose"], texts(rule.expose_headers()))
        .with(&["max_age"], seconds(rule.max_age_seconds()))
}

fn write_rule(rule: &Value) -> Result<CorsRule, BuildError> {
    CorsRule::builder()
        .set_id(text(rule, "id").map(str::to_owned))
        .set_allowed_origins(to_texts(rule, "origins"))
        .set_allowed_methods(to_texts(rule, "methods"))
        .set_allowed_headers(to_texts(rule, "headers"))
        .set_expose_headers(to_texts(rule, "expose"))
        .set_max_age_seconds(seconds_of(rule, "max_age"))
        .build()
}
