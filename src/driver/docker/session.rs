//! What one owner does on engines: with what lives in nothing but the world, or with the clusters of one region.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use super::container::Blueprint;
use super::engine::Engine;
use super::engines::named_by;
use super::inspected::{Inspected, container_outputs};
use super::mark::{self, Labels};
use super::note::Notes;
use super::pace::Pace;
use super::read::There;
use super::restart::outlast;
use super::scope::SessionScope;
use super::{cluster, container, list, localstack, names, network, read, survey, volume};
use crate::driver::{Claims, Class, DriverError, Listing, Look, Request, Seen, Session, kubernetes};
use crate::kind::{KindRef, Outputs};
use crate::observed::Mark;

/// A session on the engines that something names.
pub(super) struct EngineSession(pub SessionScope);

impl EngineSession {
    /// The engine on which something is to be made.
    fn engine(&self, want: &Request<'_>) -> Arc<Engine> {
        let name = named_by(want.kind.name, want.attributes).flatten();
        self.0.engines().get(name.as_deref())
    }

    /// Where kubeconfigs are kept: below the spec, or in the user's own file.
    fn kubeconfigs(&self) -> cluster::Kubeconfigs {
        let user: Option<PathBuf> = kubernetes::kubeconfigs(&self.0.surroundings.variables).into_iter().next();
        let (root, owner) = (self.0.surroundings.base.join(".atlas"), &self.0.owner);
        let all = root.join("clusters");
        let own = all.join(owner.project.as_str()).join(owner.environment.as_str());
        cluster::Kubeconfigs { root, own, older: all.join(owner.environment.as_str()), user }
    }

    fn blueprint(&self, want: &Request<'_>, labels: Labels) -> Result<Blueprint, DriverError> {
        if want.kind.name == "region" {
            let name = want.identity.name();
            let token = self.0.surroundings.secrets.variable(localstack::TOKEN);
            return Ok(localstack::blueprint(self.0.name(want.identity), &name, want.attributes, labels, token));
        }
        container::blueprint(want.attributes, labels, &self.0.surroundings.base, |reference| self.0.secret(reference))
    }

    async fn lay_out(
        &self,
        engine: &Engine,
        there: Option<&cluster::Nodes>,
        want: &Request<'_>,
    ) -> Result<Outputs, DriverError> {
        let labels = mark::labels_of_new(want.mark, want.identity)?;
        cluster::apply(engine, there, want, labels, self.token(want)?, &self.kubeconfigs()).await
    }

    /// The token that the spec says for a cluster, which is read before anything is touched.
    fn token(&self, want: &Request<'_>) -> Result<Option<String>, DriverError> {
        let reference = want.attributes.at("k3d.token").filter(|reference| !reference.is_null());
        reference.map(|reference| self.0.secret(reference)).transpose()
    }

    async fn make(&self, engine: &Engine, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let labels = mark::labels_of_new(want.mark, want.identity)?;
        match want.kind.name {
            "cluster" => self.lay_out(engine, None, want).await,
            "network" => network::create(engine, want.attributes, labels).await.map(|()| want.derived.clone()),
            "volume" => {
                // A volume is known by the second in which it was made, so notes about one that is gone could be taken
                // for notes about this one.
                Notes::about(engine, want.identity).await?.clear(engine, want.identity).await?;
                volume::create(engine, want.attributes, labels).await.map(|()| want.derived.clone())
            }
            kind => {
                let blueprint = self.blueprint(want, labels)?;
                let made = container::create(engine, &blueprint, &Pace::of(want)).await;
                let seen = made?;
                Ok(if kind == "region" { want.derived.clone() } else { container_outputs(&seen) })
            }
        }
    }

    /// Makes a container again that never started. An engine that died while it started one may hold a remainder of it for
    /// ever, which no call removes, and starts none under that id any more. Nothing is lost with it.
    async fn make_again(&self, there: &There, want: &Request<'_>) -> Result<Outputs, DriverError> {
        container::remove_unstarted(&there.engine, &there.listed.id).await?;
        there.notes.clear(&there.engine, want.identity).await?;
        self.make(&there.engine, want).await
    }

    /// Brings what is there to what it should be.
    async fn change(&self, there: &There, want: &Request<'_>) -> Result<Outputs, DriverError> {
        match &there.inspected {
            Inspected::Cluster(seen) => self.lay_out(&there.engine, Some(seen), want).await,
            Inspected::Network(_) | Inspected::Volume(_) => Ok(want.derived.clone()),
            Inspected::Container(seen, _) => {
                let blueprint = self.blueprint(want, mark::labels(want.mark, want.identity))?;
                let changed = container::update(&there.engine, seen, &blueprint, &Pace::of(want)).await;
                let seen = changed?;
                Ok(if want.kind.name == "region" { want.derived.clone() } else { container_outputs(&seen) })
            }
        }
    }
}

