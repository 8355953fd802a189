//! Charts that depend on others: each comes to what Helm makes of it once it has fetched the same ones.

use std::path::Path;
use std::process::Command;

use super::{ChartServer, converges, place, put};
use crate::support::{Place, copy};

/// A chart with dependencies in every form, and what they are fetched from.
fn published() -> (ChartServer, Place) {
    let server = ChartServer::start();
    server.publish(
        "lib",
        "1.4.0",
        &[
            ("Chart.yaml", "apiVersion: v2\nname: lib\nversion: 1.4.0\ntype: library\n"),
            ("templates/_lib.tpl", "{{ define \"lib.name\" }}lib-{{ .Release.Name }}{{ end }}"),
        ],
    );
    let sub = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Chart.Name }} }\ndata: { port: {{ .Values.port | quote }}, all: {{ .Values.global.all | quote }} }\n";
    server.publish(
        "sub",
        "2.1.0",
        &[
            ("templates/a.yaml", sub),
            ("values.yaml", "port: 80\nexports: { data: { fromSub: 7 } }\nglobal: { all: none }\n"),
        ],
    );
    server.publish_simple("sub", "3.0.0");
    server.publish_simple("spare", "1.0.0");
    server.publish_simple("stored", "1.0.0");
    let place = place(&["chart = \"charts/parent\""]);
    let chart = format!(
        "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n\
         - {{ name: lib, version: ^1.0, repository: \"{repository}\" }}\n\
         - {{ name: sub, version: ~2.1.0, repository: \"{repository}\", import-values: [data] }}\n\
         - {{ name: sub, version: ~2.1.0, repository: \"{repository}\", alias: second, condition: second.enabled }}\n\
         - {{ name: stored, version: 1.x, repository: \"{registry}\" }}\n\
         - {{ name: spare, version: 1.0.0, repository: \"{repository}\", tags: [extra] }}\n\
         - {{ name: inner, version: 0.1.0, repository: \"file://../inner\" }}\n",
        repository = server.repository(),
        registry = server.registry(),
    );
    put(
        &place,
        &[
            ("charts/parent/Chart.yaml", &chart),
            (
                "charts/parent/values.yaml",
                "sub: { port: 8080 }\nsecond: { enabled: true }\ntags: { extra: false }\nglobal: { all: yes-all }\n",
            ),
            (
                "charts/parent/templates/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ include \"lib.name\" . }} }\ndata: { got: {{ .Values.fromSub | quote }} }\n",
            ),
            ("charts/inner/Chart.yaml", "apiVersion: v2\nname: inner\nversion: 0.1.0\n"),
            ("charts/inner/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: inner }\n"),
        ],
    );
    (server, place)
}

