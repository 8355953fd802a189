//! The normal form of values: two values that mean the same become equal.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::attributes::COMMON;
use super::own::ALL;
use super::schema::{Attribute, DefaultValue, Kind, Type};
use super::{document, duration};
use crate::value::{Attributes, Value};

/// Brings a value into the normal form of its type. What is not known yet stays as it is.
#[must_use]
pub fn normal(ty: &Type, value: Value) -> Value {
    match (ty, value) {
        (Type::Duration(..), Value::String(text)) => {
            duration::parse(&text).map_or(Value::String(text), |seconds| Value::String(duration::format(seconds)))
        }
        // A reference to a number or a flag, where a text is expected, is that text.
        (Type::Text(_), Value::Int(number)) => Value::String(number.to_string().into()),
        (Type::Text(_), Value::Bool(flag)) => Value::String(flag.to_string().into()),
        (Type::Text(rule), Value::String(text)) => match &rule.normal {
            Some(normal) => Value::String(normal(&text).into()),
            None => Value::String(text),
        },
        (Type::Limit(..), Value::Map(both)) => match (both.get("soft"), both.get("hard")) {
            (Some(soft), Some(hard)) if soft == hard => soft.clone(),
            _ => Value::Map(both),
        },
        // All JSON that a spec holds is IAM's.
        (Type::Json(_), Value::String(text)) => Value::String(document::normal(&text).into()),
        (Type::Texts, value) => document::texts(value),
        (Type::List(_) | Type::Set(_), Value::List(items)) if items.is_empty() => Value::Null,
        (Type::List(item), Value::List(items)) => {
            Value::List(items.into_iter().map(|value| normal(item, value)).collect())
        }
        (Type::Set(item), Value::List(items)) => {
            let all = items.into_iter().flat_map(|value| each(item, value));
            let mut items: Vec<Value> = all.map(|value| normal(item, value)).collect();
            items.sort_by_cached_key(|value| serde_json::to_string(value).unwrap_or_default());
            items.dedup();
            Value::List(items)
        }
        (Type::Map(_), Value::Map(entries)) if entries.is_empty() => Value::Null,
        (Type::Map(item), Value::Map(entries)) => {
            Value::map(entries.into_iter().map(|(key, value)| (key, normal(item, value))).collect())
        }
        (Type::Object(attributes) | Type::WordOrObject(_, attributes), Value::Map(mut entries)) => {
            for attribute in attributes.iter() {
                let value = entries.remove(attribute.name).unwrap_or_default();
                let value = if value.is_null() { default_of(attribute) } else { normal(&attribute.ty, value) };
                if !value.is_null() {
                    entries.insert(attribute.name.into(), value);
                }
            }
            Value::map(entries)
        }
        (_, value) => value,
    }
}

/// What an item of a set stands for, each as an item of its own.
fn each(item: &Type, value: Value) -> Vec<Value> {
    match (item, &value) {
        (Type::Text(rule), Value::String(text)) => match &rule.several {
            Some(several) => several(text).into_iter().map(|one| Value::String(one.into())).collect(),
            None => vec![value],
        },
        _ => vec![value],
    }
}

/// Brings every attribute into its normal form.
#[must_use]
pub fn normal_attributes(kind: &Kind, attributes: Attributes) -> Attributes {
    kind.attributes
        .iter()
        .map(|attribute| (attribute.name, normal(&attribute.ty, attributes.get(attribute.name).clone())))
        .collect()
}

/// The default of an attribute; null when it has none.
#[must_use]
pub fn default_of(attribute: &Attribute) -> Value {
    static DEFAULTS: LazyLock<HashMap<&'static str, Value>> = LazyLock::new(|| {
        let mut defaults = HashMap::new();
        let lists = ALL.iter().map(|kind| &*kind.attributes).chain([COMMON]);
        lists.for_each(|list| collect(list, &mut defaults));
        defaults
    });
    match &attribute.default {
        None => Value::Null,
        Some(DefaultValue::Toml(text)) => DEFAULTS.get(text).cloned().unwrap_or_else(|| literal(text)),
        Some(DefaultValue::Made(value)) => Value::clone(value),
    }
}

fn collect(attributes: &[Attribute], defaults: &mut HashMap<&'static str, Value>) {
    for attribute in attributes {
        if let Some(DefaultValue::Toml(text)) = attribute.default {
            defaults.entry(text).or_insert_with(|| literal(text));
        }
        let mut ty = &attribute.ty;
        while let Type::List(item) | Type::Set(item) | Type::Map(item) = ty {
            ty = item;
        }
        collect(ty.attributes(), defaults);
    }
}

/// A value that the code itself writes as TOML: a default or an example. Defaults are written in normal form.
#[must_use]
pub fn literal(text: &str) -> Value {
    #[derive(serde::Deserialize)]
    struct Holder {
        value: Value,
    }
    toml::from_str::<Holder>(&format!("value = {text}")).map_or(Value::Null, |holder| holder.value)
}
