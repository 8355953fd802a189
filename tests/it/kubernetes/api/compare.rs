//! What differs between two objects of a type.

use serde_json::Value;

use super::items;
use super::path::{Element, Set};
use super::schema::{Atom, List, Map, Type};

/// The fields in which two objects differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Only the first one has them.
    pub removed: Set,
    /// Both have them, with other values.
    pub modified: Set,
    /// Only the second one has them.
    pub added: Set,
}

impl Comparison {
    /// The comparison without some fields and all that is below them.
    pub fn without(&self, fields: &Set) -> Self {
        Self {
            removed: self.removed.without(fields),
            modified: self.modified.without(fields),
            added: self.added.without(fields),
        }
    }
}

/// Compares two objects of a type.
pub fn compare(shape: &Type, old: &Value, new: &Value) -> Comparison {
    let mut walk = Walk { path: Vec::new(), found: Comparison::default() };
    walk.both(shape, Some(old), Some(new));
    walk.found
}

struct Walk {
    path: Vec<Element>,
    found: Comparison,
}

impl Walk {
    fn both(&mut self, shape: &Type, old: Option<&Value>, new: Option<&Value>) {
        let (left, right) = (shape.atom(old), shape.atom(new));
        let mut leaf = false;
        if new.is_none() {
            leaf |= self.step(&left, old, new);
        } else if old.is_none() || left.fits(&right) {
            leaf |= self.step(&right, old, new);
        } else {
            self.step(&left, old, new);
            leaf |= self.step(&right, old, new);
        }
        if !leaf {
            match (old, new) {
                (None, Some(_)) => self.found.added.insert(&self.path),
                (Some(_), None) => self.found.removed.insert(&self.path),
                _ => {}
            }
        }
    }

    /// Whether it was a leaf.
    fn step(&mut self, atom: &Atom, old: Option<&Value>, new: Option<&Value>) -> bool {
        let none = |value: Option<&Value>| match value {
            Some(Value::Object(fields)) => fields.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            _ => true,
        };
        match atom {
            Atom::Scalar(_) => self.leaf(old, new),
            Atom::List(list) if list.keys.is_none() || none(old) && none(new) => self.leaf(old, new),
            Atom::Map(map) if map.atomic || none(old) && none(new) => self.leaf(old, new),
            Atom::List(list) => {
                self.lists(list, old, new);
                return false;
            }
            Atom::Map(map) => {
                self.maps(map, old, new);
                return false;
            }
        }
        true
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (old, new) if old != new => self.found.modified.insert(&self.path),
            _ => {}
        }
    }

    fn maps(&mut self, map: &Map, old: Option<&Value>, new: Option<&Value>) {
        let (old, new) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
        let mut names: Vec<&String> = old.into_iter().flat_map(|fields| fields.keys()).collect();
        names.extend(
            new.into_iter()
                .flat_map(|fields| fields.keys())
                .filter(|name| !old.is_some_and(|fields| fields.contains_key(*name))),
        );
        for name in names {
            let Some(shape) = map.field(name) else { continue };
            self.path.push(Element::Field(name.clone()));
            self.both(shape, old.and_then(|fields| fields.get(name)), new.and_then(|fields| fields.get(name)));
            self.path.pop();
        }
    }

    fn lists(&mut self, list: &List, old: Option<&Value>, new: Option<&Value>) {
        let (old, new) = (grouped(list, old), grouped(list, new));
        let mut keys: Vec<&Element> = old.iter().map(|(key, _)| key).collect();
        keys.extend(new.iter().map(|(key, _)| key).filter(|key| !old.iter().any(|(other, _)| other == *key)));
        let of = |all: &Groups<'_>, key: &Element| -> Vec<Value> {
            let found = all.iter().find(|(other, _)| other == key);
            found.map(|(_, values)| values.iter().map(|value| (*value).clone()).collect()).unwrap_or_default()
        };
        for key in keys {
            let (left, right) = (of(&old, key), of(&new, key));
            self.path.push(key.clone());
            match (left.len(), right.len()) {
                (0 | 1, 0 | 1) => self.both(&list.element, left.first(), right.first()),
                (2.., 2..) => {
                    if left != right {
                        self.found.modified.insert(&self.path);
                    }
                }
                (2.., _) => {
                    if !right.is_empty() {
                        self.both(&list.element, None, right.first());
                    }
                    self.found.removed.insert(&self.path);
                }
                _ => {
                    if !left.is_empty() {
                        self.both(&list.element, left.first(), None);
                    }
                    self.found.added.insert(&self.path);
                }
            }
            self.path.pop();
        }
    }
}

type Groups<'a> = Vec<(Element, Vec<&'a Value>)>;

fn grouped<'a>(list: &List, value: Option<&'a Value>) -> Groups<'a> {
    let mut all: Groups<'a> = Vec::new();
    for item in value.and_then(Value::as_array).into_iter().flatten() {
        let Ok(key) = items::element(list, item) else { continue };
        match all.iter_mut().find(|(other, _)| *other == key) {
            Some((_, values)) => values.push(item),
            None => all.push((key, vec![item])),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_are_compared_by_their_keys() {
        let shape = Type::named("core.v1.Service").unwrap();
        let old = json!({ "spec": { "ports": [{ "port": 80 }, { "port": 81 }], "selector": { "a": "b" } } });
        let new =
            json!({ "spec": { "ports": [{ "port": 82 }, { "port": 80, "name": "x" }], "selector": { "a": "c" } } });
        let found = compare(&shape, &old, &new);
        let key = |port: u16| format!("k:{{\"port\":{port},\"protocol\":\"TCP\"}}");
        assert_eq!(found.removed.encode(), json!({ "f:spec": { "f:ports": { key(81): { ".": {}, "f:port": {} } } } }));
        assert_eq!(found.modified.encode(), json!({ "f:spec": { "f:selector": {} } }));
        assert_eq!(
            found.added.encode(),
            json!({ "f:spec": { "f:ports": {
            key(80): { "f:name": {} }, key(82): { ".": {}, "f:port": {} } } } })
        );
    }
}
