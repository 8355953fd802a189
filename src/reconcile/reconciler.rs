//! The loop's memory from one pass to the next, and how a pass goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::basis::{self, Basis};
use super::governor::{Governor, Rulings, Standing};
use super::pass::{LoopPass, PassEnding, PassLook, People, blocked, deeds, ending_of, is_somebody};
use super::suspension::{Suspension, Suspensions};
use super::trigger::{Last, wait};
use crate::desired::{ReconcileMode, ReconcileSettings};
use crate::execute::Event;
use crate::observed::Condition;
use crate::run::{self, Proof, RunError, Setup, Spec};
use crate::store::{Document, Fence, Store};

/// The governor's own time begins so long before the loop does, so that what a record remembers lies in it.
const BEFORE: Duration = Duration::from_secs(400 * 24 * 3_600);

/// Milliseconds since 1970.
pub type WallClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The time since some fixed moment, which nobody can set.
pub type SteadyClock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// How the loop is run, besides what the spec says.
#[derive(Clone)]
pub struct Terms {
    /// What it does; as the spec says when nothing is said here.
    pub mode: Option<ReconcileMode>,
    /// From one pass to the next; as the spec says when nothing is said here.
    pub interval: Option<Duration>,
    /// How long the lock lasts that is not renewed.
    pub lease: Duration,
    /// How many steps may run at once.
    pub parallelism: usize,
    /// The time by which limits are kept.
    pub steady: SteadyClock,
    /// The time of day: for what people say of time, and for what is kept over a restart.
    pub wall: WallClock,
    /// What spreads the waits.
    pub seed: u64,
}

/// The loop's memory.
pub struct Reconciler {
    setup: Setup,
    terms: Terms,
    governor: Governor,
    number: u64,
    /// What is known of the spec, from the last pass that could read it.
    frame: Option<Spec>,
    /// The spec of the last pass.
    digest: Option<String>,
    /// The governor's memory as it was last written.
    written: Option<Governor>,
    /// The lead under which it makes passes, where it has one.
    lead: Option<Fence>,
    failures: u32,
    last: Last,
}

impl Reconciler {
    /// A loop that remembers nothing yet.
    #[must_use]
    pub fn new(setup: Setup, terms: Terms) -> Self {
        let governor = Governor::new(ReconcileSettings::default(), terms.seed);
        Self {
            setup,
            governor,
            terms,
            number: 0,
            frame: None,
            digest: None,
            written: None,
            lead: None,
            failures: 0,
            last: Last::default(),
        }
    }

    /// Makes one pass. What happens to steps goes to `events`; once `stop` is true, what is in flight is finished.
    ///
    /// # Errors
    /// When the world or the records can't be asked at all, or the spec can't be used and never could. The next pass may be better.
    pub async fn pass(
        &mut self,
        events: mpsc::UnboundedSender<Event>,
        stop: watch::Receiver<bool>,
    ) -> Result<LoopPass, RunError> {
        self.number += 1;
        let made = self.try_pass(events, stop).await;
        self.failures = if made.is_err() { self.failures.saturating_add(1) } else { 0 };
        self.last = match &made {
            Err(_) => Last { failed: true, failures: self.failures, ..Last::default() },
            Ok(pass) => Last {
                acted: !pass.deeds.is_empty() || pass.ending == PassEnding::Waiting,
                on_its_way: !pass.on_its_way.is_empty(),
                soonest: pass.held.values().filter_map(super::hold::Hold::left).min(),
                ..Last::default()
            },
        };
        made
    }

