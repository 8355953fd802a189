//! An object as the engine tells all of it, and the same in Atlas's words.

use std::collections::HashMap;

use bollard::models::{ContainerInspectResponse, ContainerSummary, Network, Volume};

use super::engine::Engine;
use super::listed::{Identified, Listed};
use super::mark::{self, Labels};
use super::spec_side::SpecSide;
use super::{cluster, container, localstack, network, volume};
use crate::driver::DriverError;
use crate::driver::protocol::is_managed;
use crate::kind::{Count, Outputs, Usage};
use crate::observed::{Condition, Object};

/// An object as the engine tells it.
#[derive(Clone)]
pub(super) enum Inspected {
    Network(Box<Network>),
    Volume(Box<Volume>),
    /// With what its tag leads to by now, where that is another image.
    Container(Box<ContainerInspectResponse>, Option<String>),
    Cluster(Box<cluster::Nodes>),
}

/// What others do with an object, and what it holds.
#[derive(Default)]
pub(super) struct Counters {
    /// How many containers are in each network, and use each volume.
    members: HashMap<String, u64>,
    users: HashMap<String, u64>,
    /// How many bytes each volume holds; none when nobody counted.
    sizes: Option<HashMap<String, u64>>,
}

impl Counters {
    /// Counts the containers of each network and volume; the sizes of volumes are not counted.
    pub fn of(containers: &[ContainerSummary]) -> Self {
        let mut counters = Self::default();
        for one in containers {
            for mount in one.mounts.iter().flatten().filter_map(|mount| mount.name.clone()) {
                *counters.users.entry(mount).or_default() += 1;
            }
            let joined = one.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
            for network in joined.into_iter().flatten().map(|(name, _)| name.clone()) {
                *counters.members.entry(network).or_default() += 1;
            }
        }
        counters
    }

    /// Asks the engine what volumes hold, which is costly.
    pub async fn with_sizes(mut self, engine: &Engine) -> Self {
        self.sizes = Some(volume::sizes(engine).await);
        self
    }

    /// Asks the engine all of it, for an object of a kind that can hold anything.
    pub async fn ask(engine: &Engine, kind: &str, inspected: &Inspected) -> Result<Option<Self>, DriverError> {
        match kind {
            "container" => match inspected {
                Inspected::Container(seen, _) if !container::nameless_volumes(seen).is_empty() => {
                    Ok(Some(Self::default().with_sizes(engine).await))
                }
                _ => Ok(None),
            },
            "network" => Ok(Some(Self::of(&container::list(engine).await?))),
            "volume" => Ok(Some(Self::of(&container::list(engine).await?).with_sizes(engine).await)),
            _ => Ok(None),
        }
    }
}

impl Inspected {
    /// A container with its own labels in place of all that it has.
    pub fn container(mut seen: ContainerInspectResponse, image: Option<&Labels>) -> Self {
        if let Some(config) = &mut seen.config {
            config.labels = config.labels.take().map(|labels| mark::own(labels, image));
        }
        Self::Container(Box::new(seen), None)
    }

    /// The same container, whose tag leads to another image by now.
    pub fn moved_to(self, digest: Option<String>) -> Self {
        match self {
            Self::Container(seen, _) => Self::Container(seen, digest),
            other => other,
        }
    }

    /// What it has in common with others.
    pub fn listed(&self) -> Listed {
        match self {
            Self::Network(network) => network::listed(network),
            Self::Volume(volume) => volume::listed(volume),
            Self::Cluster(cluster) => cluster.listed(),
            Self::Container(seen, _) => Listed {
                id: seen.id.clone().unwrap_or_default(),
                name: seen.name.as_deref().unwrap_or_default().trim_start_matches('/').to_owned(),
                labels: seen.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default(),
            },
        }
    }

    /// Whether it is a container that Atlas made and that never started, by the labels that it has and whether its mark is
    /// certain to be its own.
    pub fn is_unstarted(&self, is_certain: bool, labels: &Labels) -> bool {
        let Self::Container(seen, _) = self else { return false };
        is_certain && mark::is_of_a_made_one(labels) && !container::has_started(seen)
    }

    /// The object in Atlas's words.
    pub fn object(
        &self,
        identified: Identified,
        engine: &Engine,
        counters: Option<&Counters>,
        spec: &SpecSide<'_>,
    ) -> Object {
        let is_begun = self.is_unstarted(identified.is_certain, &identified.listed.labels);
        let mut object = self.as_told(identified, engine, counters, spec);
        // A container that Atlas made and that never started was begun only: nothing was applied to it yet.
        if let Some(mark) = object.mark.as_mut().filter(|_| is_begun) {
            mark.applied.clear();
        }
        object
    }

