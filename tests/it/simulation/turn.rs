//! One run in a life: open, plan, approve, apply, prove, and the checks around each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use atlas::action::{Action, Verb};
use atlas::address::Address;
use atlas::diagnostic::{Severity, code};
use atlas::identity::Identity;
use atlas::plan::{Change, Options, Plan, SavedPlan, Selector, selected};
use atlas::run::{self, Approved, Consent, Ending, Manner, Opened, Proof, RunError};

use super::life::{Life, writing};
use super::model::Model;
use super::watch::{is_lossy, within};

/// How a run is to be made.
pub struct Turn {
    pub options: Options,
    /// After how long it is killed.
    pub crash: Option<Duration>,
    /// The saved plan, the plan it was made from, and whether that was in another account.
    pub saved: Option<(SavedPlan, Plan, bool)>,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was refused for a good reason.
    Refused,
    /// The world could not be observed, or all of the saved plan had moved.
    Undone,
    /// It was killed, or lost its lock.
    Crashed,
    /// It reached its end, with this many steps.
    Ended(Ending, usize),
}

impl Turn {
    /// A run without options, which is not killed.
    pub fn plain() -> Self {
        Self { options: Options::default(), crash: None, saved: None }
    }
}

impl Life {
    /// One run, from the lock to the proof.
    pub async fn run(&mut self, model: &Model, turn: Turn) -> Result<Came, String> {
        let opened = self.open(model, writing()).map_err(|error| format!("{error:?}"))?;
        self.unruly().watch(|watch| {
            watch.failed.clear();
            watch.came.clear();
            watch.examined.clear();
        });
        let planned = match run::plan(&opened, &turn.options).await {
            Ok(planned) => planned,
            Err(RunError::Driver(_)) if self.unruly().watch(|watch| !watch.failed.is_empty()) => {
                return Ok(Came::Undone);
            }
            Err(error) => return Err(format!("{error:?}")),
        };
        if planned.plan.diagnostics.has_errors() {
            return self.expected(&planned.plan, model).map(|()| Came::Refused);
        }
        self.nothing_where_unseen(&planned.plan)?;
        let allow_loss: Vec<Selector> = {
            let wanted = planned.plan.changes.iter().filter(|_| !self.careful || self.random.chance(50));
            wanted.map(|change| Selector::new(change.address.clone())).collect()
        };
        let plan = planned.plan.clone();
        let consent =
            Consent { saved: turn.saved.as_ref().map(|(saved, ..)| saved.clone()), allow_loss: allow_loss.clone() };
        let approved = match run::approve(&opened, planned, consent) {
            Ok(approved) => approved,
            Err(RunError::Moved { .. }) if turn.saved.is_some() => return Ok(Came::Undone),
            Err(RunError::Refused(refused)) if self.careful => {
                let loss = refused.diagnostics.iter().all(|one| one.code == &code::LOSS);
                return if loss { Ok(Came::Refused) } else { Err(format!("{:?}", refused.diagnostics)) };
            }
            Err(error) => return Err(format!("{error:?}")),
        };
        if let Some(saved) = &turn.saved {
            self.just_what_it_said(&approved, saved)?;
        }
        self.approve(&approved, &allow_loss, &turn.options);
        self.plan = atlas::plan::render(&plan, atlas::style::Palette::default(), 100);
        let came = self.carry_out(&opened, approved, model, &turn).await;
        let holder = self.records.holder().filter(|_| came == Ok(Came::Crashed));
        drop(opened);
        // The tasks of a killed run release what they hold.
        tokio::time::sleep(Duration::from_millis(1)).await;
        holder.iter().for_each(|holder| self.records.leave(holder));
        self.violations(model)?;
        let came = came.map_err(|broken| format!("{broken}\n{}\n{}", self.plan, model.text()))?;
        self.intents(came == Came::Crashed)?;
        Ok(came)
    }

