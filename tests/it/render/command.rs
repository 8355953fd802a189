//! `atlas render`, as people type it.

use std::process::{Command, Output};

use crate::support::{Place, Run, copy, root};

use super::project::{CHARTS, REFUSED, TAKEN, VALUES};

/// What Helm makes of a chart of the project; none where there is no Helm.
fn helm(chart: &str, words: &[&str]) -> Option<Output> {
    let folder = root().join("charts").join(chart);
    let output = Command::new(super::helm()?).args(["template", "release-name"]).arg(folder).args(words).output();
    Some(output.expect("Helm runs"))
}

fn place() -> Place {
    let place = Place::empty();
    copy(&root().join("charts"), &place.path("charts"));
    place
}

#[test]
fn the_charts_of_the_project_come_to_what_helm_prints() {
    let place = place();
    let mut refused = 0;
    for chart in CHARTS {
        let folder = format!("charts/{chart}");
        for words in VALUES {
            let ours = place.run(&[&["render", folder.as_str()], words].concat());
            let Some(theirs) = helm(chart, words) else { return };
            assert_eq!(
                ours.code == 0,
                theirs.status.success(),
                "{chart} {words:?}\n{}\n{}",
                ours.stderr,
                String::from_utf8_lossy(&theirs.stderr)
            );
            match ours.code {
                0 => assert_eq!(ours.stdout, String::from_utf8_lossy(&theirs.stdout), "{chart} {words:?}"),
                _ => refused += 1,
            }
        }
    }
    // Their schemas refuse what they do not know.
    println!("{refused} of 30 are refused by both");
    assert!(refused < 20, "{refused}");
}

/// Every value of the charts, in sets that they take and in some that they refuse.
#[test]
fn the_charts_of_the_project_take_their_values_as_helm_does() {
    let place = place();
    for (chart, words) in TAKEN {
        let ours = place.expect(0, &[&["render", &format!("charts/{chart}")], *words].concat());
        let Some(theirs) = helm(chart, words) else { continue };
        assert!(theirs.status.success(), "{chart} {words:?}\n{}", String::from_utf8_lossy(&theirs.stderr));
        assert_eq!(ours, String::from_utf8_lossy(&theirs.stdout), "{chart} {words:?}");
    }
    for (chart, words, why) in REFUSED {
        let ours = place.run(&[&["render", &format!("charts/{chart}")], *words].concat());
        assert!(ours.code == 1 && ours.stderr.contains(why), "{chart} {words:?}\n{}", ours.stderr);
        let Some(theirs) = helm(chart, words) else { continue };
        assert!(!theirs.status.success(), "{chart} {words:?}");
    }
}

#[test]
fn what_the_command_line_says_lies_over_files_in_helm_s_order() {
    let place = place();
    place.write("a.yaml", "replicas: 2\nimage: {tag: a}\n");
    place.write("b.yaml", "image: {tag: b}\n");
    let words = ["--values", "a.yaml", "--values", "b.yaml", "--set", "replicas=4", "--namespace", "ledger"];
    let ours =
        place.expect(0, &[&["render", "charts/ledger-app", "--release", "release-name"], words.as_slice()].concat());
    let words = [
        "--values",
        &place.path("a.yaml").display().to_string(),
        "--values",
        &place.path("b.yaml").display().to_string(),
        "--set",
        "replicas=4",
        "--namespace",
        "ledger",
    ]
    .map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some(theirs) = helm("ledger-app", &words) {
        assert_eq!(ours, String::from_utf8_lossy(&theirs.stdout));
    }
    assert!(ours.contains(":b\"") || ours.contains(":b\n"), "{ours}");
}

