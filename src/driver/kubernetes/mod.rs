//! Kubernetes clusters that exist already: an entry of a kubeconfig, or a cluster of EKS.
//!
//! Such a cluster is *external*, as a region of AWS is: it answers or it does not, and Atlas never makes or removes one.

mod access;
mod eks;
mod error;
#[cfg(feature = "docker")]
mod nodes;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use foldhash::HashMap;
use kube::Client;
use tokio::sync::OnceCell;

pub use access::ready;
use access::{Access, connect};
#[cfg(feature = "docker")]
pub use access::{client_of, kubeconfigs};
#[cfg(feature = "docker")]
pub use nodes::{ClusterNodes, JoinedNode, NodeChanges, NodeReport, Volumes};

use super::{
    Claims, Class, Driver, DriverError, Listing, Look, Request, Seen, Service, Session, Variables, with_retries,
};
use crate::identity::Identity;
use crate::kind::{self, Kind, KindRef, Outputs, Usage};
use crate::observed::{Condition, Mark, Object, Owner};
use crate::value::Attributes;

/// Clusters that exist already as a driver.
pub struct Kubernetes {
    clusters: Arc<Clusters>,
}

/// How clusters are reached, and the clients of those that were.
struct Clusters {
    /// Where relative paths begin.
    base: PathBuf,
    variables: Variables,
    reached: Mutex<HashMap<Identity, Arc<Cluster>>>,
}

/// One cluster with its client, which is made when it is first needed.
struct Cluster {
    access: Access,
    client: OnceCell<(Client, String)>,
}

/// A session on the world, in which such clusters are.
struct ExternalClusters(Arc<Clusters>);

impl Kubernetes {
    /// A driver for clusters that exist already. Relative paths begin at `base`.
    #[must_use]
    pub fn new(base: PathBuf, variables: &Variables) -> Self {
        let variables = Arc::clone(variables);
        Self { clusters: Arc::new(Clusters { base, variables, reached: Mutex::default() }) }
    }
}

impl Clusters {
    /// The cluster of an identity, when its attributes say that it exists already.
    fn of(&self, identity: &Identity, attributes: &Attributes) -> Option<Arc<Cluster>> {
        let access = Access::of(identity, attributes, &self.base, &self.variables)?;
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = reached.get(identity).filter(|cluster| cluster.access == access) {
            return Some(Arc::clone(cluster));
        }
        let cluster = Arc::new(Cluster { access, client: OnceCell::new() });
        reached.insert(identity.clone(), Arc::clone(&cluster));
        Some(cluster)
    }
}

impl Cluster {
    async fn look(&self, identity: &Identity, attributes: &Attributes) -> Result<Object, DriverError> {
        let (client, endpoint) = self.client.get_or_try_init(|| connect(&self.access)).await?;
        ready(client).await?;
        Ok(Object {
            kind: kind::get("cluster").unwrap_or(kind::ALL[0]).into(),
            identity: identity.clone(),
            hosts: Vec::new(),
            attributes: attributes.clone(),
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
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    /// A cluster that exists already lives in nothing that Atlas makes, so all of them are in the world itself.
    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        if host.is_none() && kind.name == "cluster" { Service::Tells } else { Service::None }
    }

    fn reads_host(&self) -> bool {
        false
    }

    async fn open(&self, _: Option<&Object>, _: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        Ok(Arc::new(ExternalClusters(Arc::clone(&self.clusters))))
    }
}

#[async_trait]
impl Session for ExternalClusters {
    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        let mut listing = Listing::default();
        if !kinds.iter().any(|kind| kind.name == "cluster") {
            return Ok(listing);
        }
        let wanted = claims.wanted.iter().filter_map(|(text, attributes)| {
            let attributes = (*attributes).filter(|_| text.contains("cluster/"))?;
            let identity = Identity::from_text(*text);
            if identity.kind() != "cluster" {
                return None;
            }
            let cluster = self.0.of(&identity, attributes)?;
            Some((identity, attributes, cluster))
        });
        let looks = wanted.map(|(identity, attributes, cluster)| async move {
            let seen = with_retries(|| cluster.look(&identity, attributes)).await;
            (identity, seen)
        });
        for (identity, seen) in futures_util::future::join_all(looks).await {
            match seen {
                Ok(object) => listing.objects.push(object),
                Err(error) => drop(listing.unreachable.insert(identity, reason(&error))),
            }
        }
        Ok(listing)
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        let cluster = look.wanted.and_then(|wanted| Some((wanted, self.0.of(look.identity, wanted)?)));
        match cluster {
            Some((wanted, cluster)) => cluster.look(look.identity, wanted).await.map(|object| Some(Seen::new(object))),
            None => Ok(None),
        }
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        Err(external(want.identity))
    }

    async fn update(&self, seen: &Seen, _: &Request<'_>) -> Result<Outputs, DriverError> {
        Err(external(&seen.object.identity))
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        Err(external(&seen.object.identity))
    }

    async fn mark(&self, seen: &Seen, _: Option<&Mark>) -> Result<(), DriverError> {
        Err(external(&seen.object.identity))
    }
}

fn external(identity: &Identity) -> DriverError {
    DriverError::new(Class::Invalid, format!("`{identity}` exists already; Atlas neither makes nor changes it"))
}

fn reason(error: &DriverError) -> String {
    match error.class {
        Class::Denied => format!("denies access: {}", error.chain()),
        Class::Invalid => format!("can't be reached: {}", error.chain()),
        _ => format!("does not answer: {}", error.chain()),
    }
}
