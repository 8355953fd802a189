//! What can be wrong with a chart or with values.

use std::fmt;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderFault {
    /// What happened, in one sentence without a full stop.
    pub what: String,
    /// The file in the chart, as Helm names it: `ledger-app/templates/deployment.yaml`.
    pub file: Option<String>,
    /// The line in that file, from 1.
    pub line: Option<usize>,
    /// The path of the value in the values that are to blame, where one is: `image.tag`.
    pub value: Option<String>,
    /// Whether it is the chart's own `fail` or `required`.
    pub own: bool,
    /// Whether an unknown value decided what the result is, so that nothing can be said yet.
    pub unknown: bool,
}

impl RenderFault {
    /// A fault of which only the words are known yet.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), file: None, line: None, value: None, own: false, unknown: false }
    }
}

impl fmt::Display for RenderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: {}", self.what),
            (Some(file), None) => write!(f, "{file}: {}", self.what),
            _ => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for RenderFault {}
