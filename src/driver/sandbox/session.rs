//! What lives in one host of the sandbox's world.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::error::WorldError;
use super::fenced::FencedWorld;
use super::world::{Transaction, World};
use crate::address::Address;
use crate::driver::contract::{Claims, Listing, Look, Request, Seen, Session};
use crate::driver::{Class, DriverError};
use crate::identity::Identity;
use crate::kind::{self, Count, Host, KindRef, Outputs, Usage};
use crate::observed::{Condition, DeliveredObject, Mark, Object, Owner};
use crate::render::objects::is_delivery;
use crate::value::Text;

/// A session on one host; without one, on the world itself.
pub(super) struct Inside {
    pub sandbox: Arc<FencedWorld>,
    pub owner: Owner,
    pub host: Option<Identity>,
}

impl Inside {
    fn world(&self) -> &World {
        &self.sandbox.world
    }

    /// What happens first in a call that changes an object. Faults are scripted by the address of the object's
    /// resource.
    async fn inject(&self, object: &Object, verb: &str) -> Result<(), DriverError> {
        let address = object.resource().map(|address| address.as_str().to_owned());
        self.sandbox.inject(&object.identity, verb, address.as_deref()).await
    }
}

/// What an Argo CD delivers: nobody simulates one, so it is whatever of its app is there and nobody's.
fn delivered(objects: &[Object], claims: &Claims<'_>) -> Vec<DeliveredObject> {
    let is_given =
        |one: &&Object| one.mark.as_ref().is_some_and(|mark| claims.owner.has(mark)) && is_delivery(&one.attributes);
    let apps = objects.iter().filter(is_given).filter_map(|one| one.resource()?.parent());
    let parts = |app: Address| {
        let nobodys = objects.iter().filter(|one| one.mark.is_none() && one.kind.name == kind::OBJECT.name);
        nobodys.filter_map(|one| DeliveredObject::of(&app, &one.identity)).collect::<Vec<_>>()
    };
    apps.flat_map(parts).collect()
}

#[async_trait]
impl Session for Inside {
    fn speaks_addresses(&self) -> bool {
        true
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        let latency = self.world().latency()?;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let outages = self.world().outages()?;
        let out = |identity: &str| outages.keys().any(|host| super::chaos::within(identity, host));
        // Room for all that is wanted: a vector that grows would touch twice the memory, and what stays unused costs nothing.
        let mut objects = Vec::with_capacity(if self.host.is_some() { claims.wanted.len() } else { 0 });
        let mut keep = |object: Object| {
            let answers = object.hosts.len() > 1 || !out(&object.identity);
            if answers && claims.ask_for(&object.identity, object.mark.as_ref()) {
                objects.push(object);
            }
        };
        let mut made = BTreeSet::new();
        match &self.host {
            None => {
                self.world().visit_host("", &mut keep)?;
                made = self.world().made(&claims.owner.project, &claims.owner.environment)?;
            }
            Some(host) if !out(host) => {
                self.world().visit_host(host, &mut keep)?;
                if kinds.iter().any(|kind| kind.host == Host::AnyServer) {
                    self.world().visit_spanning(host, &mut keep)?;
                }
            }
            Some(_) => {}
        }
        let unreachable = match self.host {
            None => outages.into_iter().map(|(host, reason)| (Identity::from_text(host), reason)).collect(),
            Some(_) => std::collections::BTreeMap::new(),
        };
        let delivered = delivered(&objects, claims);
        Ok(Listing { objects, unreachable, made, delivered, ..Listing::default() })
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        let object = self.world().get(look.identity)?;
        match &object {
            Some(object) => self.sandbox.reachable(object).await?,
            None => self.sandbox.inject(look.identity, "read", None).await?,
        }
        Ok(object.map(Seen::new))
    }

