//! What is wrong with a cluster in its spec.

use crate::diagnostic::code;
use crate::kind::cluster_nodes;
use crate::kind::cluster_port::{ClusterPort, NodeFilter};
use crate::kind::view::{Findings, Location, Resource, View};
use crate::value::{Attributes, Value};

/// The attributes that say how a cluster is reached that exists already.
pub const EXISTING: [&str; 2] = ["kubeconfig", "eks"];

pub fn check(resource: &Resource<'_>, _: &dyn View, findings: &mut Findings) {
    let says = |name: &str| !resource.attributes.get(name).is_null();
    if !says("region") && !says("kubeconfig") {
        findings.error(
            "region",
            &code::MISSING_ATTRIBUTE,
            format!("cluster `{}` needs `region`", resource.address.name()),
            "write `region = \"us-east-1\"`; only a cluster of a kubeconfig may stand in none",
        );
    }
    let ways = ["k3d"].into_iter().chain(EXISTING);
    let said: Vec<&str> = ways.filter(|way| !resource.attributes.get(way).is_null()).collect();
    if let [first, second, ..] = said.as_slice() {
        findings.error(
            *second,
            &code::CLUSTER_TWO_THINGS,
            format!("`{first}` and `{second}` are different clusters"),
            format!("keep `{first}` or `{second}`, not both"),
        );
    }
    check_ports(resource.attributes, findings);
    cluster_nodes::check(resource.attributes, findings);
    let both = ["k3d.subnet", "k3d.network"].map(|path| resource.attributes.at(path).is_some_and(|one| !one.is_null()));
    if both == [true, true] {
        findings.error(
            "k3d.subnet",
            &code::CLUSTER_TWO_THINGS,
            "a network that is shared has addresses already",
            "say them at the network itself, with its `subnet`",
        );
    }
}

/// A port has to lead somewhere, and only a load balancer can choose among nodes.
fn check_ports(attributes: &Attributes, findings: &mut Findings) {
    let without = attributes.at("k3d.loadbalancer") == Some(&Value::Bool(false));
    let counts = [("server", number(attributes, "servers")), ("agent", number(attributes, "agents"))];
    for text in attributes.get("ports").items().iter().filter_map(Value::as_str) {
        let Ok(port) = ClusterPort::parse(text) else { continue };
        let there =
            |filter: &NodeFilter| counts.iter().any(|(role, count)| (0..*count).any(|at| filter.names(role, at)));
        let location = || Location::Text { attribute: "ports".into(), text: text.to_owned() };
        if !port.nodes.iter().all(there) {
            let [(_, servers), (_, agents)] = counts;
            findings.error_at(
                location(),
                &code::CLUSTER_PORT_NODES,
                format!(
                    "`{text}` leads to nodes that are not there: the cluster has {servers} servers and {agents} agents"
                ),
                "name nodes that the cluster has; they are counted from 0",
            );
        } else if without && !port.nodes.is_empty() && !port.direct {
            findings.error_at(
                location(),
                &code::CLUSTER_PORT_NODES,
                format!("`{text}` needs a load balancer, and `k3d.loadbalancer` is false"),
                "write it as \"8080:80@server:0:direct\", or keep the load balancer",
            );
        }
    }
}

/// How many there are to be.
pub fn number(attributes: &Attributes, name: &str) -> i64 {
    match attributes.get(name) {
        Value::Int(number) => *number,
        _ => 0,
    }
}
