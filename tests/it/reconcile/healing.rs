//! The loop over the sandbox's world: every kind, every way to lose it, back to what was last applied.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use atlas::desired::ReconcileMode;
use atlas::driver::sandbox::World;
use atlas::reconcile::{Hold, LoopPass, PassEnding, Reconciler, Terms};
use atlas::run::{self, RunError, Setup};
use atlas::spec::Inputs;
use atlas::value::Value;
use tokio::sync::{mpsc, watch};

use crate::support::{Place, address};

/// A spec in a folder, with a loop over its world.
struct Tended {
    place: Place,
    reconciler: Reconciler,
    /// The seconds of the loop's own clock.
    clock: Arc<AtomicU64>,
}

impl Tended {
    fn of(place: Place) -> Self {
        Self::with(place, None)
    }

    fn in_mode(place: Place, mode: ReconcileMode) -> Self {
        Self::with(place, Some(mode))
    }

    fn with(place: Place, mode: Option<ReconcileMode>) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let steady = Arc::clone(&clock);
        let terms = Terms {
            mode,
            interval: None,
            lease: Duration::from_secs(30),
            parallelism: 8,
            steady: Arc::new(move || Duration::from_secs(steady.load(Ordering::Relaxed))),
            wall: Arc::new(|| 1_000_000_000_000),
            seed: 1,
        };
        let reconciler = Reconciler::new(setup(&place), terms);
        Self { place, reconciler, clock }
    }

    fn wait(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    fn world(&self) -> World {
        let spec = run::read(&setup(&self.place)).expect("a good spec");
        run::world(&spec.local, &spec.desired, true).expect("a world")
    }

    async fn try_pass(&mut self) -> Result<LoopPass, RunError> {
        let (events, _) = mpsc::unbounded_channel();
        let (_stop, stopped) = watch::channel(false);
        self.reconciler.pass(events, stopped).await
    }

    async fn pass(&mut self) -> LoopPass {
        self.try_pass().await.unwrap_or_else(|error| panic!("{error}"))
    }
}

fn setup(place: &Place) -> Setup {
    Setup {
        file: place.path("atlas.toml"),
        inputs: Inputs::default(),
        variables: Arc::new(|_: &str| None),
        hidden: Arc::default(),
    }
}

