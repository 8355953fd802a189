//! The governor: a plain function of what was seen, what was done before and what time it is. It says what the loop may do now and what
//! it leaves as it is, and why.
//!
//! It knows no clock. Every moment is a time since one fixed moment, so that a thousand days pass in a test in no time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::alarm::Alarm;
use super::hold::Hold;
use super::pace::ActionRate;
use super::past::Past;
use super::quota::Quota;
use super::situation::{Difference, Divergence, Situation};
use super::suspension::Suspension;
use crate::action::{Action, Verb};
use crate::address::Address;
use crate::desired::{ReconcileMode, ReconcileSettings};

/// How long after its making an object that is not there may only not be listed yet.
const SETTLING: Duration = Duration::from_secs(10);

/// What holds besides what was seen.
#[derive(Clone, Debug, Default)]
pub struct Standing<'a> {
    /// What the loop does.
    pub mode: ReconcileMode,
    /// Whether all that the spec asks for was approved: it is the spec as it was last applied, and nobody stopped that.
    pub approved: bool,
    /// The resources that a later run of another spec changed.
    pub moved_on: BTreeSet<Address>,
    /// What is suspended, each with for how much longer.
    pub suspended: Vec<(&'a Suspension, Duration)>,
}

/// What the governor says of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rulings {
    /// What is acted on now.
    pub acting: BTreeSet<Address>,
    /// What is left as it is, and why.
    pub held: BTreeMap<Address, Hold>,
}

/// What came of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The resource.
    pub address: Address,
    /// What was done, or tried.
    pub verb: Verb,
    /// Why it failed, when it did.
    pub error: Option<String>,
}

/// Says what the loop may do. It remembers what was done, and is told what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governor {
    pub(super) limits: ReconcileSettings,
    pub(super) past: BTreeMap<Address, Past>,
    pub(super) pace: ActionRate,
    pub(super) alarm: Alarm,
    seed: u64,
}

impl Governor {
    /// One that remembers nothing. `seed` spreads its waits.
    #[must_use]
    pub fn new(limits: ReconcileSettings, seed: u64) -> Self {
        Self { limits, past: BTreeMap::new(), pace: ActionRate::default(), alarm: Alarm::default(), seed }
    }

    /// Takes other limits.
    pub fn limit(&mut self, limits: ReconcileSettings) {
        self.limits = limits;
    }

    /// Says what of a situation is acted on now.
    #[must_use]
    pub fn rule(&mut self, situation: &Situation, standing: &Standing<'_>, now: Duration) -> Rulings {
        self.remember(situation, now);
        let (lost, all) = (situation.lost(), situation.all());
        let look = self.alarm.look(lost, all, self.limits.freeze_above, now);
        let mut rulings = Rulings::default();
        let mut free = Vec::new();
        // The hosts that are not replaced now, although the plan would; what it says of their contents goes along with that.
        let mut kept: BTreeSet<&Address> = BTreeSet::new();
        let missing: BTreeSet<&Address> = situation
            .candidates
            .iter()
            .filter(|one| one.difference == Difference::Missing || one.action.destroys())
            .map(|one| &one.address)
            .collect();
        for candidate in &situation.candidates {
            let hold = look.map(|look| Hold::Frozen { lost, all, look });
            // What goes with its host is gone, however recently it was made.
            let goes_along = candidate.hosts.iter().any(|host| missing.contains(host));
            let hold = standing.hold(candidate).or(hold).or_else(|| self.hold(candidate, goes_along, now));
            let with_host = || candidate.hosts.iter().find(|host| kept.contains(host)).cloned().map(Hold::WithHost);
            match hold.or_else(with_host) {
                Some(hold) => {
                    if candidate.action.destroys() {
                        kept.insert(&candidate.address);
                    }
                    rulings.held.insert(candidate.address.clone(), hold);
                }
                None => free.push(candidate),
            }
        }
        let max_actions = self.max_actions(all);
        let left = self.pace.left(max_actions, now);
        let mut quota = Quota::new(&self.limits, situation, &free, left, self.pace.at_once());
        for candidate in free {
            let host = candidate.hosts.iter().find(|host| kept.contains(host)).cloned();
            let hold = host.map(Hold::WithHost);
            match hold.or_else(|| quota.take(candidate, &self.limits, max_actions)) {
                Some(hold) => {
                    if candidate.action.destroys() {
                        kept.insert(&candidate.address);
                    }
                    rulings.held.insert(candidate.address.clone(), hold);
                }
                None => drop(rulings.acting.insert(candidate.address.clone())),
            }
        }
        rulings
    }

