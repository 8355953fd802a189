//! Addresses that servers keep, and ports that move from one container of a cluster to another.

use serde_json::Value;

use super::cluster_changes::get;
use super::clusters::{nodes, spec};
use super::{Engine, free_port, until};
use crate::support::Place;

fn address(engine: &Engine, node: &str, network: &str) -> String {
    let found = engine.inspect("container", node)["NetworkSettings"]["Networks"][network]["IPAddress"].clone();
    found.as_str().expect("an address").to_owned()
}

#[test]
fn servers_keep_their_addresses() {
    let Some(engine) = Engine::here() else { return };
    let with = |more: &str| spec(&engine, "fixed", "fixed", 1, more).replace("agents = 1", "agents = 1\nservers = 3");
    let place = Place::with(&with(""));
    // What a run left that was interrupted between the two halves of making the network.
    engine.docker(&["network", "create", "--label", "app=k3d", "--label", "k3d.cluster=fixed", "k3d-fixed"]);
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let servers = ["k3d-fixed-server-0", "k3d-fixed-server-1", "k3d-fixed-server-2"];
    let addresses = || servers.map(|server| address(&engine, server, "k3d-fixed"));
    let first = addresses();
    for (at, found) in first.iter().enumerate() {
        assert!(found.ends_with(&format!(".{}", at + 2)), "{first:?}");
    }
    // All of it stopped, the engine would give their addresses to whoever comes first.
    let all = nodes(&engine, "fixed");
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    engine.docker(&[&["stop", "-t", "1"], all.as_slice()].concat());
    for at in 0..3 {
        engine.start(&format!("fixed-other-{at}"), &["--network", "k3d-fixed"]);
    }
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(addresses(), first);
    // A server that is made again is known again.
    place.write("atlas.toml", &with("environment = { A = \"b\" }"));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(addresses(), first);
    engine.docker(&["rm", "-f", "fixed-other-0", "fixed-other-1", "fixed-other-2"]);
    // Another range makes all of it again.
    place.write("atlas.toml", &with("subnet = \"10.199.0.0/24\""));
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    assert_eq!(plan["changes"][0]["action"], "replace", "{plan:#}");
    engine.expect(&place, 0, &["apply", "--yes", "--allow-loss", "cluster.fixed"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(addresses(), ["10.199.0.2", "10.199.0.3", "10.199.0.4"]);
    let agent = address(&engine, "k3d-fixed-agent-0", "k3d-fixed");
    assert!(agent.starts_with("10.199.0.1") && agent.len() == "10.199.0.128".len(), "{agent}");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.fixed"]);
    assert_eq!(engine.docker(&["network", "ls", "-q", "--filter", "name=k3d-fixed"]), "");
}

#[test]
fn a_port_moves_from_one_container_of_a_cluster_to_any_other() {
    let Some(engine) = Engine::here() else { return };
    let ports = [free_port(), free_port()];
    let with = |agents: usize, ports: &[String]| {
        let ports: Vec<String> = ports.iter().map(|port| format!("{port:?}")).collect();
        spec(&engine, "moves", "moves", agents, "")
            .replace("timeout = \"3m\"", "timeout = \"4m\"")
            .replace("\nlabels", &format!("\nports = [{}]\nlabels", ports.join(", ")))
    };
    let direct = |at: usize, to: &str| format!("{}:80@{to}:direct", ports[at]);
    let place = Place::with(&with(3, &[direct(0, "agent:2")]));
    engine.expect(&place, 0, &["apply", "--yes"]);
    let expect = |agents: usize, wanted: &[String], answers: &str| {
        place.write("atlas.toml", &with(agents, wanted));
        engine.expect(&place, 0, &["apply", "--yes", "--allow-loss", "cluster.moves"]);
        engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
        let leads = || get(ports[0]).is_some_and(|name| name.starts_with(&format!("k3d-moves-{answers}")));
        until("the port leads there", leads);
    };
    expect(3, &[direct(0, "agent:1")], "agent-1");
    expect(3, &[direct(0, "server:0")], "server-0");
    expect(3, &[direct(0, "agent:2")], "agent-2");
    // The load balancer takes it of a node, also of one that leaves.
    expect(3, &[format!("{}:80@agent:0", ports[0])], "agent-0");
    expect(3, &[direct(0, "agent:2")], "agent-2");
    expect(2, &[format!("{}:80@agent:1", ports[0])], "agent-1");
    expect(2, &[direct(0, "agent:0"), direct(1, "agent:1")], "agent-0");
    // Two that change with one another can't, and that is said before anything goes.
    let before: Vec<Value> = ["0", "1"].map(|at| engine.inspect("container", &format!("k3d-moves-agent-{at}"))).into();
    place.write("atlas.toml", &with(2, &[direct(1, "agent:0"), direct(0, "agent:1")]));
    let run = engine.run(&place, &["apply", "--yes"]);
    assert!(run.code != 0 && (run.stdout.clone() + &run.stderr).contains("change ports with one another"), "{run:?}");
    for (at, before) in before.iter().enumerate() {
        let now = engine.inspect("container", &format!("k3d-moves-agent-{at}"));
        assert_eq!((&now["Id"], &now["State"]["Running"]), (&before["Id"], &Value::Bool(true)));
    }
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.moves"]);
}

#[test]
fn a_server_whose_port_another_one_takes_leaves_etcd_before_it_goes() {
    let Some(engine) = Engine::here() else { return };
    let port = free_port();
    let with = |servers: usize, at: usize, more: &str| {
        spec(&engine, "etcd", "etcd", 0, more)
            .replace("agents = 0", &format!("servers = {servers}\nports = [\"{port}:80@server:{at}:direct\"]"))
            .replace("timeout = \"3m\"", "timeout = \"4m\"")
    };
    let place = Place::with(&with(3, 2, ""));
    engine.expect(&place, 0, &["apply", "--yes"]);
    until("the third server answers", || get(port).as_deref() == Some("k3d-etcd-server-2"));
    // Where nobody can ask it to leave, it stays, with its data.
    let all = nodes(&engine, "etcd");
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    engine.docker(&[&["stop", "-t", "1"], all.as_slice()].concat());
    place.write("atlas.toml", &with(1, 0, "loadbalancer = false"));
    let run = engine.run(&place, &["apply", "--yes", "--allow-loss", "cluster.etcd"]);
    assert!(run.code == 3 && (run.stdout.clone() + &run.stderr).contains("start the cluster"), "{run:?}");
    assert!(engine.docker(&["volume", "ls", "-q"]).contains("k3d-etcd-server-2-data"));
    engine.docker(&[&["start"], all.as_slice()].concat());
    until("it answers again", || get(port).as_deref() == Some("k3d-etcd-server-2"));
    engine.expect(&place, 0, &["apply", "--yes", "--allow-loss", "cluster.etcd"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(nodes(&engine, "etcd"), ["k3d-etcd-server-0"]);
    let left = engine.docker(&["exec", "k3d-etcd-server-0", "/bin/ls", "/var/lib/rancher/k3s/left"]);
    assert_eq!(left.lines().count(), 2, "both told etcd that they leave: {left}");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.etcd"]);
}
