//! Containers, networks, volumes, LocalStack regions and k3d-compatible clusters on engines that speak Docker's API.
//!
//! Objects carry their mark as labels, and what changes about a mark later as notes (see [`mark`] and [`note`]). A few lists
//! tell all that is on an engine; only containers are looked at one by one.

mod cluster;
mod container;
mod credentials;
mod engine;
mod engines;
mod error;
mod inside;
mod inspected;
mod list;
mod listed;
mod localstack;
mod mark;
mod names;
mod network;
mod note;
mod pace;
mod podman;
mod random;
mod read;
mod reference;
mod restart;
mod scope;
mod session;
mod spec_side;
#[cfg(unix)]
mod ssh;
mod survey;
mod table;
mod volume;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use kube::Client;

pub use inside::{Heard, Input, Subject, Terminal};

use super::kubernetes::ClusterClients;
use super::secret::Secrets;
use super::{Driver, DriverError, Hidden, Service, Session, Variables};
use crate::kind::Kind;
use crate::observed::{Object, Owner};
use engines::Engines;
use scope::{SessionScope, Surroundings};
use session::EngineSession;

/// Container engines as a driver.
pub struct Docker {
    surroundings: Arc<Surroundings>,
}

impl Docker {
    /// A driver for the engines that a spec will name, and for the usual one. Relative paths begin at `base`;
    /// what is read of secrets and credentials is told to `hidden`.
    #[must_use]
    pub fn new(base: PathBuf, variables: &Variables, hidden: Arc<Hidden>) -> Self {
        let engines = Engines::new(Arc::clone(variables), Arc::clone(&hidden));
        let secrets = Secrets::new(base.clone(), Arc::clone(variables), hidden);
        Self { surroundings: Arc::new(Surroundings { base, secrets, variables: Arc::clone(variables), engines }) }
    }
}

#[async_trait]
impl ClusterClients for Docker {
    async fn client(&self, object: &Object) -> Result<Option<Client>, DriverError> {
        let Some(endpoint) = object.outputs.get("endpoint").filter(|_| !object.external) else { return Ok(None) };
        let engine = self.surroundings.engines.of(&object.identity, Some(&object.attributes))?;
        cluster::client(&engine, &object.identity.name(), endpoint).await.map(Some)
    }
}

#[async_trait]
impl Driver for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    /// A region is an engine's where it is a LocalStack container, and a cluster where it did not exist already.
    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        match (host.map(|host| host.kind.name), kind.name) {
            (None, "region" | "network" | "volume" | "container") | (Some("region"), "cluster") => Service::Keeps,
            _ => Service::None,
        }
    }

    fn reads_host(&self) -> bool {
        false
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        let host = host.map(|host| host.identity.clone());
        let surroundings = Arc::clone(&self.surroundings);
        Ok(Arc::new(EngineSession(SessionScope { surroundings, owner: owner.clone(), host })))
    }
}
