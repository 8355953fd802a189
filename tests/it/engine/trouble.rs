//! What goes wrong on an engine: nobody is there, ports are taken, images are missing or for others, containers fail their
//! health checks or end, secrets must not get out.

use std::process::Command;

use serde_json::json;

use super::{Engine, SECRET, container, free_port, head};
use crate::support::{Place, Run};

/// Applies and expects that it fails; everything that it said.
pub(super) fn fails(engine: &Engine, place: &Place) -> String {
    let run = engine.run(place, &["apply", "--yes"]);
    assert_eq!(run.code, 3, "{}\n{}", run.stdout, run.stderr);
    // People read it in lines of a limited width.
    (run.stdout + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn project(engine: &Engine, name: &str, blocks: &str) -> Place {
    let place = Place::with(&(head(name) + blocks));
    engine.run(&place, &["destroy", "--yes"]);
    place
}

fn gone(engine: &Engine, place: &Place) {
    engine.expect(place, 0, &["destroy", "--yes"]);
}

#[test]
fn without_an_engine_everything_is_blocked_and_nothing_planned() {
    let engine = Engine::at("unix:///nowhere/docker.sock");
    let place = Place::with(&format!(
        "{}[network.net]\n[volume.data]\n[region.us-east-1]\nlocalstack = {{}}\n[queue.jobs]\nregions = [\"us-east-1\"]\n{}",
        head("nowhere"),
        container("cache", "networks = [{ network = \"network.net\" }]\n")
    ));
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    assert_eq!(plan["summary"]["blocked"], 5, "{plan:#}");
    for change in plan["changes"].as_array().expect("a list") {
        assert_eq!(change["action"], "no-op", "{change}");
        assert!(!change["blocked"].is_null(), "{change}");
    }
    let text = engine.run(&place, &["plan"]);
    let said = (text.stdout + &text.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["unix:///nowhere/docker.sock", "there is no such socket", "start Docker or Podman", "DOCKER_HOST"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // A look that saw nothing is no good news.
    for arguments in [&["drift"][..], &["status"], &["plan", "--detailed-exitcode"]] {
        engine.expect(&place, 4, arguments);
    }
    engine.expect(&place, 3, &["apply", "--yes"]);
}

#[test]
fn a_port_that_is_taken_is_said_by_whom() {
    let Some(engine) = Engine::here() else { return };
    let port = free_port();
    let place = project(&engine, "taken-port", &container("taken-port", &format!("ports = [\"{port}:80\"]\n")));
    engine.start("taken-port-holder", &["-p", &format!("127.0.0.1:{port}:80")]);
    let said = fails(&engine, &place);
    engine.docker(&["rm", "--force", "taken-port-holder"]);
    assert!(said.contains("the container `taken-port-holder` has it"), "{said}");
    assert!(said.contains(&port.to_string()), "{said}");
    let program = std::net::TcpListener::bind(("127.0.0.1", port)).expect("free again");
    let said = fails(&engine, &place);
    assert!(said.contains("a program of the engine's machine that is no container has it"), "{said}");
    drop(program);
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    gone(&engine, &place);
}

#[test]
fn an_image_that_is_not_there_is_said_with_a_way_out() {
    let Some(engine) = Engine::here() else { return };
    let lines = "image = \"127.0.0.1:1/nobody/nothing:9\"\npull = \"never\"\n";
    let place = project(&engine, "no-image", &container("no-image", lines));
    let said = fails(&engine, &place);
    assert!(
        said.contains("has no image `127.0.0.1:1/nobody/nothing:9`") && said.contains("build or load it"),
        "{said}"
    );
    place.edit("pull = \"never\"", "pull = \"missing\"");
    let said = fails(&engine, &place);
    assert!(said.contains("the image `127.0.0.1:1/nobody/nothing:9` can't be pulled"), "{said}");
    assert!(said.contains("connection refused"), "{said}");
    place.edit("127.0.0.1:1/nobody/nothing:9", "atlas-test/empty:1");
    engine.expect(&place, 0, &["apply", "--yes"]);
    gone(&engine, &place);
}

#[test]
fn an_image_for_another_machine_is_said_to_be() {
    let Some(engine) = Engine::here() else { return };
    let own = engine.docker(&["version", "-f", "{{.Server.Arch}}"]);
    let other = if own == "arm64" { "amd64" } else { "arm64" };
    let folder = Place::empty();
    let here = folder.path("").to_str().expect("text").trim_end_matches('/').to_owned();
    elsewhere(&engine, &folder, &own, other);
    // A program that this machine can't run, as those of the image would be.
    folder.write("program", "\u{7f}ELF, but for another machine");
    assert!(Command::new("chmod").arg("+x").arg(folder.path("program")).status().expect("chmod runs").success());
    let lines = format!(
        "image = \"atlas-test/elsewhere:1\"\ncommand = [\"/here/program\"]\nbinds = [\"{here}:/here:ro\"]\nrestart = \"no\"\n"
    );
    let place = project(&engine, "elsewhere", &container("elsewhere", &lines));
    let said = fails(&engine, &place);
    let wanted = format!("the image `atlas-test/elsewhere:1` is for {other}, and the engine's machine is {own}");
    assert!(said.contains(&wanted), "{said}");
    gone(&engine, &place);
    engine.docker(&["image", "rm", "atlas-test/elsewhere:1"]);
}

/// Gives the engine its own image again under another name, and for another machine.
fn elsewhere(engine: &Engine, folder: &Place, own: &str, other: &str) {
    let tar = |arguments: &[&str]| {
        let done = Command::new("tar").args(arguments).current_dir(folder.path("")).status();
        assert!(done.expect("tar runs").success(), "tar {arguments:?}");
    };
    let path = |name: &str| folder.path(name).to_str().expect("text").to_owned();
    engine.docker(&["save", "-o", &path("saved"), "atlas-test/empty:1"]);
    std::fs::create_dir(folder.path("image")).expect("made");
    tar(&["-xf", "saved", "-C", "image"]);
    let manifest = folder.read("image/manifest.json");
    let config = serde_json::from_str::<serde_json::Value>(&manifest).expect("JSON")[0]["Config"].clone();
    let config = format!("image/{}", config.as_str().expect("a path"));
    let text = folder.read(&config).replace(&format!("\"{own}\""), &format!("\"{other}\""));
    folder.write(&config, &text);
    folder.write("image/manifest.json", &manifest.replace("atlas-test/empty:1", "atlas-test/elsewhere:1"));
    tar(&["-cf", "changed", "-C", "image", "."]);
    engine.docker(&["load", "-i", &path("changed")]);
    let there = engine.docker(&["image", "inspect", "-f", "{{.Architecture}}", "atlas-test/elsewhere:1"]);
    assert_eq!(there, other);
}

#[test]
fn a_health_check_that_never_passes_ends_with_its_output() {
    let Some(engine) = Engine::here() else { return };
    let lines = "health = { command = [\"/bin/sh\", \"-c\", \"echo the disk is full; exit 1\"], interval = \"1s\" }\n\
        wait = \"healthy\"\ntimeout = \"6s\"\n";
    let place = project(&engine, "never-well", &container("never-well", lines));
    let said = fails(&engine, &place);
    assert!(said.contains("its health check does not pass, which says `the disk is full`"), "{said}");
    place.edit("exit 1", "exit 0");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(engine.inspect("container", "never-well")["State"]["Health"]["Status"], "healthy");
    gone(&engine, &place);
}

#[test]
fn a_container_that_ends_at_once_says_why() {
    let Some(engine) = Engine::here() else { return };
    let lines = "command = [\"/bin/sh\", \"-c\", \"echo no such ledger; exit 7\"]\nrestart = \"no\"\n";
    let place = project(&engine, "ends", &container("ends", lines));
    let said = fails(&engine, &place);
    assert!(said.contains("it ended with exit code 7; its last words: `no such ledger`"), "{said}");
    // The engine restarts this container again and again, so Atlas has to stop waiting for it.
    place.edit("restart = \"no\"", "restart = \"always\"");
    let said = fails(&engine, &place);
    assert!(said.contains("it ended again and again, 5 times, with exit code 7"), "{said}");
    assert!(said.contains("`no such ledger"), "{said}");
    gone(&engine, &place);
}

#[test]
fn a_secret_is_in_its_container_and_nowhere_else() {
    let Some(engine) = Engine::here() else { return };
    let secret = format!("secrets = {{ TOKEN = {{ env = \"{}\" }} }}\n", SECRET.0);
    let dying = "command = [\"/bin/sh\", \"-c\", \"echo cannot log in with $TOKEN >&2; exit 9\"]\nrestart = \"no\"\n\
        wait = { log = \"never said\" }\n";
    let blocks = container("keeps-secret", &secret) + &container("tells-secret", &(dying.to_owned() + &secret));
    let place = project(&engine, "secret", &blocks);
    let mut outputs = Vec::new();
    for (code, arguments) in [
        (0, vec!["plan", "--out", "saved.plan", "-vv"]),
        (0, vec!["plan", "--json"]),
        (3, vec!["apply", "--yes", "-vv"]),
        (3, vec!["apply", "--yes", "--json"]),
        (0, vec!["show", "container.keeps-secret", "--json"]),
        (0, vec!["show", "container.tells-secret"]),
        (0, vec!["status"]),
        (0, vec!["history"]),
    ] {
        let run = engine.run(&place, &arguments);
        assert_eq!(run.code, code, "{arguments:?} {run:?}");
        outputs.push((format!("{arguments:?}"), run.stdout + &run.stderr));
    }
    assert!(outputs.iter().any(|(_, text)| text.contains("cannot log in with (secret)")), "{outputs:#?}");
    let seen = engine.inspect("container", "keeps-secret");
    let variable = json!(format!("TOKEN={}", SECRET.1));
    assert!(seen["Config"]["Env"].as_array().is_some_and(|all| all.contains(&variable)), "{seen}");
    for file in crate::cloud::trouble::files(&place.path("")) {
        let bytes = std::fs::read(&file).expect("readable");
        outputs.push((file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    assert!(outputs.iter().any(|(what, _)| what.ends_with("journal.jsonl")), "the journal was looked at");
    for (what, text) in outputs {
        assert!(!text.contains(SECRET.1), "{what}: {text}");
    }
    gone(&engine, &place);
}

#[test]
fn a_secret_that_changed_is_seen_and_never_said() {
    let Some(engine) = Engine::here() else { return };
    let secret = format!("secrets = {{ TOKEN = {{ env = \"{}\" }} }}\n", SECRET.0);
    let place = project(&engine, "rotated", &container("rotated", &secret));
    engine.expect(&place, 0, &["apply", "--yes"]);
    let with = |value: Option<&str>, arguments: &[&str]| {
        let mut command = engine.command(&place, arguments);
        match value {
            Some(value) => command.env(SECRET.0, value),
            None => command.env_remove(SECRET.0),
        };
        let run = Run::of(command.output().expect("it runs"));
        let text = run.stdout.clone() + &run.stderr;
        assert!(!text.contains(SECRET.1) && value.is_none_or(|value| !text.contains(value)), "{text}");
        run
    };
    // A person without the secret can still plan.
    assert_eq!(with(None, &["plan", "--detailed-exitcode"]).code, 0);
    let plan = with(Some("rotated-token-0002"), &["plan"]);
    assert!(plan.stdout.contains("secrets.TOKEN") && plan.stdout.contains("another value"), "{}", plan.stdout);
    assert_eq!(with(Some("rotated-token-0002"), &["apply", "--yes"]).code, 0);
    let seen = engine.inspect("container", "rotated");
    let variable = json!("TOKEN=rotated-token-0002");
    assert!(seen["Config"]["Env"].as_array().is_some_and(|all| all.contains(&variable)), "{seen}");
    assert_eq!(with(Some("rotated-token-0002"), &["plan", "--detailed-exitcode"]).code, 0);
    gone(&engine, &place);
}
