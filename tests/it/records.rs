//! Bad records: damaged, unreadable, and written by a holder whose lease is over.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use atlas::action::Verb;
use atlas::address::Address;
use atlas::driver::sandbox::{Sandbox, ScriptedFault, World};
use atlas::driver::{Claims, Class, Driver, DriverError, Listing, Look, Registry, Request, Seen, Service, Session};
use atlas::execute::Entry;
use atlas::identity::Identity;
use atlas::kind::{Kind, KindRef, Outputs};
use atlas::observed::{Mark, Object, Owner};
use atlas::plan::Options;
use atlas::recorded::{Intent, Recorded};
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use atlas::store::{Disk, LocalFolder, LockError, Run, Store as _};

use crate::support::{Engine, Place, execute};

const SPEC: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n\
    [region.us-east-1]\n[queue.one]\nregions = [\"us-east-1\"]\n[queue.two]\nregions = [\"us-east-1\"]\n\
    depends_on = [\"queue.one\"]\n[queue.three]\nregions = [\"us-east-1\"]\n";
const JOURNAL: &str = ".atlas/records/t/s/journal.jsonl";

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
    assert_eq!(std::fs::read(place.path(".atlas/records/t/s/journal.damaged.jsonl")).expect("aside"), cut);
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
    let path = place.path(".atlas/records/t/s/history.jsonl");
    let whole = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, format!("{whole}{}", &whole[..whole.find('\n').expect("a line") / 2])).expect("written");
    place.expect(0, &["sandbox", "delete", "queue.three@us-east-1"]);
    place.expect(0, &["apply", "--yes"]);
    let runs = place.json(&["history", "--json"]);
    assert_eq!(runs["runs"].as_array().or(runs.as_array()).expect("a list").len(), 2, "{runs}");
}

/// A holder that slept at the question `Apply these changes?` must not begin a journal over its successor's.
#[tokio::test]
async fn a_late_holder_can_not_begin_a_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Disk::new(LocalFolder::beside(&folder.path().join("atlas.toml")), "t", "e");
    let lease = Duration::from_secs(60);
    let slow = store.lock("atlas apply", lease).expect("free").lock;
    let lock = std::fs::File::open(store.folder().join("lock")).expect("there");
    lock.set_modified(UNIX_EPOCH + Duration::from_secs(1)).expect("set");
    let quick = store.lock("atlas apply", lease).expect("the lease ran out").lock;
    let run = Run::now("apply", "f".into());
    let journal = store.journal(&run, &Recorded::default(), quick.fence().clone()).expect("begun");
    let address = Address::new("bucket", "a", None);
    journal.intend(Entry::new(0, &address, Verb::Create, "bucket/a")).await.expect("written");
    let late = store.journal(&run, &Recorded::default(), slow.fence().clone()).err().expect("refused");
    let LockError::Disk(late) = late else { panic!("{late:?}") };
    assert!(late.to_string().contains("the lease was lost to process"), "{late}");
    assert!(store.recorded().expect("readable").intended("bucket/a"), "what was intended is still known");
}

/// Whatever stands in a file of the records, nothing is lost by it, and nobody acts twice.
#[test]
fn a_folder_in_the_place_of_a_record_is_said() {
    let place = Place::with(SPEC);
    place.expect(0, &["apply", "--yes"]);
    for (name, commands, said) in [
        ("lock", &[&["apply", "--yes"][..]][..], "the records can't be written"),
        ("lock.guard", &[&["apply", "--yes"]], "the records can't be written"),
        ("journal.part", &[&["apply", "--yes"]], "the journal can't be written"),
        ("journal.jsonl", &[&["plan"], &["apply", "--yes"], &["status"], &["drift"]], "the records can't be read"),
        ("inventory.txt", &[&["status"], &["drift"]], "the inventory can't be read"),
        ("history.jsonl", &[&["history"]], "the history can't be read"),
    ] {
        place.expect(0, &["sandbox", "delete", "queue.three@us-east-1"]);
        let path = place.path(".atlas/records/t/s").join(name);
        let whole = std::fs::read(&path).ok();
        let _ = std::fs::remove_file(&path);
        std::fs::create_dir(&path).expect("made");
        for command in commands {
            let run = place.run(command);
            assert_eq!(run.code, 1, "{name}: {run:?}");
            assert!(run.stderr.contains(said), "{name}: {run:?}");
            assert!(run.stderr.contains(&format!("{name}`: a folder is where a file belongs")), "{name}: {run:?}");
        }
        if ["inventory.txt", "history.jsonl"].contains(&name) {
            // A record that only people read does not stop an apply.
            let run = place.run(&["apply", "--yes"]);
            assert!(run.code == 0 && run.stderr.contains("warning: the "), "{name}: {run:?}");
        }
        std::fs::remove_dir(&path).expect("nothing was put in it");
        if let Some(whole) = whole {
            std::fs::write(&path, whole).expect("written");
        }
        place.expect(0, &["apply", "--yes"]);
        place.expect(0, &["plan", "--detailed-exitcode"]);
    }
}

