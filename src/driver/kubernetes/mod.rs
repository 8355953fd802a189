//! Kubernetes: clusters that exist already, as an entry of a kubeconfig or a cluster of EKS, and what Atlas keeps on clusters.
//!
//! A cluster that exists already is *external*, as a region of AWS is: it answers or it does not, and Atlas never makes or
//! removes one. What is on a cluster is the same whoever made it.

mod access;
pub mod condition;
mod eks;
mod error;
#[cfg(feature = "docker")]
mod nodes;
mod objects;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use foldhash::HashMap;
use kube::Client;

pub use access::ready;
use access::{Access, connect};
#[cfg(feature = "docker")]
pub use access::{client_of, kubeconfigs};
#[cfg(feature = "docker")]
pub use nodes::{ClusterNodes, JoinedNode, NodeChanges, NodeReport, Volumes, taint_of};

use error::is_unknown;
use objects::{ClusterApi, ClusterSession, ClusterState, Reconnect};

use super::secret::Secrets;
use super::{
    Claims, Class, Driver, DriverError, Hidden, Listing, Look, Request, Seen, Service, Session, Variables, with_retries,
};
use crate::identity::Identity;
use crate::kind::{self, Kind, KindRef, Outputs, Usage};
use crate::observed::{Condition, Mark, Object, Owner};
use crate::value::Attributes;

/// Clusters that exist already as a driver.
pub struct Kubernetes {
    clusters: Arc<Clusters>,
}

/// How clusters are reached that another driver makes.
#[async_trait]
pub trait ClusterClients: Send + Sync {
    /// A client of a cluster; none where this is not one that the driver makes.
    ///
    /// # Errors
    /// When it can't be reached.
    async fn client(&self, cluster: &Object) -> Result<Option<Client>, DriverError>;
}

/// How clusters are reached, and the clients of those that were.
struct Clusters {
    /// Where relative paths begin.
    base: PathBuf,
    variables: Variables,
    secrets: Arc<Secrets>,
    reached: Mutex<HashMap<Identity, Arc<Cluster>>>,
    /// How those are reached that are made.
    made: Option<Arc<dyn ClusterClients>>,
    /// What is known of those whose contents are looked at.
    states: Mutex<HashMap<Identity, Arc<ClusterState>>>,
}

/// One cluster with its client and its endpoint, which are there once they were first needed.
struct Cluster {
    access: Access,
    client: tokio::sync::Mutex<Option<(Client, String)>>,
}

/// A session on the world, in which such clusters are.
struct ExternalClusters(Arc<Clusters>);

impl Kubernetes {
    /// A driver for clusters that exist already. Relative paths begin at `base`; what is read of secrets is told to `hidden`.
    #[must_use]
    pub fn new(base: PathBuf, variables: &Variables, hidden: &Arc<Hidden>) -> Self {
        Self::reaching(base, variables, hidden, None)
    }

    /// The same, which also reaches what is on clusters that another driver makes.
    #[must_use]
    pub fn reaching(
        base: PathBuf,
        variables: &Variables,
        hidden: &Arc<Hidden>,
        made: Option<Arc<dyn ClusterClients>>,
    ) -> Self {
        let variables = Arc::clone(variables);
        let secrets = Arc::new(Secrets::new(base.clone(), Arc::clone(&variables), Arc::clone(hidden)));
        let (reached, states) = (Mutex::default(), Mutex::default());
        Self { clusters: Arc::new(Clusters { base, variables, secrets, reached, made, states }) }
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
        let cluster = Arc::new(Cluster { access, client: tokio::sync::Mutex::default() });
        reached.insert(identity.clone(), Arc::clone(&cluster));
        Some(cluster)
    }
}

impl Clusters {
    /// What is known of a cluster that was seen a moment ago.
    async fn opened(&self, cluster: &Object) -> Result<Arc<ClusterState>, DriverError> {
        // Another look at the same cluster does not forget what the first one saw.
        if let Some(state) = self.known(&cluster.identity).filter(|state| state.is_of(cluster)) {
            return Ok(state);
        }
        let api = match self.of(&cluster.identity, &cluster.attributes) {
            Some(external) => Some(ClusterApi::reached_by(external.client().await?.0, external)),
            None => match &self.made {
                Some(made) => made.client(cluster).await?.map(ClusterApi::new),
                None => None,
            },
        };
        let api = api.ok_or_else(|| {
            DriverError::new(Class::Invalid, "nothing tells how its API is reached; say `kubeconfig`, `eks` or `k3d`")
        })?;
        let state = Arc::new(ClusterState::reach(api, cluster, Arc::clone(&self.secrets)).await?);
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        // What is on one cluster must not be seen twice: by the second name it would be what nobody wants.
        if let Some(other) = states.values().find(|other| other.is_same_as(&state)) {
            let message = format!("it is the same cluster as `{}`; keep one of the two", other.cluster.name());
            return Err(DriverError::new(Class::Invalid, message));
        }
        states.insert(cluster.identity.clone(), Arc::clone(&state));
        Ok(state)
    }

