//! Servers that are busy, credentials that end, objects that are large, and lists that are too old.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::harness::{Cluster, deployment};

const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n";

#[test]
fn a_server_that_is_not_ready_is_asked_again_and_nothing_is_taken_back_for_it() {
    let cluster = Cluster::with_chart(SETTINGS);
    let Some(server) = &cluster.server else { return };
    let words = [
        (429, "too many requests, please try again later."),
        (429, "storage is (re)initializing"),
        (500, "etcdserver: leader changed"),
        (503, "etcdserver: request timed out, possibly due to connection lost"),
    ];
    for (method, path) in
        [("PATCH", "configmaps/web"), ("GET", "configmaps"), ("PATCH", "namespaces/"), ("GET", "/apis")]
    {
        let (status, message) = words[usize::from(method == "GET")];
        server.fail_saying(method, path, 1, status, message);
    }
    cluster.converge();
    for (status, message) in words.iter().skip(2) {
        cluster.chart("web", &SETTINGS.replace("a: b", &format!("a: \"{status}\"")));
        server.fail_saying("PATCH", "configmaps/web?fieldManager=atlas&force=true", 1, *status, message);
        server.fail_saying("GET", "configmaps", 1, *status, message);
        cluster.converge();
        assert_eq!(cluster.object("configmaps/web").expect("there")["data"]["a"], status.to_string());
    }
    // What the server asks for is kept to.
    cluster.chart("web", &SETTINGS.replace("a: b", "a: c"));
    server.fail("PATCH", "configmaps/web", 1, 429, Some(2));
    let began = Instant::now();
    cluster.place.expect(0, &["apply", "--yes"]);
    assert!(began.elapsed() >= Duration::from_millis(1500), "it did not wait: {:?}", began.elapsed());
    assert!(server.requests().iter().all(|one| one.method != "DELETE"), "something was taken back");
}

/// A program for credentials that gives what a file says; without an end, as many do.
fn with_program(cluster: &Cluster) {
    let script = "#!/bin/sh\nprintf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s\"}}' \"$(cat token)\"\n";
    let path = cluster.place.path("credentials");
    std::fs::write(&path, script.replace("cat token", &format!("cat '{}'", cluster.place.path("token").display())))
        .expect("written");
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("executable");
    let user = format!(
        "user:\n    exec: {{apiVersion: client.authentication.k8s.io/v1, command: \"{}\", interactiveMode: Never}}\n",
        path.display()
    );
    let text = cluster.place.read("kubeconfig");
    cluster.place.write("kubeconfig", &text.replace("user: {}\n", &user));
}

#[test]
fn a_token_that_ends_during_a_wait_is_replaced_and_no_workload_failed() {
    for of_file in [false, true] {
        let cluster = Cluster::with_chart(&deployment("web", 1, "nginx:1", ""));
        let Some(server) = &cluster.server else { return };
        cluster.place.write("token", "one");
        if of_file {
            let text = cluster.place.read("kubeconfig");
            let user = format!("user: {{tokenFile: \"{}\"}}\n", cluster.place.path("token").display());
            cluster.place.write("kubeconfig", &text.replace("user: {}\n", &user));
        } else {
            with_program(&cluster);
        }
        server.ask_for_token("one");
        cluster.place.edit("wait = \"applied\"", "timeout = \"40s\"");
        server.controllers(false);
        let run = std::thread::scope(|scope| {
            let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
            let end = Instant::now() + Duration::from_secs(20);
            while server.object("Deployment", Some(&cluster.namespace), "web").is_none() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(50));
            }
            // The first one ends in the midst of it.
            cluster.place.write("token", "two");
            server.ask_for_token("two");
            std::thread::sleep(Duration::from_millis(1500));
            server.controllers(true);
            applied.join().expect("it ran")
        });
        assert_eq!(run.code, 0, "a token of a file: {of_file}: {run:?}");
        assert!(server.requests().iter().any(|one| one.status == 401), "nobody noticed that it ended");
        cluster.is_converged();
        // Where there is no other one, it is the credentials that are told, and not a workload that failed.
        server.ask_for_token("three");
        let plan = cluster.place.run(&["plan", "--detailed-exitcode"]);
        assert!(plan.code == 4 && !plan.stdout.contains("to create"), "{plan:?}");
        assert!(format!("{}{}", plan.stdout, plan.stderr).contains("401"), "{plan:?}");
    }
}

