//! What changes about clusters without losing anything: in place where that can be, node by node where not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::clusters::{nodes, spec};
use super::relay::{Decision, relay};
use super::{Engine, free_port, until};
use crate::support::{Place, Run};

const OBJECTS: &str = "/var/lib/rancher/k3s/objects";

/// A cluster of the stand-ins.
pub(super) struct Cluster<'e> {
    pub engine: &'e Engine,
    pub name: &'static str,
}

impl Cluster<'_> {
    pub fn server(&self) -> String {
        format!("k3d-{}-server-0", self.name)
    }

    /// What the API tells of a node.
    pub fn node(&self, role: &str) -> Value {
        let file = format!("{OBJECTS}/nodes/k3d-{}-{role}.json", self.name);
        let text = self.engine.ask(&["exec", &self.server(), "/bin/cat", &file]);
        text.ok().map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON"))
    }

    /// Puts an object where the API tells it from.
    pub fn put(&self, sort: &str, object: &Value) {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let script = format!("mkdir -p {OBJECTS}/{sort} && printf '%s' '{object}' > {OBJECTS}/{sort}/{name}.json");
        self.engine.docker(&["exec", &self.server(), "/bin/sh", "-c", &script]);
    }

    pub fn has(&self, sort: &str, name: &str) -> bool {
        let file = format!("{OBJECTS}/{sort}/{name}.json");
        self.engine.ask(&["exec", &self.server(), "/bin/cat", &file]).is_ok()
    }

    pub fn joined(&self, role: &str) {
        until("the node has joined", || !self.node(role).is_null());
    }

    /// A persistent volume that the cluster's own storage made on a node.
    pub fn volume(&self, name: &str, role: &str) -> Value {
        let host = format!("k3d-{}-{role}", self.name);
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": name },
            "spec": { "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": "kubernetes.io/hostname", "operator": "In", "values": [host] },
            ] }] } } },
        })
    }

    pub fn pod(&self, name: &str, role: &str, labels: &Value) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "shop", "labels": labels, "ownerReferences": [
                { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop", "uid": "u", "controller": true },
            ] },
            "spec": { "nodeName": format!("k3d-{}-{role}", self.name), "containers": [] },
        })
    }

    pub fn write(&self, role: &str, text: &str) {
        let script = format!("mkdir -p /var/lib/rancher/k3s/storage; echo {text} > /var/lib/rancher/k3s/storage/data");
        self.engine.docker(&["exec", &format!("k3d-{}-{role}", self.name), "/bin/sh", "-c", &script]);
    }

    pub fn data(&self, role: &str) -> String {
        let node = format!("k3d-{}-{role}", self.name);
        self.engine.docker(&["exec", &node, "/bin/cat", "/var/lib/rancher/k3s/storage/data"])
    }
}

/// What answers at a port of this machine.
pub(super) fn get(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(3))).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.rsplit("\r\n\r\n").next().map(str::to_owned).filter(|text| !text.is_empty())
}