    async fn writers(&self, seen: &Seen) -> Vec<String> {
        // That nobody knows is no failure.
        self.world().writer(&seen.object.identity).ok().flatten().into_iter().collect()
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.sandbox.inject(want.identity, "create", Some(want.mark.address.as_str())).await?;
        let object = Object {
            kind: want.kind.clone(),
            identity: want.identity.clone(),
            hosts: want.hosts.to_vec(),
            attributes: want.attributes.clone(),
            outputs: outputs(want),
            usage: want.kind.usage.iter().map(|counter| ((*counter).into(), Count::Exactly(0))).collect::<Usage>(),
            mark: Some(want.mark.clone()),
            external: false,
            unsaid: Vec::new(),
            condition: Condition::Ready,
        };
        self.world().write(|transaction| {
            transaction.fence(&self.owner, self.sandbox.token())?;
            if !want.hosts.is_empty() && !want.hosts.iter().any(|host| transaction.exists(host)) {
                return Err(DriverError::new(Class::Invalid, "its host is not there").into());
            }
            if transaction.exists(want.identity) {
                return Err(DriverError::new(Class::Conflict, "something is there already").into());
            }
            transaction.put(&object)
        })?;
        Ok(object.outputs)
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.sandbox.inject(want.identity, "update", Some(want.mark.address.as_str())).await?;
        Ok(self.world().write(|transaction| {
            transaction.fence(&self.owner, self.sandbox.token())?;
            let mut object = same(transaction, seen, want.most)?
                .ok_or_else(|| WorldError::from(DriverError::new(Class::Conflict, "it is gone")))?;
            if let Some(former) = object.mark.as_ref().filter(|mark| mark.address != want.mark.address) {
                transaction.forget_made(former)?;
            }
            object.attributes = want.attributes.clone();
            object.outputs.extend(want.derived.clone());
            object.hosts = want.hosts.to_vec();
            object.mark = Some(want.mark.clone());
            transaction.put(&object)?;
            Ok(object.outputs)
        })?)
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        self.inject(&seen.object, "delete").await?;
        Ok(self.world().write(|transaction| {
            transaction.fence(&self.owner, self.sandbox.token())?;
            if same(transaction, seen, Some(&seen.object.usage))?.is_some() {
                let inside = transaction.contents(&seen.object.identity)?;
                if inside > 0 {
                    let what = format!("{inside} objects still live in it");
                    return Err(DriverError::new(Class::Conflict, what).into());
                }
                transaction.remove(&seen.object.identity)?;
                seen.object.mark.as_ref().map_or(Ok(()), |mark| transaction.forget_made(mark))?;
            }
            Ok(())
        })?)
    }

    async fn release(&self, mark: &Mark) -> Result<(), DriverError> {
        Ok(self.world().write(|transaction| {
            transaction.fence(&self.owner, self.sandbox.token())?;
            transaction.forget_made(mark)
        })?)
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        self.inject(&seen.object, if mark.is_some() { "update" } else { "forget" }).await?;
        Ok(self.world().write(|transaction| {
            transaction.fence(&self.owner, self.sandbox.token())?;
            if let Some(mut object) = same(transaction, seen, None)? {
                object.mark = mark.cloned();
                transaction.put(&object)?;
            }
            seen.object.mark.as_ref().map_or(Ok(()), |former| transaction.forget_made(former))
        })?)
    }
}

/// The object as it is in this transaction, when it still is whose it was and holds no more than `most`; none when it is gone.
fn same(transaction: &Transaction<'_>, seen: &Seen, most: Option<&Usage>) -> Result<Option<Object>, WorldError> {
    let Some(object) = transaction.get(&seen.object.identity)? else { return Ok(None) };
    if object.mark != seen.object.mark {
        let who = format!("it changed hands a moment ago, and belongs to {}", object.owner());
        return Err(DriverError::new(Class::Conflict, who).into());
    }
    let more = |(counter, most): (&Text, &Count)| object.usage.get(counter).is_some_and(|now| now.may_exceed(*most));
    if most.is_some_and(|most| most.iter().any(more)) {
        return Err(DriverError::new(Class::Conflict, "it holds more than when it was looked at").into());
    }
    Ok(Some(object))
}

/// What the object tells: what follows from its attributes, and what this world makes up for the rest.
fn outputs(want: &Request<'_>) -> Outputs {
    let mut outputs = want.derived.clone();
    for output in want.kind.outputs.iter() {
        let invented = match output.name {
            // The account that LocalStack has: <https://docs.localstack.cloud/references/credentials/>.
            "account" => "000000000000".to_owned(),
            _ => format!("sandbox://{}", want.identity),
        };
        outputs.entry(output.name.into()).or_insert(invented);
    }
    outputs
}