#[test]
fn a_large_definition_is_applied_without_a_copy_of_itself() {
    let group = format!("l{}.atlas.test", std::process::id());
    let fields: String =
        (0..2600).map(|at| format!("f{at}: {{type: string, description: \"{}\"}}, ", "long ".repeat(16))).collect();
    assert!(fields.len() > 262_144, "{}", fields.len());
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.{group}}}\nspec:\n  group: {group}\n  scope: \
         Namespaced\n  names: {{plural: widgets, singular: widget, kind: Widget}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    \
         schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{{}}}}}}}}}}}\n",
        fields.trim_end_matches(", ")
    );
    let cluster = Cluster::with_chart(&format!("{definition}---\n{SETTINGS}"));
    cluster.converge();
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}");
    let annotations = cluster.get(&path).expect("there")["metadata"]["annotations"].clone();
    assert!(
        annotations["kubectl.kubernetes.io/last-applied-configuration"].is_null()
            && annotations.to_string().len() < 4096
    );
    cluster.chart("web", SETTINGS);
    cluster.place.expect(0, &["apply", "--yes", "--allow-loss", "app.web"]);
    assert_eq!(cluster.get(&path), None);
}

#[test]
fn a_record_over_the_limit_is_split_and_an_object_over_it_is_told_before_anything_is_written() {
    let cluster = Cluster::with_chart(SETTINGS);
    let blob = |letter: &str| format!("[app.web.values]\nblob = \"{}\"\n", letter.repeat(1_300_000));
    cluster.add(&blob("ä"));
    cluster.converge();
    let parts = |cluster: &Cluster| -> Vec<Value> {
        let all = cluster.object("configmaps").expect("a list")["items"].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|one| one["metadata"]["labels"]["atlas/record"] == "part").collect()
    };
    let before = parts(&cluster);
    assert!(before.len() > 2 && before.iter().all(|one| one.to_string().len() < 1_048_576), "{}", before.len());
    std::fs::remove_dir_all(cluster.place.path(".atlas")).expect("records");
    cluster.is_converged();
    // Another value is a change that is shown, and leaves no part of the former one.
    let spec = cluster.place.read("atlas.toml");
    cluster.place.write("atlas.toml", &spec.replace("ä", "öx"));
    assert_eq!(cluster.changes(), ["update app.web@dc"]);
    cluster.converge();
    let after = parts(&cluster);
    assert!(after.iter().all(|one| before.iter().all(|other| other["metadata"]["name"] != one["metadata"]["name"])));
    // An object that is too large is told by the plan, and nothing was touched for it.
    cluster.place.write("atlas.toml", spec.split_once("[app.web.values]").expect("it has some").0);
    cluster.converge();
    assert_eq!(parts(&cluster).len(), 0);
    let large = SETTINGS.replace("name: web", "name: large").replace("a: b", &format!("a: {}", "x".repeat(1_100_000)));
    cluster.chart("web", &format!("{}---\n{large}", SETTINGS.replace("a: b", "a: c")));
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("error[A0520]"), "{}", refused.stderr);
    assert_eq!(cluster.object("configmaps/web").expect("there")["data"]["a"], "b");
    // All of it goes with the app.
    cluster.chart("web", SETTINGS);
    cluster.place.write("atlas.toml", &spec);
    cluster.converge();
    cluster.spec(spec.split_once("[app.web]").expect("an app").0);
    cluster.place.expect(0, &["apply", "--yes"]);
    assert_eq!(parts(&cluster).len(), 0);
}

#[test]
fn a_list_that_is_too_old_is_begun_again_and_before_anything_is_gone_it_is_looked_at() {
    let cluster = Cluster::with_chart(SETTINGS);
    cluster.converge();
    let Some(server) = &cluster.server else { return };
    let owner = cluster.object("configmaps/web").expect("there")["metadata"]["labels"]["atlas/owner"].clone();
    for at in 0..600 {
        server.create("somebody", json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": format!("a-{at:03}"), "namespace": cluster.namespace, "labels": { "atlas/owner": owner } },
        }));
    }
    let words = "The provided continue parameter is too old to display a consistent list result.";
    server.fail_saying("GET", "/configmaps?*continue=", 1, 410, words);
    server.forget_requests();
    cluster.is_converged();
    let requests = server.requests();
    assert!(requests.iter().any(|one| one.status == 410), "no list had a second page");
    assert!(requests.iter().all(|one| !one.query.contains("watch")), "somebody watches");
    // A list that leaves out an object does not make it gone: it is looked at by itself, as it has lost its label.
    let patch = json!({ "metadata": { "labels": { "atlas/owner": null } } });
    cluster.edit("somebody", "configmaps/web", &patch);
    assert!(!cluster.changes().iter().any(|change| change.starts_with("create")), "{:?}", cluster.changes());
    cluster.converge();
}
