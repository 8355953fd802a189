//! Ports of a machine that objects on its container engine publish: what only one of them can have.

use super::cluster::EXISTING;
use super::cluster_port::ClusterPort;
use crate::value::{Attributes, Value};

/// A port that an object publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The attribute that says it.
    pub path: String,
    /// The engine; none means the usual one.
    pub engine: Option<String>,
    /// The address of the machine that it is bound to.
    pub address: String,
    /// The port of the machine, then a slash, then `tcp` or `udp`.
    pub port: String,
}

/// Whether an address stands for every one of the machine.
#[must_use]
pub fn is_everywhere(address: &str) -> bool {
    ["0.0.0.0", "::", "[::]"].contains(&address)
}

/// The ports that an object of a kind publishes, by its attributes.
#[must_use]
pub fn ports(kind: &str, attributes: &Attributes) -> Vec<Port> {
    match kind {
        "container" => published(attributes),
        "cluster" if EXISTING.iter().all(|way| attributes.get(way).is_null()) => of_cluster(attributes),
        "region" => of_region(attributes),
        _ => Vec::new(),
    }
}

fn published(attributes: &Attributes) -> Vec<Port> {
    let engine = text(attributes.get("engine"));
    let texts = attributes.get("ports").items().iter().enumerate().filter_map(|(at, one)| Some((at, one.as_str()?)));
    texts
        .map(|(at, text)| {
            let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
            let outside = ports.rsplit_once(':').map_or(ports, |(outside, _)| outside);
            let (address, port) = outside.rsplit_once(':').unwrap_or(("127.0.0.1", outside));
            let port = format!("{}/{protocol}", port.trim_start_matches('0'));
            Port { path: format!("ports.{at}"), engine: engine.clone(), address: address.to_owned(), port }
        })
        .collect()
}

fn of_cluster(attributes: &Attributes) -> Vec<Port> {
    let engine = text(attributes.get("engine"));
    let one = |path: String, address: Option<&str>, port: &str, protocol: &str| {
        let address = address.unwrap_or_else(|| usual_address(engine.as_deref())).to_owned();
        Port { path, engine: engine.clone(), address, port: format!("{}/{protocol}", port.trim_start_matches('0')) }
    };
    let texts = attributes.get("ports").items().iter().enumerate().filter_map(|(at, one)| Some((at, one.as_str()?)));
    let own = texts.filter_map(|(at, text)| {
        let port = ClusterPort::parse(text).ok()?;
        Some(one(format!("ports.{at}"), port.address, port.outside, port.protocol))
    });
    let api = match attributes.at("k3d.api_port") {
        Some(Value::Int(port)) => Some(one("k3d.api_port".into(), None, &port.to_string(), "tcp")),
        _ => None,
    };
    own.chain(api).collect()
}

fn of_region(attributes: &Attributes) -> Vec<Port> {
    let Some(Value::Int(port)) = attributes.at("localstack.port") else { return Vec::new() };
    let engine = attributes.at("localstack.engine").and_then(text);
    let address = usual_address(engine.as_deref()).to_owned();
    vec![Port { path: "localstack".into(), engine, address, port: format!("{port}/tcp") }]
}

/// Where Atlas binds what it publishes itself: what is on another machine is to be reached from this one.
fn usual_address(engine: Option<&str>) -> &'static str {
    let elsewhere = engine.and_then(|engine| engine.split_once("://")).is_some_and(|(how, _)| how != "unix");
    if elsewhere { "0.0.0.0" } else { "127.0.0.1" }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
