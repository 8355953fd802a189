//! Clusters of k3s in containers, laid out as k3d 5 lays them out, so that k3d's own commands see them.
//!
//! Names and labels: <https://k3d.io/stable/design/concepts/> and k3d's `pkg/types`. The API is published by the first
//! server, as k3d does it with `--no-lb`. Each server keeps its data in a volume of its own, so that its container can be
//! made again.

mod kubeconfig;
mod node;
mod nodes;
mod ready;

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerInspectResponse, NetworkCreateRequest};

use super::engine::Engine;
use super::error::classify;
use super::listed::{Identified, Listed};
use super::mark::{self, Labels};
use super::note::Notes;
use super::pace::Pace;
use super::{container, network, volume};
use crate::address::Address;
use crate::driver::{Class, DriverError, Request};
use crate::identity::Identity;
use crate::kind::{self, KindRef, Outputs};
use crate::value::{Attributes, Value};
use node::{Layout, NodeRole};
use nodes::{MADE_FROM, labels, published};

pub(super) use kubeconfig::Kubeconfigs;
pub(super) use nodes::Nodes;

/// The container of a cluster's first server.
pub(super) fn first_server(cluster: &str) -> String {
    node::name(cluster, NodeRole::Server, 0)
}

/// The clusters of an engine that Atlas or k3d made, by name: the one of a name, or all for which any of the nodes' labels
/// say that they matter.
pub(super) async fn list(
    engine: &Engine,
    name: Option<&str>,
    matters: impl Fn(&str, &Labels) -> bool,
) -> Result<Vec<Nodes>, DriverError> {
    let label = name.map_or_else(|| "k3d.cluster".to_owned(), |name| format!("k3d.cluster={name}"));
    let found = container::with_labels(engine, &["app=k3d".to_owned(), label]).await?;
    let images = container::labels_of_images(engine, &found, "k3d.cluster").await?;
    let mut listed: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for one in &found {
        let one = container::listed(one, container::image_of(one).and_then(|image| images.get(image)));
        // Labels of the image alone make no node: the container may be a copy of one.
        let is_node = ["server", "agent"].contains(&mark::get(&one.labels, "k3d.role").unwrap_or_default());
        if let Some(name) = mark::get(&one.labels, "k3d.cluster").filter(|_| is_node) {
            listed.entry(name.to_owned()).or_default().push(one);
        }
    }
    let mut clusters = Vec::new();
    for (name, all) in listed {
        if all.iter().any(|one| matters(&name, &one.labels)) {
            clusters.extend(inspect(engine, name, all).await?);
        }
    }
    Ok(clusters)
}

