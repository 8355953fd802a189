//! What others change: brought back where Atlas applied it, and left alone where it did not.

use serde_json::json;

use super::harness::{Cluster, deployment};

#[test]
fn what_was_applied_comes_back_and_what_others_own_stays_for_ten_rounds() {
    let text = format!(
        "{}---\napiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}\n",
        deployment("web", 2, "nginx:1", "")
    );
    let cluster = Cluster::with_chart(&text);
    cluster.converge();
    // Fields of others: a label, an annotation, a field that the chart does not say.
    cluster.edit(
        "somebody",
        "deployments/web",
        &json!({
            "metadata": { "labels": { "team": "shop" }, "annotations": { "note": "mine" } },
            "spec": { "minReadySeconds": 3 },
        }),
    );
    for round in 0..10 {
        cluster.is_converged();
        let live = cluster.object("deployments/web").expect("there");
        assert_eq!(
            (&live["spec"]["minReadySeconds"], &live["metadata"]["labels"]["team"]),
            (&json!(3), &json!("shop")),
            "{round}"
        );
    }
    // What Atlas applied.
    cluster.edit("kubectl-edit", "deployments/web", &json!({ "spec": { "replicas": 7 } }));
    let mut containers =
        cluster.object("deployments/web").expect("there")["spec"]["template"]["spec"]["containers"].clone();
    containers[0]["image"] = "nginx:2".into();
    cluster.edit(
        "kubectl-edit",
        "deployments/web",
        &json!({ "spec": { "template": { "spec": { "containers": containers } } } }),
    );
    cluster.delete("services/web");
    let drift = cluster.place.run(&["drift"]);
    assert_eq!(drift.code, 2, "{drift:?}");
    assert!(
        drift.stdout.contains("spec.replicas: 2 -> 7") && drift.stdout.contains("Service/web  was deleted"),
        "{}",
        drift.stdout
    );
    assert_eq!(cluster.changes(), ["update Deployment/web", "create Service/web"]);
    cluster.converge();
    let live = cluster.object("deployments/web").expect("there");
    assert_eq!((&live["spec"]["replicas"], &live["metadata"]["labels"]["team"]), (&json!(2), &json!("shop")));
}

#[test]
fn amounts_lists_and_nulls_written_otherwise_are_no_change() {
    let more = "        resources: {requests: {cpu: 1000m, memory: 1000M}, limits: {}}\n        securityContext: {}\n        env: []\n";
    let text = deployment("web", 1, "nginx:1", more)
        .replace("  replicas: 1", "  replicas: 1\n  strategy: {type: Recreate, rollingUpdate: null}");
    let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: web}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}\nsubjects: []\n";
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: \"\", selector: {app: web}, ports: [{port: 80, targetPort: http}]}\n";
    let cluster = Cluster::with_chart(&format!("{text}{binding}{service}"));
    cluster.converge();
    let version = |object: &str| cluster.object(object).expect("there")["metadata"]["resourceVersion"].clone();
    let before = version("rolebindings/web");
    cluster.is_converged();
    assert_eq!(version("rolebindings/web"), before, "it was written to");
    // The same amount in other words is no change either.
    cluster.chart("web", &format!("{}{binding}{service}", text.replace("1000m", "1")));
    assert_eq!(cluster.changes(), ["update app.web@dc"]);
}

#[test]
fn a_key_that_left_string_data_leaves_the_secret() {
    let secret =
        |keys: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData: {{{keys}}}\n");
    let cluster = Cluster::with_chart(&secret("username: ada, password: planted-1"));
    cluster.converge();
    cluster.chart("web", &secret("username: ada, passphrase: planted-1"));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("data.passphrase") && plan.contains("data.password"), "{plan}");
    assert!(!plan.contains("planted-1") && !plan.contains("cGxhbnRlZC0x"), "{plan}");
    cluster.converge();
    let data = cluster.object("secrets/web").expect("there")["data"].clone();
    assert_eq!(data, json!({ "username": "YWRh", "passphrase": "cGxhbnRlZC0x" }));
    cluster.edit("somebody", "secrets/web", &json!({ "data": { "username": "Ym9i" } }));
    assert_eq!(cluster.changes(), ["update Secret/web"]);
    cluster.converge();
}

