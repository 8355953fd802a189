//! Making a cluster, and bringing one to what it should be.
//!
//! Missing nodes are made, outdated ones made again one by one, those that don't run started, those that are too many removed.
//! What the API can change, it changes. The order keeps the cluster answering as long as that can be: the first server, the load
//! balancer that leads to it, the other servers, the agents.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::ContainerInspectResponse;

use super::super::container;
use super::super::engine::Engine;
use super::super::mark::Labels;
use super::super::pace::Pace;
use super::kubeconfig::Kubeconfigs;
use super::layout::Layout;
use super::node::{self, ClusterNode, NodeRole, is_among};
use super::nodes::Nodes;
use super::outdated::is_outdated;
use super::record::{Record, RecordContents};
use super::{kubeconfig, prepare, ready};
use crate::driver::kubernetes::{ClusterNodes, NodeReport};
use crate::driver::{Class, DriverError, Request};
use crate::kind::Outputs;
use crate::value::Value;

/// What is done to one cluster.
pub(super) struct ClusterWork<'a> {
    pub engine: &'a Engine,
    pub layout: Layout<'a>,
    pub seen: Option<&'a Nodes>,
    pub request: &'a Request<'a>,
    pub pace: Pace<'a>,
    pub record: Record,
    pub balancer: Option<ContainerInspectResponse>,
    /// The API, once it answers.
    pub api: Option<ClusterNodes>,
    /// The names of the nodes that are there by now.
    pub there: BTreeSet<String>,
    /// The names of the nodes that were there and have left.
    pub left: BTreeSet<String>,
    /// The nodes whose pods left before the load balancer went, with what each said last.
    pub drained: BTreeMap<String, Option<NodeReport>>,
    /// Whether some of them have another address than the load balancer knows.
    pub moved: bool,
}

/// Makes a cluster, or brings one to what it should be.
pub(in super::super) async fn apply(
    engine: &Engine,
    seen: Option<&Nodes>,
    request: &Request<'_>,
    labels: Labels,
    token: Option<String>,
    kubeconfigs: &Kubeconfigs,
) -> Result<Outputs, DriverError> {
    // A renamed cluster keeps the name under which it was made, which its identity says and its address does not.
    let name = &*request.identity.name();
    let wish = request.attributes.at("k3d.kubeconfig").and_then(Value::as_str).unwrap_or("none");
    kubeconfig::may_keep(name, wish, kubeconfigs)?;
    let mut work = ClusterWork::begin(engine, seen, request, labels, token).await?;
    let nodes = work.layout.nodes();
    let turns = work.turns(&nodes)?;
    work.begin_again().await?;
    let (staying, leaving): (Vec<_>, Vec<_>) = turns.iter().partition(|node| is_among(&nodes, &node.name));
    // As long as nothing has changed, the API can still be asked to let them go.
    for node in leaving {
        work.leave_early(&nodes, node).await?;
    }
    work.give_way(&staying).await?;
    for node in staying {
        work.bring(node).await?;
    }
    work.leave(&nodes).await?;
    work.balance().await?;
    work.change_in_place().await?;
    let now = super::list(engine, Some(name), |_, _| true).await?.into_iter().next();
    let now = now.ok_or_else(|| DriverError::new(Class::Transient, "it is not there although it was made"))?;
    let outputs = now.outputs(engine);
    let endpoint = outputs.get("endpoint").cloned().unwrap_or_default();
    kubeconfig::keep(engine, &node::first_server(name), name, wish, &endpoint, kubeconfigs).await?;
    let made_from = work.layout.made_from.clone();
    work.write_record(&made_from, true).await?;
    Ok(outputs)
}