async fn inspect(engine: &Engine, name: String, all: Vec<Listed>) -> Result<Option<Nodes>, DriverError> {
    let mut seen = Nodes { name, nodes: BTreeMap::new(), copies: Vec::new() };
    for one in all {
        if mark::identity(&one.labels).is_some() && !node::is_called_so(&one.name, &seen.name) {
            seen.copies.push(one.name);
            continue;
        }
        // A node may have been removed since it was listed.
        let Some(mut node) = container::inspect(engine, &one.id).await? else { continue };
        if let Some(config) = &mut node.config {
            config.labels = Some(one.labels);
        }
        seen.nodes.insert(one.name, node);
    }
    Ok((!seen.nodes.is_empty() || !seen.copies.is_empty()).then_some(seen))
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

impl Nodes {
    /// What no other cluster has: the engine's own names of its nodes.
    pub fn id(&self) -> String {
        self.nodes.values().filter_map(|node| node.id.as_deref()).collect::<Vec<_>>().join(" ")
    }

    /// The labels that tell whose it is: those of the first node that has any.
    pub fn listed(&self) -> Listed {
        let labels = self.nodes.values().map(labels).find(|labels| mark::identity(labels).is_some());
        Listed { id: format!("cluster {}", self.name), name: self.name.clone(), labels: labels.unwrap_or_default() }
    }

    /// What it was made from, with as many agents as there are.
    pub fn attributes(&self) -> Attributes {
        let made_from = self.nodes.values().find_map(made_from);
        let mut attributes = Attributes::default();
        let kind = kind::get("cluster").unwrap_or(kind::ALL[0]);
        for attribute in kind.attributes.iter() {
            let value = made_from.as_ref().and_then(|all| all.get(attribute.name)).cloned().unwrap_or_default();
            attributes.set(attribute.name, value);
        }
        let agents = self.nodes.values().filter(|node| role(node) == "agent").count();
        attributes.set("agents", Value::Int(i64::try_from(agents).unwrap_or_default()));
        attributes
    }

    /// What is wrong with it: a server that is gone, or a node that does not run.
    pub fn condition(&self, attributes: &Attributes) -> Option<String> {
        let servers = match attributes.get("servers") {
            Value::Int(servers) => *servers,
            _ => 1,
        };
        let gone = (0..servers)
            .map(|at| node::name(&self.name, NodeRole::Server, at))
            .find(|name| !self.nodes.contains_key(name));
        if let Some(name) = gone {
            return Some(format!("without {name}"));
        }
        self.nodes.iter().find_map(|(name, node)| Some(format!("{name} is {}", container::not_running(node)?)))
    }

    /// Where its API answers.
    pub fn outputs(&self, engine: &Engine) -> Outputs {
        let server = self.nodes.get(&node::name(&self.name, NodeRole::Server, 0));
        let port = server.and_then(published);
        let endpoint = port.map(|port| ("endpoint".into(), format!("https://{}:{port}", engine.machine())));
        endpoint.into_iter().collect()
    }
}

/// Makes a cluster, or brings one to what it should be: missing nodes are made, changed ones made again, those that don't run
/// started, agents that are too many removed.
pub(super) async fn apply(
    engine: &Engine,
    seen: Option<&Nodes>,
    request: &Request<'_>,
    labels: Labels,
    kubeconfigs: &Kubeconfigs,
) -> Result<Outputs, DriverError> {
    // A renamed cluster keeps the name under which it was made, which its identity says and its address does not.
    let name = &*request.identity.name();
    let pace = Pace::of(request);
    let layout = Layout::new(name, request.attributes, labels, seen, engine.machine())?;
    let wish = request.attributes.at("k3d.kubeconfig").and_then(Value::as_str).unwrap_or("none");
    kubeconfig::may_keep(name, wish, kubeconfigs)?;
    prepare(engine, &layout).await?;
    let empty = BTreeMap::new();
    let there = seen.map_or(&empty, |seen| &seen.nodes);
    for wanted in layout.nodes() {
        let blueprint = layout.blueprint(&wanted);
        match there.get(&wanted.name) {
            // A node that never started may lack its files, so it is not kept.
            Some(node) if made_from(node).as_ref() == Some(&layout.made_from) && container::has_started(node) => {
                if container::not_running(node).is_some() {
                    container::resume(engine, node).await?;
                }
            }
            old => {
                if let Some(old) = old {
                    // If the engine would refuse the new node, the existing one must stay.
                    container::prepare(engine, &blueprint, &pace).await?;
                    container::remove(engine, old.id.as_deref().unwrap_or_default()).await?;
                }
                container::create(engine, &blueprint, &pace).await?;
            }
        }
        if wanted.role == NodeRole::Server && wanted.at == 0 {
            // Agents and other servers join the first one, so it has to be there before them.
            ready::wait(engine, &wanted.name, &pace).await?;
        }
    }
    let kept: Vec<String> = layout.nodes().into_iter().map(|node| node.name).collect();
    for (name, node) in there.iter().filter(|(name, _)| !kept.contains(name)) {
        tracing::debug!(name, "removing a node");
        container::remove(engine, node.id.as_deref().unwrap_or_default()).await?;
    }
    let now = list(engine, Some(name), |_, _| true).await?.into_iter().next();
    let now = now.ok_or_else(|| DriverError::new(Class::Transient, "it is not there although it was made"))?;
    let outputs = now.outputs(engine);
    let server = node::name(name, NodeRole::Server, 0);
    let endpoint = outputs.get("endpoint").cloned().unwrap_or_default();
    kubeconfig::keep(engine, &server, name, wish, &endpoint, kubeconfigs).await?;
    Ok(outputs)
}

/// Removes everything that belongs to a cluster by its name.
pub(super) async fn remove(engine: &Engine, seen: &Nodes, kubeconfigs: &Kubeconfigs) -> Result<(), DriverError> {
    for node in seen.nodes.values() {
        container::remove(engine, node.id.as_deref().unwrap_or_default()).await?;
    }
    let servers = seen.nodes.keys().filter(|name| name.contains("-server-"));
    for name in servers {
        volume::remove(engine, &node::data(name)).await?;
    }
    volume::remove(engine, &node::images(&seen.name)).await?;
    let own = node::network(&seen.name);
    let networks = network::list(engine).await?;
    let found = networks.iter().find(|network| network.name.as_deref() == Some(own.as_str()));
    if let Some(network) = found {
        network::remove(engine, network.id.as_deref().unwrap_or_default()).await?;
    }
    kubeconfig::drop(&seen.name, kubeconfigs)
}

/// Fetches what a cluster is made from, and finds out whether the engine takes such nodes.
pub(super) async fn rehearse(engine: &Engine, request: &Request<'_>, pace: &Pace<'_>) -> Result<(), DriverError> {
    let name = request.identity.name();
    let layout = Layout::new(&name, request.attributes, Labels::new(), None, engine.machine())?;
    let Some(first) = layout.nodes().into_iter().next() else { return Ok(()) };
    container::prepare(engine, &layout.blueprint(&first), pace).await
}

/// The network and the volumes that the nodes share or keep their data in.
async fn prepare(engine: &Engine, layout: &Layout<'_>) -> Result<(), DriverError> {
    let docker = engine.docker().await?;
    let own = node::network(&layout.name);
    if layout.network == own {
        let there = network::list(engine).await?.iter().any(|network| network.name.as_deref() == Some(own.as_str()));
        if !there {
            let labels =
                HashMap::from([("app".to_owned(), "k3d".to_owned()), ("k3d.cluster".to_owned(), layout.name.clone())]);
            let request = NetworkCreateRequest { name: own, labels: Some(labels), ..Default::default() };
            docker.create_network(request).await.map_err(|error| classify("creating the cluster's network", &error))?;
        }
    }
    // To make a volume that is there already is no error.
    for request in layout.volumes() {
        docker.create_volume(request).await.map_err(|error| classify("creating the cluster's volumes", &error))?;
    }
    Ok(())
}

/// What a node was made from. Earlier the label held addresses of the spec, in place of what the engine calls the objects.
fn made_from(node: &ContainerInspectResponse) -> Option<BTreeMap<String, Value>> {
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

fn role(node: &ContainerInspectResponse) -> String {
    labels(node).get("k3d.role").cloned().unwrap_or_default()
}
