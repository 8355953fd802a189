//! A run without a terminal: its calls, what they refuse, and what they claim at the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use atlas::driver::Class;
use atlas::driver::sandbox::{ScriptedFault, World};
use atlas::plan::Options;
use atlas::run::{self, Applied, Consent, Ending, Manner, Opened, Proof, Purpose, RunError, Setup};
use atlas::spec::Inputs;

use crate::support::{Place, address, selector};

const SPEC: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n\
    [region.a]\n[region.b]\n[bucket.files]\nregions = [\"a\", \"b\"]\nname = \"${region}-files\"\n\
    [queue.jobs]\nregions = [\"b\"]\n";

fn setup(file: &Path) -> Setup {
    Setup {
        file: file.to_owned(),
        inputs: Inputs::default(),
        variables: Arc::new(|_: &str| None),
        hidden: Arc::default(),
    }
}

fn open(place: &Place) -> Opened {
    let access = Purpose::Write { command: "apply", lease: Duration::from_secs(30) };
    let spec = run::read(&setup(&place.path("atlas.toml"))).expect("a good spec");
    run::open(spec, access).expect("nobody else is here")
}

async fn applied(opened: &Opened, options: &Options) -> Result<Applied, RunError> {
    let planned = run::plan(opened, options).await?;
    let approved = run::approve(opened, planned, Consent::default())?;
    run::apply(opened, approved, Manner::unattended(8)).await
}

async fn pass(place: &Place, options: &Options) -> Proof {
    let opened = open(place);
    let applied = applied(&opened, options).await.unwrap_or_else(|error| panic!("{error:?}"));
    run::prove(&opened, applied).await
}

fn world(place: &Place) -> World {
    World::open(&place.path(".atlas/world/s")).expect("there")
}

fn inventory(place: &Place) -> Vec<String> {
    place.read(".atlas/records/t/s/inventory.txt").lines().map(ToOwned::to_owned).collect()
}

fn last_outcome(place: &Place) -> String {
    let store = run::read(&setup(&place.path("atlas.toml"))).expect("good").store;
    run::history(store.as_ref()).expect("readable").last().expect("a run").outcome.clone()
}

/// What is unproven, by host and reason.
fn unproven(proof: &Proof) -> BTreeMap<String, Vec<String>> {
    let host = |one: &run::Unproven| one.host.as_ref().map_or_else(String::new, ToString::to_string);
    let entry = |one| (host(one), one.addresses.iter().map(ToString::to_string).collect());
    proof.unproven.iter().map(entry).collect()
}

#[tokio::test]
async fn a_run_goes_from_nothing_to_converged_without_a_terminal() {
    let place = Place::with(SPEC);
    let proof = pass(&place, &Options::default()).await;
    assert_eq!(proof.ending, Ending::Converged);
    assert_eq!((proof.report.counts().created, proof.steps), (5, 5));
    assert!(proof.differs.is_empty() && proof.unproven.is_empty() && proof.notices.is_empty(), "{:?}", proof.notices);
    assert!(proof.again.expect("looked at again").plan.is_empty());
    let again = pass(&place, &Options::default()).await;
    assert_eq!((again.ending, again.steps), (Ending::Converged, 0));
    assert!(again.again.is_none(), "what was seen just now is not looked at again");
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[tokio::test]
async fn a_host_that_stops_answering_before_the_last_look_leaves_its_contents_unproven() {
    let place = Place::with(SPEC);
    let opened = open(&place);
    let done = applied(&opened, &Options::default()).await.expect("applied");
    world(&place).set_outage("region/b", true).expect("out");
    let proof = run::prove(&opened, done).await;
    drop(opened);
    assert_eq!(proof.ending, Ending::Unproven);
    assert!(proof.differs.is_empty(), "{:?}", proof.differs);
    let hidden = ["bucket.files@b", "queue.jobs@b", "region.b"].map(ToOwned::to_owned).to_vec();
    assert_eq!(unproven(&proof), BTreeMap::from([("region.b".to_owned(), hidden.clone())]));
    assert_eq!(last_outcome(&place), "unproven");
    assert!(hidden.iter().all(|one| inventory(&place).contains(one)), "{:?}", inventory(&place));
    // An object that was made and was lost before any look saw it still counts as missing.
    let world = world(&place);
    world.set_outage("region/b", false).expect("over");
    world.destroy("region/b").expect("lost");
    let drift = place.run(&["drift"]);
    assert_eq!(drift.code, 2, "{drift:?}");
}

#[tokio::test]
async fn a_host_that_denies_the_last_look_leaves_its_contents_unproven() {
    let place = Place::with(SPEC);
    let opened = open(&place);
    let done = applied(&opened, &Options::default()).await.expect("applied");
    world(&place).set_outage("region/a", true).expect("out");
    let file = rusqlite::Connection::open(place.path(".atlas/world/s/world.db")).expect("there");
    file.execute("UPDATE outage SET reason = 'denies access: 403'", []).expect("said");
    let proof = run::prove(&opened, done).await;
    assert_eq!(proof.ending, Ending::Unproven);
    let [one] = proof.unproven.as_slice() else { panic!("one cause: {:?}", proof.unproven) };
    assert_eq!((one.reason.as_str(), one.addresses.len()), ("denies access: 403", 2));
    let said: Vec<&str> =
        proof.again.iter().flat_map(|one| one.plan.diagnostics.iter()).map(|one| one.summary()).collect();
    assert_eq!(said, ["host that denies access"]);
    assert_eq!(inventory(&place).len(), 5);
}

#[tokio::test]
async fn a_last_look_that_fails_altogether_proves_nothing() {
    let place = Place::with(SPEC);
    let opened = open(&place);
    let done = applied(&opened, &Options::default()).await.expect("applied");
    let file = rusqlite::Connection::open(place.path(".atlas/world/s/world.db")).expect("there");
    file.execute("ALTER TABLE object RENAME TO hidden", []).expect("renamed");
    let proof = run::prove(&opened, done).await;
    file.execute("ALTER TABLE hidden RENAME TO object", []).expect("renamed back");
    drop(opened);
    assert_eq!(proof.ending, Ending::Unproven);
    assert!(proof.unproven[0].class.is_some(), "the class of the error is kept: {:?}", proof.unproven);
    assert_eq!(proof.unproven[0].addresses.len(), 5);
    assert_eq!(inventory(&place).len(), 5, "what was made is written down, seen or not");
    assert_eq!(last_outcome(&place), "unproven");
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[tokio::test]
async fn an_outage_that_begins_while_it_is_applied_is_a_failure_with_a_class_and_no_claim() {
    let place = Place::with(SPEC);
    pass(&place, &Options::default()).await;
    place.edit("[queue.jobs]", "[queue.more]\nregions = [\"a\"]\n[queue.fresh]\nregions = [\"b\"]\n[queue.jobs]");
    let opened = open(&place);
    let planned = run::plan(&opened, &Options::default()).await.expect("planned");
    let approved = run::approve(&opened, planned, Consent::default()).expect("approved");
    world(&place).set_outage("region/b", true).expect("out");
    let applied = run::apply(&opened, approved, Manner::unattended(8)).await.expect("begun");
    let proof = run::prove(&opened, applied).await;
    assert_eq!(proof.ending, Ending::Failed);
    let failed: Vec<String> = proof.report.failed.iter().map(|one| format!("{} {}", one.address, one.error)).collect();
    assert!(failed.len() == 1 && failed[0].starts_with("queue.fresh@b unreachable"), "{failed:?}");
    // The run does not claim that its earlier objects are still in order.
    assert_eq!(unproven(&proof)["region.b"], ["bucket.files@b", "queue.jobs@b", "region.b"]);
    assert!(inventory(&place).contains(&"queue.more@a".to_owned()));
}

#[tokio::test]
async fn what_was_deleted_where_nobody_answers_any_more_is_unproven() {
    let place = Place::with(SPEC);
    pass(&place, &Options::default()).await;
    place.edit("[queue.jobs]\nregions = [\"b\"]\n", "");
    let opened = open(&place);
    let done = applied(&opened, &Options::default()).await.expect("applied");
    assert_eq!(done.report.counts().deleted, 1);
    world(&place).set_outage("region/b", true).expect("out");
    let proof = run::prove(&opened, done).await;
    assert_eq!(proof.ending, Ending::Unproven);
    assert!(unproven(&proof)["region.b"].contains(&"queue.jobs@b".to_owned()), "{:?}", proof.unproven);
}

#[tokio::test]
async fn what_was_known_to_be_unreachable_is_blocked_and_not_unproven() {
    let place = Place::with(SPEC);
    pass(&place, &Options::default()).await;
    place.edit("[queue.jobs]", "[queue.more]\nregions = [\"a\"]\n[queue.jobs]");
    world(&place).set_outage("region/b", true).expect("out");
    let proof = pass(&place, &Options::default()).await;
    assert_eq!((proof.ending, proof.report.counts().created), (Ending::Differs, 1));
    assert!(proof.unproven.is_empty(), "{:?}", proof.unproven);
    assert_eq!(proof.summary.blocked, 3);
}

#[tokio::test]
async fn a_failed_step_is_reported_and_the_rest_is_proven() {
    let place = Place::with(SPEC);
    place.expect(0, &["sandbox", "latency", "0"]);
    let fault = ScriptedFault { address: address("queue.jobs@b"), verb: String::new(), class: Class::Denied, times: 9 };
    world(&place).fail(&fault).expect("scripted");
    let proof = pass(&place, &Options::default()).await;
    assert_eq!((proof.ending, proof.report.counts().failed), (Ending::Failed, 1));
    assert!(proof.differs.is_empty() && proof.unproven.is_empty());
    assert_eq!(last_outcome(&place), "failed");
}

#[tokio::test]
async fn whoever_holds_the_lock_is_named_and_letting_go_is_at_once() {
    let place = Place::with(SPEC);
    let mut opened = open(&place);
    let access = Purpose::Write { command: "apply", lease: Duration::from_secs(30) };
    let second = || run::open(run::read(&setup(&place.path("atlas.toml"))).expect("good"), access);
    match second() {
        Err(RunError::Locked(atlas::store::LockError::Held(Some(holder)))) => {
            assert_eq!(holder.pid, std::process::id());
        }
        other => panic!("{:?}", other.err()),
    }
    opened.release();
    let taken = second().expect("free");
    assert!(taken.notices.is_empty(), "nobody died: {:?}", taken.notices);
    // After `release`, writing is refused.
    assert!(matches!(applied(&opened, &Options::default()).await, Err(RunError::Journal(_))));
    // A run that was opened for looking never took the lock.
    let looking =
        run::open(run::read(&setup(&place.path("atlas.toml"))).expect("good"), Purpose::Look).expect("opened");
    assert!(matches!(applied(&looking, &Options::default()).await, Err(RunError::Journal(_))));
}

#[tokio::test]
async fn allow_loss_for_what_does_not_exist_is_refused_with_a_suggestion() {
    let place = Place::with(SPEC);
    pass(&place, &Options::default()).await;
    let opened = open(&place);
    for (text, hint) in [
        ("bucket.nope", "`atlas status` lists every address"),
        ("bucket.file", "did you mean `bucket.files`?"),
        ("queue.job@b", "did you mean `queue.jobs@b`?"),
    ] {
        let planned = run::plan(&opened, &Options::default()).await.expect("planned");
        let consent = Consent { allow_loss: vec![selector(text)], ..Consent::default() };
        let Err(RunError::Refused(refused)) = run::approve(&opened, planned, consent) else { panic!("{text}") };
        let hints: Vec<_> = refused.diagnostics.iter().filter_map(|one| one.hint.as_deref()).collect();
        assert_eq!(hints, [hint], "{text}");
    }
    for good in ["bucket.files", "bucket.files@b", "region.a"] {
        let planned = run::plan(&opened, &Options::default()).await.expect("planned");
        let consent = Consent { allow_loss: vec![selector(good)], ..Consent::default() };
        run::approve(&opened, planned, consent).expect("it exists");
    }
    let run = place.run(&["apply", "--yes", "--allow-loss", "bucket.fils@a"]);
    assert_ne!(run.code, 0, "{run:?}");
}

/// In a process of its own, because memory that other tests use would be counted as well.
#[cfg(target_os = "linux")]
#[test]
fn a_thousand_passes_in_one_process_need_no_more_memory_than_a_hundred() {
    let this = std::env::current_exe().expect("a path");
    let args = ["--exact", "run::passes", "--ignored", "--nocapture"];
    let output = Command::new(this).args(args).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "it measures its process; a_thousand_passes_in_one_process begins it"]
async fn passes() {
    const ALL: usize = 1_000;
    const WARM: usize = 200;
    // Files in memory are faster, where the system has a folder for them.
    let shared = Path::new("/dev/shm");
    let place = if shared.is_dir() { Place::within(shared) } else { Place::empty() };
    let mut before = 0;
    for at in 0..ALL {
        let many: String =
            (0..4).map(|n| format!("[queue.q{n}]\nregions = [\"a\"]\nretention = \"{}d\"\n", at % 9 + 1)).collect();
        let more = if at % 2 == 0 { "[bucket.now-and-then]\nregions = [\"b\"]\n" } else { "" };
        place.write("atlas.toml", &format!("{SPEC}{many}{more}"));
        let proof = pass(&place, &Options::default()).await;
        assert_eq!(proof.ending, Ending::Converged, "pass {at}: {:?}", proof.differs);
        assert!(proof.steps > 0, "pass {at} had nothing to do");
        if at == WARM {
            before = resident();
        }
    }
    let grown = resident().saturating_sub(before);
    println!("{before} bytes after {WARM} passes, {grown} more after {ALL}");
    assert!(grown < 6 << 20, "it grew by {grown} bytes");
}

/// The bytes of memory that this process has.
#[cfg(target_os = "linux")]
pub fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("readable");
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number") * 4_096
}
