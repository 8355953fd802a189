//! Containers, networks, volumes, LocalStack regions and k3d-compatible clusters on engines that speak Docker's API.
//!
//! Objects carry their mark as labels, and what changes about a mark later as notes (see [`mark`]). A few lists tell all
//! that is on an engine; only containers are looked at one by one.

mod cluster;
mod container;
mod credentials;
mod engine;
mod error;
mod inside;
mod localstack;
mod mark;
mod network;
mod pace;
mod podman;
mod reference;
mod sight;
#[cfg(unix)]
mod ssh;
mod sweep;
mod volume;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use foldhash::HashMap;

pub use inside::{Heard, Input, Terminal};

use super::owner::{owned_by, taken};
use super::secret::Secrets;
use super::{Class, Driver, DriverError, Observation, Query, Removal, Request, Variables};
use crate::desired::Desired;
use crate::kind::{self, Kind, Outputs};
use crate::observed::{Mark, Object};
use crate::value::Value;
use container::Blueprint;
use engine::Engine;
use mark::Notes;
use pace::Pace;
use sight::Listed;
use sweep::Raw;

/// The kinds that engines serve. A region is theirs where it is a LocalStack container.
pub const KINDS: [&str; 5] = ["network", "volume", "container", "region", "cluster"];

/// An object that is there, and whose it is.
struct There {
    raw: Raw,
    listed: Listed,
    notes: Notes,
    mark: Option<Mark>,
}

/// Container engines as a driver, for those that one spec names.
pub struct Docker {
    project: String,
    environment: String,
    /// The folder of the spec.
    base: PathBuf,
    secrets: Secrets,
    engines: BTreeMap<Option<String>, Arc<Engine>>,
    /// The engine of each object of the spec, by identity.
    places: HashMap<String, Option<String>>,
    /// How the engine calls the object of a network or a volume, by address.
    names: Mutex<HashMap<String, String>>,
}

impl Docker {
    /// A driver for the engines that a spec names, and for the usual one.
    #[must_use]
    pub fn of(desired: &Desired, base: PathBuf, variables: &Variables) -> Self {
        let places: HashMap<String, Option<String>> = desired
            .objects()
            .filter(|instance| match instance.kind.name {
                "region" => !instance.attributes.get("localstack").is_null(),
                // One that exists already is nobody's container.
                "cluster" => kind::EXISTING.iter().all(|way| instance.attributes.get(way).is_null()),
                name => KINDS.contains(&name),
            })
            .map(|instance| (instance.identity.clone(), engine_of(&instance.attributes)))
            .collect();
        let named = places.values().cloned().chain([None]);
        let engines = named.map(|name| (name.clone(), Arc::new(Engine::new(name, Arc::clone(variables))))).collect();
        Self {
            project: desired.project.clone(),
            environment: desired.environment.clone(),
            secrets: Secrets::new(base.clone(), Arc::clone(variables)),
            base,
            engines,
            places,
            names: Mutex::default(),
        }
    }

    /// The engine that the spec or its identity says an object is on, if one of them does.
    fn own_engine(&self, identity: &str) -> Option<&Arc<Engine>> {
        let by_slug = |engine: &&Arc<Engine>| {
            let slug = engine.name.as_deref().map(kind::engine_word);
            slug.is_some_and(|slug| identity.contains(&format!("/{slug}:")))
        };
        let said = self.places.get(identity).and_then(|name| self.engines.get(name));
        said.or_else(|| self.engines.values().find(by_slug))
    }

    /// Whether an object that one engine tells of is on another one: two names may lead to the same.
    fn is_elsewhere(&self, engine: &Engine, identity: &str) -> bool {
        self.own_engine(identity).is_some_and(|own| own.name != engine.name)
    }

    /// The engine that an object is on: as the spec says, or as its identity tells.
    fn engine(&self, identity: &str) -> Result<&Arc<Engine>, DriverError> {
        let found = self.own_engine(identity).or_else(|| self.engines.get(&None));
        found.ok_or_else(|| DriverError::new(Class::Invalid, format!("no engine is known for `{identity}`")))
    }

    /// How the engine calls the object of a resource; a text that is no address is its own name.
    fn name_of(&self, address: &str) -> Result<String, DriverError> {
        if let Some(name) = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(address) {
            return Ok(name.clone());
        }
        match crate::address::Address::parse(address) {
            Ok(_) => Err(DriverError::new(Class::Invalid, format!("{address} is not there yet; apply it first"))),
            Err(_) => Ok(address.to_owned()),
        }
    }

