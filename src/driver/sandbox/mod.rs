//! The sandbox: an embedded world on disk that implements every kind.
//!
//! It is not a mock. It keeps the contract of drivers, survives the death of the process at any moment, lets several
//! processes in at once (so that somebody can break things while an apply runs), and plays outages, latency, throttling and
//! scripted faults on request.

mod chaos;
mod row;
mod session;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

pub use chaos::Fault;
pub use world::{World, WorldError};

use super::contract::{Driver, Service, Session};
use super::{Class, DriverError};
use crate::identity::Identity;
use crate::kind::Kind;
use crate::observed::{Object, Owner};
use session::Inside;

/// The embedded world as a driver: it keeps every kind, on every host.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

struct Shared {
    world: World,
    /// The token of the lease under which this run writes; 0 without one.
    token: AtomicU64,
}

impl Sandbox {
    /// A driver over a world.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self(Arc::new(Shared { world, token: AtomicU64::new(0) }))
    }

    /// The world itself, for playing with it behind Atlas's back.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.0.world
    }

    fn token(&self) -> u64 {
        self.0.token.load(Ordering::Relaxed)
    }

    /// What every call suffers: latency, outages, scripted faults.
    async fn suffer(&self, identity: &str, verb: &str, address: Option<&str>) -> Result<(), DriverError> {
        let latency = self.world().latency()?;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if let Some(reason) = self.world().outage_of(identity)? {
            return Err(DriverError::new(Class::Unreachable, reason));
        }
        let Some(address) = address else { return Ok(()) };
        match self.world().take_fault(address, verb)? {
            Some(fault) => Err(DriverError::new(fault.class, format!("the sandbox was told to fail: {}", fault.class))),
            None => Ok(()),
        }
    }

    /// An object answers as long as one of its hosts does.
    async fn reachable(&self, object: &Object) -> Result<(), DriverError> {
        if object.hosts.len() < 2 {
            return self.suffer(&object.identity, "read", None).await;
        }
        let mut last = Ok(());
        for host in &object.hosts {
            last = self.suffer(host, "read", None).await;
            if last.is_ok() {
                break;
            }
        }
        last
    }
}

#[async_trait]
impl Driver for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn serves(&self, _: &'static Kind, _: Option<&Object>) -> Service {
        Service::Keeps
    }

    fn simulates(&self) -> bool {
        true
    }

    fn fence(&self, token: u64) {
        self.0.token.store(token, Ordering::Relaxed);
    }

    fn reads_host(&self) -> bool {
        false
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        let host: Option<Identity> = host.map(|host| host.identity.clone());
        Ok(Arc::new(Inside { sandbox: self.clone(), owner: owner.clone(), host }))
    }
}