    fn as_told(
        &self,
        identified: Identified,
        engine: &Engine,
        counters: Option<&Counters>,
        spec: &SpecSide<'_>,
    ) -> Object {
        let (mark, wanted) = (identified.mark.clone(), spec.wanted);
        let managed = |name: &str| is_managed(name, mark.as_ref(), wanted);
        let name = engine.name.as_deref();
        match self {
            Self::Network(one) => {
                let attributes = network::attributes(one, name, managed, mark.as_ref(), wanted);
                let usage = usage(counters, |counters| {
                    vec![("containers", counted(&counters.members, &identified.listed.name))]
                });
                identified.object(attributes, Outputs::default(), usage, Condition::Ready)
            }
            Self::Volume(one) => {
                let attributes = volume::attributes(one, name, managed, wanted);
                let usage = usage(counters, |counters| {
                    let bytes = counters
                        .sizes
                        .as_ref()
                        .map(|sizes| sizes.get(&one.name).map_or(Count::Unknown, |bytes| Count::Exactly(*bytes)));
                    let users = ("containers", counted(&counters.users, &one.name));
                    std::iter::once(users).chain(bytes.map(|bytes| ("bytes", bytes))).collect()
                });
                identified.object(attributes, Outputs::default(), usage, Condition::Ready)
            }
            Self::Container(seen, _) if identified.kind.name == "region" => {
                let attributes = localstack::attributes(seen);
                // One that runs is not started again for its health: what it holds may be gone then.
                let wrong = container::not_running(seen).or_else(|| localstack::condition(seen, &attributes));
                let outputs = localstack::outputs(&attributes, &identified.identity.name());
                identified.object(attributes, outputs, Usage::default(), wrong.into())
            }
            Self::Container(seen, moved) => {
                let mut attributes = container::attributes(seen, name, mark.as_ref(), spec);
                if wanted.is_some() {
                    container::compare_secrets(&mut attributes, seen, spec.secret);
                }
                if let (Some(moved), Some(image)) = (moved, attributes.get("image").as_str()) {
                    let image = format!("{image} (the tag leads to {moved} by now)");
                    attributes.set("image", image.as_str().into());
                }
                let outputs = container_outputs(seen);
                let once = attributes.get("run").as_str() == Some("once");
                let usage = bytes_of(seen, counters);
                identified.object(attributes, outputs, usage, container::condition(seen, once))
            }
            Self::Cluster(seen) => {
                let mut attributes = seen.attributes();
                // One that k3d made does not say where it is; it is looked at as one of the region that wants it.
                if let Some(host) = identified.identity.host().filter(|_| attributes.get("region").is_null()) {
                    attributes.set("region", host.name().as_ref().into());
                }
                seen.compare_token(&mut attributes, spec);
                let wrong = seen.condition(&attributes, &engine.machine());
                identified.object(attributes, seen.outputs(engine), seen.usage(), wrong.into())
            }
        }
    }
}

/// What a container holds that goes with it: nothing but its nameless volumes, which are not always counted.
fn bytes_of(seen: &ContainerInspectResponse, counters: Option<&Counters>) -> Usage {
    let nameless = container::nameless_volumes(seen);
    let sizes = counters.and_then(|counters| counters.sizes.as_ref());
    let count = match sizes {
        _ if nameless.is_empty() => Count::Exactly(0),
        None => return Usage::default(),
        Some(sizes) => {
            let all: Option<Vec<u64>> = nameless.iter().map(|name| sizes.get(*name).copied()).collect();
            all.map_or(Count::Unknown, |all| Count::Exactly(all.iter().sum()))
        }
    };
    std::iter::once(("bytes".into(), count)).collect()
}

fn usage(counters: Option<&Counters>, of: impl Fn(&Counters) -> Vec<(&'static str, Count)>) -> Usage {
    let all = counters.map(of).unwrap_or_default();
    all.into_iter().map(|(counter, count)| (counter.into(), count)).collect()
}

fn counted(all: &HashMap<String, u64>, name: &str) -> Count {
    Count::Exactly(all.get(name).copied().unwrap_or_default())
}

/// What a container tells besides its attributes.
pub(super) fn container_outputs(seen: &ContainerInspectResponse) -> Outputs {
    let labels = seen.config.as_ref().and_then(|config| config.labels.as_ref());
    let digest = labels.and_then(|labels| mark::get(labels, container::DIGEST).map(str::to_owned));
    let all = [("id", seen.id.clone()), ("digest", digest.or_else(|| seen.image.clone()))];
    all.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect()
}
