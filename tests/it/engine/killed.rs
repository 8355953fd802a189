//! An engine whose disk is full, one that is killed in the middle of an apply, and what a killed one leaves behind.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::json;

use super::relay::{Decision, relay};
use super::trouble::fails;
use super::{Engine, container, free_port, head, servers, until};
use crate::support::{Place, Run};

/// An engine of this test's own, which it may kill.
pub(super) struct Own {
    pub engine: Engine,
    pid: std::path::PathBuf,
    again: String,
    keeper: Child,
    second: Option<Child>,
}

impl Own {
    /// None where the tests run on an engine that was not started for them: there may be no other one then.
    pub fn start() -> Option<Self> {
        if std::env::var("ATLAS_TEST_DOCKER_ENGINE").is_err() {
            println!("skipped: the engine of this run was not started by scripts/servers");
            return None;
        }
        let script = "import json, os, pathlib, runpy, sys, tempfile\n\
            run = runpy.run_path(sys.argv[1])\n\
            place = pathlib.Path(tempfile.mkdtemp(prefix='atlas-docker-'))\n\
            trouble = run['start_docker'](place)\n\
            names = ['ATLAS_TEST_DOCKER', 'ATLAS_TEST_DOCKER_PID', 'ATLAS_TEST_DOCKER_ENGINE']\n\
            print(json.dumps(trouble or [os.environ[name] for name in names]), flush=True)\n\
            sys.stdin.read()\n\
            run['stop_docker'](place)\n";
        let mut keeper = Command::new("python3");
        keeper.args(["-c", script]).arg(servers()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = keeper.spawn().expect("Python runs");
        let mut line = String::new();
        BufReader::new(keeper.stdout.as_mut().expect("piped")).read_line(&mut line).expect("it answers");
        let names: Vec<String> = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let [host, pid, again] = <[String; 3]>::try_from(names).expect("three");
        Some(Self { engine: Engine::at(&host), pid: pid.into(), again, keeper, second: None })
    }

    /// Kills the engine; what runs on it goes on.
    fn kill(&self) {
        let pid = std::fs::read_to_string(&self.pid).expect("it runs");
        let killed = Command::new("kill").args(["-9", pid.trim()]).status().expect("kill runs");
        assert!(killed.success());
    }

    fn start_again(&mut self) {
        let mut words = self.again.split(' ');
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.second = Some(command.spawn().expect("it runs"));
        until("the engine answers", || self.engine.ask(&["version"]).is_ok());
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // When its input ends, the script stops the engine and removes everything on it.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        if let Some(mut second) = self.second.take() {
            let _ = second.wait();
        }
    }
}

#[test]
fn a_full_disk_is_said_and_room_heals_it() {
    let Some(own) = Own::start() else { return };
    let engine = &own.engine;
    let place = Place::with(&format!("{}[volume.full-disk]\n", head("full-disk")));
    let volumes = format!("{}/volumes", engine.docker(&["info", "-f", "{{.DockerRootDir}}"]));
    let mount = |arguments: &[&str]| {
        let done = Command::new(arguments[0]).args(&arguments[1..]).status().expect("it runs");
        assert!(done.success(), "{arguments:?}");
    };
    // A file system with room for its own root and nothing else.
    mount(&["mount", "-t", "tmpfs", "-o", "nr_inodes=1", "full", &volumes]);
    let said = fails(engine, &place);
    mount(&["umount", &volumes]);
    assert!(said.contains("no space left on device; free some on the engine's disk"), "{said}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn an_engine_that_is_killed_in_the_middle_of_an_apply_ends_up_with_everything_once() {
    const COUNT: usize = 24;
    let Some(mut own) = Own::start() else { return };
    let engine = &own.engine;
    let lines = "timeout = \"5s\"\nnetworks = [{ network = \"network.net\" }]\n";
    let blocks: String = (0..COUNT).map(|n| container(&format!("killed-{n}"), lines)).collect();
    let place = Place::with(&format!("{}[network.net]\nname = \"killed\"\n{blocks}", head("killed")));
    let mut command = engine.command(&place, &["apply", "--yes", "--parallelism", "3"]);
    let apply = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let names = |engine: &Engine| -> Vec<String> {
        let list = engine.docker(&["ps", "--all", "--format", "{{.Names}}"]);
        list.lines().map(str::to_owned).collect()
    };
    until("three containers are made", || names(engine).len() >= 3);
    own.kill();
    let run = Run::of(apply.wait_with_output().expect("it ends"));
    assert_eq!(run.code, 3, "{}\n{}", run.stdout, run.stderr);
    own.start_again();
    let engine = &own.engine;
    place.write("atlas.toml", &place.read("atlas.toml").replace("timeout = \"5s\"\n", ""));
    let before = names(engine).len();
    assert!((3..COUNT).contains(&before), "{before} of {COUNT} were there when it was killed");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let mut all = names(engine);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), COUNT, "{all:?}");
    let running = engine.docker(&["ps", "--quiet"]);
    assert_eq!(running.lines().count(), COUNT);
    println!("{before} of {COUNT} containers were there when the engine was killed");
}

