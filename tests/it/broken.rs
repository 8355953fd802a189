//! Broken specs: each file under `tests/broken/` makes its mistake at the right place, and nothing is touched.

use crate::support::{Place, copy, root};

#[test]
fn every_mistake_is_pointed_at() {
    insta::glob!("../broken", "*.toml", |path| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let place = Place::empty();
        place.write(&name, &std::fs::read_to_string(path).expect("readable"));
        copy(&root().join("tests/broken/chart"), &place.path("chart"));
        let run = place.run(&["-f", &name, "validate"]);
        let expected = i32::from(!name.starts_with("warning-"));
        assert_eq!(run.code, expected, "{run:?}");
        assert!(run.stderr.contains(&format!("--> {name}:")), "it points nowhere: {run:?}");
        insta::assert_snapshot!(run.stderr);
        if expected == 1 {
            assert_eq!(place.run(&["-f", &name, "plan"]).code, 1);
            assert_eq!(place.run(&["-f", &name, "apply", "--yes"]).code, 1);
            assert!(!place.path(".atlas").exists(), "something was touched");
        }
    });
}

#[test]
fn json_has_the_same_places() {
    let place = Place::with("[project]\nname = \"t\"\n\n[region.us-east-1]\nawz = {}\n");
    let run = place.run(&["validate", "--json"]);
    assert_eq!(run.code, 1);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let one = &json["diagnostics"][0];
    assert_eq!((&one["line"], &one["column"]), (&5.into(), &1.into()));
    assert_eq!((&one["summary"], &one["hint"]), (&"unknown key".into(), &"did you mean `aws`?".into()));
}
