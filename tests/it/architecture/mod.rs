//! The architecture, as a test: a module imports only what stands above it, no two files import each other, the pure core
//! stays pure, files stay small, every effect has its one door.
//!
//! The order of the modules and which of them are pure stand in the documentation of the crate, `src/lib.rs`.

mod examples;
mod imports;
mod parse;
mod purity;
mod source;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::root;
use imports::{Crate, Edge, circles};
use purity::effects;
use source::SourceFile;
use table::{Row, declared, rows, top};

/// The effects that a pure file may name, and why no caller can notice them.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("parallel.rs", "rayon", "its results are in the order of the items, whichever thread made them"),
    ("parallel.rs", "ThreadPool*", "the threads that it begins do nothing but what it is given"),
    ("parallel.rs", "LazyLock", "which threads there are changes how long something takes, and nothing else"),
    ("parallel.rs", "spawn", "it waits for what it begins"),
    ("mutation.rs", "thread_local", "only a test sets it; without the feature `crash-points` it is a constant"),
    ("mutation.rs", "Cell", "only a test sets it; without the feature `crash-points` it is a constant"),
    ("kind/name.rs", "Mutex", "a name is its text, whoever made it first; only a test asks which are kept"),
    ("kind/normal.rs", "LazyLock", "it holds what follows from constants, whenever that is worked out"),
    ("render/value.rs", "RefCell", "a map of a template is shared as in Go, within one rendering"),
    ("render/helm/tables.rs", "RefCell", "a map of a template is shared as in Go, within one rendering"),
    ("render/helm/values.rs", "RefCell", "a map of a template is shared as in Go, within one rendering"),
    ("render/template/settings.rs", "RefCell", "it is what one rendering draws from and adds to"),
    ("render/template/state.rs", "Cell", "it counts the steps of one rendering"),
    ("render/template/state.rs", "RefCell", "it is what one rendering has read already"),
    ("render/template/run.rs", "Cell", "it counts the steps of one rendering"),
    ("render/template/run.rs", "RefCell", "it is what one rendering has read already"),
    ("render/helm/archive.rs", "std::io", "it reads an archive that is in memory"),
    ("render/template/functions/dates.rs", "Timestamp", "it reads a moment that it is given"),
    ("render/template/functions/dates.rs", "jiff", "it reads a moment that it is given"),
    ("plan/decide.rs", "OnceCell", "it holds what follows from the spec, whenever that is worked out"),
];

#[test]
fn the_table_lists_every_module() {
    let rows = rows(&text("src/lib.rs"));
    let mut listed: Vec<&str> = rows.iter().map(|row| row.module.as_str()).collect();
    let mut declared = declared(&text("src/lib.rs"));
    listed.sort_unstable();
    declared.sort_unstable();
    assert_eq!(listed, declared, "the table in src/lib.rs and the modules below it");
    assert_eq!(table::rows(&text("docs/architecture.md")), rows, "the table in docs/architecture.md");
}