    /// How long to wait for the next pass.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let interval = self.terms.interval.unwrap_or(self.governor.limits.interval);
        wait(interval, self.last, self.terms.seed ^ self.number)
    }

    /// The governor's time.
    #[must_use]
    pub fn now(&self) -> Duration {
        BEFORE + (self.terms.steady)()
    }

    /// Takes the lead. What the governor remembers is read from the records again: another loop may have gone on in the meantime.
    pub fn take_lead(&mut self, lead: Fence) {
        self.lead = Some(lead);
        self.forget();
    }

    /// Forgets what the governor remembers, so that the records are read again.
    pub fn forget(&mut self) {
        self.governor = Governor::new(self.governor.limits.clone(), self.terms.seed);
        (self.digest, self.written) = (None, None);
    }

    async fn try_pass(
        &mut self,
        events: mpsc::UnboundedSender<Event>,
        stop: watch::Receiver<bool>,
    ) -> Result<LoopPass, RunError> {
        // What people said is read before what follows from it, so that what they say meanwhile shows as another one.
        let store = self
            .frame
            .as_ref()
            .map_or_else(|| run::read(&self.setup).map(|spec| spec.store), |frame| Ok(frame.store.clone()))?;
        let people = People::read(store.as_ref()).map_err(RunError::Records)?;
        let mut basis = basis::find(&self.setup, self.terms.mode, self.frame.as_ref())?;
        let (store, notes) = (Arc::clone(&basis.spec.store), std::mem::take(&mut basis.notes));
        self.frame = Some(basis.frame.bare());
        self.take_over(&basis, store.as_ref());
        let now = self.now();
        let (suspensions, wall) = (suspensions(store.as_ref())?, (self.terms.wall)());
        let (mode, approved, moved_on) = (basis.mode, basis.approved, basis.moved_on.clone());
        let mut look = PassLook::take(basis, &self.governor.left(now)).await?;
        let suspended = suspensions.holding(wall).map(|one| (one, left(one, wall))).collect();
        let standing = Standing { mode, approved, moved_on, suspended };
        super::rivals::name(&look.opened, &look.planned, &self.governor, &mut look.situation).await;
        let rulings = self.governor.rule(&look.situation, &standing, now);
        let mut pass = self.begin(&look, &rulings, notes);
        if *stop.borrow() && !rulings.acting.is_empty() {
            pass.ending = PassEnding::Stopped;
        } else if !rulings.acting.is_empty() {
            let manner = (self.terms.parallelism, events, stop);
            self.governor.begin(&rulings, now);
            self.write(store.as_ref(), &mut pass);
            match look.act(&rulings, &people, self.terms.lease, manner).await {
                Ok(Some((proof, plan))) => self.end(&mut pass, &look, proof, plan),
                // It was gone by itself, or people said something else meanwhile: the next pass starts from that.
                Ok(None) => pass.ending = PassEnding::Waiting,
                Err(error) => match is_somebody(&error) {
                    Some(lock) => {
                        pass.notes.push(format!("Nothing was done in this pass: {lock}."));
                        pass.ending = PassEnding::Waiting;
                    }
                    None => return Err(error),
                },
            }
        }
        let quarantined = self.governor.quarantined(self.now());
        for (address, hold) in quarantined {
            pass.held.entry(address.clone()).or_insert(hold);
        }
        let is_settled = pass.held.is_empty() && pass.refused.is_empty() && pass.blocked.is_empty();
        if pass.ending == PassEnding::Converged && !(is_settled && pass.on_its_way.is_empty()) {
            pass.ending = PassEnding::Held;
        }
        pass.calls = look.opened.pipeline.sessions.calls().counts();
        self.write(store.as_ref(), &mut pass);
        Ok(pass)
    }

    /// Takes over the limits of the spec, and at first what an earlier loop remembered.
    fn take_over(&mut self, basis: &Basis, store: &dyn Store) {
        self.governor.limit(basis.limits.clone());
        match &self.digest {
            None => {
                // A memory that can't be read is as good as none.
                let text = store.document(&Document::Governor).ok().flatten();
                let (now, wall) = (self.now(), (self.terms.wall)());
                text.iter().for_each(|text| self.governor.read(text, now, wall));
            }
            Some(digest) if *digest != basis.digest => self.governor.begin_anew(),
            Some(_) => {}
        }
        self.digest = Some(basis.digest.clone());
    }

    fn begin(&self, look: &PassLook, rulings: &Rulings, notes: Vec<String>) -> LoopPass {
        let planned = &look.planned;
        LoopPass {
            number: self.number,
            // Whether it is that is told at the end, by all of the rest.
            ending: PassEnding::Converged,
            deeds: Vec::new(),
            held: rulings.held.clone(),
            blocked: look.blocked(),
            refused: look.refused.clone(),
            on_its_way: look.situation.on_their_way.clone(),
            resources: look.opened.pipeline.desired.objects().count(),
            in_order: planned.plan.unchanged,
            conditions: look.situation.conditions.clone(),
            differences: look.situation.candidates.iter().fold(BTreeMap::new(), |mut counts, one| {
                *counts.entry(one.difference.word()).or_default() += 1;
                counts
            }),
            calls: BTreeMap::new(),
            notices: Vec::new(),
            notes,
            plan: None,
        }
    }

    fn end(&mut self, pass: &mut LoopPass, look: &PassLook, mut proof: Proof, plan: String) {
        pass.deeds = deeds(&proof);
        let now = self.now();
        self.governor.learn(&look.situation, &pass.deeds, now);
        pass.ending = ending_of(&proof, &pass.deeds);
        if let Some(again) = &proof.again {
            pass.blocked = blocked(&again.plan);
            pass.blocked.retain(|address, _| !pass.held.contains_key(address));
            let objects = look.opened.pipeline.desired.objects();
            let on_its_way = objects.filter_map(|one| match &again.observed.at(&one.identity)?.condition {
                Condition::Progressing(reason) => Some((one.address.clone(), reason.clone())),
                _ => None,
            });
            pass.on_its_way = on_its_way.collect();
        }
        pass.in_order = proof.again.as_ref().map_or(pass.in_order, |again| again.plan.unchanged);
        pass.notices.append(&mut proof.notices);
        pass.plan = Some(plan);
    }

    /// Writes down what the governor remembers, when that is something else than before.
    fn write(&mut self, store: &dyn Store, pass: &mut LoopPass) {
        // Who does not lead any more must not write over the memory of who does.
        if self.lead.as_ref().is_some_and(|lead| lead.check().is_err()) {
            return;
        }
        let is_known = self.written.as_ref().is_some_and(|written| *written == self.governor);
        let is_new = self.written.is_none() && self.governor.is_at_peace();
        if is_known || is_new {
            return;
        }
        let text = self.governor.write(self.now(), (self.terms.wall)());
        match store.keep_document(&Document::Governor, &text) {
            Ok(()) => self.written = Some(self.governor.clone()),
            Err(error) => pass.notes.push(format!("What the loop remembers can't be written down: {error}.")),
        }
    }
}

/// What is suspended, from the records.
fn suspensions(store: &dyn Store) -> Result<Suspensions, RunError> {
    let text = store.document(&Document::Suspensions).map_err(RunError::Records)?;
    // Somebody asked for something to be left alone; as long as nobody knows what, everything is.
    Ok(Suspensions::read(text.as_deref()).unwrap_or_else(|error| Suspensions {
        suspended: vec![Suspension {
            address: None,
            reason: format!("the record of suspensions can't be read ({error}); `atlas resume` removes it"),
            since: 0,
            until: u64::MAX,
        }],
    }))
}

/// For how much longer one holds.
const fn left(suspension: &Suspension, now: u64) -> Duration {
    Duration::from_millis(suspension.until.saturating_sub(now))
}
