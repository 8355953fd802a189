//! What tells one item of a list from another, which fields an object has, and whether it fits its type.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path::{Element, Scalar, Set};
use super::schema::{self, Atom, List, Type};

/// The step that leads to an item of a list with keys, or of a set.
pub fn element(list: &List, item: &Value) -> Result<Element, String> {
    let keys = list.keys.as_deref().ok_or("invalid indexing of non-associative list")?;
    if keys.is_empty() {
        return match item {
            Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
            _ => Ok(Element::Item(Scalar::of(item).unwrap_or(Scalar::Null))),
        };
    }
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let Atom::Map(shape) = list.element.atom(Some(item)) else {
        return Err("associative list may not have non-map types".to_owned());
    };
    let mut found = Vec::new();
    for key in keys {
        let default = shape.fields.get(key).and_then(|field| field.default.as_ref());
        if let Some(value) = fields.get(key).or(default) {
            found.push((key.clone(), Scalar::of(value).unwrap_or(Scalar::Null)));
        }
    }
    if found.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values \
             for any key fields)",
            keys.join(" ")
        ));
    }
    found.sort();
    Ok(Element::Key(found))
}

/// The fields that an object has.
pub fn fields(shape: &Type, value: &Value) -> Set {
    let mut set = Set::default();
    collect(shape, value, &mut Vec::new(), &mut set);
    set
}

fn collect(shape: &Type, value: &Value, path: &mut Vec<Element>, set: &mut Set) {
    match shape.atom(Some(value)) {
        Atom::Scalar(_) => set.insert(path),
        Atom::List(list) if list.keys.is_none() => set.insert(path),
        Atom::Map(map) if map.atomic => set.insert(path),
        Atom::List(list) => collect_items(&list, value, path, set),
        Atom::Map(map) => {
            for (name, value) in value.as_object().into_iter().flatten() {
                let Some(shape) = map.field(name) else { continue };
                path.push(Element::Field(name.clone()));
                collect(shape, value, path, set);
                let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                if empty || !map.fields.contains_key(name) {
                    set.insert(path);
                }
                path.pop();
            }
        }
    }
}

fn collect_items(list: &List, value: &Value, path: &mut Vec<Element>, set: &mut Set) {
    let items: Vec<(Element, &Value)> =
        value.as_array().into_iter().flatten().filter_map(|item| Some((element(list, item).ok()?, item))).collect();
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<&Element> = items.iter().map(|(key, _)| key).filter(|key| !seen.insert(*key)).collect();
    for (key, item) in &items {
        path.push(key.clone());
        if !twice.contains(key) {
            collect(&list.element, item, path, set);
        }
        set.insert(path);
        path.pop();
    }
}

/// What is wrong with a value for its type, each with its path.
pub fn problems(shape: &Type, value: &Value, twice: bool) -> Vec<String> {
    let mut all = Vec::new();
    check(shape, value, twice, String::new(), &mut all);
    all
}

fn check(shape: &Type, value: &Value, twice: bool, path: String, all: &mut Vec<String>) {
    let mut wrong = |text: String| {
        all.push(if path.is_empty() { text } else { format!("{path}: {text}") });
    };
    match shape.atom(Some(value)) {
        _ if value.is_null() => {}
        Atom::Scalar(scalar) => {
            if let Some(text) = misfit(scalar, value) {
                wrong(text);
            }
        }
        Atom::Map(map) => {
            let Some(fields) = value.as_object() else { return wrong(format!("expected map, got &{{{}}}", go(value))) };
            for (name, value) in fields {
                match map.field(name) {
                    Some(shape) => check(shape, value, twice, format!("{path}.{name}"), all),
                    None => {
                        all.push(format!("{path}.{name}: field not declared in schema"));
                        return;
                    }
                }
            }
        }
        Atom::List(list) => {
            let Some(items) = value.as_array() else { return wrong(format!("expected list, got &{{{}}}", go(value))) };
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let mut step = Element::Index(index);
                if list.keys.is_some() {
                    step = match element(&list, item) {
                        Ok(step) => step,
                        Err(text) => {
                            let place = format!("element {index}: {text}");
                            all.push(if path.is_empty() { place } else { format!("{path}: {place}") });
                            return;
                        }
                    };
                    if !seen.insert(step.clone()) && !twice {
                        all.push(format!("{path}: duplicate entries for key {step}"));
                    }
                }
                check(&list.element, item, twice, format!("{path}{step}"), all);
            }
        }
    }
}

fn misfit(scalar: schema::Scalar, value: &Value) -> Option<String> {
    let fits = match scalar {
        schema::Scalar::Text => value.is_string(),
        schema::Scalar::Number => value.is_number(),
        schema::Scalar::Bool => value.is_boolean(),
        schema::Scalar::Any => !value.is_array() && !value.is_object(),
    };
    let kind = match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        _ => "int64",
    };
    (!fits).then(|| match scalar {
        schema::Scalar::Number => format!("expected numeric (int or float), got {kind}"),
        schema::Scalar::Text => format!("expected string, got &value.valueUnstructured{{Value:{}}}", shown(value)),
        schema::Scalar::Bool => format!("expected boolean, got &{{{}}}", go(value)),
        schema::Scalar::Any => format!("expected any scalar, got &{{{}}}", go(value)),
    })
}

/// A value as Go prints it.
fn go(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut all: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{}", go(value))).collect();
            all.sort();
            format!("map[{}]", all.join(" "))
        }
        value => value.to_string(),
    }
}

fn shown(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service() -> Type {
        Type::named("core.v1.Service").unwrap()
    }

    #[test]
    fn a_key_that_is_left_out_has_its_default() {
        let object = json!({ "spec": { "ports": [{ "port": 80 }] } });
        let expected = json!({ "f:spec": { "f:ports": {
            "k:{\"port\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {} } } } });
        assert_eq!(fields(&service(), &object).encode(), expected);
    }

    #[test]
    fn problems_name_the_path() {
        let object = json!({ "spec": { "ports": [{ "port": 80 }, { "port": 80 }], "nonsense": 1 } });
        assert_eq!(
            problems(&service(), &object, false),
            [
                ".spec.ports: duplicate entries for key [port=80,protocol=\"TCP\"]",
                ".spec.nonsense: field not declared in schema"
            ]
        );
    }
}
