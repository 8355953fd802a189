//! Queues, over SQS.
//!
//! What a queue is and what its attributes are named:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName as Name;

use super::error::{classify, is_absent};
use super::mark::{self, Tags};
use super::region::Region;
use super::sight::{Names, Sight};
use super::text;
use crate::driver::{DriverError, Request};
use crate::kind::{self, Outputs, Usage, document, duration, json};
use crate::value::{Attributes, Value};

type Raw = HashMap<Name, String>;

/// Durations and numbers: Atlas's word, SQS's, and whether it is a duration.
const NUMBERS: [(&str, &str, bool); 5] = [
    ("visibility_timeout", "VisibilityTimeout", true),
    ("retention", "MessageRetentionPeriod", true),
    ("delay", "DelaySeconds", true),
    ("max_message_size", "MaximumMessageSize", false),
    ("receive_wait", "ReceiveMessageWaitTimeSeconds", true),
];

/// The names of all queues of a region.
pub(super) async fn list(region: &Region) -> Result<Vec<String>, DriverError> {
    let sqs = &region.clients().await.sqs;
    let mut pages = sqs.list_queues().max_results(1_000).into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify("listing queues", &error))?;
        names.extend(page.queue_urls().iter().filter_map(|url| url.rsplit('/').next()).map(str::to_owned));
    }
    Ok(names)
}

/// Looks at one queue; `wanted` is whether anybody cares about it without a mark.
pub(super) async fn look(region: &Region, name: &str, wanted: bool) -> Result<Option<Sight>, DriverError> {
    let sqs = &region.clients().await.sqs;
    let url = url(region, name).await?;
    let tags = match sqs.list_queue_tags().queue_url(&url).send().await {
        Ok(answer) => answer.tags().cloned().unwrap_or_default().into_iter().collect::<Tags>(),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(classify("reading the tags of a queue", &error)),
    };
    if !wanted && mark::read(&tags).is_none() {
        return Ok(None);
    }
    let answer = sqs.get_queue_attributes().queue_url(&url).attribute_names(Name::All).send().await;
    let raw = match answer {
        Ok(answer) => answer.attributes().cloned().unwrap_or_default(),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(classify("reading a queue", &error)),
    };
    let account = region.account().await?;
    let depth: u64 =
        ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
            .iter()
            .filter_map(|key| raw.get(&Name::from(*key))?.parse::<u64>().ok())
            .sum();
    Ok(Some(Sight {
        kind: kind::get("queue").unwrap_or(kind::ALL[0]),
        identity: format!("{}/queue/{name}", region.identity()),
        host: region.identity(),
        arn: arn(region, account, name),
        attributes: attributes(name, &raw),
        tags,
        outputs: Outputs::default(),
        usage: Usage::from_iter([("depth".into(), depth)]),
    }))
}

/// Makes the queue, with its tags, in one call.
pub(super) async fn create(
    region: &Region,
    name: &str,
    request: &Request<'_>,
    names: &Names,
) -> Result<(), DriverError> {
    let sqs = &region.clients().await.sqs;
    let account = region.account().await?;
    let mut wanted = raw(request.attributes, names)?;
    // Empty texts mean "not set" to SQS, and only an update has anything to unset.
    wanted.retain(|_, value| !value.is_empty());
    if request.attributes.get("fifo") == &Value::Bool(true) {
        wanted.insert(Name::FifoQueue, "true".into());
    }
    let tags: HashMap<String, String> = mark::write(request.mark, request.attributes).into_iter().collect();
    let made = sqs.create_queue().queue_name(name).set_attributes(Some(wanted)).set_tags(Some(tags)).send().await;
    made.map_err(|error| classify("creating the queue", &error))?;
    names.learn(&request.mark.address, &arn(region, account, name));
    Ok(())
}

/// Brings the queue that is there to the request's attributes and tags, with as few calls as that takes.
pub(super) async fn update(
    region: &Region,
    name: &str,
    there: &Sight,
    request: &Request<'_>,
    names: &Names,
) -> Result<(), DriverError> {
    let sqs = &region.clients().await.sqs;
    let url = url(region, name).await?;
    let before: Attributes = there.attributes.iter().cloned().collect();
    let (mut wanted, before) = (raw(request.attributes, names)?, raw(&before, names)?);
    wanted.retain(|key, value| before.get(key) != Some(value));
    if !wanted.is_empty() {
        let set = sqs.set_queue_attributes().queue_url(&url).set_attributes(Some(wanted)).send().await;
        set.map_err(|error| classify("changing the queue", &error))?;
    }
    let tags = mark::merged(&there.tags, request.mark, request.attributes);
    retag(region, &url, &there.tags, tags).await?;
    names.learn(&request.mark.address, &there.arn);
    Ok(())
}

/// Leaves the queue with these tags.
pub(super) async fn forget(region: &Region, name: &str, there: &Sight) -> Result<(), DriverError> {
    retag(region, &url(region, name).await?, &there.tags, mark::without(&there.tags)).await
}

/// Deletes the queue.
pub(super) async fn delete(region: &Region, name: &str) -> Result<(), DriverError> {
    let sqs = &region.clients().await.sqs;
    match sqs.delete_queue().queue_url(url(region, name).await?).send().await {
        Err(error) if !is_absent(&error) => Err(classify("deleting the queue", &error)),
        _ => Ok(()),
    }
}

