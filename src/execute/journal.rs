//! What execution writes down: intent before an effect, outcome after it. The store decides where it is written.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::action::Verb;
use crate::address::Address;

/// One line of the journal about one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The step, as an index into its plan.
    pub step: usize,
    /// The resource.
    pub address: Address,
    /// What the step does: `create`, `update`, `delete`, `adopt`, `forget`.
    pub verb: String,
    /// The object that it does it to.
    pub identity: String,
    /// Where it does it, as the driver tells: account, engine, cluster. Empty when nobody told, as in older journals.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Whether the journal need not remember the object: it carries its mark from the start, or it is taken over and
    /// not ours until it is marked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub marked: bool,
}

impl Entry {
    /// The entry of a step.
    #[must_use]
    pub fn new(step: usize, address: &Address, verb: Verb, identity: &str) -> Self {
        let (address, verb, identity) = (address.clone(), verb.word().to_owned(), identity.to_owned());
        Self { step, address, verb, identity, place: String::new(), marked: false }
    }

    /// Whether an object without a mark may be left when the run dies in the middle of this step.
    #[must_use]
    pub fn may_leave_unmarked(&self) -> bool {
        [Verb::Adopt.word(), Verb::Create.word()].contains(&self.verb.as_str()) && !self.marked
    }

    /// The entry of a step that acts at this place.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.place.clear();
        self.place.push_str(place);
        self
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "result")]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed, and certainly had no effect: something else was in the way.
    Refused {
        /// Why.
        error: String,
    },
    /// It failed, and may have had its effect all the same.
    Failed {
        /// Why.
        error: String,
    },
}

impl Outcome {
    /// Whether the intent is settled: nothing of it can turn up in the world later.
    #[must_use]
    pub const fn settles(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}

/// Where a journal is written.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes down that a step is about to take effect. When this returns, it survives a crash of the machine.
    ///
    /// # Errors
    /// When it could not be written; the step must then not take effect.
    async fn intend(&self, entry: Entry) -> std::io::Result<()>;

    /// Writes down what came of a step. Losing it costs the next run one look, nothing more.
    ///
    /// # Errors
    /// When it could not be written.
    async fn conclude(&self, entry: Entry, outcome: Outcome) -> std::io::Result<()>;

    /// Whether this run may still act: asked before an effect is tried again, as its lease may be lost by then.
    ///
    /// # Errors
    /// When somebody else is at work, and who.
    fn check(&self) -> std::io::Result<()> {
        Ok(())
    }
}
