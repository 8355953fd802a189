//! The schemas of custom resource definitions: their types, their defaults, and what they refuse.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map as Object, Value};

use super::failure::Cause;
use super::json;
use super::schema::{Field, List, Map, Presence, Scalar, Type};

/// The type of whole objects.
pub fn root(schema: &Value) -> Type {
    let mut map = match shape(schema) {
        Type::Map(map) => (*map).clone(),
        _ => Map { element: Some(Type::Any), ..Map::default() },
    };
    let meta = Type::named("meta.v1.ObjectMeta").unwrap_or(Type::Any);
    for (name, shape) in
        [("apiVersion", Type::Scalar(Scalar::Text)), ("kind", Type::Scalar(Scalar::Text)), ("metadata", meta)]
    {
        map.fields.insert(name.to_owned(), Field { shape, default: None, presence: Presence::AsGiven });
    }
    Type::Map(Arc::new(map))
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name) == Some(&Value::Bool(true))
}

fn shape(schema: &Value) -> Type {
    if flag(schema, "x-kubernetes-int-or-string") {
        return Type::Scalar(Scalar::Any);
    }
    match json::text(schema, "type") {
        "string" => Type::Scalar(Scalar::Text),
        "integer" | "number" => Type::Scalar(Scalar::Number),
        "boolean" => Type::Scalar(Scalar::Bool),
        "array" => list(schema),
        "object" => map(schema),
        _ => Type::Any,
    }
}

fn list(schema: &Value) -> Type {
    let element = schema.get("items").map_or(Type::Whole, shape);
    let keys = match json::text(schema, "x-kubernetes-list-type") {
        "map" => Some(
            json::list(schema, "x-kubernetes-list-map-keys")
                .iter()
                .filter_map(|key| Some(key.as_str()?.to_owned()))
                .collect(),
        ),
        "set" => Some(Vec::new()),
        _ => None,
    };
    Type::List(Arc::new(List { element, keys }))
}

fn map(schema: &Value) -> Type {
    let atomic = json::text(schema, "x-kubernetes-map-type") == "atomic";
    let mut fields: BTreeMap<String, Field> = json::members(schema, "properties")
        .map(|(name, schema)| {
            (
                name.clone(),
                Field { shape: shape(schema), default: schema.get("default").cloned(), presence: Presence::AsGiven },
            )
        })
        .collect();
    if flag(schema, "x-kubernetes-embedded-resource") {
        let meta = Type::named("meta.v1.ObjectMeta").unwrap_or(Type::Any);
        fields.entry("metadata".to_owned()).or_insert(Field {
            shape: meta,
            default: None,
            presence: Presence::AsGiven,
        });
        for name in ["apiVersion", "kind"] {
            fields.entry(name.to_owned()).or_insert(Field {
                shape: Type::Scalar(Scalar::Text),
                default: None,
                presence: Presence::AsGiven,
            });
        }
    }
    let element = match schema.get("additionalProperties") {
        Some(more) if more.is_object() => Some(shape(more)),
        Some(Value::Bool(true)) => Some(Type::Any),
        _ if flag(schema, "x-kubernetes-preserve-unknown-fields") => Some(Type::Any),
        _ => None,
    };
    Type::Map(Arc::new(Map { fields, element, atomic }))
}

/// Fills in the defaults of a schema.
pub fn defaults(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, schema) in json::members(schema, "properties") {
                let nothing = fields.get(name).is_none_or(|value| value.is_null() && !flag(schema, "nullable"));
                if let Some(default) = schema.get("default").filter(|_| nothing) {
                    fields.insert(name.clone(), default.clone());
                }
                if let Some(value) = fields.get_mut(name) {
                    defaults(schema, value);
                }
            }
            if let Some(more) = schema.get("additionalProperties").filter(|more| more.is_object()) {
                fields.iter_mut().for_each(|(_, value)| defaults(more, value));
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| defaults(schema, item));
            }
        }
        _ => {}
    }
}

/// What a schema refuses of a value.
pub fn refusals(schema: &Value, value: &Value, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    check(schema, value, path, &mut causes);
    causes
}

fn check(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if value.is_null() && flag(schema, "nullable") {
        return;
    }
    if let Some(cause) = wrong_type(schema, value, path) {
        causes.push(cause);
        return;
    }
    let known = json::list(schema, "enum");
    if !known.is_empty() && !known.contains(value) {
        let words: Vec<&str> = known.iter().filter_map(Value::as_str).collect();
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        causes.push(Cause::unsupported(path, &shown, &words));
    }
    bounds(schema, value, path, causes);
    match value {
        Value::Object(fields) => check_fields(schema, fields, path, causes),
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    check(schema, item, &format!("{path}[{index}]"), causes);
                }
            }
        }
        _ => {}
    }
}

fn check_fields(schema: &Value, fields: &Object<String, Value>, path: &str, causes: &mut Vec<Cause>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, value) in fields {
        let here = schema.get("properties").and_then(|properties| properties.get(name));
        let more = || schema.get("additionalProperties").filter(|more| more.is_object());
        if let Some(schema) = here.or_else(more) {
            check(schema, value, &below(name), causes);
        }
    }
    for name in json::list(schema, "required").iter().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            causes.push(Cause::required(&below(name), ""));
        }
    }
}

fn wrong_type(schema: &Value, value: &Value, path: &str) -> Option<Cause> {
    let wanted = json::text(schema, "type");
    let (kind, fits) = match value {
        Value::Null => ("null", wanted.is_empty()),
        Value::Bool(_) => ("boolean", wanted == "boolean"),
        Value::Number(number) if number.is_f64() => ("number", wanted == "number"),
        Value::Number(_) => ("integer", wanted == "integer" || wanted == "number"),
        Value::String(_) => ("string", wanted == "string"),
        Value::Array(_) => ("array", wanted == "array"),
        Value::Object(_) => ("object", wanted == "object"),
    };
    if fits || wanted.is_empty() || flag(schema, "x-kubernetes-int-or-string") {
        return None;
    }
    let message = format!("Invalid value: {:?}: {path} in body must be of type {wanted}: {kind:?}", kind);
    Some(Cause { reason: "FieldValueTypeInvalid", message, field: path.to_owned() })
}

fn bounds(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut refuse = |detail: String| causes.push(Cause::invalid(path, value, &detail));
    if let Some(number) = value.as_f64() {
        if let Some(least) = json::at(schema, "minimum").and_then(Value::as_f64).filter(|least| number < *least) {
            refuse(format!("{path} in body should be greater than or equal to {least}"));
        }
        if let Some(most) = json::at(schema, "maximum").and_then(Value::as_f64).filter(|most| number > *most) {
            refuse(format!("{path} in body should be less than or equal to {most}"));
        }
    }
    if let Some(text) = value.as_str() {
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(least) = json::number(schema, "minLength").filter(|least| length < *least) {
            refuse(format!("{path} in body should be at least {least} chars long"));
        }
        if let Some(most) = json::number(schema, "maxLength").filter(|most| length > *most) {
            refuse(format!("{path} in body should be at most {most} chars long"));
        }
    }
    if let Some(items) = value.as_array() {
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(least) = json::number(schema, "minItems").filter(|least| length < *least) {
            refuse(format!("{path} in body should have at least {least} items"));
        }
        if let Some(most) = json::number(schema, "maxItems").filter(|most| length > *most) {
            refuse(format!("{path} in body should have at most {most} items"));
        }
    }
}
