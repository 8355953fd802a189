//! Merge patches, JSON patches and strategic merge patches.

use serde_json::{Map as Object, Value};

use super::items;
use super::schema::{Atom, List, Type};

/// A merge patch.
pub fn merge(value: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Object::new());
    }
    let Some(own) = value.as_object_mut() else { return };
    for (name, patch) in fields {
        if patch.is_null() {
            own.shift_remove(name);
        } else {
            merge(own.entry(name.clone()).or_insert(Value::Null), patch);
        }
    }
}

/// A strategic merge patch: a merge patch in which lists with keys are merged item by item.
pub fn strategic(shape: &Type, value: &mut Value, patch: &Value) {
    let atom = shape.atom(Some(patch));
    match (atom, patch) {
        (Atom::Map(map), Value::Object(fields)) => {
            if fields.get("$patch").is_some_and(|word| word == "replace") || !value.is_object() {
                *value = Value::Object(Object::new());
            }
            let Some(own) = value.as_object_mut() else { return };
            for (name, patch) in fields {
                let directive = name.starts_with('$');
                match name.strip_prefix("$deleteFromPrimitiveList/") {
                    Some(list) => {
                        let gone = patch.as_array().cloned().unwrap_or_default();
                        if let Some(items) = own.get_mut(list).and_then(Value::as_array_mut) {
                            items.retain(|item| !gone.contains(item));
                        }
                    }
                    None if directive => {}
                    None if patch.is_null() => drop(own.shift_remove(name)),
                    None => {
                        let shape = map.field(name).cloned().unwrap_or(Type::Any);
                        if name == "selector" && map.fields.contains_key("minAvailable") {
                            // The one selector that such a patch takes as a whole.
                            own.insert(name.clone(), patch.clone());
                            continue;
                        }
                        let here = own.entry(name.clone()).or_insert(Value::Null);
                        strategic(&shape, here, patch);
                        if let Some(order) = fields.get(&format!("$setElementOrder/{name}")) {
                            arrange(&shape, here, order);
                        }
                    }
                }
            }
        }
        (Atom::List(list), Value::Array(patches)) if list.keys.is_some() => {
            let list = by_first_key(&list);
            let Some(mut own) = value.as_array().cloned() else {
                // A list that was not there yet is taken as it is.
                *value = patch.clone();
                return;
            };
            let before = own.clone();
            if patches.iter().any(|item| item.get("$patch").is_some_and(|word| word == "replace")) {
                own.clear();
            }
            for item in patches {
                let word = item.get("$patch").and_then(Value::as_str);
                if word == Some("replace") {
                    continue;
                }
                let key = items::element(&list, item);
                let place = own.iter().position(|other| key.is_ok() && items::element(&list, other) == key);
                match (place, word) {
                    (Some(place), Some("delete")) => drop(own.remove(place)),
                    (None, Some("delete")) => {}
                    (Some(place), _) => strategic(&list.element, &mut own[place], item),
                    (None, _) => own.push(item.clone()),
                }
            }
            *value = Value::Array(ordered(&list, &before, own, patches));
        }
        (_, patch) => *value = patch.clone(),
    }
}

/// Strategic merge patches know one key only.
fn by_first_key(list: &List) -> List {
    let keys = list.keys.as_ref().map(|keys| keys.iter().take(1).cloned().collect());
    List { element: list.element.clone(), keys }
}

/// The items in the order of a patch; those that it does not name stay before what they were before.
fn ordered(list: &List, before: &[Value], items: Vec<Value>, patches: &[Value]) -> Vec<Value> {
    let key = |item: &Value| items::element(list, item).ok();
    let place = |all: &[Value], item: &Value| all.iter().position(|other| key(other) == key(item));
    let (mut named, others): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| place(patches, item).is_some());
    named.sort_by_key(|item| place(patches, item));
    let mut out = Vec::new();
    let mut named = named.into_iter().peekable();
    let mut others = others.into_iter().peekable();
    while let (Some(right), Some(left)) = (named.peek(), others.peek()) {
        let first = matches!((place(before, left), place(before, right)), (Some(left), Some(right)) if left < right);
        out.extend(if first { others.next() } else { named.next() });
    }
    out.extend(others);
    out.extend(named);
    out
}

