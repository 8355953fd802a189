//! One pass: look, plan, ask the governor, and do what it allows.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use tokio::sync::{mpsc, watch};

use super::basis::Basis;
use super::governor::{Deed, Rulings};
use super::hold::Hold;
use super::situation::{Divergence, Situation};
use crate::address::Address;
use crate::diagnostic::Severity;
use crate::driver::CallCounts;
use crate::execute::{Event, Report};
use crate::plan::{Options, Plan, Selector};
use crate::run::{self, Consent, Ending, Manner, Notice, Opened, Planned, Proof, Purpose, RunError};
use crate::store::{Document, LockError, Store};
use crate::value::hash;

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassEnding {
    /// Nothing differs, or nothing does any more.
    Converged,
    /// Something differs still: it is held back, or can't be looked at.
    Held,
    /// Something that was tried failed, or does not hold.
    Failed,
    /// Somebody else is at work, so nothing was done.
    Waiting,
    /// The loop was asked to stop.
    Stopped,
}

/// What a pass came to.
pub struct LoopPass {
    /// Which one it is, from one on.
    pub number: u64,
    /// How it ended.
    pub ending: PassEnding,
    /// What was done, and what was tried.
    pub deeds: Vec<Deed>,
    /// What is left as it is, and why.
    pub held: BTreeMap<Address, Hold>,
    /// What can't be looked at or waits for something else, and why.
    pub blocked: BTreeMap<Address, String>,
    /// What the plan refuses to do, and why.
    pub refused: BTreeMap<Address, String>,
    /// What is on its way by itself.
    pub on_its_way: BTreeMap<Address, String>,
    /// How many resources there are.
    pub resources: usize,
    /// How many of them are as they should be.
    pub in_order: usize,
    /// How many resources of each kind are in each condition, as the pass found them.
    pub conditions: BTreeMap<(String, &'static str), usize>,
    /// How many differ, by the sort of difference, as the pass found them.
    pub differences: BTreeMap<&'static str, usize>,
    /// How often drivers were called, and how the calls ended.
    pub calls: CallCounts,
    /// What is worth saying.
    pub notices: Vec<Notice>,
    /// What is worth saying, in whole sentences.
    pub notes: Vec<String>,
    /// The fingerprint of the plan that was carried out.
    pub plan: Option<String>,
}

/// What people said to the loop, as the records have it: what they applied, and what they suspended.
#[derive(PartialEq, Eq)]
pub(super) struct People {
    applied: Option<String>,
    suspended: Option<String>,
}

impl People {
    /// Reads it.
    pub fn read(store: &dyn Store) -> io::Result<Self> {
        let (applied, suspended) = (store.document(&Document::Applied)?, store.document(&Document::Suspensions)?);
        Ok(Self { applied: applied.map(|text| hash(text.as_bytes())), suspended })
    }
}

/// What one look found.
pub(super) struct PassLook {
    pub opened: Opened,
    pub planned: Planned,
    pub situation: Situation,
    /// What the plan refuses to do, and why.
    pub refused: BTreeMap<Address, String>,
}

impl PassLook {
    /// Looks at the world and plans, and leaves alone what can't be planned.
    pub async fn take(basis: Basis, left: &BTreeMap<Address, Vec<String>>) -> Result<Self, RunError> {
        let mut spec = basis.spec;
        spec.desired.leave(left);
        let mut opened = run::open(spec, Purpose::Look)?;
        run::complete(&mut opened).await?;
        let (planned, refused) = plan(&opened, BTreeMap::new()).await?;
        let situation = situation(&opened, &planned)?;
        Ok(Self { opened, planned, situation, refused })
    }

    /// What can't be looked at or waits for something else, and why.
    pub fn blocked(&self) -> BTreeMap<Address, String> {
        blocked(&self.planned.plan)
    }

    /// Whether the governor ruled on exactly this.
    fn is_ruled(&self, one: &Divergence, rulings: &Rulings) -> bool {
        let same = |ruled: &&Divergence| {
            ruled.address == one.address
                && (ruled.action, ruled.difference, &ruled.loss) == (one.action, one.difference, &one.loss)
                && one.fields.iter().all(|field| ruled.fields.contains(field))
        };
        rulings.acting.contains(&one.address) && self.situation.candidates.iter().any(|ruled| same(&ruled))
    }

