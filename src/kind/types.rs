//! How types of attributes are written in the tables of this program, and how they read in words.

use super::schema::{Attribute, Rule, Type};
use super::shared::Shared;

/// Types of the tables of this program.
impl Type {
    /// A text that keeps a rule.
    #[must_use]
    pub const fn text(rule: &'static Rule) -> Self {
        Self::Text(Shared::Static(rule))
    }

    /// One of a few words.
    #[must_use]
    pub const fn choice(words: &'static [&'static str]) -> Self {
        Self::Choice(Shared::Static(words))
    }

    /// Values in an order that matters.
    #[must_use]
    pub const fn list(item: &'static Self) -> Self {
        Self::List(Shared::Static(item))
    }

    /// Values whose order does not matter.
    #[must_use]
    pub const fn set(item: &'static Self) -> Self {
        Self::Set(Shared::Static(item))
    }

    /// Values by key.
    #[must_use]
    pub const fn map(item: &'static Self) -> Self {
        Self::Map(Shared::Static(item))
    }

    /// A table with keys of its own.
    #[must_use]
    pub const fn object(attributes: &'static [Attribute]) -> Self {
        Self::Object(Shared::Static(attributes))
    }

    /// One of a few words, or a table with keys of its own.
    #[must_use]
    pub const fn word_or_object(words: &'static [&'static str], attributes: &'static [Attribute]) -> Self {
        Self::WordOrObject(Shared::Static(words), Shared::Static(attributes))
    }

    /// JSON as text.
    #[must_use]
    pub const fn json(rule: &'static Rule) -> Self {
        Self::Json(Shared::Static(rule))
    }

    /// The address of a resource of one of these kinds.
    #[must_use]
    pub const fn address(kinds: &'static [&'static str]) -> Self {
        Self::Address(Shared::Static(kinds))
    }
}

impl Type {
    /// The attribute of this name in a table with keys of its own; none in any other type.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes().iter().find(|attribute| attribute.name == name)
    }

    /// The attributes of a table with keys of its own; none of any other type.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        match self {
            Self::Object(attributes) | Self::WordOrObject(_, attributes) => attributes,
            _ => &[],
        }
    }

    /// The type in words, for `explain` and for messages: `duration`, `list of text`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Int(min, i64::MAX) => format!("whole number, {min} or more"),
            Self::Int(min, max) => format!("whole number from {min} to {max}"),
            Self::Limit(min, max) => format!("{}, or {{ soft = …, hard = … }}", Self::Int(*min, *max).describe()),
            Self::Duration(min, max) => {
                let text = super::duration::format;
                format!("duration from {} to {}", text(*min), text(*max))
            }
            Self::Text(rule) => rule.says.to_string(),
            Self::Choice(words) => quoted(words).join(" or "),
            Self::List(item) => format!("list of {}", item.describe()),
            Self::Set(item) => format!("set of {}", item.describe()),
            Self::Map(item) => format!("table of {} by key", item.describe()),
            Self::Object(_) => "table".into(),
            Self::WordOrObject(words, _) => format!("{} or a table", quoted(words).join(", ")),
            Self::Json(rule) => format!("JSON text, {}", rule.says),
            Self::Address(kinds) if kinds.is_empty() => "resource address".into(),
            Self::Address(kinds) => format!("{} address", kinds.join(" or ")),
            Self::Name(kind) => format!("{kind} name"),
            Self::Secret => "secret reference, { env = \"NAME\" } or { file = \"PATH\" }".into(),
            Self::Texts => "a text or a list of them".into(),
            Self::Any => "any value".into(),
        }
    }
}

/// With more words than this, a message does not say all of them and its hint does.
const MANY: usize = 12;

impl Type {
    /// Why a text is no value of the type, in words.
    #[must_use]
    pub fn refusal(&self, text: &str) -> String {
        match self {
            Self::Choice(words) if words.len() > MANY => {
                format!("`{text}` is none of the {} words that can stand here", words.len())
            }
            _ => format!("`{text}` is not {}", self.describe()),
        }
    }
}

fn quoted(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("\"{word}\"")).collect()
}
