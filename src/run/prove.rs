//! The last call: the world is observed again, and only what was seen is claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use foldhash::HashSet;

use super::apply::Applied;
use super::error::{Notice, RunError};
use super::open::Opened;
use super::plan::{Planned, is_unseen, plan};
use crate::action::Verb;
use crate::address::Address;
use crate::driver::Class;
use crate::execute::Report;
use crate::identity::Identity;
use crate::mutation::{Mutation, broken};
use crate::observed::Observed;
use crate::plan::{Change, Options, Summary, address_of};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything was seen to be as the spec says.
    Converged,
    /// Somebody asked to stop.
    Interrupted,
    /// A step failed.
    Failed,
    /// Something was left undone, or still differs.
    Differs,
    /// All was done, and not all of it could be seen afterwards.
    Unproven,
}

/// What is known after a run.
pub struct Proof {
    /// How it ended.
    pub ending: Ending,
    /// What came of the steps.
    pub report: Report,
    /// What the plan was, in numbers.
    pub summary: Summary,
    /// How many steps it had.
    pub steps: usize,
    /// What still differs, beyond what was known to be left undone, and how.
    pub differs: BTreeMap<Address, String>,
    /// What could not be seen again, by cause.
    pub unproven: Vec<Unproven>,
    /// What is worth saying.
    pub notices: Vec<Notice>,
    /// The second look, and what would be done now; none when there was no need for it, or no way to have it.
    pub again: Option<Planned>,
}

/// Resources that could not be seen again, all for the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproven {
    /// What could not be looked at; none when that is everything.
    pub host: Option<Address>,
    /// Why, in words.
    pub reason: String,
    /// The class of the error, where a driver gave one.
    pub class: Option<Class>,
    /// The resources.
    pub addresses: Vec<Address>,
}

/// Observes again, says what differs and what can't be said, and writes down what is there and how the run ended.
pub async fn prove(opened: &Opened, mut applied: Applied) -> Proof {
    let mut notices = mem::take(&mut applied.notices);
    if let Some(observed) = applied.seen.take() {
        notices.extend(keep_inventory(opened, &[], Some(&observed)));
        return proof(applied, BTreeMap::new(), Vec::new(), notices, None);
    }
    let asked = Options { replace: Vec::new(), adopt: Vec::new(), forget: Vec::new(), ..applied.options.clone() };
    let (differs, unproven, again) = match plan(opened, &asked).await {
        Ok(mut again) => {
            notices.append(&mut again.notices);
            let look = SecondLook { opened, applied: &applied, again: &again };
            let unproven = look.unproven();
            (look.differs(), unproven, Some(again))
        }
        Err(_) if broken(Mutation::TrustAMissingProof) => (BTreeMap::new(), Vec::new(), None),
        Err(error) => (BTreeMap::new(), vec![nothing_seen(&error, &applied)], None),
    };
    notices.extend(keep_inventory(opened, &applied.report.done, again.as_ref().map(|again| &again.observed)));
    let run = applied.run.take();
    let mut proof = proof(applied, differs, unproven, notices, again);
    // The history is for people; that it can't be written does not undo what was done.
    let remembered = run.map_or(Ok(()), |run| opened.store.remember(&run.ended(&proof.report, proof.ending.word())));
    proof.notices.extend(remembered.err().map(Notice::HistoryNotWritten));
    proof
}

impl Ending {
    /// The word that the history and JSON use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Differs => "differs",
            Self::Unproven => "unproven",
        }
    }
}

fn proof(
    applied: Applied,
    differs: BTreeMap<Address, String>,
    unproven: Vec<Unproven>,
    notices: Vec<Notice>,
    again: Option<Planned>,
) -> Proof {
    let Applied { report, summary, steps, moved, .. } = applied;
    let left = summary.blocked > 0 || moved || !report.is_complete() || !differs.is_empty();
    let ending = match () {
        () if report.interrupted => Ending::Interrupted,
        () if report.counts().failed > 0 => Ending::Failed,
        () if !differs.is_empty() => Ending::Differs,
        () if !unproven.is_empty() => Ending::Unproven,
        () if left => Ending::Differs,
        () => Ending::Converged,
    };
    Proof { ending, report, summary, steps, differs, unproven, notices, again }
}

