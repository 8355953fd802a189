//! Whether a node has to be made again: what of all that a cluster is made from can't be changed otherwise.

use std::collections::BTreeMap;

use bollard::models::ContainerInspectResponse;

use super::super::mark;
use super::blueprint::image;
use super::labels::{API_PORT, labels};
use super::layout::Layout;
use super::made_from::made_from;
use super::node::{ClusterNode, NodeRole};
use super::ports::{bindings_of, in_words};
use crate::kind::cluster_nodes::NodeSettings;
use crate::value::Value;

/// What is changed in place, is told the API, or is no business of a node.
const IN_PLACE: [&str; 9] =
    ["kubeconfig", "loadbalancer", "loadbalancer_image", "drain", "api_port", "taints", "image", "nodes", "token"];

/// Whether a node has to be made again to be what the layout says. One that never started may lack its files.
pub(super) fn is_outdated(node: &ClusterNode, there: &ContainerInspectResponse, layout: &Layout<'_>) -> bool {
    let Some(made_from) = made_from(there) else { return true };
    let several = |all: &BTreeMap<String, Value>| !matches!(all.get("servers"), None | Some(Value::Int(1)));
    // A server that keeps its data alone has to begin again to keep it together with others; not the other way round.
    let joins = node.is_first() && several(&layout.made_from) && !several(&made_from);
    // k3d's own commands read there at which port the API answers.
    let told = mark::get(&labels(there), API_PORT).map(str::to_owned);
    joins
        || told.is_some_and(|port| port != layout.port)
        || part(node, &made_from) != part(node, &layout.made_from)
        || in_words(&bindings_of(there)) != in_words(&layout.ports().of_node(node))
}

/// What of all that a cluster is made from one node is made from.
fn part(node: &ClusterNode, all: &BTreeMap<String, Value>) -> (BTreeMap<String, Value>, NodeSettings) {
    const NULL: &Value = &Value::Null;
    let k3d = all.get("k3d").unwrap_or(NULL);
    let others = match node.role {
        NodeRole::Server => "agent_args",
        NodeRole::Agent => "server_args",
    };
    let mut part = BTreeMap::new();
    if let Value::Map(entries) = k3d {
        let own = entries.iter().filter(|(key, value)| {
            // What says nothing is as if it were not there, as it is in what an earlier version wrote.
            !IN_PLACE.contains(&key.as_str()) && key.as_str() != others && !value.is_null() && !is_empty(value)
        });
        part.extend(own.map(|(key, value)| (key.to_string(), value.clone())));
    }
    part.entry("privileged".to_owned()).or_insert(Value::Bool(true));
    part.insert("image".into(), image(k3d.at("image"), all.get("version").unwrap_or(NULL)).as_str().into());
    // The API is told of labels.
    let own = NodeSettings { labels: BTreeMap::new(), ..NodeSettings::of(k3d, node.role.word(), node.at) };
    (part, own)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}
