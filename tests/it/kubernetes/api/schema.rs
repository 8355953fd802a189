//! The shapes of objects: which lists have keys, what is taken as a whole, which fields there are.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

/// What a value may be.
#[derive(Clone, Debug)]
pub enum Type {
    /// A scalar.
    Scalar(Scalar),
    /// A type of the built-in tables, by its name.
    Named(Arc<str>),
    /// A list.
    List(Arc<List>),
    /// An object.
    Map(Arc<Map>),
    /// Anything: objects field by field, lists as a whole.
    Any,
    /// Anything, as a whole.
    Whole,
}

/// What a scalar may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A truth value.
    Bool,
    /// Any scalar.
    Any,
}

/// A list.
#[derive(Clone, Debug)]
pub struct List {
    /// What is in it.
    pub element: Type,
    /// `None`: it is taken as a whole. No keys: it is a set. Otherwise: what tells one item from another.
    pub keys: Option<Vec<String>>,
}

/// An object.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The fields that it is known to have.
    pub fields: BTreeMap<String, Field>,
    /// What further fields may be; `None`: there are no further ones.
    pub element: Option<Type>,
    /// Whether it is taken as a whole.
    pub atomic: bool,
}

/// A field of an object.
#[derive(Clone, Debug)]
pub struct Field {
    /// What it may be.
    pub shape: Type,
    /// What stands for it where it is a key that is left out.
    pub default: Option<Value>,
    /// What becomes of it when it has no value.
    pub presence: Presence,
}

/// What becomes of a field without a value, or with a zero one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It stays as it is.
    AsGiven,
    /// A zero value is left out.
    NeverZero,
    /// It is always there.
    Always,
}

/// A type, looked up and fitted to a value.
#[derive(Clone, Debug)]
pub enum Atom {
    /// A scalar.
    Scalar(Scalar),
    /// A list.
    List(Arc<List>),
    /// An object.
    Map(Arc<Map>),
}

impl Atom {
    /// Whether both are of the same sort.
    pub fn fits(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

static TYPES: LazyLock<HashMap<String, Arc<Map>>> = LazyLock::new(|| {
    let texts = [
        include_str!("schemas/core.txt"),
        include_str!("schemas/meta.txt"),
        include_str!("schemas/others.txt"),
        include_str!("schemas/extensions.txt"),
    ];
    texts.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty()).map(line).collect()
});

static ANY_LIST: LazyLock<Arc<List>> = LazyLock::new(|| Arc::new(List { element: Type::Whole, keys: None }));
static ANY_MAP: LazyLock<Arc<Map>> = LazyLock::new(|| Arc::new(Map { element: Some(Type::Any), ..Map::default() }));
static WHOLE_MAP: LazyLock<Arc<Map>> =
    LazyLock::new(|| Arc::new(Map { element: Some(Type::Whole), atomic: true, ..Map::default() }));

/// Reads a line of a table: the name, `!` if it is taken as a whole, and the fields with their types. `scripts/schemas.py`
/// writes the tables.
fn line(line: &str) -> (String, Arc<Map>) {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default();
    let mut map = Map { atomic: name.ends_with('!'), ..Map::default() };
    for word in words.filter(|word| !word.is_empty()) {
        let (field, rest) = word.split_once(':').expect("a field has a type");
        let (shape, default) = match rest.split_once('=') {
            Some((shape, default)) => (shape, Some(default)),
            None => (rest, None),
        };
        let (shape, presence) = match (shape.strip_suffix('-'), shape.strip_suffix('+')) {
            (Some(shape), _) => (shape, Presence::NeverZero),
            (_, Some(shape)) => (shape, Presence::Always),
            _ => (shape, Presence::AsGiven),
        };
        let shape = parse(shape);
        if field == "*" {
            map.element = Some(shape);
            continue;
        }
        let default = default.map(|text| match shape {
            Type::Scalar(Scalar::Number) => json!(text.parse::<i64>().unwrap_or_default()),
            _ => json!(text),
        });
        map.fields.insert(field.to_owned(), Field { shape, default, presence });
    }
    (name.trim_end_matches('!').to_owned(), Arc::new(map))
}

fn parse(text: &str) -> Type {
    match text {
        "s" => return Type::Scalar(Scalar::Text),
        "n" => return Type::Scalar(Scalar::Number),
        "b" => return Type::Scalar(Scalar::Bool),
        "u" => return Type::Scalar(Scalar::Any),
        "?" => return Type::Any,
        "!" => return Type::Whole,
        _ => {}
    }
    if let Some(name) = text.strip_prefix('@') {
        return Type::Named(name.into());
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let (element, keys) = match inner.rsplit_once(':') {
            Some((element, keys)) => (element, Some(keys)),
            None => (inner, None),
        };
        let keys = keys.map(|keys| keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect());
        return Type::List(Arc::new(List { element: parse(element), keys }));
    }
    let atomic = text.ends_with('!');
    let inner = text.trim_end_matches('!').strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let element = Some(parse(inner.expect("a type that is known")));
    Type::Map(Arc::new(Map { fields: BTreeMap::new(), element, atomic }))
}

impl Type {
    /// A built-in type by its name.
    pub fn named(name: &str) -> Option<Self> {
        TYPES.contains_key(name).then(|| Self::Named(name.into()))
    }

    /// The type, looked up and fitted to a value.
    pub fn atom(&self, value: Option<&Value>) -> Atom {
        match self {
            Self::Scalar(scalar) => Atom::Scalar(*scalar),
            Self::Named(name) => Atom::Map(TYPES.get(&**name).unwrap_or_else(|| &*ANY_MAP).clone()),
            Self::List(list) => Atom::List(list.clone()),
            Self::Map(map) => Atom::Map(map.clone()),
            Self::Any | Self::Whole => match value {
                Some(Value::Array(_)) => Atom::List(ANY_LIST.clone()),
                Some(Value::Object(_) | Value::Null) | None => match self {
                    Self::Any => Atom::Map(ANY_MAP.clone()),
                    _ => Atom::Map(WHOLE_MAP.clone()),
                },
                Some(_) => Atom::Scalar(Scalar::Any),
            },
        }
    }
}

impl Map {
    /// The type of a field, if there may be one of that name.
    pub fn field(&self, name: &str) -> Option<&Type> {
        self.fields.get(name).map(|field| &field.shape).or(self.element.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_type_is_there() {
        fn check(shape: &Type) {
            match shape {
                Type::Named(name) => assert!(TYPES.contains_key(&**name), "{name}"),
                Type::List(list) => check(&list.element),
                Type::Map(map) => map.element.iter().for_each(check),
                _ => {}
            }
        }
        for map in TYPES.values() {
            map.fields.values().map(|field| &field.shape).chain(&map.element).for_each(check);
        }
    }
}
