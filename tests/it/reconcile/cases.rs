//! What loops and automation got wrong, row by row, in virtual time. docs/healing-cases.md lists them.

use std::time::Duration;

use atlas::desired::{ReconcileMode, ReconcileSettings};
use atlas::reconcile::{Hold, Suspension};

use super::virtual_world::{State, VirtualWorld};
use crate::support::address;

const HOUR: Duration = Duration::from_secs(3_600);

fn names(kind: &str, count: usize, place: &str) -> Vec<String> {
    (0..count).map(|at| format!("{kind}.n{at}@{place}")).collect()
}

fn refs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

#[test]
fn a_rival_is_quarantined_by_field_and_named_and_other_fields_are_still_healed() {
    let mut world = VirtualWorld::of(&["bucket.a@us"]);
    // Every ten seconds the rival sets it back.
    for _ in 0..60 {
        world.drift("bucket.a@us", "versioning");
        world.pass(10);
    }
    let bounded = world.acted_since("bucket.a@us", Duration::ZERO);
    assert_eq!(bounded, ReconcileSettings::default().max_heals, "then it is left alone");
    let quarantined: Vec<String> = world.governor.quarantined(world.now).map(|(_, hold)| hold.to_string()).collect();
    assert_eq!(quarantined.len(), 1);
    assert!(quarantined[0].contains("`versioning` was repaired 5 times"), "{quarantined:?}");
    assert!(quarantined[0].contains("by the field manager `rival`"), "{quarantined:?}");
    world.set("bucket.a@us", State::Drifted(["versioning", "encryption"].into()));
    world.pass(10);
    assert_eq!(
        world.resources[&address("bucket.a@us")],
        State::Drifted(["versioning"].into()),
        "the other one is healed"
    );
}

#[test]
fn a_rival_that_is_gone_leaves_a_resource_that_recovers_by_itself() {
    let mut world = VirtualWorld::of(&["bucket.a@us"]);
    for _ in 0..30 {
        world.drift("bucket.a@us", "versioning");
        world.pass(10);
    }
    assert!(!world.is_fine("bucket.a@us"));
    // The rival leaves it as it set it. After the quarantine one repair is tried, and holds.
    let since = world.now;
    for _ in 0..300 {
        world.pass(10);
    }
    assert!(world.is_fine("bucket.a@us"));
    assert_eq!(world.acted_since("bucket.a@us", since), 1);
    assert_eq!(world.governor.quarantined(world.now).count(), 0);
    // And a rival that comes back meets the full patience again, a window later.
    for _ in 0..200 {
        world.pass(10);
    }
    let since = world.now;
    for _ in 0..3 {
        world.drift("bucket.a@us", "versioning");
        world.pass(10);
    }
    assert_eq!(world.acted_since("bucket.a@us", since), 3);
}

#[test]
fn a_rival_that_never_gives_up_costs_less_and_less() {
    let mut world = VirtualWorld::of(&["bucket.a@us"]);
    let begun = world.now;
    while world.now < begun + HOUR * 24 * 7 {
        world.drift("bucket.a@us", "versioning");
        world.pass(60);
    }
    let all = world.acted_since("bucket.a@us", begun);
    assert!(all <= 5 + 12, "5 repairs, then one after each quarantine of 30m, 1h, 2h … up to a day: {all}");
    assert!(all > 8, "and it is never given up: {all}");
}

#[test]
fn backoff_grows_and_resets_on_success_and_on_a_new_spec() {
    let mut world = VirtualWorld::of(&["bucket.a@us"]);
    world.denied.insert(address("bucket.a@us"), "denied".into());
    world.drift("bucket.a@us", "versioning");
    let begun = world.now;
    while world.acted_since("bucket.a@us", begun) < 6 {
        world.pass(1);
    }
    let times: Vec<Duration> = world.actions.iter().map(|(at, ..)| *at).collect();
    let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
    // A new spec is tried at once.
    world.governor.begin_anew();
    let before = world.now;
    world.pass(1);
    assert_eq!(world.acted_since("bucket.a@us", before), 1);
    // A success ends the waits, and the next failure begins with the shortest.
    world.denied.clear();
    while !world.is_fine("bucket.a@us") {
        world.pass(5);
    }
    world.pass(5);
    world.denied.insert(address("bucket.a@us"), "denied".into());
    world.drift("bucket.a@us", "versioning");
    let before = world.now;
    while world.acted_since("bucket.a@us", before) < 2 {
        world.pass(1);
    }
    assert!(world.now - before <= Duration::from_secs(13), "{:?}", world.now - before);
}

#[test]
fn one_failure_never_switches_healing_off() {
    let mut world = VirtualWorld::of(&["bucket.a@us"]);
    world.set("bucket.a@us", State::Gone);
    world.denied.insert(address("bucket.a@us"), "403".into());
    for _ in 0..6 {
        world.pass(10);
    }
    // The permission comes after a minute; nothing else changes.
    world.denied.clear();
    for _ in 0..12 {
        world.pass(10);
    }
    assert!(world.is_fine("bucket.a@us"));
}