#[test]
fn what_was_made_by_chance_stays_as_it_was_made_first() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: {{ randAlphaNum 20 | quote }}, user: ada}\n";
    let cluster = Cluster::with_chart(text);
    cluster.converge();
    let password = || cluster.object("secrets/web").expect("there")["data"]["password"].clone();
    let before = password();
    cluster.chart("web", &text.replace("user: ada", "user: bob"));
    assert_eq!(cluster.changes(), ["update app.web@dc", "update Secret/web"]);
    cluster.converge();
    assert_eq!(password(), before);
}

/// An autoscaler of the Deployment `web`.
const SCALER: &str = "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  maxReplicas: 9\n";

#[test]
fn replicas_that_an_autoscaler_set_are_left_to_it() {
    let text = |image: &str| format!("{}{SCALER}", deployment("web", 2, image, ""));
    let cluster = Cluster::with_chart(&text("nginx:1"));
    cluster.converge();
    let scale = format!("{}?fieldManager=kube-controller-manager", cluster.path("deployments/web/scale"));
    let patch = json!({ "spec": { "replicas": 5 } });
    cluster.ask("PATCH", &scale, Some(&patch), "application/merge-patch+json").expect("it is taken");
    for _ in 0..3 {
        cluster.is_converged();
    }
    cluster.chart("web", &text("nginx:2"));
    cluster.converge();
    let live = cluster.object("deployments/web").expect("there");
    assert_eq!(live["spec"]["replicas"], 5);
    assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:2");
    // Without an autoscaler the number counts again.
    cluster.chart("web", &deployment("web", 2, "nginx:2", ""));
    // While it is on its way out it was still there.
    cluster.place.run(&["apply", "--yes"]);
    cluster.converge();
    assert_eq!(cluster.object("deployments/web").expect("there")["spec"]["replicas"], 2);
}

#[test]
fn what_webhooks_add_and_change_at_admission_is_no_difference() {
    let cluster = Cluster::with_chart(&deployment("web", 1, "nginx:1", ""));
    let Some(server) = &cluster.server else { return };
    server.mutate(|kind, object| {
        if kind == "Deployment" {
            object["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/nginx:1".into();
            let sidecar = json!({ "name": "sidecar", "image": "sidecar:1" });
            let containers = object["spec"]["template"]["spec"]["containers"].as_array_mut();
            if let Some(containers) = containers.filter(|all| all.iter().all(|one| one["name"] != "sidecar")) {
                containers.push(sidecar);
            }
        }
    });
    cluster.converge();
    for _ in 0..10 {
        cluster.is_converged();
    }
    cluster.chart("web", &deployment("web", 3, "nginx:1", ""));
    assert_eq!(cluster.changes(), ["update app.web@dc", "update Deployment/web"]);
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("spec.replicas: 1 -> 3") && !plan.contains("sidecar"), "{plan}");
    cluster.converge();
}

#[test]
fn replicas_that_leave_the_chart_go_to_the_autoscaler_and_are_not_reset() {
    let cluster = Cluster::with_chart(&format!("{}{SCALER}", deployment("web", 7, "nginx:1", "")));
    cluster.converge();
    cluster.chart("web", &format!("{}{SCALER}", deployment("web", 7, "nginx:1", "").replace("  replicas: 7\n", "")));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(!plan.contains("replicas"), "{plan}");
    cluster.place.expect(0, &["apply", "--yes"]);
    cluster.chart("web", &format!("{}{SCALER}", deployment("web", 7, "nginx:2", "").replace("  replicas: 7\n", "")));
    cluster.converge();
    assert_eq!(cluster.object("deployments/web").expect("there")["spec"]["replicas"], 7);
}