#[test]
fn an_app_of_the_spec_is_rendered_with_its_values_and_what_is_unknown_is_said() {
    let place = Place::flagship();
    let text = place.expect(0, &["render", "app.ledger@dc-us"]);
    assert!(text.contains("# Source: ledger-app/templates/deployment.yaml"), "{text}");
    assert!(text.contains("us-east-1-audit-logs") && text.contains("namespace: ledger"), "{text}");
    place.edit("s3Bucket = \"${bucket.audit-logs.name}\"", "s3Bucket = \"${queue.transactions.url}\"");
    let text = place.expect(0, &["render", "app.ledger@dc-us"]);
    assert!(text.contains("${queue.transactions@us-east-1.url}"), "{text}");
    let json = place.json(&["render", "app.ledger@dc-us", "--json"]);
    let kinds: Vec<&str> =
        json["objects"].as_array().expect("objects").iter().filter_map(|one| one["object"]["kind"].as_str()).collect();
    assert!(kinds.contains(&"Deployment") && kinds.contains(&"NetworkPolicy"), "{kinds:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let place = Place::flagship();
    let said = |run: Run| {
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
        run.stderr
    };
    let several = said(place.run(&["render", "app.ledger"]));
    assert!(several.contains("app.ledger@dc-eu, app.ledger@dc-us"), "{several}");
    let near = said(place.run(&["render", "app.legder@dc-us"]));
    assert!(near.contains("did you mean `app.ledger@dc-us`?"), "{near}");
    let none = said(place.run(&["render", "charts/none"]));
    assert!(none.contains("there is no such file or folder"), "{none}");
    let schema = said(place.run(&["render", "charts/ledger-app", "--set", "replicas=many"]));
    assert!(schema.contains("replicas"), "{schema}");
    place.write("charts/ledger-app/templates/bad.yaml", "a: 1\nb: {{ .Values.none.deeper }}\n");
    let template = said(place.run(&["render", "charts/ledger-app"]));
    assert!(template.contains("ledger-app/templates/bad.yaml:2"), "{template}");
    place.write("charts/ledger-app/templates/bad.yaml", "a: {{ fail \"choose a region\" }}\n");
    let own = said(place.run(&["render", "charts/ledger-app"]));
    assert!(own.contains("choose a region"), "{own}");
    place.write("charts/ledger-app/templates/bad.yaml", "{{ if eq .Values.aws.s3Bucket \"x\" }}a: 1{{ end }}\n");
    place.edit("s3Bucket = \"${bucket.audit-logs.name}\"", "s3Bucket = \"${queue.transactions.url}\"");
    let unknown = said(place.run(&["render", "app.ledger@dc-us"]));
    assert!(unknown.contains("queue.transactions@us-east-1.url") && unknown.contains("not known yet"), "{unknown}");
}

/// A chart of one template.
fn small(template: &str, more: &[(&str, &str)]) -> Place {
    let place = Place::empty();
    let files = [("Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\n"), ("templates/a.yaml", template)];
    for (name, text) in files.iter().chain(more) {
        let path = place.path(&format!("small/{name}"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    place
}

#[test]
fn a_document_is_passed_on_as_it_is() {
    let text = "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: a}\r\ndata: {a: \"x\u{200f}y\"}\r\n";
    let printed = small(text, &[]).expect(0, &["render", "small"]);
    assert!(printed.contains(text.trim_end()), "{printed:?}");
}

#[test]
fn a_hook_that_nobody_knows_is_named_beside_the_document() {
    let hook = "apiVersion: v1\nkind: Job\nmetadata: {name: a, annotations: {\"helm.sh/hook\": pre-instal}}\n";
    let place = small(hook, &[]);
    let run = place.run(&["render", "small"]);
    assert_eq!((run.code, run.stdout.trim()), (0, ""), "{run:?}");
    assert!(run.stderr.contains("Job/a") && run.stderr.contains("`pre-instal`"), "{run:?}");
    let json = place.json(&["render", "small", "--json"]);
    assert_eq!(json["left_out"].as_array().map(Vec::len), Some(1), "{json}");
}

#[test]
fn what_is_no_good_gives_nothing_away_and_names_the_way_out() {
    let schema =
        "{\"properties\": {\"password\": {\"minLength\": 20}, \"db\": {\"required\": [\"x\"], \"maxProperties\": 0}}}";
    let place = small("a: 1\n", &[("values.schema.json", schema)]);
    for word in ["password=hunter2", "db.password=hunter2"] {
        let run = place.run(&["render", "small", "--set", word]);
        assert!(run.code == 1 && !run.stderr.contains("hunter2") && run.stderr.contains("schema"), "{run:?}");
    }
    let json = place.run(&["render", "small", "--set-json", "password=hunter2"]);
    assert!(json.code == 1 && json.stderr.contains("is no JSON"), "{json:?}");
    let spec = place.run(&["render", "small", "-f", "values.yaml"]);
    assert!(spec.code == 1 && spec.stderr.contains("--values FILE"), "{spec:?}");
    for name in ["", "Foo_Bar", "a..b", &"a".repeat(54)] {
        let run = place.run(&["render", "small", "--release", name]);
        assert!(run.code == 1 && run.stderr.contains("name of a release"), "{run:?}");
    }
}
