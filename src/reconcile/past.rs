//! What the loop remembers of one resource.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::pace::{HOUR, forget};
use crate::desired::ReconcileSettings;
use crate::execute::scramble;

/// The longest quarantine: once a day a repair is tried in any case.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// What the loop remembers of one resource. Times are counted from any fixed moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Since when it differs.
    pub differs_since: Option<Duration>,
    /// When it was acted on, within the last hour.
    pub actions: VecDeque<Duration>,
    /// How many repairs failed in a row.
    pub failures: u32,
    /// Why the last one did.
    pub error: String,
    /// When it may be tried again.
    pub retry_at: Duration,
    /// When its object was last made.
    pub made_at: Option<Duration>,
    /// When each attribute was repaired; the object itself is the empty path.
    pub heals: BTreeMap<String, VecDeque<Duration>>,
    /// What is quarantined, by the same paths.
    pub quarantines: BTreeMap<String, Quarantine>,
}

/// One attribute, or an object, that is not repaired for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Until when.
    pub until: Duration,
    /// How many came before it without a rest between.
    pub level: u32,
    /// How often it was repaired before it began.
    pub heals: usize,
    /// Who changes it, as far as is known.
    pub rival: Option<String>,
}

impl Past {
    /// What was not settled for long is forgotten.
    pub fn forget_old(&mut self, limits: &ReconcileSettings, now: Duration) {
        forget(&mut self.actions, HOUR, now);
        for heals in self.heals.values_mut() {
            forget(heals, limits.heal_window, now);
        }
        self.heals.retain(|_, heals| !heals.is_empty());
        // One that held through a whole window after its quarantine is at peace again.
        self.quarantines.retain(|_, one| now < one.until + limits.heal_window);
        self.made_at = self.made_at.filter(|made| now.saturating_sub(*made) < HOUR);
    }

    /// Whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differs_since.is_none()
            && self.actions.is_empty()
            && self.failures == 0
            && self.made_at.is_none()
            && self.heals.is_empty()
            && self.quarantines.is_empty()
    }

    /// Begins a quarantine of what was repaired too often, where that is so. One that flaps again after its quarantine needs no more than
    /// one repair that did not hold.
    pub fn quarantine(&mut self, field: &str, limits: &ReconcileSettings, rival: Option<String>, now: Duration) {
        let heals = self.heals.get(field).map_or(0, VecDeque::len);
        let former = self.quarantines.get(field);
        if former.is_some_and(|one| now < one.until) || heals < former.map_or(limits.max_heals, |_| 1) {
            return;
        }
        let level = former.map_or(0, |one| one.level.saturating_add(1));
        let before = former.map_or(0, |one| one.heals);
        let rival = rival.or_else(|| former.and_then(|one| one.rival.clone()));
        let time = limits.quarantine.saturating_mul(1 << level.min(20)).min(LONGEST.max(limits.quarantine));
        let quarantine = Quarantine { until: now + time, level, heals: before + heals, rival };
        self.quarantines.insert(field.to_owned(), quarantine);
        self.heals.remove(field);
    }

    /// What is quarantined at this moment.
    pub fn quarantined(&self, now: Duration) -> impl Iterator<Item = (&str, &Quarantine)> {
        self.quarantines.iter().filter(move |(_, one)| now < one.until).map(|(field, one)| (field.as_str(), one))
    }

    /// Learns that a repair failed. The wait doubles each time; `seed` spreads it, so that many that failed together don't come back
    /// together.
    pub fn fail(&mut self, error: &str, limits: &ReconcileSettings, seed: u64, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        error.clone_into(&mut self.error);
        let full = limits.backoff.saturating_mul(1 << (self.failures - 1).min(30)).min(limits.max_backoff);
        self.retry_at = now + spread(full, seed ^ u64::from(self.failures));
    }

    /// Learns that a repair succeeded.
    pub fn succeed(&mut self, fields: &[String], made: bool, now: Duration) {
        self.forget_failures();
        let whole = [String::new()];
        for field in if fields.is_empty() { &whole } else { fields } {
            self.heals.entry(field.clone()).or_default().push_back(now);
        }
        if made {
            self.made_at = Some(now);
        }
    }

    /// Forgets that repairs failed.
    pub fn forget_failures(&mut self) {
        (self.failures, self.retry_at) = (0, Duration::ZERO);
        self.error.clear();
    }
}

/// A time between three quarters of `full` and `full`, chosen by a seed.
#[must_use]
pub fn spread(full: Duration, seed: u64) -> Duration {
    let quarter = full / 4;
    let nanos = u64::try_from(quarter.as_nanos()).unwrap_or(u64::MAX).max(1);
    full - quarter + Duration::from_nanos(scramble(seed) % nanos)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Past, spread};
    use crate::desired::ReconcileSettings;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end_with_a_success() {
        let limits = ReconcileSettings::default();
        let mut past = Past::default();
        let mut waits = Vec::new();
        for _ in 0..12 {
            past.fail("denied", &limits, 7, at(0));
            waits.push(past.retry_at.as_secs());
        }
        assert!(waits.windows(2).take(5).all(|pair| pair[1] > pair[0]), "{waits:?}");
        assert!(waits.last().is_some_and(|last| (675..=900).contains(last)), "{waits:?}");
        past.succeed(&[], false, at(1));
        assert_eq!((past.failures, past.retry_at), (0, Duration::ZERO));
    }

    #[test]
    fn a_second_quarantine_needs_one_repair_and_is_twice_as_long_and_peace_ends_it() {
        let limits = ReconcileSettings::default();
        let mut past = Past::default();
        let field = "versioning".to_owned();
        for second in 0..5 {
            past.quarantine(&field, &limits, None, at(second));
            assert_eq!(past.quarantined(at(second)).count(), 0);
            past.succeed(std::slice::from_ref(&field), false, at(second));
        }
        past.quarantine(&field, &limits, Some("kube-controller".into()), at(5));
        assert_eq!(past.quarantines[&field].until, at(5 + 1_800));
        past.succeed(std::slice::from_ref(&field), false, at(1_810));
        past.quarantine(&field, &limits, None, at(1_840));
        let second = &past.quarantines[&field];
        assert_eq!((second.until, second.heals), (at(1_840 + 3_600), 6));
        assert_eq!(second.rival.as_deref(), Some("kube-controller"), "who it was is still known");
        past.forget_old(&limits, at(1_840 + 3_600 + 601));
        assert!(past.quarantines.is_empty() && past.heals.is_empty());
    }

    #[test]
    fn waits_are_spread_within_their_last_quarter() {
        for seed in 0..1_000 {
            let wait = spread(at(100), seed);
            assert!(wait >= at(75) && wait <= at(100), "seed {seed}: {wait:?}");
        }
    }
}