    fn learn(&self, address: &str, name: &str) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(address.to_owned(), name.to_owned());
    }

    fn blueprint(&self, request: &Request<'_>) -> Result<Blueprint, DriverError> {
        let labels = mark::labels(request.mark, request.identity);
        let name = |address: &str| self.name_of(address);
        if request.kind.name == "region" {
            let region = request.mark.address.name();
            let container = localstack::name(&self.project, &self.environment, region);
            return localstack::blueprint(container, region, request.attributes, labels, name);
        }
        container::blueprint(request.attributes, labels, name, |reference| self.secret(reference))
    }

    /// The value of a secret, which goes to the engine and nowhere else.
    fn secret(&self, reference: &Value) -> Result<String, DriverError> {
        self.secrets.text(reference)
    }

    async fn make(&self, engine: &Engine, request: &Request<'_>) -> Result<Outputs, DriverError> {
        let labels = mark::labels(request.mark, request.identity);
        match request.kind.name {
            "cluster" => return self.lay_out(engine, None, request).await,
            "network" => network::create(engine, request.attributes, labels).await?,
            "volume" => {
                // An engine tells when a volume was made to the second only, so what is noted about one that is gone would
                // be taken for something about this one.
                Notes::read(engine).await?.clear(engine, request.identity).await?;
                volume::create(engine, request.attributes, labels).await?
            }
            _ => {
                let blueprint = self.blueprint(request)?;
                let seen = container::create(engine, &blueprint, &Pace::of(request)).await?;
                return Ok(self.outputs(request, &seen));
            }
        };
        if let Some(name) = request.attributes.get("name").as_str() {
            self.learn(request.mark.address.as_str(), name);
        }
        Ok(request.derived.clone())
    }

    /// Brings what is there to what it should be, and its mark along with it.
    async fn change(&self, engine: &Engine, there: &There, request: &Request<'_>) -> Result<Outputs, DriverError> {
        let outputs = match &there.raw {
            Raw::Container(seen) => {
                let blueprint = self.blueprint(request)?;
                let pace = Pace::of(request);
                let seen = container::update(engine, seen, &blueprint, &pace).await?;
                self.outputs(request, &seen)
            }
            Raw::Cluster(seen) => self.lay_out(engine, Some(seen), request).await?,
            Raw::Network(_) | Raw::Volume(_) => request.derived.clone(),
        };
        if there.mark.as_ref() != Some(request.mark) {
            there.notes.write(engine, request.identity, &there.listed.id, Some(request.mark)).await?;
        }
        if let Some(name) = request.attributes.get("name").as_str() {
            self.learn(request.mark.address.as_str(), name);
        }
        Ok(outputs)
    }

    async fn lay_out(
        &self,
        engine: &Engine,
        there: Option<&cluster::Seen>,
        request: &Request<'_>,
    ) -> Result<Outputs, DriverError> {
        let labels = mark::labels(request.mark, request.identity);
        let shared = request.attributes.at("k3d.network").and_then(Value::as_str);
        let network = shared.map(|address| self.name_of(address)).transpose()?;
        let volumes = request.attributes.at("k3d.volumes").unwrap_or(&Value::Null);
        let mounts = container::mounts(volumes, |address| self.name_of(address))?;
        let around = cluster::Around { network, mounts };
        cluster::apply(engine, there, request, labels, around, &self.kubeconfigs(engine)).await
    }

    /// Where kubeconfigs are kept: below the spec, or in the user's own file.
    fn kubeconfigs(&self, engine: &Engine) -> cluster::Places {
        let user = super::kubernetes::kubeconfigs(&engine.variables).into_iter().next();
        cluster::Places { own: self.base.join(".atlas/clusters").join(&self.environment), user }
    }

    fn outputs(&self, request: &Request<'_>, seen: &bollard::models::ContainerInspectResponse) -> Outputs {
        if request.kind.name == "region" {
            return request.derived.clone();
        }
        sweep::container_outputs(seen)
    }

    /// The name of the container of one of this project's regions.
    fn region(&self, identity: &str) -> String {
        let region = kind::name_in(identity);
        localstack::name(&self.project, &self.environment, region)
    }

    async fn there(&self, engine: &Engine, kind: &Kind, identity: &str) -> Result<Option<There>, DriverError> {
        let Some(raw) = self.raw(engine, kind, identity).await? else { return Ok(None) };
        let notes = Notes::read(engine).await?;
        let listed = raw.listed();
        let mark = mark::read(notes.latest(identity, &listed.id, &listed.labels));
        Ok(Some(There { raw, listed, notes, mark }))
    }

    async fn raw(&self, engine: &Engine, kind: &Kind, identity: &str) -> Result<Option<Raw>, DriverError> {
        let name = match kind.name {
            "region" => self.region(identity),
            _ => kind::name_in(identity).to_owned(),
        };
        sweep::one(self, engine, kind, identity, &name).await
    }
}

