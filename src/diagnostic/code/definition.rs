//! What a code is, and how the tables declare codes.

use std::fmt;

use serde::{Serialize, Serializer};

/// One sort of problem.
pub struct Code {
    /// What people and tests refer to: `A0102`.
    pub name: &'static str,
    /// The sort of problem, in a few words: what every diagnostic of this code is headed with.
    pub summary: &'static str,
    /// What it means, in whole sentences.
    pub meaning: &'static str,
    /// What causes it.
    pub example: Example,
    /// The way out, in whole sentences.
    pub remedy: &'static str,
}

/// What causes a diagnostic.
pub enum Example {
    /// A part of a spec. It stands behind [`PREAMBLE`], unless it has a project of its own.
    Spec(&'static str),
    /// What happened, where a spec alone does not cause it.
    Story(&'static str),
}

/// What stands before an example that is a part of a spec.
pub const PREAMBLE: &str = "[project]\nname = \"shop\"\n\n[region.us-east-1]\n\n[region.eu-central-1]\n\n";

impl Code {
    /// The whole spec that the example stands in; none where a spec alone does not cause it.
    #[must_use]
    pub fn spec(&self) -> Option<String> {
        match self.example {
            Example::Spec(text) if text.contains("[project]") || text.is_empty() => Some(text.to_owned()),
            Example::Spec(text) => Some([PREAMBLE, text].concat()),
            Example::Story(_) => None,
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.summary)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Code {}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

/// Declares codes, and the list of them.
macro_rules! codes {
    ($($ident:ident = $name:literal $summary:literal; $meaning:literal; $example:expr; $remedy:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $summary, ".")]
            pub static $ident: Code =
                Code { name: $name, summary: $summary, meaning: $meaning, example: $example, remedy: $remedy };
        )*

        /// Every code of this table, in the order of the numbers.
        pub(in crate::diagnostic::code) static ALL: &[&Code] = &[$(&$ident),*];
    };
}
pub(super) use codes;