    /// Learns what is about to be acted on. It is counted before it is done, so that who dies of it is bounded too.
    pub fn begin(&mut self, rulings: &Rulings, now: Duration) {
        for address in &rulings.acting {
            self.pace.act(now);
            self.past.entry(address.clone()).or_default().actions.push_back(now);
        }
    }

    /// Learns what came of what was acted on.
    pub fn learn(&mut self, situation: &Situation, deeds: &[Deed], now: Duration) {
        let candidates: BTreeMap<&Address, &Divergence> =
            situation.candidates.iter().map(|one| (&one.address, one)).collect();
        // Replacing takes two steps and is one action.
        let mut failed: BTreeMap<&Address, &str> = BTreeMap::new();
        let mut done: BTreeMap<&Address, bool> = BTreeMap::new();
        for deed in deeds {
            match &deed.error {
                Some(error) => drop(failed.insert(&deed.address, error)),
                None => *done.entry(&deed.address).or_default() |= deed.verb == Verb::Create,
            }
        }
        for (address, error) in &failed {
            let (limits, seed) = (&self.limits, self.seed ^ seed_of(address));
            self.past.entry((*address).clone()).or_default().fail(error, limits, seed, now);
        }
        for (address, made) in done.iter().filter(|(address, _)| !failed.contains_key(*address)) {
            let heals = |one: &&&Divergence| one.difference != Difference::Removal;
            let fields = candidates.get(address).filter(heals).map(|one| one.fields.as_slice());
            match fields {
                Some(fields) => self.past.entry((*address).clone()).or_default().succeed(fields, *made, now),
                // What is removed has no past.
                None => drop(self.past.remove(*address)),
            }
        }
        // What was made and does not show yet was made all the same.
        for deed in deeds.iter().filter(|deed| deed.verb == Verb::Create) {
            if let Some(past) = self.past.get_mut(&deed.address) {
                past.made_at = Some(now);
            }
        }
        if !failed.is_empty() || !done.is_empty() {
            self.pace.end_pass(failed.len());
        }
    }

    /// Another spec holds from now on: what failed under the former one is tried at once, and quarantines end.
    pub fn begin_anew(&mut self) {
        for past in self.past.values_mut() {
            past.forget_failures();
            past.heals.clear();
            past.quarantines.clear();
        }
    }

    /// Whether it remembers nothing that another loop would have to know.
    #[must_use]
    pub fn is_at_peace(&self) -> bool {
        self.past.is_empty() && self.pace == ActionRate::default() && self.alarm == Alarm::default()
    }

    /// The attributes that are left to others for now, by resource: those in quarantine, where an attribute can be left alone.
    #[must_use]
    pub fn left(&self, now: Duration) -> BTreeMap<Address, Vec<String>> {
        let fields = |past: &Past| -> Vec<String> {
            past.quarantined(now).map(|(field, _)| field.to_owned()).filter(|field| !field.is_empty()).collect()
        };
        let all = self.past.iter().map(|(address, past)| (address.clone(), fields(past)));
        all.filter(|(_, fields)| !fields.is_empty()).collect()
    }

    /// Everything that is in quarantine.
    pub fn quarantined(&self, now: Duration) -> impl Iterator<Item = (&Address, Hold)> {
        self.past
            .iter()
            .flat_map(move |(address, past)| past.quarantined(now).map(move |one| (address, quarantined(one, now))))
    }

    /// The resources that were repaired before and differ again: it is worth asking who writes them.
    pub fn contested<'a>(&'a self, situation: &'a Situation) -> impl Iterator<Item = &'a Divergence> {
        let again = |one: &&Divergence| self.past.get(&one.address).is_some_and(|past| !past.heals.is_empty());
        situation.candidates.iter().filter(again)
    }

    /// How many actions an hour may have.
    fn max_actions(&self, all: usize) -> usize {
        self.limits.max_actions.unwrap_or_else(|| (all * 3).max(60))
    }

