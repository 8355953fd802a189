//! Looking at engines: all of one in a few lists, or one object.

use std::collections::HashMap;

use bollard::models::{ContainerInspectResponse, ContainerSummary, Network, Volume};
use futures_util::stream::{self, StreamExt as _};

use super::engine::Engine;
use super::mark::{self, Notes};
use super::sight::{Listed, Sight, is_managed, owner};
use super::{Docker, cluster, container, localstack, network, volume};
use crate::driver::{DriverError, Observation, Query, patiently};
use crate::kind::{self, Kind, Outputs, Usage};
use crate::observed::Object;
use crate::value::{Attributes, Value};

/// How many containers are looked at at once.
const AT_ONCE: usize = 16;

/// An object as the engine tells it.
#[derive(Clone)]
pub(super) enum Raw {
    Network(Box<Network>),
    Volume(Box<Volume>),
    Container(Box<ContainerInspectResponse>),
    Cluster(cluster::Seen),
}

impl Raw {
    pub fn listed(&self) -> Listed {
        match self {
            Self::Network(network) => network::listed(network),
            Self::Volume(volume) => volume::listed(volume),
            Self::Cluster(cluster) => cluster.listed(),
            Self::Container(seen) => Listed {
                id: seen.id.clone().unwrap_or_default(),
                name: seen.name.as_deref().unwrap_or_default().trim_start_matches('/').to_owned(),
                labels: seen.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default(),
            },
        }
    }
}

/// All that was listed of one engine, and what it says about each other.
struct Lists {
    networks: Vec<Network>,
    volumes: Vec<Volume>,
    containers: Vec<ContainerSummary>,
    notes: Notes,
    around: Around,
}

/// What the words for one object take from others.
#[derive(Default)]
struct Around {
    /// The addresses of networks and volumes, by their names.
    networks: HashMap<String, String>,
    volumes: HashMap<String, String>,
    /// How many containers are in each network, and use each volume.
    members: HashMap<String, u64>,
    users: HashMap<String, u64>,
    sizes: HashMap<String, u64>,
}

/// Looks at everything on every engine that the spec names.
pub(super) async fn everything(docker: &Docker, query: &Query<'_>) -> Observation {
    let mut observation = Observation::default();
    let asked = docker
        .engines
        .values()
        .map(|engine| async move { (engine, patiently(|| of_engine(docker, engine, query)).await) });
    for (engine, found) in futures_util::future::join_all(asked).await {
        match found {
            Ok(objects) => take(docker, query, engine, objects, &mut observation),
            Err(error) => {
                let reason = format!("is on an engine that can't be asked: {}", error.chain());
                let on_it = docker.places.iter().filter(|(_, name)| **name == engine.name);
                // An engine on which the spec has nothing may well not be there.
                observation.unreachable.extend(on_it.map(|(identity, _)| (identity.clone(), reason.clone())));
            }
        }
    }
    observation
}

/// Takes in what was found. A region or a cluster that the spec says is elsewhere now can't be in both places: nothing is
/// done to it, nor to what lives in it, before its containers are gone.
fn take(docker: &Docker, query: &Query<'_>, engine: &Engine, objects: Vec<Object>, observation: &mut Observation) {
    for object in objects.into_iter().filter(|object| !docker.is_elsewhere(engine, &object.identity)) {
        let said = query.wanted.get(object.identity.as_str()).is_some_and(Option::is_some);
        if !said || docker.places.contains_key(&object.identity) {
            observation.objects.push(object);
            continue;
        }
        let reason = "is still in containers that Atlas made, and the spec says it is elsewhere; say again what it said \
                      then, destroy it, and only then move it";
        observation.unreachable.insert(object.identity, reason.to_owned());
    }
}