async fn retag(region: &Region, url: &str, there: &Tags, wanted: Tags) -> Result<(), DriverError> {
    let sqs = &region.clients().await.sqs;
    let (gone, fresh) = mark::difference(there, wanted);
    if !gone.is_empty() {
        let untag = sqs.untag_queue().queue_url(url).set_tag_keys(Some(gone)).send().await;
        untag.map_err(|error| classify("removing tags of the queue", &error))?;
    }
    if !fresh.is_empty() {
        let tag = sqs.tag_queue().queue_url(url).set_tags(Some(fresh.into_iter().collect())).send().await;
        tag.map_err(|error| classify("tagging the queue", &error))?;
    }
    Ok(())
}

async fn url(region: &Region, name: &str) -> Result<String, DriverError> {
    let account = region.account().await?;
    Ok(match &region.settings.endpoint {
        Some(endpoint) => format!("{}/{account}/{name}", endpoint.trim_end_matches('/')),
        None => format!("https://sqs.{}.amazonaws.com/{account}/{name}", region.name()),
    })
}

fn arn(region: &Region, account: &str, name: &str) -> String {
    format!("arn:aws:sqs:{}:{account}:{name}", region.name())
}

/// From SQS's words to Atlas's.
fn attributes(name: &str, raw: &Raw) -> Vec<(&'static str, Value)> {
    let get = |key: &str| raw.get(&Name::from(key)).map(String::as_str).filter(|text| !text.is_empty());
    let flag = |key: &str| get(key) == Some("true");
    let mut found = vec![("name", name.into()), ("fifo", Value::Bool(flag("FifoQueue")))];
    for (own, theirs, is_duration) in NUMBERS {
        let number = get(theirs).and_then(|text| text.parse::<u64>().ok());
        let value = number.map(|number| match is_duration {
            true => Value::from(duration::format(number).as_str()),
            false => Value::Int(i64::try_from(number).unwrap_or(i64::MAX)),
        });
        found.push((own, value.unwrap_or_default()));
    }
    let key = get("KmsMasterKeyId");
    let encryption = if key.is_some() {
        "kms"
    } else if flag("SqsManagedSseEnabled") {
        "sqs"
    } else {
        "none"
    };
    found.push(("encryption", encryption.into()));
    found.push(("kms_key", key.map(Value::from).unwrap_or_default()));
    found.push(("policy", get("Policy").map(|policy| document::normal(policy).as_str().into()).unwrap_or_default()));
    if let Some(redrive) = get("RedrivePolicy").map(json::meaning) {
        let count = match redrive.at("maxReceiveCount") {
            Some(Value::String(text)) => text.parse().map_or(Value::Null, Value::Int),
            other => other.cloned().unwrap_or_default(),
        };
        let target = redrive.at("deadLetterTargetArn").cloned().unwrap_or_default();
        found.push(("dead_letter", Value::default().with(&["queue"], target).with(&["max_receives"], count)));
    }
    if let Some(allow) = get("RedriveAllowPolicy").map(json::meaning) {
        let from = match allow.at("redrivePermission").and_then(Value::as_str) {
            Some("allowAll") => "all",
            Some("denyAll") => "none",
            _ => "listed",
        };
        let queues = allow.at("sourceQueueArns").cloned().unwrap_or_default();
        found.push(("redrive_allow", Value::default().with(&["from"], from.into()).with(&["queues"], queues)));
    }
    found
}

/// From Atlas's words to SQS's. An empty text is what SQS takes for "not set".
fn raw(attributes: &Attributes, names: &Names) -> Result<Raw, DriverError> {
    let mut raw = Raw::new();
    let mut put = |key: &str, value: String| raw.insert(Name::from(key), value);
    for (own, theirs, is_duration) in NUMBERS {
        match attributes.get(own) {
            Value::Int(number) => drop(put(theirs, number.to_string())),
            Value::String(text) if is_duration => {
                put(theirs, duration::parse(text).unwrap_or_default().to_string());
            }
            _ => {}
        }
    }
    let encryption = text(attributes, "encryption");
    if encryption == Some("kms") {
        put("KmsMasterKeyId", text(attributes, "kms_key").unwrap_or("alias/aws/sqs").to_owned());
    } else {
        put("KmsMasterKeyId", String::new());
        put("SqsManagedSseEnabled", (encryption == Some("sqs")).to_string());
    }
    put("Policy", text(attributes, "policy").unwrap_or_default().to_owned());
    let redrive = match attributes.at("dead_letter.queue").and_then(Value::as_str) {
        Some(target) => {
            let count = attributes.at("dead_letter.max_receives").map_or(serde_json::json!(5), Value::to_json);
            let target = super::resolve(names, target)?;
            serde_json::json!({ "deadLetterTargetArn": target, "maxReceiveCount": count }).to_string()
        }
        None => String::new(),
    };
    put("RedrivePolicy", redrive);
    let allow = match attributes.at("redrive_allow.from").and_then(Value::as_str) {
        None => String::new(),
        Some("all") => r#"{"redrivePermission":"allowAll"}"#.to_owned(),
        Some("none") => r#"{"redrivePermission":"denyAll"}"#.to_owned(),
        Some(_) => {
            let queues = attributes.at("redrive_allow.queues").map(Value::items).unwrap_or_default();
            let arns = queues.iter().filter_map(Value::as_str).map(|queue| super::resolve(names, queue));
            let arns = arns.collect::<Result<Vec<String>, _>>()?;
            serde_json::json!({ "redrivePermission": "byQueue", "sourceQueueArns": arns }).to_string()
        }
    };
    put("RedriveAllowPolicy", allow);
    Ok(raw)
}