/// Behind a link, records would be written somewhere else.
#[cfg(unix)]
#[test]
fn no_link_is_followed_where_records_are() {
    use std::os::unix::fs::symlink;
    for name in [
        "",
        "records",
        "records/t",
        "records/t/s",
        "records/t/s/lock",
        "records/t/s/lock.guard",
        "records/t/s/journal.jsonl",
        "records/t/s/journal.part",
        "records/t/s/inventory.txt",
        "records/t/s/inventory.part",
        "records/t/s/history.jsonl",
        "world",
        "world/s",
        "world/s/world.db",
    ] {
        for there in [true, false] {
            let place = Place::with(SPEC);
            place.expect(0, &["apply", "--yes"]);
            place.expect(0, &["sandbox", "delete", "queue.three@us-east-1"]);
            let (path, target) = (place.path(".atlas").join(name), place.path("elsewhere"));
            let path = if name.is_empty() { place.path(".atlas") } else { path };
            if name.ends_with("inventory.part") {
                // It is written only when there is something new.
                std::fs::write(place.path(".atlas/records/t/s/inventory.txt"), "").expect("written");
            }
            // The link leads to a valid target, so that the link alone is refused.
            if there && std::fs::symlink_metadata(&path).is_ok() {
                std::fs::rename(&path, &target).expect("moved");
            } else if path.is_dir() {
                std::fs::remove_dir_all(&path).expect("removed");
            } else {
                let _ = std::fs::remove_file(&path);
            }
            symlink(&target, &path).expect("linked");
            let before = contents(&target);
            let run = place.run(&["apply", "--yes"]);
            assert!(run.stderr.contains("it is a link, and Atlas follows none"), "{name} {there}: {run:?}");
            if name.starts_with("world") {
                for command in
                    [&["plan"][..], &["sandbox", "delete", "queue.one@us-east-1"], &["sandbox", "reset", "--yes"]]
                {
                    let run = place.run(command);
                    let is_reset = command.contains(&"reset");
                    let removes_the_link = is_reset && name.ends_with("world.db");
                    assert_eq!(run.code == 0, removes_the_link, "{name} {there}: {run:?}");
                    assert_eq!(contents(&target), before, "{name} {there} {command:?}");
                }
                continue;
            }
            let only_for_people = name.contains("inventory") || name.contains("history");
            assert_eq!(run.code, if only_for_people { 0 } else { 1 }, "{name} {there}: {run:?}");
            assert_eq!(contents(&target), before, "{name} {there}: something was written behind the link");
            assert!(std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()), "the link stays as it is");
        }
    }
}

/// Every file at or below a path, with what is in it.
#[cfg(unix)]
fn contents(path: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    // The sandbox's world is no record, and may be written.
    if path.is_file() {
        return vec![(path.to_owned(), std::fs::read(path).expect("readable"))];
    }
    let mut all = Vec::new();
    for entry in std::fs::read_dir(path).into_iter().flatten() {
        let entry = entry.expect("readable").path();
        if !entry.ends_with("world") {
            all.extend(contents(&entry));
        }
    }
    all.sort();
    all
}

#[test]
fn nothing_in_records_controls_the_terminal() {
    let place = Place::with(SPEC);
    place.expect(0, &["apply", "--yes"]);
    let evil = "\\u001b[2J\\u001b]0;x\\u0007\\r\u{202e}";
    let clean = |run: &crate::support::Run| {
        let raw = |text: &str| text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}');
        assert!(!raw(&run.stdout) && !raw(&run.stderr), "{run:?}");
        assert!(run.stdout.contains("\\u{1b}[2J") || run.stderr.contains("\\u{1b}[2J"), "{run:?}");
    };
    let lock = place.path(".atlas/records/t/s/lock");
    let note = format!(r#"{{"pid":7,"host":"{evil}","command":"{evil}","since":"{evil}","token":1}}"#);
    let file = std::fs::File::options().read(true).write(true).open(&lock).expect("there");
    file.lock().expect("free");
    place.expect(0, &["sandbox", "delete", "queue.three@us-east-1"]);
    for (held, code) in [(true, 5), (false, 0)] {
        std::fs::write(&lock, &note).expect("written");
        if !held {
            file.unlock().expect("let go");
        }
        let run = place.run(&["apply", "--yes"]);
        assert_eq!(run.code, code, "{run:?}");
        clean(&run);
        if held {
            place.expect(5, &["apply", "--yes"]);
            place.expect(5, &["sandbox", "reset", "--yes"]);
        }
    }
    let line = format!(
        r#"{{"began":"{evil}","command":"{evil}","plan":"","ended":"","outcome":"{evil}","counts":{{"{evil}":1}}}}"#
    );
    std::fs::write(place.path(".atlas/records/t/s/history.jsonl"), line).expect("written");
    clean(&place.run(&["history"]));
    place.json(&["history", "--json"]);
}

