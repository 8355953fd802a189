//! Records of a version that did not tell projects apart, and two projects in one folder.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atlas::action::Verb;
use atlas::address::Address;
use atlas::desired::Desired;
use atlas::execute::{Entry, Outcome};
use atlas::recorded::{Intent, Inventory, Recorded};
use atlas::spec::{Inputs, compile};
use atlas::store::{self, Disk, LocalFolder, LockError, Run, Store};

use crate::support::Place;

const LEASE: Duration = Duration::from_secs(60);

fn spec(project: &str, queue: &str) -> String {
    format!(
        "[project]\nname = \"{project}\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n\
         [region.us-east-1]\n[queue.{queue}]\nregions = [\"us-east-1\"]\n"
    )
}

fn desired(project: &str, queue: &str) -> Desired {
    compile(&spec(project, queue), &Inputs::default()).0.expect("good")
}

fn open(folder: &Path, project: &str, queue: &str) -> Arc<dyn Store> {
    store::open(&folder.join("atlas.toml"), &desired(project, queue)).expect("opened")
}

fn queue(name: &str) -> Address {
    Address::new("queue", name, Some("us-east-1"))
}

fn identity(name: &str) -> String {
    format!("region/us-east-1/queue/{name}")
}

/// Writes records as an older version did: open intents, an inventory, and one run.
async fn write_older(folder: &Path, intents: &[(&str, &str)], made: &[Address]) {
    let local = LocalFolder::beside(&folder.join("atlas.toml"));
    let disk = Disk::new(local, "before", "s");
    let held = disk.lock("atlas apply", LEASE).expect("free");
    let run = Run::now("apply", "f".into());
    let journal = disk.journal(&run, &Recorded::default(), held.lock.fence().clone()).expect("begun");
    journal.intend(Entry::new(0, &queue("done"), Verb::Create, &identity("done"))).await.expect("written");
    journal
        .conclude(Entry::new(0, &queue("done"), Verb::Create, &identity("done")), Outcome::Done)
        .await
        .expect("sent");
    for (step, (address, name)) in intents.iter().enumerate() {
        let entry = Entry::new(step + 1, &queue(address), Verb::Create, &identity(name));
        journal.intend(entry).await.expect("written");
    }
    drop(journal);
    disk.keep(&Inventory { made: made.iter().cloned().collect() }).expect("written");
    disk.remember(&run.ended(&atlas::execute::Report::default(), "converged")).expect("written");
    drop(held);
    fs::rename(folder.join(".atlas/records/before/s"), folder.join(".atlas/records/s")).expect("moved");
    fs::remove_dir(folder.join(".atlas/records/before")).expect("removed");
}

fn pending(store: &dyn Store) -> Vec<String> {
    store.recorded().expect("readable").pending.into_keys().map(|intent| intent.identity.to_string()).collect()
}

#[tokio::test]
async fn two_projects_in_one_folder_have_records_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (open(folder.path(), "one", "q"), open(folder.path(), "other", "q"));
    let held = one.lock("atlas apply", LEASE).expect("free");
    let journal = one.journal(&Run::now("apply", "f".into()), &Recorded::default(), held.lock.fence().clone());
    let entry = Entry::new(0, &queue("q"), Verb::Create, &identity("q")).at("engine 7");
    journal.expect("begun").intend(entry).await.expect("written");
    other.lock("atlas apply", LEASE).expect("another project's lock is another one");
    assert!(pending(other.as_ref()).is_empty(), "what one began is none of the other's business");
    let known = one.recorded().expect("readable").pending;
    assert_eq!(known[&Intent::new(identity("q"), "engine 7")], queue("q"));
    one.keep(&Inventory { made: [queue("q")].into() }).expect("written");
    assert!(other.inventory().expect("readable").made.is_empty() && other.history().expect("readable").is_empty());
}

