//! Health checks.

use super::measure;
use super::service::ServiceDraft;
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::kind::duration;
use crate::value::{Text, Value};

pub(super) fn healthcheck(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let value = &from.value;
    if !matches!(value.content, YamlContent::Map(_)) {
        return Err(Untakable::sort(value.sort(), "a mapping"));
    }
    let none = || {
        let why = "an image's own health check can't be taken away";
        Untakable::new(why, "write one that is always good: `health = { command = [\"true\"] }`")
    };
    if value.get("disable").and_then(Yaml::flag) == Some(true) {
        return Err(none());
    }
    let Some(test) = value.get("test").filter(|test| !test.is_null()) else {
        let why = "it has no `test`, and what the image tests is not known here";
        return Err(Untakable::new(why, "write the image's own `test`"));
    };
    let mut health: Vec<(&str, Value)> = Vec::new();
    match &test.content {
        YamlContent::List(items) => {
            let words: Vec<String> = items.iter().filter_map(Yaml::text).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["NONE", ..] => return Err(none()),
                ["CMD-SHELL", line] => health.push(("shell", Value::from(*line))),
                ["CMD", words @ ..] if !words.is_empty() => {
                    health.push(("command", Value::List(words.iter().map(|word| Value::from(*word)).collect())));
                }
                _ => {
                    let why = "a `test` begins with CMD, CMD-SHELL or NONE, and a command follows";
                    return Err(Untakable::new(why, "write it as [\"CMD\", \"redis-cli\", \"ping\"]"));
                }
            }
        }
        _ => {
            let line = test.text().ok_or_else(|| Untakable::sort(test.sort(), "a text or a list"))?;
            health.push(("shell", Value::from(line.as_str())));
        }
    }
    // Compose leaves the engine's own defaults, which are others than Atlas's.
    for (key, usual) in [("interval", "30s"), ("timeout", "30s"), ("start_period", "0s")] {
        health.push((key, Value::from(time(service, value, key)?.as_deref().unwrap_or(usual))));
    }
    match value.get("retries").map(Yaml::int) {
        Some(Some(retries)) => health.push(("retries", Value::Int(retries))),
        Some(None) => service.leave("healthcheck.retries", from.line, Untakable::new("it is no number", "write one")),
        None => {}
    }
    service.leave_others(from, "healthcheck", &["test", "interval", "timeout", "start_period", "retries", "disable"]);
    let health = health.into_iter().map(|(key, value)| (key.into(), value)).collect();
    service.set("health", Value::map(health), from);
    Ok(())
}

fn time(service: &mut ServiceDraft<'_>, value: &Yaml, key: &str) -> Result<Option<Text>, Untakable> {
    let Some(value) = value.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    let (seconds, rounded) = measure::seconds(value)?;
    if rounded {
        let why = format!("times are whole seconds, so it becomes {}", duration::format(seconds));
        service.leave(format!("healthcheck.{key}"), value.line, Untakable::new(why, "there is nothing to do"));
    }
    Ok(Some(duration::format(seconds)))
}
