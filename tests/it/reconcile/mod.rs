//! The loop that heals: the governor in virtual time, and the loop over the sandbox.

mod cases;
mod days;
mod healing;
mod program;
mod virtual_world;

use crate::support::{Place, root};

/// Every row of the page names tests that are there, and every test of a case belongs to a row.
#[test]
fn every_row_of_the_cases_is_held_by_a_test() {
    let page = std::fs::read_to_string(root().join("docs/healing-cases.md")).expect("it is there");
    let sources = [
        ("cases", include_str!("cases.rs")),
        ("days", include_str!("days.rs")),
        ("healing", include_str!("healing.rs")),
        ("program", include_str!("program.rs")),
    ];
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| case"));
    let mut named = Vec::new();
    for row in rows {
        let last = row.rsplit("| ").next().unwrap_or_default();
        let tests: Vec<&str> = last.split('`').filter(|one| one.contains("::")).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            let (module, name) = test.split_once("::").expect("module::test");
            let is_there = sources.iter().any(|(file, text)| *file == module && text.contains(&format!("fn {name}(")));
            assert!(is_there, "there is no test `{test}`");
            named.push(name);
        }
    }
    for test in sources[0].1.split("#[test]\nfn ").skip(1) {
        let name = test.split('(').next().unwrap_or_default();
        assert!(named.contains(&name), "no row has `{name}`");
    }
}

/// From nothing to a healed outage by the commands that the README shows, with what they print.
#[test]
fn the_readme_heals_as_it_says() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("it is there");
    let section = readme.split("## Let it heal").nth(1).expect("the section");
    let block = section.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let place = Place::flagship();
    place.expect(0, &["apply", "--yes"]);
    for entry in block.split("$ atlas ").skip(1) {
        let (command, printed) = entry.split_once('\n').expect("a command and what it prints");
        let words: Vec<&str> = command.split('"').enumerate().fold(Vec::new(), |mut words, (at, part)| {
            if at % 2 == 1 {
                words.push(part)
            } else {
                words.extend(part.split_whitespace())
            }
            words
        });
        assert_eq!(place.expect(0, &words).trim(), printed.trim(), "{command}");
    }
}
