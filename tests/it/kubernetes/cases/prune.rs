//! What goes, what stays, and whose it is.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::harness::{Cluster, definition, deployment};
use super::super::twenty::twenty;

fn settings(name: &str, more: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{more}}}\ndata: {{a: b}}\n")
}

#[test]
fn an_app_of_twenty_objects_that_gives_nothing_of_its_own_is_refused() {
    let cluster = Cluster::with_chart("");
    let rows = twenty(&cluster.namespace);
    let all: String = rows.iter().map(|row| format!("---\n{}\n", row.manifest)).collect();
    cluster.chart("web", &all);
    cluster.converge();
    cluster.create(
        "somebody",
        &json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs" }, "data": { "a": "x" },
        }),
    );
    for (chart, words) in
        [("# nothing\n".to_owned(), "gives no object at all"), (settings("theirs", ""), "error[A0524]")]
    {
        cluster.chart("web", &chart);
        for loss in [&[][..], &["--allow-loss", "app.web"]] {
            let refused = cluster.place.run(&[&["apply", "--yes"], loss].concat());
            assert!(refused.code == 1 && refused.stderr.contains(words), "{refused:?}");
        }
        assert!(rows.iter().all(|row| cluster.object(&row.object).is_some()), "something went");
    }
    // Whoever takes the stranger's object over means the chart as it is.
    cluster.place.expect(0, &["adopt", "--yes", "app.web@dc/ConfigMap/theirs"]);
    cluster.place.expect(0, &["apply", "--yes", "--allow-loss", "app.web"]);
    assert!(rows.iter().all(|row| cluster.object(&row.object).is_none()), "something stayed");
}

#[test]
fn a_deletion_that_is_denied_stays_in_the_inventory_and_is_tried_again() {
    let cluster = Cluster::with_chart(&format!("{}{}", settings("web", ""), settings("guarded", "")));
    cluster.converge();
    let Some(server) = &cluster.server else { return };
    server.fail_saying(
        "DELETE",
        "configmaps/guarded",
        2,
        403,
        "admission webhook \"guard.example.com\" denied the request: not now",
    );
    cluster.chart("web", &settings("web", ""));
    for _ in 0..2 {
        let denied = cluster.place.run(&["apply", "--yes"]);
        let told = format!("{}{}", denied.stdout, denied.stderr);
        assert!(denied.code == 3 && told.contains("guard.example.com"), "{told}");
        assert!(cluster.object("configmaps/guarded").is_some());
        // Another machine, without any record, tries it again as well.
        std::fs::remove_dir_all(cluster.place.path(".atlas")).expect("records");
        assert!(cluster.changes().contains(&"delete ConfigMap/guarded".to_owned()), "{:?}", cluster.changes());
    }
    cluster.converge();
    assert_eq!(cluster.object("configmaps/guarded"), None);
}

#[test]
fn a_definition_with_instances_of_others_is_counted_and_one_that_is_gone_takes_its_instances_along() {
    let group = format!("p{}.atlas.test", std::process::id());
    let instance = |name: &str| {
        format!("---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: {name}}}\nspec: {{size: 1}}\n")
    };
    let cluster = Cluster::with_chart(&format!(
        "{}{}{}",
        settings("web", ""),
        format_args!("---{}", definition(&group)),
        instance("one")
    ));
    cluster.converge();
    let path = format!("/apis/{group}/v1/namespaces/{}/widgets", cluster.namespace);
    let theirs = json!({ "apiVersion": format!("{group}/v1"), "kind": "Widget", "metadata": { "name": "theirs" } });
    cluster.ask("POST", &path, Some(&theirs), "application/json").expect("it is made");
    let chart = cluster.place.read("web/templates/all.yaml");
    cluster.chart("web", &settings("web", ""));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("2 custom resources"), "{plan}");
    assert_eq!(cluster.place.run(&["apply", "--yes"]).code, 1);
    assert!(cluster.get(&format!("{path}/theirs")).is_some());
    let told = cluster.place.expect(0, &["apply", "--yes", "--allow-loss", "app.web"]);
    let at = |what: &str| told.rfind(&format!("deleted app.web@dc/{what}")).unwrap_or_else(|| panic!("{what}\n{told}"));
    assert!(at("Widget/one") < at("CustomResourceDefinition/"), "{told}");
    cluster.is_converged();
    // Where somebody removed the definition, nothing serves the kind: its instances count as gone.
    cluster.place.write("web/templates/all.yaml", &chart);
    cluster.converge();
    let crd = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}");
    cluster.ask("DELETE", &crd, None, "application/json").expect("it goes");
    let end = Instant::now() + Duration::from_secs(20);
    while cluster.get(&crd).is_some() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    cluster.chart("web", &settings("web", ""));
    cluster.converge();
}