impl<'a> ClusterWork<'a> {
    /// Prepares what the nodes share, and records that the cluster was begun.
    async fn begin(
        engine: &'a Engine,
        seen: Option<&'a Nodes>,
        request: &'a Request<'a>,
        labels: Labels,
        token: Option<String>,
    ) -> Result<Self, DriverError> {
        let pace = Pace::of(request);
        let name = request.identity.name();
        let mut layout = Layout::new(&name, request.attributes, labels, seen, token, engine.machine())?;
        if seen.is_none() {
            // An image that can't be had is found out before anything is there.
            super::rehearse(engine, request, &pace).await?;
        }
        let record = match seen.and_then(|seen| seen.record.clone()) {
            Some(record) => record,
            None => {
                let begun_from = seen.and_then(Nodes::made_from).unwrap_or_else(|| layout.made_from.clone());
                Record::write(engine, None, layout.labels.clone(), &contents(&layout, &begun_from, false)).await?
            }
        };
        let is_new = seen.is_none_or(|seen| seen.nodes.is_empty() && seen.balancer.is_none());
        layout.net = prepare::prepare(engine, &layout, is_new).await?;
        let balancer = seen.and_then(|seen| seen.balancer.clone());
        // A load balancer does not start that can't find one of its nodes.
        let is_found = |node: &ContainerInspectResponse| {
            let joined = node.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
            container::not_running(node).is_none() && joined.is_some_and(|all| all.contains_key(&layout.network))
        };
        let nodes = seen.into_iter().flat_map(|seen| &seen.nodes);
        let there = nodes.filter(|(_, node)| is_found(node)).map(|(name, _)| name.clone()).collect();
        let (left, drained) = (BTreeSet::new(), BTreeMap::new());
        Ok(Self {
            engine,
            layout,
            seen,
            request,
            pace,
            record,
            balancer,
            api: None,
            there,
            left,
            drained,
            moved: false,
        })
    }

    /// Finds out before anything goes whether what is to be made again can be had, and records that a change was begun, so that one
    /// that is interrupted is carried on.
    async fn begin_again(&mut self) -> Result<(), DriverError> {
        let Some(seen) = self.seen else { return Ok(()) };
        for node in self.layout.nodes() {
            if seen.nodes.get(&node.name).is_some_and(|there| is_outdated(&node, there, &self.layout)) {
                container::prepare(self.engine, &self.layout.of_node(&node), &self.pace).await?;
            }
        }
        if self.layout.has_balancer() && !self.is_current() {
            container::prepare(self.engine, &self.layout.of_balancer(&[]), &self.pace).await?;
        }
        match self.record.made_from().filter(|_| self.record.is_done()) {
            Some(made_from) => self.write_record(&made_from, false).await,
            None => Ok(()),
        }
    }

    /// Brings one node to what it should be.
    async fn bring(&mut self, node: &ClusterNode) -> Result<(), DriverError> {
        match self.seen.and_then(|seen| seen.nodes.get(&node.name)) {
            // A node that never started may lack its files, so it is not kept.
            Some(there) if !is_outdated(node, there, &self.layout) && container::has_started(there) => {
                if container::not_running(there).is_some() {
                    container::resume(self.engine, there).await?;
                    self.moved = true;
                }
            }
            Some(old) => return self.remake(node, old).await,
            None => drop(container::create(self.engine, &self.layout.of_node(node), &self.pace).await?),
        }
        self.settle(node).await?;
        match &self.api {
            // Servers join what keeps the data together one after the other, and most of them have to be well, so none is touched
            // before this one is ready.
            Some(api) if node.role == NodeRole::Server && !node.is_first() => {
                ready::wait_for_node(api, &node.name, None, &self.pace).await
            }
            _ => Ok(()),
        }
    }

    /// Lets the load balancer know of a node that is there; others join the first server, so it is waited for.
    pub async fn settle(&mut self, node: &ClusterNode) -> Result<(), DriverError> {
        self.there.insert(node.name.clone());
        if !node.is_first() {
            return Ok(());
        }
        // It may have another address than the load balancer knows, also since a run that was interrupted.
        self.moved = true;
        self.balance().await?;
        let port = self.port().await?;
        self.api = Some(ready::wait(self.engine, &self.layout.name, &port, &self.pace).await?);
        Ok(())
    }

    /// The port of the machine that leads to the API now.
    pub async fn port(&self) -> Result<String, DriverError> {
        let by = match &self.balancer {
            Some(_) => node::balancer(&self.layout.name),
            None => node::first_server(&self.layout.name),
        };
        let seen = container::inspect(self.engine, &by).await?;
        seen.as_ref()
            .and_then(super::labels::published)
            .ok_or_else(|| DriverError::new(Class::Transient, format!("{by} does not publish the API")))
    }

    /// Records what the cluster was brought to.
    pub async fn write_record(
        &mut self,
        made_from: &BTreeMap<String, Value>,
        is_done: bool,
    ) -> Result<(), DriverError> {
        let (engine, labels) = (self.engine, self.layout.labels.clone());
        let contents = contents(&self.layout, made_from, is_done);
        self.record = Record::write(engine, Some(&self.record), labels, &contents).await?;
        Ok(())
    }
}

fn contents<'e>(layout: &'e Layout<'_>, made_from: &'e BTreeMap<String, Value>, is_done: bool) -> RecordContents<'e> {
    RecordContents { cluster: &layout.name, token: &layout.token, made_from, is_done, kept: &layout.kept }
}
