//! The second call: what earlier runs recorded is read, the world is observed, and a plan is made.

use super::destination::Destination;
use super::error::{Notice, RunError};
use super::open::Opened;
use crate::action::Action;
use crate::desired::Desired;
use crate::diagnostic::Diagnostics;
use crate::identity::Identity;
use crate::observed::Observed;
use crate::plan::{Change, Options, Plan};
use crate::recorded::{Inventory, Recorded};

/// A plan, and what it was made from.
#[derive(Debug)]
pub struct Planned {
    /// The plan. Its errors stop it at [`super::approve`].
    pub plan: Plan,
    /// What was observed.
    pub observed: Observed,
    /// What earlier runs recorded.
    pub recorded: Recorded,
    /// What was asked of it besides the spec.
    pub options: Options,
    /// Where it acts.
    pub destination: Destination,
    /// What is worth saying.
    pub notices: Vec<Notice>,
}

/// Observes and plans.
///
/// # Errors
/// When the records can't be read, or the world can't be observed at all.
pub async fn plan(opened: &Opened, options: &Options) -> Result<Planned, RunError> {
    let (recorded, notices) = recorded(opened)?;
    let (observed, plan) = opened.pipeline.look_and_plan(&recorded, options).await?;
    let destination = Destination::of(&opened.pipeline.desired, &observed);
    Ok(Planned { plan, observed, recorded, options: options.clone(), destination, notices })
}

/// What earlier runs recorded, and what is worth saying of it.
///
/// # Errors
/// When the records can't be read.
pub fn recorded(opened: &Opened) -> Result<(Recorded, Vec<Notice>), RunError> {
    let recorded = opened.store.recorded().map_err(RunError::Records)?;
    let notices = match recorded.damage.lines {
        0 if recorded.damage.torn => vec![Notice::JournalTorn],
        0 => Vec::new(),
        lines => vec![Notice::JournalDamaged { lines, aside: opened.store.aside() }],
    };
    Ok((recorded, notices))
}

/// What was there after the last run.
///
/// # Errors
/// When it is there and can't be read.
pub fn inventory(opened: &Opened) -> Result<Inventory, RunError> {
    opened.store.inventory().map_err(RunError::Inventory)
}

impl Planned {
    /// What could not be looked at: its host does not answer or is not ready, or denies access.
    pub fn unseen<'a>(&'a self, opened: &'a Opened) -> impl Iterator<Item = &'a Change> {
        let desired = &opened.pipeline.desired;
        self.plan.changes.iter().filter(|change| is_unseen(change, desired, &self.observed))
    }

    /// The diagnostics of the plan and the warnings about the spec, in the order of the spec.
    #[must_use]
    pub fn diagnostics(&self, opened: &Opened) -> Diagnostics {
        let mut all = self.plan.diagnostics.clone();
        all.append(opened.warnings.clone());
        all.finish();
        all
    }
}

/// Whether a change only says that its object could not be looked at, or into. A blocked object that was seen is
/// somebody else's, and known.
pub(super) fn is_unseen(change: &Change, desired: &Desired, observed: &Observed) -> bool {
    // A host that is there whether Atlas wants it or not was not looked at when it refused every question.
    let answers = |identity: &Identity| !observed.unreachable().contains_key(identity);
    let looked_at = |identity: &Identity| observed.at(identity).is_some() && answers(identity);
    let seen = || desired.get(&change.address).is_some_and(|one| looked_at(&one.identity));
    // What lives in several hosts is seen as long as one of them answers.
    let before = change.before.as_ref().filter(|before| before.hosts.len() < 2);
    let unreachable = || before.is_some_and(|before| observed.why_unreachable(&before.identity).is_some());
    change.unsure || change.blocked.is_some() && (change.action == Action::NoOp && !seen() || unreachable())
}