#[async_trait]
impl Driver for Docker {
    async fn observe(&self, query: &Query<'_>) -> Result<Observation, DriverError> {
        match query.hosts {
            None => Ok(sweep::everything(self, query).await),
            Some(hosts) => Ok(sweep::clusters(self, query, hosts).await),
        }
    }

    async fn read(&self, kind: &'static Kind, identity: &str) -> Result<Option<Object>, DriverError> {
        let engine = self.engine(identity)?;
        match self.raw(engine, kind, identity).await? {
            Some(raw) => sweep::object(self, engine, kind, identity, raw).await.map(Some),
            None => Ok(None),
        }
    }

    async fn create(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        let engine = self.engine(request.identity)?;
        let Some(there) = self.there(engine, request.kind, request.identity).await? else {
            return self.make(engine, request).await;
        };
        let free = there.mark.is_none() && request.adopt;
        if !free && !owned_by(there.mark.as_ref(), request.mark) {
            return Err(taken(there.mark.as_ref(), request.identity));
        }
        self.change(engine, &there, request).await
    }

    async fn update(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        let engine = self.engine(request.identity)?;
        let there = self.there(engine, request.kind, request.identity).await?;
        let there = there.ok_or_else(|| DriverError::new(Class::Conflict, "it is gone"))?;
        if !request.adopt && !owned_by(there.mark.as_ref(), request.mark) {
            return Err(taken(there.mark.as_ref(), request.identity));
        }
        self.change(engine, &there, request).await
    }

    async fn delete(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        let engine = self.engine(removal.identity)?;
        let there = self.there(engine, removal.kind, removal.identity).await?;
        let Some(There { raw, listed, notes, mark }) = there else { return Ok(()) };
        let unmarked = removal.unmarked && mark.is_none();
        if !unmarked && !owned_by(mark.as_ref(), removal.mark) {
            return Err(taken(mark.as_ref(), removal.identity));
        }
        if mark.is_some_and(|mark| mark.protect) {
            return Err(DriverError::new(Class::Denied, "its own mark protects it"));
        }
        if let Some(before) = removal.usage.filter(|usage| !usage.is_empty()) {
            let now = sweep::object(self, engine, removal.kind, removal.identity, raw.clone()).await?.usage;
            if before.iter().any(|(counter, most)| now.get(counter).is_some_and(|now| now > most)) {
                return Err(DriverError::new(Class::Conflict, "it holds more than when it was looked at"));
            }
        }
        match &raw {
            Raw::Network(_) => network::remove(engine, &listed.id).await?,
            Raw::Volume(_) => volume::remove(engine, &listed.name).await?,
            Raw::Cluster(seen) => cluster::remove(engine, seen, &self.kubeconfigs(engine)).await?,
            Raw::Container(_) => {
                container::remove(engine, &listed.id).await?;
                if removal.kind.name == "region" {
                    volume::remove(engine, &localstack::volume(&listed.name)).await?;
                }
            }
        }
        notes.clear(engine, removal.identity).await
    }

    async fn forget(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        let engine = self.engine(removal.identity)?;
        let there = self.there(engine, removal.kind, removal.identity).await?;
        let Some(there) = there else { return Ok(()) };
        if !owned_by(there.mark.as_ref(), removal.mark) {
            return Ok(());
        }
        there.notes.write(engine, removal.identity, &there.listed.id, None).await
    }
}

/// The engine that an object's attributes name.
fn engine_of(attributes: &crate::value::Attributes) -> Option<String> {
    let own = attributes.get("engine").as_str();
    own.or_else(|| attributes.at("localstack.engine").and_then(Value::as_str)).map(str::to_owned)
}