#[tokio::test]
async fn of_older_records_a_project_takes_what_it_declares() {
    let folder = tempfile::tempdir().expect("a folder");
    // One intent is for what the spec declares; one for what it does not; one for another address than the spec's.
    write_older(folder.path(), &[("mine", "mine"), ("gone", "gone")], &[queue("mine"), queue("gone")]).await;
    let journal = folder.path().join(".atlas/records/s/journal.jsonl");
    let before = fs::read(&journal).expect("there");
    let store = open(folder.path(), "t", "mine");
    // A command that only looks takes nothing over, and sees the same.
    assert_eq!(pending(store.as_ref()), [identity("mine")]);
    assert_eq!(store.inventory().expect("readable").made.into_iter().collect::<Vec<_>>(), [queue("mine")]);
    assert_eq!(store.history().expect("readable").len(), 1);
    assert!(!folder.path().join(".atlas/records/t").exists());
    let held = store.lock("atlas apply", LEASE).expect("free");
    let said = held.notes.concat();
    assert!(said.contains("Took over") && said.contains("queue.gone@us-east-1"), "{said}");
    drop(held);
    for store in [store, open(folder.path(), "t", "mine")] {
        assert_eq!(pending(store.as_ref()), [identity("mine")]);
        assert_eq!(store.inventory().expect("readable").made.len(), 1);
        assert_eq!(store.history().expect("readable").len(), 1);
        assert!(store.lock("atlas apply", LEASE).expect("free").notes.is_empty(), "it is said once");
    }
    assert_eq!(fs::read(&journal).expect("there"), before, "what another project may want is as it was");
    assert_eq!(pending(open(folder.path(), "u", "gone").as_ref()), [identity("gone")]);
}

#[tokio::test]
async fn an_older_intent_for_another_address_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    write_older(folder.path(), &[("other", "mine")], &[]).await;
    let store = open(folder.path(), "t", "mine");
    assert!(pending(store.as_ref()).is_empty());
    let held = store.lock("atlas apply", LEASE).expect("free");
    assert!(held.notes.concat().contains("queue.other@us-east-1"), "{:?}", held.notes);
    assert!(pending(store.as_ref()).is_empty());
}

#[tokio::test]
async fn older_records_that_are_another_projects_are_left_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    write_older(folder.path(), &[("mine", "mine")], &[queue("theirs"), queue("done")]).await;
    let store = open(folder.path(), "t", "mine");
    for _ in 0..2 {
        assert!(pending(store.as_ref()).is_empty(), "of all that was there nothing is this spec's");
        assert!(store.history().expect("readable").is_empty() && store.inventory().expect("readable").made.is_empty());
        store.lock("atlas apply", LEASE).expect("free");
    }
    assert_eq!(pending(open(folder.path(), "theirs", "theirs").as_ref()), Vec::<String>::new());
    assert_eq!(open(folder.path(), "theirs", "theirs").history().expect("readable").len(), 1);
}

#[tokio::test]
async fn deleting_the_new_records_brings_nothing_old_back() {
    let folder = tempfile::tempdir().expect("a folder");
    write_older(folder.path(), &[("mine", "mine")], &[queue("mine")]).await;
    drop(open(folder.path(), "t", "mine").lock("atlas apply", LEASE).expect("free"));
    fs::remove_dir_all(folder.path().join(".atlas/records/t")).expect("removed");
    let store = open(folder.path(), "t", "mine");
    assert!(pending(store.as_ref()).is_empty() && store.history().expect("readable").is_empty());
    drop(store.lock("atlas apply", LEASE).expect("free"));
    assert!(pending(store.as_ref()).is_empty(), "an intent that was settled long ago claims nothing");
}

#[tokio::test]
async fn an_older_atlas_and_a_new_one_do_not_work_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    write_older(folder.path(), &[], &[queue("mine")]).await;
    let lock = folder.path().join(".atlas/records/s/lock");
    let token = |path: &Path| {
        let note: serde_json::Value = serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON");
        note["token"].as_u64().expect("a number")
    };
    let older = token(&lock);
    let store = open(folder.path(), "t", "mine");
    // The older version holds its own lock only.
    let file = fs::File::options().read(true).write(true).open(&lock).expect("there");
    file.try_lock().expect("free");
    assert!(matches!(store.lock("atlas apply", LEASE), Err(LockError::Held(_))));
    file.unlock().expect("let go");
    // The older version finds the lock held by the newer one, before and after the records were taken over.
    for _ in 0..2 {
        let held = store.lock("atlas apply", LEASE).expect("free");
        assert!(file.try_lock().is_err(), "the older one has to wait");
        assert!(held.lock.fence().token() > older && held.lock.fence().token() >= token(&lock));
        // Once the older version has taken the lock over, the newer one does nothing more.
        held.lock.fence().check().expect("held");
        let theirs = r#"{"pid":9,"host":"h","command":"c","since":"s","token":9000000000000}"#;
        let ours = fs::read(&lock).expect("there");
        fs::write(&lock, theirs).expect("written");
        held.lock.fence().check().expect_err("the lease was lost");
        fs::write(&lock, ours).expect("written");
        drop(held);
        file.try_lock().expect("free again");
        file.unlock().expect("let go");
    }
}

