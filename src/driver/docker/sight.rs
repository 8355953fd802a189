//! What objects of an engine have in common when they are looked at.

use std::collections::HashMap;

use super::mark::{self, Labels, Notes};
use crate::kind::{Kind, Outputs, Usage, engine_word, normal_attributes};
use crate::observed::{Mark, Object};
use crate::value::{Attributes, Value};

/// An object as a list of the engine tells it.
pub(super) struct Listed {
    /// The engine's own name of it.
    pub id: String,
    pub name: String,
    pub labels: Labels,
}

/// An object before it is brought into Atlas's words.
pub(super) struct Sight {
    pub kind: &'static Kind,
    pub identity: String,
    pub hosts: Vec<String>,
    pub listed: Listed,
    pub mark: Option<Mark>,
}

impl Sight {
    /// The object with what was read of it.
    pub fn object(self, attributes: Attributes, outputs: Outputs, usage: Usage, ill: Option<String>) -> Object {
        Object {
            kind: self.kind,
            identity: self.identity,
            hosts: self.hosts,
            attributes: normal_attributes(self.kind, attributes),
            outputs,
            usage,
            mark: self.mark,
            external: false,
            condition: ill.into(),
        }
    }
}

/// The identity of a listed object of a kind that lives in nothing, and its mark. What was renamed since Atlas made it keeps
/// the identity that it was made under.
pub(super) fn owner(kind: &Kind, engine: Option<&str>, listed: &Listed, notes: &Notes) -> (String, Option<Mark>) {
    let identity = match mark::identity(&listed.labels) {
        Some(own) => own.to_owned(),
        None => identity(kind.name, engine, &listed.name),
    };
    let labels = notes.latest(&identity, &listed.id, &listed.labels);
    let mark = mark::read(labels);
    (identity, mark)
}

/// The identity of what has a name on an engine.
pub(super) fn identity(kind: &str, engine: Option<&str>, name: &str) -> String {
    let engine = engine.map(|engine| engine_word(engine) + ":");
    format!("{kind}/{}{name}", engine.unwrap_or_default())
}

/// Whether an attribute of an object is Atlas's business: the spec says it, or Atlas once applied it.
pub(super) fn is_managed(name: &str, mark: Option<&Mark>, wanted: Option<&Attributes>) -> bool {
    let said = wanted.is_some_and(|wanted| !wanted.get(name).is_null());
    said || mark.is_some_and(|mark| mark.applied.split(' ').any(|pair| pair.starts_with(&format!("{name}:"))))
}

/// The entries of a table of texts.
pub(super) fn texts(value: &Value) -> impl Iterator<Item = (String, String)> {
    let entries = match value {
        Value::Map(entries) => {
            entries.iter().filter_map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned()))).collect()
        }
        _ => Vec::new(),
    };
    entries.into_iter()
}

/// Adds the spec's own labels to those of the mark, and which they are.
pub(super) fn carry(labels: &mut Labels, wanted: &Attributes) {
    let own: Vec<(String, String)> = texts(wanted.get("labels")).collect();
    keys(labels, "labels", own.iter().map(|(key, _)| key.as_str()));
    labels.extend(own);
}

/// Notes which entries of a table are Atlas's own.
pub(super) fn keys<'a>(labels: &mut Labels, name: &str, keys: impl Iterator<Item = &'a str>) {
    labels.insert(format!("atlas.keys.{name}"), keys.collect::<Vec<_>>().join(" "));
}

/// The entries of a table of texts on an object that are Atlas's business: others bring some as well (an image its
/// labels and variables), so only those count that the spec names, and that Atlas made along with the object.
pub(super) fn said(
    name: &str,
    there: &HashMap<String, String>,
    labels: &Labels,
    managed: &impl Fn(&str) -> bool,
    wanted: Option<&Attributes>,
) -> Value {
    if !managed(name) {
        return Value::Null;
    }
    let keys = labels.get(&format!("atlas.keys.{name}")).map(|keys| keys.split(' ').collect::<Vec<_>>());
    let named = |key: &str| {
        wanted.is_some_and(|wanted| matches!(wanted.get(name), Value::Map(entries) if entries.contains_key(key)))
    };
    let own = |key: &str| match &keys {
        Some(keys) => keys.contains(&key),
        None => !mark::is_own(key),
    };
    let entries = there.iter().filter(|(key, _)| !mark::is_own(key) && (own(key) || named(key)));
    Value::Map(entries.map(|(key, value)| (key.into(), Value::from(value.as_str()))).collect())
}
