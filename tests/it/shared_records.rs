//! Bad records in S3, with a bucket in this process whose clock is a day ahead of every machine's.

use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use crate::bucket::{Behaviour, Bucket};
use crate::support::{Place, Run};

const LOCK: &str = "all/t/s/lock";
const NOW: Duration = Duration::ZERO;
const LONG_AGO: Duration = Duration::from_secs(60);

/// A sandbox whose records are in the bucket.
fn place(bucket: &Bucket) -> Place {
    Place::with(&format!(
        "[project]\nname = \"t\"\nenvironment = \"s\"\nrecords = \"{}\"\n[environment.s]\nworld = \"sandbox\"\n\
         [region.us-east-1]\n[queue.one]\nregions = [\"us-east-1\"]\n\
         [queue.two]\nregions = [\"us-east-1\"]\ndepends_on = [\"queue.one\"]\n",
        bucket.url()
    ))
}

/// What a lock says whose holder's clock shows this many seconds more than ours.
fn note(ahead: i64) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
    let renewed = i64::try_from(since).expect("small") + ahead * 1_000;
    json!({ "pid": 7, "host": "elsewhere", "command": "atlas apply", "since": "then", "token": 77, "renewed": renewed })
        .to_string()
}

fn assert_clean(run: &Run) {
    let raw = |text: &str| text.contains(|c: char| c.is_control() && c != '\n');
    assert!(!raw(&run.stdout) && !raw(&run.stderr), "{run:?}");
}

#[test]
fn two_folders_share_what_is_in_the_bucket() {
    let bucket = Bucket::start();
    let (one, other) = (place(&bucket), place(&bucket));
    let run = bucket.run(&one, &["apply", "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(bucket.text(LOCK).expect("there").contains("\"pid\":0"), "it was let go");
    let history = bucket.run(&other, &["history"]);
    assert!(history.stdout.contains("converged"), "{history:?}");
    assert_eq!(bucket.run(&one, &["plan", "--detailed-exitcode"]).code, 0);
    assert!(!one.path(".atlas/records").exists() && !other.path(".atlas").exists());
}

