//! Locks, killed processes, interruptions, and a world that others change meanwhile.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use atlas::kind::Risk;
use atlas::plan::Options;

use crate::support::{Engine, Place, Run, address};

const SPEC: &str = r#"
[project]
name = "t"
environment = "s"
[environment.s]
world = "sandbox"
[region.us-east-1]
[queue.one]
regions = ["us-east-1"]
[queue.two]
regions = ["us-east-1"]
depends_on = ["queue.one"]
[queue.three]
regions = ["us-east-1"]
depends_on = ["queue.two"]
"#;

/// A place whose world is slow enough that something can happen during an apply.
fn slow(milliseconds: &str) -> Place {
    let place = Place::with(SPEC);
    place.expect(0, &["sandbox", "latency", milliseconds]);
    place
}

fn begin(place: &Place, args: &[&str]) -> Child {
    place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it begins")
}

/// Waits until the journal of a running apply says something.
fn wait_for(place: &Place, text: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let journal = std::fs::read_to_string(place.path(".atlas/records/t/s/journal.jsonl")).unwrap_or_default();
        if journal.contains(text) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the journal never said {text}");
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

fn settle(place: &Place) {
    place.expect(0, &["sandbox", "latency", "0"]);
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
    let json = place.json(&["status", "--json"]);
    assert_eq!(json["resources"].as_array().map(Vec::len), Some(4), "something twice, or an orphan: {json}");
}

/// Killed again and again in the middle of an apply of two thousand resources, at moments that a seed chooses.
#[test]
fn fifty_kills_in_a_row_and_one_apply() {
    let mut spec = String::from("[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n");
    for region in 0..10 {
        spec.push_str(&format!("[region.r{region}]\n"));
    }
    for queue in 0..199 {
        let regions: Vec<String> = (0..10).map(|n| format!("\"r{n}\"")).collect();
        spec.push_str(&format!("[queue.q{queue}]\nregions = [{}]\n", regions.join(", ")));
        if queue >= 20 {
            spec.push_str(&format!("tags = {{ other = \"${{queue.q{}.arn}}\" }}\n", queue - 20));
        }
    }
    let place = Place::with(&spec);
    let mut seed: u64 = 7;
    let (mut killed, mut inside) = (0, 0);
    for _ in 0..50 {
        let former = journal_of(&place);
        let mut child = begin(&place, &["apply", "--yes", "-q"]);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The kill comes after a number of steps and not after a time, so that it is in the middle on every machine.
        let enough = (seed >> 33) as usize % 30 + 1;
        while child.try_wait().expect("known").is_none() && begun_steps(&place, former) < enough {
            std::thread::sleep(Duration::from_millis(1));
        }
        let steps = begun_steps(&place, former);
        killed += usize::from(child.try_wait().expect("known").is_none());
        // It may just have ended by itself.
        let _ = child.kill();
        child.wait().expect("it is over");
        inside += usize::from(steps > 0);
    }
    let last = place.run(&["apply", "--yes", "-q"]);
    assert_eq!(last.code, 0, "{last:?}");
    place.expect(0, &["plan", "--detailed-exitcode"]);
    let status = place.json(&["status", "--json"]);
    let resources = status["resources"].as_array().expect("a list");
    assert_eq!(resources.len(), 2_000);
    assert!(resources.iter().all(|one| one["status"] == "ok"));
    println!("{killed} of 50 applies were killed, {inside} of them after they had begun to make something");
    assert!(killed >= 40 && inside >= 30, "only {killed} were killed, {inside} of them in the middle");
}

/// Which file the journal is.
fn journal_of(place: &Place) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(place.path(".atlas/records/t/s/journal.jsonl")).map_or(0, |metadata| metadata.ino())
}

/// How many steps an apply has begun, by its journal, which takes the place of the one before.
fn begun_steps(place: &Place, former: u64) -> usize {
    if journal_of(place) == former {
        return 0;
    }
    let journal = std::fs::read_to_string(place.path(".atlas/records/t/s/journal.jsonl")).unwrap_or_default();
    // An intent that was carried over from earlier runs has no step of its own.
    let carried = format!("\"step\":{}", usize::MAX);
    journal.lines().filter(|line| line.contains("\"intent\"") && !line.contains(&carried)).count()
}

