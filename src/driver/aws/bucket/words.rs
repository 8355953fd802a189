//! The words that the documents of a bucket have in common: ages, storage classes, tags.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::Tag;

use crate::kind::duration;
use crate::value::{Text, Value};

const DAY: u64 = 86_400;

/// A text, when it says anything.
pub(super) fn present(text: Option<&str>) -> Value {
    text.filter(|text| !text.is_empty()).map(Value::from).unwrap_or_default()
}

/// What a table says as a text that says anything.
pub(super) fn text<'a>(table: &'a Value, name: &str) -> Option<&'a str> {
    table.at(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A number of S3's as the spec says it.
pub(super) fn number(number: Option<i32>) -> Value {
    number.map(|number| Value::Int(number.into())).unwrap_or_default()
}

/// What a table says as a number.
pub(super) fn int(table: &Value, name: &str) -> Option<i32> {
    table.at(name).and_then(Value::as_int).and_then(|number| i32::try_from(number).ok())
}

/// A flag that is off where nobody says it.
pub(super) fn flag(flag: Option<bool>) -> Value {
    Value::Bool(flag.unwrap_or(false))
}

/// Days as the spec says them.
pub(super) fn days(days: Option<i32>) -> Value {
    let seconds = days.and_then(|days| u64::try_from(days).ok()).map(|days| days * DAY);
    seconds.map(|seconds| Value::from(duration::format(seconds).as_str())).unwrap_or_default()
}

/// What a table says as an age in days.
pub(super) fn age(table: &Value, name: &str) -> Option<i32> {
    let seconds = duration::parse(text(table, name)?).unwrap_or_default();
    Some(i32::try_from(seconds / DAY).unwrap_or(i32::MAX))
}

/// A storage class as the spec says it: `STANDARD_IA` is `standard-ia`.
pub(super) fn class(word: &str) -> Value {
    Value::from(word.to_lowercase().replace('_', "-").as_str())
}

/// What a table says as a storage class, in S3's words.
pub(super) fn class_of(table: &Value, name: &str) -> String {
    text(table, name).unwrap_or_default().to_uppercase().replace('-', "_")
}

/// Tags as the spec says them.
pub(super) fn tags(tags: &[Tag]) -> Value {
    if tags.is_empty() {
        return Value::Null;
    }
    Value::Map(tags.iter().map(|tag| (tag.key().into(), tag.value().into())).collect())
}

/// Tags as S3 takes them.
pub(super) fn to_tags(said: Option<&Value>) -> Result<Vec<Tag>, BuildError> {
    let Some(Value::Map(entries)) = said else { return Ok(Vec::new()) };
    let tag = |(key, value): (&Text, &Value)| {
        Tag::builder().key(key.as_str()).value(value.as_str().unwrap_or_default()).build()
    };
    entries.iter().map(tag).collect()
}

/// Texts whose order means nothing.
pub(super) fn texts(all: &[String]) -> Value {
    if all.is_empty() { Value::Null } else { Value::List(all.iter().map(|text| text.as_str().into()).collect()) }
}

/// What a table says as texts; none when it says none.
pub(super) fn to_texts(table: &Value, name: &str) -> Option<Vec<String>> {
    let all = table.at(name)?.items().iter().filter_map(Value::as_str).map(str::to_owned);
    Some(all.collect())
}

/// Seconds as the spec says them.
pub(super) fn seconds(count: Option<i32>) -> Value {
    let count = count.and_then(|count| u64::try_from(count).ok());
    count.map(|count| Value::from(duration::format(count).as_str())).unwrap_or_default()
}

/// What a table says as a duration, in seconds.
pub(super) fn seconds_of(table: &Value, name: &str) -> Option<i32> {
    let seconds = duration::parse(text(table, name)?).unwrap_or_default();
    Some(i32::try_from(seconds).unwrap_or(i32::MAX))
}

/// A word in small letters, such as the `csv` of `CSV`.
pub(super) fn lower(word: Option<&str>) -> Value {
    present(word.map(str::to_lowercase).as_deref())
}

/// A word of S3's with `-` between its parts: `EventTime` is `event-time`.
pub(super) fn kebab(word: &str) -> String {
    let mut text = String::new();
    for (at, letter) in word.chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Of tables that S3 tells apart by their `id`: the names of those that are to go, and those that are to be written.
pub(super) fn changed_by_id<'a>(before: &'a Value, after: &'a Value) -> (Vec<&'a str>, Vec<&'a Value>) {
    let (old, new) = (before.items(), after.items());
    let kept = |one: &&Value| new.iter().any(|other| other.at("id") == one.at("id"));
    let gone = old.iter().filter(|one| !kept(one)).filter_map(|one| text(one, "id"));
    (gone.collect(), new.iter().filter(|one| !old.contains(one)).collect())
}

/// Whether an answer that the SDK can't read has none of these elements. Some servers give an empty list another name than S3 does,
/// or know nothing of it and list the objects instead.
pub(super) fn has_none(raw: Option<&HttpResponse>, element: &str) -> bool {
    let body = raw.filter(|raw| raw.status().is_success()).and_then(|raw| raw.body().bytes());
    body.is_some_and(|body| {
        let body = String::from_utf8_lossy(body);
        body.contains("<List") && !body.contains(&format!("<{element}"))
    })
}
