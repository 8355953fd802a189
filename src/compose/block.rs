//! Blocks as they are written, with what they could not take beside them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::copies;
use super::imported::{Imported, ImportedBlock};
use super::mount::last_of_each_place;
use super::service::ServiceDraft;
use super::untaken::Untaken;
use crate::address::Address;
use crate::diagnostic::code;
use crate::kind::{self, Attribute, Type, default_of};
use crate::spec::{is_secret_name, key, quoted, read_value, toml_of};
use crate::style::harmless;
use crate::value::{Text, Value};

/// The blocks as text. Where a project is named, it begins with that; `file` is what the compose file is called.
#[must_use]
pub fn written(imported: &Imported, file: &str, project: Option<&str>) -> String {
    let mut text = format!("# From {}, by `atlas import`.\n", harmless(file));
    comments(&mut text, imported.untaken.iter());
    if let Some(project) = project {
        let _ = writeln!(text, "\n[project]\nname = {}", quoted(project));
    }
    for block in &imported.blocks {
        text.push('\n');
        comments(&mut text, block.untaken.iter());
        let _ = writeln!(text, "[{}.{}]", block.address.kind(), key(block.address.name()));
        for (attribute, value) in &block.lines {
            let _ = writeln!(text, "{attribute} = {}", toml_of(value));
        }
    }
    text
}

fn comments<'a>(text: &mut String, untaken: impl Iterator<Item = &'a Untaken>) {
    for one in untaken {
        let _ = writeln!(text, "# not taken: {}", harmless(&one.to_string()));
    }
}

/// The block of a service.
pub(super) fn of_service(mut service: ServiceDraft<'_>, imported: &mut Imported) {
    let names = service.file.names("container", service.name);
    let name = names.first().cloned().unwrap_or_default();
    let (project, service_name) = (service.file.project, service.name);
    let object = |number: usize| format!("{project}-{service_name}-{number}");
    let line = service.line;
    service.values.entry("name").or_insert((Value::from(object(1).as_str()), String::new(), line));
    // A service that says nothing is not started again, and a container is.
    service.values.entry("restart").or_insert((Value::from("no"), String::new(), line));
    let mut untaken = std::mem::take(&mut service.untaken);
    let part = format!("services.{}", service.name);
    let (values, mut tables) = (std::mem::take(&mut service.values), std::mem::take(&mut service.tables));
    let whole = |(attribute, (value, key, line)): (&'static str, (Value, String, usize))| {
        let value = match (tables.remove(attribute), value) {
            (Some(table), _) => Value::map(table.into_iter().map(|(key, value)| (key.into(), value)).collect()),
            (None, Value::List(mounts)) if ["binds", "volumes"].contains(&attribute) => {
                Value::List(last_of_each_place(mounts))
            }
            (None, value) => value,
        };
        (attribute, value, key, line)
    };
    let values = values.into_iter().map(whole).collect();
    let lines = lines("container", values, &part, &mut untaken);
    let address = Address::new("container", &name, None);
    let said =
        |name: &&String| lines.iter().any(|(attribute, value)| *attribute == "environment" && value.at(name).is_some());
    let secrets: Vec<&String> = service.secrets.iter().filter(said).filter(|name| is_secret_name(name)).collect();
    let addresses = names.iter().map(|name| Address::new("container", name, None));
    imported.secrets.extend(
        addresses.flat_map(|address| secrets.iter().map(move |name| format!("{address}: {name}")).collect::<Vec<_>>()),
    );
    let first = ImportedBlock { address, lines, untaken };
    imported.blocks.extend(copies::blocks(first, names, object, &service.spread));
}

