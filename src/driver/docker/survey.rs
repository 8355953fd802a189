//! What is on engines and nobody's, with what somebody chose about it: not what its image says, nor what the engine does anyway.

use std::collections::{HashMap, HashSet};

use bollard::models::{
    ContainerConfig, ContainerInspectResponse, ContainerSummary, ImageConfig, MountType, RestartPolicyNameEnum,
};
use futures_util::stream::{self, StreamExt as _};

use super::engine::Engine;
use super::inspected::Inspected;
use super::listed::{Identified, Listed};
use super::mark::{self, Labels};
use super::note::Notes;
use super::scope::SessionScope;
use super::spec_side::SpecSide;
use super::{container, network, volume};
use crate::driver::{DriverError, Listing};
use crate::kind::KindRef;
use crate::observed::Object;
use crate::value::{Attributes, Text, Value};

/// How many containers are looked at at once.
const AT_ONCE: usize = 16;
/// The size of /dev/shm where nobody says another.
const USUAL_SHM: i64 = 64 * container::MEBI;
/// The networks that every engine has.
const USUAL_NETWORKS: [&str; 6] = ["bridge", "host", "none", "podman", "docker_gwbridge", "ingress"];

/// Everything that is nobody's, on every engine that something names. One engine may have two names.
pub(super) async fn survey(scope: &SessionScope, kinds: &[KindRef]) -> Result<Listing, DriverError> {
    let mut listing = Listing::default();
    let mut seen = HashSet::new();
    for engine in scope.engines().all() {
        if engine.name.is_none() && !engine.is_there() {
            continue;
        }
        let mut survey = EngineSurvey { scope, engine: &engine, notes: Notes::read(&engine).await?, found: Vec::new() };
        let containers = container::list(&engine).await?;
        for kind in kinds {
            match kind.name {
                "network" => survey.networks(kind).await?,
                "volume" => survey.volumes(kind, &containers).await?,
                "container" => survey.containers(kind, &containers, &mut listing).await?,
                _ => {}
            }
        }
        for (id, object) in survey.found {
            if seen.insert((object.kind.name, id)) {
                scope.engines().remember(&object.identity, &engine);
                listing.objects.push(object);
            }
        }
    }
    Ok(listing)
}

/// What is on one engine.
struct EngineSurvey<'a> {
    scope: &'a SessionScope,
    engine: &'a Engine,
    notes: Notes,
    /// By the engine's own name of each.
    found: Vec<(String, Object)>,
}