fn applied(place: &Place) {
    let run = place.run(&["apply", "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
}

fn identity(place: &Place, name: &str) -> String {
    let spec = run::read(&setup(place)).expect("a good spec");
    spec.desired.get(&address(name)).map(|one| one.identity.to_string()).expect("there")
}

const SMALL: &str = r#"
[project]
name = "shop"
environment = "sandbox"

[environment.sandbox]
world = "sandbox"

[region.us]
[region.eu]

[bucket.logs]
regions = ["us", "eu"]
name = "${region}-logs"
versioning = true

[queue.orders]
regions = ["us", "eu"]
name = "${region}-orders"
retention = "4d"
"#;

#[tokio::test]
async fn every_kind_that_is_deleted_is_made_again_within_one_pass() {
    let place = Place::flagship();
    applied(&place);
    let mut tended = Tended::of(place);
    let first = tended.pass().await;
    assert_eq!((first.ending, first.deeds.len()), (PassEnding::Converged, 0), "{:?}", first.held);
    let spec = run::read(&setup(&tended.place)).expect("a good spec");
    let mut kinds: BTreeMap<&str, String> = BTreeMap::new();
    for instance in spec.desired.objects() {
        kinds.entry(instance.kind.name).or_insert(instance.address.to_string());
    }
    assert!(kinds.len() >= 10, "{kinds:?}");
    let world = tended.world();
    for name in kinds.values() {
        let identity = spec.desired.get(&address(name)).map(|one| one.identity.to_string()).expect("there");
        assert!(world.destroy(&identity).expect("written") > 0, "{name}");
        tended.wait(60);
        let mut pass = tended.pass().await;
        // With a region goes more than half of everything, which is looked at three times.
        for _ in 0..2 {
            if pass.held.values().all(|hold| matches!(hold, Hold::Frozen { .. })) && !pass.held.is_empty() {
                pass = tended.pass().await;
            }
        }
        assert_eq!(pass.ending, PassEnding::Converged, "{name}: {:?} {:?} {:?}", pass.held, pass.blocked, pass.deeds);
        assert!(pass.repaired().contains(&address(name)), "{name}: {:?}", pass.deeds);
        assert!(world.get(&identity).expect("readable").is_some(), "{name}");
    }
}

#[tokio::test]
async fn what_was_last_applied_is_restored_and_not_what_somebody_is_writing() {
    let place = Place::with(SMALL);
    applied(&place);
    place.edit("retention = \"4d\"", "retention = \"5d\"");
    let mut tended = Tended::of(place);
    let world = tended.world();
    let identity = identity(&tended.place, "queue.orders@us");
    world.edit(&identity, |object| object.attributes.set("retention", Value::String("2d".into()))).expect("written");
    let pass = tended.pass().await;
    assert_eq!(pass.repaired().len(), 1, "{:?} {:?}", pass.deeds, pass.held);
    let retention = |world: &World| {
        world.get(&identity).expect("readable").expect("there").attributes.get("retention").as_str().map(str::to_owned)
    };
    assert_eq!(retention(&world).as_deref(), Some("4d"), "the unapproved 5d is left to a human");
    // What is gone is made as it was, too, also while the spec is broken.
    world.destroy(&identity).expect("written");
    let text = tended.place.read("atlas.toml");
    tended.place.write("atlas.toml", &format!("{text}\n[bucket"));
    let pass = tended.pass().await;
    assert_eq!((pass.ending, pass.deeds.len()), (PassEnding::Converged, 1), "{:?} {:?}", pass.held, pass.blocked);
    assert!(pass.notes.iter().any(|note| note.contains("can't be used as it stands")), "{:?}", pass.notes);
    assert_eq!(retention(&world).as_deref(), Some("4d"));
    // Only an apply moves on.
    tended.place.write("atlas.toml", &text);
    applied(&tended.place);
    assert_eq!(retention(&world).as_deref(), Some("5d"));
    world.destroy(&identity).expect("written");
    tended.wait(11);
    tended.pass().await;
    assert_eq!(retention(&world).as_deref(), Some("5d"));
}

#[tokio::test]
async fn mode_apply_follows_the_spec_and_a_broken_one_stops_no_healing() {
    let place = Place::with(SMALL);
    applied(&place);
    let mut tended = Tended::in_mode(place, ReconcileMode::Apply);
    tended.pass().await;
    tended.place.edit("retention = \"4d\"", "retention = \"5d\"");
    let pass = tended.pass().await;
    assert_eq!((pass.ending, pass.repaired().len()), (PassEnding::Converged, 2), "{:?}", pass.held);
    let world = tended.world();
    let identity = identity(&tended.place, "bucket.logs@eu");
    world.destroy(&identity).expect("written");
    let text = tended.place.read("atlas.toml");
    tended.place.write("atlas.toml", "[project\n");
    let pass = tended.pass().await;
    assert_eq!(pass.repaired().len(), 1, "{:?}", pass.notes);
    tended.place.write("atlas.toml", &text);
    // An empty spec would delete everything: that is left to a human.
    tended.place.write("atlas.toml", SMALL.split("[region.us]").next().unwrap_or_default());
    let pass = tended.pass().await;
    assert!(pass.deeds.is_empty(), "{:?}", pass.deeds);
    assert_ne!(pass.ending, PassEnding::Converged);
}

#[tokio::test]
async fn what_was_destroyed_on_purpose_is_not_brought_back() {
    let place = Place::with(SMALL);
    applied(&place);
    let run = place.run(&["destroy", "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
    let mut tended = Tended::of(place);
    for _ in 0..5 {
        let pass = tended.pass().await;
        assert!(pass.deeds.is_empty(), "{:?}", pass.deeds);
    }
}

#[tokio::test]
async fn a_part_that_was_destroyed_or_applied_alone_is_left_as_a_person_left_it() {
    let place = Place::with(SMALL);
    applied(&place);
    let run = place.run(&["destroy", "--yes", "--target", "queue.orders@us"]);
    assert_eq!(run.code, 0, "{run:?}");
    place.edit("versioning = true", "versioning = false");
    let run = place.run(&["apply", "--yes", "--target", "bucket.logs@us"]);
    assert_eq!(run.code, 0, "{run:?}");
    let mut tended = Tended::of(place);
    let pass = tended.pass().await;
    assert!(pass.deeds.is_empty(), "{:?}", pass.deeds);
    let held: Vec<String> = pass.held.keys().map(ToString::to_string).collect();
    assert_eq!(held, ["bucket.logs@us", "queue.orders@us"]);
    assert!(pass.held.values().all(|hold| *hold == Hold::Unapplied));
    // Applying the whole spec makes all of it the loop's business again.
    applied(&tended.place);
    let world = tended.world();
    world.destroy(&identity(&tended.place, "queue.orders@us")).expect("written");
    assert_eq!(tended.pass().await.repaired().len(), 1);
}

#[tokio::test]
async fn nothing_is_done_in_a_region_that_does_not_answer_and_the_other_one_is_healed() {
    let place = Place::with(SMALL);
    applied(&place);
    let mut tended = Tended::of(place);
    let world = tended.world();
    let [us, eu] = ["bucket.logs@us", "bucket.logs@eu"].map(|name| identity(&tended.place, name));
    world.destroy(&us).expect("written");
    world.destroy(&eu).expect("written");
    world.set_outage(&identity(&tended.place, "region.us"), true).expect("written");
    let pass = tended.pass().await;
    assert_eq!(pass.repaired().into_iter().map(ToString::to_string).collect::<Vec<_>>(), ["bucket.logs@eu"]);
    assert_eq!(pass.ending, PassEnding::Held);
    assert!(pass.blocked.keys().any(|one| one.as_str() == "bucket.logs@us"), "{:?}", pass.blocked);
    world.set_outage(&identity(&tended.place, "region.us"), false).expect("written");
    assert_eq!(tended.pass().await.ending, PassEnding::Converged);
}

#[tokio::test]
async fn one_resource_that_can_not_be_planned_keeps_no_other_from_being_healed() {
    let place = Place::with(&SMALL.replace("versioning = true", "versioning = true\nprotect = true"));
    applied(&place);
    let mut tended = Tended::of(place);
    let world = tended.world();
    // A protected bucket whose name somebody changed could only be replaced.
    let [us, eu] = ["bucket.logs@us", "queue.orders@eu"].map(|name| identity(&tended.place, name));
    world.edit(&us, |object| object.attributes.set("object_lock", Value::Bool(true))).expect("written");
    world.destroy(&eu).expect("written");
    let pass = tended.pass().await;
    assert!(pass.repaired().contains(&address("queue.orders@eu")), "{:?} {:?}", pass.deeds, pass.refused);
}

#[tokio::test]
async fn an_unreadable_record_of_suspensions_suspends_everything() {
    let place = Place::with(SMALL);
    applied(&place);
    let run = place.run(&["suspend", "--reason", "x"]);
    assert_eq!(run.code, 0, "{run:?}");
    place.write(".atlas/records/shop/sandbox/suspensions.json", "{ torn");
    let mut tended = Tended::of(place);
    let world = tended.world();
    world.destroy(&identity(&tended.place, "bucket.logs@us")).expect("written");
    let pass = tended.pass().await;
    assert!(pass.deeds.is_empty());
    assert!(pass.held.values().any(|hold| matches!(hold, Hold::Suspended { .. })), "{:?}", pass.held);
    // What others asked for is not written over by whoever asks for something else.
    let run = tended.place.run(&["suspend", "bucket.logs", "--reason", "y"]);
    assert!(run.code == 1 && run.stderr.contains("everything counts as suspended"), "{run:?}");
    assert_eq!(tended.place.run(&["resume", "bucket.logs"]).code, 1);
    assert_eq!(tended.place.run(&["resume"]).code, 0);
    assert_eq!(tended.pass().await.repaired().len(), 1);
}

#[tokio::test]
async fn a_rival_that_changes_it_back_every_second_is_quarantined_and_named_and_the_resource_recovers() {
    let place = Place::with(SMALL);
    applied(&place);
    let mut tended = Tended::of(place);
    let world = tended.world();
    let identity = identity(&tended.place, "bucket.logs@us");
    let versioning =
        |world: &World| world.get(&identity).expect("readable").expect("there").attributes.get("versioning").clone();
    let mut repairs = 0;
    for _ in 0..60 {
        world.edit(&identity, |object| object.attributes.set("versioning", Value::Bool(false))).expect("written");
        let pass = tended.pass().await;
        repairs += pass.repaired().len();
        tended.wait(10);
    }
    assert_eq!(repairs, 5, "bounded");
    let pass = tended.pass().await;
    let held = pass.held.get(&address("bucket.logs@us")).map(ToString::to_string).unwrap_or_default();
    assert!(held.contains("`versioning`") && held.contains("atlas sandbox set"), "{held}");
    // Another loop knows as much, and so does a person who asks.
    let status = tended.place.run(&["status"]);
    tended.reconciler.forget();
    let pass = tended.pass().await;
    assert!(matches!(pass.held.get(&address("bucket.logs@us")), Some(Hold::Quarantined { .. })), "{:?}", pass.held);
    assert!(status.stdout.contains("bucket.logs@us"), "{status:?}");
    // The rival is gone.
    tended.wait(3_600);
    let pass = tended.pass().await;
    assert_eq!(pass.repaired().len(), 1, "{:?}", pass.held);
    assert_eq!(versioning(&world), Value::Bool(true));
}

#[tokio::test]
async fn a_pass_that_is_asked_to_stop_before_it_acts_claims_nothing() {
    let place = Place::with(SMALL);
    applied(&place);
    let mut tended = Tended::of(place);
    tended.world().destroy(&identity(&tended.place, "bucket.logs@us")).expect("written");
    let (events, _) = mpsc::unbounded_channel();
    let (_stop, stopped) = watch::channel(true);
    let pass = tended.reconciler.pass(events, stopped).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((pass.ending, pass.deeds.len()), (PassEnding::Stopped, 0));
}

/// To repair a part of a spec that nobody approved must not approve the rest of it.
#[tokio::test]
async fn repairing_drift_brings_no_unapproved_change_along_and_approves_none() {
    let place = Place::with(SMALL);
    applied(&place);
    // The records are gone, and somebody is writing the next version.
    std::fs::remove_file(place.path(".atlas/records/shop/sandbox/applied.json")).expect("removed");
    place.edit("retention = \"4d\"", "retention = \"5d\"");
    let mut tended = Tended::of(place);
    let world = tended.world();
    let [bucket, queue] = ["bucket.logs@us", "queue.orders@us"].map(|name| identity(&tended.place, name));
    world.edit(&bucket, |object| object.attributes.set("versioning", Value::Bool(false))).expect("written");
    world.edit(&queue, |object| object.attributes.set("delay", Value::String("7s".into()))).expect("written");
    for _ in 0..3 {
        let pass = tended.pass().await;
        assert!(!pass.repaired().contains(&address("queue.orders@us")), "{:?}", pass.deeds);
        assert!(matches!(pass.held.get(&address("queue.orders@us")), Some(Hold::Unapplied)), "{:?}", pass.held);
    }
    let attribute = |identity: &str, name: &str| {
        world.get(identity).expect("readable").expect("there").attributes.get(name).clone()
    };
    assert_eq!(attribute(&bucket, "versioning"), Value::Bool(true), "drift alone is repaired");
    assert_eq!(attribute(&queue, "retention"), Value::String("4d".into()));
    assert!(!tended.place.path(".atlas/records/shop/sandbox/applied.json").exists(), "nobody applied it");
}
