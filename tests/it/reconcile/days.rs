//! A thousand simulated days of random faults: the governor's limits hold at every moment, nothing is destroyed that must not be, and
//! all is well again once the faults stop.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use atlas::action::Verb;
use atlas::address::Address;
use atlas::desired::ReconcileSettings;
use atlas::reconcile::Suspension;

use super::virtual_world::{State, VirtualWorld, group};
use crate::support::address;

const DAY: u64 = 24 * 3_600;
const HOUR: Duration = Duration::from_secs(3_600);
/// How many days each seed lives.
const DAYS: u64 = 125;

/// SplitMix64: the same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }
}

fn names() -> Vec<String> {
    let mut names = Vec::new();
    for place in ["us", "eu"] {
        for kind in ["bucket", "queue", "container"] {
            names.extend((0..4).map(|at| format!("{kind}.n{at}@{place}")));
        }
        names.push(format!("cluster.dc@{place}"));
    }
    names
}

/// One life: what is broken at the moment, and who keeps breaking it.
struct Life {
    seed: u64,
    chance: Chance,
    world: VirtualWorld,
    names: Vec<String>,
    /// Resources with somebody who changes them back all the time, and until when.
    rivals: BTreeMap<String, Duration>,
    /// Resources that are on their way, and until when.
    rolling: BTreeMap<String, Duration>,
    suspended_until: Duration,
    denied_until: Duration,
    checked: usize,
    recent: VecDeque<(Duration, Address)>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let names = names();
        let limits = ReconcileSettings { max_actions: Some(90), ..ReconcileSettings::default() };
        let world = VirtualWorld::with(&names.iter().map(String::as_str).collect::<Vec<_>>(), limits);
        let zero = Duration::ZERO;
        let (rivals, rolling, recent) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        let chance = Chance(seed);
        Self {
            seed,
            chance,
            world,
            names,
            rivals,
            rolling,
            suspended_until: zero,
            denied_until: zero,
            checked: 0,
            recent,
        }
    }

    fn any(&mut self) -> String {
        let at = self.chance.next(self.names.len() as u64);
        self.names[usize::try_from(at).expect("small")].clone()
    }

    fn fault(&mut self) {
        let name = self.any();
        let now = self.world.now;
        let later = |chance: &mut Chance, most: u64| now + Duration::from_secs(60 + chance.next(most));
        match self.chance.next(12) {
            0 | 1 => self.world.set(&name, State::Gone),
            2 => self.world.set(&name, State::Broken),
            3 => self.world.drift(&name, "versioning"),
            4 => self.world.set(&name, State::Drifted(["versioning", "tags"].into())),
            5 => self.world.set(&name, State::Outdated),
            6 => drop(self.rivals.insert(name, later(&mut self.chance, 6 * 3_600))),
            7 => {
                let until = later(&mut self.chance, 1_200);
                self.world.set(&name, State::Rolling);
                self.rolling.insert(name, until);
            }
            8 => {
                self.world.denied.insert(address(&name), "403".into());
                self.denied_until = later(&mut self.chance, 2 * 3_600);
            }
            9 => {
                let own = address(&name);
                self.world.suspended =
                    vec![Suspension { address: Some(own), reason: "x".into(), since: 0, until: u64::MAX }];
                self.suspended_until = later(&mut self.chance, 12 * 3_600);
            }
            10 => {
                let place = if self.chance.next(2) == 0 { "us" } else { "eu" };
                for name in self.names.clone().iter().filter(|name| name.ends_with(place)) {
                    self.world.set(name, State::Gone);
                }
            }
            _ => drop(self.world.lossy.insert(address(&name))),
        }
    }

    /// What goes on by itself.
    fn pass_time(&mut self, faults: bool) {
        let now = self.world.now;
        self.rivals.retain(|_, until| *until > now && faults);
        for name in self.rivals.keys() {
            self.world.drift(name, "versioning");
        }
        let over: Vec<String> =
            self.rolling.iter().filter(|(_, until)| **until <= now).map(|(name, _)| name.clone()).collect();
        for name in over {
            self.rolling.remove(&name);
            if self.world.resources.get(&address(&name)) == Some(&State::Rolling) {
                self.world.set(&name, State::Fine);
            }
        }
        if now >= self.suspended_until {
            self.world.suspended.clear();
        }
        if now >= self.denied_until {
            self.world.denied.clear();
        }
        if self.chance.next(50) == 0 || !faults {
            self.world.lossy.clear();
        }
    }

    fn pass(&mut self, then: u64) {
        let before = self.world.resources.clone();
        let now = self.world.now;
        self.world.pass(then);
        self.check(&before, now);
    }

    /// Whatever was done in this pass was within all limits.
    fn check(&mut self, before: &BTreeMap<Address, State>, now: Duration) {
        let seed = self.seed;
        let new: Vec<(Duration, Address, Verb)> = self.world.actions[self.checked..].to_vec();
        self.checked = self.world.actions.len();
        let limits = ReconcileSettings::default();
        let mut disturbed: BTreeMap<_, usize> = BTreeMap::new();
        let mut places: BTreeSet<String> = BTreeSet::new();
        for (at, address, _) in &new {
            assert_eq!(*at, now);
            assert!(!self.world.lossy.contains(address), "seed {seed}: {address} would lose data");
            assert!(
                !self.world.suspended.iter().any(|one| one.covers(address, &[])),
                "seed {seed}: {address} is suspended"
            );
            self.recent.push_back((now, address.clone()));
            if before[address] == State::Outdated {
                *disturbed.entry(group(address)).or_default() += 1;
                places.insert(address.place().unwrap_or_default().to_owned());
            }
        }
        assert!(places.len() <= 1, "seed {seed}: {places:?} are disturbed at once");
        for (group, count) in disturbed {
            let all = before.keys().filter(|address| super::virtual_world::group(address) == group).count();
            assert!(count <= (all / 4).max(1), "seed {seed}: {count} of {all} {group:?}");
        }
        while self.recent.front().is_some_and(|(at, _)| now - *at >= HOUR) {
            self.recent.pop_front();
        }
        assert!(self.recent.len() <= 90, "seed {seed}: {} actions in an hour", self.recent.len());
        for address in new.iter().map(|(_, address, _)| address) {
            let own = self.recent.iter().filter(|(_, one)| one == address).count();
            assert!(own <= limits.max_actions_each, "seed {seed}: {address} had {own} actions in an hour");
        }
        let many = before.values().filter(|state| matches!(state, State::Gone | State::Broken)).count();
        if many > before.len() / 2 && self.world.last.held.values().any(|hold| hold.word() == "frozen") {
            assert!(new.is_empty(), "seed {seed}: nothing is done while too much seems lost");
        }
        self.world.actions.drain(..self.checked.saturating_sub(1_000).min(self.world.actions.len()));
        self.checked = self.world.actions.len();
    }

    fn is_well(&self) -> bool {
        self.world.resources.values().all(|state| *state == State::Fine)
    }
}

