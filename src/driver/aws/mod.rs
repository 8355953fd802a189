//! AWS: buckets, queues, roles and policies, in regions of AWS itself or behind any endpoint that speaks its protocols.
//!
//! A region is *given*: it is there, or does not answer, and Atlas never makes or removes one. Objects carry their mark
//! as tags, so what belongs to whom is known without any records. Looking is done in as few calls as the spec needs:
//! each service lists its objects once, and of each object only what the spec manages is read.

mod bucket;
mod error;
mod mark;
mod policy;
mod queue;
mod region;
mod role;
mod sight;
mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

pub use region::Settings;

use super::owner::{owned_by, taken};
use super::{Class, Driver, DriverError, Observation, Query, Removal, Request};
use crate::desired::Desired;
use crate::kind::{self, Facts, Kind, Outputs};
use crate::observed::Object;
use crate::value::{Attributes, Text, Value};
use region::Region;
use sight::{Names, Sight};

/// AWS as a driver, for the regions of one spec.
pub struct Aws {
    regions: BTreeMap<String, Arc<Region>>,
    names: Names,
}

impl Aws {
    /// A driver for the regions of a spec that say `aws`, and for what lives in those that are LocalStack containers.
    #[must_use]
    pub fn of(desired: &Desired) -> Self {
        let settings = desired.of_kind("region").filter_map(|region| {
            let attributes = &region.attributes;
            let get = |path: &str| attributes.at(path).and_then(Value::as_str).map(str::to_owned);
            let name = region.declaration.name.to_string();
            if !attributes.get("localstack").is_null() {
                let facts = Facts { attributes, name: &name, place: None, host: None };
                let endpoint = region.kind.derive_outputs(&facts).get("endpoint").cloned();
                return Some(Settings { name, endpoint, profile: None, contained: true });
            }
            (!attributes.get("aws").is_null()).then(|| Settings {
                name,
                endpoint: get("aws.endpoint"),
                profile: get("aws.profile"),
                contained: false,
            })
        });
        Self::new(settings)
    }

    /// A driver for some regions.
    #[must_use]
    pub fn new(settings: impl IntoIterator<Item = Settings>) -> Self {
        let regions = settings.into_iter().map(Region::new).map(|region| (region.identity(), region)).collect();
        Self { regions, names: Names::default() }
    }

    /// The region and the name of an object.
    fn locate<'a>(&self, identity: &'a str) -> Result<(&Arc<Region>, &'a str), DriverError> {
        let mut parts = identity.splitn(4, '/');
        let host = format!("{}/{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let name = parts.nth(1).unwrap_or_default();
        let unknown = || DriverError::new(Class::Invalid, format!("no region is known for `{identity}`"));
        Ok((self.regions.get(&host).ok_or_else(unknown)?, name))
    }

    /// Looks at one object as it is now, whoever owns it.
    async fn sight(
        &self,
        kind: &Kind,
        identity: &str,
        wanted: Option<&Attributes>,
        usage: bool,
    ) -> Result<Option<Sight>, DriverError> {
        let (region, name) = self.locate(identity)?;
        match kind.name {
            "bucket" => bucket::look(region, name, wanted, true, usage).await,
            "queue" => queue::look(region, name, true).await,
            "role" => role::look(region, name, wanted, true).await,
            _ => {
                // A policy is found by its whole ARN, and only its attributes tell the path in it.
                match wanted {
                    Some(attributes) => {
                        policy::look(region, &policy::arn(region, attributes).await?, wanted, true).await
                    }
                    None => {
                        let ending = format!("/{name}");
                        let arns = policy::list(region).await?;
                        match arns.iter().find(|arn| arn.ends_with(&ending)) {
                            Some(arn) => policy::look(region, arn, None, true).await,
                            None => Ok(None),
                        }
                    }
                }
            }
        }
    }

    async fn make(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        let (region, name) = self.locate(request.identity)?;
        match request.kind.name {
            "bucket" => bucket::create(region, name, request, &self.names).await?,
            "queue" => queue::create(region, name, request, &self.names).await?,
            "role" => role::create(region, name, request, &self.names).await?,
            _ => policy::create(region, request, &self.names).await?,
        }
        Ok(request.derived.clone())
    }

    async fn change(&self, there: &Sight, request: &Request<'_>) -> Result<Outputs, DriverError> {
        let (region, name) = self.locate(request.identity)?;
        match request.kind.name {
            "bucket" => bucket::update(region, name, there, request, &self.names).await?,
            "queue" => queue::update(region, name, there, request, &self.names).await?,
            "role" => role::update(region, name, there, request, &self.names).await?,
            _ => policy::update(region, there, request, &self.names).await?,
        }
        Ok(request.derived.clone())
    }
}

