//! An engine that is reached through `ssh`. What stands in for `ssh` leads to the engine of this run, and writes down how it
//! was called; the other side of it is Docker's own.

use super::{Engine, container, head};
use crate::support::{Place, Run};

fn run(place: &Place, arguments: &[&str]) -> Run {
    let mut command = place.command(arguments);
    command.env("PATH", place.search_path()).env("DOCKER_HOST", "ssh://ada@build:2222");
    Run::of(command.env_remove("DOCKER_CONTEXT").output().expect("it runs"))
}

#[test]
fn an_engine_behind_ssh_is_used_like_any_other() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&format!("{}[volume.far]\n{}", head("far"), container("far", "")));
    let log = place.path("called").display().to_string();
    place.program("ssh", &format!("echo \"$*\" >> '{log}'\nexec docker -H '{}' system dial-stdio", engine.host));
    let expect = |code: i32, arguments: &[&str]| {
        let run = run(&place, arguments);
        assert_eq!(run.code, code, "{arguments:?} {run:?}");
        run.stdout
    };
    expect(0, &["apply", "--yes"]);
    expect(0, &["plan", "--detailed-exitcode"]);
    assert_eq!(engine.inspect("container", "far")["State"]["Running"], true);
    // A stream in both directions goes through as well.
    assert_eq!(expect(0, &["exec", "container.far", "--", "/bin/sh", "-c", "echo over there"]), "over there\n");
    expect(0, &["destroy", "--yes"]);
    assert!(engine.inspect("container", "far").is_null());
    let called = place.read("called");
    let wanted = "-T -o BatchMode=yes -o ConnectTimeout=10 -l ada -p 2222 -- build docker system dial-stdio";
    assert!(called.lines().all(|line| line == wanted), "{called}");
}

#[test]
fn what_ssh_complains_about_is_said() {
    let place = Place::with(&format!("{}[volume.far]\n", head("far")));
    place.program("ssh", "echo 'ada@build: Permission denied (publickey).' >&2; exit 255");
    let said = run(&place, &["plan"]);
    assert!(said.stdout.contains("Permission denied (publickey)"), "{said:?}");
    assert!(said.stdout.contains("ssh://ada@build:2222"), "{said:?}");
}
