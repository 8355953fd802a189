//! When the next pass comes: a plain function of how the last one went.

use std::time::Duration;

use super::past::spread;

/// Something on its way is looked at that often.
const CLOSELY: Duration = Duration::from_secs(5);
/// No two passes are closer to each other.
const LEAST: Duration = Duration::from_millis(500);

/// How a pass went, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Last {
    /// Whether it could not be made at all.
    pub failed: bool,
    /// Whether something was done.
    pub acted: bool,
    /// Whether something is on its way.
    pub on_its_way: bool,
    /// After how long the first of what is held back is worth another look.
    pub soonest: Option<Duration>,
    /// How many passes in a row could not be made.
    pub failures: u32,
}

/// How long to wait for the next pass. `seed` spreads it by up to a tenth either way.
#[must_use]
pub fn wait(interval: Duration, last: Last, seed: u64) -> Duration {
    if last.failed {
        // Whoever is overloaded is asked less and less often.
        let longer = interval.saturating_mul(1 << last.failures.saturating_sub(1).min(4));
        return spread(longer, seed).max(LEAST);
    }
    let tenth = interval / 10;
    // `spread` gives three quarters to all of a time: a fifth of the interval, from nine tenths on.
    let jittered = interval - tenth + (spread(tenth * 8, seed).saturating_sub(tenth * 6));
    let closely = last.on_its_way || last.acted;
    let soon = if closely { CLOSELY.min(jittered) } else { jittered };
    last.soonest.map_or(soon, |soonest| soon.min(soonest)).max(LEAST)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Last, wait};

    const INTERVAL: Duration = Duration::from_secs(100);

    #[test]
    fn passes_are_an_interval_apart_give_or_take_a_tenth() {
        let waits: Vec<u64> = (0..1_000).map(|seed| wait(INTERVAL, Last::default(), seed).as_secs()).collect();
        assert!(waits.iter().all(|wait| (90..=110).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait < 95) && waits.iter().any(|wait| *wait > 105), "they are spread");
    }

    #[test]
    fn what_is_on_its_way_is_looked_at_closely_and_a_hold_that_ends_is_not_overslept() {
        assert_eq!(wait(INTERVAL, Last { on_its_way: true, ..Last::default() }, 1), Duration::from_secs(5));
        let last = Last { soonest: Some(Duration::from_secs(7)), ..Last::default() };
        assert_eq!(wait(INTERVAL, last, 1), Duration::from_secs(7));
        let last = Last { soonest: Some(Duration::ZERO), ..Last::default() };
        assert_eq!(wait(INTERVAL, last, 1), Duration::from_millis(500), "no loop spins");
    }

    #[test]
    fn what_can_not_be_asked_is_asked_less_and_less_often() {
        let last = |failures| Last { failed: true, failures, ..Last::default() };
        let waits: Vec<Duration> = (1..8).map(|failures| wait(INTERVAL, last(failures), 3)).collect();
        assert!(waits[0] <= INTERVAL && waits[1] > waits[0] && waits[4] > waits[2]);
        assert!(waits[6] <= INTERVAL * 16);
    }
}
