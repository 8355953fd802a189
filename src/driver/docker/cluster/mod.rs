//! Clusters of k3s in containers, laid out as k3d 5 lays them out, so that k3d's own commands see them.
//!
//! Names and labels: <https://k3d.io/stable/design/concepts/> and k3d's `pkg/types`. The API is published by the first
//! server, as k3d does it with `--no-lb`. Each server keeps its data in a volume of its own, so that its container can be
//! made again.

mod kubeconfig;
mod node;
mod ready;

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, NetworkCreateRequest};

use super::engine::Engine;
use super::error::classify;
use super::mark::Labels;
use super::pace::Pace;
use super::sight::Listed;
use super::{container, network, volume};
use crate::driver::{Class, DriverError, Request};
use crate::kind::Outputs;
use crate::value::{Attributes, Value};
use node::{Layout, Role};

pub(super) use kubeconfig::Places;
pub(super) use node::Around;

/// A cluster as its containers tell it.
#[derive(Clone)]
pub(super) struct Seen {
    pub name: String,
    /// Its nodes by container name.
    pub nodes: BTreeMap<String, ContainerInspectResponse>,
}

/// What a node was made from; whatever differs from it makes the node again.
const MADE_FROM: &str = "atlas.cluster";

/// The container of a cluster's first server.
pub(super) fn first_server(cluster: &str) -> String {
    node::name(cluster, Role::Server, 0)
}

/// Every cluster of an engine that Atlas or k3d made, by name.
pub(super) async fn list(engine: &Engine) -> Result<Vec<Seen>, DriverError> {
    let found = container::with_labels(engine, &["app=k3d".to_owned(), "k3d.cluster".to_owned()]).await?;
    let mut clusters: BTreeMap<String, Seen> = BTreeMap::new();
    for listed in found.iter().map(container::listed) {
        let role = listed.labels.get("k3d.role").map_or("", String::as_str);
        let Some(name) = listed.labels.get("k3d.cluster").filter(|_| ["server", "agent"].contains(&role)) else {
            continue;
        };
        // One that is removed just now is no node any more.
        let Some(node) = container::inspect(engine, &listed.id).await? else { continue };
        let cluster =
            clusters.entry(name.clone()).or_insert_with(|| Seen { name: name.clone(), nodes: BTreeMap::new() });
        cluster.nodes.insert(listed.name, node);
    }
    Ok(clusters.into_values().collect())
}

impl Seen {
    /// The labels that tell whose it is: those of the first node that has any.
    pub fn listed(&self) -> Listed {
        let labels = self.nodes.values().map(labels).find(|labels| labels.contains_key("atlas.identity"));
        Listed { id: format!("cluster {}", self.name), name: self.name.clone(), labels: labels.unwrap_or_default() }
    }

    /// What it was made from, with as many agents as there are.
    pub fn attributes(&self) -> Attributes {
        let made_from = self.nodes.values().map(labels).find_map(|labels| {
            let text = labels.get(MADE_FROM)?.clone();
            serde_json::from_str::<BTreeMap<String, Value>>(&text).ok()
        });
        let mut attributes = Attributes::default();
        let kind = crate::kind::get("cluster").unwrap_or(crate::kind::ALL[0]);
        for attribute in kind.attributes {
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
        let gone =
            (0..servers).map(|at| node::name(&self.name, Role::Server, at)).find(|name| !self.nodes.contains_key(name));
        if let Some(name) = gone {
            return Some(format!("without {name}"));
        }
        self.nodes.iter().find_map(|(name, node)| Some(format!("{name} is {}", container::condition(node)?)))
    }

    /// Where its API answers.
    pub fn outputs(&self, engine: &Engine) -> Outputs {
        let server = self.nodes.get(&node::name(&self.name, Role::Server, 0));
        let port = server.and_then(published);
        let endpoint = port.map(|port| ("endpoint".into(), format!("https://{}:{port}", engine.machine())));
        endpoint.into_iter().collect()
    }
}

/// Makes a cluster, or brings one to what it should be: missing nodes are made, changed ones made again, those that don't run
/// started, agents that are too many removed.
pub(super) async fn apply(
    engine: &Engine,
    seen: Option<&Seen>,
    request: &Request<'_>,
    labels: Labels,
    around: Around,
    places: &Places,
) -> Result<Outputs, DriverError> {
    // A renamed cluster keeps the name under which it was made, which its identity says and its address does not.
    let name = crate::kind::name_in(request.identity);
    let pace = Pace::of(request);
    let layout = Layout::new(name, request.attributes, labels, around, seen, engine.machine())?;
    prepare(engine, &layout).await?;
    let empty = BTreeMap::new();
    let there = seen.map_or(&empty, |seen| &seen.nodes);
    for wanted in layout.nodes() {
        let blueprint = layout.blueprint(&wanted);
        match there.get(&wanted.name) {
            // One that never started may lack the files that it was to find.
            Some(node) if self::labels(node).get(MADE_FROM) == Some(&layout.made_from) && has_started(node) => {
                if container::condition(node).is_some() {
                    container::wake(engine, node).await?;
                }
            }
            old => {
                if let Some(old) = old {
                    container::remove(engine, old.id.as_deref().unwrap_or_default()).await?;
                }
                container::create(engine, &blueprint, &pace).await?;
            }
        }
        if wanted.role == Role::Server && wanted.at == 0 {
            // Agents and other servers join the first one, so it has to be there before them.
            ready::wait(engine, &wanted.name, &pace).await?;
        }
    }
    let kept: Vec<String> = layout.nodes().into_iter().map(|node| node.name).collect();
    for (name, node) in there.iter().filter(|(name, _)| !kept.contains(name)) {
        tracing::debug!(name, "removing a node");
        container::remove(engine, node.id.as_deref().unwrap_or_default()).await?;
    }
    let now = list(engine).await?.into_iter().find(|cluster| cluster.name == name);
    let now = now.ok_or_else(|| DriverError::new(Class::Transient, "it is not there although it was made"))?;
    let outputs = now.outputs(engine);
    let server = node::name(name, Role::Server, 0);
    let wish = request.attributes.at("k3d.kubeconfig").and_then(Value::as_str).unwrap_or("none");
    let endpoint = outputs.get("endpoint").cloned().unwrap_or_default();
    kubeconfig::keep(engine, &server, name, wish, &endpoint, places).await?;
    Ok(outputs)
}

/// Removes all of a cluster that its name leads to.
pub(super) async fn remove(engine: &Engine, seen: &Seen, places: &Places) -> Result<(), DriverError> {
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
    kubeconfig::drop(&seen.name, places)
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

fn has_started(node: &ContainerInspectResponse) -> bool {
    node.state.as_ref().and_then(|state| state.status) != Some(ContainerStateStatusEnum::CREATED)
}

fn labels(node: &ContainerInspectResponse) -> Labels {
    node.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default()
}

fn role(node: &ContainerInspectResponse) -> String {
    labels(node).get("k3d.role").cloned().unwrap_or_default()
}

/// The port of the engine's machine that leads to a server's API.
fn published(node: &ContainerInspectResponse) -> Option<String> {
    let ports = node.network_settings.as_ref()?.ports.as_ref()?;
    ports.get("6443/tcp")?.as_ref()?.iter().find_map(|binding| binding.host_port.clone())
}
