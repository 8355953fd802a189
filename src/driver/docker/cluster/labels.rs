//! The labels of what belongs to a cluster, and what is read from them.

use bollard::models::ContainerInspectResponse;

use super::super::mark::Labels;
use super::ports::API;

/// The label of what a node was made from, or a cluster brought to.
pub(super) const MADE_FROM: &str = "atlas.cluster";
/// The label of what a load balancer was made from.
pub(super) const BALANCED: &str = "atlas.cluster.balancer";
/// k3d's label of the cluster's token.
pub(super) const TOKEN: &str = "k3d.cluster.token";

/// k3d's label of the port of the machine that leads to the API, on servers.
pub(super) const API_PORT: &str = "k3d.server.api.port";

/// The labels of a container.
pub(super) fn labels(container: &ContainerInspectResponse) -> Labels {
    container.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default()
}

/// The port of the engine's machine that leads to the API, when this container publishes it.
pub(super) fn published(container: &ContainerInspectResponse) -> Option<String> {
    let ports = container.network_settings.as_ref()?.ports.as_ref()?;
    ports.get(API)?.as_ref()?.iter().find_map(|binding| binding.host_port.clone())
}
