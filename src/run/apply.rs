//! The fourth call: an approved plan is carried out, its intents on disk before their effects.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use tokio::sync::{mpsc, watch};

use super::approve::Approved;
use super::error::{Notice, RunError};
use super::keeping::{keep_applied, keep_plan, keep_stopped};
use super::open::Opened;
use super::plan::Planned;
use crate::action::{Action, Verb};
use crate::address::Address;
use crate::execute::{Event, Execution, Report};
use crate::identity::Identity;
use crate::observed::Observed;
use crate::plan::{Change, Options, Plan, Summary};
use crate::store::{LockError, Run};

/// How a plan is carried out.
pub struct Manner {
    /// How many steps may run at once.
    pub parallelism: usize,
    /// The listener for what happens.
    pub events: mpsc::UnboundedSender<Event>,
    /// True once somebody asks to stop.
    pub stop: watch::Receiver<bool>,
}

/// What came of carrying out a plan. Nothing is claimed of the world before [`super::prove`].
pub struct Applied {
    /// What came of the steps.
    pub report: Report,
    /// What the plan was, in numbers.
    pub summary: Summary,
    /// How many steps it had.
    pub steps: usize,
    /// Whether some of a saved plan was left out because it had moved.
    pub moved: bool,
    /// What is worth saying.
    pub notices: Vec<Notice>,
    pub(super) options: Options,
    /// The run, when there was anything to do.
    pub(super) run: Option<Run>,
    /// What was observed for the plan, when there was nothing to do and so no need to look again.
    pub(super) seen: Option<Observed>,
    /// What the plan lets go of.
    pub(super) forgotten: BTreeSet<Address>,
    /// What the plan knew that it could not do or see.
    pub(super) blocked: BTreeSet<Address>,
    /// The identities of what the plan removes.
    pub(super) removed: BTreeMap<Address, Identity>,
}

/// Carries out an approved plan. Without anything to do nothing is written.
///
/// # Errors
/// When the journal can't be begun: the lock was lost, or the disk fails. Steps that fail are no error of this
/// call; they are in the report.
pub async fn apply(opened: &Opened, approved: Approved, manner: Manner) -> Result<Applied, RunError> {
    let moved = approved.has_moved();
    let Approved { planned, only, allow_loss, .. } = approved;
    let Planned { plan, observed, recorded, options, .. } = planned;
    let mut applied = Applied::begin(&plan, options, moved);
    let is_part = only.is_some() && moved;
    let kept = keep_applied(opened, &applied.options, &plan, is_part);
    if plan.steps.is_empty() {
        applied.notices.extend(kept.err().map(Notice::AppliedNotKept));
        applied.seen = Some(observed);
        return Ok(applied);
    }
    // The loop would undo what it does not know to be applied.
    kept.map_err(RunError::Journal)?;
    let unlocked = || RunError::Journal(io::Error::other("it was not opened for writing"));
    let fence = opened.fence().ok_or_else(unlocked)?;
    let run = Run::now(&opened.command, plan.fingerprint());
    let open = opened.pipeline.still_open(&recorded, &observed).await;
    // The world is looked at again when all is done, and two observations at once would only take memory.
    drop(observed);
    let journal = opened.store.journal(&run, &open, fence).map_err(|error| match error {
        LockError::Disk(source) => RunError::Journal(source),
        error => RunError::Locked(error),
    })?;
    // The history is for people: that it can't be written stops nothing.
    applied.notices.extend(opened.store.remember(&run.begun()).err().map(Notice::HistoryNotWritten));
    applied.notices.extend(keep_plan(opened, &plan).err().map(Notice::PlanNotKept));
    applied.run = Some(run);
    let execution = Execution {
        journal,
        parallelism: manner.parallelism,
        allow_loss,
        approved: only,
        events: manner.events,
        stop: manner.stop,
    };
    applied.report = opened.pipeline.apply(plan, execution).await;
    if applied.report.interrupted {
        applied.notices.extend(keep_stopped(opened).err().map(Notice::AppliedNotKept));
    }
    Ok(applied)
}

impl Manner {
    /// This many steps at once, without a listener and without a way to stop.
    #[must_use]
    pub fn unattended(parallelism: usize) -> Self {
        Self { parallelism, events: mpsc::unbounded_channel().0, stop: watch::channel(false).1 }
    }
}

impl Applied {
    fn begin(plan: &Plan, options: Options, moved: bool) -> Self {
        let of = |wanted: &dyn Fn(&&Change) -> bool| -> BTreeSet<Address> {
            plan.changes.iter().filter(wanted).map(|change| change.address.clone()).collect()
        };
        let removals =
            plan.steps.iter().filter(|step| step.verb == Verb::Delete).map(|step| &plan.changes[step.change]);
        let gone = removals.filter(|change| change.action == Action::Delete);
        let identity = |change: &Change| Some((change.address.clone(), change.before.as_ref()?.identity.clone()));
        Self {
            report: Report::default(),
            summary: plan.summary(),
            steps: plan.steps.len(),
            moved,
            notices: Vec::new(),
            options,
            run: None,
            seen: None,
            forgotten: of(&|change| change.action == Action::Forget),
            blocked: of(&|change| change.blocked.is_some()),
            removed: gone.filter_map(identity).collect(),
        }
    }
}
