//! Removing a cluster: all of it, and last of all the record by which it is found when that is interrupted.

use super::super::container;
use super::super::engine::Engine;
use super::super::{network, volume};
use super::kubeconfig::Kubeconfigs;
use super::nodes::Nodes;
use super::record::Record;
use super::{kubeconfig, node};
use crate::driver::DriverError;

/// Removes everything that belongs to a cluster by its name, or says so itself.
pub(in super::super) async fn remove(
    engine: &Engine,
    seen: &Nodes,
    kubeconfigs: &Kubeconfigs,
) -> Result<(), DriverError> {
    for node in seen.balancer.iter().chain(seen.nodes.values()) {
        container::remove(engine, node.id.as_deref().unwrap_or_default()).await?;
    }
    let kept = seen.record.as_ref().map(Record::kept).unwrap_or_default();
    let kept = kept.into_values().filter_map(|kept| kept.volume);
    let named = seen.nodes.keys().map(|name| node::data(name));
    let volumes = seen.volumes.iter().cloned().chain(kept).chain(named).chain([node::images(&seen.name)]);
    for name in volumes {
        volume::remove(engine, &name).await?;
    }
    let own = network::named(engine, &node::network(&seen.name)).await?;
    for network in own {
        network::remove(engine, network.id.as_deref().unwrap_or_default()).await?;
    }
    kubeconfig::drop(&seen.name, kubeconfigs)?;
    match &seen.record {
        Some(record) => record.remove(engine).await,
        None => Ok(()),
    }
}