/// Brings the items of a list into an order.
fn arrange(shape: &Type, value: &mut Value, order: &Value) {
    let (Atom::List(list), Some(order)) = (shape.atom(Some(value)), order.as_array()) else { return };
    let list = by_first_key(&list);
    if list.keys.is_some()
        && let Some(items) = value.as_array()
    {
        *value = Value::Array(ordered(&list, items, items.clone(), order));
    }
}

/// A JSON patch.
pub fn operations(value: &mut Value, patch: &Value) -> Result<(), String> {
    for operation in patch.as_array().into_iter().flatten() {
        let word = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
        let path = word("path");
        match word("op") {
            "add" => add(value, path, operation.get("value").cloned().unwrap_or_default())?,
            "remove" => drop(take(value, path)?),
            "replace" => {
                // What is not there yet comes as if it were added.
                let new = operation.get("value").cloned().unwrap_or_default();
                match value.pointer_mut(path) {
                    Some(place) => *place = new,
                    None => add(value, path, new)?,
                }
            }
            "move" => {
                let moved = take(value, word("from"))?;
                add(value, path, moved)?;
            }
            "copy" => {
                let copied = value.pointer(word("from")).cloned().ok_or("copy operation does not apply")?;
                add(value, path, copied)?;
            }
            "test" => {
                if value.pointer(path).unwrap_or(&Value::Null) != operation.get("value").unwrap_or(&Value::Null) {
                    return Err(format!("testing value {path} failed: test failed"));
                }
            }
            other => return Err(format!("Unexpected kind: {other}")),
        }
    }
    Ok(())
}

fn split<'a>(value: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| format!("invalid path {path:?}"))?;
    let parent = value
        .pointer_mut(parent)
        .ok_or_else(|| format!("add operation does not apply: doc is missing path: {path:?}: missing value"))?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(value: &mut Value, path: &str, new: Value) -> Result<(), String> {
    if path.is_empty() {
        *value = new;
        return Ok(());
    }
    let (parent, last) = split(value, path)?;
    match parent {
        Value::Object(fields) => drop(fields.insert(last, new)),
        Value::Array(items) => {
            let place = if last == "-" { items.len() } else { last.parse().map_err(|_| "invalid index".to_owned())? };
            if place > items.len() {
                return Err("Unable to access invalid index".to_owned());
            }
            items.insert(place, new);
        }
        _ => return Err(format!("add operation does not apply: {path:?}")),
    }
    Ok(())
}

fn take(value: &mut Value, path: &str) -> Result<Value, String> {
    let (parent, last) = split(value, path)?;
    let missing =
        || format!("remove operation does not apply: Unable to remove nonexistent key: {last}: missing value");
    match parent {
        Value::Object(fields) => fields.shift_remove(&last).ok_or_else(missing),
        Value::Array(items) => {
            let place: usize = last.parse().map_err(|_| missing())?;
            if place < items.len() { Ok(items.remove(place)) } else { Err(missing()) }
        }
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patches_change_what_they_say() {
        let mut value = json!({ "a": 1, "b": { "c": 2 }, "d": [1] });
        merge(&mut value, &json!({ "a": null, "b": { "e": 3 } }));
        assert_eq!(value, json!({ "b": { "c": 2, "e": 3 }, "d": [1] }));
        let patch = json!([{ "op": "add", "path": "/d/-", "value": 2 }, { "op": "remove", "path": "/b/c" },
            { "op": "test", "path": "/b/e", "value": 3 }]);
        operations(&mut value, &patch).unwrap();
        assert_eq!(value, json!({ "b": { "e": 3 }, "d": [1, 2] }));
        assert!(operations(&mut value, &json!([{ "op": "remove", "path": "/x" }])).is_err());
    }

    #[test]
    fn lists_with_keys_are_merged_by_item() {
        let shape = Type::named("core.v1.PodSpec").unwrap();
        let mut value = json!({ "containers": [{ "name": "a", "image": "1" }, { "name": "b" }] });
        let patch = json!({ "containers": [{ "name": "a", "tty": true }, { "name": "b", "$patch": "delete" }, { "name": "c" }] });
        strategic(&shape, &mut value, &patch);
        assert_eq!(value, json!({ "containers": [{ "name": "a", "image": "1", "tty": true }, { "name": "c" }] }));
        strategic(&shape, &mut value, &json!({ "containers": [{ "name": "new" }] }));
        assert_eq!(value["containers"][0]["name"], "new");
    }
}
