//! What a namespace has besides itself: service accounts with their rights, credentials of registries, limits, allowed connections.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::harness::Cluster;
use crate::support::Place;

/// Everything that a namespace can say.
const ALL: &str = r#"network = "default-deny"
limits = { request = { cpu = "100m" }, default = { cpu = "1000m", memory = "256Mi" }, max = { cpu = "2" } }
secrets = { shared = { token = { file = "token" } } }
image_pull_secrets = { ghcr = { server = "ghcr.io", username = "bot", password = { file = "token" } } }
allow = [
  { from = { namespace = "ingress" }, to = { pods = { app = "web" } }, ports = [8080] },
  { from = { pods = { app = "web" } }, to = { pods = { app = "db" } }, ports = [5432, "53/udp"] },
  { to = { cidr = "10.0.0.0/8", except = ["10.1.0.0/16"] } },
]

[namespace.NS.service_accounts.ledger]
role = "arn:aws:iam::111122223333:role/ledger"
annotations = { owner = "ledger" }
rules = [{ groups = [""], resources = ["configmaps"], names = ["settings"], verbs = ["get"] }]

[namespace.NS.service_accounts.jobs]
"#;

const TOKEN: &str = "planted-token-987";

fn cluster() -> Cluster {
    let cluster = Cluster::new("");
    cluster.place.write("token", &format!("{TOKEN}\n"));
    cluster
}

fn say(cluster: &Cluster, text: &str) {
    let spec = cluster.place.read("atlas.toml");
    let (head, _) = spec.split_once("network = ").expect("it says it");
    cluster.spec(&format!("{head}{text}"));
}

