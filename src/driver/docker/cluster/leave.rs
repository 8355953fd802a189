//! Nodes that are too many leave their cluster.

use std::time::Duration;

use super::super::{container, volume};
use super::apply::ClusterWork;
use super::node::{ClusterNode, NodeRole, is_among};
use crate::driver::{Class, DriverError};
use crate::kind::{Count, counted};

/// How often it is asked whether a server has left.
const PAUSE: Duration = Duration::from_millis(500);

impl ClusterWork<'_> {
    /// Removes the nodes that are not wanted, agents first, and what they kept.
    pub async fn leave(&mut self, wanted: &[ClusterNode]) -> Result<(), DriverError> {
        let Some(seen) = self.seen else { return Ok(()) };
        let going = self.going(wanted);
        if !going.is_empty() {
            self.hold_to_evidence(&going).await?;
        }
        for node in &going {
            self.let_go(node).await?;
        }
        // A run that was interrupted may have left the data of a node that it had removed.
        for left in &seen.volumes {
            let node = left.strip_suffix("-data").and_then(|name| ClusterNode::named(name, &self.layout.name));
            if node.is_some_and(|node| !is_among(wanted, &node.name)) {
                volume::remove(self.engine, left).await?;
            }
        }
        Ok(())
    }

    /// Removes a node that is not wanted before the others get their turn, as one of them is to have a port of it.
    pub async fn leave_early(&mut self, wanted: &[ClusterNode], node: &ClusterNode) -> Result<(), DriverError> {
        if self.api.is_none() {
            self.api = self.answering().await;
        }
        if self.api.is_none() {
            let message = format!(
                "{} is to leave first, as another node is to have a port of it, and the cluster's API does not answer, so it can't \
                 be asked to let it go; start the cluster, or change the ports in an apply of its own",
                node.name
            );
            return Err(DriverError::new(Class::Invalid, message));
        }
        self.hold_to_evidence(&self.going(wanted)).await?;
        self.let_go(node).await
    }

    /// The nodes that are not wanted and are still there, agents first.
    fn going(&self, wanted: &[ClusterNode]) -> Vec<ClusterNode> {
        let names = self.seen.into_iter().flat_map(|seen| seen.nodes.keys());
        let names = names.filter(|name| !is_among(wanted, name) && !self.left.contains(*name));
        let mut going: Vec<ClusterNode> =
            names.filter_map(|name| ClusterNode::named(name, &self.layout.name)).collect();
        going.sort_by_key(|node| (node.role == NodeRole::Server, -node.at));
        going
    }

    async fn let_go(&mut self, node: &ClusterNode) -> Result<(), DriverError> {
        tracing::debug!(name = node.name, "removing a node");
        self.send_away(node).await?;
        volume::remove(self.engine, &self.layout.data(&node.name)).await?;
        self.there.remove(&node.name);
        self.left.insert(node.name.clone());
        Ok(())
    }

    /// Refuses when the nodes hold more by now than was agreed to lose.
    async fn hold_to_evidence(&self, going: &[ClusterNode]) -> Result<(), DriverError> {
        let most = self.request.most.map(|most| counted(most, "volumes_leaving"));
        let (Some(most), Some(api)) = (most.filter(|most| *most != Count::Unknown), &self.api) else { return Ok(()) };
        let now = api.volumes(|name| going.iter().any(|node| node.name == name)).await?.on_some;
        match Count::Exactly(now).may_exceed(most) {
            true => {
                let message = format!("by now {} on the nodes that go", Count::Exactly(now).words("persistent volume"));
                Err(DriverError::new(Class::Conflict, format!("{message}; plan again")))
            }
            false => Ok(()),
        }
    }

    async fn send_away(&mut self, node: &ClusterNode) -> Result<(), DriverError> {
        let there = self.seen.and_then(|seen| seen.nodes.get(&node.name));
        let id = there.and_then(|there| there.id.clone()).unwrap_or_default();
        if let Some(api) = &self.api {
            if there.is_some_and(|there| container::not_running(there).is_none()) {
                self.drain(api, node).await?;
            }
            if node.role == NodeRole::Server {
                // k3s takes it out of what keeps the data together before the API forgets it. Without it gone from there, the
                // others would wait for its vote.
                api.remove(&node.name).await?;
                while api.has(&node.name).await? {
                    if self.pace.left() < PAUSE {
                        let message = format!("{} has not left the cluster's data store", node.name);
                        return Err(DriverError::new(Class::Invalid, message));
                    }
                    self.pace.waiting(&format!("{} leaves the cluster's data store", node.name));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        container::remove(self.engine, &id).await?;
        match &self.api {
            Some(api) => api.remove(&node.name).await,
            None => Ok(()),
        }
    }
}
