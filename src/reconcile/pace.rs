//! How much may be done at once and in an hour, all resources together.

use std::collections::VecDeque;
use std::time::Duration;

/// The hour that budgets are about.
pub const HOUR: Duration = Duration::from_secs(3_600);
/// How much one pass does at first. It doubles with each pass in which nothing fails, and halves with each in which something does.
const FIRST: usize = 32;
/// It grows no further than that.
const MOST: usize = 1 << 16;

/// How much may be done at once and in an hour. Times are counted from any fixed moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRate {
    done: VecDeque<Duration>,
    at_once: usize,
}

impl Default for ActionRate {
    fn default() -> Self {
        Self { done: VecDeque::new(), at_once: FIRST }
    }
}

impl ActionRate {
    /// How many more actions fit into this hour.
    pub fn left(&mut self, most: usize, now: Duration) -> usize {
        forget(&mut self.done, HOUR, now);
        most.saturating_sub(self.done.len())
    }

    /// How many actions one pass may take.
    #[must_use]
    pub const fn at_once(&self) -> usize {
        self.at_once
    }

    /// Learns of an action.
    pub fn act(&mut self, now: Duration) {
        self.done.push_back(now);
    }

    /// Learns how a pass went that did something.
    pub fn end_pass(&mut self, failed: usize) {
        self.at_once = match failed {
            0 => (self.at_once * 2).min(MOST),
            _ => (self.at_once / 2).max(1),
        };
    }

    /// The moments of the actions of this hour.
    pub fn moments(&self) -> impl Iterator<Item = Duration> {
        self.done.iter().copied()
    }

    /// The same after a restart.
    pub fn restore(done: impl Iterator<Item = Duration>, at_once: usize) -> Self {
        let mut done: Vec<Duration> = done.collect();
        done.sort_unstable();
        // A record that doesn't say it was not written by a loop.
        let at_once = if at_once == 0 { FIRST } else { at_once.min(MOST) };
        Self { done: done.into(), at_once }
    }
}

/// Forgets the moments that are longer ago than `window`.
pub fn forget(moments: &mut VecDeque<Duration>, window: Duration, now: Duration) {
    while moments.front().is_some_and(|first| now.saturating_sub(*first) >= window) {
        moments.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ActionRate, FIRST, HOUR};

    #[test]
    fn the_budget_comes_back_an_hour_later() {
        let mut pace = ActionRate::default();
        (0..10).for_each(|second| pace.act(Duration::from_secs(second)));
        assert_eq!(pace.left(12, Duration::from_secs(10)), 2);
        assert_eq!(pace.left(12, HOUR + Duration::from_secs(4)), 7);
        assert_eq!(pace.left(12, HOUR * 2), 12);
    }

    #[test]
    fn the_rate_grows_with_success_and_falls_with_failure() {
        let mut pace = ActionRate::default();
        pace.end_pass(0);
        assert_eq!(pace.at_once(), FIRST * 2);
        (0..20).for_each(|_| pace.end_pass(3));
        assert_eq!(pace.at_once(), 1);
        (0..40).for_each(|_| pace.end_pass(0));
        assert_eq!(pace.at_once(), 1 << 16);
    }
}
