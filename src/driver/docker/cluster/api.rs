//! A cluster's own API, as it is reached from here.

use std::time::Duration;

use kube::Client;

use super::super::container;
use super::super::engine::Engine;
use super::kubeconfig;
use super::node::{ClusterNode, NodeRole, first_server};
use super::nodes::Nodes;
use super::ports::ROUTES;
use crate::driver::kubernetes::{self, ClusterNodes};
use crate::driver::{Class, DriverError};
use crate::value::{Attributes, Value};

/// How long a cluster may take to say that it is ready, where that only serves to know more.
const PROBE: Duration = Duration::from_secs(3);

/// The nodes that the API of a cluster tells, when it answers at a port.
pub(super) async fn reach(
    engine: &Engine,
    cluster: &str,
    port: &str,
    within: Duration,
) -> Result<ClusterNodes, String> {
    let asked = async {
        let config = kubeconfig::read(engine, &first_server(cluster)).await?;
        let config = config.ok_or_else(|| DriverError::new(Class::Transient, "it has written no kubeconfig"))?;
        let client = kubernetes::client_of(config, &format!("https://{}:{port}", engine.machine())).await?;
        kubernetes::ready(&client).await?;
        Ok::<_, DriverError>(ClusterNodes::new(client))
    };
    match tokio::time::timeout(within.min(PROBE), asked).await {
        Ok(answer) => answer.map_err(|error| error.chain()),
        Err(_) => Err("its API does not answer".into()),
    }
}

/// A client of the API of a cluster that answers at an endpoint.
pub(in super::super) async fn client(engine: &Engine, cluster: &str, endpoint: &str) -> Result<Client, DriverError> {
    let config = kubeconfig::read(engine, &first_server(cluster)).await?;
    let config =
        config.ok_or_else(|| DriverError::new(Class::Transient, "its server has written no kubeconfig yet"))?;
    kubernetes::client_of(config, endpoint).await
}

/// Asks a cluster what its containers don't tell, where its API answers: where its ports lead, what its nodes are labelled, and, where
/// some of it may go, the persistent volumes, those on nodes that the spec does not want apart. Without the spec all of them go.
pub(in super::super) async fn look_inside(
    engine: &Engine,
    seen: &mut Nodes,
    wanted: Option<&Attributes>,
    counts: bool,
) {
    let runs = seen.balancer.as_ref().filter(|one| container::not_running(one).is_none());
    if let Some(id) = runs.and_then(|one| one.id.as_deref()) {
        // What can't be read now is not known to lead elsewhere.
        seen.inside.routes = container::read_file(engine, id, ROUTES).await.ok().flatten();
    }
    let asks = seen.is_told_by_api();
    let Some(port) = seen.port().filter(|_| counts || asks) else { return };
    let Ok(api) = reach(engine, &seen.name, &port, PROBE).await else { return };
    if asks {
        seen.inside.joined = api.joined().await.ok();
    }
    if counts {
        let goes = |node: &str| ClusterNode::named(node, &seen.name).is_some_and(|node| !stays(&node, wanted));
        seen.inside.counted = api.volumes(goes).await.ok();
    }
}

/// Whether something of a cluster is lost when it becomes what the spec wants: nodes that go.
pub(in super::super) fn loses_nodes(seen: &Nodes, wanted: &Attributes) -> bool {
    let named = seen.nodes.keys().filter_map(|name| ClusterNode::named(name, &seen.name));
    named.into_iter().any(|node| !stays(&node, Some(wanted)))
}

fn stays(node: &ClusterNode, wanted: Option<&Attributes>) -> bool {
    let counter = match node.role {
        NodeRole::Server => "servers",
        NodeRole::Agent => "agents",
    };
    matches!(wanted.map(|wanted| wanted.get(counter)), Some(Value::Int(count)) if node.at < *count)
}
