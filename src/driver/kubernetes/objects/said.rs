//! What a namespace has besides itself, as an annotation on it: what was said of it, and of which kinds the objects of that are.
//!
//! It is there before the first of them is, as the record of an app is. So they are found, also when the spec does not have them any
//! more. It names references to secrets, and no value of one.

use std::collections::BTreeSet;

use litemap::LiteMap;
use serde_json::{Map, Value as Json, json};

use super::app::KindInNamespace;
use crate::render::objects::{of_namespace, secrets};
use crate::value::{Attributes, Text, Value};

/// The annotation.
pub const ANNOTATION: &str = "atlas/namespace";

/// The attributes that come to objects of their own.
pub const PARTS: [&str; 5] = ["limits", "allow", "service_accounts", "secrets", "image_pull_secrets"];

/// What was said of a namespace.
pub fn parts(namespace: &Json) -> Vec<(&'static str, Value)> {
    let read = read(namespace);
    let all: LiteMap<Text, Value> = serde_json::from_value(read["said"].clone()).unwrap_or_default();
    PARTS.iter().map(|part| (*part, all.get(*part).cloned().unwrap_or_default())).collect()
}

/// The kinds of the objects that a namespace has, or may have.
pub fn kinds(namespace: &Json) -> Vec<KindInNamespace> {
    let name = namespace["metadata"]["name"].as_str();
    let read = read(namespace);
    let lines = read["kinds"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let kinds = lines.filter_map(|line| line.split_once(' '));
    kinds
        .map(|(api_version, kind)| KindInNamespace {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: name.map(str::to_owned),
        })
        .collect()
}

/// The annotation of a namespace that has these attributes, and had objects of some kinds before; none where there is nothing to say.
/// A kind stays in it: what is not seen to be gone may be there.
pub fn annotation(attributes: &Attributes, live: Option<&Json>) -> Option<String> {
    let name = attributes.get("name").as_str().unwrap_or_default();
    let had = live.map(kinds).unwrap_or_default().into_iter().map(|one| (one.api_version, one.kind));
    let objects = of_namespace(attributes, name).into_iter().chain(secrets(attributes, name));
    let has = objects.map(|object| (object.api_version, object.kind));
    let kinds: BTreeSet<String> = had.chain(has).map(|(version, kind)| format!("{version} {kind}")).collect();
    let said = PARTS.iter().map(|part| (*part, attributes.get(part))).filter(|(_, value)| !value.is_null());
    let said: Map<String, Json> = said.map(|(part, value)| (part.to_owned(), value.to_json())).collect();
    (!kinds.is_empty() || !said.is_empty()).then(|| json!({ "said": said, "kinds": kinds }).to_string())
}

fn read(namespace: &Json) -> Json {
    let text = namespace["metadata"]["annotations"][ANNOTATION].as_str().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}