#[test]
fn a_folder_with_dependencies_comes_to_what_helm_makes_of_it() {
    let (server, place) = published();
    let run = place.run(&["validate"]);
    assert!(run.code == 1 && run.stderr.contains("A0218"), "{}", run.stderr);
    place.expect(0, &["lock"]);
    assert_eq!(place.read("atlas.lock").matches("[[chart]]").count(), 4, "{}", place.read("atlas.lock"));
    converges(&place);
    let ours = place.expect(0, &["render", "charts/parent"]);
    assert!(
        ours.contains("yes-all") && ours.contains("name: second") && !ours.contains("name: release-name-spare"),
        "{ours}"
    );
    let Some(helm) = crate::render::helm() else { return };
    copy(&place.path("charts"), &place.path("theirs"));
    let theirs = fetched(helm.as_ref(), &place.path("theirs/parent"), &place.path(""));
    assert_eq!(ours, theirs);
    server.withdraw("lib");
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

/// What Helm makes of a chart once it has fetched what that depends on.
fn fetched(helm: &Path, chart: &Path, home: &Path) -> String {
    let run = |words: &[&str]| {
        let mut command = Command::new(helm);
        command
            .args(words)
            .arg(chart)
            .envs(["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map(|name| (name, home.join("helm"))));
        if words[0] == "dependency" {
            command.arg("--plain-http");
        }
        let output = command.output().expect("Helm runs");
        assert!(output.status.success(), "{words:?} {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    run(&["dependency", "update"]);
    run(&["template", "release-name"])
}

#[test]
fn a_dependency_that_changes_is_a_change_of_the_app() {
    let (server, place) = published();
    place.expect(0, &["lock"]);
    converges(&place);
    server.publish(
        "sub",
        "2.1.5",
        &[
            (
                "templates/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Chart.Name }} }\ndata: { new: \"yes\" }\n",
            ),
            ("values.yaml", "exports: { data: { fromSub: 9 } }\n"),
        ],
    );
    place.expect(0, &["plan", "--detailed-exitcode"]);
    let said = place.expect(0, &["lock", "--upgrade"]);
    assert!(said.contains("2.1.0 -> 2.1.5"), "{said}");
    let plan = place.expect(2, &["plan", "--detailed-exitcode"]);
    assert!(plan.contains("app.a0@dc/ConfigMap/sub"), "{plan}");
    converges(&place);
    put(&place, &[("charts/inner/templates/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: more }\n")]);
    let plan = place.expect(2, &["plan", "--detailed-exitcode"]);
    assert!(plan.contains("app.a0@dc/ConfigMap/more"), "{plan}");
}

#[test]
fn a_lock_of_helm_decides_and_what_lies_in_charts_is_taken_as_it_is() {
    let server = ChartServer::start();
    ["1.0.0", "1.1.0"].iter().for_each(|version| server.publish_simple("sub", version));
    let place = place(&["chart = \"charts/parent\""]);
    let dependency = format!("name: sub, repository: \"{}\"", server.repository());
    put(
        &place,
        &[
            (
                "charts/parent/Chart.yaml",
                &format!(
                    "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- {{ {dependency}, version: 1.x }}\n"
                ),
            ),
            (
                "charts/parent/Chart.lock",
                &format!("dependencies:\n- {{ {dependency}, version: 1.0.0 }}\ndigest: sha256:0\n"),
            ),
        ],
    );
    place.expect(0, &["lock"]);
    assert!(place.expect(0, &["render", "charts/parent"]).contains("version: \"1.0.0\""));
    put(
        &place,
        &[
            ("charts/parent/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.5.0\n"),
            ("charts/parent/charts/sub/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: own }\n"),
        ],
    );
    assert!(place.expect(0, &["lock"]).contains("- sub"));
    assert!(place.expect(0, &["render", "charts/parent"]).contains("name: own"));
}

/// A chart that depends on another one of the same server.
fn on(server: &ChartServer, name: &str, on: &str) -> String {
    let repository = server.repository();
    format!(
        "apiVersion: v2\nname: {name}\nversion: 1.0.0\ndependencies:\n- {{ name: {on}, version: 1.x, repository: \"{repository}\" }}\n"
    )
}

#[test]
fn what_a_published_chart_lacks_is_found_and_what_its_dependencies_lack_is_their_own_affair() {
    let server = ChartServer::start();
    server.publish_simple("leaf", "1.0.0");
    server.publish("middle", "1.0.0", &[("Chart.yaml", &on(&server, "middle", "leaf"))]);
    server.publish(
        "top",
        "1.0.0",
        &[
            ("Chart.yaml", &on(&server, "top", "middle")),
            ("templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: top }\n"),
        ],
    );
    let place = place(&[&super::of_repository(&server, "top", "1.x"), &super::of_repository(&server, "middle", "1.x")]);
    place.expect(0, &["lock"]);
    assert_eq!(place.read("atlas.lock").matches("[[chart]]").count(), 3);
    converges(&place);
    assert!(!place.expect(0, &["render", "app.a0@dc"]).contains("leaf"), "Helm takes an archive as it is");
    assert!(place.expect(0, &["render", "app.a1@dc"]).contains("leaf"));
    server.publish("top", "1.0.0", &[("Chart.yaml", &on(&server, "top", "top"))]);
    let run = place.run(&["lock", "--upgrade"]);
    assert!(run.code == 1 && run.stderr.contains("depends on it"), "{}", run.stderr);
}

#[test]
fn charts_that_double_again_and_again_end() {
    let place = place(&["chart = \"charts/c0\""]);
    for at in 0..18 {
        let next = at + 1;
        let chart = format!(
            "apiVersion: v2\nname: c{at}\nversion: 1.0.0\ndependencies:\n- {{ name: c{next}, version: 1.x, repository: \"file://../c{next}\", alias: a }}\n- {{ name: c{next}, version: 1.x, repository: \"file://../d{next}\", alias: b }}\n"
        );
        for letter in ["c", "d"] {
            put(&place, &[(&format!("charts/{letter}{at}/Chart.yaml"), &chart)]);
        }
    }
    for letter in ["c", "d"] {
        put(&place, &[(&format!("charts/{letter}18/Chart.yaml"), "apiVersion: v2\nname: c18\nversion: 1.0.0\n")]);
    }
    let began = std::time::Instant::now();
    let run = place.run(&["validate"]);
    assert!(run.code == 1 && run.stderr.contains("more than 1000 charts"), "{}", run.stderr);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn what_nobody_else_could_find_is_refused() {
    for (repository, why) in [
        ("", "says no repository"),
        ("@stable", "only some machines know"),
        ("https://me:hunter2@charts.example.com", "no credentials"),
        ("file://../../../outside", "leads out of the folder of the spec"),
        ("file://../gone", "no such file"),
        ("file://../parent", "depends on it"),
    ] {
        let place = place(&["chart = \"charts/parent\""]);
        let chart = format!(
            "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- {{ name: sub, version: 1.x, repository: \"{repository}\" }}\n"
        );
        put(&place, &[("charts/parent/Chart.yaml", &chart)]);
        for args in [&["validate"][..], &["lock"]] {
            let run = place.run(args);
            assert!(run.code == 1 && run.stderr.contains(why), "{repository} {args:?}\n{}", run.stderr);
        }
    }
}

#[test]
fn a_dependency_that_is_another_chart_or_version_is_refused() {
    let server = ChartServer::start();
    server.publish("sub", "1.0.0", &[("Chart.yaml", "apiVersion: v2\nname: other\nversion: 1.0.0\n")]);
    for (dependency, why) in [
        (format!("{{ name: sub, version: 1.x, repository: \"{}\" }}", server.repository()), "is `other` 1.0.0"),
        ("{ name: inner, version: 2.x, repository: \"file://../inner\" }".to_owned(), "is `inner` 0.1.0"),
    ] {
        let place = place(&["chart = \"charts/parent\""]);
        let chart = format!("apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- {dependency}\n");
        put(
            &place,
            &[
                ("charts/parent/Chart.yaml", &chart),
                ("charts/inner/Chart.yaml", "apiVersion: v2\nname: inner\nversion: 0.1.0\n"),
            ],
        );
        let run = place.run(&["lock"]);
        assert!(run.code == 1 && run.stderr.contains(why), "{}", run.stderr);
        assert!(!place.path("atlas.lock").exists(), "what can't be used is not locked");
    }
}
