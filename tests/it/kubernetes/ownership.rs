//! Whose objects are: marks, copies of marks, strangers, what moves from app to app, and what is pruned.

use serde_json::json;

use super::harness::Cluster;

fn settings(name: &str, data: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n")
}

#[test]
fn a_strangers_object_is_refused_until_it_is_adopted() {
    let cluster = Cluster::with_chart(&settings("other", "a: b"));
    // The namespace first, so that a stranger can be in it.
    let chart = cluster.place.read("web/templates/all.yaml");
    cluster.chart("web", &settings("web", "a: b"));
    cluster.converge();
    cluster.create("helm", &json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "other" }, "data": { "a": "x", "theirs": "1" },
    }));
    cluster.place.write("web/templates/more.yaml", &chart);
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("app.web@dc/ConfigMap/other"), "{}", refused.stderr);
    assert_eq!(cluster.object("configmaps/other").expect("there")["data"]["a"], "x");
    cluster.place.expect(0, &["adopt", "--yes", "app.web@dc/ConfigMap/other"]);
    cluster.place.expect(0, &["apply", "--yes"]);
    cluster.is_converged();
    assert_eq!(cluster.object("configmaps/other").expect("there")["data"]["a"], "b");
}

#[test]
fn a_copy_of_a_mark_makes_nothing_ours() {
    let cluster = Cluster::with_chart(&settings("web", "a: b"));
    cluster.converge();
    let original = cluster.object("configmaps/web").expect("there");
    cluster.create(
        "operator",
        &json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b" },
            "metadata": {
                "name": "copy",
                "labels": original["metadata"]["labels"],
                "annotations": original["metadata"]["annotations"],
            },
        }),
    );
    cluster.is_converged();
    let spec = cluster.place.read("atlas.toml");
    cluster.spec(spec.split_once("[app.web]").expect("an app").0);
    cluster.place.expect(0, &["apply", "--yes"]);
    assert!(cluster.object("configmaps/copy").is_some(), "what an operator copied was pruned");
    assert_eq!(cluster.object("configmaps/web"), None);
}

#[test]
fn what_left_a_chart_is_pruned_and_what_is_held_is_tried_again() {
    let cluster = Cluster::with_chart(&format!("{}{}", settings("web", "a: b"), settings("old", "a: b")));
    cluster.converge();
    cluster.edit("somebody", "configmaps/old", &json!({ "metadata": { "finalizers": ["atlas.test/held"] } }));
    cluster.chart("web", &settings("web", "a: b"));
    assert_eq!(cluster.changes(), ["update app.web@dc", "delete ConfigMap/old"]);
    // The step gives up in time; the object is there, and is not forgotten.
    let spec = cluster.place.read("atlas.toml");
    cluster.delete("configmaps/old");
    assert_eq!(cluster.changes(), ["update app.web@dc", "delete ConfigMap/old"], "{spec}");
    cluster.edit("somebody", "configmaps/old", &json!({ "metadata": { "finalizers": null } }));
    cluster.converge();
    assert_eq!(cluster.object("configmaps/old"), None);
}

#[test]
fn an_object_that_moves_to_another_app_is_handed_over() {
    let cluster = Cluster::with_chart(&format!("{}{}", settings("web", "a: b"), settings("shared", "a: b")));
    cluster.converge();
    let uid = || cluster.object("configmaps/shared").expect("there")["metadata"]["uid"].clone();
    let before = uid();
    cluster.chart("web", &settings("web", "a: b"));
    cluster.chart("more", &settings("shared", "a: b"));
    cluster.add("[app.more]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nchart = \"more\"\nwait = \"applied\"\n");
    cluster.converge();
    assert_eq!(uid(), before, "it was deleted and made again");
    // Its former app can go without it.
    let spec = cluster.place.read("atlas.toml");
    let (head, rest) = spec.split_once("[app.web]").expect("an app");
    let (_, more) = rest.split_once("[app.more]").expect("another");
    cluster.spec(&format!("{head}[app.more]{more}"));
    cluster.place.expect(0, &["apply", "--yes"]);
    cluster.is_converged();
    assert_eq!(uid(), before);
}