#[test]
fn one_of_fifty_that_is_denied_for_ever_keeps_no_other_waiting() {
    let all = names("bucket", 50, "us");
    let mut world = VirtualWorld::of(&refs(&all));
    world.denied.insert(address(&all[7]), "403".into());
    for name in &all {
        world.drift(name, "versioning");
    }
    let begun = world.now;
    while world.now < begun + HOUR * 24 {
        world.pass(30);
    }
    assert_eq!(world.resources.values().filter(|state| **state == State::Fine).count(), 49);
    let tried = world.acted_since(&all[7], begun);
    assert!((24..=130).contains(&tried), "slowly, and for ever: {tried} in a day");
    assert!(matches!(world.held(&all[7]), Some(Hold::BackingOff { .. }) | None));
}

#[test]
fn what_is_on_its_way_is_left_alone_until_it_is_stuck_and_never_destroyed() {
    let mut world = VirtualWorld::of(&["app.web@dc"]);
    world.set("app.web@dc", State::Rolling);
    for _ in 0..48 {
        world.pass(10);
        assert!(matches!(world.held("app.web@dc"), Some(Hold::OnItsWay { stuck: None, .. })), "{:?}", world.last);
    }
    // After its deadline it may be changed.
    for _ in 0..20 {
        world.pass(10);
    }
    assert_eq!(world.acted_since("app.web@dc", Duration::ZERO), 1);
}

#[test]
fn an_object_that_was_made_a_moment_ago_and_is_not_listed_is_not_made_twice() {
    let mut world = VirtualWorld::of(&["queue.a@us"]);
    world.set("queue.a@us", State::Gone);
    world.pass(3);
    assert!(world.is_fine("queue.a@us"));
    world.set("queue.a@us", State::Gone);
    world.pass(3);
    assert_eq!(world.held("queue.a@us"), Some(&Hold::JustMade));
    world.pass(3);
    world.pass(3);
    world.pass(3);
    assert_eq!(world.acted_since("queue.a@us", Duration::ZERO), 2, "then it is believed");
}

#[test]
fn a_person_who_suspends_outranks_the_loop() {
    let mut world = VirtualWorld::of(&["bucket.a@us", "bucket.b@us"]);
    world.suspended =
        vec![Suspension { address: Some(address("bucket.a")), reason: "migration".into(), since: 0, until: u64::MAX }];
    world.set("bucket.a@us", State::Gone);
    world.set("bucket.b@us", State::Gone);
    for _ in 0..100 {
        world.pass(60);
    }
    assert!(!world.is_fine("bucket.a@us") && world.is_fine("bucket.b@us"));
    assert!(world.held("bucket.a@us").is_some_and(|hold| hold.to_string().contains("migration")));
    world.suspended.clear();
    world.pass(1);
    assert!(world.is_fine("bucket.a@us"));
}

#[test]
fn many_that_seem_lost_at_once_are_looked_at_three_times_before_that_is_believed() {
    let all = names("container", 20, "dc");
    let mut world = VirtualWorld::of(&refs(&all));
    // Whoever looks loses sight of nearly all, once.
    let fine = world.resources.clone();
    all.iter().take(15).for_each(|name| world.set(name, State::Gone));
    world.pass(5);
    assert!(world.actions.is_empty());
    assert!(matches!(world.held(&all[0]), Some(Hold::Frozen { lost: 15, all: 20, look: 1 })), "{:?}", world.last);
    world.resources = fine;
    world.pass(5);
    assert!(world.actions.is_empty(), "and sees again: nothing was done");
    // When it stays so, it is true.
    all.iter().take(15).for_each(|name| world.set(name, State::Gone));
    for _ in 0..3 {
        world.pass(5);
    }
    assert_eq!(world.actions.len(), 15);
}

#[test]
fn one_pass_deletes_no_more_than_it_may() {
    let all = names("bucket", 11, "us");
    let mut world = VirtualWorld::of(&refs(&all));
    world.mode = ReconcileMode::Apply;
    world.removed = all.iter().map(|name| address(name)).collect();
    for _ in 0..10 {
        world.pass(30);
    }
    assert!(world.actions.is_empty(), "an empty source deletes nothing");
    assert!(matches!(world.held(&all[0]), Some(Hold::TooManyDeletes { deletes: 11, most: 10 })));
    world.removed.remove(&address(&all[0]));
    world.pass(30);
    assert_eq!(world.actions.len(), 10);
}

#[test]
fn healing_removes_nothing_and_leaves_changes_of_the_spec_to_a_human() {
    let mut world = VirtualWorld::of(&["bucket.a@us", "bucket.b@us", "bucket.c@us"]);
    world.approved = false;
    world.removed.insert(address("bucket.a@us"));
    world.unapplied.insert(address("bucket.b@us"));
    world.drift("bucket.c@us", "versioning");
    for _ in 0..100 {
        world.pass(60);
    }
    assert_eq!(world.held("bucket.a@us"), Some(&Hold::Unapplied));
    assert_eq!(world.held("bucket.b@us"), Some(&Hold::Unapplied));
    assert!(world.is_fine("bucket.c@us"), "drift is repaired all the same");
    world.mode = ReconcileMode::Observe;
    world.drift("bucket.c@us", "versioning");
    world.pass(60);
    assert_eq!(world.held("bucket.c@us"), Some(&Hold::Observing));
}

