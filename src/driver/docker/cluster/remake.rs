//! Making a node again, with all that it keeps: its data, and the password by which the cluster knows it.

use std::time::Duration;

use bollard::models::ContainerInspectResponse;

use super::super::container;
use super::api::reach;
use super::apply::ClusterWork;
use super::blueprint::{DATA, PASSWORD};
use super::node::{ClusterNode, NodeRole};
use super::outdated::is_outdated;
use super::ready;
use super::record::Kept;
use crate::driver::DriverError;
use crate::driver::kubernetes::ClusterNodes;
use crate::kind::duration;
use crate::value::Value;

impl ClusterWork<'_> {
    /// Makes a node again: its pods leave it in time, where the API answers, and it takes pods again once it is ready.
    pub async fn remake(&mut self, node: &ClusterNode, old: &ContainerInspectResponse) -> Result<(), DriverError> {
        self.keep(node, old).await?;
        let api = self.answering().await;
        // From a node that does not run no pod leaves.
        if let Some(api) = api.as_ref().filter(|_| container::not_running(old).is_none()) {
            self.drain(api, node).await?;
        }
        let early = self.drained.get(&node.name).cloned();
        let was_drained = api.is_some() || early.is_some();
        let mut before = early.flatten().or(report(api.as_ref(), node).await);
        let data = self.layout.data(&node.name);
        container::remove_but(self.engine, old, &[&data]).await?;
        if !node.is_first() && api.is_some() {
            // What it said last, now that it says nothing more.
            before = report(api.as_ref(), node).await;
        }
        container::create(self.engine, &self.layout.of_node(node), &self.pace).await?;
        self.moved = true;
        self.settle(node).await?;
        if node.role == NodeRole::Server && !node.is_first() {
            self.balance().await?;
        }
        // A node that gives up a port may get its turn before the first server, which is as it was then.
        match self.api.as_ref().or(api.as_ref()).filter(|_| was_drained) {
            // Before the next node goes this one has to be back.
            Some(api) => {
                ready::wait_for_node(api, &node.name, before.as_ref(), &self.pace).await?;
                api.allow(&node.name).await
            }
            None => Ok(()),
        }
    }

    /// Lets the pods of nodes leave that are made again while the API can't be asked.
    pub async fn drain_early(&mut self, nodes: &[&ClusterNode]) -> Result<(), DriverError> {
        let is_remade = |node: &ClusterNode| {
            let there = self.seen.and_then(|seen| seen.nodes.get(&node.name));
            there.is_some_and(|there| is_outdated(node, there, &self.layout) && container::not_running(there).is_none())
        };
        let nodes: Vec<&ClusterNode> = nodes.iter().copied().filter(|node| is_remade(node)).collect();
        let Some(api) = self.answering().await.filter(|_| !nodes.is_empty()) else { return Ok(()) };
        for node in nodes {
            self.drain(&api, node).await?;
            let said = report(Some(&api), node).await;
            self.drained.insert(node.name.clone(), said);
        }
        Ok(())
    }

    /// The API, when it answers now.
    pub async fn answering(&self) -> Option<ClusterNodes> {
        let port = self.port().await.ok()?;
        reach(self.engine, &self.layout.name, &port, self.pace.left()).await.ok()
    }

    /// Lets the pods of a node leave it.
    pub async fn drain(&self, api: &ClusterNodes, node: &ClusterNode) -> Result<(), DriverError> {
        let drain = self.layout.wanted.at("k3d.drain").and_then(Value::as_str).unwrap_or("1m");
        let limit = Duration::from_secs(duration::parse(drain).unwrap_or_default());
        if limit.is_zero() {
            return Ok(());
        }
        api.drain(&node.name, limit.min(self.pace.left()), |left| self.pace.waiting(left)).await
    }

    /// Records what a node has that its name does not tell, before its container goes: the volume that was made for an agent by its
    /// image, and the password that k3s chose.
    async fn keep(&mut self, node: &ClusterNode, old: &ContainerInspectResponse) -> Result<(), DriverError> {
        let mut kept = self.layout.kept.get(&node.name).cloned().unwrap_or_default();
        let mut mounts = old.mounts.iter().flatten();
        let data = mounts.find(|mount| mount.destination.as_deref() == Some(DATA)).and_then(|mount| mount.name.clone());
        if let Some(data) = data.filter(|data| *data != self.layout.data(&node.name)) {
            kept.volume = Some(data);
        }
        let id = old.id.as_deref().unwrap_or_default();
        if let Some(password) = container::read_file(self.engine, id, PASSWORD).await? {
            let password = password.trim().to_owned();
            if !password.is_empty() && password != self.layout.password(&node.name) {
                kept.password = Some(password);
            }
        }
        if kept == Kept::default() || self.layout.kept.get(&node.name) == Some(&kept) {
            return Ok(());
        }
        self.layout.kept.insert(node.name.clone(), kept);
        let made_from = self.record.made_from().unwrap_or_else(|| self.layout.made_from.clone());
        let is_done = self.record.is_done();
        self.write_record(&made_from, is_done).await
    }
}

async fn report(api: Option<&ClusterNodes>, node: &ClusterNode) -> Option<crate::driver::kubernetes::NodeReport> {
    api?.report(&node.name).await.ok().flatten()
}
