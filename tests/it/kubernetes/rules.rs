//! Objects whose app says when they are ready and when they have failed, as expressions in CEL.

use serde_json::json;

use super::harness::Cluster;

/// The definition of a kind whose status is free.
const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.GROUP}\nspec:\n  group: GROUP\n  scope: Namespaced\n  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    subresources: {status: {}}\n    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}\n";

const RULES: &str = "[app.web.objects]\n\"Widget/*\" = { ready = \"object.status.phase == 'Running'\", failed = \"object.status.phase == 'Failed'\" }\n";

/// A cluster with one widget that is waited for, and the group of its kind: two tests on one cluster would have the same definition.
fn with_widget(test: &str) -> (Cluster, String) {
    let group = format!("r{}{test}.atlas.test", std::process::id());
    let cluster = Cluster::with_chart(&format!(
        "{}---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nspec: {{size: 3}}\n",
        DEFINITION.replace("GROUP", &group)
    ));
    cluster.place.edit("wait = \"applied\"", "timeout = \"20s\"");
    cluster.add(RULES);
    (cluster, group)
}

/// Gives the widget another status, as its controller would.
fn tell(cluster: &Cluster, group: &str, status: &serde_json::Value) {
    let path = format!("/apis/{group}/v1/namespaces/{}/widgets/one/status", cluster.namespace);
    let patch = json!({ "status": status });
    cluster.ask("PATCH", &path, Some(&patch), "application/merge-patch+json").expect("it is told");
}

/// Tells a status once the widget is there.
fn tell_later(cluster: &Cluster, group: &str, status: &serde_json::Value) {
    let path = format!("/apis/{group}/v1/namespaces/{}/widgets/one", cluster.namespace);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while cluster.get(&path).is_none() && std::time::Instant::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    tell(cluster, group, status);
}

#[test]
fn an_object_is_ready_once_its_rule_says_so() {
    let (cluster, group) = with_widget("a");
    let told = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
        tell_later(&cluster, &group, &json!({ "phase": "Running" }));
        applied.join().expect("it ran")
    });
    assert_eq!(told.code, 0, "{told:?}");
    cluster.is_converged();
    // It is on its way again, which is no drift, and says what it waits for.
    tell(&cluster, &group, &json!({ "phase": "Moving" }));
    let status = cluster.place.expect(0, &["status"]);
    assert!(status.contains("not yet `object.status.phase == 'Running'`"), "{status}");
    cluster.is_converged();
    tell(&cluster, &group, &json!({ "phase": "Running" }));
    cluster.converge();
}

#[test]
fn an_object_that_has_failed_by_its_rule_ends_the_step_early() {
    let (cluster, group) = with_widget("b");
    cluster.place.edit("timeout = \"20s\"", "timeout = \"5m\"");
    let began = std::time::Instant::now();
    let told = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
        tell_later(&cluster, &group, &json!({ "phase": "Failed" }));
        applied.join().expect("it ran")
    });
    assert_eq!(told.code, 3, "{told:?}");
    assert!(began.elapsed().as_secs() < 60, "it was waited for");
    let text = format!("{}{}", told.stdout, told.stderr);
    assert!(text.contains("it does not become ready: `object.status.phase == 'Failed'`"), "{text}");
    tell(&cluster, &group, &json!({ "phase": "Running" }));
    cluster.converge();
}

#[test]
fn a_rule_that_gives_no_yes_or_no_is_said() {
    let (cluster, group) = with_widget("c");
    cluster.place.edit("object.status.phase == 'Running'", "object.status.phase");
    let told = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
        tell_later(&cluster, &group, &json!({ "phase": "Idle" }));
        applied.join().expect("it ran")
    });
    assert_eq!(told.code, 3, "{told:?}");
    let text = format!("{}{}", told.stdout, told.stderr);
    assert!(text.contains("it gives a text, and not true or false"), "{text}");
    // The rule can be mended, and that is a change of the object like any other.
    cluster.place.edit("ready = \"object.status.phase\"", "ready = \"object.status.phase == 'Idle'\"");
    cluster.converge();
}

#[test]
fn a_rule_for_one_of_kubernetes_own_kinds_goes_before_what_is_known_of_it() {
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n";
    let cluster = Cluster::with_chart(settings);
    cluster.place.edit("wait = \"applied\"", "timeout = \"5s\"");
    cluster.add("[app.web.objects]\n\"ConfigMap/web\" = { ready = \"object.data.a == 'c'\" }\n");
    let told = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(told.code, 3, "{told:?}");
    let text = format!("{}{}", told.stdout, told.stderr);
    assert!(text.contains("not yet `object.data.a == 'c'`"), "{text}");
    cluster.chart("web", &settings.replace("a: b", "a: c"));
    cluster.converge();
}

#[test]
fn a_wrong_rule_is_an_error_of_the_spec_at_its_value() {
    let cluster = Cluster::with_chart("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n");
    for (rule, says) in [
        ("object.data.a = 'c'", "can't stand there"),
        ("objekt.data.a == 'c'", "did you mean `object`?"),
        ("object.data.a.startWith('c')", "did you mean `startsWith`?"),
    ] {
        cluster.add(&format!("[app.web.objects]\n\"ConfigMap/web\" = {{ ready = \"{rule}\" }}\n"));
        let refused = cluster.place.run(&["validate"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("error[A0451]") && refused.stderr.contains(says), "{}", refused.stderr);
        assert!(refused.stderr.contains("^^^^"), "{}", refused.stderr);
        let spec = cluster.place.read("atlas.toml");
        cluster.spec(spec.split_once("[app.web.objects]").expect("rules").0);
    }
}

#[test]
fn the_sandbox_takes_the_same_rules() {
    let cluster = Cluster::with_chart("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n");
    cluster.add("[app.web.objects]\n\"ConfigMap/web\" = { ready = \"object.data.a == 'c'\" }\n\n[environment.try]\nworld = \"sandbox\"\n");
    cluster.place.expect(0, &["-e", "try", "apply", "--yes"]);
    let plan = cluster.place.run(&["-e", "try", "plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{plan:?}");
}
