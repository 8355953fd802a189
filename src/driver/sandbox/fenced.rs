//! The world as one run sees it: under the token of its lease, with the latency, outages and faults that it was told to play.

use std::sync::atomic::{AtomicU64, Ordering};

use super::world::World;
use crate::driver::{Class, DriverError};
use crate::observed::Object;

/// The world, and the token of the lease under which this run writes.
pub(super) struct FencedWorld {
    pub world: World,
    /// The token of the lease under which this run writes; 0 without one.
    pub token: AtomicU64,
}

impl FencedWorld {
    /// The token of the lease under which this run writes; 0 without one.
    pub fn token(&self) -> u64 {
        self.token.load(Ordering::Relaxed)
    }

    /// What happens in every call: latency, outages, scripted faults.
    pub async fn inject(&self, identity: &str, verb: &str, address: Option<&str>) -> Result<(), DriverError> {
        let latency = self.world.latency()?;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if let Some(reason) = self.world.outage_of(identity)? {
            return Err(DriverError::new(Class::Unreachable, reason));
        }
        let Some(address) = address else { return Ok(()) };
        match self.world.take_fault(address, verb)? {
            Some(fault) => Err(DriverError::new(fault.class, format!("the sandbox was told to fail: {}", fault.class))),
            None => Ok(()),
        }
    }

    /// An object answers as long as one of its hosts does.
    pub async fn reachable(&self, object: &Object) -> Result<(), DriverError> {
        if object.hosts.len() < 2 {
            return self.inject(&object.identity, "read", None).await;
        }
        let mut last = Ok(());
        for host in &object.hosts {
            last = self.inject(host, "read", None).await;
            if last.is_ok() {
                break;
            }
        }
        last
    }
}