#[test]
fn a_chart_that_gives_nothing_is_refused() {
    let cluster = Cluster::with_chart(&settings("web", "a: b"));
    cluster.converge();
    cluster.chart("web", "{{ if .Values.on }}\napiVersion: v1\n{{ end }}\n");
    let refused = cluster.place.run(&["plan"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("gives no object at all"), "{}", refused.stderr);
    assert!(cluster.object("configmaps/web").is_some());
}

#[test]
fn a_protected_app_keeps_its_objects() {
    let cluster = Cluster::with_chart(&format!("{}{}", settings("web", "a: b"), settings("old", "a: b")));
    let spec = cluster.place.read("atlas.toml");
    cluster.spec(&format!("{spec}protect = true\n"));
    cluster.converge();
    cluster.chart("web", &settings("web", "a: b"));
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("ConfigMap/old") && refused.stderr.contains("protected"), "{}", refused.stderr);
    assert!(cluster.object("configmaps/old").is_some());
}

#[test]
fn what_another_tool_made_is_taken_over_with_its_fields() {
    let cluster = Cluster::with_chart(&settings("web", "a: b"));
    cluster.converge();
    for manager in ["helm", "kubectl-client-side-apply"] {
        cluster.create(manager, &json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": manager }, "data": { "a": "x", "old": "1" },
        }));
    }
    cluster.chart("web", &["web", "helm", "kubectl-client-side-apply"].map(|name| settings(name, "a: b")).concat());
    for manager in ["helm", "kubectl-client-side-apply"] {
        let told = cluster.place.expect(0, &["adopt", "--yes", &format!("app.web@dc/ConfigMap/{manager}")]);
        assert!(told.contains("data.old: \"1\" -> (none)") && told.contains("data.a  : \"x\" -> \"b\""), "{told}");
    }
    cluster.converge();
    assert_eq!(cluster.object("configmaps/helm").expect("there")["data"], json!({ "a": "b" }));
}

#[test]
fn what_an_app_says_of_some_of_its_objects_holds_for_those() {
    let cluster = Cluster::with_chart(&format!("{}{}", settings("web", "a: b, count: \"1\""), settings("old", "a: b")));
    cluster.add("[app.web.objects]\n\"ConfigMap/web\" = { ignore = [\"/data/count\"] }\n\"ConfigMap/o*\" = { protect = true }\n");
    cluster.converge();
    cluster.edit("counter", "configmaps/web", &json!({ "data": { "count": "7" } }));
    for _ in 0..3 {
        cluster.is_converged();
    }
    cluster.chart("web", &format!("{}{}", settings("web", "a: c, count: \"2\""), settings("old", "a: b")));
    cluster.converge();
    assert_eq!(cluster.object("configmaps/web").expect("there")["data"], json!({ "a": "c", "count": "7" }));
    cluster.place.edit("\"ConfigMap/o*\"", "\"ConfigMap/ol\"");
    let refused = cluster.place.run(&["plan"]);
    assert!(
        refused.code == 1 && refused.stderr.contains("error[A0216]") && refused.stderr.contains("ConfigMap/old"),
        "{refused:?}"
    );
    cluster.place.edit("\"ConfigMap/ol\" = { protect = true }", "");
    let chart = cluster.place.read("web/templates/all.yaml");
    cluster.chart(
        "web",
        chart.split("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}").next().expect("the first"),
    );
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("protected"), "{refused:?}");
}

#[test]
fn two_apps_never_have_one_object() {
    let cluster = Cluster::with_chart(&settings("web", "a: b"));
    cluster.add("[app.more]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nchart = \"more\"\n");
    cluster.chart("more", &settings("web", "a: c"));
    let refused = cluster.place.run(&["validate"]);
    assert!(refused.code == 1 && refused.stderr.contains("would both be"), "{refused:?}");
    cluster.chart("more", "apiVersion: v1\nkind: Namespace\nmetadata: {name: NS}\n");
    let refused = cluster.place.run(&["validate"]);
    assert!(refused.code == 1 && refused.stderr.contains("leave it out of the chart"), "{refused:?}");
}

