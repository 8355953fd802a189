//! How bad it would be to be wrong about a deletion, and what says so.

use litemap::LiteMap;
use serde::Serialize;

use super::count::Count;
use crate::value::Text;

/// Counters that a driver observed, by name: the evidence for a verdict.
pub type Usage = LiteMap<Text, Count>;

/// One counter, unknown where nobody counted.
#[must_use]
pub fn counted(usage: &Usage, counter: &str) -> Count {
    usage.get(counter).copied().unwrap_or(Count::Unknown)
}

/// How bad it would be to be wrong about a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing is lost.
    Safe,
    /// What is lost can be made again from elsewhere.
    Recoverable,
    /// Data would be gone for good. It needs `--allow-loss`.
    Lossy,
}

/// The verdict on a destructive step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How bad.
    pub risk: Risk,
    /// What was observed that says so.
    pub evidence: String,
}

impl Verdict {
    /// Nothing is lost, and why.
    #[must_use]
    pub fn safe(evidence: impl Into<String>) -> Self {
        Self { risk: Risk::Safe, evidence: evidence.into() }
    }

    /// What is lost can be made again, and from what.
    #[must_use]
    pub fn recoverable(evidence: impl Into<String>) -> Self {
        Self { risk: Risk::Recoverable, evidence: evidence.into() }
    }

    /// Data would be gone for good: which.
    #[must_use]
    pub fn lossy(evidence: impl Into<String>) -> Self {
        Self { risk: Risk::Lossy, evidence: evidence.into() }
    }
}

impl Risk {
    /// The word that people and JSON read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Recoverable => "recoverable",
            Self::Lossy => "lossy",
        }
    }
}
