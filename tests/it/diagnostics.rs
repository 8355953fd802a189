//! Codes of diagnostics: each is explained, caused by its own example, used by the program, and written down.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use atlas::diagnostic::code::{self, Example};
use atlas::spec::{Inputs, compile};

use crate::support::{Place, root};

#[test]
fn the_example_of_a_code_causes_it() {
    let mut wrong = Vec::new();
    for code in code::all() {
        let Some(spec) = code.spec() else { continue };
        let (_, diagnostics) = compile(&spec, &Inputs::default());
        if !diagnostics.iter().any(|one| one.code == code) {
            wrong.push(format!("{code:?}: {spec}\n{diagnostics:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_explained() {
    let place = Place::empty();
    for code in code::all() {
        let text = place.expect(0, &["explain", code.name]);
        assert!(text.starts_with(&format!("{}: {}\n{}\n", code.name, code.summary, code.meaning)), "{text}");
        assert!(text.contains("For example:\n") && text.ends_with(&format!("{}\n", code.remedy)), "{text}");
    }
    let json = place.json(&["explain", "a0102", "--json"]);
    assert_eq!((&json["code"], &json["summary"]), (&"A0102".into(), &"unknown key".into()));
    let run = place.run(&["explain", "A0100"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("there is no kind and no code `A0100`"), "{run:?}");
}

/// People would look in vain for a code that nothing uses any more.
#[test]
fn every_code_is_used() {
    let mut used = String::new();
    let mut open = vec![root().join("src")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            match path.file_name().and_then(|name| name.to_str()) {
                Some("diagnostic") => {}
                _ if path.is_dir() => open.push(path),
                _ => used.push_str(&std::fs::read_to_string(path).expect("readable")),
            }
        }
    }
    for (name, ident) in idents() {
        assert!(used.contains(&format!("code::{ident}")), "{name} ({ident}) is said nowhere");
    }
}

/// What is broken in `tests/broken/` is said with a code that is in the tables, in words and in JSON.
#[test]
fn every_broken_spec_names_codes() {
    let known: BTreeSet<&str> = code::all().map(|code| code.name).collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("tests/broken")).expect("readable") {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        let (_, diagnostics) = compile(&std::fs::read_to_string(&path).expect("readable"), &Inputs::default());
        for one in diagnostics.iter() {
            assert!(known.contains(one.code.name), "{}: {one:?}", path.display());
            seen.insert(one.code.name.to_owned());
        }
    }
    assert!(seen.len() > 35, "{seen:?}");
    let place = Place::with("[project]\nname = \"t\"\n\n[region.us-east-1]\nawz = {}\n");
    assert!(place.run(&["validate"]).stderr.contains("error[A0102]: unknown key"));
    let json: serde_json::Value = serde_json::from_str(&place.run(&["validate", "--json"]).stdout).expect("JSON");
    assert_eq!(json["diagnostics"][0]["code"], "A0102");
}

#[test]
fn the_reference_of_codes_is_the_program_s_own() {
    let path = root().join("docs/reference/diagnostics.md");
    let text = reference();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, written, "run with UPDATE=1 to write it anew");
}

/// The page about all codes.
fn reference() -> String {
    let mut text = "# Diagnostics\n\n\
        Each sort of problem has a code, which never changes its meaning. `atlas explain CODE` says the same as this page, and\n\
        `--json` has it as `code`. This page is written by a test from the program's own tables.\n"
        .to_owned();
    for (group, codes) in code::GROUPS {
        let _ = write!(text, "\n## {group}\n");
        for code in codes {
            let _ = write!(text, "\n### {}: {}\n\n{}\n", code.name, code.summary, code.meaning);
            let _ = match code.example {
                Example::Spec("") => writeln!(text, "\nAn empty spec causes it."),
                Example::Spec(example) => write!(text, "\n```toml\n{example}```\n"),
                Example::Story(example) => write!(text, "\n```text\n{example}```\n"),
            };
            let _ = write!(text, "\n{}\n", code.remedy);
        }
    }
    text
}

/// Every code with what the source calls it.
fn idents() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("src/diagnostic/code")).expect("readable") {
        let text = std::fs::read_to_string(entry.expect("readable").path()).expect("readable");
        for line in text.lines() {
            let Some((ident, rest)) = line.trim().split_once(" = \"A") else { continue };
            found.push((format!("A{}", rest.split('"').next().unwrap_or_default()), ident.to_owned()));
        }
    }
    assert_eq!(found.len(), code::all().count());
    found
}
