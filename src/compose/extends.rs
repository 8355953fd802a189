//! Services that extend another one of the same file, put together as compose does.

use std::collections::BTreeMap;

use super::untaken::{ComposeFault, Untaken};
use super::yaml::{Yaml, YamlContent, YamlEntry};

/// How many services may extend each other in a row.
const DEEPEST: usize = 50;

/// Keys of which the nearer one counts alone, whatever it is.
const REPLACED: [&str; 4] = ["command", "entrypoint", "test", "extends"];

/// Keys that say pairs, as a list or as a mapping.
const PAIRS: [&str; 6] = ["environment", "labels", "extra_hosts", "sysctls", "annotations", "args"];

/// Keys that say names, as a list or as a mapping.
const NAMES: [&str; 2] = ["depends_on", "networks"];

/// What a base does not hand down.
const OWN: [&str; 4] = ["extends", "container_name", "depends_on", "profiles"];

/// How many values all services together may have.
const MOST_VALUES: usize = 200_000;

/// Every service with what it extends.
pub fn resolved(services: &[YamlEntry], untaken: &mut Vec<Untaken>) -> Result<Vec<YamlEntry>, ComposeFault> {
    let by_name: BTreeMap<&str, &YamlEntry> = services.iter().map(|service| (service.key.as_str(), service)).collect();
    let mut size = 0;
    let one = |service: &YamlEntry| {
        let whole = whole(service, &by_name, untaken);
        size += values(&whole.value);
        match size > MOST_VALUES {
            false => Ok(whole),
            true => Err(ComposeFault {
                line: Some(service.line),
                why: format!("with all that they extend, the services have more than {MOST_VALUES} values"),
                way_out: "extend less".into(),
            }),
        }
    };
    services.iter().map(one).collect()
}

fn values(value: &Yaml) -> usize {
    1 + match &value.content {
        YamlContent::List(items) => items.iter().map(values).sum(),
        YamlContent::Map(entries) => entries.iter().map(|entry| values(&entry.value)).sum(),
        _ => 0,
    }
}

fn whole(service: &YamlEntry, all: &BTreeMap<&str, &YamlEntry>, untaken: &mut Vec<Untaken>) -> YamlEntry {
    let mut value = service.value.clone();
    let mut next = service;
    for _ in 0..DEEPEST {
        let Some(extends) = next.value.get("extends").filter(|extends| !extends.is_null()) else {
            return YamlEntry { value, ..service.clone() };
        };
        let named = extends.text().or_else(|| extends.get("service").and_then(Yaml::text));
        let base = match (&named, extends.get("file")) {
            (Some(name), None) => all.get(name.as_str()),
            _ => None,
        };
        let Some(base) = base else { break };
        value = merged(&handed_down(&base.value), &value, "");
        next = base;
    }
    untaken.push(Untaken {
        part: format!("services.{}", service.key),
        key: "extends".into(),
        line: next.value.get("extends").map_or(service.line, |extends| extends.line),
        why: "what it extends is in another file, is not there, or extends it in turn".into(),
        way_out: "import what `docker compose config` prints, in which it is put together".into(),
    });
    YamlEntry { value, ..service.clone() }
}

fn handed_down(base: &Yaml) -> Yaml {
    let entries = base.entries().iter().filter(|entry| !OWN.contains(&entry.key.as_str())).cloned().collect();
    Yaml { content: YamlContent::Map(entries), ..base.clone() }
}

/// A value over another one: mappings by key, lists one behind the other, of anything else the nearer one.
fn merged(base: &Yaml, over: &Yaml, key: &str) -> Yaml {
    if over.is_null() {
        return base.clone();
    }
    if REPLACED.contains(&key) {
        return over.clone();
    }
    let (base, over) = match PAIRS.contains(&key) || NAMES.contains(&key) {
        true => (by_key(base), by_key(over)),
        false => (base.clone(), over.clone()),
    };
    let content = match (base.content, over.content) {
        (YamlContent::Map(base), YamlContent::Map(over)) => {
            let places: BTreeMap<String, usize> =
                base.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
            let mut all = base;
            for entry in over {
                match places.get(&entry.key) {
                    Some(at) => {
                        let value = merged(&all[*at].value, &entry.value, &entry.key);
                        all[*at] = YamlEntry { value, ..entry };
                    }
                    None => all.push(entry),
                }
            }
            YamlContent::Map(all)
        }
        (YamlContent::List(mut base), YamlContent::List(over)) => {
            base.extend(over);
            YamlContent::List(base)
        }
        (_, over) => over,
    };
    Yaml { content, line: over.line, variable: over.variable }
}

/// A list of `KEY=VALUE` or of names as the mapping that it stands for.
fn by_key(value: &Yaml) -> Yaml {
    let YamlContent::List(items) = &value.content else { return value.clone() };
    // One that stands there twice counts as it stands there last: whoever reads them takes the later one.
    let mut entries: Vec<YamlEntry> = Vec::new();
    for item in items {
        let Some(text) = item.text() else { return value.clone() };
        let (key, content) = match text.split_once('=') {
            Some((key, value)) => (key.to_owned(), YamlContent::Text(value.to_owned())),
            None => (text, YamlContent::Null),
        };
        entries.push(YamlEntry { key, line: item.line, value: Yaml { content, ..item.clone() } });
    }
    Yaml { content: YamlContent::Map(entries), ..value.clone() }
}
