//! What is written down is so: the schema, the help, the explanations, the README.

use crate::support::{Place, root};

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_committed_schema_is_the_program_s_own() {
    let schema = Place::empty().expect(0, &["schema"]);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join("docs/reference/atlas.schema.json"), &schema).expect("written");
    }
    assert_eq!(schema, read("docs/reference/atlas.schema.json"), "run with UPDATE=1 to write it anew");
    assert!(read("atlas.toml").starts_with("#:schema docs/reference/atlas.schema.json\n"));
}

#[test]
fn the_flagship_keeps_the_schema_and_broken_specs_do_not() {
    let schema: serde_json::Value = serde_json::from_str(&read("docs/reference/atlas.schema.json")).expect("JSON");
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let instance = |text: &str| -> serde_json::Value { toml::from_str(text).expect("TOML") };
    for name in ["atlas.toml", "src/spec/starter.toml"] {
        let errors: Vec<String> =
            validator.iter_errors(&instance(&read(name))).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    for wrong in [
        "[project]\nname = 't'\n[bukket.x]\n",
        "[project]\nname = 't'\n[bucket.x]\nregions = ['a']\nversioning = 'yes'\n",
        "[project]\nname = 't'\n[queue.x]\nregions = ['a']\nretention = '30sec'\n",
        "[bucket.x]\nregions = ['a']\n",
    ] {
        assert!(!validator.is_valid(&instance(wrong)), "{wrong}");
    }
}

/// Every field that a command's JSON has is described in `docs/reference/json.md`.
#[test]
fn every_field_of_every_json_is_described() {
    let text = read("docs/reference/json.md");
    let place = Place::flagship();
    let mut fields = std::collections::BTreeSet::new();
    let mut look = |json: &serde_json::Value| collect(json, 0, &mut fields);
    let events = place.expect(0, &["apply", "--yes", "--json"]);
    events.lines().for_each(|line| look(&serde_json::from_str(line).expect("JSON")));
    place.expect(0, &["sandbox", "set", "queue.transactions@us-east-1", "delay=5s"]);
    place.expect(0, &["sandbox", "outage", "eu-central-1"]);
    for args in [
        &["plan"][..],
        &["drift"],
        &["status"],
        &["show", "queue.transactions@us-east-1"],
        &["graph"],
        &["history"],
        &["validate"],
        &["explain", "queue"],
        &["render", "app.cockroachdb@dc-us"],
        &["lock"],
        &["sandbox", "outage", "eu-central-1", "--end"],
    ] {
        look(&place.json(&[args, &["--json"]].concat()));
    }
    look(&Place::empty().json(&["plan", "--json"]));
    look(&Place::empty().json(&["init", "--json"]));
    place.write("compose.yaml", "services: { web: { image: nginx, tty: true } }");
    look(&place.json(&["import", "compose.yaml", "--json"]));
    let broken = Place::with("[project]\nname = \"t\"\nnome = 1\n").run(&["plan", "--json"]);
    look(&serde_json::from_str(&broken.stdout).expect("JSON"));
    assert!(fields.len() > 60, "{fields:?}");
    let missing: Vec<&String> = fields
        .iter()
        .filter(|field| !text.contains(&format!("`{field}`")) && !text.contains(&format!("\"{field}\"")))
        .collect();
    assert!(missing.is_empty(), "docs/reference/json.md does not describe {missing:?}");
}

/// The names of the fields, except those that the spec itself chooses.
fn collect(json: &serde_json::Value, depth: usize, fields: &mut std::collections::BTreeSet<String>) {
    match json {
        serde_json::Value::Object(entries) => {
            for (key, value) in entries {
                fields.insert(key.clone());
                let open =
                    ["attributes", "desired", "outputs", "usage", "counts", "after", "before", "default", "object"];
                if depth < 4 && !(open.contains(&key.as_str()) && value.is_object()) {
                    collect(value, depth + 1, fields);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, depth, fields)),
        _ => {}
    }
}

#[test]
fn help_of_every_command() {
    let place = Place::empty();
    let commands = [
        "",
        "init",
        "validate",
        "plan",
        "apply",
        "destroy",
        "drift",
        "status",
        "show",
        "graph",
        "history",
        "adopt",
        "forget",
        "import",
        "render",
        "schema",
        "explain",
        "completions",
        "sandbox",
    ];
    let mut all = String::new();
    for command in commands {
        let args: Vec<&str> = [command, "--help"].into_iter().filter(|arg| !arg.is_empty()).collect();
        all.push_str(&format!("$ atlas {}\n{}\n", args.join(" "), place.expect(0, &args)));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn explanations_of_every_kind() {
    let place = Place::empty();
    let mut all = place.expect(0, &["explain"]);
    for kind in atlas::kind::ALL {
        all.push_str(&format!("\n{}", place.expect(0, &["explain", kind.name])));
        assert!(place.json(&["explain", kind.name, "--json"])["attributes"].is_array());
    }
    insta::assert_snapshot!(all);
    let run = place.run(&["explain", "bukcet"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("did you mean `bucket`?"), "{run:?}");
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(Place::empty().expect(0, &["completions", shell]).contains("atlas"));
    }
}

#[test]
fn the_readme_names_the_test_command_that_ci_runs() {
    let ci = read(".ci/run");
    let command = ci.lines().rfind(|line| !line.trim().is_empty()).expect("a command");
    assert!(read("README.md").contains(command.trim()), "{command}");
}

#[test]
fn commands_that_the_readme_shows_exist() {
    let help = Place::empty().expect(0, &["--help"]);
    for line in read("README.md").lines().filter_map(|line| line.trim().strip_prefix("atlas ")) {
        let word = line.split_whitespace().next().unwrap_or_default();
        assert!(word.starts_with('-') || help.contains(&format!("  {word}")), "atlas {line}");
    }
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut open = vec![root().join("docs")];
    let mut files = vec![root().join("README.md"), root().join("CONTRIBUTING.md"), root().join("CHANGELOG.md")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                files.push(path);
            }
        }
    }
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = target.is_empty() || target.contains("://");
            let path = file.parent().expect("a folder").join(target);
            assert!(outside || path.exists(), "{} links to {target}", file.display());
        }
    }
}