/// Looks at the clusters that live in some regions.
pub(super) async fn clusters(docker: &Docker, query: &Query<'_>, hosts: &[String]) -> Observation {
    let mut observation = Observation::default();
    // Regions of which nobody has clusters here are no reason to ask.
    if !hosts.iter().any(|host| host.starts_with("region/")) {
        return observation;
    }
    let asked = docker.engines.values().map(|engine| async move {
        if engine.name.is_none() && docker.places.values().all(Option::is_some) && !engine.is_there() {
            return (engine, Ok(Vec::new()));
        }
        (engine, patiently(|| clusters_of(engine, query, hosts)).await)
    });
    for (engine, found) in futures_util::future::join_all(asked).await {
        match found {
            Ok(objects) => take(docker, query, engine, objects, &mut observation),
            Err(error) => {
                let reason = format!("is on an engine that can't be asked: {}", error.chain());
                let inside = |identity: &str| hosts.iter().any(|host| identity.starts_with(&format!("{host}/")));
                let on_it = docker.places.iter().filter(|(own, name)| **name == engine.name && inside(own));
                observation.unreachable.extend(on_it.map(|(identity, _)| (identity.clone(), reason.clone())));
            }
        }
    }
    observation
}

async fn clusters_of(engine: &Engine, query: &Query<'_>, hosts: &[String]) -> Result<Vec<Object>, DriverError> {
    let (clusters, notes) = futures_util::future::join(cluster::list(engine), Notes::read(engine)).await;
    let (clusters, notes) = (clusters?, notes?);
    let mut objects = Vec::new();
    for seen in clusters {
        let listed = seen.listed();
        let named = format!("/cluster/{}", seen.name);
        let identity = match mark::identity(&listed.labels) {
            Some(own) => own.to_owned(),
            None => match query.wanted.keys().find(|identity| identity.ends_with(&named)) {
                Some(wanted) => (*wanted).to_owned(),
                None => continue,
            },
        };
        let mine = mark::read(notes.latest(&identity, &listed.id, &listed.labels)).is_some_and(|mark| {
            (mark.project.as_str(), mark.environment.as_str()) == (query.project, query.environment)
        });
        let inside = hosts.iter().any(|host| identity.starts_with(&format!("{host}/")));
        if inside && (mine || query.wanted.contains_key(identity.as_str())) {
            objects.push(of_cluster(engine, &seen, identity, &notes));
        }
    }
    Ok(objects)
}

fn of_cluster(engine: &Engine, seen: &cluster::Seen, identity: String, notes: &Notes) -> Object {
    let listed = seen.listed();
    let mark = mark::read(notes.latest(&identity, &listed.id, &listed.labels));
    let host = identity.rsplit_once("/cluster/").map(|(host, _)| host.to_owned());
    let attributes = seen.attributes();
    let ill = seen.condition(&attributes);
    let sight = Sight { kind: kind_named("cluster"), identity, hosts: host.into_iter().collect(), listed, mark };
    sight.object(attributes, seen.outputs(engine), Usage::default(), ill)
}

async fn of_engine(docker: &Docker, engine: &Engine, query: &Query<'_>) -> Result<Vec<Object>, DriverError> {
    if engine.name.is_none() && docker.places.values().all(Option::is_some) && !engine.is_there() {
        return Ok(Vec::new());
    }
    let mut lists = lists(docker, engine).await?;
    let wanted = |identity: &str| query.wanted.get(identity).copied();
    let mine = |sight: &Sight| {
        sight.mark.as_ref().is_some_and(|mark| {
            (mark.project.as_str(), mark.environment.as_str()) == (query.project, query.environment)
        })
    };
    let relevant = |sight: &Sight| wanted(&sight.identity).is_some() || mine(sight);
    let (notes, name) = (&lists.notes, engine.name.as_deref());
    let volumes: Vec<(Sight, &Volume)> = lists
        .volumes
        .iter()
        .map(|one| (sight("volume", name, volume::listed(one), notes), one))
        .filter(|(sight, _)| relevant(sight))
        .collect();
    // To know what a volume holds is costly, and matters only where it may go.
    if query.usage || volumes.iter().any(|(sight, _)| wanted(&sight.identity).is_none()) {
        lists.around.sizes = volume::sizes(engine).await;
    }
    let around = &lists.around;
    let mut objects = Vec::new();
    for (sight, one) in volumes {
        let said = wanted(&sight.identity).flatten();
        objects.push(of_volume(sight, one, name, around, said));
    }
    for one in &lists.networks {
        let sight = sight("network", name, network::listed(one), notes);
        if relevant(&sight) {
            let said = wanted(&sight.identity).flatten();
            objects.push(of_network(sight, one, name, around, said));
        }
    }
    let containers = lists.containers.iter().filter_map(|one| {
        let listed = container::listed(one);
        // The nodes of clusters are no containers of their own.
        if listed.labels.contains_key("k3d.cluster") {
            return None;
        }
        let sight = sight(kind_of(&listed), name, listed, notes);
        // Each project and environment has regions of its own, whose containers are named after it.
        let region = sight.kind.name == "region";
        let ours = |sight: &Sight| mine(sight) || sight.listed.name == docker.region(&sight.identity);
        (relevant(&sight) && (!region || ours(&sight))).then_some(sight)
    });
    let looks = containers.map(|sight| async move {
        let seen = container::inspect(engine, &sight.listed.id).await?;
        let said = wanted(&sight.identity).flatten();
        let secret = |reference: &Value| docker.secret(reference).ok();
        Ok::<_, DriverError>(seen.map(|seen| of_container(sight, &seen, name, around, said, &secret)))
    });
    let looks: Vec<_> = looks.collect();
    let mut looked = stream::iter(looks).buffer_unordered(AT_ONCE);
    while let Some(found) = looked.next().await {
        objects.extend(found?);
    }
    Ok(objects)
}