#[test]
fn one_cluster_under_two_names_is_refused_and_nothing_in_it_goes() {
    let cluster = Cluster::with_chart(&settings("web", "a: b"));
    cluster.converge();
    let spec = cluster.place.read("atlas.toml");
    let head = spec.split_once("[namespace").expect("a namespace").0;
    let block = head.split_once("[cluster.dc]").expect("a cluster").1;
    cluster.spec(&format!("{spec}\n[cluster.second]{block}"));
    let plan = cluster.place.run(&["plan", "--detailed-exitcode"]);
    assert!(plan.code == 4 && format!("{}{}", plan.stdout, plan.stderr).contains("the same cluster as"), "{plan:?}");
    cluster.place.run(&["apply", "--yes"]);
    assert!(cluster.object("configmaps/web").is_some());
}

#[test]
fn a_namespace_that_a_chart_makes_is_an_object_of_its_app() {
    let cluster = Cluster::with_chart(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: NS-inner}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: NS-inner}\ndata: {a: b}\n",
    );
    cluster.converge();
    for _ in 0..2 {
        cluster.is_converged();
    }
    // What others have in it goes along, and is said before.
    let path = format!("/api/v1/namespaces/{}-inner/configmaps", cluster.namespace);
    let theirs = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs" } });
    cluster.ask("POST", &path, Some(&theirs), "application/json").expect("it is made");
    cluster.chart("web", &settings("web", "a: b"));
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("1 object of others"), "{refused:?}");
    let inner = format!("app.web@dc/Namespace/{}-inner", cluster.namespace);
    cluster.place.expect(0, &["apply", "--yes", "--allow-loss", &inner]);
    cluster.is_converged();
}

#[test]
fn a_secret_that_kubectl_applied_is_adopted_and_never_shown() {
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {a: planted-2}\n";
    let cluster = Cluster::with_chart(&settings("web", "a: b"));
    cluster.converge();
    cluster.create(
        "kubectl-client-side-apply",
        &json!({
            "apiVersion": "v1", "kind": "Secret", "data": { "a": "cGxhbnRlZC0x" },
            "metadata": { "name": "keys", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"a\":\"cGxhbnRlZC0x\"}}",
            } },
        }),
    );
    cluster.chart("web", &format!("{}{secret}", settings("web", "a: b")));
    let told = cluster.place.run(&["adopt", "--yes", "app.web@dc/Secret/keys", "--json"]);
    assert!(told.code == 0 && !format!("{told:?}").contains("cGxhbnRlZC0x"), "{told:?}");
    cluster.converge();
}

#[test]
fn what_a_chart_says_to_keep_stays() {
    let keep = settings("old", "a: b")
        .replace("metadata: {name: old}", "metadata: {name: old, annotations: {helm.sh/resource-policy: keep}}");
    let cluster = Cluster::with_chart(&format!("{}{keep}", settings("web", "a: b")));
    cluster.converge();
    cluster.chart("web", &settings("web", "a: b"));
    cluster.converge();
    let old = cluster.object("configmaps/old").expect("it stays");
    assert!(old["metadata"]["annotations"]["atlas/mark"].is_null(), "{old}");
}

#[test]
fn a_copy_of_a_mark_on_another_group_makes_nothing_ours() {
    let group = format!("g{}.atlas.test", std::process::id());
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: services.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: services, singular: service, kind: Service}}\n  versions:\n  - {{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}\n"
    );
    let own = format!("---\napiVersion: {group}/v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{a: b}}\n");
    let cluster = Cluster::with_chart(&format!("{definition}{own}"));
    cluster.converge();
    let path = format!("/apis/{group}/v1/namespaces/{}/services/web", cluster.namespace);
    let original = cluster.get(&path).expect("there");
    cluster.create("operator", &json!({
        "apiVersion": "v1", "kind": "Service", "spec": { "ports": [{ "port": 80 }] },
        "metadata": { "name": "web", "labels": original["metadata"]["labels"], "annotations": original["metadata"]["annotations"] },
    }));
    cluster.is_converged();
    cluster.chart("web", &definition);
    cluster.converge();
    assert!(cluster.object("services/web").is_some() && cluster.get(&path).is_none());
}
