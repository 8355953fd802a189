//! Files of variables on a real engine: what is in them counts, an edited file is a change, and a bad one is an error.

use super::{Engine, container, head};
use crate::support::Place;

fn variables(engine: &Engine, name: &str) -> Vec<String> {
    let seen = engine.inspect("container", name);
    let all = seen["Config"]["Env"].as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|one| Some(one.as_str()?.to_owned())).filter(|one| !one.starts_with("PATH=")).collect()
}

#[test]
fn what_is_in_a_file_of_variables_is_the_container_s() {
    let Some(engine) = Engine::here() else { return };
    let lines = "env_file = [\"app.env\", \"more.env\"]\nenvironment = { C = \"of the spec\" }\n";
    let place = Place::with(&(head("env-files") + &container("env-files", lines)));
    place.write("app.env", "# the app\nexport A=1\nB=\"two ${A}\" # and more\nC=of the file\n");
    place.write("more.env", "B='$A'\nD=$HERE\n");
    let mut command = engine.command(&place, &["apply", "--yes"]);
    assert!(command.env("HERE", "from here").status().expect("it runs").success());
    let mut there = variables(&engine, "env-files");
    there.sort();
    assert_eq!(there, ["A=1", "B=$A", "C=of the spec", "D=from here"]);
    let plan = |code: i32| {
        let mut command = engine.command(&place, &["plan", "--detailed-exitcode", "--json"]);
        let run = crate::support::Run::of(command.env("HERE", "from here").output().expect("it runs"));
        assert_eq!(run.code, code, "{run:?}");
        serde_json::from_str::<serde_json::Value>(&run.stdout).expect("JSON")
    };
    plan(0);
    // Another name of the same content is no change of the container.
    std::fs::rename(place.path("app.env"), place.path("first.env")).expect("renamed");
    place.edit("app.env", "first.env");
    plan(0);
    place.write("more.env", "B=other\nD=$HERE\n");
    let changed = plan(2);
    let change = &changed["changes"][0];
    assert_eq!((&change["action"], &change["cause"]), (&"replace".into(), &"spec".into()), "{changed:#}");
    assert_eq!(change["attributes"][0]["path"], "environment.B", "{changed:#}");
    let mut command = engine.command(&place, &["apply", "--yes"]);
    assert!(command.env("HERE", "from here").status().expect("it runs").success());
    assert!(variables(&engine, "env-files").contains(&"B=other".to_owned()));
    plan(0);
    engine.expect(&place, 0, &["destroy", "--yes"]);
}

#[test]
fn a_file_of_variables_that_can_t_be_read_is_an_error_at_its_name() {
    let place = Place::with("[project]\nname = \"t\"\n\n[container.web]\nimage = \"i\"\nenv_file = [\"app.env\"]\n");
    let refused = |words: &str| {
        let run = place.run(&["validate"]);
        assert!(run.code == 1 && run.stderr.contains("error[A0213]"), "{run:?}");
        assert!(run.stderr.contains(words) && run.stderr.contains("atlas.toml:6:12"), "{words}: {run:?}");
    };
    refused("there is no such file");
    place.write("app.env", "A=1\nno variable\n");
    refused("line 2");
    place.write("app.env", &"A=1\n".repeat(300_000));
    refused("at most 1048576 are read");
    std::fs::write(place.path("app.env"), b"A=\xff\n").expect("written");
    refused("not UTF-8");
    std::fs::remove_file(place.path("app.env")).expect("removed");
    std::os::unix::fs::symlink("/etc/hostname", place.path("app.env")).expect("linked");
    refused("leads out of the folder");
    std::fs::remove_file(place.path("app.env")).expect("removed");
    std::fs::create_dir(place.path("app.env")).expect("made");
    refused("it is no file");
    place.edit("\"app.env\"", "\"../app.env\"");
    assert_eq!(place.run(&["validate"]).code, 1);
    std::fs::remove_dir(place.path("app.env")).expect("removed");
    place.edit("\"../app.env\"]", "\"app.env\"]\nsecrets = { A = { env = \"A\" } }");
    place.write("app.env", "A=1\n");
    let run = place.run(&["validate"]);
    assert!(run.code == 1 && run.stderr.contains("stands in `secrets` as well"), "{run:?}");
}
