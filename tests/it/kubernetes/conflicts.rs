//! Two who declare the same field of an object, what is taken over, and what is left to others by their names.

use serde_json::{Value, json};

use super::harness::{Cluster, deployment};

/// Applies a part of the Deployment `web` under another name, as Argo CD would, and takes it.
fn applied_by(cluster: &Cluster, manager: &str, spec: &Value) {
    let path = format!("{}?fieldManager={manager}&force=true", cluster.path("deployments/web"));
    let object = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec });
    cluster.ask("PATCH", &path, Some(&object), "application/apply-patch+yaml").expect("it is taken");
}

fn replicas(cluster: &Cluster) -> Value {
    cluster.object("deployments/web").expect("there")["spec"]["replicas"].clone()
}

/// Expects that the plan is refused for a field that somebody else applies, and that nothing is changed.
fn is_contested(cluster: &Cluster, says: &[&str]) {
    // Controllers tell of it all the time, so its version says nothing.
    let seen = || {
        let live = cluster.object("deployments/web").expect("there");
        (
            live["metadata"]["generation"].clone(),
            live["metadata"]["annotations"]["atlas/mark"].clone(),
            live["spec"].clone(),
        )
    };
    let before = seen();
    for arguments in [&["plan"][..], &["apply", "--yes"]] {
        let refused = cluster.place.run(arguments);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("error[A0521]"), "{}", refused.stderr);
        assert!(says.iter().all(|one| refused.stderr.contains(one)), "{}", refused.stderr);
    }
    assert_eq!(before, seen(), "it was written to");
}

/// Says something of the Deployment in the app, in the place of what was said before.
fn says(cluster: &Cluster, what: &str) {
    let spec = cluster.place.read("atlas.toml");
    let base = spec.split_once("[app.web.objects]").map_or(spec.clone(), |(base, _)| base.to_owned());
    cluster.spec(&format!("{base}\n[app.web.objects]\n\"Deployment/web\" = {{ {what} }}\n"));
}

#[test]
fn a_field_that_somebody_else_applies_otherwise_is_a_conflict_until_it_is_taken_or_left() {
    let cluster = Cluster::with_chart(&deployment("web", 2, "nginx:1", ""));
    cluster.converge();
    // The same value is no conflict, and neither is a field that Atlas does not want.
    applied_by(&cluster, "argocd-controller", &json!({ "replicas": 2, "minReadySeconds": 3 }));
    cluster.is_converged();
    applied_by(&cluster, "argocd-controller", &json!({ "replicas": 7, "minReadySeconds": 3 }));
    is_contested(&cluster, &["app.web@dc/Deployment/web", "`argocd-controller`", "/spec/replicas", "take_over"]);
    // Also beside a change of something else.
    cluster.chart("web", &deployment("web", 2, "nginx:2", ""));
    is_contested(&cluster, &["/spec/replicas"]);
    says(&cluster, "ignore = [\"/spec/replicas\"]");
    cluster.converge();
    assert_eq!(replicas(&cluster), 7);
    says(&cluster, "take_over = [\"/spec/template\"]");
    is_contested(&cluster, &["/spec/replicas"]);
    says(&cluster, "take_over = false");
    is_contested(&cluster, &["/spec/replicas"]);
    says(&cluster, "take_over = [\"/spec/replicas\"]");
    cluster.converge();
    assert_eq!(replicas(&cluster), 2);
    applied_by(&cluster, "argocd-controller", &json!({ "replicas": 9 }));
    says(&cluster, "take_over = true");
    cluster.converge();
    assert_eq!(replicas(&cluster), 2);
}

#[test]
fn an_item_of_a_list_is_named_by_its_name() {
    let cluster = Cluster::with_chart(&deployment("web", 2, "nginx:1", ""));
    cluster.converge();
    applied_by(
        &cluster,
        "flux",
        &json!({ "template": { "spec": { "containers": [{ "name": "app", "image": "nginx:9" }] } } }),
    );
    is_contested(&cluster, &["`flux`", "/spec/template/spec/containers/name=app/image"]);
    says(&cluster, "take_over = [\"/spec/template/spec/containers/name=app/image\"]");
    cluster.converge();
}

#[test]
fn what_people_change_comes_back_without_a_word_and_what_they_apply_does_not() {
    let cluster = Cluster::with_chart(&deployment("web", 2, "nginx:1", ""));
    cluster.converge();
    cluster.edit("kubectl-edit", "deployments/web", &json!({ "spec": { "replicas": 5 } }));
    cluster.converge();
    let scale = format!("{}?fieldManager=kubectl-scale", cluster.path("deployments/web/scale"));
    let patch = json!({ "spec": { "replicas": 6 } });
    cluster.ask("PATCH", &scale, Some(&patch), "application/merge-patch+json").expect("it is taken");
    cluster.converge();
    assert_eq!(replicas(&cluster), 2);
    applied_by(&cluster, "kubectl", &json!({ "replicas": 5 }));
    is_contested(&cluster, &["`kubectl` applies /spec/replicas"]);
    applied_by(&cluster, "kubectl", &json!({ "replicas": 2 }));
    cluster.converge();
}

