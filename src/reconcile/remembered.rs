//! What the governor remembers, as a record: a loop that is started again goes on with the limits that it had, and so does another one
//! that takes over.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alarm::Alarm;
use super::governor::Governor;
use super::hold::Hold;
use super::pace::ActionRate;
use super::past::{Past, Quarantine};
use crate::address::Address;
use crate::desired::ReconcileSettings;

/// What a record has. All times are milliseconds before or after it was written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Remembered {
    /// When it was written, in milliseconds since 1970.
    written: u64,
    at_once: usize,
    /// How many looks found too much lost.
    looks: u32,
    /// How long ago each action was.
    actions: Vec<u64>,
    resources: BTreeMap<Address, RememberedPast>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct RememberedPast {
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
    retry_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    heals: BTreeMap<String, Vec<u64>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    quarantines: BTreeMap<String, RememberedQuarantine>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct RememberedQuarantine {
    /// How long it still lasts; negative when it ended so long ago.
    left: i64,
    level: u32,
    heals: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rival: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this shape")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Governor {
    /// What it remembers, as a record. `now` is its own time, `wall` milliseconds since 1970.
    #[must_use]
    pub fn write(&self, now: Duration, wall: u64) -> String {
        let ago = |moment: &Duration| millis(now.saturating_sub(*moment));
        let past = |past: &Past| RememberedPast {
            differs: past.differs_since.as_ref().map(ago),
            actions: past.actions.iter().map(ago).collect(),
            failures: past.failures,
            error: past.error.clone(),
            made: past.made_at.as_ref().map(ago),
            retry_in: millis(past.retry_at.saturating_sub(now)),
            heals: past.heals.iter().map(|(field, all)| (field.clone(), all.iter().map(ago).collect())).collect(),
            quarantines: past.quarantines.iter().map(|(field, one)| (field.clone(), quarantine(one, now))).collect(),
        };
        let remembered = Remembered {
            written: wall,
            at_once: self.pace.at_once(),
            looks: self.alarm.looks(),
            actions: self.pace.moments().map(|moment| ago(&moment)).collect(),
            resources: self.past.iter().map(|(address, one)| (address.clone(), past(one))).collect(),
        };
        serde_json::to_string(&remembered).unwrap_or_default()
    }

    /// What is in quarantine by a record. `wall` is in milliseconds since 1970.
    #[must_use]
    pub fn quarantined_in(text: &str, wall: u64) -> Vec<(Address, Hold)> {
        let mut governor = Self::new(ReconcileSettings::default(), 0);
        governor.read(text, LONGEST, wall);
        governor.quarantined(LONGEST).map(|(address, hold)| (address.clone(), hold)).collect()
    }

    /// Takes what a record remembers. One that can't be understood is as good as none. One from the future, after a clock was set
    /// back, counts as written now: nobody waits for that time to come.
    pub fn read(&mut self, text: &str, now: Duration, wall: u64) {
        let Ok(remembered) = serde_json::from_str::<Remembered>(text) else { return };
        let passed = Duration::from_millis(wall.saturating_sub(remembered.written));
        let ago = |before: &u64| now.saturating_sub(passed.saturating_add(Duration::from_millis(*before)));
        let moments = |all: &[u64]| -> VecDeque<Duration> {
            let mut all: Vec<Duration> = all.iter().map(ago).collect();
            all.sort_unstable();
            all.into()
        };
        // Looks of long ago say nothing of now.
        let is_fresh = passed < Duration::from_secs(60);
        self.alarm = Alarm::after(if is_fresh { remembered.looks } else { 0 });
        self.pace = ActionRate::restore(remembered.actions.iter().map(ago), remembered.at_once);
        let past = |past: &RememberedPast| Past {
            differs_since: past.differs.as_ref().map(ago),
            actions: moments(&past.actions),
            failures: past.failures,
            error: past.error.clone(),
            retry_at: now + Duration::from_millis(past.retry_in).min(self.limits.max_backoff).saturating_sub(passed),
            made_at: past.made.as_ref().map(ago),
            heals: past.heals.iter().map(|(field, all)| (field.clone(), moments(all))).collect(),
            quarantines: past.quarantines.iter().map(|(field, one)| (field.clone(), one.read(now, passed))).collect(),
        };
        self.past = remembered.resources.iter().map(|(address, one)| (address.clone(), past(one))).collect();
    }
}

fn quarantine(one: &Quarantine, now: Duration) -> RememberedQuarantine {
    let number = |time: Duration| i64::try_from(millis(time)).unwrap_or(i64::MAX);
    let left = if one.until >= now { number(one.until - now) } else { -number(now - one.until) };
    RememberedQuarantine { left, level: one.level, heals: one.heals, rival: one.rival.clone() }
}

impl RememberedQuarantine {
    fn read(&self, now: Duration, passed: Duration) -> Quarantine {
        let left = Duration::from_millis(self.left.unsigned_abs());
        let until = if self.left < 0 { now.saturating_sub(left) } else { now + left.min(LONGEST) };
        let until = until.saturating_sub(passed);
        Quarantine { until, level: self.level, heals: self.heals, rival: self.rival.clone() }
    }
}

/// A record can't hold anything back for longer than this.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::address::Address;
    use crate::desired::ReconcileSettings;
    use crate::reconcile::governor::Governor;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn governor() -> Governor {
        let mut governor = Governor::new(ReconcileSettings::default(), 1);
        let address = Address::parse("bucket.a").expect("an address");
        let limits = governor.limits.clone();
        let past = governor.past.entry(address).or_default();
        past.actions.extend((0..7).map(|second| at(1_000_000 + second)));
        past.fail("denied", &limits, 1, at(1_000_000));
        past.differs_since = Some(at(999_990));
        for second in 0..5 {
            past.succeed(&["versioning".into()], false, at(1_000_000 + second));
        }
        past.quarantine("versioning", &limits, Some("somebody".into()), at(1_000_010));
        past.fail("denied", &limits, 1, at(1_000_010));
        governor.pace.act(at(1_000_000));
        governor
    }

    #[test]
    fn another_loop_goes_on_with_the_same_memory() {
        let first = governor();
        let text = first.write(at(1_000_020), 50_000);
        // The other one's own time began elsewhere, and ten seconds passed.
        let mut second = Governor::new(ReconcileSettings::default(), 1);
        second.read(&text, at(2_000_030), 60_000);
        let again = second.write(at(2_000_030), 60_000);
        let mut later = first.clone();
        later.read(&text, at(1_000_030), 60_000);
        assert_eq!(again, later.write(at(1_000_030), 60_000), "only what is relative counts");
        let past = second.past.values().next().expect("one");
        assert_eq!(past.quarantines["versioning"].until, at(2_000_030 + 1_780));
        assert_eq!((past.actions.len(), past.failures), (7, 1));
    }

    #[test]
    fn a_record_from_the_future_or_full_of_nonsense_holds_nothing_up() {
        let text = governor().write(at(1_000_020), 90_000_000);
        let mut second = Governor::new(ReconcileSettings::default(), 1);
        second.read(&text, at(1_000_030), 1_000);
        let past = second.past.values().next().expect("one");
        assert!(past.retry_at <= at(1_000_030 + 10), "{:?}", past.retry_at);
        for nonsense in ["", "{", "[]", r#"{"resources":{"x":{}}}"#, r#"{"written":-1}"#] {
            let mut governor = Governor::new(ReconcileSettings::default(), 1);
            governor.read(nonsense, at(10), 10);
            assert_eq!(governor, Governor::new(ReconcileSettings::default(), 1), "{nonsense}");
        }
    }
}
