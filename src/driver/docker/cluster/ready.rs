//! Waiting until a server's API says that it is ready, and until a node says so.

use std::time::Duration;

use super::super::container;
use super::super::engine::Engine;
use super::super::pace::Pace;
use super::api::reach;
use super::node::first_server;
use crate::driver::kubernetes::{ClusterNodes, NodeReport};
use crate::driver::{Class, DriverError};

/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until the first server has written its kubeconfig and `/readyz` answers with 200 at a port, within the time of its step.
pub(super) async fn wait(
    engine: &Engine,
    cluster: &str,
    port: &str,
    pace: &Pace<'_>,
) -> Result<ClusterNodes, DriverError> {
    let server = first_server(cluster);
    loop {
        let Some(seen) = container::inspect(engine, &server).await? else {
            return Err(DriverError::new(Class::Conflict, format!("{server} was removed meanwhile")));
        };
        let missing = match container::not_running(&seen) {
            Some(condition) => format!("it is {condition}"),
            None => match reach(engine, cluster, port, pace.left()).await {
                Ok(api) => return Ok(api),
                Err(missing) => missing,
            },
        };
        pause(format!("{server} is not ready: {missing}"), pace).await?;
    }
}

/// Waits until a node says that it is ready, after what it said before.
pub(super) async fn wait_for_node(
    api: &ClusterNodes,
    node: &str,
    before: Option<&NodeReport>,
    pace: &Pace<'_>,
) -> Result<(), DriverError> {
    loop {
        let missing = match api.report(node).await {
            Ok(Some(report)) if before == Some(&report) => "it has not reported again yet".into(),
            Ok(Some(report)) if report.is_ready => return Ok(()),
            Ok(Some(_)) => "it says so itself".into(),
            Ok(None) => "it has not joined yet".into(),
            // A load balancer that just learnt of it may not lead there yet.
            Err(error) => error.chain(),
        };
        pause(format!("{node} is not ready: {missing}"), pace).await?;
    }
}

async fn pause(missing: String, pace: &Pace<'_>) -> Result<(), DriverError> {
    if pace.left() < PAUSE {
        return Err(DriverError::new(Class::Invalid, format!("{missing}, after {} s", pace.limit.as_secs())));
    }
    pace.waiting(&missing);
    tokio::time::sleep(PAUSE).await;
    Ok(())
}
