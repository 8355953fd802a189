//! Values of attributes, known or still to be resolved.

use litemap::LiteMap;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::address::Address;
use crate::path::split;

/// A text of any length. One of up to 24 bytes, as most names and values of a spec are, is stored inline, without an
/// allocation of its own.
pub use compact_str::CompactString as Text;

/// The value of an attribute. A [`Value::Template`] is one that only another resource can complete.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// No value: the attribute is not set.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    String(Text),
    /// Values in order.
    List(Vec<Value>),
    /// Values by key, ordered by key.
    Map(LiteMap<Text, Value>),
    /// A text with references in it that are not resolved yet.
    Template(Box<Template>),
}

/// A text with references, `"${bucket.audit-logs@us-east-1.arn}/*"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(pub Vec<Part>);

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text that stands for itself.
    Literal(Text),
    /// An attribute or output of another resource.
    Reference(Reference),
}

/// A reference to one attribute of one resource at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The resource referred to, its place already chosen.
    pub address: Address,
    /// The attribute or output, with a path into it: `arn`, `dead_letter.queue`.
    pub path: Text,
}

impl Value {
    /// Values by key, in no more memory than they take: most maps of a spec hold one or two.
    #[must_use]
    pub fn map(entries: LiteMap<Text, Self>) -> Self {
        Self::Map(fitted(entries))
    }

    /// The text, when it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, when it is a whole one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The items, when it is a list; otherwise none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The value at a path such as `dead_letter.queue`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Self> {
        self.follow(&split(path))
    }

    fn follow(&self, parts: &[&str]) -> Option<&Self> {
        let [first, rest @ ..] = parts else { return Some(self) };
        match self {
            Self::Map(entries) => entries.get(*first)?.follow(rest),
            Self::List(items) => items.get(place_of(items, first)?)?.follow(rest),
            _ => None,
        }
    }

    /// The value with another one put in at a path; a null removes what is there. Tables are made on the way.
    #[must_use]
    pub fn with(self, parts: &[&str], leaf: Self) -> Self {
        let [first, rest @ ..] = parts else { return leaf };
        if let Self::List(mut items) = self {
            if let Some(at) = place_of(&items, first) {
                items[at] = std::mem::take(&mut items[at]).with(rest, leaf);
            }
            return Self::List(items);
        }
        let mut entries = if let Self::Map(entries) = self { entries } else { LiteMap::new_vec() };
        let inner = entries.remove(*first).unwrap_or_default().with(rest, leaf);
        if !inner.is_null() {
            entries.insert((*first).into(), inner);
        }
        if entries.is_empty() { Self::Null } else { Self::Map(entries) }
    }

    /// Whether there is a value at all.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether nothing in it waits for another resource.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self {
            Self::Template(_) => false,
            Self::List(items) => items.iter().all(Self::is_known),
            Self::Map(entries) => entries.values().all(Self::is_known),
            _ => true,
        }
    }

    /// Calls `visit` with every reference in the value.
    pub fn visit_references(&self, visit: &mut impl FnMut(&Reference)) {
        match self {
            Self::Template(template) => template.references().for_each(visit),
            Self::List(items) => items.iter().for_each(|item| item.visit_references(visit)),
            Self::Map(entries) => entries.values().for_each(|item| item.visit_references(visit)),
            _ => {}
        }
    }

    /// The value as JSON; whatever is not known yet is `null`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null | Self::Template(_) => serde_json::Value::Null,
            Self::Bool(flag) => (*flag).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::String(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                serde_json::Value::Object(entries.iter().map(|(key, item)| (key.to_string(), item.to_json())).collect())
            }
        }
    }

    /// Eight hexadecimal characters that tell this value from another one.
    #[must_use]
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        short_hash(&text)
    }
}

/// Where in a list the item is that a part of a path means: by its number, or by one of its texts, as in `name=web`.
fn place_of(items: &[Value], part: &str) -> Option<usize> {
    if let Some((key, text)) = part.split_once('=') {
        return items
            .iter()
            .position(|item| matches!(item, Value::Map(map) if map.get(key).and_then(Value::as_str) == Some(text)));
    }
    part.parse().ok().filter(|at| *at < items.len())
}

/// A map in no more memory than its entries take. A vector that grows begins with room for four.
#[must_use]
pub fn fitted<V>(entries: LiteMap<Text, V>) -> LiteMap<Text, V> {
    let mut entries = entries.into_tuple_vec();
    entries.shrink_to_fit();
    LiteMap::from_sorted_store_unchecked(entries)
}

/// Eight hexadecimal characters of the SHA-256 of some bytes: enough to notice a difference, not to resist a forger.
#[must_use]
pub fn short_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..4])
}

/// Thirty-two hexadecimal characters of the SHA-256 of some bytes: enough that no two different texts ever have the same.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..16])
}

/// The SHA-256 of some bytes, as 64 hexadecimal characters.
#[must_use]
pub fn long_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Template {
    /// The references in it, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Literal(_) => None,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::Reference(reference) => write!(f, "${{{}.{}}}", reference.address, reference.path)?,
            }
        }
        Ok(())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::Number(number) => {
                number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or_default()), Self::Int)
            }
            serde_json::Value::String(text) => Self::String(text.into()),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => {
                Self::Map(entries.into_iter().map(|(key, item)| (key.into(), Self::from(item))).collect())
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(entries) => serializer.collect_map(entries),
            Self::Template(template) => serializer.collect_str(template),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Int).map_err(E::custom)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text.into()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = LiteMap::new_vec();
        while let Some((key, item)) = map.next_entry()? {
            entries.insert(key, item);
        }
        Ok(Value::map(entries))
    }
}

/// The attributes of one resource, by name. Names come from the kind's own schema, so that a hundred thousand
/// resources share them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(&'static str, Value)>);

impl Attributes {
    /// The value of an attribute; [`Value::Null`] when it is not set.
    #[must_use]
    pub fn get(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        // A dozen short names are found faster one by one than by a binary search.
        self.0.iter().find(|(key, _)| *key == name).map_or(NULL, |(_, value)| value)
    }

    /// The value at a path whose first part is an attribute: `dead_letter.queue`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        let parts = split(path);
        self.get(parts.first()?).follow(&parts[1..])
    }

    /// Sets an attribute; setting it to null removes it.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.0.binary_search_by(|(key, _)| (*key).cmp(name)) {
            Ok(at) if value.is_null() => {
                self.0.remove(at);
            }
            Ok(at) => self.0[at].1 = value,
            Err(_) if value.is_null() => {}
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// How many attributes are set.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every attribute that is set, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// What was last applied, attribute by attribute, as a short text: `encryption:1a2b3c4d versioning:…`.
    ///
    /// It is part of an object's ownership mark and tells drift (what was observed differs from it) from change (what
    /// is desired differs from it), one attribute at a time.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let pairs: Vec<String> = self.iter().map(|(name, value)| format!("{name}:{}", value.digest())).collect();
        pairs.join(" ")
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl FromIterator<(&'static str, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (&'static str, Value)>>(items: I) -> Self {
        let items = items.into_iter();
        let mut attributes: Vec<(&'static str, Value)> =
            Vec::with_capacity(items.size_hint().1.unwrap_or_default().min(64));
        attributes.extend(items.filter(|(_, value)| !value.is_null()));
        // Stable, so that of two values for one name the later one stays.
        attributes.sort_by_key(|(name, _)| *name);
        attributes.reverse();
        attributes.dedup_by_key(|(name, _)| *name);
        attributes.reverse();
        attributes.shrink_to_fit();
        Self(attributes)
    }
}