#[test]
fn nothing_that_loses_data_is_done_without_a_human() {
    for mode in [ReconcileMode::Heal, ReconcileMode::Apply] {
        let mut world = VirtualWorld::of(&["bucket.a@us"]);
        world.mode = mode;
        world.lossy.insert(address("bucket.a@us"));
        world.set("bucket.a@us", State::Broken);
        for _ in 0..1_000 {
            world.pass(600);
        }
        assert!(world.actions.is_empty(), "{mode:?}");
        assert!(world.held("bucket.a@us").is_some_and(|hold| hold.to_string().contains("3 objects")));
    }
}

#[test]
fn one_failure_domain_at_a_time_is_disturbed_and_only_while_the_others_are_in_order() {
    let mut world = VirtualWorld::of(&["cluster.a@us", "cluster.b@eu", "queue.q@eu"]);
    world.set("cluster.a@us", State::Outdated);
    world.set("cluster.b@eu", State::Outdated);
    world.pass(30);
    assert_eq!(world.actions.len(), 1, "two places at once would be an outage");
    assert!(matches!(world.last.held.values().next(), Some(Hold::OtherPlace(_))), "{:?}", world.last);
    world.pass(30);
    assert_eq!(world.actions.len(), 2);
    // While nobody knows how one place is, the other one is not disturbed.
    world.set("cluster.a@us", State::Outdated);
    world.unseen.insert("eu".into());
    for _ in 0..100 {
        world.pass(30);
    }
    assert_eq!(world.held("cluster.a@us"), Some(&Hold::OtherPlace("eu".into())));
    world.unseen.clear();
    world.pass(30);
    assert!(world.is_fine("cluster.a@us"));
}

#[test]
fn ten_thousand_that_want_repair_at_once_come_back_at_a_rate_that_grows() {
    let all = names("queue", 10_000, "us");
    let mut world = VirtualWorld::of(&refs(&all));
    all.iter().for_each(|name| world.set(name, State::Gone));
    let mut each = Vec::new();
    for _ in 0..40 {
        let before = world.actions.len();
        world.pass(1);
        each.push(world.actions.len() - before);
    }
    assert_eq!(each[..6], [0, 0, 32, 64, 128, 256], "{each:?}");
    assert_eq!(world.actions.len(), 10_000, "all of them, within a minute");
    // A dependency that fails makes it slow down instead.
    let mut world = VirtualWorld::of(&refs(&all[..1_000]));
    for name in &all[..1_000] {
        world.set(name, State::Gone);
        world.denied.insert(address(name), "ServiceUnavailable".into());
    }
    for _ in 0..600 {
        world.pass(1);
    }
    assert!(world.actions.len() < 700, "{}", world.actions.len());
}

#[test]
fn an_hour_has_so_many_actions_for_one_resource_and_for_all() {
    let limits = ReconcileSettings { max_heals: 1_000, ..ReconcileSettings::default() };
    let mut world = VirtualWorld::with(&["bucket.a@us"], limits.clone());
    for _ in 0..360 {
        world.drift("bucket.a@us", "versioning");
        world.pass(10);
    }
    assert_eq!(world.actions.len(), limits.max_actions_each);
    let all = names("bucket", 30, "us");
    let limits = ReconcileSettings { max_actions: Some(20), max_actions_each: 20, ..limits };
    let mut world = VirtualWorld::with(&refs(&all), limits);
    for _ in 0..360 {
        all.iter().for_each(|name| world.drift(name, "versioning"));
        world.pass(10);
    }
    assert_eq!(world.actions.len(), 20);
    assert!(world.last.held.values().any(|hold| matches!(hold, Hold::AllSpent(20))));
}

#[test]
fn a_kind_at_a_place_is_replaced_by_its_share_at_a_time() {
    let all = names("container", 8, "dc");
    let mut world = VirtualWorld::of(&refs(&all));
    all.iter().for_each(|name| world.set(name, State::Outdated));
    for done in 1..=4 {
        world.pass(30);
        assert_eq!(world.actions.len(), 2 * done, "a quarter of eight");
    }
    // One that is broken counts, and serves nobody: to replace it takes nothing away.
    all.iter().for_each(|name| world.set(name, State::Outdated));
    world.set(&all[0], State::Broken);
    let before = world.actions.len();
    world.pass(30);
    assert_eq!(world.actions.len() - before, 2, "the broken one, and one more");
    let outdated = |world: &VirtualWorld| world.resources.values().filter(|one| **one == State::Outdated).count();
    assert_eq!((world.is_fine(&all[0]), outdated(&world)), (true, 6));
    // The only one of its kind can be replaced as well.
    let mut world = VirtualWorld::of(&["cluster.a@us"]);
    world.set("cluster.a@us", State::Outdated);
    world.pass(30);
    assert!(world.is_fine("cluster.a@us"));
}
