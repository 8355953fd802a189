//! What the nodes of a cluster share, which is there before any of them.

use bollard::models::{Ipam, IpamConfig, Network, NetworkCreateRequest};

use super::super::engine::Engine;
use super::super::error::classify;
use super::super::mark::Labels;
use super::super::network;
use super::layout::Layout;
use super::network::{FixedAddresses, NetworkFacts};
use crate::driver::DriverError;
use crate::value::Value;

/// How often a range is asked for that nobody takes meanwhile.
const TRIES: u32 = 5;

/// Makes the network and the volumes that the nodes share or keep their data in, and tells what the network is like.
pub(super) async fn prepare(engine: &Engine, layout: &Layout<'_>, is_new: bool) -> Result<NetworkFacts, DriverError> {
    let net = network_of(engine, layout, is_new).await?;
    let docker = engine.docker().await?;
    // To make a volume that is there already is no error.
    for request in layout.volumes() {
        docker.create_volume(request).await.map_err(|error| classify("creating the cluster's volumes", &error))?;
    }
    Ok(net)
}

/// Makes the network that the nodes share, unless it is there, and tells what it is like.
async fn network_of(engine: &Engine, layout: &Layout<'_>, is_new: bool) -> Result<NetworkFacts, DriverError> {
    let found = network::named(engine, &layout.network).await?;
    if !layout.has_own_network() {
        return NetworkFacts::of(found);
    }
    if let Some(there) = found.first().cloned() {
        let facts = NetworkFacts::of(found)?;
        // One without chosen addresses may be what a run left that was interrupted. What somebody else made under this name, or
        // uses, is used as it is.
        let may_go = facts.fixed.is_none() && is_new && is_left(engine, layout, &there).await?;
        if !may_go || remove(engine, &facts.id).await.is_err() {
            return Ok(facts);
        }
    }
    if let Some(subnet) = layout.wanted.at("k3d.subnet").and_then(Value::as_str) {
        let chosen = IpamConfig { subnet: Some(subnet.to_owned()), ..IpamConfig::default() };
        let config = FixedAddresses::of(subnet).map_or(chosen, |fixed| fixed.config());
        return create(engine, layout, Some(config)).await;
    }
    for _ in 0..TRIES {
        // The engine knows which range is free, and tells it of a network that it made.
        let there = create(engine, layout, None).await?;
        let Some(fixed) = there.range.as_deref().and_then(FixedAddresses::of) else { return Ok(there) };
        remove(engine, &there.id).await?;
        match create(engine, layout, Some(fixed.config())).await {
            // Somebody else took the range in between.
            Err(error) if error.to_string().contains("overlap") => {}
            made => return made,
        }
    }
    create(engine, layout, None).await
}

/// Whether a network is what a run left of this cluster: labelled as its own, and no container is in it, not even a stopped one.
async fn is_left(engine: &Engine, layout: &Layout<'_>, there: &Network) -> Result<bool, DriverError> {
    let label = |key: &str| there.labels.as_ref().and_then(|labels| labels.get(key)).map(String::as_str);
    let own = label("app") == Some("k3d") && label("k3d.cluster") == Some(&layout.name);
    Ok(own && network::inside(engine, there.id.as_deref().unwrap_or_default(), true).await?.is_empty())
}

/// Makes the network, and tells what it is like.
async fn create(engine: &Engine, layout: &Layout<'_>, config: Option<IpamConfig>) -> Result<NetworkFacts, DriverError> {
    let labels = Labels::from([("app".into(), "k3d".into()), ("k3d.cluster".into(), layout.name.clone())]);
    let request = NetworkCreateRequest {
        name: layout.network.clone(),
        labels: Some(labels),
        ipam: config.map(|config| Ipam { config: Some(vec![config]), ..Default::default() }),
        ..Default::default()
    };
    let made = engine.docker().await?.create_network(request).await;
    made.map_err(|error| classify("creating the cluster's network", &error))?;
    NetworkFacts::of(network::named(engine, &layout.network).await?)
}

async fn remove(engine: &Engine, id: &str) -> Result<(), DriverError> {
    let removed = engine.docker().await?.remove_network(id).await;
    removed.map_err(|error| classify("removing the cluster's network", &error))
}
