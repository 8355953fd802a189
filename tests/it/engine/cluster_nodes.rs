//! What is said of some nodes of a cluster, the token, and names that nodes and pods find.

use serde_json::{Value, json};

use super::clusters::{nodes, spec};
use super::{Engine, free_port, until};
use crate::support::Place;

const NODES: &str = "[cluster.some.k3d.nodes.\"server:0\"]\nargs = [\"--disable=traefik\"]\nenvironment = { ONLY = \"server\" }\n\
    labels = { tier-of-one = \"control\" }\n[cluster.some.k3d.nodes.\"agent:*\"]\nmemory_mib = 512\nbinds = [\"/srv:/only-agents:ro\"]\n";

fn labels(engine: &Engine, cluster: &str, node: &str) -> Value {
    let file = format!("/var/lib/rancher/k3s/objects/nodes/k3d-{cluster}-{node}.json");
    let text = engine.docker(&["exec", &format!("k3d-{cluster}-server-0"), "/bin/cat", &file]);
    serde_json::from_str::<Value>(&text).expect("JSON")["metadata"]["labels"].clone()
}

#[test]
fn some_nodes_are_made_otherwise_than_the_others() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&spec(&engine, "some", "some", 1, NODES));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let (server, agent) = ("k3d-some-server-0", "k3d-some-agent-0");
    let [on_server, on_agent] = [server, agent].map(|node| engine.inspect("container", node));
    let says = |seen: &Value, path: &str, text: &str| seen.pointer(path).expect("there").to_string().contains(text);
    assert!(says(&on_server, "/Config/Cmd", "--disable=traefik") && !says(&on_agent, "/Config/Cmd", "--disable"));
    assert!(says(&on_server, "/Config/Env", "ONLY=server") && !says(&on_agent, "/Config/Env", "ONLY="));
    assert!(
        says(&on_agent, "/HostConfig/Binds", "/only-agents") && !says(&on_server, "/HostConfig/Binds", "/only-agents")
    );
    assert_eq!([&on_server, &on_agent].map(|seen| &seen["HostConfig"]["Memory"]), [&json!(0), &json!(536_870_912)]);
    let told = engine.docker(&["exec", agent, "/bin/cat", "/etc/rancher/atlas-meminfo"]);
    assert!(told.starts_with("MemTotal: 524288 kB"), "{told}");
    until("the agent has joined", || {
        engine.docker(&["exec", server, "/bin/ls", "/var/lib/rancher/k3s/objects/nodes"]).contains(agent)
    });
    assert_eq!(labels(&engine, "some", "server-0")["tier-of-one"], "control");
    assert_eq!(labels(&engine, "some", "agent-0")["tier-of-one"], Value::Null);

    // A label of some is changed in place; what else is said of some makes those again and no others.
    let ids = || [server, agent].map(|node| engine.id(node));
    let before = ids();
    place.edit("tier-of-one = \"control\"", "tier-of-one = \"data\"");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!((ids(), labels(&engine, "some", "server-0")["tier-of-one"].clone()), (before.clone(), json!("data")));
    place.edit("memory_mib = 512", "memory_mib = 256");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(engine.inspect("container", agent)["HostConfig"]["Memory"], 268_435_456);
    let after = ids();
    assert!(after[0] == before[0] && after[1] != before[1], "{before:?} {after:?}");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.some"]);
}