#[test]
fn an_engine_that_is_started_again_in_the_middle_of_an_apply_is_waited_for() {
    const COUNT: usize = 12;
    let Some(mut own) = Own::start() else { return };
    let blocks: String = (0..COUNT).map(|n| container(&format!("waited-{n}"), "timeout = \"2m\"\n")).collect();
    let place = Place::with(&(head("waited") + &blocks));
    let mut command = own.engine.command(&place, &["apply", "--yes", "--parallelism", "3", "--json"]);
    let mut apply = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    until("three containers are made", || own.engine.docker(&["ps", "--quiet"]).lines().count() >= 3);
    own.kill();
    // Longer than three tries would take.
    let lines = BufReader::new(apply.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut said = String::new();
    for line in lines {
        said += &line;
        said.push('\n');
        if own.second.is_none() && line.contains("the container engine does not answer") {
            own.start_again();
        }
    }
    let run = Run::of(apply.wait_with_output().expect("it ends"));
    assert!(own.second.is_some(), "it is told what is waited for: {said}");
    // What ran when the engine was killed may not run again yet when all of it is looked at in the end.
    assert!([0, 3].contains(&run.code), "{said}\n{}", run.stderr);
    let summary: serde_json::Value = serde_json::from_str(said.lines().last().expect("a summary")).expect("JSON");
    let counts = ["created", "failed", "skipped"].map(|count| summary["counts"][count].clone());
    assert_eq!(counts, [json!(COUNT), json!(0), json!(0)], "{said}");
    own.engine.expect(&place, 0, &["apply", "--yes"]);
    own.engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let all = own.engine.docker(&["ps", "--all", "--quiet"]);
    assert_eq!(all.lines().count(), COUNT, "each is there once");
}

/// A way to an engine on which one container can't be started: what an engine says for ever that died while it started the
/// container, when its runtime keeps the process. No command makes a real engine do so at a time that a test could choose.
fn unable_to_start(host: &str, container: &str) -> Engine {
    let start = format!("/containers/{container}/start");
    let body = json!({ "message": format!("task {container}: already exists") }).to_string();
    let answer: Arc<str> = format!(
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into();
    relay(host, move |request| {
        let first_line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        match String::from_utf8_lossy(first_line).contains(&start) {
            true => Decision::Answer(Arc::clone(&answer)),
            false => Decision::HandOn,
        }
    })
}

#[test]
fn a_container_that_its_engine_never_started_and_can_not_start_is_made_again() {
    let Some(engine) = Engine::here() else { return };
    let port = free_port();
    let lines = format!("ports = [\"{port}:80\"]\nrestart = \"no\"\n");
    let place = Place::with(&(head("remainder") + &container("remainder", &lines)));
    engine.run(&place, &["destroy", "--yes"]);
    let taken = TcpListener::bind(("127.0.0.1", port)).expect("free");
    fails(&engine, &place);
    drop(taken);
    let (first, status) = (engine.id("remainder"), "{{.State.Status}}");
    assert_eq!(engine.docker(&["container", "inspect", "-f", status, "remainder"]), "created");
    let relayed = unable_to_start(&engine.host, &first);
    relayed.expect(&place, 0, &["apply", "--yes"]);
    relayed.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_ne!(engine.id("remainder"), first, "it was made again");

    // One that ran may hold something, so that it is not made again unasked; the way out is said.
    engine.docker(&["stop", "remainder"]);
    let second = engine.id("remainder");
    let relayed = unable_to_start(&engine.host, &second);
    let said = fails(&relayed, &place);
    assert!(said.contains("restart the engine, or make a new one with --replace"), "{said}");
    assert_eq!(engine.id("remainder"), second);
    relayed.expect(&place, 0, &["apply", "--yes", "--replace", "container.remainder"]);
    relayed.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    engine.expect(&place, 0, &["destroy", "--yes"]);
}
