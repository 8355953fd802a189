//! Records under attack: damaged, unreadable, and written by somebody whose lease is over.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use atlas::action::Verb;
use atlas::address::Address;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Claims, Driver, DriverError, Listing, Look, Registry, Request, Seen, Service, Session};
use atlas::execute::{Entry, Journal as _};
use atlas::kind::{Kind, Outputs};
use atlas::observed::{Mark, Object, Owner};
use atlas::pipeline::Pipeline;
use atlas::plan::Options;
use atlas::recorded::Recorded;
use atlas::spec::{Inputs, compile};
use atlas::store::{Run, Store};

use crate::support::{Place, execute};

const SPEC: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n\
    [region.us-east-1]\n[queue.one]\nregions = [\"us-east-1\"]\n[queue.two]\nregions = [\"us-east-1\"]\n\
    depends_on = [\"queue.one\"]\n[queue.three]\nregions = [\"us-east-1\"]\n";
const JOURNAL: &str = ".atlas/records/s/journal.jsonl";

#[test]
fn a_damaged_journal_is_said_and_set_aside() {
    let place = Place::with(SPEC);
    place.expect(0, &["apply", "--yes"]);
    let plan = place.expect(0, &["plan"]);
    let whole = std::fs::read(place.path(JOURNAL)).expect("there");
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x80;
    std::fs::write(place.path(JOURNAL), &damaged).expect("written");
    // The end still says that nothing was left open, so that nothing in the middle matters.
    assert!(place.run(&["plan"]).stderr.is_empty());
    let cut = damaged[..damaged.len() - 30].to_vec();
    std::fs::write(place.path(JOURNAL), &cut).expect("written");
    let run = place.run(&["plan"]);
    assert_eq!((run.code, &run.stdout), (0, &plan), "what is planned is the same: {run:?}");
    assert!(
        run.stderr.contains("warning: 1 line of the journal can't be read; the next apply sets it aside"),
        "{run:?}"
    );
    assert!(run.stderr.contains("`atlas adopt ADDRESS` takes it back"), "{run:?}");
    place.expect(0, &["sandbox", "delete", "queue.three@us-east-1"]);
    place.expect(0, &["apply", "--yes"]);
    assert_eq!(std::fs::read(place.path(".atlas/records/s/journal.damaged.jsonl")).expect("aside"), cut);
    let run = place.run(&["plan", "--detailed-exitcode"]);
    assert!(run.code == 0 && run.stderr.is_empty(), "{run:?}");
}

#[test]
fn a_journal_that_a_crash_cut_off_is_said_and_nothing_is_lost() {
    let place = Place::with(SPEC);
    place.expect(0, &["apply", "--yes"]);
    let whole = std::fs::read(place.path(JOURNAL)).expect("there");
    for cut in [whole.len() - 3, whole.len() / 2, 5] {
        // A cut that leaves whole lines only is no different from a run that was killed between two of them.
        let cut = if whole[cut - 1] == b'\n' { cut + 1 } else { cut };
        std::fs::write(place.path(JOURNAL), &whole[..cut]).expect("written");
        let run = place.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(run.stderr, "The journal ends in half a line, as after a crash: what it was for had not begun.\n");
    }
    place.expect(0, &["sandbox", "delete", "queue.three@us-east-1"]);
    place.expect(0, &["apply", "--yes"]);
    assert!(place.run(&["plan", "--detailed-exitcode"]).stderr.is_empty());
}

#[test]
fn records_that_can_not_be_read_stop_a_run_before_it_overwrites_them() {
    let place = Place::with(SPEC);
    place.expect(0, &["apply", "--yes"]);
    std::fs::remove_file(place.path(JOURNAL)).expect("removed");
    std::fs::create_dir(place.path(JOURNAL)).expect("made");
    for command in [&["plan"][..], &["apply", "--yes"], &["status"]] {
        let run = place.run(command);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains("the records can't be read, so it is not known"), "{run:?}");
    }
    std::fs::remove_dir(place.path(JOURNAL)).expect("removed");
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn half_a_line_of_history_costs_no_other() {
    let place = Place::with(SPEC);
    place.expect(0, &["apply", "--yes"]);
    let path = place.path(".atlas/records/s/history.jsonl");
    let whole = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, format!("{whole}{}", &whole[..whole.len() / 2])).expect("written");
    place.expect(0, &["sandbox", "delete", "queue.three@us-east-1"]);
    place.expect(0, &["apply", "--yes"]);
    let runs = place.json(&["history", "--json"]);
    assert_eq!(runs["runs"].as_array().or(runs.as_array()).expect("a list").len(), 2, "{runs}");
}

