//! Short ways to read and write JSON.

use serde_json::{Map, Value};

/// What is at a path of field names with dots between them. Absent and null are both `None`.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// The text at a path, or an empty one.
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a path.
pub fn number(value: &Value, path: &str) -> Option<i64> {
    at(value, path).and_then(Value::as_i64)
}

/// The items of the list at a path.
pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The members of the object at a path.
pub fn members<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    at(value, path).and_then(Value::as_object).into_iter().flatten()
}

/// The object at a path, which is made if it is not there.
pub fn object<'a>(value: &'a mut Value, path: &str) -> &'a mut Map<String, Value> {
    let mut here = value;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        here = as_object(here).entry(name).or_insert(Value::Null);
    }
    as_object(here)
}

fn as_object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("an object")
}

/// Puts a value at a path.
pub fn set(value: &mut Value, path: &str, new: impl Into<Value>) {
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    object(value, parents).insert(last.to_owned(), new.into());
}

/// Puts a value at a path where there is none yet.
pub fn default(value: &mut Value, path: &str, new: impl Into<Value>) {
    if at(value, path).is_none() {
        set(value, path, new);
    }
}

/// Takes away what is at a path.
pub fn remove(value: &mut Value, path: &str) -> Option<Value> {
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut here = value;
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        here = here.get_mut(name)?;
    }
    here.as_object_mut()?.shift_remove(last)
}

/// Puts what one value has at a path into another one; takes it away there if there is none.
pub fn copy(from: &Value, to: &mut Value, path: &str) {
    match at(from, path) {
        Some(value) => set(to, path, value.clone()),
        None => drop(remove(to, path)),
    }
}

/// The items of a list, to change them.
pub fn items<'a>(value: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    value.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// A value at a pointer-like path, to change it.
pub fn at_mut<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(value, |value, name| value.get_mut(name)).filter(|value| !value.is_null())
}