#[tokio::test]
async fn damage_in_older_records_is_still_said_once_they_are_taken_over() {
    let folder = tempfile::tempdir().expect("a folder");
    write_older(folder.path(), &[("mine", "mine")], &[queue("mine")]).await;
    let path = folder.path().join(".atlas/records/s/journal.jsonl");
    let mut text = fs::read(&path).expect("there");
    text[5] ^= 0x80;
    fs::write(&path, text).expect("written");
    let store = open(folder.path(), "t", "mine");
    assert_eq!(store.recorded().expect("readable").damage.lines, 1);
    let held = store.lock("atlas apply", LEASE).expect("free");
    let open = store.recorded().expect("readable");
    assert_eq!((open.damage.lines, open.pending.len()), (1, 1), "{open:?}");
    drop(store.journal(&Run::now("apply", "f".into()), &open, held.lock.fence().clone()).expect("begun"));
    assert_eq!(store.recorded().expect("readable").damage.lines, 0);
    assert!(Path::new(&store.aside()).exists(), "it was set aside");
}

/// Killed anywhere while it takes them over, the next run finishes it and loses nothing.
#[tokio::test]
async fn taking_over_is_finished_by_the_next_run() {
    for removed in [
        &["journal.jsonl", "inventory.txt", "history.jsonl"][..],
        &["inventory.txt", "history.jsonl"],
        &["history.jsonl"],
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        write_older(folder.path(), &[("mine", "mine")], &[queue("mine")]).await;
        drop(open(folder.path(), "t", "mine").lock("atlas apply", LEASE).expect("free"));
        fs::remove_file(folder.path().join(".atlas/records/s/taken-over-by-t")).expect("there");
        for name in removed {
            fs::remove_file(folder.path().join(".atlas/records/t/s").join(name)).expect("there");
        }
        let store = open(folder.path(), "t", "mine");
        let look = || {
            assert_eq!(pending(store.as_ref()), [identity("mine")]);
            assert_eq!(store.inventory().expect("readable").made.len(), 1);
            assert_eq!(store.history().expect("readable").len(), 1);
        };
        look();
        drop(store.lock("atlas apply", LEASE).expect("free"));
        look();
    }
}

#[test]
fn a_place_of_an_older_version_goes_on_as_before() {
    let place = Place::with(&spec("t", "one"));
    place.expect(0, &["apply", "--yes"]);
    fs::rename(place.path(".atlas/records/t/s"), place.path(".atlas/records/s")).expect("moved");
    fs::remove_dir(place.path(".atlas/records/t")).expect("removed");
    let plan = place.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(place.expect(0, &["history"]).contains("converged"));
    assert!(!place.path(".atlas/records/t").exists(), "looking writes nothing");
    place.expect(0, &["sandbox", "delete", "queue.one@us-east-1"]);
    let said = place.expect(0, &["apply", "--yes"]);
    assert!(said.contains("Took over what is this project's of the records in"), "{said}");
    assert_eq!(place.expect(0, &["plan", "--detailed-exitcode"]), plan);
    assert_eq!(place.expect(0, &["history"]).lines().count(), 2);
    // Another spec beside it has its own, also where it is called like the environment.
    place.write("atlas.toml", &spec("s", "two").replace("us-east-1", "eu-west-1"));
    place.expect(0, &["apply", "--yes"]);
    assert_eq!(place.expect(0, &["history"]).lines().count(), 1, "the runs before were another project's");
    place.write("atlas.toml", &spec("t", "one"));
    assert_eq!(place.expect(0, &["plan", "--detailed-exitcode"]), plan);
    assert_eq!(place.expect(0, &["history"]).lines().count(), 2);
}
