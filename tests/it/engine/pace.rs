//! How fast containers are made.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Engine, container, head};
use crate::support::Place;

#[test]
#[ignore = "it is timed, so scripts/test runs it alone, after the others"]
fn containers_are_made_about_as_fast_as_by_sixteen_docker_runs() {
    const COUNT: usize = 100;
    let Some(engine) = Engine::here() else { return };
    let (mut ours, mut theirs) = (f64::MAX, f64::MAX);
    // They run in turns, and the best time of each counts, because other work on this machine slows both.
    for round in 0..2 {
        let blocks: String = (0..COUNT).map(|n| container(&format!("pace-{round}-{n}"), "")).collect();
        let place = Place::with(&format!("{}{blocks}", head(&format!("pace{round}"))));
        let begun = Instant::now();
        engine.expect(&place, 0, &["apply", "--yes", "--parallelism", "16"]);
        ours = ours.min(begun.elapsed().as_secs_f64());
        engine.expect(&place, 0, &["destroy", "--yes", "--parallelism", "16"]);
        let names: Vec<String> = (0..COUNT).map(|n| format!("race-{round}-{n}")).collect();
        let begun = Instant::now();
        sixteen(&engine, "docker run -d --name NAME --restart unless-stopped BINDS IMAGE sh -c \"$SCRIPT\"", &names);
        theirs = theirs.min(begun.elapsed().as_secs_f64());
        sixteen(&engine, "docker rm --force NAME", &names);
    }
    println!("atlas {ours:.2} s, sixteen docker runs at a time {theirs:.2} s, ratio {:.2}", ours / theirs);
    assert!(ours <= theirs * 1.3, "atlas {ours:.2} s, sixteen docker runs at a time {theirs:.2} s");
}

/// Runs a command for each name, sixteen at a time.
fn sixteen(engine: &Engine, command: &str, names: &[String]) {
    let binds = ["/usr", "/lib", "/lib64", "/bin"].map(|folder| format!("-v {folder}:{folder}:ro")).join(" ");
    let command = command.replace("BINDS", &binds).replace("IMAGE", "atlas-test/empty:1").replace("NAME", "{}");
    let mut xargs = Command::new("xargs")
        .args(["-P16", "-I{}", "sh", "-c", &command])
        .env("DOCKER_HOST", &engine.host)
        .env("SCRIPT", "trap 'exit 0' TERM; echo ready; sleep 1d & wait")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("xargs runs");
    let mut lines = xargs.stdin.take().expect("piped");
    lines.write_all(names.join("\n").as_bytes()).expect("it listens");
    drop(lines);
    assert!(xargs.wait().expect("it ends").success(), "{command}");
}
