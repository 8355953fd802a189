//! Why a text breaks its rule, and where in the text.

use std::ops::Range;

/// Why a text breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The bytes of the text that are wrong; all of it when not known better.
    pub at: Option<Range<usize>>,
    /// What is wrong.
    pub reason: String,
    /// The way out.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault in all of the text.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { at: None, reason: reason.into(), hint: None }
    }

    /// Points at the bytes that are wrong.
    #[must_use]
    pub fn at(mut self, range: Range<usize>) -> Self {
        self.at = Some(range);
        self
    }

    /// Says the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