/// Somebody who slept at the question `Apply these changes?` must not begin a journal over the one of who took over.
#[tokio::test]
async fn a_late_holder_can_not_begin_a_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::beside(&folder.path().join("atlas.toml"), "e");
    let lease = Duration::from_secs(60);
    let slow = store.lock("atlas apply", lease).expect("free").lock;
    let lock = std::fs::File::open(store.records().join("lock")).expect("there");
    lock.set_modified(UNIX_EPOCH + Duration::from_secs(1)).expect("set");
    let quick = store.lock("atlas apply", lease).expect("the lease ran out").lock;
    let run = Run::now("apply", "f".into());
    let journal = store.journal(&run, &Recorded::default(), quick.fence().clone()).expect("begun");
    let address = Address::new("bucket", "a", None);
    journal.intend(Entry::new(0, &address, Verb::Create, "bucket/a")).await.expect("written");
    let late = store.journal(&run, &Recorded::default(), slow.fence().clone()).err().expect("refused");
    assert!(late.to_string().contains("the lease was lost to process"), "{late}");
    assert!(store.recorded().expect("readable").intended("bucket/a"), "what was intended is still known");
}

/// A driver with a bug: it breaks off while it makes one of its objects.
struct Broken(Sandbox);

/// A session of that driver.
struct BrokenSession(Arc<dyn Session>);

#[async_trait]
impl Driver for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn serves(&self, kind: &'static Kind, host: Option<&Object>) -> Service {
        self.0.serves(kind, host)
    }

    fn simulates(&self) -> bool {
        true
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        Ok(Arc::new(BrokenSession(self.0.open(host, owner).await?)))
    }
}

#[async_trait]
impl Session for BrokenSession {
    fn speaks_addresses(&self) -> bool {
        true
    }

    async fn list(&self, kinds: &[&'static Kind], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        self.0.list(kinds, claims).await
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        self.0.read(look).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        assert!(want.identity.name() != "one", "there is a bug");
        self.0.create(want).await
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.0.update(seen, want).await
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        self.0.delete(seen).await
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        self.0.mark(seen, mark).await
    }
}

#[tokio::test]
async fn a_step_that_breaks_off_fails_by_name_and_the_others_go_on() {
    let (desired, _) = compile(SPEC, &Inputs::default());
    let driver = Arc::new(Broken(Sandbox::new(World::in_memory().expect("a world"))));
    let registry = Registry::new([driver as Arc<dyn Driver>]);
    let pipeline = Pipeline::new(desired.expect("good"), registry).expect("good");
    let observed = pipeline.observe(&Recorded::default()).await.expect("observed");
    let plan = pipeline.plan(&Recorded::default(), &observed, &Options::default());
    let report = execute(&pipeline, plan, &[]).await;
    let failed: Vec<_> = report.failed.iter().map(|one| (one.address.as_str(), one.error.as_str())).collect();
    let bug = "Atlas itself broke off in the middle of it, which is a bug: there is a bug";
    assert_eq!(failed, [("queue.one@us-east-1", bug)]);
    let skipped: Vec<_> = report.skipped.iter().map(|(address, ..)| address.as_str()).collect();
    assert_eq!(skipped, ["queue.two@us-east-1"]);
    assert!(report.done.iter().any(|(address, _)| address.as_str() == "queue.three@us-east-1") && !report.interrupted);
}
