//! Errors of drivers, classified so that nobody else has to know an SDK.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of error it is: all that retry and exit codes need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// It may well work the next time.
    Transient,
    /// Too many calls.
    Throttled,
    /// Something else is in the way, or was quicker.
    Conflict,
    /// Not allowed.
    Denied,
    /// The request itself is wrong.
    Invalid,
    /// There is no answer.
    Unreachable,
}

/// An error of a driver. Its text never repeats its source.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DriverError {
    /// What sort of error it is.
    pub class: Class,
    /// What happened.
    pub message: String,
    /// What it comes from.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl DriverError {
    /// An error of a class.
    #[must_use]
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), source: None }
    }

    /// An error that comes from another one.
    #[must_use]
    pub fn from_source(
        class: Class,
        message: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { class, message: message.into(), source: Some(Box::new(source)) }
    }

    /// The error and all that it comes from, once, in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            text.push_str(&format!(": {error}"));
            next = error.source();
        }
        text
    }
}

impl Class {
    /// The word that people, JSON and the sandbox's faults use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Unreachable => "unreachable",
        }
    }

    /// Every class.
    pub const ALL: [Self; 6] =
        [Self::Transient, Self::Throttled, Self::Conflict, Self::Denied, Self::Invalid, Self::Unreachable];
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