    /// Applies and proves, unless the run is killed. Where the lock is a real one, another run tries to take it
    /// meanwhile.
    async fn carry_out(
        &mut self,
        opened: &Opened,
        approved: Approved,
        model: &Model,
        turn: &Turn,
    ) -> Result<Came, String> {
        let manner = Manner::unattended(1 + self.random.below(8));
        let (unlistable, after) = (self.unlistable(), Duration::from_millis(self.random.below(300) as u64));
        let spoils = self.random.chance(30) && !self.unruly().watch(|watch| watch.calm);
        let life = &*self;
        let work = async {
            let applied = match run::apply(opened, approved, manner).await {
                Ok(applied) => applied,
                // The lock was lost before the journal began.
                Err(RunError::Locked(_) | RunError::Journal(_)) if spoils => return Ok(Came::Crashed),
                Err(error) => return Err(format!("{error:?}")),
            };
            life.unruly().watch(|watch| (watch.unlistable, watch.failed) = (unlistable, BTreeSet::new()));
            let proof = run::prove(opened, applied).await;
            life.claims(opened, &proof, &turn.options)?;
            Ok(Came::Ended(proof.ending, proof.steps))
        };
        let rival = async {
            let Some(lock) = life.records.lock_file() else { return Ok(false) };
            tokio::time::sleep(after).await;
            if spoils {
                std::fs::write(lock, "garbage").expect("writable");
            }
            match life.open(model, writing()) {
                Err(RunError::Locked(error)) if error.is_somebody() => Ok(spoils),
                other => Err(format!("a second run was let in: {:?}", other.err())),
            }
        };
        let both = async { tokio::join!(work, rival) };
        let came = match turn.crash {
            Some(after) => tokio::time::timeout(after, both).await.ok(),
            None => Some(both.await),
        };
        self.unruly().watch(|watch| watch.unlistable = None);
        let Some((came, spoilt)) = came else { return Ok(Came::Crashed) };
        // A run that can't tell whether it still holds the lock writes nothing more.
        if spoilt? { came.map(|_| Came::Crashed) } else { came }
    }

    /// A host, or the world, that can't be listed in the last look, if any.
    fn unlistable(&mut self) -> Option<String> {
        if !self.random.chance(15) {
            return None;
        }
        let hosts = self.unruly().owned().into_iter().filter(|object| object.kind.hosts_others);
        let mut hosts: Vec<String> = hosts.map(|object| object.identity.to_string()).collect();
        hosts.push(String::new());
        let at = self.random.below(hosts.len());
        Some(hosts.swap_remove(at))
    }

    /// A saved plan does exactly what it showed, and only in the account that it was made in.
    fn just_what_it_said(&self, approved: &Approved, saved: &(SavedPlan, Plan, bool)) -> Result<(), String> {
        let (_, then, elsewhere) = saved;
        let fresh = |change: &&Change| change.acts() && !left_out(approved, &change.address);
        for change in approved.planned.plan.changes.iter().filter(fresh) {
            let same = |other: &&Change| {
                let identity = |change: &Change| change.before.as_ref().map(|before| before.identity.clone());
                let after = |change: &Change| change.after.as_ref().map(|after| after.attributes.clone());
                other.address == change.address
                    && other.action == change.action
                    && identity(other) == identity(change)
                    && after(other) == after(change)
            };
            if !then.changes.iter().any(|other| same(&other)) {
                return Err(format!("{} was not approved as it would be done", change.address));
            }
            let targets = change.before.iter().chain(&change.after);
            let mut hosts = targets.flat_map(|target| &target.hosts);
            if *elsewhere && hosts.any(|host| self.unruly().world().get(host).is_ok_and(|host| host.is_some())) {
                return Err(format!("{} was approved in another account", change.address));
            }
        }
        Ok(())
    }

