//! A cluster as the engine tells it.

use std::collections::BTreeMap;

use bollard::models::ContainerInspectResponse;

use super::super::container;
use super::super::engine::Engine;
use super::super::listed::Listed;
use super::super::mark;
use super::labels::{labels, published};
use super::made_from::made_from;
use super::node::{self, ClusterNode, NodeRole};
use super::record::Record;
use crate::driver::kubernetes::{JoinedNode, Volumes};
use crate::kind::{self, Count, Outputs, Usage};
use crate::value::{Attributes, Value};

/// A cluster as its containers and its record tell it.
#[derive(Clone)]
pub struct Nodes {
    pub name: String,
    /// Its nodes by container name, with their own labels only.
    pub nodes: BTreeMap<String, ContainerInspectResponse>,
    /// The container that publishes its ports.
    pub balancer: Option<ContainerInspectResponse>,
    /// The names of containers that carry Atlas's mark of a node and are called otherwise than any node.
    pub copies: Vec<String>,
    /// What it was brought to.
    pub record: Option<Record>,
    /// The other volumes that say that they are its own.
    pub volumes: Vec<String>,
    /// What was asked of its API and of its load balancer.
    pub inside: LookedInside,
}

/// What a cluster tells besides its containers.
#[derive(Clone, Default)]
pub struct LookedInside {
    /// The persistent volumes that its API tells, where somebody counted.
    pub counted: Option<Volumes>,
    /// The nodes that its API tells, where somebody asked.
    pub joined: Option<Vec<JoinedNode>>,
    /// The file by which its load balancer knows where to lead.
    pub routes: Option<String>,
}

impl Nodes {
    /// What no other cluster has: the engine's own names of its nodes.
    pub fn id(&self) -> String {
        self.nodes.values().filter_map(|node| node.id.as_deref()).collect::<Vec<_>>().join(" ")
    }

    /// The labels that tell whose it is: those of the first node that has any, or those of its record.
    pub fn listed(&self) -> Listed {
        let of_nodes = self.nodes.values().map(labels);
        let mut all = of_nodes.chain(self.record.iter().map(|record| record.labels.clone()));
        let labels = all.find(|labels| mark::identity(labels).is_some());
        Listed { id: format!("cluster {}", self.name), name: self.name.clone(), labels: labels.unwrap_or_default() }
    }

    /// What it was brought to, or else what its nodes were made from.
    pub fn made_from(&self) -> Option<BTreeMap<String, Value>> {
        let recorded = self.record.as_ref().and_then(Record::made_from);
        recorded.or_else(|| self.nodes.values().find_map(made_from))
    }

    /// What it was brought to, with as many agents as there are.
    pub fn attributes(&self) -> Attributes {
        let made_from = self.made_from();
        let mut attributes = Attributes::default();
        let kind = kind::get("cluster").unwrap_or(kind::ALL[0]);
        for attribute in kind.attributes.iter() {
            let value = made_from.as_ref().and_then(|all| all.get(attribute.name)).cloned().unwrap_or_default();
            attributes.set(attribute.name, value);
        }
        let agents = self.nodes.keys().filter(|name| self.role(name) == Some(NodeRole::Agent)).count();
        attributes.set("agents", Value::Int(i64::try_from(agents).unwrap_or_default()));
        // What an earlier version laid out has no load balancer, and doesn't say so.
        let k3d = attributes.get("k3d").clone();
        if !k3d.is_null() && k3d.at("loadbalancer").is_none() {
            attributes.set("k3d", k3d.with(&["loadbalancer"], Value::Bool(self.balancer.is_some())));
        }
        self.as_reported(&mut attributes);
        attributes
    }

    /// What is wrong with it: what is missing, does not run, or leads elsewhere. `machine` is the name of the engine's machine.
    pub fn condition(&self, attributes: &Attributes, machine: &str) -> Option<String> {
        let servers = match attributes.get("servers") {
            Value::Int(servers) => *servers,
            _ => 1,
        };
        let servers = (0..servers).map(|at| ClusterNode::new(&self.name, NodeRole::Server, at).name);
        if let Some(name) = servers.into_iter().find(|name| !self.nodes.contains_key(name)) {
            return Some(format!("without {name}"));
        }
        let has_balancer = attributes.at("k3d.loadbalancer") != Some(&Value::Bool(false));
        if let Some(record) = &self.record {
            if !record.is_done() {
                return Some("only begun: making it was interrupted".to_owned());
            }
            if has_balancer && self.balancer.is_none() {
                return Some(format!("without {}", node::balancer(&self.name)));
            }
        }
        let balancer = self.balancer.iter().map(|one| (node::balancer(&self.name), one));
        let mut all = self.nodes.iter().map(|(name, one)| (name.clone(), one)).chain(balancer);
        all.find_map(|(name, one)| Some(format!("{name} is {}", container::not_running(one)?)))
            .or_else(|| self.led_astray(attributes, machine))
    }

    /// Where its API answers.
    pub fn outputs(&self, engine: &Engine) -> Outputs {
        let endpoint = self.port().map(|port| ("endpoint".into(), format!("https://{}:{port}", engine.machine())));
        endpoint.into_iter().collect()
    }

    /// The port of the engine's machine that leads to its API.
    pub fn port(&self) -> Option<String> {
        let server = self.nodes.get(&node::first_server(&self.name));
        self.balancer.as_ref().and_then(published).or_else(|| server.and_then(published))
    }

    /// The persistent volumes that were counted in it.
    pub fn usage(&self) -> Usage {
        let Some(counted) = self.inside.counted else { return Usage::default() };
        let all = [("volumes", counted.all), ("volumes_leaving", counted.on_some)];
        all.into_iter().map(|(counter, count)| (counter.into(), Count::Exactly(count))).collect()
    }

    fn role(&self, container: &str) -> Option<NodeRole> {
        ClusterNode::named(container, &self.name).map(|node| node.role)
    }
}
