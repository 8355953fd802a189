//! The networks and volumes of a file.

use std::collections::BTreeSet;

use super::block;
use super::imported::{Imported, ImportedBlock};
use super::service::{ComposeFile, pairs};
use super::untaken::{Untakable, Untaken};
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::value::{Text, Value};

/// Adds a block for each network and volume that a service uses, and names those that none does.
pub(super) fn add(file: &ComposeFile<'_>, used: &BTreeSet<(&str, String)>, imported: &mut Imported) {
    for (kind, part, entries) in [("network", "networks", file.networks), ("volume", "volumes", file.volumes)] {
        for entry in entries {
            let part = format!("{part}.{}", entry.key);
            let used = used.contains(&(kind, entry.key.clone()));
            // What the file does not say itself is no loss when it is not needed.
            let said = entry.key != "default" || !entry.value.is_null();
            if !used && said {
                let why = "no service uses it, so compose makes none either".to_owned();
                let way_out = "there is nothing to do".to_owned();
                imported.untaken.push(Untaken { part, key: String::new(), line: entry.line, why, way_out });
            } else if used {
                imported.blocks.push(one(file, kind, part, entry));
            }
        }
    }
}

fn one(file: &ComposeFile<'_>, kind: &'static str, part: String, entry: &YamlEntry) -> ImportedBlock {
    let mut shared = SharedPart { part, values: Vec::new(), untaken: Vec::new() };
    if !matches!(entry.value.content, YamlContent::Map(_) | YamlContent::Null) {
        shared.leave("", entry.line, Untakable::sort(entry.value.sort(), "a mapping"));
    }
    let external = entry.value.get("external").filter(|external| external.flag() != Some(false));
    let legacy = external.and_then(|external| external.get("name")).and_then(Yaml::text);
    let usual = match external {
        Some(_) => legacy.unwrap_or_else(|| entry.key.clone()),
        None => format!("{}_{}", file.project, entry.key),
    };
    let name = entry.value.get("name").and_then(Yaml::text).unwrap_or(usual);
    shared.values.push(("name", Value::from(name.as_str()), "name".into(), entry.line));
    let block = file.names(kind, &entry.key).first().cloned().unwrap_or_default();
    if let Some(external) = external {
        shared.values.push(("on_remove", Value::from("forget"), "external".into(), external.line));
        let why = "it is there already, and is somebody else's";
        let way_out = format!("take it over before the first apply: `atlas adopt {kind}.{block}`");
        shared.leave("external", external.line, Untakable::new(why, way_out));
    }
    for entry in entry.value.entries().iter().filter(|entry| !["name", "external"].contains(&entry.key.as_str())) {
        if let Err(why) = shared.take(kind, entry) {
            shared.leave(&entry.key, entry.line, why);
        }
    }
    block::of_shared(kind, &block, &shared.part, shared.values, shared.untaken)
}

/// A network or a volume on its way to a block.
struct SharedPart {
    part: String,
    /// The attributes so far, each with the key that it comes from and its line.
    values: Vec<(&'static str, Value, String, usize)>,
    untaken: Vec<Untaken>,
}

impl SharedPart {
    fn leave(&mut self, key: &str, line: usize, why: Untakable) {
        let Untakable { why, way_out } = why;
        self.untaken.push(Untaken { part: self.part.clone(), key: key.to_owned(), line, why, way_out });
    }

    fn set(&mut self, attribute: &'static str, value: Value, from: &YamlEntry) {
        self.values.push((attribute, value, from.key.clone(), from.line));
    }

    fn take(&mut self, kind: &str, from: &YamlEntry) -> Result<(), Untakable> {
        if from.value.is_null() {
            return Ok(());
        }
        match (kind, from.key.as_str()) {
            (_, "driver") => {
                let text = from.value.text().ok_or_else(|| Untakable::sort(from.value.sort(), "a text"))?;
                self.set("driver", Value::from(text.as_str()), from);
            }
            (_, "labels") => self.set("labels", texts_by_key(&from.value)?, from),
            (_, "driver_opts") => self.set("options", texts_by_key(&from.value)?, from),
            ("network", "internal") => self.set("internal", flag(&from.value)?, from),
            ("network", "enable_ipv6") => self.set("ipv6", flag(&from.value)?, from),
            ("network", "ipam") => return self.ipam(from),
            ("network", "enable_ipv4") if from.value.flag() == Some(true) => {}
            ("network", "attachable" | "enable_ipv4") => {
                return Err(Untakable::new("no attribute of a network says this", "leave it out"));
            }
            (_, key) => {
                let known = [
                    "name",
                    "driver",
                    "driver_opts",
                    "external",
                    "labels",
                    "internal",
                    "ipam",
                    "attachable",
                    "enable_ipv6",
                ];
                return Err(Untakable::unknown(key, &known));
            }
        }
        Ok(())
    }

    /// The addresses of a network.
    fn ipam(&mut self, from: &YamlEntry) -> Result<(), Untakable> {
        if !matches!(from.value.content, YamlContent::Map(_)) {
            return Err(Untakable::sort(from.value.sort(), "a mapping"));
        }
        for entry in from.value.entries() {
            match (entry.key.as_str(), &entry.value.content) {
                ("driver", YamlContent::Text(text)) if text == "default" => {}
                ("config", YamlContent::List(items)) => self.ranges(entry, items),
                _ => {
                    let why = Untakable::new("no attribute of a network says this", "leave it out");
                    self.leave(&format!("ipam.{}", entry.key), entry.line, why);
                }
            }
        }
        Ok(())
    }

    /// One range says its parts by themselves, and several stand in a list.
    fn ranges(&mut self, from: &YamlEntry, items: &[Yaml]) {
        let mut all: Vec<Value> = Vec::new();
        for item in items {
            let mut range = Value::default();
            for entry in item.entries() {
                let name = match entry.key.as_str() {
                    "subnet" | "gateway" | "ip_range" => entry.key.as_str(),
                    _ => "",
                };
                match entry.value.text().filter(|_| !name.is_empty()) {
                    Some(text) => range = range.with(&[name], Value::from(text.as_str())),
                    None => {
                        let key = format!("ipam.{}.{}", from.key, entry.key);
                        let why = "no attribute of a network says this";
                        self.leave(&key, entry.line, Untakable::new(why, "leave it out"));
                    }
                }
            }
            match range.at("subnet") {
                Some(_) => all.push(range),
                None => {
                    let why = Untakable::new("a range of addresses counts only with its subnet", "say the `subnet`");
                    self.leave(&format!("ipam.{}", from.key), item.line, why);
                }
            }
        }
        match all.as_slice() {
            [Value::Map(only)] => {
                for name in ["subnet", "gateway", "ip_range"] {
                    if let Some(value) = only.get(name) {
                        self.set(name, value.clone(), from);
                    }
                }
            }
            _ => self.set("subnets", Value::List(all), from),
        }
    }
}

fn flag(value: &Yaml) -> Result<Value, Untakable> {
    value.flag().map(Value::Bool).ok_or_else(|| Untakable::sort(value.sort(), "true or false"))
}

fn texts_by_key(value: &Yaml) -> Result<Value, Untakable> {
    let all = pairs(value, &['='])?.into_iter().map(|(key, value, _)| {
        let text = value.and_then(|value| value.text()).unwrap_or_default();
        (Text::from(key.as_str()), Value::from(text.as_str()))
    });
    Ok(Value::map(all.collect()))
}
