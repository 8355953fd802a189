//! Questions and requests to stop during a run, and what changes before the last look.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use atlas::driver::sandbox::World;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Place, Run};

const SPEC: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n\
    [region.a]\n[queue.one]\nregions = [\"a\"]\n[queue.two]\nregions = [\"a\"]\ndepends_on = [\"queue.one\"]\n\
    [queue.three]\nregions = [\"a\"]\ndepends_on = [\"queue.two\"]\n";

/// A program at a terminal: what it wrote, and where to type.
struct Seat {
    child: Child,
    seen: Arc<Mutex<String>>,
    keys: File,
}

impl Seat {
    fn take(place: &Place, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name").into_string().expect("UTF-8");
        let end = || -> Stdio { File::options().read(true).write(true).open(&name).expect("there").into() };
        let child = place.command(args).stdin(end()).stdout(end()).stderr(end()).spawn().expect("it begins");
        let keys = File::from(master);
        let mut reader = keys.try_clone().expect("another one");
        let seen = Arc::new(Mutex::new(String::new()));
        let text = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                text.lock().expect("sound").push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { child, seen, keys }
    }

    fn text(&self) -> String {
        self.seen.lock().expect("sound").clone()
    }

    fn wait_for(&self, text: &str) {
        until(text, || self.text().contains(text), || self.text());
    }

    /// Waits until it ends; gives its exit code and all that it wrote.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("it ends").code();
        drop(self.keys);
        // What it wrote last may still be on its way.
        std::thread::sleep(Duration::from_millis(100));
        let text = self.seen.lock().expect("sound").clone();
        (code, text)
    }
}

fn until(what: &str, done: impl Fn() -> bool, told: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "never: {what}\n{}", told());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

fn in_flight(place: &Place) {
    let journal = || std::fs::read_to_string(place.path(".atlas/records/t/s/journal.jsonl")).unwrap_or_default();
    until("something is in flight", || journal().contains("\"step\":1"), journal);
}

fn slow(milliseconds: &str) -> Place {
    let place = Place::with(SPEC);
    place.expect(0, &["sandbox", "latency", milliseconds]);
    place
}

#[test]
fn a_stop_at_the_question_ends_the_run_and_lets_go_of_the_lock() {
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        for command in [&["apply"][..], &["destroy"], &["adopt", "queue.one@a"], &["forget", "queue.two@a"]] {
            let what = format!("{command:?} {name}");
            let place = Place::with(SPEC);
            if command != ["apply"] {
                place.expect(0, &["apply", "--yes"]);
            }
            if command[0] == "adopt" {
                give_to_somebody_else(&place, false);
            }
            let world = || place.json(&["status", "--json"]);
            let before = world();
            let seat = Seat::take(&place, command);
            seat.wait_for("Only `yes` will do:");
            let held = format!("\"pid\":{},", seat.child.id());
            let lock = || place.read(".atlas/records/t/s/lock");
            assert!(lock().contains(&held), "{what}: it holds the lock while it asks: {}", lock());
            signal(&seat.child, name);
            let (ended, text) = seat.end();
            assert_eq!(ended, Some(code), "{what}: {text}");
            assert!(text.contains("nothing was done: the run was asked to stop"), "{what}: {text}");
            assert!(!lock().contains(&held), "{what}: it still holds the lock: {}", lock());
            assert_eq!(world(), before, "{what}");
            let next = place.run(&["forget", "queue.three@a", "--yes"]);
            let free = if command == ["apply"] { 1 } else { 0 };
            assert!(next.code == free && !next.stdout.contains("Took over"), "{what}: nobody died: {next:?}");
        }
    }
}

/// Marks a queue as another project's.
fn give_to_somebody_else(place: &Place, protect: bool) {
    let theirs = |object: &mut atlas::observed::Object| {
        let mark = object.mark.as_mut().expect("marked");
        mark.project = "other".into();
        mark.protect = protect;
    };
    let world = World::open(&place.path(".atlas/world/s")).expect("there");
    assert!(world.edit("region/a/queue/one", theirs).expect("edited"));
}

