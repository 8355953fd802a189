//! What a node was made from.

use std::collections::BTreeMap;

use bollard::models::ContainerInspectResponse;

use super::super::mark;
use super::super::table::texts;
use super::labels::{MADE_FROM, labels};
use super::node::ClusterNode;
use crate::address::Address;
use crate::kind::cluster_nodes::NodeSettings;
use crate::value::Value;

/// What a node was made from. Earlier the label held addresses of the spec, in place of what the engine calls the objects.
pub(super) fn made_from(node: &ContainerInspectResponse) -> Option<BTreeMap<String, Value>> {
    let labels = labels(node);
    let mut all: BTreeMap<String, Value> = serde_json::from_str(mark::get(&labels, MADE_FROM)?).ok()?;
    let Some(k3d) = all.get("k3d").filter(|k3d| !k3d.is_null()) else { return Some(all) };
    let is_address = |value: &Value, path: &str| {
        value.at(path).and_then(Value::as_str).is_some_and(|text| Address::parse(text).is_ok())
    };
    let mut named = k3d.clone();
    if let Some(network) = labels.get("k3d.cluster.network").filter(|_| is_address(k3d, "network")) {
        named = named.with(&["network"], network.as_str().into());
    }
    let mounts = node.mounts.as_deref().unwrap_or_default();
    let volume = |one: &Value| {
        let to = one.at("to").and_then(Value::as_str);
        let mount =
            mounts.iter().find(|mount| mount.destination.as_deref() == to).filter(|_| is_address(one, "volume"));
        match mount.and_then(|mount| mount.name.as_deref()) {
            Some(name) => one.clone().with(&["volume"], name.into()),
            None => one.clone(),
        }
    };
    if let Some(volumes) = k3d.at("volumes").filter(|volumes| !volumes.is_null()) {
        named = named.with(&["volumes"], Value::List(volumes.items().iter().map(volume).collect()));
    }
    all.insert("k3d".into(), named);
    Some(all)
}

/// The labels that a node was to have by what its cluster is made from.
pub(super) fn labels_of(all: &BTreeMap<String, Value>, node: &ClusterNode) -> BTreeMap<String, String> {
    const NULL: &Value = &Value::Null;
    let shared = texts(all.get("labels").unwrap_or(NULL));
    shared.chain(NodeSettings::of(all.get("k3d").unwrap_or(NULL), node.role.word(), node.at).labels).collect()
}
