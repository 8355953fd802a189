//! Between the attributes of an object and its manifest.

use serde_json::{Map, Value as Json};

use super::fields::{self, FieldSet};
use super::secret;
use crate::observed::Mark;
use crate::render::objects::{MARK_ANNOTATION, OWNER_LABEL};
use crate::value::{Attributes, Text, Value};

/// The manifest that attributes mean. What is not known yet is left out.
pub fn of(attributes: &Attributes) -> Json {
    let text = |name: &str| attributes.get(name).as_str().unwrap_or_default();
    let mut object = Map::new();
    object.insert("apiVersion".into(), text("api_version").into());
    object.insert("kind".into(), text("kind").into());
    object.insert("metadata".into(), Json::Object(Map::new()));
    if let Value::Map(entries) = attributes.get("manifest") {
        let known = entries.iter().filter_map(|(key, item)| Some((key.to_string(), json_of(item)?)));
        object.extend(known);
    }
    if let Some(data) = json_of(attributes.get("data")) {
        object.insert("data".into(), data);
    }
    let mut object = Json::Object(object);
    object["metadata"]["name"] = text("name").into();
    if let Some(namespace) = attributes.get("namespace").as_str() {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

/// The attributes of an object that is there: what Atlas applied of it, as its mark tells.
pub fn attributes(object: &Json, mark: Option<&Mark>) -> Attributes {
    let owned = fields::applied(object);
    let is_secret = is_secret(object);
    let mut manifest = owned_part(object, owned, &|key| {
        !(["apiVersion", "kind", "status"].contains(&key) || is_secret && key == "data")
    });
    if let Value::Map(entries) = &mut manifest {
        let metadata = entries.remove("metadata").map(without_mark).unwrap_or_default();
        if !metadata.is_null() {
            entries.insert("metadata".into(), metadata);
        }
    }
    let data = if is_secret {
        owned_part(object, owned, &|key| key == "data").at("data").cloned().unwrap_or_default()
    } else {
        Value::Null
    };
    // The values of what is kept elsewhere are nobody's business.
    if mark.is_some_and(|mark| mark.digest_of("secrets").is_some()) {
        let mut all = named(object, manifest, Value::Null);
        all.set("secrets", secret::keys(&data));
        return all;
    }
    named(object, manifest, data)
}

/// The attributes of an object that says this.
fn named(object: &Json, manifest: Value, data: Value) -> Attributes {
    let text = |value: &Json| value.as_str().map_or(Value::Null, Value::from);
    Attributes::from_iter([
        ("api_version", text(&object["apiVersion"])),
        ("kind", text(&object["kind"])),
        ("namespace", text(&object["metadata"]["namespace"])),
        ("name", text(&object["metadata"]["name"])),
        ("manifest", manifest),
        ("data", data),
    ])
}

/// The attributes of an object of which everything is Atlas's own.
pub fn whole(object: &Json) -> Attributes {
    let mut rest = object.clone();
    if let Some(entries) = rest.as_object_mut() {
        entries.retain(|key, _| key != "apiVersion" && key != "kind");
    }
    if let Some(metadata) = rest.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.retain(|key, _| key != "name" && key != "namespace");
    }
    let mut manifest = Value::from(rest);
    if let Value::Map(entries) = &mut manifest
        && matches!(entries.get("metadata"), Some(Value::Map(inner)) if inner.is_empty())
    {
        entries.remove("metadata");
    }
    named(object, manifest, Value::Null)
}

/// The manifest and the data that are wanted, as one value whose keys are those of the object.
pub fn wanted(attributes: &Attributes) -> Value {
    let mut all = match attributes.get("manifest") {
        Value::Map(entries) => entries.clone(),
        _ => litemap::LiteMap::default(),
    };
    let data = ["data", "secrets"].into_iter().map(|name| attributes.get(name)).find(|data| !data.is_null());
    if let Some(data) = data {
        all.insert("data".into(), data.clone());
    }
    Value::Map(all)
}

/// The attributes that are wanted, with another manifest, and data, in place of their own.
pub fn with(attributes: &Attributes, told: Value) -> Attributes {
    let mut all = attributes.clone();
    let is_secret =
        attributes.get("kind").as_str() == Some("Secret") && attributes.get("api_version").as_str() == Some("v1");
    let Value::Map(mut entries) = told else {
        ["manifest", "data", "secrets"].into_iter().for_each(|name| all.set(name, Value::Null));
        return all;
    };
    let references = attributes.get("secrets");
    if !references.is_null() {
        all.set("secrets", secret::masked(references, &entries.remove("data").unwrap_or_default()));
    } else if is_secret {
        all.set("data", entries.remove("data").unwrap_or_default());
    }
    all.set("manifest", if entries.is_empty() { Value::Null } else { Value::Map(entries) });
    all
}

/// Whether an object is a Secret, whose data no output shows.
fn is_secret(object: &Json) -> bool {
    object["kind"] == "Secret" && object["apiVersion"] == "v1"
}

/// A value as JSON; none where it is not known yet. A part that is not known is left out.
fn json_of(value: &Value) -> Option<Json> {
    match value {
        Value::Template(_) => None,
        Value::Map(entries) => {
            let known = entries.iter().filter_map(|(key, item)| Some((key.to_string(), json_of(item)?)));
            Some(Json::Object(known.collect()))
        }
        Value::List(items) => Some(items.iter().filter_map(json_of).collect()),
        Value::Null => None,
        other => Some(other.to_json()),
    }
}

/// The part of an object that a set of fields has.
fn owned_part(object: &Json, owned: FieldSet<'_>, wants: &dyn Fn(&str) -> bool) -> Value {
    let Some(owned) = owned.filter(|owned| !owned.is_empty()) else { return Value::Null };
    let keys = owned.keys().filter_map(|key| key.strip_prefix("f:")).filter(|key| wants(key));
    let entries =
        keys.filter_map(|key| Some((Text::from(key), part(object.get(key)?, owned[&format!("f:{key}")].as_object()))));
    Value::map(entries.collect())
}

fn part(value: &Json, owned: FieldSet<'_>) -> Value {
    let Some(owned) = owned else { return Value::from(value.clone()) };
    let has = |word: &str| owned.keys().any(|key| key.starts_with(word));
    if value.is_object() && has("f:") {
        return owned_part(value, Some(owned), &|_| true);
    }
    if value.is_array() && (has("k:") || has("v:")) {
        let items = owned.iter().filter_map(|(key, inner)| Some(part(fields::item_at(value, key)?, inner.as_object())));
        return Value::List(items.collect());
    }
    Value::from(value.clone())
}

/// Metadata without what Atlas keeps in it.
fn without_mark(metadata: Value) -> Value {
    let Value::Map(mut entries) = metadata else { return metadata };
    for (name, own) in [("annotations", MARK_ANNOTATION), ("labels", OWNER_LABEL)] {
        let Some(Value::Map(mut inner)) = entries.remove(name) else { continue };
        inner.remove(own);
        if !inner.is_empty() {
            entries.insert(name.into(), Value::Map(inner));
        }
    }
    if entries.is_empty() { Value::Null } else { Value::Map(entries) }
}
