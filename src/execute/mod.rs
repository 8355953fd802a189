//! From a plan to a [`Report`]: a pure ready queue under a bounded worker loop.
//!
//! Intent is journaled before each effect. A failed step skips what waits for it, and nobody else. Asked to stop, the
//! loop finishes what is in flight and reports. Nothing here decides what to do: the plan does.

mod context;
mod event;
mod gate;
mod job;
mod journal;
mod look;
mod newcomers;
mod queue;
mod retry;
mod step;
mod verdict;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use foldhash::HashMap;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use event::{Counts, Event, FailedStep, Report, What};
pub use journal::{Entry, Journal, Outcome};
pub use queue::ReadyQueue;
pub use retry::{backoff, scramble};

use crate::action::{Action, Order, Verb};
use crate::address::Address;
use crate::driver::Sessions;
use crate::identity::Identity;
use crate::plan::{Change, Plan, Selector};
use context::StepError;
use step::Did;

/// How to execute a plan.
pub struct Execution {
    /// Where intents and outcomes are written.
    pub journal: Arc<dyn Journal>,
    /// How many steps may run at once.
    pub parallelism: usize,
    /// The resources whose data may be lost.
    pub allow_loss: Vec<Selector>,
    /// Only these, when a saved plan was approved and some of it moved.
    pub approved: Option<BTreeSet<Address>>,
    /// The listener for what happens.
    pub events: mpsc::UnboundedSender<Event>,
    /// True once somebody asks to stop.
    pub stop: watch::Receiver<bool>,
}

/// Carries out a plan.
pub async fn execute(plan: Plan, sessions: Sessions, execution: Execution) -> Report {
    let plan = Arc::new(plan);
    let mut run = RunState {
        queue: ReadyQueue::new(&plan.steps, &plan.gates),
        running: vec![false; plan.steps.len() + plan.gates.len()],
        watching: 0,
        report: Report::default(),
        events: execution.events.clone(),
        plan: Arc::clone(&plan),
    };
    run.drop_unapproved(execution.approved.as_ref());
    plan.hosts.values().for_each(|host| sessions.learn(host.clone()));
    let (inside, replaced) = (inside(&plan), replaced(&plan));
    let shared = Arc::new(context::RunContext {
        known: Mutex::new(plan.known.clone()),
        plan,
        sessions,
        journal: execution.journal,
        allow_loss: execution.allow_loss,
        events: execution.events,
        stop: execution.stop.clone(),
        contents: Mutex::new(HashMap::default()),
        inside,
        replaced,
    });
    let mut stop = execution.stop;
    let mut stoppable = true;
    let mut tasks = JoinSet::new();
    let mut steps = HashMap::default();
    loop {
        // To watch is no work.
        while tasks.len() - run.watching < execution.parallelism.max(1)
            && !run.report.interrupted
            && let Some(at) = run.queue.pop()
        {
            run.begin(at);
            let shared = Arc::clone(&shared);
            let begun = Instant::now();
            let task = tasks.spawn(async move { step_or_gate(&shared, at).await });
            steps.insert(task.id(), (at, begun));
        }
        if tasks.is_empty() {
            break;
        }
        tokio::select! {
            Some(joined) = tasks.join_next_with_id() => {
                let (id, result) = match joined {
                    Ok((id, result)) => (id, result),
                    Err(error) => (error.id(), Err(lost(error))),
                };
                if let Some((at, begun)) = steps.remove(&id) {
                    match at.checked_sub(run.plan.steps.len()) {
                        Some(gate) => run.end_watch(gate, at, result.map(drop), begun.elapsed(), *stop.borrow()),
                        None => run.end(at, result, begun.elapsed()),
                    }
                }
            }
            changed = stop.changed(), if stoppable => {
                stoppable = changed.is_ok();
                if *stop.borrow() {
                    run.interrupt();
                }
            }
        }
    }
    run.report
}

/// Runs a step, or watches what stands before a gate; those are numbered on behind the steps.
async fn step_or_gate(shared: &context::RunContext, at: usize) -> Result<Did, StepError> {
    match at.checked_sub(shared.plan.steps.len()).map(|at| &shared.plan.gates[at]) {
        Some(gate) => gate::watch(shared, gate).await.map(|()| Did::Nothing),
        None => step::run(shared, at).await,
    }
}

/// The deferred changes whose objects are to be in each host, by its identity and by their kind.
fn inside(plan: &Plan) -> HashMap<context::ContentsKey, Vec<usize>> {
    let mut inside: HashMap<context::ContentsKey, Vec<usize>> = HashMap::default();
    let deferred = plan.changes.iter().enumerate().filter(|(_, change)| change.deferred.is_some());
    for (at, change) in deferred {
        for host in change.after.iter().flat_map(|target| &target.hosts) {
            inside.entry((host.clone(), change.kind.name)).or_default().push(at);
        }
    }
    inside
}

