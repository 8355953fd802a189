//! The loop as a process: signals, standing by, dying in the middle, and what it prints.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::support::Place;

const SPEC: &str = r#"
[project]
name = "shop"
environment = "sandbox"

[environment.sandbox]
world = "sandbox"

[reconcile]
interval = "1s"

[region.us]

[bucket.logs]
regions = ["us"]

[queue.orders]
regions = ["us"]
"#;

/// A loop that runs, with its lines as they come. It is ended when it goes out of scope.
struct Loop {
    child: Child,
    lines: Receiver<String>,
}

impl Loop {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut child = place
            .command(&[&["--json", "reconcile"], arguments].concat())
            .env("ATLAS_LEASE_SECONDS", "2")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let out = child.stdout.take().expect("piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for a line in which all of these stand.
    fn wait_for(&self, words: &[&str]) -> String {
        let end = Instant::now() + Duration::from_secs(90);
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line with {words:?}:\n{}", seen.join("\n"));
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "{name}");
    }

    fn end(mut self) -> i32 {
        self.signal("-TERM");
        self.child.wait().expect("ended").code().unwrap_or(-1)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn applied() -> Place {
    let place = Place::with(SPEC);
    let run = place.run(&["apply", "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
    place
}

#[test]
fn the_loop_heals_by_itself_and_ends_in_good_order() {
    let place = applied();
    let running = Loop::start(&place, &[]);
    running.wait_for(&["\"event\":\"pass\"", "\"outcome\":\"converged\""]);
    assert_eq!(place.run(&["sandbox", "delete", "queue.orders@us"]).code, 0);
    running.wait_for(&["\"event\":\"pass\"", "queue.orders@us", "\"action\":\"create\"", "\"outcome\":\"converged\""]);
    assert_eq!(running.end(), 0, "a graceful stop is no failure");
    let history = place.run(&["history"]);
    assert!(history.stdout.contains("reconcile") && history.stdout.contains("1 created"), "{history:?}");
    let plan = place.run(&["history", "2"]);
    assert!(
        plan.stdout.contains("+ queue.orders@us") && plan.stdout.contains("deleted behind Atlas's back"),
        "{plan:?}"
    );
    assert_eq!(place.run(&["history", "3"]).code, 1);
}

#[test]
fn a_second_loop_stands_by_and_takes_over_when_the_first_one_is_killed() {
    let place = applied();
    let first = Loop::start(&place, &[]);
    first.wait_for(&["\"event\":\"pass\""]);
    let second = Loop::start(&place, &[]);
    second.wait_for(&["standing-by", "atlas reconcile"]);
    first.signal("-KILL");
    let killed = Instant::now();
    second.wait_for(&["\"event\":\"leading\""]);
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
    assert_eq!(place.run(&["sandbox", "delete", "bucket.logs@us"]).code, 0);
    second.wait_for(&["\"event\":\"pass\"", "bucket.logs@us", "\"outcome\":\"converged\""]);
}

#[test]
fn a_loop_that_was_stopped_for_longer_than_its_lease_does_nothing_more_before_it_leads_again() {
    let place = applied();
    let first = Loop::start(&place, &[]);
    first.wait_for(&["\"event\":\"pass\""]);
    first.signal("-STOP");
    let second = Loop::start(&place, &[]);
    second.wait_for(&["\"event\":\"leading\""]);
    second.wait_for(&["\"event\":\"pass\""]);
    first.signal("-CONT");
    first.wait_for(&["stepped-down"]);
    first.wait_for(&["standing-by"]);
    assert_eq!(second.end(), 0);
    first.wait_for(&["\"event\":\"leading\""]);
}

#[test]
fn a_hang_up_asks_for_a_pass_and_so_does_an_edit_of_the_spec() {
    let place = Place::with(&SPEC.replace("interval = \"1s\"", "interval = \"1h\""));
    assert_eq!(place.run(&["apply", "--yes"]).code, 0);
    let running = Loop::start(&place, &[]);
    running.wait_for(&["\"number\":1,"]);
    running.signal("-HUP");
    running.wait_for(&["\"number\":2,"]);
    place.edit("[bucket.logs]", "# edited\n[bucket.logs]");
    running.wait_for(&["\"number\":3,"]);
}

#[test]
fn one_pass_tells_by_its_exit_code_whether_all_is_in_order() {
    let place = applied();
    assert_eq!(place.run(&["reconcile", "--once"]).code, 0);
    assert_eq!(place.run(&["sandbox", "delete", "bucket.logs@us"]).code, 0);
    let run = place.run(&["reconcile", "--once", "--mode", "observe"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("held bucket.logs@us: the loop only observes"), "{run:?}");
    let run = place.run(&["reconcile", "--once"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.stdout, "created bucket.logs@us\nPass 1: everything is in order: 3 resources.\n");
    let run = place.run(&["suspend", "bucket.lgs", "--reason", "x"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("bucket.logs"), "{run:?}");
    assert_eq!(place.run(&["suspend", "bucket.logs", "--reason", "a move", "--for", "2h"]).code, 0);
    assert_eq!(place.run(&["sandbox", "delete", "bucket.logs@us"]).code, 0);
    let run = place.run(&["reconcile", "--once"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("a move"), "{run:?}");
    let status = place.run(&["status"]);
    assert!(status.stdout.contains("suspended bucket.logs, for 1") && status.stdout.contains("a move"), "{status:?}");
}

#[test]
fn metrics_are_served_as_prometheus_reads_them() {
    let place = applied();
    let running = Loop::start(&place, &["--metrics", "127.0.0.1:0"]);
    let line = running.wait_for(&["\"event\":\"serving\""]);
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let url = line["metrics"].as_str().expect("a URL").to_owned();
    running.wait_for(&["\"event\":\"pass\""]);
    assert_eq!(place.run(&["sandbox", "delete", "bucket.logs@us"]).code, 0);
    running.wait_for(&["\"event\":\"pass\"", "bucket.logs@us", "\"outcome\":\"converged\""]);
    running.wait_for(&["\"event\":\"pass\""]);
    let text = get(&url);
    let own = ["project=\"shop\"", "environment=\"sandbox\""];
    for (name, labels, value) in [
        ("atlas_actions_total", &["action=\"create\"", "outcome=\"done\""][..], " 1"),
        ("atlas_leads", &[], " 1"),
        ("atlas_resources", &["condition=\"ready\"", "kind=\"bucket\""], " 1"),
        ("atlas_driver_calls_total", &["class=\"ok\"", "driver=\"sandbox\""], ""),
        ("atlas_pass_duration_seconds_bucket", &["le=\"+Inf\""], ""),
    ] {
        // Labels stand in any order.
        let is_it = |line: &&str| {
            let has = |label: &&&str| line.contains(**label);
            line.starts_with(&format!("{name}{{"))
                && line.ends_with(value)
                && labels.iter().chain(&own).all(|one| has(&one))
        };
        assert!(text.lines().any(|line| is_it(&line)), "no {name} with {labels:?} in\n{text}");
    }
    // Each family has a help text and a type, before its samples.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let family =
            ["_bucket", "_sum", "_count"].iter().fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
        assert!(text.contains(&format!("# HELP {family} ")) && text.contains(&format!("# TYPE {family} ")), "{line}");
    }
    if let Some(promtool) = std::env::var_os("ATLAS_TEST_PROMTOOL") {
        let mut child =
            Command::new(promtool).args(["check", "metrics"]).stdin(Stdio::piped()).spawn().expect("promtool runs");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), text.as_bytes()).expect("written");
        assert!(child.wait().expect("ended").success());
    }
}

/// Asks for a page, as a client that closes the connection.
fn get(url: &str) -> String {
    let (address, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("a URL");
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("written");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).expect("read");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
}
