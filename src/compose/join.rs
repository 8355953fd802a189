//! The networks that a service is in.

use super::service::ServiceDraft;
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::value::Value;

pub(super) fn networks(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    match &from.value.content {
        YamlContent::Null => {}
        YamlContent::List(_) => {
            for (name, line) in super::service::texts(&from.value)? {
                join(service, from, &name, line, &Yaml::default());
            }
        }
        YamlContent::Map(entries) => entries.iter().for_each(|entry| {
            join(service, from, &entry.key, entry.line, &entry.value);
        }),
        _ => return Err(Untakable::sort(from.value.sort(), "a list or a mapping")),
    }
    Ok(())
}

/// What says nothing about networks is in the one that compose makes for the whole file.
pub(super) fn by_default(service: &mut ServiceDraft<'_>, from: &YamlEntry) {
    let says = |key: &str| from.value.get(key).is_some_and(|value| !value.is_null());
    if !says("network_mode") && !says("networks") {
        let own = YamlEntry { key: "networks".into(), line: from.line, value: Yaml::default() };
        join(service, &own, "default", from.line, &Yaml::default());
    }
}

pub(super) fn network_mode(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let mode = from.value.text().unwrap_or_default();
    match mode.as_str() {
        "host" | "none" => service.set("network_mode", mode.as_str(), from),
        // The engine's own network is where a container is that names none.
        "bridge" => {}
        _ => {
            let why = "it would share the network of another container";
            return Err(Untakable::new(why, "put both into one network, where they find each other by name"));
        }
    }
    Ok(())
}

pub(super) fn links(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    for (text, line) in super::service::texts(&from.value)? {
        let (other, alias) = text.split_once(':').unwrap_or((&text, &text));
        service.needs.push(super::service::Need {
            service: other.to_owned(),
            condition: "service_started".into(),
            line,
        });
        if alias != other {
            let why = format!("`{alias}` would be a name of `{other}` for this one alone");
            let way_out = format!("write `aliases: [{alias}]` below the networks of `{other}`");
            service.leave("links", line, Untakable::new(why, way_out));
        }
    }
    Ok(())
}

/// A container is in a network under the name of its service, and under its aliases.
fn join(service: &mut ServiceDraft<'_>, from: &YamlEntry, name: &str, line: usize, value: &Yaml) {
    let Some(address) = service.file.address("network", name) else {
        let why = format!("the file declares no network `{name}`");
        service.leave("networks", line, Untakable::new(why, format!("write `{name}:` below `networks:`")));
        return;
    };
    service.used.push(("network", name.to_owned()));
    let mut aliases = vec![service.name.to_owned()];
    match value.get("aliases").map(super::service::texts) {
        Some(Ok(more)) => aliases.extend(more.into_iter().map(|(alias, _)| alias)),
        Some(Err(why)) => service.leave(format!("networks.{name}.aliases"), line, why),
        None => {}
    }
    aliases.dedup();
    let text = |key: &str| value.get(key).and_then(Yaml::text);
    let (v4, v6) = (text("ipv4_address"), text("ipv6_address"));
    if v4.is_some() && v6.is_some() {
        let why = Untakable::new("one address can be said in each network", "keep one of them");
        service.leave(format!("networks.{name}.ipv6_address"), line, why);
    }
    for entry in value.entries() {
        if !["aliases", "ipv4_address", "ipv6_address"].contains(&entry.key.as_str()) {
            let why = Untakable::new("no attribute of a container says this", "leave it out; the engine chooses");
            service.leave(format!("networks.{name}.{}", entry.key), entry.line, why);
        }
    }
    let aliases = aliases.iter().map(|alias| Value::from(alias.as_str())).collect();
    let mut entries = vec![("network", Value::from(address.as_str())), ("aliases", Value::List(aliases))];
    entries.extend(v4.or(v6).map(|address| ("address", Value::from(address.as_str()))));
    let joined = Value::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect());
    service.push("networks", joined, from);
}