    /// Takes the lock, looks once more, and does what was allowed: nothing else, whatever the second look finds.
    ///
    /// # Errors
    /// When somebody else is at work, or the plan or the records can't be used any more.
    pub async fn act(
        &mut self,
        rulings: &Rulings,
        people: &People,
        lease: std::time::Duration,
        manner: (usize, mpsc::UnboundedSender<Event>, watch::Receiver<bool>),
    ) -> Result<Option<(Proof, String)>, RunError> {
        self.opened.lock("reconcile", lease)?;
        // Somebody may have applied another spec, or suspended something, since it was read.
        if People::read(self.opened.store.as_ref()).map_err(RunError::Records)? != *people {
            self.opened.release();
            return Ok(None);
        }
        let held: BTreeMap<Address, String> =
            rulings.held.iter().map(|(address, hold)| (address.clone(), hold.to_string())).collect();
        let (mut planned, _) = plan(&self.opened, held).await?;
        // What is about to happen is what was ruled on, and nothing else: whatever came to it meanwhile waits for the next pass.
        loop {
            let now = situation(&self.opened, &planned)?;
            let new: Vec<Address> = now
                .candidates
                .iter()
                .filter(|one| !self.is_ruled(one, rulings))
                .map(|one| one.address.clone())
                .collect();
            if new.is_empty() {
                break;
            }
            let mut options = planned.options.clone();
            options.held.extend(new.into_iter().map(|address| (address, "it was seen only just now".to_owned())));
            planned.plan = self.opened.pipeline.plan(&planned.recorded, &planned.observed, &options);
            refuse(&self.opened, &mut planned, options);
        }
        // Planning takes a while, and a person who says something meanwhile is heard.
        let is_heard = People::read(self.opened.store.as_ref()).map_err(RunError::Records)? == *people;
        if !is_heard || planned.plan.diagnostics.has_errors() || planned.plan.steps.is_empty() {
            self.opened.release();
            return Ok(None);
        }
        let fingerprint = planned.plan.fingerprint();
        let approved = run::approve(&self.opened, planned, Consent::default())?;
        let (parallelism, events, stop) = manner;
        let applied = run::apply(&self.opened, approved, Manner { parallelism, events, stop }).await?;
        let proof = run::prove(&self.opened, applied).await;
        self.opened.release();
        Ok(Some((proof, fingerprint)))
    }
}

/// Plans without what can't be planned: one resource that the plan refuses keeps nobody from repairing the others.
async fn plan(
    opened: &Opened,
    held: BTreeMap<Address, String>,
) -> Result<(Planned, BTreeMap<Address, String>), RunError> {
    let options = Options { held, ..Options::default() };
    let mut planned = run::plan(opened, &options).await?;
    let refused = refuse(opened, &mut planned, options);
    Ok((planned, refused))
}

/// Plans again without what can't be planned. The plan was made with these options.
fn refuse(opened: &Opened, planned: &mut Planned, mut options: Options) -> BTreeMap<Address, String> {
    let mut refused = BTreeMap::new();
    // Each round leaves out more, and there are only so many resources.
    while planned.plan.diagnostics.has_errors() {
        let errors = planned.plan.diagnostics.iter().filter(|one| one.severity == Severity::Error);
        let new: Vec<(Address, String)> = errors
            .filter_map(|one| Some((one.address.clone()?, format!("{}: {}", one.summary(), one.detail))))
            .filter(|(address, _)| !refused.contains_key(address))
            .collect();
        if new.is_empty() {
            break;
        }
        options.excludes.extend(new.iter().map(|(address, _)| Selector::new(address.clone())));
        refused.extend(new);
        planned.plan = opened.pipeline.plan(&planned.recorded, &planned.observed, &options);
    }
    planned.options = options;
    refused
}

/// What a plan lets wait, and why.
pub(super) fn blocked(plan: &Plan) -> BTreeMap<Address, String> {
    let blocked = plan.changes.iter().filter(|change| change.blocked.is_some());
    blocked.map(|change| (change.address.clone(), change.reason.clone())).collect()
}

fn situation(opened: &Opened, planned: &Planned) -> Result<Situation, RunError> {
    let inventory = run::inventory(opened)?;
    Ok(Situation::of(&opened.pipeline.desired, &planned.plan, &planned.observed, &inventory))
}

/// What was done and tried. What does not hold, as the last look shows, counts as a failure.
pub(super) fn deeds(proof: &Proof) -> Vec<Deed> {
    let Report { done, failed, .. } = &proof.report;
    let failures =
        failed.iter().map(|one| Deed { address: one.address.clone(), verb: one.verb, error: Some(one.error.clone()) });
    let does_not_hold = |address: &Address| proof.differs.get(address).map(|how| format!("it did not hold: {how}"));
    let successes = done.iter().map(|(address, verb)| Deed {
        address: address.clone(),
        verb: *verb,
        error: does_not_hold(address),
    });
    let mut all: Vec<Deed> = failures.chain(successes).collect();
    // Steps run side by side, so that their order says nothing.
    all.sort_by(|a, b| a.address.cmp(&b.address));
    all
}

/// How a pass ended that did something.
pub(super) fn ending_of(proof: &Proof, deeds: &[Deed]) -> PassEnding {
    match proof.ending {
        Ending::Interrupted => PassEnding::Stopped,
        _ if deeds.iter().any(|deed| deed.error.is_some()) => PassEnding::Failed,
        Ending::Converged => PassEnding::Converged,
        Ending::Failed | Ending::Differs | Ending::Unproven => PassEnding::Held,
    }
}

/// Whether an error only says that somebody else is at work.
pub(super) fn is_somebody(error: &RunError) -> Option<&LockError> {
    match error {
        RunError::Locked(lock) if lock.is_somebody() => Some(lock),
        _ => None,
    }
}

impl PassEnding {
    /// The word that people and JSON read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

impl LoopPass {
    /// The resources that were acted on with success.
    #[must_use]
    pub fn repaired(&self) -> BTreeSet<&Address> {
        let failed: BTreeSet<&Address> =
            self.deeds.iter().filter(|one| one.error.is_some()).map(|one| &one.address).collect();
        self.deeds.iter().map(|deed| &deed.address).filter(|address| !failed.contains(address)).collect()
    }
}
