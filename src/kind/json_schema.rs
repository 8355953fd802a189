//! The JSON Schema of a spec, derived from the kinds, for editors that complete and check `atlas.toml`.

use serde_json::{Map, Value, json};

use super::attributes::attributes_of;
use super::duration;
use super::normal::{default_of, literal};
use super::own::ALL;
use super::reconcile::RECONCILE;
use super::reserved::Reserved;
use super::schema::{Attribute, Kind, Places, Type};

/// The schema of a whole spec, as JSON Schema draft 7, which TOML language servers read.
#[must_use]
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    for kind in ALL {
        definitions.insert(kind.name.to_owned(), block(kind, true));
        definitions.insert(format!("{}.overlay", kind.name), block(kind, false));
    }
    let mut root = kinds("");
    let mut overlay = kinds(".overlay");
    root.insert("project".into(), project());
    for (properties, complete) in [(&mut root, true), (&mut overlay, false)] {
        properties.insert("var".into(), named(&variable(complete), "Variables: `${var.NAME}`."));
        let mut reconcile = object(RECONCILE.iter(), complete);
        reconcile["description"] = "The loop that heals, and its limits.".into();
        properties.insert("reconcile".into(), reconcile);
    }
    overlay.insert(
        "world".into(),
        json!({ "enum": ["sandbox", "real"], "default": "real", "description": "Where resources are made." }),
    );
    let names: Vec<&str> = ALL.iter().map(|kind| kind.name).collect();
    overlay.insert(
        "kinds".into(),
        json!({
            "type": "array",
            "items": { "enum": names },
            "description": "The kinds that this environment is made of; all of them by default.",
        }),
    );
    let environment = json!({ "type": "object", "properties": overlay, "additionalProperties": false });
    root.insert("environment".into(), named(&environment, "Environments: each a partial spec, merged over the base."));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Atlas spec",
        "type": "object",
        "required": ["project"],
        "properties": root,
        "additionalProperties": false,
        "definitions": definitions,
    })
}

fn kinds(suffix: &str) -> Map<String, Value> {
    let top = ALL.iter().filter(|kind| !matches!(kind.places, Places::Inside(_)));
    top.map(|kind| (kind.name.to_owned(), named(&reference(kind, suffix), &kind.summary))).collect()
}

fn reference(kind: &Kind, suffix: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{}{suffix}", kind.name) })
}

fn named(item: &Value, description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "propertyNames": { "pattern": "^[a-z0-9_-]{1,63}$" },
        "additionalProperties": item,
    })
}

fn project() -> Value {
    let word = json!({ "type": "string", "pattern": "^[a-z0-9-]{1,40}$" });
    let records = json!({
        "type": "string",
        "pattern": "^s3://",
        "description": "Where the records are kept, for a team to share: s3://bucket/prefix.",
    });
    json!({
        "type": "object",
        "description": "The project that every object's ownership mark names.",
        "required": ["name"],
        "properties": { "name": word, "environment": word, "records": records },
        "additionalProperties": false,
    })
}

fn variable(complete: bool) -> Value {
    let scalar = json!({ "type": ["string", "number", "boolean"], "description": "The value unless --var or ATLAS_VAR_NAME gives another." });
    let mut schema = json!({
        "type": "object",
        "properties": { "default": scalar, "description": { "type": "string" } },
        "additionalProperties": false,
    });
    if !complete {
        schema["properties"]["new"] = new();
    }
    schema
}

/// What only a block of an environment says.
fn new() -> Value {
    json!({ "type": "boolean", "description": "Only this environment has the block: the rest of the spec has none of its name." })
}

fn block(kind: &Kind, complete: bool) -> Value {
    let mut schema = object(attributes_of(kind), complete);
    schema["description"] = (*kind.summary).into();
    if !complete {
        schema["properties"]["new"] = new();
    }
    for inner in ALL.iter().filter(|inner| inner.places == Places::Inside(kind.name)) {
        let suffix = if complete { "" } else { ".overlay" };
        schema["properties"][inner.name] = named(&reference(inner, suffix), &inner.summary);
    }
    schema
}

