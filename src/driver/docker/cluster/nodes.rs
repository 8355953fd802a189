//! The nodes of a cluster, as the engine tells them.

use std::collections::BTreeMap;

use bollard::models::ContainerInspectResponse;

use super::super::mark::Labels;

/// A cluster as its containers tell it.
#[derive(Clone)]
pub struct Nodes {
    pub name: String,
    /// Its nodes by container name, with their own labels only.
    pub nodes: BTreeMap<String, ContainerInspectResponse>,
    /// The names of containers that carry Atlas's mark of a node and are called otherwise than any node.
    pub copies: Vec<String>,
}

/// What a node was made from; whatever differs from it makes the node again.
pub const MADE_FROM: &str = "atlas.cluster";

/// The labels of a node.
pub fn labels(node: &ContainerInspectResponse) -> Labels {
    node.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default()
}

/// The port of the engine's machine that leads to a server's API.
pub fn published(node: &ContainerInspectResponse) -> Option<String> {
    let ports = node.network_settings.as_ref()?.ports.as_ref()?;
    ports.get("6443/tcp")?.as_ref()?.iter().find_map(|binding| binding.host_port.clone())
}
