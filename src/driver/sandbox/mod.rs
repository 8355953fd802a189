//! The sandbox: an embedded world on disk that implements every kind.
//!
//! It is not a mock. It keeps the contract of drivers, survives the death of the process at any moment, lets several
//! processes in at once (so that somebody can break things while an apply runs), and plays outages, latency, throttling and
//! scripted faults on request.

mod chaos;
mod error;
mod fenced;
mod row;
mod session;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

pub use chaos::ScriptedFault;
pub use error::WorldError;
pub use world::World;

use super::DriverError;
use super::contract::{Driver, Service, Session};
use crate::identity::Identity;
use crate::kind::Kind;
use crate::observed::{Object, Owner};
use fenced::FencedWorld;
use session::Inside;

/// The embedded world as a driver: it keeps every kind, on every host.
#[derive(Clone)]
pub struct Sandbox(Arc<FencedWorld>);

impl Sandbox {
    /// A driver over a world.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self(Arc::new(FencedWorld { world, token: AtomicU64::new(0) }))
    }

    /// The world itself, for playing with it behind Atlas's back.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.0.world
    }
}

#[async_trait]
impl Driver for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn serves(&self, _: &Kind, _: Option<&Object>) -> Service {
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
        Ok(Arc::new(Inside { sandbox: Arc::clone(&self.0), owner: owner.clone(), host }))
    }
}
