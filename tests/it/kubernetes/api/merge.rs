//! Lays an applied object over a live one, and takes fields out of an object.

use serde_json::{Map as Object, Value};

use super::items;
use super::path::{Element, Set};
use super::schema::{Atom, List, Map, Type};

/// An applied object over a live one.
pub fn merge(shape: &Type, live: &Value, applied: &Value) -> Value {
    both(shape, Some(live), Some(applied)).unwrap_or_else(|| Value::Object(Object::new()))
}

fn both(shape: &Type, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let atom = shape.atom(applied.or(live));
    let empty = |value: Option<&Value>| match value {
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        _ => true,
    };
    let leaf = match &atom {
        Atom::Scalar(_) => true,
        Atom::List(list) => list.keys.is_none() || empty(live) && empty(applied),
        Atom::Map(map) => map.atomic || empty(live) && empty(applied),
    };
    match atom {
        _ if leaf => applied.or(live).cloned(),
        Atom::Map(map) => maps(&map, live, applied),
        Atom::List(list) => lists(&list, live, applied),
        Atom::Scalar(_) => None,
    }
}

fn maps(map: &Map, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let (live, applied) = (live.and_then(Value::as_object), applied.and_then(Value::as_object));
    let mut out = Object::new();
    let mut names: Vec<&String> = live.into_iter().flat_map(|fields| fields.keys()).collect();
    names.extend(
        applied
            .into_iter()
            .flat_map(|fields| fields.keys())
            .filter(|name| !live.is_some_and(|fields| fields.contains_key(*name))),
    );
    for name in names {
        let (left, right) = (live.and_then(|fields| fields.get(name)), applied.and_then(|fields| fields.get(name)));
        let merged = match map.field(name) {
            Some(shape) => both(shape, left, right),
            None => right.or(left).cloned(),
        };
        if let Some(value) = merged {
            out.insert(name.clone(), value);
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// The order of the applied list counts; what only the live one has stays beside its neighbours.
fn lists(list: &List, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let (left, right) = (keyed(list, live), keyed(list, applied));
    let find = |all: &[(Element, Value)], key: &Element| {
        let mut found = all.iter().filter(|(other, _)| other == key);
        let first = found.next().map(|(_, value)| value.clone());
        if found.next().is_some() { Some(Value::Null) } else { first }
    };
    let has = |all: &[(Element, Value)], key: &Element| all.iter().any(|(other, _)| other == key);
    let mut shared = right.iter().map(|(key, _)| key).filter(|key| has(&left, key));
    let mut next = shared.next();
    let mut done: Vec<&Element> = Vec::new();
    let mut out = Vec::new();
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if l < left.len() && r < right.len() {
            let key = &left[l].0;
            if *key == right[r].0 {
                done.push(key);
                out.extend(both(&list.element, find(&left, key).as_ref(), Some(&right[r].1)));
                l += 1;
                r += 1;
                next = shared.next();
                continue;
            }
            if has(&right, key) && next.is_some_and(|next| next != key) {
                l += 1;
                continue;
            }
        }
        if l < left.len() {
            let key = &left[l].0;
            if !has(&right, key) {
                out.extend(both(&list.element, Some(&left[l].1), None));
                l += 1;
                continue;
            }
            if done.contains(&key) {
                l += 1;
            }
        }
        if r < right.len() {
            let key = &right[r].0;
            done.push(key);
            out.extend(both(&list.element, find(&left, key).as_ref(), Some(&right[r].1)));
            r += 1;
            if next == Some(key) {
                next = shared.next();
            }
        }
    }
    (!out.is_empty()).then_some(Value::Array(out))
}

fn keyed(list: &List, value: Option<&Value>) -> Vec<(Element, Value)> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some((items::element(list, item).ok()?, item.clone()))).collect()
}

/// An object without some of its fields. `None`: nothing is left.
pub fn without(shape: &Type, value: &Value, fields: &Set) -> Option<Value> {
    match shape.atom(Some(value)) {
        Atom::Scalar(_) => Some(value.clone()),
        Atom::List(list) => {
            let items = value.as_array().filter(|items| !items.is_empty() && list.keys.is_some())?;
            let mut touched = false;
            let mut out = Vec::new();
            for item in items {
                let Ok(key) = items::element(&list, item) else { continue };
                if !fields.has(&key) {
                    out.push(inner(&list.element, item, fields.below(&key), &mut touched));
                }
            }
            (touched || !out.is_empty()).then_some(Value::Array(out))
        }
        Atom::Map(map) => {
            let old = value.as_object().filter(|old| !old.is_empty() && !map.atomic)?;
            let mut touched = false;
            let mut out = Object::new();
            for (name, value) in old {
                let key = Element::Field(name.clone());
                if !fields.has(&key) {
                    let shape = map.field(name).unwrap_or(&Type::Any);
                    out.insert(name.clone(), inner(shape, value, fields.below(&key), &mut touched));
                }
            }
            (touched || !out.is_empty()).then_some(Value::Object(out))
        }
    }
}

fn inner(shape: &Type, value: &Value, fields: Option<&Set>, touched: &mut bool) -> Value {
    let Some(fields) = fields else { return value.clone() };
    *touched = true;
    without(shape, value, fields).unwrap_or_else(|| match value {
        Value::Object(_) => Value::Object(Object::new()),
        Value::Array(_) => Value::Array(Vec::new()),
        _ => Value::Null,
    })
}

/// The set with all named fields in it that lead to its members.
pub fn with_parents(shape: &Type, set: &Set) -> Set {
    let atom = shape.atom(None);
    let mut all = Set { members: set.members.clone(), ..Set::default() };
    for (element, below) in &set.children {
        let (named, inner) = match (&atom, element) {
            (Atom::Map(map), Element::Field(name)) => (map.fields.contains_key(name), map.field(name)),
            (Atom::List(list), _) => (false, Some(&list.element)),
            _ => (false, None),
        };
        if named {
            all.members.insert(element.clone());
        }
        all.children.insert(element.clone(), with_parents(inner.unwrap_or(&Type::Any), below));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_applied_order_counts_and_others_stay() {
        let shape = Type::named("core.v1.PodSpec").unwrap();
        let live = json!({ "containers": [{ "name": "a", "image": "1" }, { "name": "x" }, { "name": "b" }] });
        let applied = json!({ "containers": [{ "name": "b", "image": "2" }, { "name": "a" }] });
        let merged = merge(&shape, &live, &applied);
        let names: Vec<&str> =
            merged["containers"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["x", "b", "a"]);
        assert_eq!(merged["containers"][2], json!({ "name": "a", "image": "1" }));
    }

    #[test]
    fn fields_are_taken_out() {
        let shape = Type::named("core.v1.ConfigMap").unwrap();
        let value = json!({ "data": { "a": "1", "b": "2" }, "metadata": { "labels": { "x": "y" } } });
        let fields = Set::of(&["data.a", "metadata.labels.x"]);
        assert_eq!(
            without(&shape, &value, &fields),
            Some(json!({ "data": { "b": "2" }, "metadata": { "labels": {} } }))
        );
    }
}
