//! What others do to a cluster is seen and undone, without making a node again.

use serde_json::{Value, json};

use super::cluster_changes::{Cluster, get};
use super::clusters::spec;
use super::{Engine, free_port, until};
use crate::support::Place;

/// What `drift` says of the cluster: each attribute or condition with what is there now.
fn drift(engine: &Engine, place: &Place) -> Vec<(String, Value)> {
    let told = engine.json(place, 2, &["drift", "--json"]);
    let one = |all: &Value| (all["path"].as_str().expect("a path").to_owned(), all["observed"].clone());
    told["drift"][0]["attributes"].as_array().expect("a list").iter().map(one).collect()
}

fn ids(engine: &Engine, cluster: &str) -> Vec<String> {
    ["server-0", "agent-0"].iter().map(|part| engine.id(&format!("k3d-{cluster}-{part}"))).collect()
}

/// Brings the cluster back, by an update that makes no node again.
fn heal(engine: &Engine, place: &Place, cluster: &str) {
    let before = ids(engine, cluster);
    let plan = engine.json(place, 0, &["plan", "--json"]);
    assert_eq!(
        (&plan["changes"][0]["action"], &plan["changes"][0]["risk"]),
        (&json!("update"), &json!("safe")),
        "{plan:#}"
    );
    engine.expect(place, 0, &["apply", "--yes"]);
    engine.expect(place, 0, &["plan", "--detailed-exitcode"]);
    engine.expect(place, 0, &["drift"]);
    assert_eq!(ids(engine, cluster), before);
}

#[test]
fn labels_and_taints_of_nodes_are_seen_and_brought_back() {
    let Some(engine) = Engine::here() else { return };
    let cluster = Cluster { engine: &engine, name: "marks" };
    let more = "taints = [\"a=b:NoSchedule\", \"c:NoExecute\"]\n[cluster.marks.k3d.nodes.\"agent:0\"]\nlabels = { disk = \"fast\" }\n";
    let place = Place::with(&spec(&engine, "marks", "marks", 1, more));
    engine.expect(&place, 0, &["apply", "--yes"]);
    cluster.joined("agent-0");
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let edit = |role: &str, change: &dyn Fn(&mut Value)| {
        let mut node = cluster.node(role);
        change(&mut node);
        cluster.put("nodes", &node);
    };
    // A label with another value on one node, and one that is gone.
    edit("agent-0", &|node| node["metadata"]["labels"]["tier"] = json!("theirs"));
    assert_eq!(drift(&engine, &place), [("labels.tier".to_owned(), json!("theirs"))]);
    heal(&engine, &place, "marks");
    assert_eq!(cluster.node("agent-0")["metadata"]["labels"]["tier"], "ledger");
    edit("agent-0", &|node| drop(node["metadata"]["labels"].as_object_mut().expect("labels").remove("disk")));
    let seen = drift(&engine, &place);
    assert!(seen == [("k3d.nodes.agent:0.labels".to_owned(), Value::Null)], "{seen:?}");
    heal(&engine, &place, "marks");
    assert_eq!(cluster.node("agent-0")["metadata"]["labels"]["disk"], "fast");
    // A taint that is gone, and one of another value; others stay.
    edit("server-0", &|node| {
        node["spec"]["taints"] = json!([
            { "key": "a", "value": "x", "effect": "NoSchedule" }, { "key": "theirs", "effect": "NoSchedule" },
        ]);
    });
    let seen = drift(&engine, &place);
    assert!(seen.len() == 1 && seen[0].0.starts_with("k3d.taints"), "{seen:?}");
    heal(&engine, &place, "marks");
    let mut taints: Vec<String> = Vec::new();
    for taint in cluster.node("server-0")["spec"]["taints"].as_array().expect("taints") {
        taints.push(format!(
            "{}={}",
            taint["key"].as_str().expect("a key"),
            taint["value"].as_str().unwrap_or_default()
        ));
    }
    taints.sort();
    assert_eq!(taints, ["a=b", "c=", "theirs="]);
    // What others put there besides is nobody's business.
    edit("agent-0", &|node| node["metadata"]["labels"]["more"] = json!("theirs"));
    engine.expect(&place, 0, &["drift"]);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.marks"]);
}