impl EngineSurvey<'_> {
    fn identify(&self, kind: &KindRef, listed: Listed) -> Option<Identified> {
        let one = Identified::of(kind.clone(), self.engine.name.as_deref(), listed, &self.notes);
        (one.mark.is_none() && one.is_certain).then_some(one)
    }

    fn tell(&mut self, one: Identified, inspected: &Inspected, wanted: &Attributes) {
        let id = one.listed.id.clone();
        let nothing = |_: &Value| None;
        let spec = SpecSide { wanted: Some(wanted), base: &self.scope.surroundings.base, secret: &nothing };
        let mut object = inspected.object(one, self.engine, None, &spec);
        // Of these some are others', and only its own are said.
        for name in ["labels", "environment"] {
            object.attributes.set(name, wanted.get(name).clone());
        }
        self.found.push((id, object));
    }

    async fn networks(&mut self, kind: &KindRef) -> Result<(), DriverError> {
        for one in network::list(self.engine).await? {
            let usual = USUAL_NETWORKS.contains(&one.name.as_deref().unwrap_or_default());
            if usual || one.labels.as_ref().is_some_and(is_somebodys) {
                continue;
            }
            let mut wanted = labels_of(one.labels.as_ref(), None);
            let options = one.options.iter().flatten();
            let options = options.map(|(key, value)| (Text::from(key.as_str()), Value::from(value.as_str()))).collect();
            wanted.set("options", Value::map(options));
            if let Some(identified) = self.identify(kind, network::listed(&one)) {
                self.tell(identified, &Inspected::Network(Box::new(one)), &wanted);
            }
        }
        Ok(())
    }

    /// The volumes of clusters and regions have no labels, so they are known by who mounts them.
    async fn volumes(&mut self, kind: &KindRef, containers: &[ContainerSummary]) -> Result<(), DriverError> {
        let theirs = containers.iter().filter(|one| one.labels.as_ref().is_some_and(is_somebodys));
        let mounts = theirs.flat_map(|one| one.mounts.iter().flatten());
        let theirs: HashSet<String> = mounts.filter_map(|mount| mount.name.clone()).collect();
        for one in volume::list(self.engine).await? {
            if is_nameless(&one.name, &one.labels) || is_somebodys(&one.labels) || theirs.contains(&one.name) {
                continue;
            }
            let wanted = labels_of(Some(&one.labels), None);
            if let Some(identified) = self.identify(kind, volume::listed(&one)) {
                self.tell(identified, &Inspected::Volume(Box::new(one)), &wanted);
            }
        }
        Ok(())
    }

    async fn containers(
        &mut self,
        kind: &KindRef,
        all: &[ContainerSummary],
        listing: &mut Listing,
    ) -> Result<(), DriverError> {
        let own = all.iter().filter(|one| !one.labels.as_ref().is_some_and(is_somebodys));
        let own: Vec<_> = own.filter_map(|one| self.identify(kind, container::listed(one, None))).collect();
        let engine = self.engine;
        let looks = own.into_iter().map(|identified| async {
            let seen = container::inspect(engine, &identified.listed.id).await?;
            let Some(seen) = seen else { return Ok(None) };
            let image = container::config_of_image(engine, &seen).await?;
            Ok::<_, DriverError>(Some((identified, seen, image)))
        });
        let looked: Vec<_> = stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
        for one in looked {
            let Some((identified, seen, image)) = one? else { continue };
            let mut wanted = chosen(&seen, image.as_ref());
            let is_job = container::has_ended_well(&seen) && !restarts(&seen);
            let why = match (container::not_running(&seen), unsayable(&seen)) {
                (_, Some(what)) => Some(format!("has {what}, which no word of a container says")),
                (Some(word), _) if !is_job => Some(format!("is {word}; start it, or remove it")),
                _ if container::is_unhealthy(&seen) => Some("is not healthy".to_owned()),
                _ => None,
            };
            if let Some(why) = why {
                listing.unreachable.insert(identified.identity, why);
                continue;
            }
            if is_job {
                wanted.set("run", "once".into());
            }
            self.tell(identified, &Inspected::container(seen, None), &wanted);
        }
        Ok(())
    }
}

/// Whether labels say that Atlas, or k3d, made an object, for whatever project.
fn is_somebodys(labels: &Labels) -> bool {
    let says = |key: &str| mark::get(labels, key).is_some();
    says("atlas.identity") || says("k3d.cluster") || mark::get(labels, "app") == Some("k3d")
}

/// Whether the engine starts a container again by itself.
fn restarts(seen: &ContainerInspectResponse) -> bool {
    let policy = seen.host_config.as_ref().and_then(|host| host.restart_policy.as_ref()).and_then(|policy| policy.name);
    policy.is_some_and(|policy| ![RestartPolicyNameEnum::NO, RestartPolicyNameEnum::EMPTY].contains(&policy))
}

/// What a container has that no attribute says, so that it would be gone with its next replacement.
fn unsayable(seen: &ContainerInspectResponse) -> Option<&'static str> {
    let host = seen.host_config.as_ref()?;
    let says = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let none = |number: Option<i64>| number.is_some_and(|number| number < 0);
    let limits = host.ulimits.iter().flatten().any(|limit| none(limit.soft) || none(limit.hard));
    let folders = host.tmpfs.iter().flatten().any(|(_, options)| !options.is_empty());
    let mode = host.network_mode.as_deref().unwrap_or_default();
    let ipc = host.ipc_mode.as_deref().unwrap_or_default();
    let mounts =
        host.mounts.iter().flatten().any(|mount| {
            ![Some(MountType::VOLUME), Some(MountType::BIND)].contains(&mount.typ) || !says(&mount.source)
        });
    let found = [
        (mode.contains(':'), "the network of another container"),
        (says(&host.pid_mode), "a mode of process ids"),
        (!["", "private", "shareable"].contains(&ipc), "a mode of shared memory"),
        (host.device_requests.as_ref().is_some_and(|all| !all.is_empty()), "requests for devices"),
        (host.volumes_from.as_ref().is_some_and(|all| !all.is_empty()), "the volumes of another container"),
        (limits, "a limit without an end"),
        (folders, "options of a folder in memory"),
        (mounts, "a mount of another sort"),
    ];
    found.into_iter().find(|(so, _)| *so).map(|(_, what)| what)
}

