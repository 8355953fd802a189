//! The architecture, as a test: the pure core stays pure, files stay small, every effect has its one door.

use std::path::{Path, PathBuf};

use crate::support::root;

/// Modules that know no file, clock, environment or terminal, and hold no `async`.
const PURE: [&str; 13] = [
    "path.rs",
    "address.rs",
    "value.rs",
    "diagnostic.rs",
    "style.rs",
    "observed.rs",
    "recorded.rs",
    "kind",
    "spec",
    "graph",
    "plan",
    "execute/queue.rs",
    "execute/retry.rs",
];

/// What gives an effect away.
const EFFECTS: [&str; 15] = [
    "std::fs",
    "std::io",
    "std::env",
    "std::net::Tcp",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "jiff",
    "tokio",
    "async ",
    ".await",
    "rusqlite",
    "println!",
    "crate::store",
];

/// What drivers must not know, and what the planner must not know.
const WALLS: [(&str, &[&str]); 4] = [
    ("driver", &["crate::plan", "crate::execute", "crate::cli", "crate::store"]),
    ("plan", &["crate::driver", "crate::execute", "crate::cli", "crate::store"]),
    ("spec", &["crate::plan", "crate::graph", "crate::observed", "crate::driver", "crate::execute", "crate::cli"]),
    ("kind", &["crate::plan", "crate::graph", "crate::observed", "crate::driver", "crate::execute", "crate::cli"]),
];

#[test]
fn the_core_is_pure() {
    for module in PURE {
        for file in sources(&root().join("src").join(module)) {
            for (number, line) in code(&file) {
                for effect in EFFECTS {
                    assert!(!line.contains(effect), "{}:{number}: `{effect}` in a pure module", file.display());
                }
            }
        }
    }
}

#[test]
fn modules_know_only_what_they_may() {
    for (module, forbidden) in WALLS {
        for file in sources(&root().join("src").join(module)) {
            for (number, line) in code(&file) {
                for other in forbidden {
                    assert!(!line.contains(other), "{}:{number}: {module} knows {other}", file.display());
                }
            }
        }
    }
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let all = sources(&root().join("src")).into_iter().chain(sources(&root().join("tests")));
    for file in all {
        let text = std::fs::read_to_string(&file).expect("readable");
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
        assert!(text.starts_with("//!"), "{} does not say what it is", file.display());
    }
}

#[test]
fn every_effect_has_one_door() {
    let doors = [
        ("std::env::var", "src/cli/environment.rs"),
        ("Timestamp::now", "src/store/history.rs"),
        ("io::stdout", "src/cli/ui.rs"),
        ("process::exit", "src/cli/apply.rs"),
    ];
    for file in sources(&root().join("src")) {
        for (number, line) in code(&file) {
            for (effect, door) in doors {
                assert!(!line.contains(effect) || file.ends_with(door), "{}:{number}: `{effect}`", file.display());
            }
        }
    }
}

#[test]
fn words_that_say_nothing_name_no_module() {
    for file in sources(&root().join("src")) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for word in ["util", "helper", "manager", "handler", "common", "misc"] {
            assert!(!name.contains(word), "{}", file.display());
        }
    }
}

/// Every Rust file at or below a path.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
        let path = entry.expect("readable").path();
        if path.is_dir() || path.extension().is_some_and(|end| end == "rs") {
            files.extend(sources(&path));
        }
    }
    files.sort();
    files
}

/// The lines of a file that are neither comments nor its unit tests.
fn code(file: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(file).expect("readable");
    let lines = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    lines
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}