    /// What is known of the cluster in which a host lives. What lives in it is opened after it was.
    fn known(&self, host: &Identity) -> Option<Arc<ClusterState>> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chain = Some(host.clone());
        while let Some(identity) = chain {
            if let Some(state) = states.get(&identity) {
                return Some(Arc::clone(state));
            }
            chain = identity.host();
        }
        None
    }
}

impl Cluster {
    /// A client, and where the API answers.
    async fn client(&self) -> Result<(Client, String), DriverError> {
        let mut known = self.client.lock().await;
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let made = connect(&self.access).await?;
        *known = Some(made.clone());
        Ok(made)
    }

    /// The same with credentials that are fetched again.
    async fn anew(&self) -> Result<(Client, String), DriverError> {
        *self.client.lock().await = None;
        self.client().await
    }

    async fn look(&self, identity: &Identity, attributes: &Attributes) -> Result<Object, DriverError> {
        let (client, mut endpoint) = self.client().await?;
        match ready(&client).await {
            Err(error) if is_unknown(&error) => {
                let (client, anew) = self.anew().await?;
                endpoint = anew;
                ready(&client).await?;
            }
            answer => answer?,
        }
        Ok(Object {
            kind: kind::get("cluster").unwrap_or(kind::ALL[0]).into(),
            identity: identity.clone(),
            hosts: Vec::new(),
            attributes: attributes.clone(),
            outputs: std::iter::once(("endpoint".into(), endpoint)).collect(),
            usage: Usage::default(),
            mark: None,
            external: true,
            unsaid: Vec::new(),
            condition: Condition::Ready,
        })
    }
}

#[async_trait]
impl Reconnect for Cluster {
    async fn again(&self) -> Result<Client, DriverError> {
        self.anew().await.map(|(client, _)| client)
    }
}

#[async_trait]
impl Driver for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    /// A cluster that exists already lives in nothing that Atlas makes, so all of them are in the world itself.
    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        match (host.map(|host| host.kind.name), kind.name) {
            (None, "cluster") => Service::Tells,
            (Some("cluster"), "namespace" | "app" | "object") => Service::Keeps,
            (Some("namespace"), "app" | "object") | (Some("app"), "object") => Service::Keeps,
            _ => Service::None,
        }
    }

    /// Of an object on a cluster that is not there yet, whether its secrets are is known already.
    fn refuses(&self, kind: &Kind, attributes: &Attributes) -> Option<String> {
        let is_object = kind.name == kind::OBJECT.name;
        is_object.then(|| objects::missing_secret(&self.clusters.secrets, attributes))?
    }

    async fn open(&self, host: Option<&Object>, _: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        let Some(host) = host else { return Ok(Arc::new(ExternalClusters(Arc::clone(&self.clusters)))) };
        let state = match host.kind.name {
            "cluster" if !host.external && host.mark.is_none() => return Ok(Arc::new(StrangersCluster)),
            "cluster" => self.clusters.opened(host).await?,
            _ => self.clusters.known(&host.identity).ok_or_else(|| {
                DriverError::new(Class::Unreachable, format!("the cluster of `{}` was not looked at", host.identity))
            })?,
        };
        Ok(Arc::new(ClusterSession { state, host: host.identity.clone() }))
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

/// A session on a cluster that somebody else made in containers: Atlas does not look into it.
struct StrangersCluster;

#[async_trait]
impl Session for StrangersCluster {
    async fn list(&self, _: &[KindRef], _: &Claims<'_>) -> Result<Listing, DriverError> {
        Ok(Listing::default())
    }

    async fn read(&self, _: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        Err(strangers())
    }

    async fn create(&self, _: &Request<'_>) -> Result<Outputs, DriverError> {
        Err(strangers())
    }

    async fn update(&self, _: &Seen, _: &Request<'_>) -> Result<Outputs, DriverError> {
        Err(strangers())
    }

    async fn delete(&self, _: &Seen) -> Result<(), DriverError> {
        Err(strangers())
    }

    async fn mark(&self, _: &Seen, _: Option<&Mark>) -> Result<(), DriverError> {
        Err(strangers())
    }
}

fn strangers() -> DriverError {
    DriverError::new(Class::Conflict, "its cluster was somebody else's when it was looked at; plan again")
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
