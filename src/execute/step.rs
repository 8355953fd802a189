//! One step: complete its references, write down the intent, act, write down the outcome.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foldhash::HashMap;
use tokio::time::Instant;

use super::event::{Event, What};
use super::journal::{Entry, Journal, Outcome};
use super::look::{self, Contents};
use super::retry::backoff;
use crate::action::Verb;
use crate::address::Address;
use crate::crash::point;
use crate::driver::{Class, Driver, DriverError, Progress, Registry, Removal, Request};
use crate::kind::{Facts as KindFacts, Outputs, Risk, Usage, Verdict};
use crate::mutation::{Mutation, broken};
use crate::observed::Mark;
use crate::plan::{Change, Known, Plan, Resolved as Facts, Resolver as _, Selector, Step, Target, selected};
use crate::value::{Attributes, Text};

/// What all steps of a run share.
pub struct Shared {
    pub plan: Arc<Plan>,
    pub registry: Registry,
    pub journal: Arc<dyn Journal>,
    pub allow_loss: Vec<Selector>,
    pub events: tokio::sync::mpsc::UnboundedSender<Event>,
    pub known: Mutex<Known<'static>>,
    pub stop: tokio::sync::watch::Receiver<bool>,
    pub contents: Mutex<HashMap<String, Contents>>,
    /// The changes whose objects are to be in each host, by its identity.
    pub inside: HashMap<String, Vec<usize>>,
}

/// What a step that did not fail did.
pub enum Did {
    /// What the plan says.
    Act,
    /// Nothing: what might have been gone is there, as it should be.
    Nothing,
}

/// Runs a step to its end.
pub async fn run(shared: &Shared, at: usize) -> Result<Did, String> {
    let step = &shared.plan.steps[at];
    let change = &shared.plan.changes[step.change];
    let limit = Duration::from_secs(change.timeout);
    match tokio::time::timeout(limit, attempt(shared, at, step, change)).await {
        Ok(result) => result,
        Err(_) => Err(format!("it took longer than its timeout of {}", crate::kind::duration::format(change.timeout))),
    }
}

async fn attempt(shared: &Shared, at: usize, step: &Step, change: &Change) -> Result<Did, String> {
    let driver = shared.registry.of(change.kind).ok_or_else(|| format!("no driver for `{}`", change.kind.name))?;
    // A little less than the step may take, so that whoever waits can say for what.
    let end = Instant::now() + Duration::from_secs(change.timeout).mul_f64(0.95);
    let mut job = Job::prepare(shared, step, change)?;
    let entry = Entry::new(at, &change.address, step.verb, job.identity());
    if !job.ahead(shared, driver.as_ref(), change).await? {
        return Ok(Did::Nothing);
    }
    let unwritten = |error| format!("the journal can't be written, so nothing was done: {error}");
    if !broken(Mutation::DropTheIntent) {
        shared.journal.intend(entry.clone()).await.map_err(unwritten)?;
    }
    let (events, address, verb) = (shared.events.clone(), change.address.clone(), step.verb);
    let progress = Progress::to(move |busy| {
        let _ = events.send(Event { address: address.clone(), verb, what: What::Busy(busy) });
    });
    let mut tries = 0;
    // An attempt before may have had its effect although its answer was lost.
    let mut doubtful = false;
    let result = loop {
        tries += 1;
        if tries > 1
            && let Err(error) = shared.journal.check()
        {
            break Err(error.to_string());
        }
        point("step: before an effect");
        let acted = job.act(driver.as_ref(), doubtful, end, &progress).await;
        point("step: after an effect");
        let error = match acted {
            Ok(outputs) => break job.conclude(shared, change, outputs),
            Err(error) => error,
        };
        doubtful |= error.class != Class::Conflict;
        match backoff(error.class, tries, seed(&change.address)) {
            Some(wait) => {
                let what = What::Retrying { error: error.chain(), wait };
                let _ = shared.events.send(Event { address: change.address.clone(), verb: step.verb, what });
                let mut stop = shared.stop.clone();
                let asked = async {
                    // A sender that is gone will never ask.
                    if stop.wait_for(|asked| *asked).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = asked => break Err(format!("{}; the run was asked to stop", described(&error, tries))),
                }
            }
            None => break Err(described(&error, tries)),
        }
    };
    // The outcome is a convenience for the next run: losing it must not turn a success into a failure.
    let outcome = match &result {
        Ok(()) => Outcome::Done,
        Err(error) if doubtful => Outcome::Failed { error: error.clone() },
        Err(error) => Outcome::Refused { error: error.clone() },
    };
    if let Err(error) = shared.journal.conclude(entry, outcome).await {
        tracing::warn!(%error, "the outcome of a step was not journaled");
    }
    result.map(|()| Did::Act)
}