/// Whether an engine made a volume for a container, and nobody named it.
fn is_nameless(name: &str, labels: &Labels) -> bool {
    labels.contains_key("com.docker.volume.anonymous")
        || name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit())
}

/// A spec that says the labels of an object that are its own.
fn labels_of(labels: Option<&Labels>, image: Option<&HashMap<String, String>>) -> Attributes {
    let theirs = |key: &str| mark::is_of_tools(key) || mark::is_own(key);
    let own = labels.into_iter().flatten().filter(|(key, value)| {
        !theirs(key) && image.and_then(|image| image.get(*key)).is_none_or(|image| image != *value)
    });
    let own = own.map(|(key, value)| (Text::from(key.as_str()), Value::from(value.as_str()))).collect();
    std::iter::once(("labels", Value::map(own))).collect()
}

/// A spec that says what somebody chose about a container, so that this is told of it: neither what the image says nor what the
/// engine does by itself. Only which attributes are said matters; the values are read from the container.
fn chosen(seen: &ContainerInspectResponse, image: Option<&ImageConfig>) -> Attributes {
    let none = (ContainerConfig::default(), ImageConfig::default());
    let config = seen.config.as_ref().unwrap_or(&none.0);
    let image = image.unwrap_or(&none.1);
    let host = seen.host_config.clone().unwrap_or_default();
    let mut wanted = labels_of(config.labels.as_ref(), image.labels.as_ref());
    let mut say = |name: &'static str, so: bool| {
        if so {
            wanted.set(name, Value::Bool(true));
        }
    };
    let differs = |own: &Option<String>, theirs: &Option<String>| {
        own.as_ref().is_some_and(|own| !own.is_empty() && Some(own) != theirs.as_ref())
    };
    let lists = |own: &Option<Vec<String>>, theirs: &Option<Vec<String>>| {
        own.as_ref().is_some_and(|own| !own.is_empty() && Some(own) != theirs.as_ref())
    };
    say("command", lists(&config.cmd, &image.cmd));
    say("entrypoint", lists(&config.entrypoint, &image.entrypoint));
    say("user", differs(&config.user, &image.user));
    say("workdir", differs(&config.working_dir, &image.working_dir));
    say("stop_signal", differs(&config.stop_signal, &image.stop_signal));
    let test = config.healthcheck.as_ref().and_then(|health| health.test.clone()).unwrap_or_default();
    say("health", !test.is_empty() && test[0] != "NONE" && config.healthcheck != image.healthcheck);
    let id = seen.id.as_deref().unwrap_or_default();
    say("hostname", config.hostname.as_deref().is_some_and(|name| !name.is_empty() && !id.starts_with(name)));
    say("shm_mib", host.shm_size.is_some_and(|size| size > 0 && size != USUAL_SHM));
    // The engine lifts what its security modules forbid from one that may do anything.
    let options = host.security_opt.as_ref().is_some_and(|options| !options.is_empty());
    say("security_options", options && host.privileged != Some(true));
    let log = host.log_config.as_ref();
    let usual = log.is_none_or(|log| log.typ.as_deref().is_none_or(|typ| typ == "json-file"));
    say("logging", !usual || log.and_then(|log| log.config.as_ref()).is_some_and(|options| !options.is_empty()));
    let memory = host.memory.unwrap_or_default();
    say("swap_mib", memory > 0 && host.memory_swap.is_some_and(|swap| swap > 0 && swap != memory * 2));
    let theirs: HashSet<&String> = image.env.iter().flatten().collect();
    let own = config.env.iter().flatten().filter(|pair| !theirs.contains(pair));
    let own = own.filter_map(|pair| pair.split_once('=')).map(|(key, value)| (Text::from(key), Value::from(value)));
    wanted.set("environment", Value::map(own.collect()));
    wanted
}