#[async_trait]
impl Session for EngineSession {
    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        Ok(list::list(&self.0, kinds, claims).await)
    }

    async fn survey(&self, kinds: &[KindRef]) -> Result<Listing, DriverError> {
        match self.0.host {
            None => survey::survey(&self.0, kinds).await,
            Some(_) => Ok(Listing::default()),
        }
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        let engine = self.0.engines().of(look.identity, look.wanted)?;
        outlast(&engine, None, read::read(&self.0, look).await).await
    }

    /// Fetches the image, resolves the secrets, and lets the engine make a container of that sort under another name, which
    /// never starts and is removed again: it says what it does not accept.
    async fn prepare(&self, want: &Request<'_>) -> Result<(), DriverError> {
        let (engine, pace) = (self.engine(want), Pace::of(want));
        let prepared = match want.kind.name {
            "container" | "region" => {
                let blueprint = self.blueprint(want, Labels::new())?;
                container::prepare(&engine, &blueprint, &pace).await
            }
            "cluster" => {
                self.token(want)?;
                cluster::rehearse(&engine, want, &pace).await
            }
            _ => engine.docker().await.map(drop),
        };
        outlast(&engine, Some(&pace), prepared).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let engine = self.engine(want);
        let made = self.make(&engine, want).await;
        // A container that could not start exists from now on, too.
        self.0.engines().remember(want.identity, &engine);
        outlast(&engine, Some(&Pace::of(want)), made).await
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let there = There::of(seen)?;
        let updated = self.bring(there, want).await;
        outlast(&there.engine, Some(&Pace::of(want)), updated).await
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        outlast(&There::of(seen)?.engine, None, self.remove(seen).await).await
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        let there = There::of(seen)?;
        let written = async {
            if !there.is_still_there().await? {
                return Err(DriverError::new(Class::Conflict, "it is gone"));
            }
            there.notes.write(&there.engine, &seen.object.identity, &there.listed.id, mark).await
        };
        outlast(&there.engine, None, written.await).await
    }
}

impl EngineSession {
    /// Brings what is there, and its mark, to what they should be.
    async fn bring(&self, there: &There, want: &Request<'_>) -> Result<Outputs, DriverError> {
        if there.is_unstarted() {
            return self.make_again(there, want).await;
        }
        let outputs = match self.change(there, want).await {
            // Each call reports a missing object in its own way, so the engine is asked again.
            Err(error) if !there.is_still_there().await.unwrap_or(true) => {
                return Err(DriverError::new(Class::Conflict, format!("it is gone: {error}")));
            }
            other => other?,
        };
        if there.mark.as_ref() != Some(want.mark) {
            there.notes.write(&there.engine, want.identity, &there.listed.id, Some(want.mark)).await?;
        }
        Ok(outputs)
    }

    async fn remove(&self, seen: &Seen) -> Result<(), DriverError> {
        let (there, identity) = (There::of(seen)?, &seen.object.identity);
        let There { engine, listed, .. } = there;
        if !there.is_certain {
            let name = self.0.name(identity);
            return Err(DriverError::new(Class::Conflict, format!("it {}", list::renamed(&listed.name, &name))));
        }
        match &there.inspected {
            Inspected::Network(_) => {
                network::vacate(engine, &listed.id, there.mark.as_ref()).await?;
                network::remove(engine, &listed.id).await?;
            }
            Inspected::Volume(_) => {
                // A volume is removed by its name, which another one may have by now.
                let now = volume::inspect(engine, &listed.name).await?.map(|now| volume::listed(&now).id);
                match now {
                    Some(now) if now != listed.id => return Err(another(&listed.name)),
                    Some(_) => volume::remove(engine, &listed.name).await?,
                    None => {}
                }
            }
            Inspected::Cluster(seen) => cluster::remove(engine, seen, &self.kubeconfigs()).await?,
            Inspected::Container(seen, _) => {
                let is_removed = container::remove(engine, &listed.id).await?;
                if !is_removed && container::inspect(engine, &listed.name).await?.is_some() {
                    return Err(another(&listed.name));
                }
                container::end_trial(engine, &listed.name).await?;
                let data = localstack::data(seen).filter(|_| identity.kind() == "region");
                if let Some(data) = data.filter(|data| *data == names::region_data(&self.0.name(identity))) {
                    volume::remove(engine, data).await?;
                }
            }
        }
        self.0.engines().forget(identity);
        there.notes.clear(engine, identity).await
    }
}

fn another(name: &str) -> DriverError {
    DriverError::new(Class::Conflict, format!("what was seen is gone, and another one is called `{name}` by now"))
}