#[test]
fn the_token_is_the_spec_s_and_is_said_nowhere() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&spec(&engine, "token", "token", 1, "token = { env = \"LEDGER_TOKEN\" }"));
    let planted = super::SECRET.1;
    let plan = engine.expect(&place, 0, &["plan"]);
    let apply = engine.expect(&place, 0, &["apply", "--yes", "--json"]);
    assert!(![&plan, &apply].iter().any(|text| text.contains(planted)), "{plan}{apply}");
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    for node in ["server-0", "agent-0"] {
        let seen = engine.inspect("container", &format!("k3d-token-{node}"));
        assert!(seen["Config"]["Env"].to_string().contains(&format!("K3S_TOKEN={planted}")), "{node}");
    }
    // The same token by another way is no change; another one is, as no cluster takes one for another.
    place.write("token.txt", &format!("{planted}\n"));
    place.edit("{ env = \"LEDGER_TOKEN\" }", "{ file = \"token.txt\" }");
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    place.write("token.txt", "another\n");
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    assert_eq!(plan["changes"][0]["action"], "replace", "{plan:#}");
    assert!(!plan.to_string().contains(planted) && plan.to_string().contains("(another value)"), "{plan:#}");
    // One that the spec no longer says stays, and a reference that leads nowhere stops before anything is touched.
    place.edit("token = { file = \"token.txt\" }", "");
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    place.edit("labels = ", "# labels = ");
    place.edit("privileged = ", "token = { env = \"NOT_SET_AT_ALL\" }\nprivileged = ");
    let before = nodes(&engine, "token").iter().map(|node| engine.id(node)).collect::<Vec<_>>();
    let run = engine.run(&place, &["apply", "--yes"]);
    assert!(run.code != 0 && (run.stdout.clone() + &run.stderr).contains("NOT_SET_AT_ALL"), "{run:?}");
    assert_eq!(nodes(&engine, "token").iter().map(|node| engine.id(node)).collect::<Vec<_>>(), before);
    place.edit("token = { env = \"NOT_SET_AT_ALL\" }\n", "");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.token"]);
}

#[test]
fn nodes_and_pods_find_the_names_of_the_spec_and_the_machine() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&spec(&engine, "named", "named", 1, "host_aliases = { \"db.local\" = \"10.9.8.7\" }"));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let gateway = engine.docker(&["network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "k3d-named"]);
    for node in ["k3d-named-server-0", "k3d-named-agent-0"] {
        let hosts = engine.docker(&["exec", node, "/bin/cat", "/etc/hosts"]);
        assert!(
            hosts.contains(&format!("{gateway}\thost.k3d.internal")) && hosts.contains("10.9.8.7\tdb.local"),
            "{hosts}"
        );
    }
    let file = "/var/lib/rancher/k3s/objects/configmaps/coredns-custom.json";
    let told = || engine.docker(&["exec", "k3d-named-server-0", "/bin/cat", file]);
    let config: Value = serde_json::from_str(&told()).expect("JSON");
    let zones = config["data"]["atlas.server"].as_str().expect("a text").to_owned();
    assert!(zones.contains(&format!("{gateway} host.k3d.internal")) && zones.contains("10.9.8.7 db.local"), "{zones}");
    // Of what somebody else told CoreDNS nothing is taken away.
    let mut theirs = config;
    theirs["data"]["theirs.server"] = json!("theirs");
    let script = format!("printf '%s' '{theirs}' > {file}").replace("\\n", "\\\\n");
    engine.docker(&["exec", "k3d-named-server-0", "/bin/sh", "-c", &script]);
    place.edit("10.9.8.7", "10.9.8.6");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let now = told();
    assert!(now.contains("10.9.8.6 db.local") && !now.contains("10.9.8.7") && now.contains("theirs.server"), "{now}");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.named"]);
}

#[test]
fn ranges_of_ports_lead_to_a_cluster() {
    let Some(engine) = Engine::here() else { return };
    let port = free_port();
    let with = |ports: &str| {
        spec(&engine, "ranges", "ranges", 0, "").replace("agents = 0\n", &format!("agents = 0\nports = [{ports}]\n"))
    };
    let place = Place::with(&with(&format!("\"{port}-{port}:80-80\"")));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    until("the port answers", || super::cluster_changes::get(port).as_deref() == Some("k3d-ranges-server-0"));
    // The same said in another way is the same.
    place.write("atlas.toml", &with(&format!("\"{port}:80/tcp@loadbalancer\"")));
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.ranges"]);
}
