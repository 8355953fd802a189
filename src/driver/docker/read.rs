//! Looking at one object of an engine.

use std::sync::Arc;

use bollard::models::{ContainerInspectResponse, Network};

use super::engine::Engine;
use super::inspected::{Counters, Inspected};
use super::list::several;
use super::listed::{Identified, Listed};
use super::note::Notes;
use super::scope::SessionScope;
use super::spec_side::SpecSide;
use super::{cluster, container, network, volume};
use crate::driver::{Class, DriverError, Look, Seen};
use crate::identity::Identity;
use crate::kind::KindRef;
use crate::observed::Mark;
use crate::value::Value;

/// An object that was seen on an engine, with all that is wanted of it again when it is changed or removed.
pub(super) struct There {
    pub engine: Arc<Engine>,
    pub inspected: Inspected,
    pub listed: Listed,
    pub notes: Notes,
    pub mark: Option<Mark>,
    /// Whether its mark is certain to be its own.
    pub is_certain: bool,
}

/// One object as it is now, by its name, by its mark, or by what is noted about it.
pub(super) async fn read(scope: &SessionScope, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
    let engine = scope.engines().of(look.identity, look.wanted)?;
    let Some((identified, inspected, notes)) = find(scope, &engine, look).await? else {
        return Ok(None);
    };
    let moved = match &inspected {
        Inspected::Container(seen, _) => container::moved_tag(&engine, seen, look.wanted).await,
        _ => None,
    };
    let inspected = inspected.moved_to(moved);
    let counters = if look.evidence { Counters::ask(&engine, look.kind.name, &inspected).await? } else { None };
    let (listed, mark) = (identified.listed.clone(), identified.mark.clone());
    let is_certain = identified.is_certain;
    let secret = |reference: &Value| scope.secret(reference).ok();
    let spec = SpecSide { wanted: look.wanted, base: &scope.surroundings.base, secret: &secret };
    let object = inspected.object(identified, &engine, counters.as_ref(), &spec);
    Ok(Some(Seen::with(object, There { engine, inspected, listed, notes, mark, is_certain })))
}

impl There {
    /// What a session kept of an object that it saw.
    pub fn of(seen: &Seen) -> Result<&Self, DriverError> {
        let unseen = || DriverError::new(Class::Conflict, "it has to be looked at again first");
        seen.raw::<Self>().ok_or_else(unseen)
    }

    /// Whether it is a container that Atlas made and that never started.
    pub fn is_unstarted(&self) -> bool {
        self.inspected.is_unstarted(self.is_certain, &self.listed.labels)
    }

    /// Whether the engine still has this very object.
    pub async fn is_still_there(&self) -> Result<bool, DriverError> {
        let (engine, id) = (&self.engine, &self.listed.id);
        Ok(match &self.inspected {
            Inspected::Network(_) => network::named(engine, &self.listed.name).await?.iter().any(|one| is(one, id)),
            Inspected::Volume(_) => {
                volume::inspect(engine, &self.listed.name).await?.is_some_and(|one| volume::listed(&one).id == *id)
            }
            Inspected::Container(..) => container::inspect(engine, id).await?.is_some(),
            Inspected::Cluster(seen) => {
                let all = cluster::list(engine, Some(&seen.name), |_, _| true).await?;
                // A change makes nodes again, so others than those that were seen may be there.
                !all.is_empty()
            }
        })
    }
}

fn is(network: &Network, id: &str) -> bool {
    network.id.as_deref() == Some(id)
}

type Located = (Identified, Inspected, Notes);

