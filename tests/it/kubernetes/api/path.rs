//! Sets of fields: what a manager owns of an object, and how `fieldsV1` says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Number, Value, json};

/// A scalar that tells one item of a list from the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// A number.
    Int(i64),
    /// A number with a fraction, as text.
    Float(String),
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// Null.
    Null,
}

impl Scalar {
    /// The scalar of a value; lists and objects have none.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Number(number) => Some(number.as_i64().map_or_else(|| Self::Float(number.to_string()), Self::Int)),
            Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Int(number) => json!(number),
            Self::Float(text) => text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number),
            Self::Text(text) => json!(text),
            Self::Bool(value) => json!(value),
            Self::Null => Value::Null,
        }
    }
}

/// One step of a path into an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// A field by its name.
    Field(String),
    /// An item of a list by its keys.
    Key(Vec<(String, Scalar)>),
    /// An item of a set.
    Item(Scalar),
    /// An item of a list by its place.
    Index(usize),
}

impl Element {
    fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => {
                let keys: Map<String, Value> = keys.iter().map(|(name, key)| (name.clone(), key.value())).collect();
                format!("k:{}", Value::Object(keys))
            }
            Self::Item(item) => format!("v:{}", item.value()),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "v" => Some(Self::Item(Scalar::of(&serde_json::from_str(rest).ok()?)?)),
            "i" => Some(Self::Index(rest.parse().ok()?)),
            "k" => {
                let keys: Map<String, Value> = serde_json::from_str(rest).ok()?;
                let mut keys: Vec<(String, Scalar)> =
                    keys.into_iter().map(|(name, key)| Some((name, Scalar::of(&key)?))).collect::<Option<_>>()?;
                keys.sort();
                Some(Self::Key(keys))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(to, ".{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> = keys.iter().map(|(name, key)| format!("{name}={}", key.value())).collect();
                write!(to, "[{}]", keys.join(","))
            }
            Self::Item(item) => write!(to, "[={}]", item.value()),
            Self::Index(index) => write!(to, "[{index}]"),
        }
    }
}

/// A path as messages show it.
pub fn shown(path: &[Element]) -> String {
    path.iter().map(ToString::to_string).collect()
}

/// A set of fields of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// What is in the set itself.
    pub members: BTreeSet<Element>,
    /// What is in it further down.
    pub children: BTreeMap<Element, Set>,
}

impl Set {
    /// A set of fields, each by names with dots between them.
    pub fn of(paths: &[&str]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<Element> = path.split('.').map(|name| Element::Field(name.to_owned())).collect();
            set.insert(&path);
        }
        set
    }

    /// Adds a path. The whole object is never a member.
    pub fn insert(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => drop(self.members.insert(last.clone())),
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Whether an element is in it.
    pub fn has(&self, element: &Element) -> bool {
        self.members.contains(element)
    }

    /// What is below an element, if there is anything.
    pub fn below(&self, element: &Element) -> Option<&Self> {
        self.children.get(element).filter(|set| !set.is_empty())
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.members.extend(other.members.iter().cloned());
        for (element, set) in &other.children {
            let here = all.children.entry(element.clone()).or_default();
            *here = here.union(set);
        }
        all
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let members = self.members.intersection(&other.members).cloned().collect();
        let both = |(element, set): (&Element, &Self)| {
            let set = set.intersection(other.children.get(element)?);
            (!set.is_empty()).then(|| (element.clone(), set))
        };
        Self { members, children: self.children.iter().filter_map(both).collect() }
    }

    /// What is in this one only. A field that is taken away takes nothing away that is below it.
    pub fn difference(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let rest = |(element, set): (&Element, &Self)| {
            let set = other.children.get(element).map_or_else(|| set.clone(), |other| set.difference(other));
            (!set.is_empty()).then(|| (element.clone(), set))
        };
        Self { members, children: self.children.iter().filter_map(rest).collect() }
    }

    /// What is in this one only. A field that is taken away takes away all that is below it.
    pub fn without(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let rest = |(element, set): (&Element, &Self)| {
            if other.members.contains(element) {
                return None;
            }
            let set = other.children.get(element).map_or_else(|| set.clone(), |other| set.without(other));
            (!set.is_empty()).then(|| (element.clone(), set))
        };
        Self { members, children: self.children.iter().filter_map(rest).collect() }
    }

    /// All paths in it, parents first.
    pub fn paths(&self) -> Vec<Vec<Element>> {
        let mut paths: Vec<Vec<Element>> = self.members.iter().map(|member| vec![member.clone()]).collect();
        for (element, set) in &self.children {
            paths.extend(set.paths().into_iter().map(|path| [vec![element.clone()], path].concat()));
        }
        paths
    }

    /// The set as `fieldsV1` has it.
    pub fn encode(&self) -> Value {
        let all: BTreeSet<&Element> = self.members.iter().chain(self.children.keys()).collect();
        let mut out = Map::new();
        for element in all {
            let mut here = Map::new();
            if let Some(set) = self.below(element) {
                if self.has(element) {
                    here.insert(".".to_owned(), json!({}));
                }
                if let Value::Object(more) = set.encode() {
                    here.extend(more);
                }
            } else if !self.has(element) {
                continue;
            }
            out.insert(element.encode(), Value::Object(here));
        }
        Value::Object(out)
    }

    /// A set out of `fieldsV1`.
    pub fn decode(fields: &Value) -> Self {
        let mut set = Self::default();
        for (name, below) in fields.as_object().into_iter().flatten() {
            let Some(element) = Element::decode(name) else { continue };
            let count = below.as_object().map_or(0, Map::len);
            if count == 0 || below.get(".").is_some() {
                set.members.insert(element.clone());
            }
            let below = Self::decode(below);
            if !below.is_empty() {
                set.children.insert(element, below);
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_were() {
        let fields = json!({ "f:spec": { "f:ports": {
            "k:{\"port\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {} } } }, "v:\"a\"": {} });
        assert_eq!(Set::decode(&fields).encode(), fields);
    }

    #[test]
    fn a_parent_takes_its_children_only_when_asked_to() {
        let child = Set::of(&["a.b", "a.c"]);
        assert_eq!(child.difference(&Set::of(&["a"])), child);
        assert!(child.without(&Set::of(&["a"])).is_empty());
        assert_eq!(child.difference(&Set::of(&["a.b"])), Set::of(&["a.c"]));
    }
}
