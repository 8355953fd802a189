//! Queues, over SQS.
//!
//! What a queue is and what its attributes are named:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName as Name;

use super::api::{Api, Directory, ObjectPart, PartWrite};
use super::error::{done, found};
use super::mark::Tags;
use super::object::{Description, Told, text, unless_usual};
use super::region::Region;
use crate::driver::{DriverError, Request};
use crate::kind::{Count, Usage, document, duration, json};
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

/// Two words for each thing: Atlas's and SQS's, the default first.
type Words = [(&'static str, &'static str); 2];

/// What only a FIFO queue says: Atlas's word, SQS's, and their values.
const FIFO_WORDS: [(&str, &str, Words); 2] = [
    ("deduplication_scope", "DeduplicationScope", [("queue", "queue"), ("message-group", "messageGroup")]),
    ("throughput_limit", "FifoThroughputLimit", [("queue", "perQueue"), ("message-group", "perMessageGroupId")]),
];

/// The key that SQS takes where nobody names one, and how long it uses a data key again, in seconds.
const OWN_KEY: &str = "alias/aws/sqs";
const REUSE: u64 = 300;

/// All that a queue says besides its name and its sort is written in one call.
static PARTS: &[ObjectPart] = &[ObjectPart {
    covers: &[
        "visibility_timeout",
        "retention",
        "delay",
        "max_message_size",
        "receive_wait",
        "encryption",
        "kms_key",
        "kms_reuse",
        "deduplicate_by_content",
        "deduplication_scope",
        "throughput_limit",
        "policy",
        "dead_letter",
        "redrive_allow",
    ],
    read: None,
    write: |to| Box::pin(put(to)),
    always: false,
    clear: None,
}];

/// What tells how many messages there are.
const DEPTH: [&str; 3] =
    ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"];

pub(super) struct Queues;

#[async_trait]
impl Api for Queues {
    fn kind(&self) -> &'static str {
        "queue"
    }

    fn directory(&self) -> Directory {
        // A queue's ARN ends with its account and its name.
        Directory::of_region("sqs", |arn| arn.strip_prefix("arn:")?.split_once(":sqs:")?.1.rsplit(':').next())
    }

    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let sqs = region.sqs().await;
        let mut pages = sqs.list_queues().max_results(1_000).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = done("listing queues", page)?;
            names.extend(page.queue_urls().iter().filter_map(|url| url.rsplit('/').next()).map(str::to_owned));
        }
        Ok(names)
    }

    async fn find(&self, region: &Region, name: &str) -> Result<Option<Description>, DriverError> {
        let sqs = region.sqs().await;
        let answer = sqs.list_queue_tags().queue_url(url(region, name).await?).send().await;
        let tags = |tags: Option<HashMap<String, String>>| tags.unwrap_or_default().into_iter().collect();
        let answer = found("reading the tags of a queue", answer)?;
        Ok(answer.map(|answer| Description::new(self.kind(), name, name, tags(answer.tags))))
    }

    async fn complete(
        &self,
        region: &Region,
        described: &mut Description,
        wanted: Option<&Attributes>,
    ) -> Result<bool, DriverError> {
        let ask = region.sqs().await.get_queue_attributes().queue_url(url(region, &described.key).await?);
        let answer = found("reading a queue", ask.attribute_names(Name::All).send().await)?;
        let Some(answer) = answer else { return Ok(false) };
        let raw = answer.attributes.unwrap_or_default();
        described.attributes.extend(attributes(&raw, wanted));
        let told: Vec<u64> = DEPTH.iter().filter_map(|key| raw.get(&Name::from(*key))?.parse().ok()).collect();
        let depth = if told.is_empty() { Count::Unknown } else { Count::Exactly(told.iter().sum()) };
        described.usage = Usage::from_iter([("depth".into(), depth)]);
        Ok(true)
    }

    fn parts(&self) -> &'static [ObjectPart] {
        PARTS
    }

    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError> {
        let name = want.identity.name();
        let mut wanted = raw(want.attributes);
        // Empty texts mean "not set" to SQS, and only an update has anything to unset.
        wanted.retain(|_, value| !value.is_empty());
        if want.attributes.get("fifo") == &Value::Bool(true) {
            wanted.insert(Name::FifoQueue, "true".into());
        }
        let tags: HashMap<String, String> = tags.clone().into_iter().collect();
        let make = region.sqs().await.create_queue().queue_name(&*name);
        let made = make.set_attributes(Some(wanted)).set_tags(Some(tags)).send().await;
        done("creating the queue", made)?;
        Ok(name.into_owned())
    }

    async fn untag(&self, region: &Region, name: &str, gone: Vec<String>) -> Result<(), DriverError> {
        let untag = region.sqs().await.untag_queue().queue_url(url(region, name).await?);
        let untag = untag.set_tag_keys(Some(gone)).send().await;
        done("removing tags of the queue", untag).map(drop)
    }

    async fn tag(&self, region: &Region, name: &str, fresh: Tags) -> Result<(), DriverError> {
        let tag = region.sqs().await.tag_queue().queue_url(url(region, name).await?);
        let tag = tag.set_tags(Some(fresh.into_iter().collect())).send().await;
        done("tagging the queue", tag).map(drop)
    }

    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        let delete = region.sqs().await.delete_queue().queue_url(url(region, &described.key).await?);
        found("deleting the queue", delete.send().await).map(drop)
    }
}

