//! Waiting until a server's API says that it is ready.

use std::time::Duration;

use super::super::container;
use super::super::engine::Engine;
use super::super::pace::Pace;
use super::kubeconfig;
use super::nodes::published;
use crate::driver::{Class, DriverError, kubernetes};

/// How long one question may take.
const PROBE: Duration = Duration::from_secs(3);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until a server has written its kubeconfig and `/readyz` answers with 200, within the time of its step.
pub(super) async fn wait(engine: &Engine, server: &str, pace: &Pace<'_>) -> Result<(), DriverError> {
    loop {
        let missing = match ask(engine, server, pace.left().min(PROBE)).await? {
            Ok(()) => return Ok(()),
            Err(missing) => format!("{server} is not ready: {missing}"),
        };
        if pace.left() < PAUSE {
            return Err(DriverError::new(Class::Invalid, format!("{missing}, after {} s", pace.limit.as_secs())));
        }
        pace.waiting(&missing);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks once: nothing when it is ready, or else what is missing.
async fn ask(engine: &Engine, server: &str, probe: Duration) -> Result<Result<(), String>, DriverError> {
    let Some(seen) = container::inspect(engine, server).await? else {
        return Err(DriverError::new(Class::Conflict, format!("{server} was removed meanwhile")));
    };
    if let Some(condition) = container::not_running(&seen) {
        return Ok(Err(format!("it is {condition}")));
    }
    let Some(port) = published(&seen) else { return Ok(Err("its API is not published".into())) };
    let Some(config) = kubeconfig::read(engine, server).await? else {
        return Ok(Err("it has written no kubeconfig".into()));
    };
    let address = format!("https://{}:{port}", engine.machine());
    let asked = async { kubernetes::ready(&kubernetes::client_of(config, &address).await?).await };
    match tokio::time::timeout(probe, asked).await {
        Ok(answer) => Ok(answer.map_err(|error| error.chain())),
        Err(_) => Ok(Err("its API does not answer".into())),
    }
}