#[test]
fn damaged_records_lose_nothing() {
    let place = Place::with(SPEC);
    place.expect(0, &["apply", "--yes"]);
    let plan = place.expect(0, &["plan"]);
    for name in ["journal.jsonl", "history.jsonl", "lock", "lock.guard", "inventory.txt"] {
        let path = place.path(&format!(".atlas/records/t/s/{name}"));
        let whole = std::fs::read(&path).expect("there");
        for damaged in [&whole[..whole.len() / 2], b"\xff\xfe\x00 no text", b"", b"{\"intent\":[]}\n"] {
            std::fs::write(&path, damaged).expect("written");
            assert_eq!(place.expect(0, &["plan"]), plan, "{name}");
            place.expect(0, &["history"]);
            place.expect(0, &["sandbox", "delete", "queue.three@us-east-1"]);
            place.expect(0, &["apply", "--yes"]);
            place.expect(0, &["plan", "--detailed-exitcode"]);
        }
    }
}

/// A disk that takes no more: the apply says so, nothing is half done, and with room again it goes on.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let place = Place::with(SPEC);
    let disk = place.path(".atlas");
    std::fs::create_dir(&disk).expect("made");
    let mounted = |args: &[&str]| {
        std::process::Command::new(args[0]).args(&args[1..]).output().is_ok_and(|output| output.status.success())
    };
    let disk = disk.to_str().expect("UTF-8");
    if !mounted(&["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", disk]) {
        // Only root can make a small disk. Elsewhere a file in the way of the journal stands for it.
        place.write(".atlas/records", "in the way");
        let run = place.run(&["apply", "--yes"]);
        assert!(run.code == 1 && run.stderr.contains("can't be written, so nothing was done"), "{run:?}");
        std::fs::remove_file(place.path(".atlas/records")).expect("removed");
        settle(&place);
        return;
    }
    std::fs::write(place.path(".atlas/filler"), vec![0; 120 * 1024]).expect("room");
    let run = place.run(&["apply", "--yes"]);
    let gone = mounted(&["mount", "-o", "remount,size=64m", disk]);
    assert!(gone, "the disk could not be made larger");
    let carried = place.run(&["apply", "--yes"]);
    let left = place.run(&["plan", "--detailed-exitcode"]);
    mounted(&["umount", disk]);
    assert!(run.code == 1 || run.code == 3, "{run:?}");
    assert!(run.stderr.contains("full") || run.stdout.contains("full") || run.stderr.contains("No space"), "{run:?}");
    assert_eq!((carried.code, left.code), (0, 0), "{carried:?}\n{left:?}");
}

#[test]
fn of_two_applies_one_works_and_the_other_says_who() {
    let place = slow("400");
    let first = begin(&place, &["apply", "--yes"]);
    let id = first.id().to_string();
    wait_for(&place, "intent");
    let second = place.run(&["apply", "--yes"]);
    assert_eq!(second.code, 5, "{second:?}");
    assert!(second.stderr.contains(&format!("process {id}")), "{second:?}");
    assert!(second.stderr.contains("`atlas apply` is running since"), "{second:?}");
    let first = Run::of(first.wait_with_output().expect("it ends"));
    assert_eq!(first.code, 0, "{first:?}");
    settle(&place);
}

#[test]
fn a_stopped_holder_loses_its_lease_and_can_not_write_any_more() {
    let place = slow("300");
    let lease = ("ATLAS_LEASE_SECONDS", "1");
    let mut first = place.command(&["apply", "--yes"]);
    let first = first.env(lease.0, lease.1).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it begins");
    wait_for(&place, "\"step\":1");
    signal(&first, "-STOP");
    // A lease is about time, so this waits until it has run out.
    std::thread::sleep(Duration::from_millis(1_500));
    let output = place.command(&["apply", "--yes"]).env(lease.0, lease.1).output();
    let second = Run::of(output.expect("it runs"));
    assert_eq!(second.code, 0, "{second:?}");
    assert!(second.stdout.contains("Took over the lease of process"), "{second:?}");
    let world = place.json(&["status", "--json"]);
    signal(&first, "-CONT");
    let first = Run::of(first.wait_with_output().expect("it ends"));
    assert_eq!(first.code, 3, "{first:?}");
    assert!(first.stdout.contains("lost"), "{first:?}");
    assert_eq!(place.json(&["status", "--json"]), world, "the late holder changed something");
    settle(&place);
}

#[test]
fn a_killed_apply_is_carried_on() {
    // After each intent in turn: the region's, then each queue's.
    for intent in ["\"step\":0", "\"step\":1", "\"step\":2", "\"step\":3"] {
        let place = slow("150");
        let mut child = begin(&place, &["apply", "--yes"]);
        wait_for(&place, intent);
        signal(&child, "-KILL");
        child.wait().expect("it is dead");
        let carried = place.run(&["apply", "--yes"]);
        assert_eq!(carried.code, 0, "{carried:?}");
        assert!(carried.stdout.contains("Took over the lock of process"), "{carried:?}");
        settle(&place);
    }
}