/// The index of the promises has ten of them, and names tests, scenarios and mutations that are there.
#[test]
fn the_promises_are_held_by_tests_that_exist() {
    let page = read("docs/promises.md");
    let mutations = read("src/mutation.rs");
    let module = |name: &str| {
        let folders = ["", "engine/", "cloud/", "kubernetes/", "reconcile/", "simulation/"];
        let files = folders.iter().map(|folder| root().join(format!("tests/it/{folder}{name}.rs")));
        files.filter_map(|file| std::fs::read_to_string(file).ok()).collect::<String>()
    };
    let mut count = 0;
    for named in quoted(&page) {
        if let Some((file, test)) = named.split_once("::").filter(|(file, _)| *file != "module") {
            assert!(module(file).contains(&format!("fn {test}(")), "there is no test `{named}`");
            count += 1;
        } else if is_camel_case(named) {
            assert!(mutations.contains(&format!("\n    {named},\n")), "there is no mutation `{named}`");
        } else if !named.contains(['/', '.', ':']) && named.contains('-') {
            assert!(root().join("tests/scenarios").join(named).is_dir(), "there is no scenario `{named}`");
        }
    }
    assert!(count > 20, "{count} tests are named");
    let variants = mutations.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(','));
    for variant in variants.filter(|line| is_camel_case(line)) {
        assert!(page.contains(&format!("`{variant}`")), "the mutation `{variant}` belongs to no promise");
    }
}

/// Each promise has a test, or says that what it promises is not there yet.
#[test]
fn there_are_ten_promises_and_each_is_tested_or_to_come() {
    let page = read("docs/promises.md");
    let promises: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert_eq!(promises.len(), 10);
    for (at, promise) in promises.iter().enumerate() {
        let (heading, body) = promise.split_once('\n').expect("a heading and what follows it");
        assert!(heading.starts_with(&format!("{}. ", at + 1)), "promise {} is `{heading}`", at + 1);
        let tested = quoted(body).any(|named| named.contains("::"));
        let to_come = body.contains("There is no ") && body.contains(" yet, so nothing to show.");
        assert!(tested != to_come, "{heading}: {body}");
    }
}

/// What stands in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_camel_case(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(|c| c.is_ascii_alphabetic())
}
