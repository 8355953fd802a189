//! Whole compose files: those that people write, and those that mean no good.

use std::time::{Duration, Instant};

use super::{is_good, translated};
use crate::support::{Place, root};

#[test]
fn keys_that_nobody_has_and_keys_of_the_file_are_named() {
    let text = "version: '3'\ninclude: [a.yaml]\nmodels: { m: { model: a } }\nx-mine: { a: \"$NOT_LOOKED_AT ${\" }\nservics: {}\n\
        services:\n  s:\n    image: i\n    imagee: j\n    x-own: 1\n    networks: { default: { x: 1 } }\n    user: $NOT_SET\n  \
        none:\n    command: a\nvolumes: { unused: }\nnetworks: [a]\n";
    let imported = translated(text).expect("a file");
    is_good(&imported);
    let named: Vec<(String, usize)> = imported.all_untaken().iter().map(|one| (one.path(), one.line)).collect();
    let expected = [
        ("version", 1),
        ("include", 2),
        ("models", 3),
        ("x-mine", 4),
        ("servics", 5),
        ("services.s.imagee", 9),
        ("services.s.x-own", 10),
        ("services.s.networks.default.x", 11),
        ("${NOT_SET}", 12),
        ("services.s.user", 12),
        ("services.none.image", 13),
        ("volumes.unused", 15),
        ("networks", 16),
    ];
    let expected: Vec<(String, usize)> = expected.iter().map(|(path, line)| ((*path).to_owned(), *line)).collect();
    assert_eq!(named, expected);
    let hint = imported.all_untaken().iter().find(|one| one.key == "imagee").map(|one| one.way_out.clone());
    assert_eq!(hint.as_deref(), Some("did you mean `image`?"));
}

