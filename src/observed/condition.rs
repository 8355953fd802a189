//! How an object is, besides its attributes.

/// How an object is, besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// It does what it is for.
    #[default]
    Ready,
    /// It is on its way to that by itself, and why it is not there yet.
    Progressing(String),
    /// It does not do what it is for, and why: it is `stopped`, or `paused`. To repair it is an update.
    Degraded(String),
    /// Nobody can say, and why.
    Unknown(String),
}

impl Condition {
    /// Whether it does what it is for.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Why it is not ready; none when it is.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Progressing(reason) | Self::Degraded(reason) | Self::Unknown(reason) => Some(reason),
        }
    }

    /// The word that people and JSON read.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Progressing(_) => "progressing",
            Self::Degraded(_) => "degraded",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// What a driver found wrong with an object, if anything, makes it degraded.
impl From<Option<String>> for Condition {
    fn from(wrong: Option<String>) -> Self {
        wrong.map_or(Self::Ready, Self::Degraded)
    }
}
