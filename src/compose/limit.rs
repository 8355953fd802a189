//! Limits and rights.

use super::service::{ServiceDraft, table, texts};
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent, YamlEntry};
use super::{copies, measure};
use crate::value::Value;

pub(super) fn cap_add(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    capabilities(service, from, "add")
}

pub(super) fn cap_drop(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    capabilities(service, from, "drop")
}

fn capabilities(service: &mut ServiceDraft<'_>, from: &YamlEntry, which: &str) -> Result<(), Untakable> {
    let all = texts(&from.value)?;
    let all = all.iter().map(|(name, _)| Value::from(name.to_uppercase().as_str())).collect();
    service.put("capabilities", which, Value::List(all), from);
    Ok(())
}

pub(super) fn cpus(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let number = from.value.number().ok_or_else(|| Untakable::new("it is no number", "write one, such as 0.5"))?;
    // No limit is what is so without one.
    if number == 0.0 {
        return Ok(());
    }
    let millis = (number * 1000.0).round();
    if !(1.0..=1e9).contains(&millis) {
        return Err(Untakable::new(format!("{number} is no number of processors"), "write one, such as 0.5"));
    }
    #[allow(clippy::cast_possible_truncation, reason = "it is checked to be small")]
    service.set("cpu_millis", Value::Int(millis as i64), from);
    Ok(())
}

pub(super) fn mem_limit(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    memory(service, from, "memory_mib")
}

pub(super) fn shm_size(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    memory(service, from, "shm_mib")
}

fn memory(service: &mut ServiceDraft<'_>, from: &YamlEntry, attribute: &'static str) -> Result<(), Untakable> {
    let (amount, rounded) = measure::mebibytes(&from.value)?;
    if rounded {
        let why = format!("memory is counted in whole MiB, so it becomes {amount}");
        service.leave(from.key.clone(), from.line, Untakable::new(why, "there is nothing to do"));
    }
    if amount != 0 {
        service.set(attribute, Value::Int(amount), from);
    }
    Ok(())
}

/// Compose counts memory and swap together, and Atlas swap alone.
pub(super) fn memswap_limit(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let (both, _) = measure::mebibytes(&from.value)?;
    let memory = service.values.get("memory_mib").and_then(|(value, ..)| value.as_int());
    match memory {
        _ if both == 0 => {}
        Some(memory) if both >= memory => service.set("swap_mib", Value::Int(both - memory), from),
        Some(_) if both < 0 => {
            return Err(Untakable::new("swap without a limit can't be said", "say how much it may be"));
        }
        _ => {
            return Err(Untakable::new(
                "it counts only beside a `mem_limit` that is not larger",
                "say `mem_limit` as well",
            ));
        }
    }
    Ok(())
}

pub(super) fn pids_limit(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let pids = from.value.int().ok_or_else(|| Untakable::new("it is no number", "write one, such as 100"))?;
    if pids > 0 {
        service.set("pids", Value::Int(pids), from);
    }
    Ok(())
}

pub(super) fn ulimits(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let YamlContent::Map(entries) = &from.value.content else {
        return Err(Untakable::sort(from.value.sort(), "a mapping"));
    };
    for entry in entries {
        let number = |key: &str| entry.value.get(key).and_then(Yaml::int);
        let both = number("soft").zip(number("hard"));
        let both = both.map(|(soft, hard)| {
            if soft == hard {
                Value::Int(soft)
            } else {
                table([("soft", Value::Int(soft)), ("hard", Value::Int(hard))])
            }
        });
        match entry.value.int().map(Value::Int).or(both) {
            Some(limit) => service.put("ulimits", &entry.key, limit, from),
            None => {
                let why = Untakable::new("it is no limit", "write a number, or { soft: 1024, hard: 2048 }");
                service.leave(format!("ulimits.{}", entry.key), entry.line, why);
            }
        }
    }
    Ok(())
}

pub(super) fn devices(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let YamlContent::List(items) = &from.value.content else {
        return Err(Untakable::sort(from.value.sort(), "a list"));
    };
    for item in items {
        let long = |key: &str| item.get(key).and_then(Yaml::text);
        let text = item.text().or_else(|| {
            let (source, target) = (long("source")?, long("target"));
            let to = target.unwrap_or_else(|| source.clone());
            Some(format!("{source}:{to}:{}", long("permissions").unwrap_or_else(|| "rwm".into())))
        });
        match text {
            Some(text) => service.push("devices", Value::from(text.as_str()), from),
            None => {
                service.leave("devices", item.line, Untakable::sort(item.sort(), "it as \"/dev/fuse:/dev/fuse:rwm\""))
            }
        }
    }
    Ok(())
}

pub(super) fn scale(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    copies(service, &from.value, "scale")
}

/// How a service is to run on a cluster of engines: what of it one engine knows as well.
pub(super) fn deploy(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let YamlContent::Map(entries) = &from.value.content else {
        return Err(Untakable::sort(from.value.sort(), "a mapping"));
    };
    for entry in entries {
        let path = format!("deploy.{}", entry.key);
        let taken = match entry.key.as_str() {
            "replicas" => copies(service, &entry.value, &path),
            "resources" => resources(service, entry),
            "restart_policy" => restart_policy(service, entry),
            "mode" if entry.value.text().as_deref() == Some("replicated") => Ok(()),
            "labels" => Err(Untakable::new(
                "these are labels of a service, which one engine does not have",
                "write them as `labels`",
            )),
            _ => Err(Untakable::new("it is for a cluster of engines", "leave it out; here is one engine")),
        };
        if let Err(why) = taken {
            service.leave(path, entry.line, why);
        }
    }
    Ok(())
}

/// How many blocks it becomes is known before its keys are read.
fn copies(service: &mut ServiceDraft<'_>, value: &Yaml, path: &str) -> Result<(), Untakable> {
    if value.int() == Some(0) {
        service.left_out = true;
        let why = Untakable::new("none of it is to run, so there is no block for it", "say 1");
        service.leave(path, value.line, why);
        return Ok(());
    }
    copies::wanted(service.from).map(drop)
}

fn resources(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let path = "deploy.resources";
    service.leave_others(from, path, &["limits"]);
    let Some(limits) = from.value.entries().iter().find(|entry| entry.key == "limits") else { return Ok(()) };
    for entry in limits.value.entries() {
        let taken = match entry.key.as_str() {
            "cpus" => cpus(service, entry),
            "memory" => memory(service, entry, "memory_mib"),
            "pids" => pids_limit(service, entry),
            _ => Err(Untakable::new("no attribute of a container says this", "leave it out")),
        };
        if let Err(why) = taken {
            service.leave(format!("{path}.limits.{}", entry.key), entry.line, why);
        }
    }
    Ok(())
}

fn restart_policy(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let condition = from.value.get("condition").and_then(Yaml::text).unwrap_or_else(|| "any".into());
    let policy = match condition.as_str() {
        "none" => "no",
        "on-failure" => "on-failure",
        "any" => "always",
        other => return Err(Untakable::new(format!("there is no condition `{other}`"), "say none, on-failure or any")),
    };
    service.set("restart", policy, from);
    if let Some(attempts) = from.value.get("max_attempts").and_then(Yaml::int).filter(|_| policy == "on-failure") {
        service.set("restart_retries", Value::Int(attempts), from);
    }
    service.leave_others(from, "deploy.restart_policy", &["condition", "max_attempts"]);
    Ok(())
}