#[test]
fn a_thousand_days_of_faults_keep_every_limit_and_end_well() {
    let mut passes = 0_u64;
    for seed in 1..=1_000 / DAYS {
        let mut life = Life::new(seed);
        let end = life.world.now + Duration::from_secs(DAYS * DAY);
        let mut next_fault = life.world.now;
        while life.world.now < end {
            if life.world.now >= next_fault {
                life.fault();
                next_fault = life.world.now + Duration::from_secs(60 + life.chance.next(4 * 3_600));
            }
            life.pass_time(true);
            // Where nothing is wrong, nothing happens until the next fault.
            let quiet = life.is_well() && life.rivals.is_empty();
            let step = if quiet { (next_fault - life.world.now).as_secs().max(30) } else { 30 };
            life.pass(step);
            passes += 1;
        }
        // The faults stop. The longest quarantine is a day, and one repair after it holds.
        let limit = life.world.now + Duration::from_secs(3 * DAY);
        while !life.is_well() {
            assert!(
                life.world.now < limit,
                "seed {seed} never ends well: {:?} {:?}",
                life.world.resources,
                life.world.last
            );
            life.pass_time(false);
            life.pass(60);
        }
        assert!(life.world.governor.quarantined(life.world.now + Duration::from_secs(2 * DAY)).next().is_none());
    }
    assert!(passes > 50_000, "{passes}");
}