#[test]
fn what_changes_in_place_makes_no_node_again() {
    let Some(engine) = Engine::here() else { return };
    let (cluster, ports) = (Cluster { engine: &engine, name: "inplace" }, [free_port(), free_port(), free_port()]);
    let with = |ports: &str, more: &str, labels: &str| {
        let text = spec(&engine, "inplace", "inplace", 1, more).replace("{ tier = \"ledger\" }", labels);
        text.replace("agents = 1\n", &format!("agents = 1\nports = [{ports}]\n"))
    };
    let first = format!("\"{}:80\"", ports[0]);
    let place = Place::with(&with(&first, "taints = [\"a=b:NoSchedule\"]", "{ tier = \"ledger\", gone = \"x\" }"));
    engine.expect(&place, 0, &["apply", "--yes"]);
    cluster.joined("agent-0");
    let ids = || ["server-0", "agent-0", "serverlb"].map(|part| engine.id(&format!("k3d-inplace-{part}")));
    let [server, agent, balancer] = ids();
    until("the port leads to a node", || get(ports[0]).is_some_and(|name| name.starts_with("k3d-inplace-")));
    // Somebody else's label and taint are left alone.
    let mut node = cluster.node("server-0");
    node["metadata"]["labels"]["theirs"] = json!("kept");
    node["spec"]["taints"].as_array_mut().expect("taints").push(json!({ "key": "theirs", "effect": "NoExecute" }));
    cluster.put("nodes", &node);

    let labels = "{ tier = \"batch\", more = \"y\" }";
    place.write("atlas.toml", &with(&first, "taints = [\"c:NoSchedule\"]\nkubeconfig = \"file\"", labels));
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    assert_eq!(
        (&plan["changes"][0]["action"], &plan["changes"][0]["risk"]),
        (&json!("update"), &json!("safe")),
        "{plan:#}"
    );
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(ids(), [server.clone(), agent.clone(), balancer.clone()], "no container was made again");
    for role in ["server-0", "agent-0"] {
        let labels = cluster.node(role)["metadata"]["labels"].clone();
        assert_eq!((&labels["tier"], &labels["more"], &labels["gone"]), (&json!("batch"), &json!("y"), &Value::Null));
    }
    let node = cluster.node("server-0");
    assert_eq!(node["metadata"]["labels"]["theirs"], "kept");
    let mut keys: Vec<&str> = Vec::new();
    for taint in node["spec"]["taints"].as_array().expect("taints") {
        keys.push(taint["key"].as_str().expect("a key"));
    }
    assert_eq!(keys, ["theirs", "c"]);
    assert!(place.path(".atlas/clusters/inplace/default/k3d-inplace.yaml").exists());

    // Ports make nothing again but the load balancer.
    let more = format!("\"{}:80@agent:0\", \"{}:80@server:*\"", ports[1], ports[2]);
    place.write("atlas.toml", &with(&more, "taints = [\"c:NoSchedule\"]\nkubeconfig = \"file\"", labels));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let [now_server, now_agent, now_balancer] = ids();
    assert_eq!([now_server, now_agent], [server, agent.clone()]);
    assert_ne!(now_balancer, balancer);
    until("the new port answers", || get(ports[1]).is_some());
    assert_eq!(get(ports[0]), None);

    // A port past the load balancer makes again the node that publishes it, and no other one.
    let more = format!("\"{}:80@server:0:direct\"", ports[2]);
    place.write("atlas.toml", &with(&more, "taints = [\"c:NoSchedule\"]\nkubeconfig = \"file\"", labels));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(ids()[1], agent);
    until("the node answers", || get(ports[2]).as_deref() == Some("k3d-inplace-server-0"));

    // Without a load balancer the first server publishes all of it, and back again.
    let more = format!("\"{}:80\"", ports[2]);
    for has in ["false", "true"] {
        let lines = format!("taints = [\"c:NoSchedule\"]\nkubeconfig = \"file\"\nloadbalancer = {has}");
        place.write("atlas.toml", &with(&more, &lines, labels));
        engine.expect(&place, 0, &["apply", "--yes"]);
        engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
        assert_eq!(nodes(&engine, "inplace").contains(&"k3d-inplace-serverlb".to_owned()), has == "true");
        until("the port answers", || get(ports[2]).is_some());
    }
    assert_eq!(ids()[1], agent, "the agent was never made again");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.inplace"]);
}

