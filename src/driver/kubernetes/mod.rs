//! Kubernetes clusters that exist already: an entry of a kubeconfig, or a cluster of EKS.
//!
//! Such a cluster is *given*, as a region of AWS is: it answers or it does not, and Atlas never makes or removes one.

mod access;
mod eks;
mod error;

use async_trait::async_trait;
use kube::Client;
use tokio::sync::OnceCell;

pub use access::ready;
use access::{Access, connect};
#[cfg(feature = "docker")]
pub use access::{client_of, kubeconfigs};

use super::{Class, Driver, DriverError, Observation, Query, Removal, Request, Variables, patiently};
use crate::desired::{Desired, Instance};
use crate::kind::{self, Kind, Outputs, Usage};
use crate::observed::Object;
use crate::value::Attributes;

/// The existing clusters of one spec as a driver.
pub struct Kubernetes {
    clusters: Vec<Cluster>,
}

/// One cluster with its client, which is made when it is first needed.
struct Cluster {
    identity: String,
    attributes: Attributes,
    access: Access,
    client: OnceCell<(Client, String)>,
}

impl Kubernetes {
    /// A driver for the clusters of a spec that exist already. Relative paths begin at `base`.
    #[must_use]
    pub fn of(desired: &Desired, base: &std::path::Path, variables: &Variables) -> Self {
        let cluster = |one: &Instance| {
            let access = Access::of(one, base, variables)?;
            let (identity, attributes) = (one.identity.clone(), one.attributes.clone());
            Some(Cluster { identity, attributes, access, client: OnceCell::new() })
        };
        Self { clusters: desired.of_kind("cluster").filter_map(cluster).collect() }
    }
}

impl Cluster {
    async fn look(&self) -> Result<Object, DriverError> {
        let (client, endpoint) = self.client.get_or_try_init(|| connect(&self.access)).await?;
        ready(client).await?;
        Ok(Object {
            kind: kind::get("cluster").unwrap_or(kind::ALL[0]),
            identity: self.identity.clone(),
            hosts: Vec::new(),
            attributes: self.attributes.clone(),
            outputs: std::iter::once(("endpoint".into(), endpoint.clone())).collect(),
            usage: Usage::default(),
            mark: None,
            external: true,
            condition: Condition::Ready,
        })
    }
}

#[async_trait]
impl Driver for Kubernetes {
    /// A cluster that exists already lives in nothing that Atlas makes, so all of them are looked at in the beginning.
    async fn observe(&self, query: &Query<'_>) -> Result<Observation, DriverError> {
        let mut observation = Observation::default();
        if query.hosts.is_some() {
            return Ok(observation);
        }
        let looks = self.clusters.iter().map(|one| async move { (one, patiently(|| one.look()).await) });
        for (cluster, seen) in futures_util::future::join_all(looks).await {
            match seen {
                Ok(object) => observation.objects.push(object),
                Err(error) => drop(observation.unreachable.insert(cluster.identity.clone(), reason(&error))),
            }
        }
        Ok(observation)
    }

    async fn read(&self, _: &'static Kind, identity: &str) -> Result<Option<Object>, DriverError> {
        match self.clusters.iter().find(|cluster| cluster.identity == identity) {
            Some(cluster) => cluster.look().await.map(Some),
            None => Ok(None),
        }
    }

    async fn create(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        Err(given(request.identity))
    }

    async fn update(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        Err(given(request.identity))
    }

    async fn delete(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        Err(given(removal.identity))
    }

    async fn forget(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        Err(given(removal.identity))
    }
}

fn given(identity: &str) -> DriverError {
    DriverError::new(Class::Invalid, format!("`{identity}` exists already; Atlas neither makes nor changes it"))
}

fn reason(error: &DriverError) -> String {
    match error.class {
        Class::Denied => format!("denies access: {}", error.chain()),
        Class::Invalid => format!("can't be reached: {}", error.chain()),
        _ => format!("does not answer: {}", error.chain()),
    }
}