#[test]
fn a_custom_resource_without_a_schema_shows_its_changes_and_only_those() {
    let group = format!("d{}.atlas.test", std::process::id());
    let text = |image: &str| {
        format!("
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: gadgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  preserveUnknownFields: false
  names: {{plural: gadgets, singular: gadget, kind: Gadget}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
---
apiVersion: {group}/v1
kind: Gadget
metadata: {{name: one, labels: {{}}}}
spec: {{image: {image}, nothing: null, empty: {{}}, none: [], size: 1.0, list: [{{a: 1}}, {{a: 2}}], deep: {{b: {{c: true}}}}}}
")
    };
    let cluster = Cluster::with_chart(&text("nginx:1"));
    cluster.converge();
    for _ in 0..3 {
        cluster.is_converged();
    }
    cluster.chart("web", &text("nginx:2"));
    let plan = cluster.place.json(&["plan", "--json"]);
    let change =
        plan["changes"].as_array().expect("a list").iter().find(|one| one["kind"] == "object").expect("it changes");
    assert_eq!(change["attributes"][0]["path"], "manifest.spec.image");
    assert_eq!(change["attributes"].as_array().map(Vec::len), Some(1), "{change}");
    cluster.converge();
}

#[test]
fn what_was_made_by_chance_in_a_list_stays_with_its_name_and_is_made_again_where_it_is_gone() {
    let env = |first: &str| {
        format!("        env: [{first}{{name: RND, value: {{{{ randAlphaNum 8 | quote }}}}}}, {{name: B, value: b}}]\n")
    };
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {rnd: {{ randAlphaNum 20 | quote }}, user: ada}\n";
    let text = |first: &str| format!("{}{secret}", deployment("web", 1, "nginx:1", &env(first)));
    let cluster = Cluster::with_chart(&text(""));
    cluster.converge();
    let value = || {
        let live = cluster.object("deployments/web").expect("there");
        let all = live["spec"]["template"]["spec"]["containers"][0]["env"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|one| one["name"] == "RND").expect("it has it")["value"].clone()
    };
    let before = value();
    cluster.chart("web", &text("{name: NEW, value: new}, "));
    cluster.converge();
    assert_eq!(value(), before);
    cluster.edit("somebody", "secrets/web", &json!({ "data": { "rnd": null } }));
    assert_eq!(cluster.changes(), ["update Secret/web"]);
    cluster.converge();
    assert!(cluster.object("secrets/web").expect("there")["data"]["rnd"].is_string());
}

#[test]
fn what_somebody_changed_is_drift_whatever_else_the_spec_says_by_then() {
    let more = |cpu: &str| format!("        resources: {{requests: {{cpu: {cpu}}}}}\n");
    let cluster = Cluster::with_chart(&deployment("web", 1, "nginx:1", &more("1000m")));
    cluster.converge();
    cluster.chart("web", &deployment("web", 1, "nginx:1", &more("1")));
    cluster.converge();
    cluster.edit("kubectl-edit", "deployments/web", &json!({ "spec": { "replicas": 5 } }));
    assert_eq!(cluster.place.run(&["drift"]).code, 2);
    cluster.converge();
}

#[test]
fn a_port_that_somebody_gave_another_number_comes_back_alone() {
    let service = |extra: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {{app: web}}, ports: [{{port: 80}}{extra}]}}\n"
        )
    };
    let cluster = Cluster::with_chart(&format!("{}---\n{}", service(""), deployment("web", 1, "nginx:1", PORTS)));
    cluster.converge();
    let edits = [
        ("services/web", "/spec/ports/0/port"),
        ("deployments/web", "/spec/template/spec/containers/0/ports/0/containerPort"),
    ];
    for (object, at) in edits {
        let patch = json!([{ "op": "replace", "path": at, "value": 8080 }]);
        let path = format!("{}?fieldManager=kubectl-edit", cluster.path(object));
        cluster.ask("PATCH", &path, Some(&patch), "application/json-patch+json").expect("it is taken");
        assert_eq!(cluster.place.run(&["drift"]).code, 2, "{object}");
        cluster.converge();
        let live = cluster.object(object).expect("there");
        let (list, _) = at.rsplit_once("/0/").expect("an item");
        let ports = live.pointer(list).and_then(serde_json::Value::as_array).expect("a list");
        assert_eq!((ports.len(), &live.pointer(at).expect("there").clone()), (1, &json!(80)), "{object}: {live}");
    }
    // A port that somebody put beside Atlas's own stays: nothing is in the way.
    let patch =
        json!([{ "op": "add", "path": "/spec/template/spec/containers/0/ports/-", "value": { "containerPort": 9 } }]);
    let path = format!("{}?fieldManager=kubectl-edit", cluster.path("deployments/web"));
    cluster.ask("PATCH", &path, Some(&patch), "application/json-patch+json").expect("it is taken");
    cluster.is_converged();
}

/// A container's port with a name, which no other one can have.
const PORTS: &str = "        ports: [{name: http, containerPort: 80}]\n";
