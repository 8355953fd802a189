//! Values while an expression is evaluated. What comes from JSON or from the expression is borrowed; to copy a value is cheap.

use std::rc::Rc;

use serde_json::{Map, Value as Json};

/// A value of CEL. There are no bytes, timestamps and messages, as JSON has none.
#[derive(Clone, Debug)]
pub enum CelValue<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
    /// A text that was made while evaluating.
    MadeText(Rc<str>),
    List(&'a [Json]),
    /// A list that was made while evaluating.
    MadeList(Rc<Vec<CelValue<'a>>>),
    Map(&'a Map<String, Json>),
    /// A map that was made while evaluating.
    MadeMap(Rc<Vec<(CelValue<'a>, CelValue<'a>)>>),
}

impl<'a> CelValue<'a> {
    /// A value of JSON.
    pub fn of(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(is_so) => Self::Bool(*is_so),
            Json::Number(number) => {
                number.as_i64().map_or_else(|| Self::Double(number.as_f64().unwrap_or_default()), Self::Int)
            }
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::List(items),
            Json::Object(entries) => Self::Map(entries),
        }
    }

    /// A text that was made.
    pub fn text(text: &str) -> Self {
        Self::MadeText(text.into())
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::MadeText(text) => Some(text),
            _ => None,
        }
    }

    pub const fn as_number(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss, reason = "CEL compares numbers of both sorts")]
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }

    /// What a comprehension goes through: the items of a list, the keys of a map.
    pub fn items(&self) -> Option<Vec<Self>> {
        Some(match self {
            Self::List(items) => items.iter().map(Self::of).collect(),
            Self::MadeList(items) => items.to_vec(),
            Self::Map(entries) => entries.keys().map(|key| Self::Text(key)).collect(),
            Self::MadeMap(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
            _ => return None,
        })
    }

    /// How many items, entries or characters there are.
    pub fn size(&self) -> Option<usize> {
        Some(match self {
            Self::List(items) => items.len(),
            Self::MadeList(items) => items.len(),
            Self::Map(entries) => entries.len(),
            Self::MadeMap(entries) => entries.len(),
            other => other.as_text()?.chars().count(),
        })
    }

    /// What is behind a key of a map.
    pub fn entry(&self, key: &str) -> Option<Self> {
        match self {
            Self::Map(entries) => entries.get(key).map(Self::of),
            Self::MadeMap(entries) => {
                entries.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value.clone())
            }
            _ => None,
        }
    }

    pub const fn is_map(&self) -> bool {
        matches!(self, Self::Map(_) | Self::MadeMap(_))
    }

    pub const fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::MadeList(_))
    }

    /// What it is, in words.
    pub fn told(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(is_so) => is_so.to_string(),
            Self::Int(number) => format!("the number {number}"),
            Self::Double(number) => format!("the number {number}"),
            Self::List(_) | Self::MadeList(_) => "a list".to_owned(),
            Self::Map(_) | Self::MadeMap(_) => "a map".to_owned(),
            // What it says may be the data of a Secret.
            _ => "a text".to_owned(),
        }
    }
}