#[test]
fn resources_go_before_their_operator_and_the_operator_before_the_definition() {
    let group = format!("f{}.atlas.test", std::process::id());
    let instance = format!("---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nspec: {{size: 1}}\n");
    let operator = deployment("operator", 1, "nginx:1", "");
    let cluster =
        Cluster::with_chart(&format!("{}---\n{operator}---{}{instance}", settings("web", ""), definition(&group)));
    cluster.converge();
    let path = format!("/apis/{group}/v1/namespaces/{}/widgets/one", cluster.namespace);
    let finalizer = json!({ "metadata": { "finalizers": ["atlas.test/operator"] } });
    cluster.ask("PATCH", &path, Some(&finalizer), "application/merge-patch+json").expect("it is held");
    cluster.is_converged();
    cluster.chart("web", &settings("web", ""));
    let crd = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}");
    let (told, was_there) = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes", "--allow-loss", "app.web"]));
        let end = Instant::now() + Duration::from_secs(20);
        let is_going = || cluster.get(&path).is_none_or(|live| live["metadata"]["deletionTimestamp"].is_string());
        while !is_going() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        // The operator takes its time, and has to be there for it.
        std::thread::sleep(Duration::from_millis(500));
        let there = cluster.object("deployments/operator").is_some() && cluster.get(&crd).is_some();
        let free = json!({ "metadata": { "finalizers": null } });
        let _ = cluster.ask("PATCH", &path, Some(&free), "application/merge-patch+json");
        (applied.join().expect("it ran"), there)
    });
    assert!(was_there, "the operator went before what it has to clean up: {told:?}");
    assert_eq!(told.code, 0, "{told:?}");
    let at = |what: &str| {
        told.stdout.rfind(&format!("deleted app.web@dc/{what}")).unwrap_or_else(|| panic!("{what}\n{told:?}"))
    };
    assert!(at("Widget/one") < at("Deployment/operator"), "{told:?}");
    assert!(at("Deployment/operator") < at("CustomResourceDefinition/"), "{told:?}");
    cluster.is_converged();
}

#[test]
fn a_hook_that_left_the_chart_goes_and_what_was_kept_is_anothers_once_it_is_adopted() {
    let hook = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: hook, annotations: {helm.sh/hook: post-install}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: nginx:1}]}}}\n";
    let kept = settings("kept", ", annotations: {helm.sh/resource-policy: keep}");
    let cluster = Cluster::with_chart(&format!("{}{hook}{kept}", settings("web", "")));
    if let Some(server) = &cluster.server {
        server.controllers(true);
    }
    cluster.place.edit("wait = \"applied\"", "wait = \"applied\"\n");
    cluster.converge();
    assert!(cluster.object("jobs/hook").is_some());
    cluster.chart("web", &settings("web", ""));
    cluster.converge();
    assert_eq!(cluster.object("jobs/hook"), None);
    let live = cluster.object("configmaps/kept").expect("it says that it is to be kept");
    assert!(live["metadata"]["annotations"]["atlas/mark"].is_null(), "{live}");
    assert!(live["metadata"]["finalizers"].is_null(), "{live}");
    cluster.add("[app.more]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nchart = \"more\"\nwait = \"applied\"\n");
    cluster.chart("more", &kept);
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert!(refused.code == 3 && refused.stderr.contains("app.more@dc/ConfigMap/kept"), "{refused:?}");
    cluster.place.expect(0, &["adopt", "--yes", "app.more@dc/ConfigMap/kept"]);
    cluster.converge();
    let uid = |live: &Value| live["metadata"]["uid"].clone();
    assert_eq!(uid(&cluster.object("configmaps/kept").expect("there")), uid(&live));
}
