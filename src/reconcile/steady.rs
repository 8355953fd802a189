//! The loop itself: it takes the lead, makes passes, waits for what comes first, and steps down in good order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::pass::LoopPass;
use super::reconciler::Reconciler;
use crate::execute::Event;
use crate::run::RunError;
use crate::store::{Fence, Former, Held, Lease, LockError, Store};

/// Why a pass comes before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Somebody asked for it.
    Asked,
    /// The spec, or a file that it names, changed.
    SpecChanged,
    /// Something in the world changed.
    WorldChanged,
}

/// What the loop tells of itself.
pub enum LoopEvent<'a> {
    /// Somebody else leads; this loop waits for the lead.
    StandingBy(&'a LockError),
    /// It leads from now on; who led before and did not step down.
    Leading(Option<&'a Former>),
    /// It does not lead any more, and why.
    SteppedDown(&'a std::io::Error),
    /// A pass was made.
    Pass {
        /// What it came to.
        pass: &'a LoopPass,
        /// How long it took.
        took: Duration,
    },
    /// A pass could not be made.
    Failed {
        /// Why.
        error: &'a RunError,
        /// When the next one comes.
        next: Duration,
    },
}

/// How the loop is woken and ended.
pub struct Reins {
    /// What makes a pass come before its time.
    pub wake: mpsc::UnboundedReceiver<Trigger>,
    /// True once it is to end: what is in flight is finished.
    pub stop: watch::Receiver<bool>,
    /// The listener for what happens to steps.
    pub events: mpsc::UnboundedSender<Event>,
    /// How long the lead lasts that is not renewed.
    pub lease: Duration,
}

/// Runs the loop until it is asked to stop.
///
/// # Errors
/// When the lead can't be taken for another reason than that somebody has it.
pub async fn run(
    reconciler: &mut Reconciler,
    store: Arc<dyn Store>,
    mut reins: Reins,
    mut tell: impl FnMut(LoopEvent<'_>),
) -> Result<(), RunError> {
    let mut has_led = false;
    while !*reins.stop.borrow() {
        let Some(lead) = take_lead(store.as_ref(), &mut reins, has_led, &mut tell).await? else { return Ok(()) };
        // Another loop may have gone on since: what it remembers counts.
        reconciler.take_lead(lead.fence().clone());
        has_led = true;
        lead_passes(reconciler, lead.fence(), &mut reins, &mut tell).await;
        // The lead goes with the lease, as soon as nothing is in flight any more.
        drop(lead);
    }
    Ok(())
}

/// Waits until the lead is this loop's; none when it is asked to stop before.
async fn take_lead(
    store: &dyn Store,
    reins: &mut Reins,
    has_led: bool,
    tell: &mut impl FnMut(LoopEvent<'_>),
) -> Result<Option<Box<dyn Lease>>, RunError> {
    let mut is_told = false;
    loop {
        match store.lead("atlas reconcile", reins.lease) {
            Ok(Held { lock, former, .. }) => {
                tell(LoopEvent::Leading(former.as_ref()));
                return Ok(Some(lock));
            }
            // Records that answered once will answer again.
            Err(error) if error.is_somebody() || has_led || is_told => {
                if !is_told {
                    tell(LoopEvent::StandingBy(&error));
                    is_told = true;
                }
                // A lead that is lost is found within a third of its lease.
                if !wait(reins, reins.lease / 3).await {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Makes passes for as long as the lead is held and nobody asks to stop.
async fn lead_passes(
    reconciler: &mut Reconciler,
    fence: &Fence,
    reins: &mut Reins,
    tell: &mut impl FnMut(LoopEvent<'_>),
) {
    loop {
        // Who does not lead any more must not act. What is in flight has a lock of its own, with a fence of its own.
        if let Err(error) = fence.check() {
            tell(LoopEvent::SteppedDown(&error));
            return;
        }
        let begun = Instant::now();
        let made = reconciler.pass(reins.events.clone(), reins.stop.clone()).await;
        let next = reconciler.wait();
        match &made {
            Ok(pass) => tell(LoopEvent::Pass { pass, took: begun.elapsed() }),
            Err(error) => tell(LoopEvent::Failed { error, next }),
        }
        drop(made);
        if !wait(reins, next).await {
            return;
        }
    }
}

/// Waits for a time, or for a trigger; false when the loop is to end.
async fn wait(reins: &mut Reins, time: Duration) -> bool {
    let until = Instant::now() + time;
    // Once nobody can ask any more, nobody will.
    let (mut can_stop, mut can_wake) = (true, true);
    loop {
        if *reins.stop.borrow() {
            return false;
        }
        tokio::select! {
            () = sleep_until(until) => return true,
            changed = reins.stop.changed(), if can_stop => can_stop = changed.is_ok(),
            woken = reins.wake.recv(), if can_wake => match woken {
                Some(_) => {
                    // Many changes at once are one reason.
                    while reins.wake.try_recv().is_ok() {}
                    return true;
                }
                None => can_wake = false,
            },
        }
    }
}