async fn find(scope: &SessionScope, engine: &Engine, look: &Look<'_>) -> Result<Option<Located>, DriverError> {
    let (kind, identity) = (look.kind, look.identity);
    let name = identity.name();
    match kind.name {
        "network" => {
            let (all, notes) =
                futures_util::future::join(network::named(engine, &name), Notes::about(engine, identity)).await;
            let all = all?.into_iter().map(|one| Inspected::Network(Box::new(one))).collect();
            one_of(scope, engine, kind, identity, all, notes?)
        }
        "volume" => {
            let (one, notes) =
                futures_util::future::join(volume::inspect(engine, &name), Notes::about(engine, identity)).await;
            let all = one?.into_iter().map(|one| Inspected::Volume(Box::new(one))).collect();
            one_of(scope, engine, kind, identity, all, notes?)
        }
        "cluster" => {
            let found = cluster::list(engine, Some(&name), |_, _| true).await?.into_iter().next();
            let Some(mut seen) = found else { return Ok(None) };
            let counts = look.evidence || look.wanted.is_some_and(|wanted| cluster::loses_nodes(&seen, wanted));
            cluster::look_inside(engine, &mut seen, look.wanted, counts).await;
            let notes = Notes::about(engine, identity).await?;
            let identified = cluster::identified(&seen, identity, &notes);
            if let Some(copy) = seen.copies.first() {
                let message = format!("`{copy}` carries the mark of the cluster's nodes without being one of them");
                return Err(DriverError::new(Class::Conflict, message));
            }
            Ok(Some((identified, Inspected::Cluster(Box::new(seen)), notes)))
        }
        _ => {
            let (all, notes) = containers(scope, engine, identity).await?;
            one_of(scope, engine, kind, identity, all, notes)
        }
    }
}

/// The containers that have the name of an object, carry its mark, or are known by a note about it.
async fn containers(
    scope: &SessionScope,
    engine: &Engine,
    identity: &Identity,
) -> Result<(Vec<Inspected>, Notes), DriverError> {
    let name = scope.name(identity);
    let (named, marked, notes) = futures_util::future::join3(
        container::inspect(engine, &name),
        container::marked(engine, &scope.owner, identity),
        Notes::about(engine, identity),
    )
    .await;
    let (named, marked, notes) = (named?, marked?, notes?);
    let id = |seen: &ContainerInspectResponse| seen.id.clone().unwrap_or_default();
    let mut all: Vec<ContainerInspectResponse> = named.into_iter().collect();
    for other in marked.iter().map(String::as_str).chain(notes.objects()) {
        if !all.iter().any(|seen| id(seen) == other) {
            all.extend(container::inspect(engine, other).await?);
        }
    }
    let mut inspected = Vec::new();
    for seen in all {
        let image = container::labels_of_image(engine, &seen).await?;
        let seen = container::own_of(engine, seen).await?;
        inspected.push(Inspected::container(seen, image.as_ref()));
    }
    Ok((inspected, notes))
}

/// The one object of an identity among those that may be it: the first has its name.
fn one_of(
    scope: &SessionScope,
    engine: &Engine,
    kind: &KindRef,
    identity: &Identity,
    all: Vec<Inspected>,
    notes: Notes,
) -> Result<Option<Located>, DriverError> {
    let name = scope.name(identity);
    let mut found: Vec<(Identified, Inspected)> = all
        .into_iter()
        .map(|inspected| (Identified::of(kind.clone(), engine.name.as_deref(), inspected.listed(), &notes), inspected))
        .filter(|(one, _)| one.listed.name == name || (one.identity == *identity && one.mark.is_some()))
        .collect();
    let owned = |(one, _): &(Identified, Inspected)| {
        one.identity == *identity && one.mark.as_ref().is_some_and(|mark| scope.owner.has(mark))
    };
    if found.len() > 1 && found.iter().any(owned) {
        let names: Vec<(&str, &str)> =
            found.iter().map(|(one, _)| (one.listed.name.as_str(), one.listed.id.as_str())).collect();
        return Err(DriverError::new(Class::Conflict, several(&names)));
    }
    if found.is_empty() {
        return Ok(None);
    }
    let (mut identified, inspected) = found.swap_remove(0);
    identified.identity = identity.clone();
    Ok(Some((identified, inspected, notes)))
}
