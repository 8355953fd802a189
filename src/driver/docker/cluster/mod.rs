//! Clusters of k3s in containers, laid out as k3d 5 lays them out, so that k3d's own commands see them.
//!
//! Names and labels: <https://k3d.io/stable/design/concepts/> and k3d's `pkg/types`. Each node keeps its data in a volume of
//! its own, so that its container can be made again. A load balancer publishes the API and the ports, so that no node has to
//! be made again for them.

mod api;
mod apply;
mod balancer;
mod blueprint;
mod drift;
mod in_place;
mod kubeconfig;
mod labels;
mod layout;
mod leave;
mod made_from;
mod network;
mod node;
mod nodes;
mod outdated;
mod ports;
mod prepare;
mod ready;
mod record;
mod remake;
mod remove;
mod turns;

use std::collections::BTreeMap;

use bollard::models::Volume;

use super::container;
use super::engine::Engine;
use super::listed::{Identified, Listed};
use super::mark::{self, Labels};
use super::note::Notes;
use super::pace::Pace;
use super::volume;
use crate::driver::{DriverError, Request};
use crate::identity::Identity;
use crate::kind::{self, KindRef};
use layout::Layout;
use node::ClusterNode;
use nodes::LookedInside;
use record::Record;

pub(super) use api::{client, look_inside, loses_nodes};
pub(super) use apply::apply;
pub(super) use kubeconfig::Kubeconfigs;
pub(super) use node::first_server;
pub(super) use nodes::Nodes;
pub(super) use remove::remove;

/// The clusters of an engine that Atlas or k3d made, by name: the one of a name, or all for which any labels of their parts say
/// that they matter.
pub(super) async fn list(
    engine: &Engine,
    name: Option<&str>,
    matters: impl Fn(&str, &Labels) -> bool,
) -> Result<Vec<Nodes>, DriverError> {
    let label = name.map_or_else(|| "k3d.cluster".to_owned(), |name| format!("k3d.cluster={name}"));
    let own = ["app=k3d".to_owned(), label];
    let (found, volumes) =
        futures_util::future::join(container::with_labels(engine, &own), volume::with_labels(engine, &own)).await;
    let (found, mut volumes) = (found?, by_cluster(volumes?));
    let images = container::labels_of_images(engine, &found, "k3d.cluster").await?;
    let mut listed: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for one in &found {
        let one = container::listed(one, container::image_of(one).and_then(|image| images.get(image)));
        // Labels of the image alone make no node: the container may be a copy of one.
        let role = mark::get(&one.labels, "k3d.role").unwrap_or_default();
        if let Some(name) =
            mark::get(&one.labels, "k3d.cluster").filter(|_| ["server", "agent", "loadbalancer"].contains(&role))
        {
            listed.entry(name.to_owned()).or_default().push(one);
        }
    }
    // What is left of one that was only begun, or only removed in part, has no containers.
    for name in volumes.iter().filter(|(_, all)| all.iter().any(record::is_record)).map(|(name, _)| name) {
        listed.entry(name.clone()).or_default();
    }
    let mut clusters = Vec::new();
    for (name, all) in listed {
        let volumes = volumes.remove(&name).unwrap_or_default();
        let labels = all.iter().map(|one| &one.labels).chain(volumes.iter().map(|volume| &volume.labels));
        if labels.into_iter().any(|labels| matters(&name, labels)) {
            clusters.extend(inspect(engine, name, all, &volumes).await?);
        }
    }
    Ok(clusters)
}

fn by_cluster(volumes: Vec<Volume>) -> BTreeMap<String, Vec<Volume>> {
    let mut all: BTreeMap<String, Vec<Volume>> = BTreeMap::new();
    for volume in volumes {
        if let Some(name) = mark::get(&volume.labels, "k3d.cluster").map(str::to_owned) {
            all.entry(name).or_default().push(volume);
        }
    }
    all
}

async fn inspect(
    engine: &Engine,
    name: String,
    all: Vec<Listed>,
    volumes: &[Volume],
) -> Result<Option<Nodes>, DriverError> {
    let mut seen = Nodes {
        nodes: BTreeMap::new(),
        balancer: None,
        copies: Vec::new(),
        record: Record::last_of(volumes),
        volumes: volumes.iter().filter(|one| !record::is_record(one)).map(|one| one.name.clone()).collect(),
        inside: LookedInside::default(),
        name,
    };
    for one in all {
        let is_balancer = one.name == node::balancer(&seen.name);
        let is_part = is_balancer || ClusterNode::named(&one.name, &seen.name).is_some();
        if mark::identity(&one.labels).is_some() && !is_part {
            seen.copies.push(one.name);
            continue;
        }
        // A node may have been removed since it was listed.
        let Some(mut node) = container::inspect(engine, &one.id).await? else { continue };
        if let Some(config) = &mut node.config {
            config.labels = Some(one.labels);
        }
        if is_balancer {
            seen.balancer = Some(node);
        } else {
            seen.nodes.insert(one.name, node);
        }
    }
    let is_there =
        !seen.nodes.is_empty() || seen.balancer.is_some() || !seen.copies.is_empty() || seen.record.is_some();
    Ok(is_there.then_some(seen))
}

/// Whose a cluster is that was looked at as the object of an identity: a note tells it, or the mark of its nodes.
pub(super) fn identified(seen: &Nodes, identity: &Identity, notes: &Notes) -> Identified {
    let (kind, listed) = (KindRef::from(kind::get("cluster").unwrap_or(kind::ALL[0])), seen.listed());
    let noted = notes.of(&kind, &listed.id).filter(|(own, _)| *own == identity);
    let own = mark::identity(&listed.labels).filter(|own| own == identity);
    let mark = match noted {
        Some((_, labels)) => mark::read(labels),
        None => own.and_then(|_| mark::read(&listed.labels)),
    };
    let hosts = identity.host().into_iter().collect();
    Identified { kind, identity: identity.clone(), hosts, listed, mark, is_certain: true }
}

/// Fetches what a cluster is made from, and finds out whether the engine takes such nodes.
pub(super) async fn rehearse(engine: &Engine, request: &Request<'_>, pace: &Pace<'_>) -> Result<(), DriverError> {
    let name = request.identity.name();
    let layout = Layout::new(&name, request.attributes, Labels::new(), None, None, engine.machine())?;
    let Some(first) = layout.nodes().into_iter().next() else { return Ok(()) };
    container::prepare(engine, &layout.of_node(&first), pace).await?;
    if layout.has_balancer() {
        container::prepare(engine, &layout.of_balancer(&[]), pace).await?;
    }
    Ok(())
}