#[test]
fn a_new_version_comes_node_by_node_and_keeps_what_they_hold() {
    let Some(engine) = Engine::here() else { return };
    let cluster = Cluster { engine: &engine, name: "version" };
    let with = |version: u8, more: &str| {
        spec(&engine, "version", "version", 2, more).replace("k3s:1\"", &format!("k3s:{version}\""))
    };
    let place = Place::with(&with(1, ""));
    engine.expect(&place, 0, &["apply", "--yes"]);
    for role in ["server-0", "agent-0", "agent-1"] {
        cluster.joined(role);
        cluster.write(role, role);
    }
    cluster.put("persistentvolumes", &cluster.volume("ledger", "agent-1"));
    cluster.put("pods", &cluster.pod("web", "agent-0", &json!({})));
    cluster.put("pods", &cluster.pod("guarded", "agent-1", &json!({ "budget": "yes" })));
    // Somebody else closed this one.
    let mut closed = cluster.node("server-0");
    closed["spec"]["unschedulable"] = json!(true);
    cluster.put("nodes", &closed);

    // A disruption budget holds it up, and is named; the node takes pods again.
    place.write("atlas.toml", &with(2, "drain = \"1s\""));
    let run = engine.run(&place, &["apply", "--yes"]);
    assert_eq!(run.code, 3, "{run:?}");
    let said = run.stdout + &run.stderr;
    assert!(said.contains("the pod shop/guarded does not leave k3d-version-agent-1"), "{said}");
    assert!(said.contains("disruption budget") && said.contains("set `k3d.drain` to \"0s\""), "{said}");
    assert_eq!(cluster.node("agent-1")["spec"]["unschedulable"], Value::Null);
    assert_eq!(cluster.node("agent-1")["status"]["nodeInfo"]["kubeletVersion"], "1", "it stayed as it was");
    assert!(!cluster.has("pods", "web") && cluster.has("pods", "guarded"));

    engine.docker(&["exec", &cluster.server(), "/bin/rm", &format!("{OBJECTS}/pods/guarded.json")]);
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    for role in ["server-0", "agent-0", "agent-1"] {
        let node = cluster.node(role);
        assert_eq!(node["status"]["nodeInfo"]["kubeletVersion"], "2", "{role} {node:#}");
        let closed = if role == "server-0" { json!(true) } else { Value::Null };
        assert_eq!(node["spec"]["unschedulable"], closed, "{role}");
        assert_eq!(node["metadata"]["annotations"].get("atlas/drained"), None, "{role}");
        assert_eq!(cluster.data(role), role);
    }
    assert!(cluster.has("persistentvolumes", "ledger"));

    // Fewer nodes take along what is on them, which is said and asked for.
    let fewer = with(2, "").replace("agents = 2", "agents = 1");
    place.write("atlas.toml", &fewer);
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    let change = &plan["changes"][0];
    assert_eq!((&change["action"], &change["risk"]), (&json!("update"), &json!("lossy")), "{plan:#}");
    assert_eq!(change["evidence"], "1 persistent volume on the nodes that go");
    assert_eq!(engine.run(&place, &["apply", "--yes"]).code, 1);
    assert_eq!(nodes(&engine, "version").len(), 4, "nothing was done");
    engine.expect(&place, 0, &["apply", "--yes", "--allow-loss", "cluster.version"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(cluster.node("agent-1"), Value::Null, "the cluster has forgotten it");
    let volumes = engine.docker(&["volume", "ls", "-q", "--filter", "label=k3d.cluster=version"]);
    assert!(volumes.contains("agent-0-data") && !volumes.contains("agent-1-data"), "{volumes}");

    // All of it goes with the cluster.
    let refused = engine.run(&place, &["destroy", "--yes"]);
    let said = refused.stdout + &refused.stderr;
    assert!(refused.code == 1 && said.contains("it has 1 persistent volume"), "{said}");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.version"]);
    assert_eq!(engine.docker(&["volume", "ls", "-q", "--filter", "label=k3d.cluster=version"]), "");
}

#[test]
fn servers_come_and_go_one_by_one() {
    let Some(engine) = Engine::here() else { return };
    let cluster = Cluster { engine: &engine, name: "servers" };
    let with = |servers: usize| {
        spec(&engine, "servers", "servers", 0, "").replace("agents = 0", &format!("servers = {servers}"))
    };
    let place = Place::with(&with(1));
    engine.expect(&place, 0, &["apply", "--yes"]);
    let born = || engine.docker(&["exec", &cluster.server(), "/bin/cat", "/var/lib/rancher/k3s/born"]);
    let before = (born(), engine.id(&cluster.server()));
    cluster.write("server-0", "ledger");
    place.write("atlas.toml", &with(3));
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    assert_eq!(plan["changes"][0]["action"], "update", "{plan:#}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let command = engine.inspect("container", &cluster.server())["Config"]["Cmd"].to_string();
    assert!(command.contains("--cluster-init"), "{command}");
    assert_eq!((born(), cluster.data("server-0")), (before.0.clone(), "ledger".into()));
    assert!(["server-1", "server-2"].iter().all(|role| !cluster.node(role).is_null()));
    let first = engine.id(&cluster.server());
    assert_ne!(first, before.1);
    place.write("atlas.toml", &with(1));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(nodes(&engine, "servers"), ["k3d-servers-server-0", "k3d-servers-serverlb"]);
    assert_eq!(engine.id(&cluster.server()), first, "the first server stays as it is");
    assert!(["server-1", "server-2"].iter().all(|role| cluster.node(role).is_null()));
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.servers"]);
}

#[test]
fn a_cluster_whose_containers_are_all_gone_comes_back_with_its_data_and_its_token() {
    let Some(engine) = Engine::here() else { return };
    let cluster = Cluster { engine: &engine, name: "gone" };
    let place = Place::with(&spec(&engine, "gone", "gone", 1, ""));
    engine.expect(&place, 0, &["apply", "--yes"]);
    cluster.joined("agent-0");
    cluster.write("agent-0", "kept");
    let all = ["k3d-gone-server-0", "k3d-gone-agent-0", "k3d-gone-serverlb"];
    engine.docker(&[&["rm", "-f"], all.as_slice()].concat());
    let drift = engine.expect(&place, 2, &["drift"]);
    assert!(drift.contains("without k3d-gone-server-0"), "{drift}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(cluster.data("agent-0"), "kept");
    let boot = cluster.node("agent-0")["boot"].clone();
    engine.docker(&["restart", "k3d-gone-agent-0"]);
    until("it is let in again", || cluster.node("agent-0")["boot"] != boot);
    // All of it stopped, as an engine that was shut down leaves it.
    engine.docker(&[&["stop"], all.as_slice()].concat());
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    engine.docker(&["rm", "-f", "k3d-gone-serverlb"]);
    let drift = engine.expect(&place, 2, &["drift"]);
    assert!(drift.contains("without k3d-gone-serverlb"), "{drift}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.gone"]);
}

/// An agent of an earlier version kept its data in a volume that its image asked for, under a password that k3s chose.
#[test]
fn what_an_earlier_version_laid_out_keeps_its_data() {
    let Some(engine) = Engine::here() else { return };
    let cluster = Cluster { engine: &engine, name: "older" };
    let place = Place::with(&spec(&engine, "older", "older", 1, ""));
    engine.expect(&place, 0, &["apply", "--yes"]);
    cluster.joined("agent-0");
    let agent = "k3d-older-agent-0";
    let was = engine.inspect("container", agent);
    engine.docker(&["rm", "-f", agent]);
    engine.docker(&["volume", "rm", "k3d-older-agent-0-data"]);
    let forget = "rm /var/lib/rancher/k3s/passwords/k3d-older-agent-0";
    engine.docker(&["exec", &cluster.server(), "/bin/sh", "-c", forget]);
    let mut arguments: Vec<String> =
        ["run", "-d", "--name", agent, "--hostname", agent, "--network", "k3d-older"].map(str::to_owned).into();
    let mut more = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
    for (key, value) in was["Config"]["Labels"].as_object().expect("labels") {
        more("--label", format!("{key}={}", value.as_str().expect("text")));
    }
    for bind in was["HostConfig"]["Binds"].as_array().expect("binds") {
        more("-v", bind.as_str().expect("text").to_owned());
    }
    for variable in was["Config"]["Env"].as_array().expect("variables") {
        more("-e", variable.as_str().expect("text").to_owned());
    }
    arguments.extend(["atlas-test/k3s:1", "agent"].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    engine.docker(&arguments);
    cluster.joined("agent-0");
    cluster.write("agent-0", "old");
    let anonymous = |engine: &Engine| {
        let mounts = engine.inspect("container", agent)["Mounts"].clone();
        let mounts = mounts.as_array().expect("mounts").clone();
        let data = mounts.iter().find(|mount| mount["Destination"] == "/var/lib/rancher/k3s").expect("its data");
        data["Name"].as_str().expect("a name").to_owned()
    };
    let volume = anonymous(&engine);
    until("it is known by its password", || {
        let known = ["exec", &cluster.server(), "/bin/cat", "/var/lib/rancher/k3s/passwords/k3d-older-agent-0"];
        engine.ask(&known).is_ok()
    });
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    place.edit("k3s:1\"", "k3s:2\"");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!((cluster.data("agent-0"), anonymous(&engine)), ("old".into(), volume.clone()));
    assert_eq!(cluster.node("agent-0")["status"]["nodeInfo"]["kubeletVersion"], "2", "it was let in again");
    // Also when its container is gone, and with the cluster it goes.
    engine.docker(&["rm", "-f", agent]);
    engine.expect(&place, 0, &["apply", "--yes"]);
    assert_eq!(cluster.data("agent-0"), "old");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.older"]);
    assert_eq!(engine.inspect("volume", &volume), Value::Null);
}

/// A way to an engine that breaks for good at a request that changes something, after so many of them; and how many there were.
fn breaking(host: &str, last: usize) -> (Engine, Arc<AtomicUsize>) {
    let changes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&changes);
    let engine = relay(host, move |request| {
        let is_change = ["POST ", "DELETE ", "PUT "].iter().any(|word| request.starts_with(word.as_bytes()));
        match is_change && counted.fetch_add(1, Ordering::SeqCst) >= last || counted.load(Ordering::SeqCst) > last {
            true => Decision::Break,
            false => Decision::HandOn,
        }
    });
    (engine, changes)
}

/// Runs the program until it made so many changes, and kills it; whether it wanted to make more.
fn killed_after(engine: &Engine, place: &Place, changes: usize, arguments: &[&str]) -> bool {
    let (relayed, made) = breaking(&engine.host, changes);
    let mut command = relayed.command(place, arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut ended = None;
    until("it is done, or broken", || {
        ended = child.try_wait().expect("waited for");
        ended.is_some() || made.load(Ordering::SeqCst) > changes
    });
    if ended.is_none() {
        child.kill().expect("killed");
    }
    let said: Vec<String> = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok).collect();
    let code = child.wait().expect("it ends").code();
    let broken = made.load(Ordering::SeqCst) > changes;
    assert!(broken || code == Some(0), "{code:?} {said:?}");
    broken
}

#[test]
fn a_cluster_that_is_killed_in_the_making_or_in_going_leaves_nothing_behind() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&spec(&engine, "halves", "halves", 1, "kubeconfig = \"file\""));
    let left = || {
        let label = "label=k3d.cluster=halves";
        let all = ["ps -aq", "volume ls -q", "network ls -q"].map(|list| {
            let words: Vec<&str> = list.split(' ').chain(["--filter", label]).collect();
            engine.docker(&words)
        });
        all.concat()
    };
    let (mut made, mut gone, mut rounds) = (true, true, 0);
    for changes in (0..).step_by(2) {
        if !made && !gone {
            break;
        }
        made = killed_after(&engine, &place, changes, &["apply", "--yes"]);
        engine.expect(&place, 0, &["apply", "--yes"]);
        engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
        assert!(place.path(".atlas/clusters/halves/default/k3d-halves.yaml").exists(), "after {changes} changes");
        let destroy = ["destroy", "--yes", "--allow-loss", "cluster.halves"];
        gone = killed_after(&engine, &place, changes, &destroy);
        engine.expect(&place, 0, &destroy);
        assert_eq!(left(), "", "after {changes} changes");
        rounds += 1;
    }
    println!("{rounds} rounds, killed after every second change");
    let run: Run = engine.run(&place, &["plan", "--detailed-exitcode"]);
    assert_eq!(run.code, 2, "{run:?}");
}
