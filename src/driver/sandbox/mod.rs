//! The sandbox: an embedded world on disk that implements every kind.
//!
//! It is not a mock. It keeps the contract of [`Driver`], survives the death of the process at any moment, lets
//! several processes in at once (so that somebody can break things while an apply runs), and plays outages, latency,
//! throttling and scripted faults on request.

mod chaos;
mod row;
mod world;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

pub use chaos::Fault;
pub use world::{World, WorldError};

use super::owner::{owned_by, taken};
use super::{Class, Driver, DriverError, Observation, Query, Removal, Request};
use crate::kind::{Kind, Outputs, Usage};
use crate::observed::Object;
use crate::value::Text;

/// The embedded world as a driver.
pub struct Sandbox {
    world: World,
    /// The token of the lease under which this run writes; 0 without one.
    token: AtomicU64,
}

impl Sandbox {
    /// A driver over a world.
    #[must_use]
    pub const fn new(world: World) -> Self {
        Self { world, token: AtomicU64::new(0) }
    }

    /// The world itself, for playing with it behind Atlas's back.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// What every call suffers: latency, outages, scripted faults.
    async fn suffer(&self, identity: &str, verb: &str, address: Option<&str>) -> Result<(), DriverError> {
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
}

#[async_trait]
impl Driver for Sandbox {
    fn fence(&self, token: u64) {
        self.token.store(token, Ordering::Relaxed);
    }

    async fn observe(&self, query: &Query<'_>) -> Result<Observation, DriverError> {
        let latency: Duration = self.world.latency()?;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let outages = self.world.outages()?;
        let dark = |identity: &str| outages.keys().any(|host| within(identity, host));
        // Room for all that is wanted: a vector that grows would touch twice the memory, and what stays unused costs nothing.
        let objects = Vec::with_capacity(if query.hosts.is_some() { query.wanted.len() } else { 0 });
        let mut observation = Observation { objects, unreachable: outages.clone(), made: BTreeSet::new() };
        let mine = |object: &Object| object.belongs_to(query.project, query.environment);
        let mut keep = |object: Object| {
            let answers = object.hosts.len() > 1 || !dark(&object.identity);
            if answers && (mine(&object) || query.wanted.contains_key(object.identity.as_str())) {
                observation.objects.push(object);
            }
        };
        match query.hosts {
            None => {
                self.world.visit_host("", &mut keep)?;
                observation.made = self.world.made(query.project, query.environment)?;
            }
            Some(hosts) => {
                let lit: Vec<&String> = hosts.iter().filter(|host| !dark(host)).collect();
                for host in &lit {
                    self.world.visit_host(host, &mut keep)?;
                }
                self.world.visit_host(world::SPANNING, &mut |object| {
                    if object.hosts.iter().any(|host| lit.contains(&host)) {
                        keep(object);
                    }
                })?;
            }
        }
        Ok(observation)
    }

    async fn read(&self, _: &'static Kind, identity: &str) -> Result<Option<Object>, DriverError> {
        let object = self.world.get(identity)?;
        match &object {
            Some(object) => self.reachable(object).await?,
            None => self.suffer(identity, "read", None).await?,
        }
        Ok(object)
    }

    async fn create(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        self.suffer(request.identity, "create", Some(request.mark.address.as_str())).await?;
        let mut object = Object {
            kind: request.kind,
            identity: request.identity.to_owned(),
            hosts: request.hosts.to_vec(),
            attributes: request.attributes.clone(),
            outputs: outputs(request),
            usage: request.kind.usage.iter().map(|counter| ((*counter).into(), 0)).collect::<Usage>(),
            mark: Some(request.mark.clone()),
            external: false,
            condition: Condition::Ready,
        };
        self.world.write(|transaction| {
            transaction.fence(request.mark, self.token.load(Ordering::Relaxed))?;
            if !request.hosts.is_empty() && !request.hosts.iter().any(|host| transaction.exists(host)) {
                return Err(DriverError::new(Class::Invalid, "its host is not there").into());
            }
            if let Some(there) = transaction.get(request.identity)? {
                let adoptable = request.adopt && there.mark.is_none();
                if !owned_by(there.mark.as_ref(), request.mark) && !adoptable {
                    return Err(taken(there.mark.as_ref(), &there.identity).into());
                }
                object.usage = there.usage;
            }
            transaction.put(&object)
        })?;
        Ok(object.outputs)
    }

