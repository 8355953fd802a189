//! Before an object is deleted to be made anew, Atlas finds out all that it can about the new one: when that can't be
//! made, the old one stays as it is.

use std::path::PathBuf;

use super::{Engine, SECRET, container, head};
use crate::support::{Place, Run};

/// What a container is to become, and why the engine, or Atlas, does not take it.
const REFUSED: [(&str, &str, &str); 7] = [
    ("an image that is nowhere", "image = \"127.0.0.1:1/nobody/nothing:9\"\n", "can't be pulled"),
    ("an image that may not be pulled", "image = \"atlas-test/absent:1\"\npull = \"never\"\n", "`pull` is \"never\""),
    ("a secret that is not set", "secrets = { TOKEN = { env = \"LEDGER_TOKEN_ABSENT\" } }\n", "$LEDGER_TOKEN_ABSENT"),
    ("a secret whose file is gone", "secrets = { TOKEN = { file = \"absent.txt\" } }\n", "absent.txt"),
    ("a secret that no variable can hold", "secrets = { TOKEN = { file = \"nul.txt\" } }\n", "NUL byte"),
    ("a limit that there is not", "ulimits = { nofiles = 4096 }\n", "nofiles"),
    ("a folder that can't be in memory", "tmpfs = [\"/\"]\n", "'/'"),
];

/// All that a run said, in one line: people read it in lines of a limited width.
fn said(run: &Run) -> String {
    (run.stdout.clone() + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The files of a place, the journal among them, in which a text stands.
fn files_with(place: &Place, text: &str) -> Vec<PathBuf> {
    let all = crate::cloud::trouble::files(&place.path(""));
    assert!(all.iter().any(|file| file.ends_with("journal.jsonl")), "{all:?}");
    let has = |file: &PathBuf| String::from_utf8_lossy(&std::fs::read(file).expect("readable")).contains(text);
    all.into_iter().filter(has).collect()
}

#[test]
fn what_can_t_be_made_leaves_the_old_one_running() {
    let Some(engine) = Engine::here() else { return };
    let before = head("prepared") + &container("prepared", "");
    let place = Place::with(&before);
    place.write("nul.txt", "planted-\0-token");
    engine.expect(&place, 0, &["apply", "--yes"]);
    let id = engine.id("prepared");
    let mut failed = Vec::new();
    for (what, lines, why) in REFUSED {
        place.write("atlas.toml", &(head("prepared") + &container("prepared", lines)));
        let plan = engine.json(&place, 0, &["plan", "--json"]);
        let action = &plan["changes"][0]["action"];
        let run = engine.run(&place, &["apply", "--yes"]);
        let text = said(&run);
        let seen = engine.inspect("container", "prepared");
        let left = engine.docker(&["ps", "--all", "--format", "{{.Names}}"]);
        let well = *action == "replace"
            && run.code == 3
            && text.contains(why)
            && !text.contains("planted-")
            && files_with(&place, "planted-") == [place.path("nul.txt")]
            && seen["Id"] == id.as_str()
            && seen["State"]["Running"] == true
            && !left.contains("prepared.atlas-trial");
        println!("{what:36} {}", if well { "leaves the old one" } else { "FAILED" });
        if !well {
            failed.push(format!("{what}: {action} {} {text}\n{}\n{left}", run.code, seen["State"]));
        }
        if seen["Id"] != id.as_str() {
            break;
        }
    }
    place.write("atlas.toml", &before);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    // What can be made replaces it.
    let good =
        format!("secrets = {{ TOKEN = {{ env = \"{}\" }} }}\ncapabilities = {{ add = [\"NET_ADMIN\"] }}\n", SECRET.0);
    place.write("atlas.toml", &(head("prepared") + &container("prepared", &good)));
    engine.expect(&place, 0, &["apply", "--yes"]);
    assert_ne!(engine.id("prepared"), id);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    engine.expect(&place, 0, &["destroy", "--yes"]);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn what_a_run_left_of_a_trial_is_taken_away_by_the_next_one() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&(head("tried") + &container("tried", "")));
    engine.expect(&place, 0, &["apply", "--yes"]);
    // A run that ended in the middle left the container of its trial.
    let left =
        ["create", "--name", "tried.atlas-trial", "--label", "atlas.trial=tried", "atlas-test/empty:1", "/bin/true"];
    engine.docker(&left);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    place.write("atlas.toml", &(head("tried") + &container("tried", "user = \"0\"\n")));
    engine.expect(&place, 0, &["apply", "--yes"]);
    assert!(engine.inspect("container", "tried.atlas-trial").is_null());
    engine.docker(&left);
    engine.expect(&place, 0, &["destroy", "--yes"]);
    assert!(engine.inspect("container", "tried.atlas-trial").is_null());
    // A container that only has such a name belongs to somebody else.
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.docker(&["create", "--name", "tried.atlas-trial", "atlas-test/empty:1", "/bin/true"]);
    engine.expect(&place, 0, &["destroy", "--yes"]);
    assert!(!engine.inspect("container", "tried.atlas-trial").is_null());
    engine.docker(&["rm", "tried.atlas-trial"]);
}