#[async_trait]
impl Driver for Aws {
    async fn observe(&self, query: &Query<'_>) -> Result<Observation, DriverError> {
        match query.hosts {
            // A container is somebody else's to look at.
            None => Ok(sweep::regions(self.regions.values().filter(|region| !region.settings.contained)).await),
            Some(hosts) => {
                let regions = hosts.iter().filter_map(|host| self.regions.get(host)).cloned().collect();
                Ok(sweep::contents(regions, query, &self.names).await)
            }
        }
    }

    async fn read(&self, kind: &'static Kind, identity: &str) -> Result<Option<Object>, DriverError> {
        let sight = self.sight(kind, identity, None, true).await?;
        let (region, _) = self.locate(identity)?;
        let account = region.account().await?;
        Ok(sight.map(|sight| sweep::with_outputs(sight.object(&self.names, None), region, account)))
    }

    async fn create(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        let there = self.sight(request.kind, request.identity, Some(request.attributes), false).await?;
        if let Some(there) = there {
            let free = there.mark().is_none() && request.adopt;
            if !free && !owned_by(there.mark().as_ref(), request.mark) {
                return Err(taken(there.mark().as_ref(), request.identity));
            }
            return self.change(&there, request).await;
        }
        match self.make(request).await {
            // An answer that was lost on the way makes the SDK ask again, and then it is there already.
            Err(error) if error.class == Class::Conflict => {
                let there = self.sight(request.kind, request.identity, Some(request.attributes), false).await?;
                match there.filter(|there| owned_by(there.mark().as_ref(), request.mark)) {
                    Some(there) => self.change(&there, request).await,
                    None => Err(error),
                }
            }
            other => other,
        }
    }

    async fn update(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        let there = self.sight(request.kind, request.identity, Some(request.attributes), false).await?;
        let Some(there) = there else { return Err(DriverError::new(Class::Conflict, "it is gone")) };
        if !request.adopt && !owned_by(there.mark().as_ref(), request.mark) {
            return Err(taken(there.mark().as_ref(), request.identity));
        }
        self.change(&there, request).await
    }

    async fn delete(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        let there = self.sight(removal.kind, removal.identity, None, removal.usage.is_some()).await?;
        let Some(there) = there else { return Ok(()) };
        let unmarked = removal.unmarked && there.mark().is_none();
        if !unmarked && !owned_by(there.mark().as_ref(), removal.mark) {
            return Err(taken(there.mark().as_ref(), removal.identity));
        }
        if there.mark().is_some_and(|mark| mark.protect) {
            return Err(DriverError::new(Class::Denied, "its own mark protects it"));
        }
        let more = |(counter, most): (&Text, &u64)| there.usage.get(counter).is_some_and(|now| now > most);
        if removal.usage.is_some_and(|usage| usage.iter().any(more)) {
            return Err(DriverError::new(Class::Conflict, "it holds more than when it was looked at"));
        }
        let (region, name) = self.locate(removal.identity)?;
        match removal.kind.name {
            "bucket" => bucket::delete(region, name, mark::empties(&there.tags)).await,
            "queue" => queue::delete(region, name).await,
            "role" => role::delete(region, name).await,
            _ => policy::delete(region, &there.arn).await,
        }
    }

    async fn forget(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        let there = self.sight(removal.kind, removal.identity, None, false).await?;
        let Some(there) = there.filter(|there| owned_by(there.mark().as_ref(), removal.mark)) else { return Ok(()) };
        let (region, name) = self.locate(removal.identity)?;
        match removal.kind.name {
            "bucket" => bucket::forget(region, name, &there).await,
            "queue" => queue::forget(region, name, &there).await,
            "role" => role::forget(region, name, &there).await,
            _ => policy::forget(region, &there).await,
        }
    }
}

/// A text attribute, when it is set and known.
fn text<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.get(name).as_str()
}

/// The ARN of a resource that an attribute names.
fn resolve(names: &Names, address: &str) -> Result<String, DriverError> {
    let unknown = || DriverError::new(Class::Invalid, format!("{address} has no ARN yet; apply it first"));
    names.arn(address).ok_or_else(unknown)
}

/// IAM hands out documents with their special characters encoded as in addresses:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn region_kind() -> &'static Kind {
    kind::get("region").unwrap_or(kind::ALL[0])
}