async fn lists(docker: &Docker, engine: &Engine) -> Result<Lists, DriverError> {
    // Connected first, so that four calls don't all find out that nobody is there.
    engine.docker().await?;
    let (networks, volumes, containers, notes) = futures_util::future::join4(
        network::list(engine),
        volume::list(engine),
        container::list(engine),
        Notes::read(engine),
    )
    .await;
    let (networks, volumes, containers, notes) = (networks?, volumes?, containers?, notes?);
    let mut around = Around::default();
    let name = engine.name.as_deref();
    let marked = |kind: &'static str, listed: Listed| {
        let (identity, mark) = owner(kind_named(kind), name, &listed, &notes);
        mark.filter(|mark| (mark.project.as_str(), mark.environment.as_str()) == (&docker.project, &docker.environment))
            .map(|mark| (identity, listed.name, mark.address.to_string()))
    };
    for (_, name, address) in networks.iter().filter_map(|one| marked("network", network::listed(one))) {
        docker.learn(&address, &name);
        around.networks.insert(name, address);
    }
    for (_, name, address) in volumes.iter().filter_map(|one| marked("volume", volume::listed(one))) {
        docker.learn(&address, &name);
        around.volumes.insert(name, address);
    }
    for one in &containers {
        for mount in one.mounts.iter().flatten().filter_map(|mount| mount.name.clone()) {
            *around.users.entry(mount).or_default() += 1;
        }
        let joined = one.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
        for network in joined.into_iter().flatten().map(|(name, _)| name.clone()) {
            *around.members.entry(network).or_default() += 1;
        }
    }
    Ok(Lists { networks, volumes, containers, notes, around })
}

/// One object, by the identity that it was made under, or by its name.
pub(super) async fn one(
    docker: &Docker,
    engine: &Engine,
    kind: &Kind,
    identity: &str,
    name: &str,
) -> Result<Option<Raw>, DriverError> {
    match kind.name {
        "network" => {
            let all = network::list(engine).await?;
            let found = all.into_iter().find(|one| one.name.as_deref() == Some(name));
            Ok(found.map(|one| Raw::Network(Box::new(one))))
        }
        "volume" => {
            let found = volume::list(engine).await?.into_iter().find(|one| one.name == name);
            Ok(found.map(|one| Raw::Volume(Box::new(one))))
        }
        "cluster" => {
            let found = cluster::list(engine).await?.into_iter().find(|cluster| cluster.name == name);
            Ok(found.map(Raw::Cluster))
        }
        _ => {
            // What was renamed since is found by the identity on its label.
            let named = container::inspect(engine, name).await?;
            let seen = match named {
                Some(seen) => Some(seen),
                None => match container::labelled(engine, (&docker.project, &docker.environment), identity).await? {
                    Some(id) => container::inspect(engine, &id).await?,
                    None => None,
                },
            };
            Ok(seen.map(|seen| Raw::Container(Box::new(seen))))
        }
    }
}