    /// Tells the world what was approved.
    fn approve(&self, approved: &Approved, allow_loss: &[Selector], options: &Options) {
        let plan = &approved.planned.plan;
        let mut verbs: BTreeMap<Address, BTreeSet<&'static str>> = BTreeMap::new();
        let mut allowed = BTreeSet::new();
        let mut shown = BTreeMap::new();
        for step in &plan.steps {
            let change = &plan.changes[step.change];
            if left_out(approved, &change.address) {
                continue;
            }
            let before = change.before.as_ref();
            let former = before.and_then(|before| before.mark.as_ref()).map(|mark| mark.address.clone());
            for address in [Some(change.address.clone()), former].into_iter().flatten() {
                verbs.entry(address.clone()).or_default().insert(step.verb.word());
                shown.extend(before.map(|before| (before.identity.clone(), before.usage.clone())));
                allowed.extend(selected(allow_loss, &change.address).then_some(address));
            }
        }
        let replaced = plan.changes.iter().filter(|change| matches!(change.action, Action::Replace(_)));
        let replaced = replaced.map(|change| change.address.clone()).collect();
        let kept = self.kept(plan, allow_loss);
        self.unruly().watch(|watch| {
            (watch.approved, watch.replaced, watch.allowed) = (verbs, replaced, allowed);
            (watch.kept, watch.shown) = (kept, shown);
            watch.adopted = options.adopt.iter().map(|selector| selector.address().clone()).collect();
        });
    }

    /// The hosts that must not be deleted, whatever the plan says, because that would lose something protected, or data
    /// that nobody allowed to be lost. It counts what is in the world, except what listings hid.
    fn kept(&self, plan: &Plan, allow_loss: &[Selector]) -> BTreeMap<Identity, String> {
        let deletes = plan.steps.iter().filter(|step| step.verb == Verb::Delete).map(|step| &plan.changes[step.change]);
        let hosts: Vec<&Change> = deletes.filter(|change| change.kind.hosts_others).collect();
        if hosts.is_empty() {
            return BTreeMap::new();
        }
        let owned = self.unruly().owned();
        let hidden = self.unruly().watch(|watch| watch.hidden.clone());
        let mut kept = BTreeMap::new();
        for (change, before) in hosts.into_iter().filter_map(|change| Some((change, change.before.as_ref()?))) {
            let inside = |object: &&atlas::observed::Object| {
                let seen = !hidden.iter().any(|host| within(&object.identity, host));
                seen && object.identity != before.identity && within(&object.identity, &before.identity)
            };
            for object in owned.iter().filter(inside) {
                let protected = object.mark.as_ref().is_some_and(|mark| mark.protect);
                if protected || is_lossy(object) && !selected(allow_loss, &change.address) {
                    let what = if protected { "is protected" } else { "holds data that nobody allowed to be lost" };
                    kept.insert(before.identity.clone(), format!("{}, which {what}", object.identity));
                }
            }
        }
        kept
    }

    /// A plan may be refused only because an edit would destroy something protected, or because it takes what another
    /// object keeps that is left out of the plan or has to wait.
    pub fn expected(&self, plan: &Plan, model: &Model) -> Result<(), String> {
        let partial = plan.diagnostics.iter().any(|one| one.code == &code::PART_OF_A_PLAN)
            || plan.changes.iter().any(|change| change.blocked.is_some());
        let mut errors = plan.diagnostics.iter().filter(|one| one.severity == Severity::Error);
        if errors.all(|one| one.code == &code::PROTECTED || partial && one.code == &code::HAD_AND_KEPT) {
            return Ok(());
        }
        let steps: Vec<_> =
            plan.steps.iter().map(|step| (&plan.changes[step.change].address, step.verb, &step.after)).collect();
        Err(format!("{:#?}\n{steps:#?}\n{}", plan.diagnostics, model.text()))
    }
}

/// Whether something of a saved plan is not done because it moved, or was not in it.
fn left_out(approved: &Approved, address: &Address) -> bool {
    approved.moved.contains_key(address) || approved.unapproved.contains(address)
}

/// A proof in words.
pub fn told(proof: &Proof) -> String {
    format!(
        "{:?}, differs: {:?}, unproven: {:?}, failed: {:?}",
        proof.ending, proof.differs, proof.unproven, proof.report.failed
    )
}
