//! What stands between two batches of a rollout: the former one is watched, and has to have been in order for a while.

use std::time::Duration;

use tokio::time::Instant;

use super::context::{RunContext, StepError};
use crate::action::Verb;
use crate::driver::Look;
use crate::observed::Condition;
use crate::plan::{Gate, WatchedObject};

/// How long an object may say that it fails before that is believed: some recover at once.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often everything is looked at, at most and at least.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

/// Why an object is not in order.
struct NotReady {
    why: String,
    /// Whether it says that it fails, and is not only on its way.
    fails: bool,
}

/// Watches what is before a gate until it has been in order for long enough.
///
/// # Errors
/// When it fails or does not get there in time, or the run is asked to stop.
pub async fn watch(shared: &RunContext, gate: &Gate) -> Result<(), StepError> {
    let progress = shared.progress(&gate.app, Verb::Update);
    let pause = Duration::from_secs(gate.pause);
    let end = Instant::now() + pause + Duration::from_secs(gate.limit);
    let between = (pause / 20).clamp(SHORTEST, LONGEST);
    let (mut ready_since, mut failing_since) = (None, None);
    loop {
        let Some(NotReady { why, fails }) = look(shared, gate).await else {
            let since = *ready_since.get_or_insert_with(Instant::now);
            let left = pause.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            failing_since = None;
            let doing = format!("watching {} before {}", gate.former.join(", "), gate.next.join(", "));
            progress.measure(doing, format!("{} s left", left.as_secs()));
            if shared.asked_to_stop(between.min(left)).await {
                return Err(StepError::new("the run was asked to stop"));
            }
            continue;
        };
        // What was in order and is not any more begins anew.
        ready_since = None;
        let now = Instant::now();
        failing_since = fails.then(|| failing_since.unwrap_or(now));
        if failing_since.is_some_and(|since| now - since >= PATIENCE) || now >= end {
            let next = gate.next.join(", ");
            return Err(StepError::new(format!("it does not stay ready, so nothing is done on {next}: {why}")));
        }
        progress.tell(format!("waiting: {why}"));
        if shared.asked_to_stop(between).await {
            return Err(StepError::new("the run was asked to stop"));
        }
    }
}

/// The first object that is not in order; one that fails before those that are on their way.
async fn look(shared: &RunContext, gate: &Gate) -> Option<NotReady> {
    let mut waiting = None;
    for object in &gate.watched {
        match one(shared, object).await {
            Some(not_ready) if not_ready.fails => return Some(not_ready),
            other => waiting = waiting.or(other),
        }
    }
    waiting
}

async fn one(shared: &RunContext, object: &WatchedObject) -> Option<NotReady> {
    let not_ready = |why: &str, fails: bool| Some(NotReady { why: format!("{}: {why}", object.address), fails });
    let look = Look { kind: &object.kind, identity: &object.identity, wanted: None, evidence: false };
    let seen = match shared.sessions.keeper(&object.kind, &object.hosts).await {
        Ok(session) => session.read(&look).await,
        Err(error) => Err(error),
    };
    match seen {
        Ok(Some(seen)) => match &seen.object.condition {
            // Of what nobody can say, nobody can wait for it.
            Condition::Ready | Condition::Unknown(_) => None,
            Condition::Progressing(why) => not_ready(why, false),
            Condition::Degraded(why) => not_ready(why, true),
        },
        Ok(None) => not_ready("it is gone", true),
        Err(error) => not_ready(&format!("it can't be looked at: {}", error.chain()), false),
    }
}