/// Nobody is asked, so nobody reads the question: that a protection goes is said all the same.
#[test]
fn a_protection_is_never_taken_away_without_a_word() {
    let words = "the object of queue.one@a is protected by its mark, and would not be any more";
    for arguments in [&["--yes"][..], &["--yes", "--quiet"], &["--yes", "--json"]] {
        let place = Place::with(SPEC);
        place.expect(0, &["apply", "--yes"]);
        give_to_somebody_else(&place, true);
        let run = place.run(&[&["adopt", "queue.one@a"], arguments].concat());
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        if arguments.contains(&"--json") {
            let lines: Vec<serde_json::Value> =
                run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            let (first, diagnostic) = (&lines[0], &lines[0]["diagnostics"][0]);
            assert_eq!((&first["event"], &diagnostic["code"]), (&"warning".into(), &"A0519".into()), "{run:?}");
            assert!(diagnostic["detail"].as_str().is_some_and(|detail| detail == words), "{run:?}");
        } else {
            let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains("A0519") && said.contains(words), "{arguments:?}: {run:?}");
        }
    }
}

#[test]
fn the_question_says_what_how_much_and_where() {
    let place = Place::with(SPEC);
    let answer = |args: &[&str], question: &str, key: &str| {
        use std::io::Write as _;
        let mut seat = Seat::take(&place, args);
        seat.wait_for("Only `yes` will do:");
        let said = seat.text().replace("\r\n", "\n");
        assert!(said.contains(question), "{said}");
        seat.keys.write_all(key.as_bytes()).expect("typed");
        seat.end()
    };
    let place_of = "in project `t`, environment `s` (sandbox)? Only `yes` will do:";
    assert_eq!(answer(&["apply"], &format!("Apply this (4 to create) {place_of}"), "no\n").0, Some(1));
    assert_eq!(answer(&["apply"], &format!("Apply this (4 to create) {place_of}"), "yes\n").0, Some(0));
    assert_eq!(answer(&["destroy"], &format!("Delete all of this (4 to delete) {place_of}"), "y\n").0, Some(1));
    let forget = format!("Let go of this and leave it as it is (1 to forget) {place_of}");
    assert_eq!(answer(&["forget", "queue.one@a"], &forget, "no\n").0, Some(1));
    // An object that somebody else protects loses its protection when it is taken over, and the question says so.
    give_to_somebody_else(&place, true);
    let question = "Take this over (1 to adopt) in project `t`, environment `s` (sandbox)? It takes away the protection of \
                    queue.one@a. Only `yes` will do:";
    let (code, text) = answer(&["adopt", "queue.one@a"], question, "no\n");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("protection that would be lost"), "{text}");
    place.edit("[queue.one]", "[queue.one]\nprotect = true");
    let question = "Take this over (1 to adopt) in project `t`, environment `s` (sandbox)? Only `yes` will do:";
    let (code, text) = answer(&["adopt", "queue.one@a"], question, "yes\n");
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("protection"), "{text}");
}

#[test]
fn every_request_to_stop_finishes_what_is_in_flight() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let place = slow("400");
        let mut command = place.command(&["apply", "--yes"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it begins");
        in_flight(&place);
        signal(&child, name);
        let run = Run::of(child.wait_with_output().expect("it ends"));
        assert_eq!(run.code, 3, "{name}: {run:?}");
        assert!(run.stdout.contains("Stopped, as asked."), "{name}: {run:?}");
        assert!(run.stdout.contains("created queue.one@a"), "{name}: {run:?}");
        assert!(run.stderr.contains("stopping: what is in flight is finished"), "{name}: {run:?}");
        let history = place.expect(0, &["history"]);
        assert!(history.contains("interrupted") && !history.contains("unfinished"), "{name}: {history}");
        place.expect(0, &["sandbox", "latency", "0"]);
        let next = place.run(&["apply", "--yes"]);
        assert!(next.code == 0 && !next.stdout.contains("Took over"), "{name}: {next:?}");
    }
}

