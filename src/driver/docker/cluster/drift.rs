//! What others changed about a cluster: the labels and taints of its nodes, where its ports lead.

use serde_json::Value as Json;

use super::super::spec_side::SpecSide;
use super::labels::TOKEN;
use super::made_from::labels_of;
use super::node::{self, ClusterNode, NodeRole};
use super::nodes::Nodes;
use super::ports::{Bindings, Ports, bindings_of, in_words};
use crate::driver::kubernetes::{JoinedNode, taint_of};
use crate::kind::cluster_nodes;
use crate::value::{Attributes, Value};

impl Nodes {
    /// Whether only the API tells something of what the cluster was brought to.
    pub fn is_told_by_api(&self) -> bool {
        let Some(made_from) = self.made_from() else { return false };
        let nodes = self.nodes.keys().filter_map(|name| ClusterNode::named(name, &self.name));
        let taints = made_from.get("k3d").and_then(|k3d| k3d.at("taints"));
        taints.is_some_and(|taints| !taints.is_null())
            || nodes.into_iter().any(|node| !labels_of(&made_from, &node).is_empty())
    }

    /// Corrects labels and taints by what the API tells of the nodes. Where it was not asked they are as they were made.
    pub fn as_reported(&self, attributes: &mut Attributes) {
        let joined = self.inside.joined.iter().flatten();
        let joined = joined.filter_map(|one| Some((ClusterNode::named(&one.name, &self.name)?, one)));
        let all: Vec<(ClusterNode, &JoinedNode)> =
            joined.filter(|(node, _)| self.nodes.contains_key(&node.name)).collect();
        let everywhere: Vec<&JoinedNode> = all.iter().map(|(_, one)| *one).collect();
        let labels = reported_labels(attributes.get("labels"), &everywhere);
        attributes.set("labels", labels);
        let mut k3d = attributes.get("k3d").clone();
        if k3d.is_null() {
            return;
        }
        let servers = all.iter().filter(|(node, _)| node.role == NodeRole::Server).map(|(_, one)| *one);
        if let Some(taints) = k3d.at("taints").filter(|taints| !taints.is_null()) {
            let now = reported_taints(taints, &servers.collect::<Vec<_>>());
            k3d = k3d.with(&["taints"], now);
        }
        for (key, filters, said) in cluster_nodes::entries(attributes.get("k3d")) {
            let Some(labels) = said.at("labels").filter(|labels| !labels.is_null()) else { continue };
            let named = |node: &ClusterNode| filters.iter().any(|filter| filter.names(node.role.word(), node.at));
            let own = all.iter().filter(|(node, _)| named(node)).map(|(_, one)| *one);
            let now = reported_labels(labels, &own.collect::<Vec<_>>());
            k3d = k3d.with(&["nodes", key, "labels"], now);
        }
        attributes.set("k3d", k3d);
    }

    /// Says whether the token that the spec leads to is another one than the cluster's, without saying either. A reference that leads
    /// nowhere at the moment tells nothing, and a token that the spec no longer says stays what it is.
    pub fn compare_token(&self, attributes: &mut Attributes, spec: &SpecSide<'_>) {
        let k3d = attributes.get("k3d").clone();
        let Some(wanted) = spec.wanted.filter(|_| !k3d.is_null()) else { return };
        let reference = wanted.at("k3d.token").cloned().unwrap_or_default();
        let value = if reference.is_null() { None } else { (spec.secret)(&reference) };
        let is_other = value.is_some_and(|value| self.told(TOKEN).is_some_and(|own| own != value));
        let now = if is_other { "(another value)".into() } else { reference };
        attributes.set("k3d", k3d.with(&["token"], now));
    }

    /// What publishes other ports than it was made to, or leads elsewhere.
    pub fn led_astray(&self, attributes: &Attributes, machine: &str) -> Option<String> {
        // What an earlier version laid out, or k3d, is known too little of.
        self.record.as_ref()?;
        let api = match attributes.at("k3d.api_port") {
            Some(Value::Int(port)) => port.to_string(),
            _ => self.port()?,
        };
        let has_balancer = attributes.at("k3d.loadbalancer") != Some(&Value::Bool(false));
        let ports = Ports::read(attributes.get("ports"), &api, has_balancer, machine);
        let nodes: Vec<ClusterNode> =
            self.nodes.keys().filter_map(|name| ClusterNode::named(name, &self.name)).collect();
        let differs = |seen: &bollard::models::ContainerInspectResponse, wanted: &Bindings| {
            in_words(&bindings_of(seen)) != in_words(wanted)
        };
        let balancer = node::balancer(&self.name);
        if self.balancer.as_ref().is_some_and(|seen| has_balancer && differs(seen, &ports.of_balancer())) {
            return Some(format!("{balancer} publishes other ports than it was made to"));
        }
        let wrong = nodes
            .iter()
            .find(|node| self.nodes.get(&node.name).is_some_and(|seen| differs(seen, &ports.of_node(node))));
        if let Some(node) = wrong {
            return Some(format!("{} publishes other ports than it was made to", node.name));
        }
        let routes = self.inside.routes.as_ref().filter(|_| has_balancer)?;
        let now: Option<Json> = serde_json::from_str(routes).ok();
        (now != Some(ports.routes(&nodes))).then(|| format!("{balancer} leads elsewhere than to its nodes"))
    }
}

/// Labels as the nodes have them: one that a node has otherwise is as it is there.
fn reported_labels(labels: &Value, nodes: &[&JoinedNode]) -> Value {
    let Value::Map(entries) = labels else { return labels.clone() };
    let now = entries.iter().filter_map(|(key, value)| {
        let differs = |node: &&&JoinedNode| node.labels.get(key.as_str()).map(String::as_str) != value.as_str();
        match nodes.iter().find(differs) {
            None => Some((key.clone(), value.clone())),
            Some(node) => Some((key.clone(), node.labels.get(key.as_str())?.as_str().into())),
        }
    });
    Value::map(now.collect())
}

/// Taints as all servers have them.
fn reported_taints(taints: &Value, servers: &[&JoinedNode]) -> Value {
    let now = taints.items().iter().filter_map(|taint| {
        let own = taint_of(taint.as_str()?);
        let has = |server: &&&JoinedNode| !server.taints.iter().any(|one| taint_of(one) == own);
        let Some(server) = servers.iter().find(has) else { return Some(taint.clone()) };
        let other = server.taints.iter().find(|one| (taint_of(one).0, taint_of(one).2) == (own.0, own.2))?;
        Some(other.as_str().into())
    });
    Value::List(now.collect())
}