/// A step with everything resolved.
enum Job<'a> {
    Make { verb: Verb, change: &'a Change, target: &'a Target, attributes: Attributes, derived: Outputs, mark: Mark },
    Remove { verb: Verb, change: &'a Change, target: &'a Target, mark: &'a Mark, seen: Option<Usage> },
}

impl<'a> Job<'a> {
    fn prepare(shared: &Shared, step: &Step, change: &'a Change) -> Result<Self, String> {
        let verb = step.verb;
        if matches!(verb, Verb::Delete | Verb::Forget) {
            let target = change.before.as_ref().ok_or("there is nothing to remove")?;
            let mark = target.mark.as_ref().ok_or("the object has no mark")?;
            return Ok(Self::Remove { verb, change, target, mark, seen: None });
        }
        let target = change.after.as_ref().ok_or("there is nothing to make")?;
        let known = shared.known.lock().unwrap_or_else(PoisonError::into_inner);
        let attributes = known.resolve(change.kind, &target.attributes).into_owned();
        if let Some((name, _)) = attributes.iter().find(|(_, value)| !value.is_known()) {
            return Err(format!("`{name}` refers to something that is still unknown"));
        }
        let host = change.hosts.first().and_then(|host| known.outputs_of(host));
        let facts =
            KindFacts { attributes: &attributes, name: change.address.name(), place: change.address.place(), host };
        let derived = change.kind.derive_outputs(&facts);
        drop(known);
        let mark = target.mark.clone().ok_or("the object has no mark")?;
        let mark = Mark { applied: target.applied(&attributes), ..mark };
        Ok(Self::Make { verb, change, target, attributes, derived, mark })
    }

    fn identity(&self) -> &str {
        match self {
            Self::Make { target, .. } | Self::Remove { target, .. } => &target.identity,
        }
    }