#[test]
fn a_load_balancer_that_leads_elsewhere_is_seen_and_brought_back() {
    let Some(engine) = Engine::here() else { return };
    let (port, other) = (free_port(), free_port());
    let text = spec(&engine, "astray", "astray", 1, "")
        .replace("agents = 1\n", &format!("agents = 1\nports = [\"{port}:80\"]\n"));
    let place = Place::with(&text);
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    // Its file leads to one node only.
    let balancer = "k3d-astray-serverlb";
    let wrong =
        "{\"ports\":{\"6443.tcp\":[\"k3d-astray-server-0\"],\"80.tcp\":[\"k3d-astray-agent-0\"]},\"settings\":{}}";
    place.write("values.yaml", wrong);
    let file = place.path("values.yaml");
    let file = file.to_str().expect("text");
    engine.docker(&["cp", file, &format!("{balancer}:/etc/confd/values.yaml")]);
    let said = format!("{balancer} leads elsewhere than to its nodes");
    assert_eq!(drift(&engine, &place), [("condition".to_owned(), json!(said))]);
    heal(&engine, &place, "astray");
    // Another one in its place, as `k3d cluster edit` makes it, publishes one port more.
    let was = engine.inspect("container", balancer);
    let mut arguments: Vec<String> =
        ["create", "--name", balancer, "--hostname", balancer, "--network", "k3d-astray"].map(str::to_owned).into();
    for (key, value) in was["Config"]["Labels"].as_object().expect("labels") {
        arguments.extend(["--label".to_owned(), format!("{key}={}", value.as_str().expect("text"))]);
    }
    let api = was["HostConfig"]["PortBindings"]["6443/tcp"][0]["HostPort"].as_str().expect("a port").to_owned();
    for (outside, inside) in [(api.as_str(), "6443"), (&port.to_string(), "80"), (&other.to_string(), "80")] {
        arguments.extend(["-p".to_owned(), format!("127.0.0.1:{outside}:{inside}")]);
    }
    arguments.push(was["Config"]["Image"].as_str().expect("an image").to_owned());
    engine.docker(&["cp", &format!("{balancer}:/etc/confd/values.yaml"), file]);
    engine.docker(&["rm", "-f", balancer]);
    engine.docker(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    std::fs::create_dir_all(place.path("etc/confd")).expect("made");
    place.write("etc/confd/values.yaml", &place.read("values.yaml"));
    let folder = place.path("etc");
    engine.docker(&["cp", folder.to_str().expect("text"), &format!("{balancer}:/")]);
    engine.docker(&["start", balancer]);
    until("the other port answers", || get(other).is_some());
    let said = format!("{balancer} publishes other ports than it was made to");
    assert_eq!(drift(&engine, &place), [("condition".to_owned(), json!(said))]);
    heal(&engine, &place, "astray");
    until("the port answers", || get(port).is_some());
    assert_eq!(get(other), None);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.astray"]);
}

#[test]
fn pods_leave_the_first_server_before_the_load_balancer_goes() {
    let Some(engine) = Engine::here() else { return };
    let cluster = Cluster { engine: &engine, name: "early" };
    let (port, api) = (free_port(), free_port());
    let with = |more: &str| {
        let text = spec(&engine, "early", "early", 1, &format!("drain = \"1s\"\n{more}"));
        text.replace("agents = 1\n", &format!("agents = 1\nports = [\"{port}:80\"]\n"))
    };
    let place = Place::with(&with(""));
    engine.expect(&place, 0, &["apply", "--yes"]);
    cluster.joined("agent-0");
    let parts = || ["server-0", "agent-0", "serverlb"].map(|part| engine.id(&format!("k3d-early-{part}")));
    let before = parts();
    cluster.put("pods", &cluster.pod("web", "server-0", &json!({})));
    cluster.put("pods", &cluster.pod("guarded", "server-0", &json!({ "budget": "yes" })));
    place.write("atlas.toml", &with("loadbalancer = false\n"));
    let run = engine.run(&place, &["apply", "--yes"]);
    let said = run.stdout + &run.stderr;
    assert!(run.code == 3 && said.contains("the pod shop/guarded does not leave k3d-early-server-0"), "{said}");
    assert_eq!(parts(), before, "the load balancer is there as before");
    assert_eq!(cluster.node("server-0")["spec"]["unschedulable"], Value::Null);
    engine.docker(&["exec", &cluster.server(), "/bin/rm", "/var/lib/rancher/k3s/objects/pods/guarded.json"]);
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert!(!cluster.has("pods", "web"), "it was asked to leave");
    let node = cluster.node("server-0");
    assert_eq!(
        (&node["spec"]["unschedulable"], node["metadata"]["annotations"].get("atlas/drained")),
        (&Value::Null, None)
    );
    until("the port answers", || get(port).is_some());
    // Another port of the API is one that k3d's commands read from the servers.
    place.write("atlas.toml", &with(&format!("api_port = {api}\n")));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let labels = engine.inspect("container", &cluster.server())["Config"]["Labels"].clone();
    assert_eq!(labels["k3d.server.api.port"], api.to_string());
    assert_eq!(parts()[1], before[1], "the agent was never made again");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.early"]);
}
