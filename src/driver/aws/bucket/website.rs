//! A bucket's website, from and to S3's words. It is written as a whole, and read as one.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::get_bucket_website::GetBucketWebsiteOutput;
use aws_sdk_s3::types::{
    Condition, ErrorDocument, IndexDocument, Protocol, Redirect, RedirectAllRequestsTo, RoutingRule,
    WebsiteConfiguration,
};

use super::super::error::unbuildable;
use super::words::{int, present, text};
use crate::driver::DriverError;
use crate::driver::aws::api::{PartRead, PartWrite};
use crate::driver::aws::error::{done, found};
use crate::driver::aws::object::Told;
use crate::value::Value;

pub async fn read(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_bucket_website().bucket(&at.described.key).send().await;
    let answer = found("reading the website of a bucket", ask)?;
    Ok(answer.map(|answer| vec![("website", told(&answer))]).unwrap_or_default())
}

pub async fn write(to: PartWrite<'_>) -> Result<(), DriverError> {
    let whole = whole(to.after.get("website")).map_err(unbuildable)?;
    let put = to.region.s3().await.put_bucket_website().bucket(to.key).website_configuration(whole);
    done("changing the website of the bucket", put.send().await).map(drop)
}

pub async fn clear(to: PartWrite<'_>) -> Result<(), DriverError> {
    let gone = to.region.s3().await.delete_bucket_website().bucket(to.key).send().await;
    done("removing the website of the bucket", gone).map(drop)
}

fn told(answer: &GetBucketWebsiteOutput) -> Value {
    let routes: Vec<Value> = answer.routing_rules().iter().map(read_route).collect();
    let redirect = answer.redirect_all_requests_to();
    Value::default()
        .with(&["index"], present(answer.index_document().map(IndexDocument::suffix)))
        .with(&["error"], present(answer.error_document().map(ErrorDocument::key)))
        .with(&["routes"], if routes.is_empty() { Value::Null } else { Value::List(routes) })
        .with(&["redirect", "host"], present(redirect.map(RedirectAllRequestsTo::host_name)))
        .with(&["redirect", "protocol"], protocol(redirect.and_then(RedirectAllRequestsTo::protocol)))
}

fn read_route(route: &RoutingRule) -> Value {
    let (condition, to) = (route.condition(), route.redirect());
    Value::default()
        .with(&["prefix"], present(condition.and_then(Condition::key_prefix_equals)))
        .with(&["error_code"], status(condition.and_then(Condition::http_error_code_returned_equals)))
        .with(&["host"], present(to.and_then(Redirect::host_name)))
        .with(&["protocol"], protocol(to.and_then(Redirect::protocol)))
        .with(&["replace_prefix"], present(to.and_then(Redirect::replace_key_prefix_with)))
        .with(&["replace_key"], present(to.and_then(Redirect::replace_key_with)))
        .with(&["code"], status(to.and_then(Redirect::http_redirect_code)))
}

fn protocol(word: Option<&Protocol>) -> Value {
    present(word.map(Protocol::as_str))
}

/// A status of HTTP as a number; what is none is told as it is.
fn status(text: Option<&str>) -> Value {
    let number = text.and_then(|text| text.parse().ok()).map(Value::Int);
    number.unwrap_or_else(|| present(text))
}

fn whole(website: &Value) -> Result<WebsiteConfiguration, BuildError> {
    let index = text(website, "index").map(|suffix| IndexDocument::builder().suffix(suffix).build()).transpose()?;
    let error = text(website, "error").map(|key| ErrorDocument::builder().key(key).build()).transpose()?;
    let all = website.at("redirect").map(|redirect| {
        let to = RedirectAllRequestsTo::builder().host_name(text(redirect, "host").unwrap_or_default());
        to.set_protocol(text(redirect, "protocol").map(Protocol::from)).build()
    });
    let routes: Vec<RoutingRule> =
        website.at("routes").map(Value::items).unwrap_or_default().iter().map(write_route).collect();
    Ok(WebsiteConfiguration::builder()
        .set_index_document(index)
        .set_error_document(error)
        .set_redirect_all_requests_to(all.transpose()?)
        .set_routing_rules((!routes.is_empty()).then_some(routes))
        .build())
}

fn write_route(route: &Value) -> RoutingRule {
    let own = |name: &str| text(route, name).map(str::to_owned);
    let number = |name: &str| int(route, name).map(|number| number.to_string());
    let (prefix, error) = (own("prefix"), number("error_code"));
    let conditional = prefix.is_some() || error.is_some();
    let condition = Condition::builder().set_key_prefix_equals(prefix).set_http_error_code_returned_equals(error);
    let to = Redirect::builder()
        .set_host_name(own("host"))
        .set_protocol(text(route, "protocol").map(Protocol::from))
        .set_replace_key_prefix_with(own("replace_prefix"))
        .set_replace_key_with(own("replace_key"))
        .set_http_redirect_code(number("code"));
    RoutingRule::builder().set_condition(conditional.then(|| condition.build())).redirect(to.build()).build()
}