#[test]
fn a_module_imports_only_what_stands_above_it() {
    let problems = upward(&Crate::new(&library()).edges(true), &rows(&text("src/lib.rs")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_two_files_import_each_other() {
    let edges = Crate::new(&library()).edges(false);
    let problems: Vec<String> = circles(&edges).iter().map(|circle| described(circle, &edges)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn one_name_means_one_type() {
    let problems = doubles(&library());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let (sources, rows) = (library(), rows(&text("src/lib.rs")));
    let all = Crate::new(&sources);
    let problems = impure(&sources, &all, &rows, EXCEPTIONS);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What a simple kind costs: all lines of its table and of its driver, comments and blank ones too, and besides them one
/// line for each list of kinds that it stands in.
#[test]
fn a_simple_kind_takes_under_150_lines_and_no_match_elsewhere() {
    let own = ["kind/instance_profile.rs", "driver/aws/instance_profile.rs"];
    let lines: usize = own.iter().map(|file| text(&format!("src/{file}")).lines().count()).sum();
    assert!(lines < 150, "the table and the driver of instance profiles have {lines} lines");
    let named = |line: &&str| {
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| ["instance_profile", "INSTANCE_PROFILE", "InstanceProfiles"].contains(&word))
    };
    for file in library().iter().filter(|file| !own.contains(&file.path.as_str())) {
        let lists = ["kind/own.rs", "driver/aws/served.rs"].contains(&file.path.as_str());
        for line in file.code.lines().filter(named) {
            let declares = line.trim() == "mod instance_profile;";
            assert!(declares || lists && !line.contains("=>"), "src/{}: {line}", file.path);
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
fn every_effect_has_one_place() {
    let doors = [
        ("std::env::var", "src/cli/environment.rs"),
        ("Timestamp::now", "src/store/clock.rs"),
        ("io::stdout", "src/cli/ui.rs"),
        ("process::exit", "src/cli/end.rs"),
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

/// What imports something that stands below it in the table.
fn upward(edges: &[Edge], rows: &[Row]) -> Vec<String> {
    let place = |path: &str| rows.iter().position(|row| row.module == top(path));
    let below = edges.iter().filter(|edge| edge.from != "lib.rs" && place(&edge.from) < place(&edge.to));
    below.map(|edge| format!("{}:{}: `{}` is in {}, below it", edge.from, edge.line, edge.path, edge.to)).collect()
}

/// The files of a cycle, with each of the imports that make it one.
fn described(circle: &[String], edges: &[Edge]) -> String {
    let inside = edges.iter().filter(|edge| circle.contains(&edge.from) && circle.contains(&edge.to));
    let lines = inside.map(|edge| format!("  {}:{}: `{}` is in {}\n", edge.from, edge.line, edge.path, edge.to));
    format!("these files import each other:\n{}", lines.collect::<String>())
}

/// Effects in files that have to be pure, their imports of files that need not be, and exceptions that nothing needs.
fn impure(sources: &[SourceFile], all: &Crate, rows: &[Row], exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    let is_pure = |path: &str| rows.iter().any(|row| row.holds(path));
    let pure = sources.iter().filter(|source| is_pure(&source.path));
    let found: Vec<_> = pure.flat_map(|source| effects(source, all)).collect();
    let excused = |effect: &purity::Effect, exception: &(&str, &str, &str)| {
        (effect.path.as_str(), effect.what.as_str()) == (exception.0, exception.1)
    };
    let kept = found.iter().filter(|effect| !exceptions.iter().any(|exception| excused(effect, exception)));
    let mut problems: Vec<String> =
        kept.map(|effect| format!("{}:{}: `{}` in a pure module", effect.path, effect.line, effect.what)).collect();
    let idle = exceptions.iter().filter(|exception| !found.iter().any(|effect| excused(effect, exception)));
    problems.extend(idle.map(|(path, what, _)| format!("{path}: nothing names `{what}`: strike the exception")));
    let edges = all.edges(false);
    let imports = edges.iter().filter(|edge| is_pure(&edge.from) && !is_pure(&edge.to));
    problems.extend(imports.map(|edge| {
        format!("{}:{}: a pure file uses `{}` of {}, which need not be pure", edge.from, edge.line, edge.path, edge.to)
    }));
    problems
}

/// Names that two types in different files have.
fn doubles(sources: &[SourceFile]) -> Vec<String> {
    let mut types: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for source in sources {
        // What is declared inside something else is indented.
        for line in source.code.lines().filter(|line| !line.starts_with(' ')) {
            let words = line.split([' ', '<', '(', ';', '{', ':']).filter(|word| !word.is_empty());
            let mut words =
                words.skip_while(|word| !["struct", "enum", "trait", "type", "union"].contains(word)).skip(1);
            if let Some(name) = words.next() {
                types.entry(name.to_owned()).or_default().push(&source.path);
            }
        }
    }
    let twice = types.iter().filter(|(_, files)| files.len() > 1);
    twice.map(|(name, files)| format!("`{name}` is a type in {files:?}")).collect()
}

fn library() -> Vec<SourceFile> {
    source::read(&root().join("src"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("readable")
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

/// The lines of a file that are neither comments nor its unit tests, with the texts in them.
fn code(file: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(file).expect("readable");
    let lines = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    lines
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

/// A file that no other one declares is compiled by nobody, and its tests never run.
#[test]
fn every_file_of_tests_is_declared() {
    let mut open = vec![(root().join("tests/it"), "main.rs")];
    let mut count = 0;
    while let Some((folder, head)) = open.pop() {
        let declared =
            std::fs::read_to_string(folder.join(head)).expect("a folder has a file that declares the others");
        let is_declared =
            |name: &str| declared.lines().any(|line| line.trim_start_matches("pub ") == format!("mod {name};"));
        for path in std::fs::read_dir(&folder).expect("readable").map(|entry| entry.expect("readable").path()) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let is_code = path.extension().is_some_and(|ext| ext == "rs") && path.file_name() != Some(head.as_ref());
            let is_module = path.is_dir() && path.join("mod.rs").is_file();
            // A program by itself is built by the test that needs it.
            let is_program = is_code && std::fs::read_to_string(&path).expect("readable").contains("\nfn main() {");
            if (is_code || is_module) && !is_program {
                assert!(is_declared(&name), "nobody declares {}", path.display());
                count += 1;
            }
            open.extend(is_module.then_some((path, "mod.rs")));
        }
    }
    assert!(count > 100, "{count} files");
}