#[test]
fn the_first_interrupt_finishes_what_is_in_flight() {
    let place = slow("400");
    let child = begin(&place, &["apply", "--yes"]);
    wait_for(&place, "\"step\":1");
    signal(&child, "-INT");
    let run = Run::of(child.wait_with_output().expect("it ends"));
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("Stopped, as asked."), "{run:?}");
    assert!(run.stdout.contains("created queue.one@us-east-1"), "what was in flight is done: {run:?}");
    assert!(run.stdout.contains("skipped queue.three@us-east-1: the run was asked to stop"), "{run:?}");
    settle(&place);
    let history = place.expect(0, &["history"]);
    assert!(history.contains("interrupted") && history.contains("converged"), "{history}");
}

#[test]
fn the_second_interrupt_stops_at_once() {
    let place = slow("3000");
    let child = begin(&place, &["apply", "--yes"]);
    wait_for(&place, "\"step\":0");
    signal(&child, "-INT");
    // The first signal has to be handled before the second is sent, or they count as one.
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    let run = Run::of(child.wait_with_output().expect("it ends"));
    assert_eq!(run.code, 130, "{run:?}");
    settle(&place);
}

#[test]
fn the_world_can_be_changed_while_an_apply_runs() {
    let place = slow("300");
    let child = begin(&place, &["apply", "--yes"]);
    wait_for(&place, "\"step\":1");
    place.expect(0, &["sandbox", "outage", "us-east-1"]);
    let run = Run::of(child.wait_with_output().expect("it ends"));
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("unreachable"), "{run:?}");
    place.expect(0, &["sandbox", "outage", "us-east-1", "--end"]);
    settle(&place);
}

#[tokio::test]
async fn an_object_that_fills_up_after_planning_is_not_deleted() {
    let before = "[project]\nname = \"t\"\n[region.a]\n[queue.q]\nregions = [\"a\"]\n";
    let after = "[project]\nname = \"t\"\n[region.a]\n";
    // `--allow-loss` covers what the plan showed, and not what came later.
    for allow in [&[][..], &["queue.q@a"]] {
        let engine = Engine::new();
        engine.converge(before).await;
        let pipeline = engine.pipeline(after).expect("good");
        let observed = pipeline.observe(&atlas::recorded::Recorded::default()).await.expect("observed");
        let plan = pipeline.plan(&atlas::recorded::Recorded::default(), &observed, &Options::default());
        assert_eq!(plan.change(&address("queue.q@a")).expect("planned").risk(), Risk::Safe);
        let fill = |queue: &mut atlas::observed::Object| queue.usage.extend([("depth".into(), 7.into())]);
        engine.world().edit("region/a/queue/q", fill).expect("filled");
        let report = engine.execute(&pipeline, plan, allow).await;
        assert_eq!(report.failed.len(), 1, "{report:?}");
        assert!(report.failed[0].error.contains("it would lose more than the plan showed"), "{report:?}");
        assert!(engine.object("queue.q@a").is_some());
    }
}

/// A plan that was approved for one account, endpoint or engine is not carried out in another.
#[tokio::test]
async fn a_saved_plan_is_bound_to_where_it_was_made() {
    let before = "[project]\nname = \"t\"\n[region.a]\n[queue.q]\nregions = [\"a\"]\n[queue.gone]\nregions = [\"a\"]\n";
    let after = "[project]\nname = \"t\"\n[region.a]\n[queue.q]\nregions = [\"a\"]\ndelay = \"3s\"\n\
                 [bucket.new]\nregions = [\"a\"]\nname = \"new-bucket\"\n";
    for output in ["account", "endpoint"] {
        let engine = Engine::new();
        engine.converge(before).await;
        let pipeline = engine.pipeline(after).expect("good");
        let observed = pipeline.observe(&atlas::recorded::Recorded::default()).await.expect("observed");
        let plan = pipeline.plan(&atlas::recorded::Recorded::default(), &observed, &Options::default());
        let saved = atlas::plan::SavedPlan::new(&plan, &Options::default());
        assert_eq!(saved.approve(&plan, &pipeline.graph).approved.len(), 3);
        let elsewhere =
            |region: &mut atlas::observed::Object| drop(region.outputs.insert(output.into(), "other".into()));
        engine.world().edit("region/a", elsewhere).expect("edited");
        let observed = pipeline.observe(&atlas::recorded::Recorded::default()).await.expect("observed");
        let now = pipeline.plan(&atlas::recorded::Recorded::default(), &observed, &Options::default());
        let approval = saved.approve(&now, &pipeline.graph);
        assert!(approval.approved.is_empty(), "{output}: {approval:?}");
        assert_eq!(approval.moved.len(), 3, "an update, a creation and a deletion: {approval:?}");
        let why = approval.moved.values().next().expect("moved");
        assert!(why.contains("was approved for") && why.contains(&format!("{output} other")), "{why}");
    }
}

