//! Compose files as specs: every key of the specification, whole files, and files that mean no good.

mod copies;
mod files;
mod keys;

use std::collections::BTreeMap;

use atlas::compose::{ComposeFault, ComposeSource, Imported, import, written};
use atlas::graph;
use atlas::spec::{Inputs, compile};

fn translated(text: &str) -> Result<Imported, ComposeFault> {
    let environment = |name: &str| match name {
        "FROM_HERE" => Some("here".to_owned()),
        "DB_PASSWORD" => Some("planted".to_owned()),
        _ => None,
    };
    let dotenv: BTreeMap<String, String> = [("FILE_PASSWORD".to_owned(), "of-a-file".to_owned())].into();
    import(&ComposeSource {
        text,
        name: None,
        folder: "Shop.1",
        beside: "",
        home: Some("/home/me"),
        environment: &environment,
        dotenv: &dotenv,
    })
}

/// What comes of a file is a good spec.
fn is_good(imported: &Imported) {
    let text = written(imported, "compose.yaml", Some(&imported.project));
    let (desired, diagnostics) = compile(&text, &Inputs::default());
    let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}"));
    graph::build(&desired).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{text}"));
    for untaken in imported.all_untaken() {
        assert!(text.contains(&format!("# not taken: {untaken}")), "{untaken}\n{text}");
        assert!(untaken.line > 0 && !untaken.why.is_empty() && !untaken.way_out.is_empty(), "{untaken:?}");
    }
}
