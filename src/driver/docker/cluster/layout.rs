//! How a cluster is to be laid out: its nodes, and what they are told about it.

use std::collections::BTreeMap;

use bollard::models::VolumeCreateRequest;

use super::super::mark::{self, Labels};
use super::super::random;
use super::super::table::texts;
use super::labels::{API_PORT, MADE_FROM, TOKEN, labels};
use super::network::NetworkFacts;
use super::node::{self, ClusterNode, NodeRole};
use super::nodes::Nodes;
use super::ports::Ports;
use super::record::Kept;
use crate::driver::DriverError;
use crate::kind::cluster_nodes::NodeSettings;
use crate::value::{Attributes, Value, long_hash};

/// The version of k3d whose layout this is.
pub(super) const K3D: &str = "v5.8.3";

/// The name by which nodes and pods reach the machine that they run on, as k3d has it.
const HOST: &str = "host.k3d.internal";

/// A cluster as it is to be laid out.
pub(super) struct Layout<'a> {
    pub name: String,
    pub network: String,
    /// What the network tells, once it is there.
    pub net: NetworkFacts,
    /// What it is made from. How many agents there are is no part of it.
    pub made_from: BTreeMap<String, Value>,
    pub wanted: &'a Attributes,
    /// The labels that say whose it is.
    pub labels: Labels,
    pub token: String,
    /// The port of the machine that leads to its API.
    pub port: String,
    pub machine: String,
    /// What nodes have that their names don't tell.
    pub kept: BTreeMap<String, Kept>,
}

