//! An engine whose disk is full, one that is killed in the middle of an apply, and what a killed one leaves behind.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::trouble::fails;
use super::{Engine, container, free_port, head, servers, until};
use crate::support::{Place, Run};

/// An engine of this test's own, which it may kill.
struct Own {
    engine: Engine,
    pid: std::path::PathBuf,
    again: String,
    keeper: Child,
    second: Option<Child>,
}

impl Own {
    /// None where the tests run on an engine that was not started for them: there may be no other one then.
    fn start() -> Option<Self> {
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
    let blocks: String =
        (0..COUNT).map(|n| container(&format!("killed-{n}"), "networks = [{ network = \"network.net\" }]\n")).collect();
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

/// A process in the engine's runtime under the id of a container, as an engine leaves one that dies while it starts a
/// container. It has no other way to be told of it.
struct Remainder {
    socket: String,
    id: String,
    root: tempfile::TempDir,
}

impl Remainder {
    fn of(own: &Own, id: &str) -> Self {
        let socket = own.pid.with_file_name("exec").join("containerd/containerd.sock").display().to_string();
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["usr", "lib", "lib64", "bin", "proc", "dev"] {
            std::fs::create_dir(root.path().join(folder)).expect("made");
        }
        let remainder = Self { socket, id: id.to_owned(), root };
        let mounts =
            ["/usr", "/lib", "/lib64", "/bin"].map(|at| format!("type=bind,src={at},dst={at},options=rbind:ro"));
        let mounts = mounts.iter().flat_map(|mount| ["--mount", mount]);
        let root = remainder.root.path().to_str().expect("text");
        let all: Vec<&str> = ["run", "--detach"].into_iter().chain(mounts).chain(["--rootfs", root, id]).collect();
        remainder.ctr(&[all.as_slice(), &["/bin/sleep", "1d"]].concat());
        remainder
    }

    fn ctr(&self, arguments: &[&str]) {
        let mut command = Command::new("ctr");
        command.args(["--address", &self.socket, "--namespace", "moby"]).args(arguments);
        let run = Run::of(command.output().expect("ctr runs"));
        assert_eq!(run.code, 0, "ctr {arguments:?}: {}", run.stderr);
    }
}

impl Drop for Remainder {
    fn drop(&mut self) {
        self.ctr(&["tasks", "delete", "--force", &self.id]);
    }
}

#[test]
fn what_a_dead_engine_left_of_a_container_that_never_started_does_not_stop_it() {
    let Some(own) = Own::start() else { return };
    let engine = &own.engine;
    let port = free_port();
    let lines = format!("ports = [\"{port}:80\"]\nrestart = \"no\"\n");
    let place = Place::with(&(head("remainder") + &container("remainder", &lines)));
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("free");
    fails(engine, &place);
    drop(taken);
    let (first, status) = (engine.id("remainder"), "{{.State.Status}}");
    assert_eq!(engine.docker(&["container", "inspect", "-f", status, "remainder"]), "created");
    let remainder = Remainder::of(&own, &first);
    let refused = engine.ask(&["start", "remainder"]).expect_err("the engine can't start it");
    assert!(refused.contains("already exists"), "{refused}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_ne!(engine.id("remainder"), first, "it was made again");
    drop(remainder);

    // One that ran may hold something, so that it is not made again unasked; the way out is said.
    engine.docker(&["stop", "remainder"]);
    let second = engine.id("remainder");
    let remainder = Remainder::of(&own, &second);
    let said = fails(engine, &place);
    assert!(said.contains("restart the engine, or make a new one with --replace"), "{said}");
    assert_eq!(engine.id("remainder"), second);
    engine.expect(&place, 0, &["apply", "--yes", "--replace", "container.remainder"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    drop(remainder);
}