    /// Looks before acting, where the plan could not. False when there is nothing left to do.
    async fn ahead(&mut self, shared: &Shared, driver: &dyn Driver, change: &Change) -> Result<bool, String> {
        match self {
            Self::Make { verb: Verb::Create, target, attributes, mark, .. } if change.deferred.is_some() => {
                let there = look::inside(shared, driver, target).await?;
                match there {
                    None => Ok(true),
                    Some(object)
                        if object.mark.as_ref().is_some_and(|other| other == mark)
                            && object.attributes == *attributes =>
                    {
                        self.conclude(shared, change, object.outputs).map(|()| false)
                    }
                    Some(object) => Err(format!(
                        "it turned out other than the plan showed: `{}` is there already and belongs to {}; plan again",
                        object.identity,
                        object.owner()
                    )),
                }
            }
            Self::Make { verb: Verb::Update | Verb::Adopt, target, attributes, .. } if change.verdict.is_some() => {
                let there = look::at(driver, change, &target.identity).await?;
                let Some(object) = there else { return Ok(true) };
                let verdict = (change.kind.update_loss)(&object.attributes, attributes, &object.usage);
                verdict.map_or(Ok(()), |verdict| within_verdict(shared, change, &verdict, &object.usage)).map(|()| true)
            }
            Self::Remove { verb: Verb::Delete, target, seen, .. } => {
                let there = look::at(driver, change, &target.identity).await?;
                let Some(object) = there else { return Ok(true) };
                within_verdict(shared, change, &(change.kind.loss)(&object.usage), &object.usage)?;
                *seen = Some(object.usage);
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    /// One attempt. After one that is `doubtful`, an object without a mark may be what that attempt made: it was not there
    /// when the plan was made, and its identity is journaled.
    async fn act(
        &self,
        driver: &dyn Driver,
        doubtful: bool,
        end: Instant,
        progress: &Progress,
    ) -> Result<Outputs, DriverError> {
        match self {
            Self::Make { verb, change, target, attributes, derived, mark } => {
                let request = Request {
                    kind: change.kind,
                    identity: &target.identity,
                    hosts: &target.hosts,
                    attributes,
                    derived,
                    mark,
                    adopt: *verb == Verb::Adopt || (*verb == Verb::Create && (doubtful || target.unmarked)),
                    place: change.address.place(),
                    limit: end.saturating_duration_since(Instant::now()),
                    progress,
                };
                if *verb == Verb::Create { driver.create(&request).await } else { driver.update(&request).await }
            }
            Self::Remove { verb, change, target, mark, seen } => {
                let removal = Removal {
                    kind: change.kind,
                    identity: &target.identity,
                    mark,
                    unmarked: target.unmarked,
                    usage: seen.as_ref(),
                };
                match verb {
                    Verb::Forget => driver.forget(&removal).await?,
                    _ => driver.delete(&removal).await?,
                }
                Ok(Outputs::new())
            }
        }
    }

    /// Learns what came of it. What the plan said it knew has to be so.
    fn conclude(&self, shared: &Shared, change: &Change, outputs: Outputs) -> Result<(), String> {
        let Self::Make { attributes, .. } = self else { return Ok(()) };
        let mut known = shared.known.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = known.outputs_of(&change.address).cloned().unwrap_or_default();
        let other = planned.iter().find(|(name, value)| outputs.get(*name).is_some_and(|now| now != *value));
        if let Some((name, value)) = other {
            let now = &outputs[name];
            return Err(format!("it turned out other than the plan showed: `{name}` is `{now}`, not `{value}`"));
        }
        let facts = Facts { attributes: Cow::Owned(attributes.clone()), outputs: Cow::Owned(outputs) };
        known.learn(change.address.clone(), facts);
        Ok(())
    }
}

/// Whether what a step would lose now is no worse and no more than what the plan showed, and allowed.
fn within_verdict(shared: &Shared, change: &Change, now: &Verdict, usage: &Usage) -> Result<(), String> {
    let expected = change.risk();
    let allowed = selected(&shared.allow_loss, &change.address);
    let shown = change.before.as_ref().map(|target| &target.usage);
    let more = |(counter, count): (&Text, &u64)| {
        let before = shown.and_then(|shown| shown.get(counter)).copied();
        change.kind.counts_exactly(counter) && before.is_some_and(|before| *count > before)
    };
    let grown = now.risk == Risk::Lossy && usage.iter().any(more);
    if now.risk <= expected && !grown && (now.risk < Risk::Lossy || allowed) {
        return Ok(());
    }
    let then = match (&change.verdict, grown) {
        (Some(verdict), true) => verdict.evidence.as_str(),
        _ => expected.word(),
    };
    let word = if grown { "" } else { now.risk.word() };
    let now = [word, if grown { "" } else { ": " }, &now.evidence].concat();
    let address = &change.address;
    Err(format!(
        "it would lose more than the plan showed; then: {then}, now: {now}; plan again, and allow it with --allow-loss {address}"
    ))
}

fn described(error: &DriverError, tries: u32) -> String {
    let attempts = if tries > 1 { format!(" (after {tries} attempts)") } else { String::new() };
    format!("{}: {}{attempts}", error.class, error.chain())
}

fn seed(address: &Address) -> u64 {
    address
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