/// The hosts that are deleted to be made anew, by identity.
fn replaced(plan: &Plan) -> HashMap<Identity, context::ReplacedHost> {
    let all = plan.changes.iter().enumerate().filter(|(_, change)| {
        change.kind.hosts_others && change.acts() && change.action == Action::Replace(Order::DeleteFirst)
    });
    let entry = |(change, one): (usize, &Change)| {
        Some((one.before.as_ref()?.identity.clone(), context::ReplacedHost { change, prepared: OnceCell::new() }))
    };
    all.filter_map(entry).collect()
}

struct RunState {
    plan: Arc<Plan>,
    queue: ReadyQueue,
    running: Vec<bool>,
    /// How many gates are being watched.
    watching: usize,
    report: Report,
    events: mpsc::UnboundedSender<Event>,
}

impl RunState {
    fn of(&self, at: usize) -> (Address, Verb) {
        let step = &self.plan.steps[at];
        (self.plan.changes[step.change].address.clone(), step.verb)
    }

    fn say(&self, at: usize, what: What) {
        let (address, verb) = self.of(at);
        // Without a listener the run goes on.
        let _ = self.events.send(Event { address, verb, what });
    }

    fn begin(&mut self, at: usize) {
        self.running[at] = true;
        match at < self.plan.steps.len() {
            true => self.say(at, What::Started),
            false => self.watching += 1,
        }
    }

    /// What was watched stayed in order, or what waits for it is skipped.
    fn end_watch(
        &mut self,
        gate: usize,
        at: usize,
        result: Result<(), StepError>,
        elapsed: std::time::Duration,
        asked_to_stop: bool,
    ) {
        self.watching -= 1;
        let Err(StepError { class, text: error }) = result else { return self.queue.succeed(at) };
        if asked_to_stop {
            self.queue.fail(at).into_iter().for_each(|skipped| self.skip(skipped, "the run was asked to stop".into()));
            return self.interrupt();
        }
        let (address, verb) = (self.plan.gates[gate].app.clone(), Verb::Update);
        let what = What::Unready { error: error.clone(), elapsed };
        let _ = self.events.send(Event { address: address.clone(), verb, what });
        self.report.failed.push(FailedStep { address: address.clone(), verb, class, error });
        for skipped in self.queue.fail(at) {
            self.skip(skipped, format!("{address} did not stay ready"));
        }
    }

    fn end(&mut self, at: usize, result: Result<Did, StepError>, elapsed: std::time::Duration) {
        let (address, verb) = self.of(at);
        match result {
            Ok(did) => {
                match did {
                    Did::Act => {
                        self.say(at, What::Finished(elapsed));
                        self.report.done.push((address, verb));
                    }
                    Did::Nothing => {
                        self.say(at, What::Found(elapsed));
                        self.report.found.push(address);
                    }
                }
                self.queue.succeed(at);
            }
            Err(error) => {
                let StepError { class, text: error } = error;
                self.say(at, What::Failed { error: error.clone(), elapsed });
                self.report.failed.push(FailedStep { address: address.clone(), verb, class, error });
                for skipped in self.queue.fail(at) {
                    self.skip(skipped, format!("{address} failed"));
                }
            }
        }
    }

    fn skip(&mut self, at: usize, reason: String) {
        if at >= self.plan.steps.len() {
            // What a gate holds back is skipped itself.
            return;
        }
        let (address, verb) = self.of(at);
        self.say(at, What::Skipped(reason.clone()));
        self.report.skipped.push((address, verb, reason));
    }

    fn interrupt(&mut self) {
        self.report.interrupted = true;
        for at in self.queue.abandon(&self.running) {
            self.skip(at, "the run was asked to stop".into());
        }
    }

    /// Skips what nobody approved, and what waits for it.
    fn drop_unapproved(&mut self, approved: Option<&BTreeSet<Address>>) {
        let Some(approved) = approved else { return };
        for at in 0..self.plan.steps.len() {
            let (address, _) = self.of(at);
            if approved.contains(&address) {
                continue;
            }
            if self.queue.is_dead(at) {
                continue;
            }
            self.skip(at, "it was not approved as it is now".into());
            for skipped in self.queue.fail(at) {
                self.skip(skipped, format!("{address} was not approved as it is now"));
            }
        }
    }
}

/// What is said of a step that panicked. It may have had its effect: its intent stays open.
fn lost(error: tokio::task::JoinError) -> StepError {
    let why = error.try_into_panic().ok().and_then(|why| match why.downcast::<String>() {
        Ok(text) => Some(*text),
        Err(why) => why.downcast_ref::<&str>().map(|text| (*text).to_owned()),
    });
    let why = why.unwrap_or_default();
    StepError::new(format!("Atlas itself broke off in the middle of it, which is a bug: {why}"))
}
