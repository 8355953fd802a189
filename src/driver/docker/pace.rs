//! Until when a step has to be done, and where it tells what takes it long.

use std::time::Duration;

use tokio::time::Instant;

use crate::driver::{Progress, Request};

/// How long something may take before it is told: what is quick needs no words.
const QUICK: Duration = Duration::from_secs(2);

/// The time that a step has, for all that it waits for.
pub(super) struct Pace<'a> {
    /// How long it may take in all, waiting included.
    pub limit: Duration,
    begun: Instant,
    progress: &'a Progress,
}

impl<'a> Pace<'a> {
    pub fn of(request: &Request<'a>) -> Self {
        Self { limit: request.limit, begun: Instant::now(), progress: request.progress }
    }

    /// What is left of its time.
    pub fn left(&self) -> Duration {
        (self.begun + self.limit).saturating_duration_since(Instant::now())
    }

    /// Tells what it is waiting for, once that takes long.
    pub fn waiting(&self, missing: &str) {
        if self.begun.elapsed() > QUICK {
            self.progress.tell(format!("waiting: {missing}"));
        }
    }

    /// Tells what it does, and how far it has come.
    pub fn measure(&self, doing: &str, amount: String) {
        self.progress.measure(doing, amount);
    }
}
