//! What is on engines and nobody's, with what somebody chose about it: not what its image says, nor what the engine does anyway.

use std::collections::{HashMap, HashSet};

use bollard::models::{ContainerConfig, ContainerInspectResponse, ImageConfig};
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
const USUAL_SHM: i64 = 64 * 1_048_576;
/// The networks that every engine has.
const USUAL_NETWORKS: [&str; 4] = ["bridge", "host", "none", "podman"];
/// Everything that is nobody's, on every engine that something names.
pub(super) async fn survey(scope: &SessionScope, kinds: &[KindRef]) -> Result<Listing, DriverError> {
    let mut listing = Listing::default();
    for engine in scope.engines().all() {
        if engine.name.is_none() && !engine.is_there() {
            continue;
        }
        listing.objects.extend(survey_engine(scope, kinds, &engine).await?);
        listing.objects.iter().for_each(|object| scope.engines().remember(&object.identity, &engine));
    }
    Ok(listing)
}

async fn survey_engine(scope: &SessionScope, kinds: &[KindRef], engine: &Engine) -> Result<Vec<Object>, DriverError> {
    let kind = |name: &str| kinds.iter().find(|kind| kind.name == name);
    let notes = Notes::read(engine).await?;
    let identify = |kind: &KindRef, listed: Listed| {
        let one = Identified::of(kind.clone(), engine.name.as_deref(), listed, &notes);
        (one.mark.is_none() && one.is_certain).then_some(one)
    };
    let nothing = |_: &Value| None;
    let tell = |one: Identified, inspected: Inspected, wanted: &Attributes| {
        let spec = SpecSide { wanted: Some(wanted), base: &scope.surroundings.base, secret: &nothing };
        let mut object = inspected.object(one, engine, None, &spec);
        // Of these some are others', and only its own are said.
        for name in ["labels", "environment"] {
            object.attributes.set(name, wanted.get(name).clone());
        }
        object
    };
    let mut found = Vec::new();
    if let Some(kind) = kind("network") {
        let all = network::list(engine).await?;
        for one in all.into_iter().filter(|one| !USUAL_NETWORKS.contains(&one.name.as_deref().unwrap_or_default())) {
            let wanted = labels_of(one.labels.as_ref(), None);
            let identified = identify(kind, network::listed(&one));
            found.extend(identified.map(|identified| tell(identified, Inspected::Network(Box::new(one)), &wanted)));
        }
    }
    if let Some(kind) = kind("volume") {
        let all = volume::list(engine).await?;
        for one in all.into_iter().filter(|one| !is_nameless(&one.name, &one.labels)) {
            let wanted = labels_of(Some(&one.labels), None);
            let identified = identify(kind, volume::listed(&one));
            found.extend(identified.map(|identified| tell(identified, Inspected::Volume(Box::new(one)), &wanted)));
        }
    }
    if let Some(kind) = kind("container") {
        let all = container::list(engine).await?;
        let own = all.iter().filter(|one| !one.labels.iter().flatten().any(|(key, _)| key == "k3d.cluster"));
        let looks = own.filter_map(|one| identify(kind, container::listed(one, None))).map(|identified| async {
            let seen = container::inspect(engine, &identified.listed.id).await?;
            let Some(seen) = seen else { return Ok(None) };
            let image = container::config_of_image(engine, &seen).await?;
            let wanted = chosen(&seen, image.as_ref());
            Ok::<_, DriverError>(Some((identified, seen, wanted)))
        });
        let mut looks = stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE);
        while let Some(looked) = looks.next().await {
            let looked = looked?;
            found.extend(looked.map(|(one, seen, wanted)| tell(one, Inspected::container(seen, None), &wanted)));
        }
    }
    Ok(found)
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
