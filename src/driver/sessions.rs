//! The sessions of one run: each driver is opened on each host at most once, also on a host that was made a moment ago.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use tokio::sync::OnceCell;

use super::calls::Calls;
use super::contract::{Driver, Session};
use super::scrubbed::{ScrubbedSession, scrubbed};
use super::{Class, DriverError, Registry};
use crate::identity::Identity;
use crate::kind::{Catalog, Kind};
use crate::observed::{Locations, Object, Owner, whereabouts};

/// The open sessions of one run. Cheap to clone: all clones share them.
#[derive(Clone)]
pub struct Sessions(Arc<OpenSessions>);

struct OpenSessions {
    registry: Registry,
    owner: Owner,
    kinds: Catalog,
    /// The hosts of which a step may want to open a session, as they were last seen or made.
    hosts: Mutex<HashMap<Identity, Arc<Object>>>,
    open: Mutex<HashMap<SessionKey, OpenSession>>,
    looks: AtomicU64,
    calls: Arc<Calls>,
}

/// A driver by its position, and the host.
type SessionKey = (usize, Option<Identity>);

/// A session, and the host object that it was opened on.
#[derive(Clone)]
struct OpenSession {
    host: Option<Arc<Object>>,
    session: Arc<OnceCell<Arc<dyn Session>>>,
}

impl Sessions {
    /// No session is open yet.
    #[must_use]
    pub fn new(registry: Registry, owner: Owner, kinds: Catalog) -> Self {
        let (hosts, open, looks) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
        let calls = Arc::default();
        Self(Arc::new(OpenSessions { registry, owner, kinds, hosts, open, looks, calls }))
    }

    /// The drivers.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// For whose objects the sessions are.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.0.owner
    }

    /// The kinds whose objects the drivers are asked for.
    #[must_use]
    pub fn kinds(&self) -> &Catalog {
        &self.0.kinds
    }

    /// How often drivers were called so far.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// The number of another look at the world.
    #[must_use]
    pub fn next_look(&self) -> u64 {
        self.0.looks.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Learns of a host object, so that a step can open a session on it. When the object has changed, a session that is
    /// open on it is opened again.
    pub fn learn(&self, host: Object) {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.get(&host.identity).is_none_or(|known| **known != host) {
            hosts.insert(host.identity.clone(), Arc::new(host));
        }
    }

    /// Where an object of this identity is made, as [`Observed::place_of`] tells it to later runs; `locations` are those
    /// that were observed. Of a host that was made in this run, what its driver told when it was made.
    ///
    /// [`Observed::place_of`]: crate::observed::Observed::place_of
    #[must_use]
    pub fn place_of(&self, locations: &Locations, identity: &Identity) -> String {
        let hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        whereabouts(locations, [identity].into_iter(), identity.host().iter(), |host| hosts.get(host).map(Arc::as_ref))
    }

    /// A session of a driver on a host.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn open(&self, driver: usize, host: Option<&Object>) -> Result<Arc<dyn Session>, DriverError> {
        let Some(opener) = self.0.registry.drivers().nth(driver) else { return Err(nobody("this host")) };
        let opened = self.opened(driver, opener.as_ref(), host);
        let hidden = self.0.registry.hidden();
        let open = async || {
            let inner = opener.open(opened.host.as_deref().or(host), &self.0.owner).await;
            let inner = inner.map_err(|error| scrubbed(error, hidden))?;
            Ok::<Arc<dyn Session>, DriverError>(Arc::new(ScrubbedSession {
                inner,
                hidden: Arc::clone(hidden),
                driver: opener.name(),
                calls: Arc::clone(&self.0.calls),
            }))
        };
        opened.session.get_or_try_init(open).await.cloned()
    }

    /// The session in which objects of a kind are made, changed and deleted: on the first of their hosts that is there.
    ///
    /// # Errors
    /// When none of their hosts was seen, or no driver keeps such objects there.
    pub async fn keeper(&self, kind: &Kind, hosts: &[Identity]) -> Result<Arc<dyn Session>, DriverError> {
        if hosts.is_empty() {
            let (driver, _) = self.0.registry.keeper(kind, None).ok_or_else(|| nobody(kind.name))?;
            return self.open(driver, None).await;
        }
        let known: Vec<Arc<Object>> = {
            let all = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            hosts.iter().filter_map(|host| all.get(host).cloned()).collect()
        };
        let Some(first) = known.first() else {
            let which = hosts[0].as_str();
            return Err(DriverError::new(
                Class::Unreachable,
                format!("its host `{which}` is not there, or was not seen"),
            ));
        };
        let keeper = |host: &Arc<Object>| Some((self.0.registry.keeper(kind, Some(host))?.0, Arc::clone(host)));
        let (driver, host) =
            known.iter().find_map(keeper).ok_or_else(|| nobody(&format!("{} in {}", kind.name, first.identity)))?;
        self.open(driver, Some(&host)).await
    }

    fn opened(&self, driver: usize, opener: &dyn Driver, host: Option<&Object>) -> OpenSession {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (driver, host.map(|host| host.identity.clone()));
        let fresh = |one: &OpenSession| match (&one.host, host) {
            (Some(then), Some(now)) => (&then.attributes, &then.outputs) == (&now.attributes, &now.outputs),
            _ => true,
        };
        if let Some(one) = open.get(&key).filter(|one| fresh(one)) {
            return one.clone();
        }
        let host = host.filter(|_| opener.reads_host()).map(|host| Arc::new(host.clone()));
        let one = OpenSession { host, session: Arc::default() };
        open.insert(key, one.clone());
        one
    }
}

fn nobody(what: &str) -> DriverError {
    DriverError::new(Class::Invalid, format!("no driver keeps {what}"))
}