fn object<'a>(attributes: impl Iterator<Item = &'a Attribute>, complete: bool) -> Value {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    for attribute in attributes {
        if attribute.required && complete {
            required.push(attribute.name);
        }
        properties.insert(attribute.name.to_owned(), entry(attribute, complete));
    }
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn entry(attribute: &Attribute, complete: bool) -> Value {
    let mut schema = of_type(&attribute.ty, complete);
    let replaces = match (attribute.replaces, attribute.removal_replaces) {
        (true, _) => " A change replaces the object.",
        (false, true) => " To remove it replaces the object.",
        (false, false) => "",
    };
    schema["description"] = format!("{}{replaces}", attribute.doc).into();
    if attribute.default.is_some() {
        schema["default"] = default_of(attribute).to_json();
    }
    if matches!(attribute.ty, Type::Map(_)) && !attribute.reserved.is_empty() {
        let keys: Vec<String> =
            attribute.reserved.iter().map(Reserved::pattern).filter(|keys| !keys.is_empty()).collect();
        schema["propertyNames"] = json!({ "not": { "pattern": format!("^({})", keys.join("|")) } });
    }
    schema["examples"] = attribute.examples.iter().map(|text| literal(text).to_json()).collect();
    schema
}

fn of_type(ty: &Type, complete: bool) -> Value {
    match ty {
        Type::Bool => or_reference(json!({ "type": "boolean" })),
        Type::Int(min, max) => {
            let mut schema = json!({ "type": "integer", "minimum": min });
            if *max != i64::MAX {
                schema["maximum"] = (*max).into();
            }
            or_reference(schema)
        }
        Type::Limit(min, max) => {
            let one = of_type(&Type::Int(*min, *max), complete);
            json!({ "anyOf": [one, {
                "type": "object",
                "properties": { "soft": one, "hard": one },
                "required": ["soft", "hard"],
                "additionalProperties": false,
            }] })
        }
        Type::Duration(min, max) => {
            let says = format!("From {} to {}.", duration::format(*min), duration::format(*max));
            or_reference(json!({ "type": "string", "pattern": "^([0-9]+[smhd])+$", "title": says }))
        }
        Type::Text(rule) => match &rule.pattern {
            Some(pattern) => or_reference(json!({ "type": "string", "pattern": &**pattern })),
            None => json!({ "type": "string", "title": &*rule.says }),
        },
        Type::Choice(words) => or_reference(json!({ "enum": &**words })),
        Type::List(item) => json!({ "type": "array", "items": of_type(item, complete) }),
        // Clusters are named, or chosen by their labels.
        Type::Set(item) if matches!(**item, Type::Name("cluster")) => json!({ "anyOf": [
            { "type": "array", "items": of_type(item, complete), "uniqueItems": true },
            {
                "type": "object",
                "properties": { "labels": { "type": "object", "additionalProperties": { "type": "string" } } },
                "required": ["labels"],
                "additionalProperties": false,
            },
        ] }),
        Type::Set(item) => json!({ "type": "array", "items": of_type(item, complete), "uniqueItems": true }),
        Type::Map(item) if matches!(**item, Type::Secret) => {
            // TOML takes `ca.crt = …` for a table in a table.
            let one = of_type(item, complete);
            let below = json!({ "type": "object", "additionalProperties": one });
            json!({ "type": "object", "additionalProperties": { "anyOf": [one, below] } })
        }
        Type::Map(item) => json!({ "type": "object", "additionalProperties": of_type(item, complete) }),
        Type::Object(attributes) => object(attributes.iter(), complete),
        Type::WordOrObject(words, attributes) => {
            json!({ "anyOf": [{ "enum": &**words }, object(attributes.iter(), complete)] })
        }
        Type::Json(rule) => json!({ "type": "string", "title": format!("JSON: {}", rule.says) }),
        Type::Address(_) => json!({ "type": "string", "title": ty.describe() }),
        Type::Name(_) => json!({ "type": "string", "title": ty.describe() }),
        Type::Secret => json!({
            "type": "object",
            "properties": { "env": { "type": "string" }, "file": { "type": "string" } },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
        }),
        Type::Texts => {
            let one = json!({ "type": ["string", "number", "boolean"] });
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
        Type::Any => json!({}),
    }
}

/// Whatever a variable or a reference stands for.
fn or_reference(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "pattern": "\\$\\{.+\\}" }] })
}
