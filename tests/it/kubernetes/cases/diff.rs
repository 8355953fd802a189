//! What counts as a difference, and what does not.

use serde_json::{Value, json};

use super::super::harness::{Cluster, definition, deployment};

/// Two variables in the container of a Deployment.
const BOTH: &str = "        env: [{name: A, value: x}, {name: X, value: z}]\n";
const ONE: &str = "        env: [{name: A, value: x}]\n";

fn env(live: &Value) -> Vec<String> {
    let all = live["spec"]["template"]["spec"]["containers"][0]["env"].as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|one| one["name"].as_str()).map(str::to_owned).collect()
}

#[test]
fn what_somebody_else_applied_or_updated_is_taken_over_and_goes_where_it_is_not_wanted() {
    let cluster = Cluster::with_chart("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\n");
    cluster.converge();
    let theirs = |name: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": { "containers": [{ "name": "app", "image": "nginx:1", "env": [
                        { "name": "A", "value": "x" }, { "name": "X", "value": "z" },
                    ] }] },
                },
            },
        })
    };
    // As `kubectl apply` of old does it, as `kubectl create` does, and by an update.
    let mut applied = theirs("by-apply");
    let last = applied.to_string();
    applied["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = json!(last);
    cluster.create("kubectl-client-side-apply", &applied);
    cluster.create("kubectl-create", &theirs("by-create"));
    cluster.create("helm", &theirs("by-update"));
    let patch = json!({ "spec": { "template": { "spec": { "containers": theirs("by-update")["spec"]["template"]["spec"]["containers"] } } } });
    cluster.edit("kubectl-edit", "deployments/by-update", &patch);
    let all = ["by-apply", "by-create", "by-update"];
    cluster.chart("web", &all.map(|name| format!("---\n{}", deployment(name, 1, "nginx:1", ONE))).concat());
    for name in all {
        let address = format!("app.web@dc/Deployment/{name}");
        let told = cluster.place.expect(0, &["adopt", "--yes", &address]);
        assert!(told.contains("name = \"X\""), "{name}: the preview does not show it\n{told}");
    }
    cluster.converge();
    for name in all {
        assert_eq!(env(&cluster.object(&format!("deployments/{name}")).expect("there")), ["A"], "{name}");
    }
    // Atlas's own goes the same way.
    cluster.chart("web", &all.map(|name| format!("---\n{}", deployment(name, 1, "nginx:1", BOTH))).concat());
    cluster.converge();
    cluster.chart("web", &all.map(|name| format!("---\n{}", deployment(name, 1, "nginx:1", ONE))).concat());
    cluster.converge();
    assert_eq!(env(&cluster.object("deployments/by-update").expect("there")), ["A"]);
}

#[test]
fn claims_of_a_set_are_no_difference_and_another_size_is_a_replacement_that_is_said_before() {
    let set = |size: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: web}}\nspec:\n  serviceName: web\n  selector: {{matchLabels: {{app: web}}}}\n  \
             template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: app, image: nginx:1}}]}}\n  volumeClaimTemplates:\n  - \
             metadata: {{name: data}}\n    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: {size}}}}}}}\n---\napiVersion: \
             v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{clusterIP: \"\", selector: {{app: web}}, ports: [{{port: 80}}]}}\n"
        )
    };
    let cluster = Cluster::with_chart(&set("1Gi"));
    cluster.converge();
    let uid = || cluster.object("statefulsets/web").expect("there")["metadata"]["uid"].clone();
    let address = || cluster.object("services/web").expect("there")["spec"]["clusterIP"].clone();
    let before = (uid(), address());
    // An address that is said as none is one that is not said.
    cluster.chart("web", &set("1Gi").replace("clusterIP: \"\", ", ""));
    cluster.converge();
    assert_eq!((uid(), address()), before);
    cluster.chart("web", &set("2Gi"));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("-/+ app.web@dc/StatefulSet/web") && plan.contains("it can't be changed: spec"), "{plan}");
    cluster.place.expect(0, &["apply", "--yes", "--allow-loss", "app.web"]);
    cluster.is_converged();
    assert_ne!(uid(), before.0);
    assert_eq!(address(), before.1);
}

#[test]
fn a_definition_in_old_words_and_a_resource_in_free_form_differ_only_where_they_do() {
    let group = format!("d{}.atlas.test", std::process::id());
    let old = definition(&group).replace("  scope: Namespaced", "  preserveUnknownFields: false\n  scope: Namespaced");
    let instance = |image: &str| {
        format!(
            "---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nspec: {{free: {{form: [1, {{image: {image}}}]}}}}\n"
        )
    };
    let cluster = Cluster::with_chart(&format!("{old}{}", instance("nginx:1")));
    cluster.converge();
    for _ in 0..3 {
        cluster.is_converged();
    }
    cluster.chart("web", &format!("{old}{}", instance("nginx:2")));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("nginx:1") && plan.contains("nginx:2") && !plan.contains("~ app.web@dc/Custom"), "{plan}");
    cluster.converge();
}

#[test]
fn what_a_webhook_keeps_from_being_tried_is_named_with_the_webhook_and_the_rest_goes_on() {
    let settings = |name: &str, value: &str| {
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: {value}}}\n")
    };
    let cluster = Cluster::with_chart(&format!("{}{}", settings("checked", "b"), settings("web", "b")));
    let Some(server) = &cluster.server else { return };
    let words = "admission webhook \"audit.example.com\" does not support dry run";
    server.fail_saying("PATCH", "configmaps/checked?*dryRun=All", 1000, 400, words);
    cluster.converge();
    cluster.chart("web", &format!("{}{}", settings("checked", "c"), settings("web", "c")));
    let plan = cluster.place.run(&["plan"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(plan.stderr.contains("warning[A0523]") && plan.stderr.contains("audit.example.com"), "{}", plan.stderr);
    assert!(
        plan.stderr.contains("app.web@dc/ConfigMap/checked") && !plan.stderr.contains("ConfigMap/web"),
        "{}",
        plan.stderr
    );
    assert_eq!(plan.stdout.matches("data.a: \"b\" -> \"c\"").count(), 2, "{}", plan.stdout);
    cluster.converge();
    cluster.edit("somebody", "configmaps/checked", &json!({ "data": { "a": "x" } }));
    assert_eq!(cluster.place.run(&["drift"]).code, 2);
    cluster.converge();
    assert_eq!(cluster.object("configmaps/checked").expect("there")["data"]["a"], "c");
}