#[test]
fn what_is_adopted_is_taken_whoever_applied_it() {
    let cluster = Cluster::with_chart("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\n");
    cluster.converge();
    let path = format!("{}?fieldManager=argocd-controller", cluster.path("deployments/web"));
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "replicas": 4, "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "app", "image": "nginx:1" }] },
            },
        },
    });
    cluster.ask("PATCH", &path, Some(&theirs), "application/apply-patch+yaml").expect("it is made");
    cluster.chart("web", &deployment("web", 2, "nginx:1", ""));
    cluster.place.expect(0, &["adopt", "--yes", "app.web@dc/Deployment/web"]);
    cluster.converge();
    assert_eq!(replicas(&cluster), 2);
}

#[test]
fn what_a_manager_owns_is_left_to_it_by_its_name() {
    let cluster = Cluster::with_chart(&deployment("web", 2, "nginx:1", ""));
    says(&cluster, "ignore_managers = [\"keda-operator\"]");
    cluster.converge();
    let scaled_by = |manager: &str, replicas: u32| {
        let scale = format!("{}?fieldManager={manager}", cluster.path("deployments/web/scale"));
        let patch = json!({ "spec": { "replicas": replicas } });
        cluster.ask("PATCH", &scale, Some(&patch), "application/merge-patch+json").expect("it is taken");
    };
    scaled_by("keda-operator", 5);
    for _ in 0..3 {
        cluster.is_converged();
    }
    cluster.chart("web", &deployment("web", 3, "nginx:2", ""));
    cluster.converge();
    let live = cluster.object("deployments/web").expect("there");
    assert_eq!(live["spec"]["replicas"], 5);
    assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:2");
    // Also what leaves the chart, and what it applies with another value.
    cluster.chart("web", &deployment("web", 3, "nginx:2", "").replace("  replicas: 3\n", ""));
    cluster.converge();
    applied_by(&cluster, "keda-operator", &json!({ "replicas": 8 }));
    cluster.chart("web", &deployment("web", 3, "nginx:2", ""));
    cluster.converge();
    assert_eq!(replicas(&cluster), 8);
    // Of anybody else it is drift.
    says(&cluster, "ignore_managers = [\"somebody\"]");
    is_contested(&cluster, &["`keda-operator` applies /spec/replicas"]);
    says(&cluster, "take_over = true");
    cluster.converge();
    assert_eq!(replicas(&cluster), 3);
}

#[test]
fn what_was_applied_by_another_since_the_plan_is_not_taken() {
    let cluster = Cluster::with_chart(&deployment("web", 2, "nginx:1", ""));
    cluster.converge();
    cluster.chart("web", &deployment("web", 2, "nginx:2", ""));
    cluster.place.expect(0, &["plan", "--out", "saved"]);
    applied_by(&cluster, "argocd-controller", &json!({ "replicas": 7 }));
    let refused = cluster.place.run(&["apply", "saved"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert_eq!(replicas(&cluster), 7);
    says(&cluster, "take_over = true");
    cluster.converge();
}

#[test]
fn what_is_to_be_taken_is_everything_or_a_list_of_pointers() {
    let cluster = Cluster::with_chart(&deployment("web", 2, "nginx:1", ""));
    for wrong in
        ["take_over = \"yes\"", "take_over = [\"spec.replicas\"]", "take_over = 1", "take_over = { all = true }"]
    {
        says(&cluster, wrong);
        let refused = cluster.place.run(&["validate"]);
        assert_eq!(refused.code, 1, "{wrong}: {refused:?}");
        assert!(refused.stderr.contains("error[A0103]") && refused.stderr.contains("take_over"), "{}", refused.stderr);
    }
}

#[test]
fn the_sandbox_takes_the_same_spec() {
    let cluster = Cluster::with_chart(&deployment("web", 2, "nginx:1", ""));
    says(&cluster, "take_over = [\"/spec/replicas\"], ignore_managers = [\"keda-operator\"]");
    cluster.add("[environment.try]\nworld = \"sandbox\"\n");
    cluster.place.expect(0, &["-e", "try", "apply", "--yes"]);
    let plan = cluster.place.run(&["-e", "try", "plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{plan:?}");
}
