//! Scenario folders: each folder under `tests/scenarios/` is a test, and a new one needs no Rust.
//!
//! A folder has an `atlas.toml` and a `script`. The script is a list of commands, each followed by what it has to
//! write. Besides `$ atlas …` there are `$ use FILE` (another spec takes the place of `atlas.toml`), `$ rm PATH`,
//! and `$ same` (the last two outputs have to be the same to the byte). An exit code other than 0 is written as
//! `[exit N]`. Progress lines are sorted, and times replaced. After the script, every case is applied once more and
//! planned: that plan has to be empty. `UPDATE=1` rewrites the outputs.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::{Place, copy, root};

#[test]
fn every_scenario_goes_as_written() {
    let mut names: Vec<_> = std::fs::read_dir(root().join("tests/scenarios"))
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
        .collect();
    names.sort();
    assert!(names.len() >= 8, "only {} scenarios", names.len());
    let failures: Vec<String> = names.iter().filter_map(|folder| play(folder).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_example_is_valid_and_converges() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("examples")).expect("readable") {
        let folder = entry.expect("readable").path();
        if folder.is_dir() {
            let place = Place::empty();
            copy(&folder, &place.path("."));
            place.expect(0, &["validate"]);
            place.expect(0, &["apply", "--yes"]);
            place.expect(0, &["plan", "--detailed-exitcode"]);
            seen += 1;
        }
    }
    assert!(seen >= 3, "only {seen} examples");
}

fn play(folder: &Path) -> Result<(), String> {
    let script = std::fs::read_to_string(folder.join("script")).map_err(|error| format!("{folder:?}: {error}"))?;
    let place = Place::empty();
    copy(folder, &place.path("."));
    let mut written = String::new();
    let mut outputs: Vec<String> = Vec::new();
    for line in script.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let output = run(&place, command, &outputs)?;
            let _ = write!(written, "$ {command}\n{output}");
            if command.starts_with("atlas ") {
                outputs.push(output);
            }
        } else if line.starts_with('#') {
            let _ = writeln!(written, "{line}");
        }
    }
    let settled = place.run(&["apply", "--yes"]);
    let left = place.run(&["plan", "--detailed-exitcode"]);
    if settled.code != 0 || left.code != 0 {
        return Err(format!("{folder:?} does not converge: {settled:?}\n{left:?}"));
    }
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(folder.join("script"), written).map_err(|error| error.to_string());
    }
    if written == script {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&script, &written).unified_diff().header("expected", "actual").to_string();
    Err(format!("{}\n{diff}\nrun with UPDATE=1 to take the new output", folder.display()))
}

fn run(place: &Place, command: &str, outputs: &[String]) -> Result<String, String> {
    let words: Vec<&str> = command.split(' ').collect();
    match words.as_slice() {
        ["atlas", args @ ..] => {
            let run = place.run(args);
            let mut text = settle(&run.stdout) + &settle(&run.stderr);
            if run.code != 0 {
                let _ = writeln!(text, "[exit {}]", run.code);
            }
            Ok(text)
        }
        ["use", file] => {
            place.write("atlas.toml", &place.read(file));
            Ok(String::new())
        }
        ["rm", path] => {
            let path = place.path(path);
            let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map(|()| String::new()).map_err(|error| format!("{command}: {error}"))
        }
        ["same"] => match outputs {
            [.., before, last] if before == last => Ok(String::new()),
            _ => Err(format!("the last two outputs differ: {outputs:#?}")),
        },
        _ => Err(format!("`{command}` is no command of a script")),
    }
}

/// Takes out of an output what differs from run to run: the order of concurrent steps, and times.
fn settle(text: &str) -> String {
    let is_progress = |line: &str| line.starts_with('[') && line.contains("] ");
    let mut lines: Vec<String> = Vec::new();
    let mut progress: Vec<String> = Vec::new();
    for line in text.lines() {
        if is_progress(line) {
            let said = line.split_once("] ").map_or(line, |(_, rest)| rest);
            progress.push(format!("[-] {}", without_time(said)));
            continue;
        }
        progress.sort();
        lines.append(&mut progress);
        lines.push(line.to_owned());
    }
    progress.sort();
    lines.append(&mut progress);
    lines.iter().fold(String::new(), |all, line| all + line + "\n")
}

fn without_time(line: &str) -> String {
    let Some(at) = line.rfind(" (") else { return line.to_owned() };
    let end = line[at..].find(')').map_or(line.len(), |end| at + end + 1);
    let inside = &line[at + 2..end.saturating_sub(1)];
    if inside.ends_with(" ms") || inside.ends_with(" s") {
        format!("{}{}", &line[..at], &line[end..])
    } else {
        line.to_owned()
    }
}
