//! What a service runs, when, and after what.

use super::measure;
use super::service::{Need, ServiceDraft, pairs, table};
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::kind::duration;
use crate::value::Value;

pub(super) fn build(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    if !service.names_image {
        // The name that compose gives to what it builds, which no registry has.
        let image = format!("{}-{}", service.file.project, service.name);
        service.set("image", image.as_str(), from);
        service.set("pull", "never", from);
    }
    let way_out = format!("build it before: `docker compose build {}`", service.name);
    Err(Untakable::new("Atlas builds no images", way_out))
}

pub(super) fn command(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    service.set("command", measure::command(&from.value)?, from);
    Ok(())
}

pub(super) fn entrypoint(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    service.set("entrypoint", measure::command(&from.value)?, from);
    Ok(())
}

pub(super) fn pull_policy(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let pull = match from.value.text().unwrap_or_default().as_str() {
        "always" => "always",
        "never" => "never",
        "missing" | "if_not_present" => "missing",
        other => {
            let why = format!("there is no `pull = \"{other}\"`");
            return Err(Untakable::new(why, "say `always`, `missing` or `never`"));
        }
    };
    service.set("pull", pull, from);
    Ok(())
}

pub(super) fn restart(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let text = from.value.text().unwrap_or_default();
    let (policy, retries) = text.split_once(':').unwrap_or((&text, ""));
    if !["no", "always", "unless-stopped", "on-failure"].contains(&policy) {
        let why = format!("there is no `restart` of `{text}`");
        return Err(Untakable::new(why, "say \"no\", `always`, `unless-stopped` or `on-failure`"));
    }
    service.set("restart", policy, from);
    service.values.remove("restart_retries");
    if !retries.is_empty() {
        let retries =
            retries.parse().map_err(|_| Untakable::new("how often is no number", "write \"on-failure:3\""))?;
        service.set("restart_retries", Value::Int(retries), from);
    }
    Ok(())
}

pub(super) fn depends_on(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let YamlContent::Map(entries) = &from.value.content else {
        for (other, line) in super::service::texts(&from.value)? {
            service.needs.push(Need { service: other, condition: "service_started".into(), line });
        }
        return Ok(());
    };
    for entry in entries {
        let condition = entry.value.get("condition").and_then(Yaml::text).unwrap_or_else(|| "service_started".into());
        let known = ["service_started", "service_healthy", "service_completed_successfully"];
        if !known.contains(&condition.as_str()) {
            let why = format!("there is no condition `{condition}`");
            let way_out = format!("say one of {}", known.join(", "));
            service.leave(format!("depends_on.{}.condition", entry.key), entry.line, Untakable::new(why, way_out));
            continue;
        }
        let path = format!("depends_on.{}", entry.key);
        let asks = |key: &str, usual: bool| entry.value.get(key).and_then(Yaml::flag).is_some_and(|flag| flag != usual);
        if asks("restart", false) {
            let why = "a container is not started again when what it needs is";
            service.leave(format!("{path}.restart"), entry.line, Untakable::new(why, "let it reconnect by itself"));
        }
        if asks("required", true) {
            let why = "what it depends on is made in any case";
            service.leave(format!("{path}.required"), entry.line, Untakable::new(why, "there is nothing to do"));
        }
        service.leave_others(entry, &path, &["condition", "restart", "required"]);
        service.needs.push(Need { service: entry.key.clone(), condition, line: entry.line });
    }
    Ok(())
}

pub(super) fn logging(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let usual = Yaml::default();
    let Some(driver) = from.value.get("driver").and_then(Yaml::text) else {
        let why = "it names no `driver`, and the engine's own is not known here";
        return Err(Untakable::new(why, "write the driver, such as `driver: json-file`"));
    };
    let mut logging = table([("driver", Value::from(driver.as_str()))]);
    let options = from.value.get("options").unwrap_or(&usual);
    if !options.is_null() {
        for (key, value, _) in pairs(options, &['='])? {
            let text = value.and_then(|value| value.text()).unwrap_or_default();
            logging = logging.with(&["options", &key], Value::from(text.as_str()));
        }
    }
    service.leave_others(from, "logging", &["driver", "options"]);
    service.set("logging", logging, from);
    Ok(())
}

pub(super) fn stop_grace_period(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let (seconds, rounded) = measure::seconds(&from.value)?;
    let text = duration::format(seconds);
    if rounded {
        let why = format!("times are whole seconds, so it becomes {text}");
        service.leave("stop_grace_period", from.line, Untakable::new(why, "there is nothing to do"));
    }
    service.set("stop_timeout", text.as_str(), from);
    Ok(())
}