#[test]
fn a_loop_and_the_people_beside_it_share_what_is_in_the_bucket() {
    let bucket = Bucket::start();
    let (one, other) = (place(&bucket), place(&bucket));
    assert_eq!(bucket.run(&one, &["apply", "--yes"]).code, 0);
    assert!(bucket.text("all/t/s/applied.json").expect("there").contains("queue.two"));
    // Somebody suspends it from elsewhere.
    let run = bucket.run(&other, &["suspend", "queue.one", "--reason", "a move"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(bucket.run(&one, &["sandbox", "delete", "queue.one@us-east-1"]).code, 0);
    let run = bucket.run(&one, &["reconcile", "--once"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("a move"), "{run:?}");
    assert_eq!(bucket.run(&other, &["resume"]).code, 0);
    let run = bucket.run(&one, &["reconcile", "--once"]);
    assert_eq!(run.code, 0, "{run:?}");
    let plan = bucket.run(&other, &["history", "2"]);
    assert!(plan.stdout.contains("+ queue.one@us-east-1"), "{plan:?}");
    // The lead is a lease like the lock's.
    bucket.plant("all/t/s/lead", note(0).as_bytes(), NOW);
    let run = bucket.run(&one, &["reconcile", "--once"]);
    assert_eq!(run.code, 5, "{run:?}");
    bucket.plant("all/t/s/lead", note(0).as_bytes(), LONG_AGO);
    let run = bucket.run(&one, &["reconcile", "--once"]);
    assert_eq!(run.code, 0, "{run:?}");
    // What nobody can understand is as good as none, but for what a person asked for.
    bucket.plant("all/t/s/governor.json", b"\xff{", NOW);
    assert_eq!(bucket.run(&one, &["reconcile", "--once"]).code, 0);
    bucket.plant("all/t/s/suspensions.json", b"\xff{", NOW);
    assert_eq!(bucket.run(&one, &["sandbox", "delete", "queue.one@us-east-1"]).code, 0);
    assert_eq!(bucket.run(&one, &["reconcile", "--once"]).code, 3);
    assert_eq!(bucket.run(&one, &["resume"]).code, 0);
    assert_eq!(bucket.run(&one, &["reconcile", "--once"]).code, 0);
    bucket.plant("all/t/s/applied.json", b"{ torn", NOW);
    let run = bucket.run(&one, &["reconcile", "--once"]);
    assert!(run.code == 0 && run.stdout.contains("What was last applied can't be read"), "{run:?}");
    assert_eq!(bucket.run(&one, &["apply", "--yes"]).code, 0, "an apply writes it anew");
    assert_eq!(bucket.run(&one, &["reconcile", "--once"]).code, 0);
}

/// What somebody or something else may have put where the lock belongs.
const GARBAGE: [&[u8]; 7] = [
    b"",
    b"\xff\xfe\x00 no text",
    b"{\"pid\":7,\"host\":\"else",
    b"{\"intent\":[]}\n",
    b"[]",
    b"{\"pid\":\"seven\",\"host\":\"h\",\"command\":\"c\",\"since\":\"s\",\"token\":1,\"renewed\":1}",
    b"{\"pid\":7,\"host\":\"h\",\"command\":\"c\",\"since\":\"s\",\"token\":18446744073709551615,\"renewed\":1}",
];

#[test]
fn an_unreadable_lock_is_held_until_its_lease_is_over() {
    for garbage in GARBAGE {
        let bucket = Bucket::start();
        let place = place(&bucket);
        bucket.plant(LOCK, garbage, NOW);
        let run = bucket.run(&place, &["apply", "--yes"]);
        assert_eq!(run.code, 5, "{run:?}");
        assert!(run.stderr.contains("the lock can't be read, so somebody may hold it"), "{run:?}");
        assert_eq!(bucket.keys(), [LOCK], "nothing was written");
        bucket.plant(LOCK, garbage, LONG_AGO);
        let run = bucket.run(&place, &["apply", "--yes"]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stdout.contains("Took over a lock that could not be read: nobody renewed it for 6"), "{run:?}");
        assert_eq!(bucket.run(&place, &["plan", "--detailed-exitcode"]).code, 0);
    }
}

/// A holder whose lock is garbage or gone still had the journal, and must not go on with it.
#[test]
fn a_former_holder_is_fenced_off_where_the_lock_does_not_name_it() {
    let garbage: [Option<&[u8]>; 3] = [None, Some(b""), Some(b"\xff")];
    for lock in garbage {
        let bucket = Bucket::start();
        let place = place(&bucket);
        let token = 9_000_000_000_000_u64;
        let segment = |number: usize| format!("all/t/s/journal/{token:020}/{number:010}.jsonl");
        bucket.plant(&segment(0), b"{} of a version to come\n", LONG_AGO);
        if let Some(lock) = lock {
            bucket.plant(LOCK, lock, LONG_AGO);
        }
        let run = bucket.run(&place, &["apply", "--yes"]);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(bucket.text(&segment(1)).as_deref(), Some(""), "what it would write next is there: {lock:?}");
        let note: serde_json::Value = serde_json::from_str(&bucket.text(LOCK).expect("there")).expect("JSON");
        assert!(note["token"].as_u64() > Some(token), "tokens only grow: {note}");
    }
}

#[test]
fn no_clock_of_a_machine_decides_when_a_lease_is_over() {
    // Its clock was a day ahead: it must not keep the lock for a day. Or a day behind: it must not lose it at once.
    for ahead in [-86_400, -1, 0, 1, 86_400] {
        let bucket = Bucket::start();
        let place = place(&bucket);
        bucket.plant(LOCK, note(ahead).as_bytes(), NOW);
        let held = bucket.run(&place, &["apply", "--yes"]);
        assert!(held.code == 5 && held.stderr.contains("process 7 on elsewhere"), "{ahead}: {held:?}");
        bucket.plant(LOCK, note(ahead).as_bytes(), LONG_AGO);
        let taken = bucket.run(&place, &["apply", "--yes"]);
        assert_eq!(taken.code, 0, "{ahead}: {taken:?}");
        assert!(taken.stdout.contains("process 7 on elsewhere, which was silent for 6"), "{ahead}: {taken:?}");
    }
    // A server that does not tell its time can't say that a lease is over.
    let bucket = Bucket::start();
    bucket.set_behaviour(Behaviour::Timeless);
    bucket.plant(LOCK, note(-86_400).as_bytes(), LONG_AGO);
    assert_eq!(bucket.run(&place(&bucket), &["apply", "--yes"]).code, 5);
}

#[test]
fn records_that_do_not_answer_are_said_in_well_under_a_minute() {
    for behaviour in [Behaviour::NoAnswer, Behaviour::Breaking] {
        let bucket = Bucket::start();
        let place = place(&bucket);
        bucket.plant(LOCK, note(0).as_bytes(), LONG_AGO);
        bucket.plant("all/t/s/journal/00000000000000000077/0000000000.jsonl", b"{}\n", LONG_AGO);
        bucket.plant("all/t/s/history/a.json", b"{}", LONG_AGO);
        bucket.set_behaviour(behaviour);
        let begun = Instant::now();
        let commands: [&[&str]; 4] = [&["apply", "--yes"], &["plan"], &["history"], &["status"]];
        let all = commands.map(|args| {
            let mut command = bucket.command(&place, args);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
        });
        for (child, args) in all.into_iter().zip(commands) {
            let run = Run::of(child.wait_with_output().expect("it ends"));
            assert_eq!(run.code, 1, "{args:?}: {run:?}");
            assert!(run.stderr.contains("s3://team-records/all/t/s/"), "{args:?}: {run:?}");
        }
        assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    }
}

#[test]
fn records_that_stop_answering_during_a_run_end_it_soon() {
    let bucket = Bucket::start();
    let place = place(&bucket);
    place.expect(0, &["sandbox", "latency", "300"]);
    let mut command = bucket.command(&place, &["apply", "--yes"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let begun = Instant::now();
    while !bucket.keys().iter().any(|key| key.ends_with("/0000000001.jsonl")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no intent is ever written");
        std::thread::sleep(Duration::from_millis(5));
    }
    bucket.set_behaviour(Behaviour::NoAnswer);
    let begun = Instant::now();
    let run = Run::of(child.wait_with_output().expect("it ends"));
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("no answer within"), "{run:?}");
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
    // Nothing happened without its intent.
    bucket.set_behaviour(Behaviour::Good);
    place.expect(0, &["sandbox", "latency", "0"]);
    let token = |text: &str| text.contains("\"pid\":0");
    if !bucket.text(LOCK).is_some_and(|text| token(&text)) {
        bucket.remove(LOCK);
    }
    assert_eq!(bucket.run(&place, &["apply", "--yes"]).code, 0);
    assert_eq!(bucket.run(&place, &["plan", "--detailed-exitcode"]).code, 0);
}

#[test]
fn a_server_that_denies_access_is_quoted_without_control_characters() {
    let bucket = Bucket::start();
    let place = place(&bucket);
    bucket.set_behaviour(Behaviour::Denying);
    for args in [&["apply", "--yes"][..], &["plan"], &["history"]] {
        let run = bucket.run(&place, args);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains("AccessDenied: not \\u{9b}[2J for you"), "{run:?}");
        assert_clean(&run);
    }
}

#[test]
fn what_a_lock_says_never_controls_the_terminal() {
    let bucket = Bucket::start();
    let place = place(&bucket);
    let evil = note(0).replace("elsewhere", "\\u001b[2Jhost\\r").replace("atlas apply", "\\u001b]0;x\\u0007");
    for (ago, code) in [(NOW, 5), (LONG_AGO, 0)] {
        bucket.plant(LOCK, evil.as_bytes(), ago);
        let run = bucket.run(&place, &["apply", "--yes"]);
        assert_eq!(run.code, code, "{run:?}");
        assert!(run.stderr.contains("\\u{1b}[2Jhost") || run.stdout.contains("\\u{1b}[2Jhost"), "{run:?}");
        assert_clean(&run);
    }
}

#[test]
fn a_spoilt_part_of_the_journal_costs_no_other() {
    let garbage: [&[u8]; 4] =
        [b"\xff\xfe no text", b"{\"intent\":{\"step\":2,\"addr", b"[]\n", b"{\"run\":{}} 00000000\n"];
    for garbage in garbage {
        let bucket = Bucket::start();
        let place = place(&bucket);
        let json = r#"{"intent":{"step":0,"address":"queue.one@us-east-1","verb":"create","identity":"region/us-east-1/queue/one"}}"#;
        let line = format!("{json} {}\n", atlas::value::short_hash(json.as_bytes()));
        bucket.plant("all/t/s/journal/00000000000000000077/0000000000.jsonl", garbage, LONG_AGO);
        bucket.plant("all/t/s/journal/00000000000000000077/0000000001.jsonl", line.as_bytes(), LONG_AGO);
        let run = bucket.run(&place, &["apply", "--yes"]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stderr.contains("1 line of the journal can't be read"), "{run:?}");
        let kept: Vec<String> = bucket.keys().into_iter().filter(|key| key.contains("journal-damaged")).collect();
        assert_eq!(kept.len(), 2, "{kept:?}");
        let carried = format!("\"step\":{}", usize::MAX);
        let journal: Vec<String> = bucket.keys().into_iter().filter(|key| key.contains("/journal/")).collect();
        let texts: String = journal.iter().filter_map(|key| bucket.text(key)).collect();
        assert!(texts.contains(&carried), "the intent behind it is known: {texts}");
        let run = bucket.run(&place, &["plan", "--detailed-exitcode"]);
        assert!(run.code == 0 && run.stderr.is_empty(), "{run:?}");
    }
}

#[test]
fn garbage_for_history_and_inventory_costs_nothing_else() {
    let bucket = Bucket::start();
    let place = place(&bucket);
    assert_eq!(bucket.run(&place, &["apply", "--yes"]).code, 0);
    for garbage in GARBAGE {
        bucket.plant("all/t/s/history/0000.json", garbage, NOW);
        bucket.plant("all/t/s/inventory.txt", garbage, NOW);
        let history = bucket.run(&place, &["history"]);
        assert!(history.code == 0 && history.stdout.contains("converged"), "{history:?}");
        place.expect(0, &["sandbox", "delete", "queue.two@us-east-1"]);
        assert_eq!(bucket.run(&place, &["apply", "--yes"]).code, 0);
        assert_eq!(bucket.text("all/t/s/inventory.txt").map_or(0, |text| text.lines().count()), 3);
    }
    let asked = bucket.requests();
    assert_eq!(bucket.run(&place, &["validate"]).code, 0);
    assert_eq!(bucket.requests(), asked, "nobody is asked before it is needed");
}
