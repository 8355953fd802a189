//! Bad input of any sort gets a clear error, and loses nothing.

use crate::support::{Place, Run};

const SPEC: &str =
    "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n[region.us-east-1]\n";

fn refused(run: &Run, says: &[&str]) {
    assert_eq!(run.code, 1, "{run:?}");
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    for text in says {
        assert!(run.stderr.contains(text), "`{text}` is missing: {run:?}");
    }
}

#[test]
fn a_missing_spec() {
    let place = Place::empty();
    for command in ["validate", "plan", "status", "drift", "graph", "history"] {
        refused(&place.run(&[command]), &["the spec `atlas.toml` can't be read", "atlas init"]);
    }
    refused(&place.run(&["apply", "--yes"]), &["there is no such file"]);
    assert!(!place.path(".atlas").exists());
}

#[test]
fn a_folder_in_place_of_the_spec() {
    let place = Place::empty();
    std::fs::create_dir(place.path("atlas.toml")).expect("made");
    refused(&place.run(&["plan"]), &["is a folder", "-f atlas.toml/atlas.toml"]);
}

#[test]
fn invalid_utf8() {
    let place = Place::empty();
    std::fs::write(place.path("atlas.toml"), b"[project]\nname = \"\xff\"\n").expect("written");
    refused(&place.run(&["plan"]), &["is not UTF-8 text: line 2, column 9"]);
}

#[test]
fn a_huge_spec() {
    let place = Place::empty();
    let file = std::fs::File::create(place.path("atlas.toml")).expect("made");
    file.set_len(300 * 1024 * 1024).expect("sparse");
    refused(&place.run(&["plan"]), &["has 314572800 bytes; at most"]);
}

#[test]
fn an_empty_spec_and_one_without_resources() {
    refused(&Place::with("").run(&["plan"]), &["no project"]);
    let place = Place::with("[project]\nname = \"t\"\n");
    assert!(place.expect(0, &["plan"]).contains("No changes"));
}

#[test]
fn nesting_without_end() {
    let deep = 200_000;
    for text in [
        format!("x = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("{}a = 1", "a.".repeat(deep)),
        format!("[{}a]", "a.".repeat(deep)),
        format!("x = {}", "{a=".repeat(deep)),
        format!("{SPEC}[policy.p]\nregions = [\"us-east-1\"]\ndocument = '{}'", "[".repeat(deep)),
        format!("{SPEC}[app.a]\nclusters = []\nchart = \"c\"\nvalues = {}{}", "{a=".repeat(500), "}".repeat(500)),
    ] {
        let run = Place::with(&text).run(&["validate"]);
        assert_eq!(run.code, 1, "{}", &run.stderr[..run.stderr.len().min(500)]);
    }
}

#[test]
fn a_disk_that_can_not_be_written() {
    let place = Place::with(SPEC);
    // A file in the place of the records' folder stops every user, root as well.
    place.write(".atlas", "in the way");
    refused(&place.run(&["apply", "--yes"]), &["can't be"]);
    assert_eq!(place.read(".atlas"), "in the way");
    std::fs::remove_file(place.path(".atlas")).expect("removed");
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn planning_writes_nothing() {
    let place = Place::with(SPEC);
    for command in [&["plan"][..], &["drift"], &["status"], &["validate"], &["graph"], &["show", "region.us-east-1"]] {
        place.expect(0, command);
        assert!(!place.path(".atlas").exists(), "{command:?}");
    }
}

#[test]
fn a_world_that_is_no_database() {
    let place = Place::with(SPEC);
    place.expect(0, &["apply", "--yes"]);
    for name in ["world.db-wal", "world.db-shm"] {
        let _ = std::fs::remove_file(place.path(&format!(".atlas/world/s/{name}")));
    }
    place.write(".atlas/world/s/world.db", "this is no database, and it is long enough to be read as one");
    for command in [&["plan"][..], &["apply", "--yes"]] {
        refused(&place.run(command), &["the sandbox's world", "atlas sandbox reset"]);
    }
    place.expect(0, &["sandbox", "reset", "--yes"]);
    place.expect(0, &["apply", "--yes"]);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let place = Place::with(SPEC);
    refused(&place.run(&["apply"]), &["there is no terminal to ask at", "--yes"]);
    assert!(place.expect(0, &["plan"]).contains("1 to create"));
    place.expect(0, &["apply", "--yes"]);
    refused(&place.run(&["destroy"]), &["there is no terminal to ask at"]);
    refused(&place.run(&["destroy", "--json"]), &[]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_wrong_command_line_exits_with_one() {
    let place = Place::with(SPEC);
    for args in
        [&["plam"][..], &["plan", "--nope"], &["show"], &["show", "no address"], &["apply", "--parallelism", "0"]]
    {
        assert_eq!(place.run(args).code, 1, "{args:?}");
    }
    refused(&place.run(&["plan", "--var", "x"]), &["NAME=VALUE"]);
    refused(&place.run(&["plan", "--var", "x=1"]), &["unknown variable"]);
    refused(&place.run(&["plan", "--target", "bucket.none"]), &["selects nothing"]);
    refused(&place.run(&["plan", "-e", "nowhere"]), &["there is no [environment.nowhere]"]);
}

#[test]
fn an_init_never_touches_what_is_there() {
    let place = Place::empty();
    place.expect(0, &["init"]);
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
    place.write("atlas.toml", "mine");
    refused(&place.run(&["init"]), &["exists already"]);
    assert_eq!(place.read("atlas.toml"), "mine");
}

#[test]
fn secrets_are_never_shown() {
    let spec = format!(
        "{SPEC}[cluster.dc]\nregion = \"us-east-1\"\n[app.a]\nclusters = [\"dc\"]\nchart = \"chart\"\nsecrets = {{ login = {{ token = \"hunter2\" }} }}\n"
    );
    let place = Place::with(&spec);
    std::fs::create_dir_all(place.path("chart/templates")).expect("made");
    place.write("chart/Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n");
    place.write("chart/templates/a.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n");
    let run = place.run(&["plan"]);
    refused(&run, &["a secret's value never stands in the spec"]);
    assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    assert!(!format!("{:?}", place.run(&["plan", "--json"])).contains("hunter2"));
    // The sandbox never reads the secret behind a reference, so no output can hold its value.
    place.edit("\"hunter2\"", "{ env = \"ATLAS_TEST_TOKEN\" }");
    let output = place.command(&["-vv", "apply", "--yes"]).env("ATLAS_TEST_TOKEN", "hunter2").output().expect("runs");
    let run = Run::of(output);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!format!("{run:?}").contains("hunter2"));
    let output = place.command(&["show", "app.a@dc"]).env("ATLAS_TEST_TOKEN", "hunter2").output().expect("runs");
    let shown = Run::of(output);
    assert!(shown.stdout.contains("ATLAS_TEST_TOKEN") && !shown.stdout.contains("hunter2"), "{shown:?}");
}
