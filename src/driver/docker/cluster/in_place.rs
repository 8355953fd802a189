//! What the API of a cluster changes without making a node again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::apply::ClusterWork;
use super::made_from::labels_of;
use super::node::{ClusterNode, NodeRole, is_among};
use crate::driver::kubernetes::{JoinedNode, NodeChanges, taint_of};
use crate::driver::{Class, DriverError};
use crate::value::Value;

/// How often it is asked whether the namespace of the cluster's own parts is there.
const PAUSE: Duration = Duration::from_millis(500);

impl ClusterWork<'_> {
    /// Tells the API what it changes without making a node again, and ends what an interrupted run began to drain.
    pub async fn change_in_place(&self) -> Result<(), DriverError> {
        let Some(api) = &self.api else { return Ok(()) };
        let wanted = self.layout.nodes();
        let before = self.seen.and_then(super::Nodes::made_from).unwrap_or_default();
        for joined in api.joined().await? {
            let Some(node) = ClusterNode::named(&joined.name, &self.layout.name) else { continue };
            // What left in a run that was interrupted is still known to the API.
            if !is_among(&wanted, &node.name) {
                api.remove(&joined.name).await?;
                continue;
            }
            if joined.is_drained {
                api.allow(&joined.name).await?;
            }
            api.change(&node.name, &self.changes(&node, &before, &joined)).await?;
        }
        self.tell_hosts().await
    }

    /// What is to be changed about a node that was made from something before.
    fn changes(&self, node: &ClusterNode, before: &BTreeMap<String, Value>, joined: &JoinedNode) -> NodeChanges {
        let (old, new) = (labels_of(before, node), self.layout.kubernetes_labels(node));
        let mut changes = NodeChanges::default();
        let gone = old.keys().filter(|key| !new.contains_key(*key) && joined.labels.contains_key(*key));
        changes.labels.extend(gone.map(|key| (key.clone(), None)));
        let set = new.iter().filter(|(key, value)| joined.labels.get(*key) != Some(*value));
        changes.labels.extend(set.map(|(key, value)| (key.clone(), Some(value.clone()))));
        if node.role == NodeRole::Server {
            let (old, new) = (taints_of(before), taints_of(&self.layout.made_from));
            let there = |text: &String| joined.taints.iter().any(|one| taint_of(one) == taint_of(text));
            let going = old.difference(&new).cloned().collect();
            changes.taints = (going, new.into_iter().filter(|text| !there(text)).collect());
        }
        changes
    }

    /// Lets pods find the names that nodes find: the engine's machine, and those of the spec.
    async fn tell_hosts(&self) -> Result<(), DriverError> {
        let (Some(api), hosts) = (&self.api, self.layout.hosts()) else { return Ok(()) };
        // A cluster that has just begun may not have the namespace yet.
        while !api.tell_hosts(&hosts).await? {
            if self.pace.left() < PAUSE {
                let message = "the cluster has no namespace `kube-system`, so its pods can't be told names";
                return Err(DriverError::new(Class::Invalid, message));
            }
            self.pace.waiting("the cluster makes its own namespaces");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

fn taints_of(all: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let taints = all.get("k3d").and_then(|k3d| k3d.at("taints")).map(Value::items).unwrap_or_default();
    taints.iter().filter_map(|taint| taint.as_str().map(str::to_owned)).collect()
}
