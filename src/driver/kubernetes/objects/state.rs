//! What is known of one cluster in one run: its API, and what was last seen of its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use serde_json::Value as Json;

use super::api::ClusterApi;
use super::app::{self, KindInNamespace};
use super::done;
use crate::driver::DriverError;
use crate::driver::secret::Secrets;
use crate::identity::Identity;
use crate::kind::Outputs;
use crate::observed::{Mark, Object};
use crate::value::Attributes;

/// One cluster, as all sessions on what is in it share it.
pub struct ClusterState {
    pub api: ClusterApi,
    /// Its identity.
    pub cluster: Identity,
    /// Where the values of Secrets are read.
    pub secrets: Arc<Secrets>,
    /// What tells it from every other cluster; none where that may not be asked.
    uid: Option<String>,
    /// What told how it is reached.
    reached: (Attributes, Outputs),
    /// The objects as they were last listed.
    live: Mutex<HashMap<Identity, Arc<Json>>>,
    /// The kinds of objects that the record of each app has.
    records: Mutex<HashMap<Identity, BTreeSet<KindInNamespace>>>,
    /// What ran and may be gone, by app and by the key of its identity.
    done: Mutex<HashMap<Identity, BTreeMap<String, Mark>>>,
    /// Held while a record is written to, so that a kind is named once.
    naming: tokio::sync::Mutex<()>,
}

impl ClusterState {
    /// A cluster of which nothing was seen yet.
    pub async fn reach(api: ClusterApi, cluster: &Object, secrets: Arc<Secrets>) -> Result<Self, DriverError> {
        let uid = api.uid().await?;
        Ok(Self {
            uid,
            api,
            secrets,
            cluster: cluster.identity.clone(),
            reached: (cluster.attributes.clone(), cluster.outputs.clone()),
            live: Mutex::default(),
            records: Mutex::default(),
            done: Mutex::default(),
            naming: tokio::sync::Mutex::default(),
        })
    }

    /// Whether another name leads to the same cluster.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.uid.is_some() && self.uid == other.uid && self.cluster != other.cluster
    }

    /// Whether this is what is known of a cluster that is reached in the same way.
    pub fn is_of(&self, cluster: &Object) -> bool {
        self.cluster == cluster.identity
            && (&self.reached.0, &self.reached.1) == (&cluster.attributes, &cluster.outputs)
    }

    /// Learns how an object is.
    pub fn learn_live(&self, identity: &Identity, live: Json) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(identity.clone(), Arc::new(live));
    }

    /// An object as it was last listed.
    pub fn live(&self, identity: &Identity) -> Option<Arc<Json>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(identity).cloned()
    }

    /// An object among those that were last listed.
    pub fn find_live(&self, is_it: impl Fn(&Json) -> bool) -> Option<Arc<Json>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).values().find(|one| is_it(one)).cloned()
    }

    /// Learns what the record of an app says.
    pub fn learn_record(&self, app: &Identity, record: &Json) {
        let kinds = app::kinds(record).into_values().collect();
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(app.clone(), done::read(record));
        self.records.lock().unwrap_or_else(PoisonError::into_inner).insert(app.clone(), kinds);
    }

    /// The app of an object that ran and may be gone, with the mark that it had.
    pub fn ran(&self, identity: &Identity) -> Option<(Identity, Mark)> {
        let key = done::key(identity);
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.iter().find_map(|(app, all)| Some((app.clone(), all.get(&key)?.clone())))
    }

    /// Remembers that an object ran, or that it is to run again, in the record of its app as well.
    pub async fn remember(&self, app: &Identity, object: &Identity, mark: Option<&Mark>) -> Result<(), DriverError> {
        done::write(&self.api, app, object, mark).await?;
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let all = done.entry(app.clone()).or_default();
        match mark {
            Some(mark) => all.insert(done::key(object), mark.clone()),
            None => all.remove(&done::key(object)),
        };
        Ok(())
    }

    /// Sees to it that the record of an app names a kind, before an object of it is made.
    pub async fn record(&self, app: &Identity, kind: &KindInNamespace) -> Result<(), DriverError> {
        let is_named = || {
            let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
            records.get(app).is_some_and(|kinds| kinds.contains(kind))
        };
        if is_named() {
            return Ok(());
        }
        let _alone = self.naming.lock().await;
        if is_named() {
            return Ok(());
        }
        app::name_kind(&self.api, app, kind).await?;
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.entry(app.clone()).or_default().insert(kind.clone());
        Ok(())
    }
}