fn names(cluster: &Cluster, plural: &str) -> Vec<String> {
    let listed = cluster.object(plural).unwrap_or_default();
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|one| one["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
}

fn pulls(cluster: &Cluster, account: &str) -> Vec<Value> {
    let live = cluster.object(&format!("serviceaccounts/{account}")).expect("there");
    live["imagePullSecrets"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_namespace_has_what_the_spec_says_and_nothing_of_it_is_told() {
    let cluster = cluster();
    say(&cluster, ALL);
    let mut said = cluster.place.expect(0, &["plan", "--json"]);
    said += &cluster.converge();
    let account = cluster.object("serviceaccounts/ledger").expect("there");
    assert_eq!(
        account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
        "arn:aws:iam::111122223333:role/ledger"
    );
    assert_eq!(account["metadata"]["annotations"]["owner"], "ledger");
    let role = cluster.object("roles/ledger").expect("there");
    let rule =
        json!({ "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["settings"], "verbs": ["get"] });
    assert_eq!(role["rules"], json!([rule]));
    let binding = cluster.object("rolebindings/ledger").expect("there");
    assert_eq!(
        binding["subjects"],
        json!([{ "kind": "ServiceAccount", "name": "ledger", "namespace": cluster.namespace }])
    );
    assert_eq!(cluster.object("roles/jobs"), None);
    for account in ["default", "ledger", "jobs"] {
        assert_eq!(pulls(&cluster, account), [json!({ "name": "ghcr" })], "{account}");
    }
    let secret = cluster.object("secrets/ghcr").expect("there");
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    let config = BASE64_STANDARD.decode(secret["data"][".dockerconfigjson"].as_str().expect("a text")).expect("base64");
    let config: Value = serde_json::from_slice(&config).expect("JSON");
    assert_eq!(config["auths"]["ghcr.io"]["auth"], BASE64_STANDARD.encode(format!("bot:{TOKEN}")));
    let limit = cluster.object("limitranges/atlas-limits").expect("there")["spec"]["limits"][0].clone();
    assert_eq!((&limit["defaultRequest"]["cpu"], &limit["default"]["memory"]), (&json!("100m"), &json!("256Mi")));
    let policies = names(&cluster, "networkpolicies");
    assert_eq!(policies.len(), 5, "{policies:?}");
    // Nobody is told the token, by any of it.
    said += &format!("{:?}", ["status", "plan", "drift"].map(|command| cluster.place.run(&[command, "--json"])));
    let namespace = cluster.get(&format!("/api/v1/namespaces/{}", cluster.namespace)).expect("there");
    for form in [TOKEN.to_owned(), BASE64_STANDARD.encode(TOKEN), BASE64_STANDARD.encode(format!("bot:{TOKEN}"))] {
        assert!(!said.contains(&form) && !namespace.to_string().contains(&form), "{form}");
    }
    // Somebody without a record of anything sees the same.
    std::fs::remove_dir_all(cluster.place.path(".atlas")).expect("records");
    cluster.is_converged();
}

#[test]
fn what_others_change_in_a_namespace_is_found_and_healed() {
    let cluster = cluster();
    say(&cluster, ALL);
    cluster.converge();
    let policy =
        names(&cluster, "networkpolicies").into_iter().find(|name| name.starts_with("atlas-web-to-db")).expect("there");
    let edits = [
        (
            "serviceaccounts/ledger",
            json!({ "metadata": { "annotations": { "eks.amazonaws.com/role-arn": "arn:other" } } }),
        ),
        ("roles/ledger", json!({ "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }] })),
        (
            "rolebindings/ledger",
            json!({ "subjects": [{ "kind": "ServiceAccount", "name": "default", "namespace": cluster.namespace }] }),
        ),
        (
            "limitranges/atlas-limits",
            json!({ "spec": { "limits": [{ "type": "Container", "default": { "cpu": "7" } }] } }),
        ),
        (
            &*format!("networkpolicies/{policy}"),
            json!({ "spec": { "podSelector": { "matchLabels": { "app": "other" } } } }),
        ),
        ("secrets/ghcr", json!({ "data": { ".dockerconfigjson": BASE64_STANDARD.encode("{}") } })),
        ("secrets/shared", json!({ "data": { "token": "eA==" } })),
        ("serviceaccounts/default", json!({ "imagePullSecrets": [{ "name": "theirs" }] })),
        ("serviceaccounts/jobs", json!({ "imagePullSecrets": null })),
    ];
    for (object, edit) in &edits {
        let before = cluster.object(object).expect("there");
        cluster.edit("kubectl-edit", object, edit);
        let drift = cluster.place.run(&["drift"]);
        assert_eq!(drift.code, 2, "{object}: {drift:?}");
        assert_eq!(cluster.changes().len(), 1, "{object}: {:?}", cluster.changes());
        cluster.converge();
        let after = cluster.object(object).expect("there");
        for part in ["rules", "subjects", "spec", "data"] {
            assert_eq!(after[part], before[part], "{object}");
        }
    }
    assert_eq!(pulls(&cluster, "default"), [json!({ "name": "theirs" }), json!({ "name": "ghcr" })]);
    assert_eq!(pulls(&cluster, "jobs"), [json!({ "name": "ghcr" })]);
    for object in
        ["serviceaccounts/jobs", "roles/ledger", "rolebindings/ledger", "limitranges/atlas-limits", "secrets/ghcr"]
    {
        cluster.delete(object);
    }
    assert_eq!(cluster.changes().len(), 5, "{:?}", cluster.changes());
    cluster.converge();
    // What was said of it, by which objects are found that left the spec.
    let path = format!("/api/v1/namespaces/{}?fieldManager=somebody", cluster.namespace);
    let edit = json!({ "metadata": { "annotations": { "atlas/namespace": null } } });
    cluster.ask("PATCH", &path, Some(&edit), "application/merge-patch+json").expect("it is taken");
    assert_eq!(cluster.place.run(&["drift"]).code, 2);
    cluster.converge();
}

#[test]
fn what_leaves_the_spec_leaves_the_namespace_and_what_is_anothers_stays() {
    let cluster = cluster();
    say(&cluster, ALL);
    cluster.converge();
    cluster.edit(
        "somebody",
        "serviceaccounts/default",
        &json!({ "imagePullSecrets": [{ "name": "theirs" }, { "name": "ghcr" }] }),
    );
    cluster
        .create("somebody", &json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "theirs" } }));
    cluster.is_converged();
    // One after the other.
    let spec = cluster.place.read("atlas.toml");
    let without = spec.replace(
        "  { from = { pods = { app = \"web\" } }, to = { pods = { app = \"db\" } }, ports = [5432, \"53/udp\"] },\n",
        "",
    );
    cluster.spec(&without);
    let namespace = format!("update namespace.{}@dc", cluster.namespace);
    let changes = cluster.changes();
    assert_eq!((changes.len(), &changes[0]), (3, &namespace), "{changes:?}");
    cluster.converge();
    assert_eq!(names(&cluster, "networkpolicies").len(), 3);
    // Other ports change a policy in place.
    cluster.spec(&without.replace("ports = [8080]", "ports = [8081]"));
    let changes = cluster.changes();
    assert!(changes.len() == 2 && changes.iter().all(|change| change.starts_with("update ")), "{changes:?}");
    cluster.converge();
    // Everything at once, by somebody who has no record of it.
    std::fs::remove_dir_all(cluster.place.path(".atlas")).expect("records");
    say(&cluster, "network = \"open\"\n");
    cluster.converge();
    assert_eq!(names(&cluster, "networkpolicies"), Vec::<String>::new());
    assert_eq!(names(&cluster, "serviceaccounts"), ["default", "theirs"]);
    assert_eq!(pulls(&cluster, "default"), [json!({ "name": "theirs" })]);
    for plural in ["roles", "rolebindings", "limitranges", "secrets"] {
        assert_eq!(names(&cluster, plural), Vec::<String>::new(), "{plural}");
    }
}

#[test]
fn a_strangers_account_is_left_alone_until_it_is_adopted() {
    let cluster = cluster();
    cluster.converge();
    cluster.create("kubectl-create", &json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "ledger", "annotations": { "owner": "theirs" } },
    }));
    say(&cluster, ALL);
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(cluster.object("serviceaccounts/ledger").expect("there")["metadata"]["annotations"]["owner"], "theirs");
    let address = format!("namespace.{}@dc/ServiceAccount/ledger", cluster.namespace);
    cluster.place.expect(0, &["adopt", "--yes", &address]);
    cluster.converge();
    assert_eq!(cluster.object("serviceaccounts/ledger").expect("there")["metadata"]["annotations"]["owner"], "ledger");
}

#[test]
fn an_app_waits_for_what_its_namespace_has() {
    let cluster = cluster();
    say(&cluster, ALL);
    cluster.add("[app.web]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nchart = \"web\"\nwait = \"applied\"\n");
    cluster.chart("web", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n");
    let plan = cluster.place.json(&["plan", "--json"]);
    let app = plan["changes"].as_array().expect("a list").iter().find(|one| one["address"] == "app.web@dc").cloned();
    let needs = app.expect("it is planned")["depends_on"].to_string();
    for object in ["Secret/shared", "LimitRange/atlas-limits", "RoleBinding/ledger"] {
        assert!(needs.contains(object), "{object}: {needs}");
    }
    cluster.converge();
    // With its block the namespace goes, and all that it has.
    let namespace = format!("namespace.{}@dc", cluster.namespace);
    cluster.place.expect(0, &["destroy", "--yes", "--allow-loss", &namespace]);
    assert_eq!(cluster.get(&format!("/api/v1/namespaces/{}", cluster.namespace)), None);
}

#[test]
fn in_the_sandbox_a_namespace_has_the_same_and_a_role_completes_its_account() {
    let spec = r#"
[project]
name = "t"
[environment.sandbox]
world = "sandbox"
[region.us-east-1]
[role.ledger]
regions = ["us-east-1"]
trust = { service = "ec2.amazonaws.com" }
[cluster.dc]
region = "us-east-1"
[namespace.shop]
clusters = ["dc"]
secrets = { shared = { token = { env = "ATLAS_TEST_NOT_SET" } } }
image_pull_secrets = { ghcr = { server = "ghcr.io", username = "bot", password = { env = "ATLAS_TEST_NOT_SET" } } }
limits = { max = { cpu = "2" } }
allow = [{ from = "here" }]
service_accounts = { ledger = { role = "${role.ledger.arn}" } }
"#;
    let place = Place::with(spec);
    place.expect(0, &["apply", "--yes", "-e", "sandbox"]);
    assert_eq!(place.run(&["plan", "-e", "sandbox", "--detailed-exitcode"]).code, 0);
    let account = place.expect(0, &["show", "-e", "sandbox", "namespace.shop@dc/ServiceAccount/ledger", "--json"]);
    assert!(account.contains("role/ledger") && account.contains("eks.amazonaws.com/role-arn"), "{account}");
    let rest = spec.split_once("secrets = {").expect("it says them").0;
    place.write("atlas.toml", rest);
    let plan = place.expect(0, &["plan", "-e", "sandbox"]);
    for object in ["Secret/shared", "Secret/ghcr", "LimitRange/atlas-limits", "ServiceAccount/ledger"] {
        assert!(plan.contains(object), "{object}: {plan}");
    }
    place.expect(0, &["apply", "--yes", "-e", "sandbox"]);
    assert_eq!(place.run(&["plan", "-e", "sandbox", "--detailed-exitcode"]).code, 0);
}

#[test]
fn a_namespace_that_only_a_reference_tells_is_another_one_and_protection_keeps_no_right() {
    let spec = r#"
[project]
name = "t"
[environment.sandbox]
world = "sandbox"
[region.r]
[cluster.dc]
region = "r"
[namespace.ingress]
clusters = ["dc"]
[namespace.shop]
clusters = ["dc"]
protect = true
allow = [{ from = { namespace = "${namespace.ingress.name}" }, ports = [8080] }]
service_accounts = { web = { rules = [{ resources = ["secrets"], verbs = ["get"] }] } }
"#;
    let place = Place::with(spec);
    place.expect(0, &["apply", "--yes", "-e", "sandbox"]);
    let status = place.expect(0, &["status", "-e", "sandbox", "--json"]);
    assert_eq!(status.matches("NetworkPolicy/").count(), 1, "what comes in, and nothing from pod to pod\n{status}");
    place.edit("rules = [{ resources = [\"secrets\"], verbs = [\"get\"] }]", "");
    place.edit("allow = [{", "allow = [{ to = { pods = { app = \"web\" } },");
    place.expect(0, &["apply", "--yes", "-e", "sandbox"]);
    assert_eq!(place.run(&["plan", "-e", "sandbox", "--detailed-exitcode"]).code, 0);
    let status = place.expect(0, &["status", "-e", "sandbox", "--json"]);
    assert!(!status.contains("namespace.shop@dc/Role/web"), "{status}");
    let both = spec.replace("ports = [8080]", "to = { namespace = \"${namespace.ingress.name}\" }");
    place.write("atlas.toml", &both);
    let refused = place.run(&["validate", "-e", "sandbox"]);
    assert!(refused.code == 1 && refused.stderr.contains("A0460"), "{}", refused.stderr);
}