    /// Notes what differs, and forgets what is settled.
    fn remember(&mut self, situation: &Situation, now: Duration) {
        let mut differing: BTreeSet<&Address> = situation.candidates.iter().map(|one| &one.address).collect();
        differing.extend(situation.on_their_way.keys());
        for (address, past) in &mut self.past {
            if !differing.contains(address) {
                past.differs_since = None;
                past.forget_failures();
            }
            past.forget_old(&self.limits, now);
        }
        for address in differing {
            self.past.entry(address.clone()).or_default().differs_since.get_or_insert(now);
        }
        self.past.retain(|_, past| !past.is_empty());
        for candidate in &situation.candidates {
            let Some(past) = self.past.get_mut(&candidate.address) else { continue };
            let rival = candidate.writers.first().cloned();
            let whole = [String::new()];
            let fields = if candidate.fields.is_empty() { &whole[..] } else { &candidate.fields };
            fields.iter().for_each(|field| past.quarantine(field, &self.limits, rival.clone(), now));
        }
    }

    /// Why a resource by itself is left as it is.
    fn hold(&self, candidate: &Divergence, goes_along: bool, now: Duration) -> Option<Hold> {
        let past = self.past.get(&candidate.address)?;
        if let Some(why) = &candidate.on_its_way
            && let Some(hold) = self.on_its_way(candidate, past, why, now)
        {
            return Some(hold);
        }
        // Those that can be left alone are left alone before the plan is made, and do not show in it any more.
        if let Some(one) = past.quarantined(now).find(|(field, _)| is_about(candidate, field)) {
            return Some(quarantined(one, now));
        }
        if past.failures > 0 && now < past.retry_at {
            let (failures, error) = (past.failures, past.error.clone());
            return Some(Hold::BackingOff { failures, error, left: past.retry_at - now });
        }
        let made = past.made_at.filter(|made| now.saturating_sub(*made) < SETTLING);
        if candidate.difference == Difference::Missing && made.is_some() && !goes_along {
            return Some(Hold::JustMade);
        }
        let most = self.limits.max_actions_each;
        (past.actions.len() >= most).then_some(Hold::Spent(most))
    }

    /// What is on its way by itself is left alone. When it has been that for too long, it may be changed, and is still not destroyed.
    fn on_its_way(&self, candidate: &Divergence, past: &Past, why: &str, now: Duration) -> Option<Hold> {
        let since = past.differs_since.unwrap_or(now);
        let time = now.saturating_sub(since);
        let stuck = (time >= self.limits.deadline).then_some(time);
        let may = stuck.is_some() && !candidate.disturbs();
        (!may).then(|| Hold::OnItsWay { why: why.to_owned(), stuck })
    }
}

impl Standing<'_> {
    /// Why a person's word leaves a resource as it is.
    fn hold(&self, candidate: &Divergence) -> Option<Hold> {
        let suspended = self.suspended.iter().find(|(one, _)| one.covers(&candidate.address, &candidate.hosts));
        if let Some((suspension, left)) = suspended {
            return Some(Hold::Suspended { reason: suspension.reason.clone(), left: *left });
        }
        if let Some(evidence) = &candidate.loss {
            return Some(Hold::Lossy(evidence.clone()));
        }
        match self.mode {
            ReconcileMode::Observe => Some(Hold::Observing),
            ReconcileMode::Heal if !self.heals(candidate) => Some(Hold::Unapplied),
            ReconcileMode::Heal | ReconcileMode::Apply => None,
        }
    }

    /// Whether something leads back to what was last applied.
    fn heals(&self, candidate: &Divergence) -> bool {
        if self.moved_on.contains(&candidate.address) {
            return false;
        }
        match (candidate.difference, candidate.action) {
            (_, Action::Adopt) | (Difference::Removal, _) => false,
            (Difference::Change, _) => self.approved,
            // What it would be made as is what the spec says now, which nobody may have applied.
            (Difference::Missing | Difference::Follows, _) => self.approved,
            (Difference::Drift, _) => self.approved || candidate.only_drift,
        }
    }
}

/// Whether a quarantine is about a candidate: about the object, or about an attribute that can't be left alone.
fn is_about(candidate: &Divergence, field: &str) -> bool {
    match field {
        "" => candidate.fields.is_empty(),
        field => candidate.fields.iter().any(|one| one == field),
    }
}

fn quarantined((field, one): (&str, &super::past::Quarantine), now: Duration) -> Hold {
    Hold::Quarantined {
        field: Some(field.to_owned()).filter(|field| !field.is_empty()),
        heals: one.heals,
        rival: one.rival.clone(),
        left: one.until.saturating_sub(now),
    }
}

/// A number that belongs to an address.
fn seed_of(address: &Address) -> u64 {
    // FNV-1a: the same on every machine and in every version.
    let bytes = address.as_str().bytes();
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}