/// The block of a network or a volume.
pub(super) fn of_shared(
    kind: &'static str,
    name: &str,
    part: &str,
    values: Vec<(&'static str, Value, String, usize)>,
    mut untaken: Vec<Untaken>,
) -> ImportedBlock {
    let from: Vec<(&str, usize)> = values.iter().map(|(name, .., line)| (*name, *line)).collect();
    let mut lines = lines(kind, values, part, &mut untaken);
    // A subnet that could not be taken takes along what counts only with it.
    let has_subnet = lines.iter().any(|(name, _)| *name == "subnet");
    lines.retain(|(name, _)| {
        let kept = has_subnet || !["gateway", "ip_range"].contains(name);
        if !kept {
            let line = from.iter().find(|(known, _)| known == name).map_or(0, |(_, line)| *line);
            let (key, why) = (format!("ipam.config.{name}"), "it counts only with its subnet".to_owned());
            untaken.push(Untaken { part: part.to_owned(), key, line, why, way_out: "correct the subnet".into() });
        }
        kept
    });
    ImportedBlock { address: Address::new(kind, name, None), lines, untaken }
}

/// The lines of a block in the order of its kind. What the kind does not take is named.
fn lines(
    kind: &str,
    values: Vec<(&'static str, Value, String, usize)>,
    part: &str,
    untaken: &mut Vec<Untaken>,
) -> Vec<(&'static str, Value)> {
    let Some(kind) = kind::get(kind) else { return Vec::new() };
    let mut lines = Vec::new();
    for attribute in kind.attributes.iter() {
        let Some((name, value, key, line)) = values.iter().find(|(name, ..)| *name == attribute.name).cloned() else {
            continue;
        };
        let mut refuse = |why: String, way_out: String| {
            untaken.push(Untaken { part: part.to_owned(), key: key.clone(), line, why, way_out });
        };
        let value = fitting(&attribute.ty, unreserved(attribute, value, &mut refuse), &mut refuse);
        if !value.is_null() && value != default_of(attribute) {
            lines.push((name, value));
        }
    }
    let common = values.into_iter().filter(|(name, ..)| ["depends_on", "on_remove"].contains(name));
    lines.extend(common.map(|(name, value, ..)| (name, value)));
    untaken.sort_by_key(|one| one.line);
    lines
}

/// A table without the keys that belong to somebody else.
fn unreserved(attribute: &Attribute, value: Value, refuse: &mut impl FnMut(String, String)) -> Value {
    let Value::Map(entries) = value else { return value };
    let mut free = |(name, value): &(Text, Value)| {
        let rule = attribute.reserved.iter().find(|rule| rule.covers(name, value.as_str()));
        if let Some(rule) = rule {
            refuse(format!("`{name}`: {}", rule.why), rule.hint.to_string());
        }
        rule.is_none()
    };
    Value::map(entries.into_iter().filter(|entry| free(entry)).collect())
}

/// What of a value a type takes. Items of lists and of tables stand each for itself.
fn fitting(ty: &Type, value: Value, refuse: &mut impl FnMut(String, String)) -> Value {
    match (ty, value) {
        (Type::List(_) | Type::Set(_), Value::List(items)) => {
            let mut kept: Vec<Value> = Vec::new();
            let mut known: BTreeSet<String> = BTreeSet::new();
            for item in items {
                match fault(ty, &Value::List(vec![item.clone()])) {
                    Some((why, way_out)) => refuse(why, way_out),
                    // A list keeps its order and what it says twice; a set has everything once.
                    None if matches!(ty, Type::Set(_)) && !known.insert(toml_of(&item)) => {}
                    None => kept.push(item),
                }
            }
            if kept.is_empty() { Value::Null } else { Value::List(kept) }
        }
        (Type::Map(_), Value::Map(entries)) => {
            let mut kept: Vec<(Text, Value)> = Vec::new();
            for (name, value) in entries {
                match fault(ty, &Value::map([(name.clone(), value.clone())].into_iter().collect())) {
                    Some((why, way_out)) => refuse(format!("`{name}`: {why}"), way_out),
                    None => kept.push((name, value)),
                }
            }
            if kept.is_empty() { Value::Null } else { Value::map(kept.into_iter().collect()) }
        }
        (_, value) => match fault(ty, &value) {
            Some((why, way_out)) => {
                refuse(why, way_out);
                Value::Null
            }
            None => value,
        },
    }
}

/// Why a type does not take a value, and the way out.
fn fault(ty: &Type, value: &Value) -> Option<(String, String)> {
    let found = read_value(ty, &toml_of(value)).err()?;
    // What it names is found out once all blocks stand beside each other.
    let elsewhere = [&code::REFERENCE_TO_NOTHING, &code::NO_SUCH_PLACE, &code::SEVERAL_PLACES].map(|code| code.name);
    let fault = found.iter().find(|fault| !elsewhere.contains(&fault.code.name))?;
    let way_out = fault.hint.clone().unwrap_or_else(|| format!("it takes {}", ty.describe()));
    Some((fault.detail.clone(), way_out.to_string()))
}