#[test]
fn files_as_people_write_them_become_specs() {
    let mut all = String::new();
    for name in ["shop", "monitoring", "broker"] {
        let place = Place::empty();
        place.write(
            "compose.yaml",
            &std::fs::read_to_string(root().join(format!("tests/compose/{name}.yaml"))).expect("readable"),
        );
        place.write(".env", "BROKER_PORT=5672\nNGINX_TAG=1.28\n");
        place.write("api.env", "LEVEL=info\n");
        let run = place.run(&["import", "compose.yaml", "--name", name, "--out", "atlas.toml"]);
        assert_eq!(run.code, 0, "{run:?}");
        place.expect(0, &["validate"]);
        all.push_str(&format!(
            "==> {name}.yaml\n{}\n--> on standard error\n{}\n",
            place.read("atlas.toml"),
            run.stderr
        ));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn blocks_go_to_standard_output_a_new_file_or_the_spec() {
    let place = Place::empty();
    std::fs::create_dir(place.path("stack")).expect("made");
    place.write("stack/compose.yml", "services:\n  web:\n    image: nginx\n    volumes: [\"./a:/b\"]\n");
    let run = place.run(&["import", "stack/compose.yml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("[project]\nname = \"stack\"") && run.stdout.contains("./stack/./a:/b"), "{run:?}");
    assert!(!place.path("atlas.toml").exists(), "nothing was written");
    place.expect(0, &["import", "stack/compose.yml", "--write"]);
    place.expect(0, &["validate"]);
    let begun = place.read("atlas.toml");
    let again = place.run(&["import", "stack/compose.yml", "--write"]);
    assert_eq!((again.code, place.read("atlas.toml") == begun), (1, true), "{again:?}");
    assert!(again.stderr.contains("the spec is as before"), "{again:?}");
    place.write("more.yaml", "services: { more: { image: redis, network_mode: none } }");
    place.expect(0, &["import", "more.yaml", "--write"]);
    place.expect(0, &["validate"]);
    let spec = place.read("atlas.toml");
    assert!(
        spec.contains("[container.web]") && spec.contains("[container.more]") && spec.matches("[project]").count() == 1
    );
    let exists = place.run(&["import", "more.yaml", "--out", "atlas.toml"]);
    assert!(exists.code == 1 && exists.stderr.contains("exists already"), "{exists:?}");
    let json = place.json(&["import", "more.yaml", "--json"]);
    assert_eq!(json["addresses"], serde_json::json!(["container.more"]), "{json:#}");
    let circle = "services:\n  a: { image: i, depends_on: [b] }\n  b: { image: i, depends_on: [a] }\n";
    place.write("circle.yaml", circle);
    let run = place.run(&["import", "circle.yaml", "--out", "circle.toml"]);
    assert!(
        run.code == 1 && run.stderr.contains("nothing was written") && !place.path("circle.toml").exists(),
        "{run:?}"
    );
}

/// Files that are no compose files, or mean no good: an error with a way out, at once.
#[test]
fn files_that_mean_no_good_are_errors() {
    let deep = |open: &str, close: &str| format!("services: {}{}", open.repeat(3_000), close.repeat(3_000));
    let nested: String = (0..3_000).map(|at| format!("{}a:\n", " ".repeat(at))).collect();
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    (1..12).for_each(|at| laughs += &format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 9].join(", ")));
    let merged: String = (1..40).map(|at| format!("x{at}: &m{at}\n  <<: [*m{}, *m{}]\n", at - 1, at - 1)).collect();
    let long = "x".repeat(50_000);
    let extended: String =
        (0..10_000).map(|at| format!("  s{at}: {{ image: i, extends: s{} }}\n", (at + 9_999) % 10_000)).collect();
    let heavy: String = (0..2_000).map(|at| format!("  s{at}: {{ extends: base }}\n")).collect();
    let variables: String = (0..1_000).map(|at| format!("V{at}, ")).collect();
    let cases = [
        ("nothing", String::new()),
        ("a list", "[a, b]".into()),
        ("no services", "volumes: { v: }\n".into()),
        ("services of another sort", "services: [a]\n".into()),
        ("not closed", "services: { a: [\n".into()),
        ("two documents", "services: { a: { image: i } }\n---\nservices: {}\n".into()),
        ("a key twice", "services: { a: { image: i }, a: { image: j } }\n".into()),
        ("an alias to nothing", "services: { a: *none }\n".into()),
        ("an unknown tag", "services: { a: { image: !reset null } }\n".into()),
        ("deep lists", deep("[", "]")),
        ("deep mappings", deep("{ a: ", "}")),
        ("deep blocks", nested),
        ("a billion laughs", laughs),
        ("merges of merges", format!("m0: &m0 {{ a: 1 }}\n{merged}services: {{ a: {{ image: i }} }}\n")),
        ("a set variable that is not", "services: { a: { image: \"${NONE:?needed}\" } }\n".into()),
        ("an open variable", "services: { a: { image: \"${NONE\" } }\n".into()),
        ("too much", format!("services: {{ a: {{ image: \"{}\" }} }}", "x".repeat(5_000_000))),
        (
            "a long default",
            format!(
                "services:\n{}",
                (0..2_000).map(|at| format!("  s{at}: {{ image: \"${{N:-{long}}}\" }}\n")).collect::<String>()
            ),
        ),
        ("all extend a large one", format!("services:\n  base: {{ image: i, cap_add: [{variables}] }}\n{heavy}")),
        ("null bytes", "services:\n  a:\0: b".into()),
    ];
    for (what, text) in cases {
        println!("{what}");
        let begun = Instant::now();
        let result = translated(&text);
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} took {:?}", begun.elapsed());
        let fault = result.map(|imported| imported.blocks.len()).expect_err(what);
        assert!(!fault.why.is_empty() && !fault.way_out.is_empty() && fault.why.len() < 2_000, "{what}: {fault:?}");
    }
    let begun = Instant::now();
    let circle = translated(&format!("services:\n{extended}")).expect("a circle of services is named");
    let named = circle.all_untaken().iter().filter(|one| one.key == "extends").count();
    println!("10,000 services that extend each other took {:?}", begun.elapsed());
    assert_eq!((circle.blocks.len(), named), (10_001, 10_000));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let place = Place::empty();
    std::fs::write(place.path("compose.yaml"), b"services:\n  a: \xff\n").expect("written");
    for (file, words) in [("compose.yaml", "not UTF-8"), ("none.yaml", "no such file"), (".", "is a folder")] {
        let run = place.run(&["import", file]);
        assert!(run.code == 1 && run.stderr.contains(words) && run.stderr.contains("the compose file"), "{run:?}");
    }
    place.write("compose.yaml", "services: { a: { image: i } }");
    place.write(".env", "not a variable\n");
    let run = place.run(&["import", "compose.yaml"]);
    assert!(run.code == 1 && run.stderr.contains("line 1"), "{run:?}");
}