    async fn update(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        self.suffer(request.identity, "update", Some(request.mark.address.as_str())).await?;
        Ok(self.world.write(|transaction| {
            transaction.fence(request.mark, self.token.load(Ordering::Relaxed))?;
            let Some(mut object) = transaction.get(request.identity)? else {
                return Err(DriverError::new(Class::Conflict, "it is gone").into());
            };
            if !owned_by(object.mark.as_ref(), request.mark) && !request.adopt {
                return Err(taken(object.mark.as_ref(), &object.identity).into());
            }
            if let Some(former) = object.mark.as_ref().filter(|mark| mark.address != request.mark.address) {
                transaction.forget_made(former)?;
            }
            object.attributes = request.attributes.clone();
            object.outputs.extend(request.derived.clone());
            object.hosts = request.hosts.to_vec();
            object.mark = Some(request.mark.clone());
            transaction.put(&object)?;
            Ok(object.outputs)
        })?)
    }

    async fn delete(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        self.suffer(removal.identity, "delete", Some(removal.mark.address.as_str())).await?;
        Ok(self.world.write(|transaction| {
            transaction.fence(removal.mark, self.token.load(Ordering::Relaxed))?;
            let Some(object) = transaction.get(removal.identity)? else {
                return transaction.forget_made(removal.mark);
            };
            let unmarked = removal.unmarked && object.mark.is_none();
            if !owned_by(object.mark.as_ref(), removal.mark) && !unmarked {
                return Err(taken(object.mark.as_ref(), &object.identity).into());
            }
            if object.mark.as_ref().is_some_and(|mark| mark.protect) {
                return Err(DriverError::new(Class::Denied, "its own mark protects it").into());
            }
            let more = |(counter, most): (&Text, &u64)| object.usage.get(counter).is_some_and(|now| now > most);
            if removal.usage.is_some_and(|usage| usage.iter().any(more)) {
                return Err(DriverError::new(Class::Conflict, "it holds more than when it was looked at").into());
            }
            let inside = transaction.contents(removal.identity)?;
            if inside > 0 {
                let what = format!("{inside} objects still live in it");
                return Err(DriverError::new(Class::Conflict, what).into());
            }
            transaction.remove(removal.identity)?;
            transaction.forget_made(removal.mark)
        })?)
    }

    async fn forget(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        self.suffer(removal.identity, "forget", Some(removal.mark.address.as_str())).await?;
        Ok(self.world.write(|transaction| {
            transaction.fence(removal.mark, self.token.load(Ordering::Relaxed))?;
            if let Some(mut object) =
                transaction.get(removal.identity)?.filter(|object| owned_by(object.mark.as_ref(), removal.mark))
            {
                object.mark = None;
                transaction.put(&object)?;
            }
            transaction.forget_made(removal.mark)
        })?)
    }
}

impl Sandbox {
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

/// Whether an object lives in a host, or is that host.
fn within(identity: &str, host: &str) -> bool {
    identity.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the object tells: what follows from its attributes, and what this world makes up for the rest.
fn outputs(request: &Request<'_>) -> Outputs {
    let mut outputs = request.derived.clone();
    for output in request.kind.outputs {
        let invented = match output.name {
            // The account that LocalStack has: <https://docs.localstack.cloud/references/credentials/>.
            "account" => "000000000000".to_owned(),
            _ => format!("sandbox://{}", request.identity),
        };
        outputs.entry(output.name.into()).or_insert(invented);
    }
    outputs
}
