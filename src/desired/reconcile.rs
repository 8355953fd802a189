//! What `[reconcile]` says: how the loop that heals works, and within which limits.

use std::time::Duration;

use crate::kind::{RECONCILE, default_of, duration, percent};
use crate::value::{Attributes, Value};

/// How the loop works, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileSettings {
    /// What it does.
    pub mode: ReconcileMode,
    /// From one pass to the next.
    pub interval: Duration,
    /// How long a resource may differ before it is stuck.
    pub deadline: Duration,
    /// Actions in an hour, all together; none when that follows from how many resources there are.
    pub max_actions: Option<usize>,
    /// Actions in an hour on one resource.
    pub max_actions_each: usize,
    /// Repairs of one attribute within the window.
    pub max_heals: usize,
    /// That window.
    pub heal_window: Duration,
    /// How long the first quarantine lasts.
    pub quarantine: Duration,
    /// The share of one kind at one place that may be unavailable, in percent.
    pub max_unavailable: u8,
    /// Deletions of one pass.
    pub max_deletes: usize,
    /// The share of everything that may be lost at once and is believed at once, in percent.
    pub freeze_above: u8,
    /// The first wait after a failure.
    pub backoff: Duration,
    /// The longest one.
    pub max_backoff: Duration,
}

/// What the loop does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReconcileMode {
    /// Repairs drift back to what was last applied.
    #[default]
    Heal,
    /// Does that, and what the spec asks for.
    Apply,
    /// Only reports.
    Observe,
}

impl ReconcileSettings {
    /// Reads it from the values of its attributes, in their normal form.
    #[must_use]
    pub fn of(attributes: &Attributes) -> Self {
        let count = |name| match attributes.get(name) {
            Value::Int(number) => usize::try_from(*number).unwrap_or_default(),
            _ => 0,
        };
        let text = |name| attributes.get(name).as_str().unwrap_or_default();
        let seconds = |name| Duration::from_secs(duration::parse(text(name)).unwrap_or_default());
        let share = |name| percent(text(name)).unwrap_or(100);
        Self {
            mode: ReconcileMode::read(text("mode")).unwrap_or_default(),
            interval: seconds("interval"),
            deadline: seconds("deadline"),
            max_actions: Some(count("max_actions")).filter(|most| *most > 0),
            max_actions_each: count("max_actions_each"),
            max_heals: count("max_heals"),
            heal_window: seconds("heal_window"),
            quarantine: seconds("quarantine"),
            max_unavailable: share("max_unavailable"),
            max_deletes: count("max_deletes"),
            freeze_above: share("freeze_above"),
            backoff: seconds("backoff"),
            max_backoff: seconds("max_backoff"),
        }
    }
}

impl Default for ReconcileSettings {
    fn default() -> Self {
        let mut attributes = Attributes::default();
        RECONCILE.iter().for_each(|attribute| attributes.set(attribute.name, default_of(attribute)));
        Self::of(&attributes)
    }
}

impl ReconcileMode {
    /// Reads its word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Heal, Self::Apply, Self::Observe].into_iter().find(|mode| mode.word() == word)
    }

    /// The word in the spec and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Heal => "heal",
            Self::Apply => "apply",
            Self::Observe => "observe",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ReconcileMode, ReconcileSettings};

    #[test]
    fn what_is_not_said_has_a_safe_default() {
        let settings = ReconcileSettings::default();
        assert_eq!((settings.mode, settings.interval), (ReconcileMode::Heal, Duration::from_secs(30)));
        assert_eq!((settings.max_unavailable, settings.max_deletes, settings.max_heals), (25, 10, 5));
        assert!(settings.backoff < settings.max_backoff && settings.max_actions.is_none());
    }
}
