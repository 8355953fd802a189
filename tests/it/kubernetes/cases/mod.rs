//! Cases that engines for Kubernetes got wrong, each row of them a test. `docs/kubernetes-cases.md` lists the rows with their tests.

mod diff;
mod order;
mod prune;
mod rendering;
mod trouble;

use std::path::Path;

use crate::support::root;

/// Every row of the page names tests that are there, and every test here belongs to a row.
#[test]
fn every_row_of_the_page_is_held_by_a_test() {
    let page = std::fs::read_to_string(root().join("docs/kubernetes-cases.md")).expect("it is there");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| input")).collect();
    assert_eq!(rows.len(), 35);
    let mut sources = Vec::new();
    read(&root().join("tests/it/kubernetes"), &mut sources);
    let mut named = Vec::new();
    for row in rows {
        let tests: Vec<&str> =
            row.rsplit("| ").next().unwrap_or_default().split('`').filter(|one| one.contains("::")).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            let (module, name) = test.split_once("::").expect("module::test");
            let is_there =
                |(file, text): &&(String, String)| file == module && text.contains(&format!("#[test]\nfn {name}("));
            assert!(sources.iter().any(|one| is_there(&one)), "there is no test `{test}`");
            named.push(name.to_owned());
        }
    }
    let here = [
        include_str!("diff.rs"),
        include_str!("order.rs"),
        include_str!("prune.rs"),
        include_str!("rendering.rs"),
        include_str!("trouble.rs"),
    ];
    for test in here.iter().flat_map(|text| text.split("#[test]\nfn ").skip(1)) {
        let name = test.split('(').next().unwrap_or_default();
        assert!(named.iter().any(|one| one == name), "no row has `{name}`");
    }
}

/// The files below a folder, by the names of their modules. What is compiled only with a feature counts as well.
fn read(folder: &Path, all: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path()) {
        if entry.is_dir() {
            read(&entry, all);
        } else if entry.extension().is_some_and(|ext| ext == "rs") {
            let name = entry.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&entry).expect("readable");
            all.push((name, text.replace("#[cfg(feature = \"crash-points\")]\n#[test]", "#[test]")));
        }
    }
}
