//! Notifications, from and to S3's words. They are written as a whole, so those to topics and functions are read as well.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput as Output;
use aws_sdk_s3::types::{
    Event, EventBridgeConfiguration, FilterRule, FilterRuleName, LambdaFunctionConfiguration,
    NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter, TopicConfiguration,
};

use super::super::error::unbuildable;
use super::words::{present, text, texts, to_texts};
use crate::driver::DriverError;
use crate::driver::aws::api::{PartRead, PartWrite};
use crate::driver::aws::error::{done, found};
use crate::driver::aws::object::{Told, unless_usual};
use crate::value::Value;

/// The attribute.
const NAME: &str = "notifications";

pub async fn read(at: PartRead<'_>) -> Result<Told, DriverError> {
    let ask = at.region.s3().await.get_bucket_notification_configuration().bucket(&at.described.key).send().await;
    let answer = match ask {
        // Some servers give an answer that says nothing another name than S3 does, which the SDK refuses.
        Err(error) if says_nothing(error.raw_response()) => Output::builder().build(),
        ask => match found("reading the notifications of a bucket", ask)? {
            Some(answer) => answer,
            None => return Ok(Told::new()),
        },
    };
    let list = |all: Vec<Value>| if all.is_empty() { Value::Null } else { Value::List(all) };
    let queues = answer.queue_configurations().iter();
    let queues = queues.map(|one| entry(one.id(), one.queue_arn(), one.events(), one.filter())).collect();
    let topics = answer.topic_configurations().iter();
    let topics = topics.map(|one| entry(one.id(), one.topic_arn(), one.events(), one.filter())).collect();
    let functions = answer.lambda_function_configurations().iter();
    let functions =
        functions.map(|one| entry(one.id(), one.lambda_function_arn(), one.events(), one.filter())).collect();
    let none = Value::default().with(&["event_bridge"], Value::Bool(false));
    let told = Value::default()
        .with(&["queues"], list(queues))
        .with(&["topics"], list(topics))
        .with(&["functions"], list(functions))
        .with(&["event_bridge"], Value::Bool(answer.event_bridge_configuration().is_some()));
    Ok(vec![(NAME, unless_usual(NAME, told, &none, at.wanted))])
}

/// Whether an answer that can't be read is one about nobody who is told anything.
fn says_nothing(raw: Option<&HttpResponse>) -> bool {
    let body = raw.filter(|raw| raw.status().is_success()).and_then(|raw| raw.body().bytes()).unwrap_or_default();
    let body = String::from_utf8_lossy(body);
    body.contains("Notification") && !["<Event>", "<EventBridgeConfiguration"].iter().any(|said| body.contains(said))
}

/// S3 asks each queue whether it may send to it, so a wrong policy fails here.
pub async fn write(to: PartWrite<'_>) -> Result<(), DriverError> {
    let whole = to.after.get(NAME);
    let each = |name: &str| whole.at(name).map(Value::items).unwrap_or_default().to_vec();
    let queues = each("queues").iter().map(to_queue).collect::<Result<Vec<_>, _>>().map_err(unbuildable)?;
    let topics = each("topics").iter().map(to_topic).collect::<Result<Vec<_>, _>>().map_err(unbuildable)?;
    let functions = each("functions").iter().map(to_function).collect::<Result<Vec<_>, _>>().map_err(unbuildable)?;
    let bridge = whole.at("event_bridge") == Some(&Value::Bool(true));
    let whole = NotificationConfiguration::builder()
        .set_queue_configurations(Some(queues))
        .set_topic_configurations(Some(topics))
        .set_lambda_function_configurations(Some(functions))
        .set_event_bridge_configuration(bridge.then(|| EventBridgeConfiguration::builder().build()))
        .build();
    let put = to.region.s3().await.put_bucket_notification_configuration().bucket(to.key);
    done("changing the notifications of the bucket", put.notification_configuration(whole).send().await).map(drop)
}

fn entry(id: Option<&str>, to: &str, events: &[Event], filter: Option<&NotificationConfigurationFilter>) -> Value {
    let events: Vec<String> = events.iter().map(|event| event.as_str().to_owned()).collect();
    let rules =
        filter.and_then(NotificationConfigurationFilter::key).map(S3KeyFilter::filter_rules).unwrap_or_default();
    let part = |name: &str| {
        // Some servers write the word with a capital letter.
        let is = |rule: &&FilterRule| rule.name().is_some_and(|own| own.as_str().eq_ignore_ascii_case(name));
        present(rules.iter().find(is).and_then(FilterRule::value))
    };
    Value::default()
        .with(&["id"], present(id))
        .with(&["to"], present(Some(to)))
        .with(&["events"], texts(&events))
        .with(&["prefix"], part("prefix"))
        .with(&["suffix"], part("suffix"))
}

fn to_queue(one: &Value) -> Result<QueueConfiguration, BuildError> {
    QueueConfiguration::builder()
        .set_id(text(one, "id").map(str::to_owned))
        .queue_arn(text(one, "to").unwrap_or_default())
        .set_events(Some(events(one)))
        .set_filter(filter(one))
        .build()
}

fn to_topic(one: &Value) -> Result<TopicConfiguration, BuildError> {
    TopicConfiguration::builder()
        .set_id(text(one, "id").map(str::to_owned))
        .topic_arn(text(one, "to").unwrap_or_default())
        .set_events(Some(events(one)))
        .set_filter(filter(one))
        .build()
}

fn to_function(one: &Value) -> Result<LambdaFunctionConfiguration, BuildError> {
    LambdaFunctionConfiguration::builder()
        .set_id(text(one, "id").map(str::to_owned))
        .lambda_function_arn(text(one, "to").unwrap_or_default())
        .set_events(Some(events(one)))
        .set_filter(filter(one))
        .build()
}

fn events(one: &Value) -> Vec<Event> {
    to_texts(one, "events").unwrap_or_default().iter().map(|word| Event::from(word.as_str())).collect()
}

fn filter(one: &Value) -> Option<NotificationConfigurationFilter> {
    let rule = |name: FilterRuleName, word: &str| {
        text(one, word).map(|value| FilterRule::builder().name(name).value(value).build())
    };
    let rules = [rule(FilterRuleName::Prefix, "prefix"), rule(FilterRuleName::Suffix, "suffix")];
    let rules: Vec<FilterRule> = rules.into_iter().flatten().collect();
    let key = || S3KeyFilter::builder().set_filter_rules(Some(rules.clone())).build();
    (!rules.is_empty()).then(|| NotificationConfigurationFilter::builder().key(key()).build())
}
