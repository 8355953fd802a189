//! One step: complete its references, write down the intent, act, write down the outcome.

use std::time::Duration;

use tokio::time::Instant;

use super::context::{RunContext, StepError};
use super::event::{Event, What};
use super::job::{Attempt, Job};
use super::journal::{Entry, Outcome};
use super::retry::backoff;
use crate::action::Verb;
use crate::address::Address;
use crate::crash::point;
use crate::driver::{Class, Look, Session};
use crate::mutation::{Mutation, broken};
use crate::plan::{Change, Step};

/// What a step that did not fail did.
pub enum Did {
    /// What the plan says.
    Act,
    /// Nothing: what might have been gone is there, as it should be.
    Nothing,
}

/// Runs a step to its end.
pub async fn run(shared: &RunContext, at: usize) -> Result<Did, StepError> {
    let step = &shared.plan.steps[at];
    let change = &shared.plan.changes[step.change];
    let limit = Duration::from_secs(change.timeout);
    match tokio::time::timeout(limit, attempt(shared, at, step, change)).await {
        Ok(result) => result,
        Err(_) => {
            let limit = crate::kind::duration::format(change.timeout);
            Err(StepError::new(format!("it took longer than its timeout of {limit}")))
        }
    }
}

async fn attempt(shared: &RunContext, at: usize, step: &Step, change: &Change) -> Result<Did, StepError> {
    let target = if step.verb.removes() { &change.before } else { &change.after };
    let hosts = target.as_ref().map(|target| target.hosts.as_slice()).unwrap_or_default();
    let session = shared.sessions.keeper(&change.kind, hosts).await?;
    // A little less than the step may take, so that a wait can end with an error that says for what.
    let end = Instant::now() + Duration::from_secs(change.timeout).mul_f64(0.95);
    let mut job = Job::new(shared, session.as_ref(), step, change)?;
    // An object that an interrupted run made and did not mark is ours; one that is adopted for the first time is not
    // ours yet.
    let leftover = target.as_ref().is_some_and(|target| target.unmarked);
    let marked = match step.verb {
        Verb::Adopt => !leftover && !broken(Mutation::RememberAdoptions),
        _ => session.creates_marked(&change.kind),
    };
    let place = if marked { String::new() } else { shared.sessions.place_of(&shared.plan.locations, job.identity()) };
    let entry = Entry { marked, ..Entry::new(at, &change.address, step.verb, job.identity()).at(&place) };
    if !job.ahead(shared, session.as_ref()).await? {
        return Ok(Did::Nothing);
    }
    if !broken(Mutation::SkipTheIntent) {
        shared
            .journal
            .intend(entry.clone())
            .await
            .map_err(|error| StepError::new(format!("the journal can't be written, so nothing was done: {error}")))?;
    }
    let (result, doubt) = act(shared, step, change, &job, session.as_ref(), end).await;
    // A failed deletion or marking of an unmarked object does not show whether it is still there.
    let leftover = leftover && step.verb != Verb::Create;
    let keeps = broken(Mutation::KeepADeniedIntent);
    let mut doubtful = doubt.any || leftover;
    if doubtful && result.is_err() && !keeps {
        doubtful = !is_settled(session.as_ref(), step, change, &job, doubt, leftover).await;
    }
    // The outcome is a convenience for the next run: losing it must not turn a success into a failure.
    let outcome = match &result {
        Ok(()) => Outcome::Done,
        Err(error) if doubtful => Outcome::Failed { error: error.text.clone() },
        Err(error) => Outcome::Refused { error: error.text.clone() },
    };
    if let Err(error) = shared.journal.conclude(entry, outcome).await {
        tracing::warn!(%error, "the outcome of a step was not journaled");
    }
    result.map(|()| Did::Act)
}

/// What is not known of the attempts of a step.
#[derive(Clone, Copy, Default)]
struct Doubt {
    /// An attempt that failed may have had its effect all the same.
    any: bool,
    /// An attempt may still have its effect later: its answer did not come.
    unanswered: bool,
}

impl Doubt {
    fn add(&mut self, class: Class) {
        self.any |= !matches!(class, Class::Conflict);
        self.unanswered |= matches!(class, Class::Transient | Class::Unreachable);
    }
}

/// Whether a failed step certainly left nothing without a mark, and never will: every attempt was answered, and the
/// object is not there, or carries its mark. Then the intent is closed, so that it does not claim what somebody else
/// makes by that name later.
async fn is_settled(
    session: &dyn Session,
    step: &Step,
    change: &Change,
    job: &Job<'_>,
    doubt: Doubt,
    leftover: bool,
) -> bool {
    match step.verb {
        _ if doubt.unanswered => false,
        verb if leftover || verb == Verb::Create => {
            let look = Look { kind: &change.kind, identity: job.identity(), wanted: None, evidence: false };
            let seen = session.read(&look).await;
            seen.is_ok_and(|seen| seen.is_none_or(|seen| seen.object.mark.is_some()))
        }
        Verb::Adopt => true,
        _ => false,
    }
}

/// Tries until it succeeds, or until to try again can't help; and what is not known of the attempts.
async fn act(
    shared: &RunContext,
    step: &Step,
    change: &Change,
    job: &Job<'_>,
    session: &dyn Session,
    end: Instant,
) -> (Result<(), StepError>, Doubt) {
    let progress = shared.progress(&change.address, step.verb);
    let mut tries = 0;
    let mut doubt = Doubt::default();
    loop {
        tries += 1;
        if tries > 1
            && let Err(error) = shared.journal.check()
        {
            return (Err(StepError::new(error.to_string())), doubt);
        }
        point("step: before an effect");
        let attempt = Attempt { doubtful: doubt.any, end, progress: &progress };
        let acted = job.act(session, &attempt).await;
        point("step: after an effect");
        let error = match acted {
            Ok(outputs) => return (job.conclude(shared, outputs), doubt),
            Err(error) => error,
        };
        doubt.add(error.class);
        let Some(wait) = backoff(error.class, tries, seed(&change.address)) else {
            return (Err(StepError::after(&error, tries)), doubt);
        };
        let what = What::Retrying { error: error.chain(), wait };
        let _ = shared.events.send(Event { address: change.address.clone(), verb: step.verb, what });
        if shared.asked_to_stop(wait).await {
            let error = StepError::after(&error, tries);
            let text = format!("{}; the run was asked to stop", error.text);
            return (Err(StepError { text, ..error }), doubt);
        }
    }
}

fn seed(address: &Address) -> u64 {
    address
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