/// What a second look that could not be had leaves open: everything that was done.
fn nothing_seen(error: &RunError, applied: &Applied) -> Unproven {
    let reason = match error {
        RunError::Driver(error) => error.chain(),
        RunError::Records(source) => format!("{error}: {source}"),
        error => error.to_string(),
    };
    let done = applied.report.done.iter().map(|(address, _)| address);
    let addresses: BTreeSet<&Address> = done.chain(&applied.report.found).collect();
    Unproven { host: None, reason, class: error.class(), addresses: addresses.into_iter().cloned().collect() }
}

/// What was done, beside what was seen after it.
struct SecondLook<'a> {
    opened: &'a Opened,
    applied: &'a Applied,
    again: &'a Planned,
}

impl SecondLook<'_> {
    /// The changes of the second look to resources that the run claims to be in order.
    fn claimed(&self) -> impl Iterator<Item = &Change> {
        let undone: HashSet<&Address> = self.applied.report.undone().collect();
        let all = self.again.plan.changes.iter();
        // A forgotten object is there without an owner, as was asked.
        all.filter(move |change| !undone.contains(&change.address) && !self.applied.forgotten.contains(&change.address))
    }

    fn is_unseen(&self, change: &Change) -> bool {
        is_unseen(change, &self.opened.pipeline.desired, &self.again.observed)
    }

    /// What still differs.
    fn differs(&self) -> BTreeMap<Address, String> {
        let mut differs = BTreeMap::new();
        for change in self.claimed() {
            if change.acts() && !change.unsure {
                let paths: Vec<&str> = change.attributes.iter().map(|attribute| attribute.path.as_str()).collect();
                differs.insert(change.address.clone(), format!("{}: {}", change.action.word(), paths.join(", ")));
            }
            // An object of this run that nobody owns by now was not made as it should be.
            let known = self.applied.blocked.contains(&change.address);
            if let Some(blocked) = change.blocked.as_ref().filter(|_| !known && !self.is_unseen(change)) {
                differs.insert(change.address.clone(), blocked.words(&change.address));
            }
        }
        differs
    }

    /// What could not be seen again, and was not known beforehand to be hidden.
    fn unproven(&self) -> Vec<Unproven> {
        let mut causes: BTreeMap<(Option<Address>, String), BTreeSet<Address>> = BTreeMap::new();
        let mut add = |host: Option<Address>, reason: &str, address: &Address| {
            causes.entry((host, reason.to_owned())).or_default().insert(address.clone());
        };
        for change in self.claimed().filter(|change| !self.applied.blocked.contains(&change.address)) {
            match &change.blocked {
                Some(blocked) if self.is_unseen(change) => {
                    add(Some(blocked.by.clone()), &blocked.reason, &change.address);
                }
                None if change.unsure => add(change.deferred.clone(), &change.reason, &change.address),
                _ => {}
            }
        }
        let deleted = self.applied.report.done.iter().filter(|(_, verb)| *verb == Verb::Delete);
        for (address, identity) in deleted.filter_map(|(address, _)| self.applied.removed.get_key_value(address)) {
            if let Some((host, reason)) = unreachable_host(&self.again.observed, identity) {
                add(Some(host), reason, address);
            }
        }
        let entry = |((host, reason), addresses): ((Option<Address>, String), BTreeSet<Address>)| Unproven {
            host,
            reason,
            class: None,
            addresses: addresses.into_iter().collect(),
        };
        causes.into_iter().map(entry).collect()
    }
}

/// The host that hides an object, and why.
fn unreachable_host<'a>(observed: &'a Observed, identity: &Identity) -> Option<(Address, &'a str)> {
    let reason = observed.why_unreachable(identity)?;
    let host = observed.unreachable().keys().find(|host| identity.is_within(host))?;
    Some((address_of(host), reason))
}

/// Writes down what is there now, for a later drift, when it is not what is written down already.
fn keep_inventory(opened: &Opened, done: &[(Address, Verb)], observed: Option<&Observed>) -> Option<Notice> {
    let kept = opened.store.inventory().and_then(|known| {
        let now = known.clone().after(done, observed, &opened.pipeline.desired);
        if now == known { Ok(()) } else { opened.store.keep(&now) }
    });
    kept.err().map(Notice::InventoryNotWritten)
}
