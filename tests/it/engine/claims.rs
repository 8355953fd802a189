//! What two objects of an engine can't have at once: whoever gives up a port or a subnet goes before whoever takes it, so
//! that the first apply already works.

use serde_json::Value;

use super::{Engine, container, free_port, head};
use crate::support::Place;

/// Applies once, and expects that this was enough.
fn applied_at_once(engine: &Engine, place: &Place, spec: &str) -> Value {
    place.write("atlas.toml", spec);
    let plan = engine.json(place, 0, &["plan", "--json"]);
    engine.expect(place, 0, &["apply", "--yes"]);
    engine.expect(place, 0, &["plan", "--detailed-exitcode"]);
    plan
}

fn web(name: &str, port: u16) -> String {
    container(name, &format!("ports = [\"{port}:80\"]\n"))
}

/// The port of this machine that a container has.
fn port_of(engine: &Engine, name: &str) -> String {
    let seen = engine.inspect("container", name);
    assert_eq!(seen["State"]["Running"], true, "{name}: {}", seen["State"]);
    seen["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_renamed_block_takes_the_port_of_its_former_self() {
    let Some(engine) = Engine::here() else { return };
    let port = free_port();
    let place = Place::empty();
    applied_at_once(&engine, &place, &(head("port-renamed") + &web("port-before", port)));
    applied_at_once(&engine, &place, &(head("port-renamed") + &web("port-after", port)));
    assert_eq!(port_of(&engine, "port-after"), port.to_string());
    assert!(engine.inspect("container", "port-before").is_null());
    engine.expect(&place, 0, &["destroy", "--yes"]);
}

#[test]
fn two_containers_swap_their_ports() {
    let Some(engine) = Engine::here() else { return };
    let (one, two) = (free_port(), free_port());
    let place = Place::empty();
    let spec = |left, right| head("port-swap") + &web("swap-left", left) + &web("swap-right", right);
    applied_at_once(&engine, &place, &spec(one, two));
    let plan = applied_at_once(&engine, &place, &spec(two, one));
    let actions: Vec<&Value> = plan["changes"].as_array().expect("a list").iter().map(|one| &one["action"]).collect();
    assert_eq!(actions, ["replace", "replace"], "{plan:#}");
    assert_eq!((port_of(&engine, "swap-left"), port_of(&engine, "swap-right")), (two.to_string(), one.to_string()));
    // A third one takes the port of one that moves on.
    let spec = head("port-swap") + &web("swap-left", free_port()) + &web("swap-right", two) + &web("swap-third", one);
    applied_at_once(&engine, &place, &spec);
    assert_eq!((port_of(&engine, "swap-right"), port_of(&engine, "swap-third")), (two.to_string(), one.to_string()));
    engine.expect(&place, 0, &["destroy", "--yes"]);
}

#[test]
fn a_subnet_moves_to_another_block() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::empty();
    let subnet = |network: &str| {
        engine.inspect("network", network)["IPAM"]["Config"][0]["Subnet"].as_str().unwrap_or_default().to_owned()
    };
    let spec = |name: &str, range: &str| {
        let user = container("subnet-user", &format!("networks = [{{ network = \"network.{name}\" }}]\n"));
        format!("{}[network.{name}]\nsubnet = \"{range}\"\n{user}", head("subnet-moves"))
    };
    applied_at_once(&engine, &place, &spec("subnet-before", "10.214.7.0/24"));
    // A part of the same range is taken as well, and a container moves along.
    for (name, range) in [("subnet-after", "10.214.7.0/24"), ("subnet-last", "10.214.7.128/25")] {
        applied_at_once(&engine, &place, &spec(name, range));
        assert_eq!(subnet(name), range);
        let joined = engine.inspect("container", "subnet-user")["NetworkSettings"]["Networks"].clone();
        assert!(joined[name].is_object(), "{joined}");
    }
    assert!(engine.inspect("network", "subnet-before").is_null());
    let two = |one: &str, other: &str| {
        format!(
            "{}[network.subnet-one]\nsubnet = \"{one}\"\n[network.subnet-two]\nsubnet = \"{other}\"\n",
            head("subnet-moves")
        )
    };
    applied_at_once(&engine, &place, &two("10.214.8.0/24", "10.214.9.0/24"));
    applied_at_once(&engine, &place, &two("10.214.9.0/24", "10.214.8.0/24"));
    assert_eq!((subnet("subnet-one"), subnet("subnet-two")), ("10.214.9.0/24".into(), "10.214.8.0/24".into()));
    engine.expect(&place, 0, &["destroy", "--yes"]);
}