/// Writes what differs, in one call.
async fn put(to: PartWrite<'_>) -> Result<(), DriverError> {
    let (mut wanted, before) = (raw(to.after), raw(to.before));
    wanted.retain(|key, value| before.get(key) != Some(value));
    if wanted.is_empty() {
        return Ok(());
    }
    let set = to.region.sqs().await.set_queue_attributes().queue_url(url(to.region, to.key).await?);
    done("changing the queue", set.set_attributes(Some(wanted)).send().await).map(drop)
}

async fn url(region: &Region, name: &str) -> Result<String, DriverError> {
    let account = region.account().await?;
    Ok(match region.endpoint() {
        Some(endpoint) => format!("{endpoint}/{account}/{name}"),
        None => format!("https://sqs.{}.amazonaws.com/{account}/{name}", region.name()),
    })
}

/// From SQS's words to Atlas's.
fn attributes(raw: &Raw, wanted: Option<&Attributes>) -> Told {
    let get = |key: &str| raw.get(&Name::from(key)).map(String::as_str).filter(|text| !text.is_empty());
    let flag = |key: &str| get(key) == Some("true");
    let mut found = vec![("fifo", Value::Bool(flag("FifoQueue")))];
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
    let reuse = get("KmsDataKeyReusePeriodSeconds").and_then(|text| text.parse().ok()).filter(|_| key.is_some());
    let reuse = Value::from(duration::format(reuse.unwrap_or(REUSE)).as_str());
    let by_content = Value::Bool(flag("ContentBasedDeduplication"));
    let mut tell = |name, value: Value, usual: Value| found.push((name, unless_usual(name, value, &usual, wanted)));
    // SQS tells the key that it took itself as well.
    tell("kms_key", key.map(Value::from).unwrap_or_default(), OWN_KEY.into());
    tell("kms_reuse", reuse, duration::format(REUSE).as_str().into());
    tell("deduplicate_by_content", by_content, Value::Bool(false));
    for (own, theirs, words) in FIFO_WORDS {
        let word = words.iter().find(|(_, word)| get(theirs) == Some(word)).unwrap_or(&words[0]);
        tell(own, word.0.into(), words[0].0.into());
    }
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
fn raw(attributes: &Attributes) -> Raw {
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
        put("KmsMasterKeyId", text(attributes, "kms_key").unwrap_or(OWN_KEY).to_owned());
        let reuse = text(attributes, "kms_reuse").and_then(|text| duration::parse(text).ok());
        put("KmsDataKeyReusePeriodSeconds", reuse.unwrap_or(REUSE).to_string());
    } else {
        put("KmsMasterKeyId", String::new());
        put("SqsManagedSseEnabled", (encryption == Some("sqs")).to_string());
    }
    if attributes.get("fifo") == &Value::Bool(true) {
        let by_content = attributes.get("deduplicate_by_content") == &Value::Bool(true);
        put("ContentBasedDeduplication", by_content.to_string());
        for (own, theirs, words) in FIFO_WORDS {
            let word = words.iter().find(|(word, _)| text(attributes, own) == Some(word)).unwrap_or(&words[0]);
            put(theirs, word.1.to_owned());
        }
    }
    put("Policy", text(attributes, "policy").unwrap_or_default().to_owned());
    let redrive = match attributes.at("dead_letter.queue").and_then(Value::as_str) {
        Some(target) => {
            let count = attributes.at("dead_letter.max_receives").map_or(serde_json::json!(5), Value::to_json);
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
            let arns: Vec<&str> = queues.iter().filter_map(Value::as_str).collect();
            serde_json::json!({ "redrivePermission": "byQueue", "sourceQueueArns": arns }).to_string()
        }
    };
    put("RedriveAllowPolicy", allow);
    raw
}