/// Killed at any moment of its first start, Atlas finds a world that is whole, or none.
#[cfg(feature = "crash-points")]
#[test]
fn a_first_start_that_is_killed_leaves_a_world_that_can_be_used() {
    let mut died = Vec::new();
    for at in 1..=12 {
        let place = Place::with(SPEC);
        let log = place.path("points");
        let mut command = place.command(&["apply", "--yes", "--parallelism", "1"]);
        let output = command.env("ATLAS_CRASH_AT", at.to_string()).env("ATLAS_CRASH_LOG", &log).output();
        assert_eq!(output.expect("it runs").status.code(), None, "point {at}");
        let points = std::fs::read_to_string(&log).expect("written");
        died.push(points.lines().last().unwrap_or_default().to_owned());
        let plan = place.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(plan.code, 2, "{died:?}: {plan:?}");
        place.expect(0, &["apply", "--yes"]);
        place.expect(0, &["plan", "--detailed-exitcode"]);
    }
    assert!(died.iter().any(|name| name.ends_with("world: before its tables are there")), "{died:?}");
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

    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
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

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
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

/// What a creation that was denied was about to make is not there, so an object that somebody makes by that name later is not
/// Atlas's: it is neither taken over nor deleted.
#[test]
fn a_creation_that_was_denied_claims_nothing() {
    for class in [Class::Denied, Class::Invalid, Class::Conflict] {
        let place = Place::with(SPEC);
        place.expect(0, &["apply", "--yes", "--target", "region.us-east-1"]);
        let world = World::open(&place.path(".atlas/world/s")).expect("there");
        let address = Address::new("queue", "three", Some("us-east-1"));
        world.fail(&ScriptedFault { address, verb: "create".into(), class, times: 1 }).expect("written");
        let run = place.run(&["apply", "--yes"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        let mut theirs = world.get("region/us-east-1/queue/one").expect("readable").expect("made");
        theirs.identity = Identity::root("region", "us-east-1").inside("queue", "three");
        theirs.mark = None;
        world.plant(&theirs).expect("written");
        let run = place.run(&["plan"]);
        assert!(run.stdout.contains("exists and belongs to nobody that Atlas knows"), "{class}: {}", run.stdout);
        place.edit("[queue.three]", "[queue.four]");
        let run = place.run(&["plan"]);
        assert!(!run.stdout.contains("queue.three"), "{class}: {}", run.stdout);
    }
}

/// An intent is bound to where it would have acted.
#[tokio::test]
async fn what_was_intended_in_another_account_claims_nothing_here() {
    let engine = Engine::new();
    let spec = "[project]\nname = \"t\"\n[region.a]\n";
    let with = format!("{spec}[bucket.b]\nregions = [\"a\"]\nname = \"bbb\"\n");
    engine.converge(&with).await;
    let identity = Identity::root("region", "a").inside("bucket", "bbb");
    engine.world().edit(&identity, |bucket| bucket.mark = None).expect("edited");
    let pipeline = engine.pipeline(&with).expect("good");
    let observed = pipeline.observe(&Recorded::default()).await.expect("observed");
    let here = observed.place_of(&identity);
    assert!(here.contains("account"), "{here}");
    let address = Address::new("bucket", "b", Some("a"));
    for (place, claimed) in [(here.as_str(), true), ("", true), ("region/a: account 444455556666", false)] {
        let intent = Intent::new(identity.as_str(), place);
        let recorded = Recorded { pending: [(intent, address.clone())].into(), ..Recorded::default() };
        let plan = pipeline.plan(&recorded, &observed, &Options::default());
        assert_eq!(plan.change(&address).expect("planned").blocked.is_none(), claimed, "{place}");
        let open = pipeline.still_open(&recorded, &observed).await;
        assert_eq!(open.pending.len(), 1, "{place}: it stays open");
    }
}
