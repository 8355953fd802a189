//! Why the loop leaves something as it is for now, in words.

use std::fmt;
use std::time::Duration;

use crate::address::Address;
use crate::kind::amount::count;

/// Why the loop leaves something as it is for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A person said so.
    Suspended {
        /// Why.
        reason: String,
        /// For how much longer.
        left: Duration,
    },
    /// The loop only reports.
    Observing,
    /// The spec asks for it, and nobody applied it.
    Unapplied,
    /// Data would be lost: a human decides.
    Lossy(String),
    /// The object is on its way by itself.
    OnItsWay {
        /// Why.
        why: String,
        /// For how long it has been, once that is too long.
        stuck: Option<Duration>,
    },
    /// Somebody else keeps changing it back.
    Quarantined {
        /// The attribute; none when the object itself keeps going away.
        field: Option<String>,
        /// How often it was repaired.
        heals: usize,
        /// Who does it, as far as is known.
        rival: Option<String>,
        /// For how much longer.
        left: Duration,
    },
    /// The last repairs failed.
    BackingOff {
        /// How many.
        failures: u32,
        /// Why the last one did.
        error: String,
        /// For how much longer.
        left: Duration,
    },
    /// It was made a moment ago, and a listing may lag behind.
    JustMade,
    /// It had its actions of this hour.
    Spent(usize),
    /// The loop had its actions of this hour.
    AllSpent(usize),
    /// Others come first; the rate grows as repairs succeed.
    Paced,
    /// Enough of its kind are unavailable at its place.
    Unavailable {
        /// How many are.
        unavailable: usize,
        /// Of how many.
        all: usize,
        /// Of what.
        kind: String,
        /// Where.
        place: String,
    },
    /// Another place is not in order, or is worked on.
    OtherPlace(String),
    /// Too much seems lost at once.
    Frozen {
        /// How much.
        lost: usize,
        /// Of how much.
        all: usize,
        /// Which look this is.
        look: u32,
    },
    /// Its host waits to be replaced, and it goes along.
    WithHost(Address),
    /// One pass would delete too much.
    TooManyDeletes {
        /// How many there would be.
        deletes: usize,
        /// How many may be.
        most: usize,
    },
}

impl Hold {
    /// One word for what holds it, as metrics and JSON have it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Suspended { .. } => "suspended",
            Self::Observing => "observing",
            Self::Unapplied => "unapplied",
            Self::Lossy(_) => "lossy",
            Self::OnItsWay { stuck: None, .. } => "progressing",
            Self::OnItsWay { .. } => "stuck",
            Self::Quarantined { .. } => "quarantined",
            Self::BackingOff { .. } => "backoff",
            Self::JustMade => "just-made",
            Self::Spent(_) | Self::AllSpent(_) => "budget",
            Self::Paced => "paced",
            Self::Unavailable { .. } | Self::OtherPlace(_) => "unavailable",
            Self::Frozen { .. } => "frozen",
            Self::WithHost(_) => "host",
            Self::TooManyDeletes { .. } => "deletes",
        }
    }

    /// After how long it is worth another look; none when only a human or the world can end it.
    #[must_use]
    pub const fn left(&self) -> Option<Duration> {
        match self {
            Self::Suspended { left, .. } | Self::Quarantined { left, .. } | Self::BackingOff { left, .. } => {
                Some(*left)
            }
            Self::JustMade | Self::Frozen { .. } | Self::OnItsWay { stuck: None, .. } => Some(Duration::from_secs(3)),
            Self::Paced => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suspended { reason, left } => write!(f, "suspended for {} more: {reason}", in_words(*left)),
            Self::Observing => f.write_str("the loop only observes"),
            Self::Unapplied => f.write_str("the spec asks for it and nobody applied it; `atlas apply` does"),
            Self::Lossy(evidence) => write!(f, "it would lose data, which a human decides: {evidence}"),
            Self::OnItsWay { why, stuck: None } => write!(f, "it is on its way: {why}"),
            Self::OnItsWay { why, stuck: Some(time) } => write!(f, "it is stuck for {}: {why}", in_words(*time)),
            Self::Quarantined { field, heals, rival, left } => {
                let what = field.as_ref().map_or_else(|| "it".to_owned(), |field| format!("`{field}`"));
                let who = rival.as_ref().map(|rival| format!(", by {rival}")).unwrap_or_default();
                let times = count(*heals as u64, "time");
                write!(
                    f,
                    "quarantined for {} more: {what} was repaired {times} and changed again{who}",
                    in_words(*left)
                )
            }
            Self::BackingOff { failures, error, left } => {
                write!(
                    f,
                    "tried again in {}, after {}: {error}",
                    in_words(*left),
                    count(u64::from(*failures), "failure")
                )
            }
            Self::JustMade => f.write_str("it was made a moment ago, and a listing may lag behind"),
            Self::Spent(most) => write!(f, "it had its {} of this hour", count(*most as u64, "action")),
            Self::AllSpent(most) => write!(f, "the loop had its {} of this hour", count(*most as u64, "action")),
            Self::Paced => f.write_str("others come first; more is done at once as repairs succeed"),
            Self::Unavailable { unavailable, all, kind, place } => {
                let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
                write!(f, "{unavailable} of {} {kind}{at} are unavailable already", all)
            }
            Self::OtherPlace(place) => write!(f, "{place} is not in order, so nothing is disturbed elsewhere"),
            Self::Frozen { lost, all, look } => {
                write!(
                    f,
                    "{lost} of {all} seem lost at once; look {look} of {} before that is believed",
                    super::alarm::LOOKS
                )
            }
            Self::WithHost(host) => write!(f, "it goes along with {host}, which is left as it is"),
            Self::TooManyDeletes { deletes, most } => {
                write!(f, "one pass would delete {deletes}, and may delete {most}; `atlas apply` asks a human")
            }
        }
    }
}

/// A time as people read it: `40s`, `12m`, `3h`.
#[must_use]
pub fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{}ms", time.as_millis()),
        seconds @ 1..=119 => format!("{seconds}s"),
        seconds @ 120..=7_199 => format!("{}m", seconds / 60),
        seconds => format!("{}h", seconds / 3_600),
    }
}