impl<'a> Layout<'a> {
    pub fn new(
        cluster: &str,
        wanted: &'a Attributes,
        labels: Labels,
        seen: Option<&Nodes>,
        token: Option<String>,
        machine: String,
    ) -> Result<Self, DriverError> {
        // What nodes are told about the cluster is fixed for its life: the token and the port that was chosen first.
        let known = |key: &str| seen.and_then(|seen| seen.told(key));
        let token = known(TOKEN).or(token).map_or_else(|| random::token("the cluster's token"), Ok)?;
        let port = match wanted.at("k3d.api_port") {
            Some(Value::Int(port)) => port.to_string(),
            _ => seen.and_then(Nodes::port).or_else(|| known(API_PORT)).unwrap_or_else(|| free_port(cluster)),
        };
        let same = wanted.iter().filter(|(name, _)| *name != "agents").collect::<BTreeMap<_, _>>();
        // As it will be read back.
        let made_from = serde_json::to_string(&same).ok().and_then(|text| serde_json::from_str(&text).ok());
        let shared = wanted.at("k3d.network").and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            name: cluster.to_owned(),
            network: shared.unwrap_or_else(|| node::network(cluster)),
            net: NetworkFacts::default(),
            made_from: made_from.unwrap_or_default(),
            wanted,
            labels,
            token,
            port,
            machine,
            kept: seen.and_then(|seen| seen.record.as_ref()).map(super::record::Record::kept).unwrap_or_default(),
        })
    }

    /// Its nodes, servers first.
    pub fn nodes(&self) -> Vec<ClusterNode> {
        let count = |key: &str, usual: i64| match self.wanted.get(key) {
            Value::Int(number) => *number,
            _ => usual,
        };
        let of = |role: NodeRole, count: i64| (0..count).map(move |at| (role, at));
        let all = of(NodeRole::Server, count("servers", 1)).chain(of(NodeRole::Agent, count("agents", 0)));
        all.map(|(role, at)| ClusterNode::new(&self.name, role, at)).collect()
    }

    /// Whether several servers keep the cluster's data together.
    pub fn has_several_servers(&self) -> bool {
        self.wanted.get("servers") != &Value::Int(1)
    }

    /// Whether a container of its own publishes its ports.
    pub fn has_balancer(&self) -> bool {
        self.wanted.at("k3d.loadbalancer") != Some(&Value::Bool(false))
    }

    /// Whether its network is its own, and not one that is shared.
    pub fn has_own_network(&self) -> bool {
        self.network == node::network(&self.name)
    }

    pub fn ports(&self) -> Ports<'_> {
        Ports::read(self.wanted.get("ports"), &self.port, self.has_balancer(), &self.machine)
    }

    /// The address that a server keeps; none where its network has no room for that.
    pub fn address(&self, node: &ClusterNode) -> Option<String> {
        let fixed = self.net.fixed.filter(|_| node.role == NodeRole::Server)?;
        fixed.of_server(node.at)
    }

    /// The volume in which a node keeps its data: the one that it was made with, whatever that is called.
    pub fn data(&self, node: &str) -> String {
        self.kept.get(node).and_then(|kept| kept.volume.clone()).unwrap_or_else(|| node::data(node))
    }

    /// The password by which the cluster knows a node again, as k3s lets no other of the same name join:
    /// <https://docs.k3s.io/architecture#how-agent-node-registration-works>.
    pub fn password(&self, node: &str) -> String {
        let own = || long_hash(format!("{} {node}", self.token).as_bytes())[..32].to_owned();
        self.kept.get(node).and_then(|kept| kept.password.clone()).unwrap_or_else(own)
    }

    /// What is said of a node beside what is said of all.
    pub fn settings(&self, node: &ClusterNode) -> NodeSettings {
        NodeSettings::of(self.wanted.get("k3d"), node.role.word(), node.at)
    }

    /// The labels that Kubernetes is told of a node.
    pub fn kubernetes_labels(&self, node: &ClusterNode) -> BTreeMap<String, String> {
        texts(self.wanted.get("labels")).chain(self.settings(node).labels).collect()
    }

    /// The names that nodes and pods find without asking anybody, with their addresses.
    pub fn hosts(&self) -> BTreeMap<String, String> {
        let machine = self.net.gateway.iter().map(|gateway| (HOST.to_owned(), gateway.clone()));
        texts(self.wanted.at("k3d.host_aliases").unwrap_or(&Value::Null)).chain(machine).collect()
    }

    /// The volumes that its nodes use and that Atlas names.
    pub fn volumes(&self) -> Vec<VolumeCreateRequest> {
        let nodes = self.nodes();
        let named = nodes.iter().map(|node| self.data(&node.name)).filter(|volume| volume.starts_with("k3d-"));
        let own = [("app", "k3d"), ("k3d.cluster", self.name.as_str())];
        let labels: Labels = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        named
            .chain([node::images(&self.name)])
            .map(|name| VolumeCreateRequest { name: Some(name), labels: Some(labels.clone()), ..Default::default() })
            .collect()
    }

    /// The address at which nodes find the first server.
    pub fn url(&self) -> String {
        format!("https://{}:6443", node::first_server(&self.name))
    }

    /// The labels that all of its containers have.
    pub fn common_labels(&self, role: &str) -> Labels {
        let mut labels = self.labels.clone();
        let mut put = |key: &str, value: &str| labels.insert(key.to_owned(), value.to_owned());
        put("app", "k3d");
        put("k3d.cluster", &self.name);
        put("k3d.cluster.imageVolume", &node::images(&self.name));
        put("k3d.cluster.network", &self.network);
        put("k3d.cluster.network.external", if self.has_own_network() { "false" } else { "true" });
        put("k3d.cluster.network.id", &self.net.id);
        put("k3d.cluster.network.iprange", self.net.range.as_deref().unwrap_or_default());
        put(TOKEN, &self.token);
        put("k3d.cluster.url", &self.url());
        put("k3d.role", role);
        put("k3d.version", K3D);
        let balancer = if self.has_balancer() { node::balancer(&self.name) } else { String::new() };
        put("k3d.server.loadbalancer", &balancer);
        labels
    }

    /// The labels of a node.
    pub fn node_labels(&self, node: &ClusterNode) -> Labels {
        let mut labels = self.common_labels(node.role.word());
        let mut put = |key: &str, value: &str| labels.insert(key.to_owned(), value.to_owned());
        put(MADE_FROM, &serde_json::to_string(&self.made_from).unwrap_or_default());
        if let Some(address) = self.address(node) {
            put("k3d.node.staticIP", &address);
        }
        if node.role == NodeRole::Server {
            put("k3d.server.api.host", &self.machine);
            put("k3d.server.api.hostIP", super::super::engine::published_on(&self.machine));
            put(API_PORT, &self.port);
            // k3d's word for the server that begins a cluster of several.
            if node.at == 0 && self.has_several_servers() {
                put("k3d.server.init", "true");
            }
        }
        labels
    }
}

impl Nodes {
    /// What its containers, or its record, were told about the cluster.
    pub fn told(&self, key: &str) -> Option<String> {
        let of_nodes = self.nodes.values().map(labels);
        let all = of_nodes.chain(self.record.iter().map(|record| record.labels.clone()));
        all.into_iter().find_map(|labels| mark::get(&labels, key).map(str::to_owned))
    }
}

/// A port that nobody uses on this machine now; one that follows from the name when none can be had.
fn free_port(cluster: &str) -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let from_name = 20_000 + u16::from_str_radix(&long_hash(cluster.as_bytes())[..4], 16).unwrap_or_default() % 10_000;
    free.map_or(from_name, |address| address.port()).to_string()
}