/// What was read of one object, in Atlas's words.
pub(super) async fn object(
    docker: &Docker,
    engine: &Engine,
    kind: &'static Kind,
    identity: &str,
    raw: Raw,
) -> Result<Object, DriverError> {
    let mut lists = lists(docker, engine).await?;
    if kind.name == "volume" {
        lists.around.sizes = volume::sizes(engine).await;
    }
    let name = engine.name.as_deref();
    let mut sight = sight(kind.name, name, raw.listed(), &lists.notes);
    sight.identity = identity.to_owned();
    Ok(match &raw {
        Raw::Network(one) => of_network(sight, one, name, &lists.around, None),
        Raw::Volume(one) => of_volume(sight, one, name, &lists.around, None),
        Raw::Container(seen) => of_container(sight, seen, name, &lists.around, None, &|_| None),
        Raw::Cluster(seen) => of_cluster(engine, seen, identity.to_owned(), &lists.notes),
    })
}

/// What a container tells besides its attributes.
pub(super) fn container_outputs(seen: &ContainerInspectResponse) -> Outputs {
    let labels = seen.config.as_ref().and_then(|config| config.labels.as_ref());
    let digest = labels.and_then(|labels| labels.get(container::DIGEST).cloned()).or_else(|| seen.image.clone());
    let all = [("id", seen.id.clone()), ("digest", digest)];
    all.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect()
}

fn sight(kind: &str, engine: Option<&str>, listed: Listed, notes: &Notes) -> Sight {
    let kind = kind_named(kind);
    let (identity, mark) = owner(kind, engine, &listed, notes);
    Sight { kind, identity, hosts: Vec::new(), listed, mark }
}

fn of_network(
    sight: Sight,
    one: &Network,
    engine: Option<&str>,
    around: &Around,
    wanted: Option<&Attributes>,
) -> Object {
    let mark = sight.mark.clone();
    let attributes = network::attributes(one, engine, |name| is_managed(name, mark.as_ref(), wanted), wanted);
    let usage = network::usage(&sight.listed.name, &around.members);
    sight.object(attributes, Outputs::default(), usage, None)
}

fn of_volume(sight: Sight, one: &Volume, engine: Option<&str>, around: &Around, wanted: Option<&Attributes>) -> Object {
    let mark = sight.mark.clone();
    let attributes = volume::attributes(one, engine, |name| is_managed(name, mark.as_ref(), wanted), wanted);
    let usage = volume::usage(&one.name, &around.sizes, &around.users);
    sight.object(attributes, Outputs::default(), usage, None)
}

fn of_container(
    sight: Sight,
    seen: &ContainerInspectResponse,
    engine: Option<&str>,
    around: &Around,
    wanted: Option<&Attributes>,
    secret: &dyn Fn(&Value) -> Option<String>,
) -> Object {
    let ill = container::condition(seen);
    if sight.kind.name == "region" {
        let attributes = localstack::attributes(&sight.listed.labels);
        let ill = ill.or_else(|| localstack::condition(seen, &attributes, &around.networks));
        let region = sight.identity.rsplit('/').next().unwrap_or_default();
        let outputs = localstack::outputs(&attributes, region);
        return sight.object(attributes, outputs, Usage::default(), ill);
    }
    let mark = sight.mark.clone();
    let managed = |name: &str| is_managed(name, mark.as_ref(), wanted);
    let mut attributes = container::attributes(seen, engine, &managed, wanted, &around.networks, &around.volumes);
    if wanted.is_some() {
        container::compare_secrets(&mut attributes, seen, secret);
    }
    sight.object(attributes, container_outputs(seen), Usage::default(), ill)
}

/// A container may be the whole of another kind.
fn kind_of(listed: &Listed) -> &'static str {
    match mark::read(&listed.labels) {
        Some(mark) if mark.address.kind() == "region" => "region",
        _ => "container",
    }
}

fn kind_named(name: &str) -> &'static Kind {
    kind::get(name).unwrap_or(kind::ALL[0])
}