#[test]
fn a_signal_that_is_ignored_from_the_start_is_ignored_to_the_end() {
    let place = slow("200");
    let program = env!("CARGO_BIN_EXE_atlas");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("trap '' HUP; exec {program} apply --yes")]).current_dir(place.path("."));
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().expect("it begins");
    in_flight(&place);
    signal(&child, "-HUP");
    let run = Run::of(child.wait_with_output().expect("it ends"));
    assert!(run.code == 0 && run.stdout.contains("Done: 4 created."), "{run:?}");
}

#[test]
fn a_run_that_was_killed_is_in_the_history() {
    for signals in [&["-KILL"][..], &["-INT", "-INT"], &["-TERM", "-INT"]] {
        let place = slow("2000");
        let mut command = place.command(&["apply", "--yes"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it begins");
        let history = || std::fs::read_to_string(place.path(".atlas/records/t/s/history.jsonl")).unwrap_or_default();
        until("the run is written down", || history().contains("unfinished"), history);
        for name in signals {
            signal(&child, name);
            // The first signal has to be handled before the second is sent, or they count as one.
            std::thread::sleep(Duration::from_millis(300));
        }
        child.wait().expect("it ends");
        let said = place.expect(0, &["history"]);
        assert!(said.contains("apply      unfinished   it was killed, or is still going on"), "{signals:?}: {said}");
        let runs = place.json(&["history", "--json"]);
        assert_eq!(runs["runs"][0]["ended"], serde_json::Value::Null);
        place.expect(0, &["sandbox", "latency", "0"]);
        place.expect(0, &["apply", "--yes"]);
        let said = place.expect(0, &["history"]);
        let words: Vec<&str> = said.lines().filter_map(|line| line.split_whitespace().nth(3)).collect();
        assert_eq!(words, ["unfinished", "converged"], "{signals:?}: {said}");
    }
}

#[test]
fn what_can_not_be_seen_again_is_said_and_no_success() {
    for json in [false, true] {
        let place = slow("1000");
        let mut command = place.command(if json { &["apply", "--yes", "--json"] } else { &["apply", "--yes", "-q"] });
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it begins");
        let journal = || std::fs::read_to_string(place.path(".atlas/records/t/s/journal.jsonl")).unwrap_or_default();
        until("all is done", || journal().matches("\"done\"").count() == 4, journal);
        // The last look begins with a wait as long as every call's.
        World::open(&place.path(".atlas/world/s")).expect("there").set_outage("region/a", true).expect("out");
        let run = Run::of(child.wait_with_output().expect("it ends"));
        assert_eq!(run.code, 3, "{run:?}");
        if json {
            let last: Vec<serde_json::Value> =
                run.stdout.lines().rev().take(2).map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert_eq!((&last[0]["event"], &last[0]["outcome"]), (&"summary".into(), &"unproven".into()), "{run:?}");
            assert_eq!((&last[1]["event"], &last[1]["host"]), (&"unproven".into(), &"region.a".into()), "{run:?}");
            assert_eq!(last[1]["addresses"].as_array().map(Vec::len), Some(4), "{run:?}");
        } else {
            assert_eq!(run.stdout, "Done: 4 created, 4 not proven.\n");
            let line = "not proven: region.a does not answer; not seen again: queue.one@a, queue.three@a, queue.two@a, region.a\n";
            assert!(run.stderr.contains(line), "{run:?}");
        }
        assert!(place.expect(0, &["history"]).contains("unproven"));
        place.expect(0, &["sandbox", "latency", "0"]);
        place.expect(4, &["drift"]);
        place.expect(0, &["sandbox", "outage", "a", "--end"]);
        place.expect(0, &["drift"]);
        // The objects of the run count as missing although no look ever saw them.
        place.expect(0, &["sandbox", "delete", "region.a"]);
        place.expect(2, &["drift"]);
    }
}
