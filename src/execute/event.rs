//! What happens during an execution, as it happens, and what came of it in the end.

use std::time::Duration;

use serde::Serialize;

use crate::action::Verb;
use crate::address::Address;
use crate::driver::{Busy, Class};

/// Something that happens to one step.
#[derive(Clone, Debug)]
pub struct Event {
    /// The resource.
    pub address: Address,
    /// What the step does.
    pub verb: Verb,
    /// What happens to it.
    pub what: What,
}

/// What happens to a step.
#[derive(Clone, Debug)]
pub enum What {
    /// It begins.
    Started,
    /// An attempt failed, and there will be another one.
    Retrying {
        /// Why it failed.
        error: String,
        /// When the next attempt comes.
        wait: Duration,
    },
    /// It takes a while, and this is why.
    Busy(Busy),
    /// It is done.
    Finished(Duration),
    /// Nothing had to be done: what might have been gone is there, as it should be.
    Found(Duration),
    /// It is done, and was watched before others begin; it did not stay ready. It is no step more.
    Unready {
        /// Why.
        error: String,
        /// How long it was watched.
        elapsed: Duration,
    },
    /// It failed for good.
    Failed {
        /// Why.
        error: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// It was not begun.
    Skipped(String),
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedStep {
    /// The resource.
    pub address: Address,
    /// What the step was to do.
    pub verb: Verb,
    /// What sort of error it was; none when no driver was to blame.
    pub class: Option<Class>,
    /// Why, in words.
    pub error: String,
}

/// What came of an execution.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The steps that are done.
    pub done: Vec<(Address, Verb)>,
    /// The resources about which nothing had to be done after all: what might have been gone is there.
    pub found: Vec<Address>,
    /// The steps that failed, and why.
    pub failed: Vec<FailedStep>,
    /// The steps that were not begun, and why.
    pub skipped: Vec<(Address, Verb, String)>,
    /// Whether somebody asked to stop.
    pub interrupted: bool,
}

/// How many steps of each sort were done, and how many were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Created; a replaced object counts here and as deleted.
    pub created: usize,
    /// Updated.
    pub updated: usize,
    /// Deleted.
    pub deleted: usize,
    /// Adopted.
    pub adopted: usize,
    /// Forgotten.
    pub forgotten: usize,
    /// Found as they should be, where the plan could not know.
    pub found: usize,
    /// Failed.
    pub failed: usize,
    /// Not begun.
    pub skipped: usize,
}

impl Report {
    /// Whether every step is done.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.skipped.is_empty() && !self.interrupted
    }

    /// The resources of which a step failed or was not begun.
    pub fn undone(&self) -> impl Iterator<Item = &Address> {
        let failed = self.failed.iter().map(|failure| &failure.address);
        failed.chain(self.skipped.iter().map(|(address, ..)| address))
    }

    /// How many steps of each sort.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            found: self.found.len(),
            failed: self.failed.len(),
            skipped: self.skipped.len(),
            ..Counts::default()
        };
        for (_, verb) in &self.done {
            *match verb {
                Verb::Create => &mut counts.created,
                Verb::Update => &mut counts.updated,
                Verb::Delete => &mut counts.deleted,
                Verb::Adopt => &mut counts.adopted,
                Verb::Forget => &mut counts.forgotten,
            } += 1;
        }
        counts
    }
}

impl Event {
    /// The event as one line of `apply --json`; none for what only a person at a terminal wants to see.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let millis = |elapsed: &Duration| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let mut json = serde_json::json!({ "address": self.address, "action": self.verb.word() });
        let (word, more) = match &self.what {
            What::Started => ("started", serde_json::json!({ "elapsed_ms": 0 })),
            What::Retrying { error, wait } => {
                ("retrying", serde_json::json!({ "error": error, "wait_ms": millis(wait) }))
            }
            What::Busy(busy) => ("busy", serde_json::json!({ "doing": busy.doing, "amount": busy.amount })),
            What::Finished(elapsed) => ("finished", serde_json::json!({ "elapsed_ms": millis(elapsed) })),
            What::Found(elapsed) => ("found", serde_json::json!({ "elapsed_ms": millis(elapsed) })),
            What::Failed { error, elapsed } | What::Unready { error, elapsed } => {
                ("failed", serde_json::json!({ "error": error, "elapsed_ms": millis(elapsed) }))
            }
            What::Skipped(reason) => ("skipped", serde_json::json!({ "reason": reason, "elapsed_ms": 0 })),
        };
        json["event"] = word.into();
        if let (Some(json), serde_json::Value::Object(more)) = (json.as_object_mut(), more) {
            json.extend(more);
        }
        json
    }
}
