//! What an import could not take, and why a file can't be read at all.

use std::fmt;

use crate::suggest::suggest;

/// Something that a compose file says and the spec does not, or not in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untaken {
    /// Where it stands: `services.web`; nothing at the top of the file.
    pub part: String,
    /// Which key of that, with a path into it.
    pub key: String,
    /// The line of the file.
    pub line: usize,
    /// Why it is not taken as it is.
    pub why: String,
    /// What to do about it.
    pub way_out: String,
}

/// Why a compose file can't be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposeFault {
    /// The line that is wrong, when it is one.
    pub line: Option<usize>,
    /// Why.
    pub why: String,
    /// The way out.
    pub way_out: String,
}

/// Why one value is not taken, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Untakable {
    pub why: String,
    pub way_out: String,
}

impl Untakable {
    pub fn new(why: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { why: why.into(), way_out: way_out.into() }
    }

    /// A value of another sort than the key takes.
    pub fn sort(there: &str, wanted: &str) -> Self {
        Self::new(format!("it is {there}"), format!("write {wanted}"))
    }

    /// Why a key that compose does not have is not taken.
    pub fn unknown(key: &str, known: &[&str]) -> Self {
        if key.starts_with("x-") {
            return Self::new("it means nothing to compose either", "there is nothing to do");
        }
        let hint = suggest(key, known).unwrap_or_else(|| "leave it out".to_owned());
        Self::new("the compose specification has no such key", hint)
    }
}

impl Untaken {
    /// The key with all that stands above it.
    #[must_use]
    pub fn path(&self) -> String {
        match (self.part.as_str(), self.key.as_str()) {
            ("", key) => key.to_owned(),
            (part, "") => part.to_owned(),
            (part, key) => format!("{part}.{key}"),
        }
    }
}

impl fmt::Display for Untaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, `{}`: {}; {}", self.line, self.path(), self.why, self.way_out)
    }
}

impl fmt::Display for ComposeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}