#[tokio::test]
async fn allow_loss_covers_only_what_was_shown() {
    let spec = "[project]\nname = \"t\"\n[region.a]\n";
    let engine = Engine::new();
    engine.converge(&format!("{spec}[bucket.bbb]\nregions = [\"a\"]\n")).await;
    let hold = |count: u64| {
        let fill = move |bucket: &mut atlas::observed::Object| bucket.usage.extend([("objects".into(), count.into())]);
        engine.world().edit("region/a/bucket/bbb", fill).expect("filled");
    };
    hold(3);
    let pipeline = engine.pipeline(spec).expect("good");
    for (then, gone) in [(4, false), (3, true)] {
        hold(3);
        let observed = pipeline.observe(&atlas::recorded::Recorded::default()).await.expect("observed");
        let plan = pipeline.plan(&atlas::recorded::Recorded::default(), &observed, &Options::default());
        assert_eq!(plan.change(&address("bucket.bbb@a")).expect("planned").risk(), Risk::Lossy);
        hold(then);
        let report = engine.execute(&pipeline, plan, &["bucket.bbb@a"]).await;
        assert_eq!(engine.object("bucket.bbb@a").is_none(), gone, "{report:?}");
        let refused =
            report.failed.iter().any(|one| one.error.contains("3 objects") && one.error.contains("4 objects"));
        assert_eq!(refused, !gone, "{report:?}");
    }
}

#[test]
fn a_saved_plan_that_was_touched_is_refused_with_the_reason() {
    let place = Place::with(SPEC);
    place.expect(0, &["plan", "--out", "plan.json"]);
    let whole = place.read("plan.json");
    let cases = [
        (whole.replace("create", "delete"), "it was edited"),
        (whole[..whole.len() / 2].to_owned(), "cut off"),
        (whole.replace("\"atlas_plan\": 1", "\"atlas_plan\": 2"), "it has format 2"),
        (String::new(), "not a saved plan"),
        ("[]".to_owned(), "not a saved plan"),
    ];
    for (text, reason) in cases {
        place.write("touched.json", &text);
        let run = place.run(&["apply", "touched.json"]);
        assert_eq!(run.code, 1, "{reason}: {run:?}");
        assert!(run.stderr.contains(reason), "{reason}: {run:?}");
    }
    place.edit("name = \"t\"", "name = \"other\"");
    let run = place.run(&["apply", "plan.json"]);
    assert!(run.code == 1 && run.stderr.contains("it is for project `t`, environment `s`"), "{run:?}");
    place.edit("name = \"other\"", "name = \"t\"");
    place.expect(0, &["apply", "plan.json"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[cfg(unix)]
#[test]
fn what_is_written_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::with(SPEC);
    place.expect(0, &["plan", "--out", "plan.json"]);
    place.expect(0, &["apply", "--yes"]);
    let mode = |name: &str| std::fs::metadata(place.path(name)).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode("plan.json"), 0o600);
    assert_eq!(mode(".atlas"), 0o700);
    assert_eq!(mode(".atlas/records/t/s/journal.jsonl"), 0o600);
    assert_eq!(mode(".atlas/records/t/s/history.jsonl"), 0o600);
    assert_eq!(place.read(".atlas/.gitignore"), "*\n");
}

#[test]
fn the_events_of_an_apply_are_one_json_object_a_line() {
    let place = Place::with(SPEC);
    let run = place.run(&["apply", "--yes", "--json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let events: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let count = |word: &str| events.iter().filter(|event| event["event"] == word).count();
    assert_eq!((count("started"), count("finished"), count("summary"), events.len()), (4, 4, 1, 9));
    for event in events.iter().filter(|event| event["event"] == "finished") {
        assert!(event["address"].is_string() && event["elapsed_ms"].is_u64(), "{event}");
        assert_eq!(event["action"], "create");
    }
    assert_eq!(events.last().expect("one")["counts"]["created"], 4);
    let refused = place.run(&["apply", "--json", "--target", "queue.none"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stdout.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{refused:?}");
}
