//! What the engine says of a container.

use std::collections::HashMap;
use std::io::Read as _;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum as Status, ContainerSummary, EndpointSettings,
    HealthStatusEnum,
};
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, ListContainersOptionsBuilder};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::super::engine::Engine;
use super::super::error::{classify, is_absent};
use super::super::listed::Listed;
use super::super::mark;
use super::super::mark::Labels;
use super::super::podman;
use crate::driver::DriverError;
use crate::identity::Identity;
use crate::observed::{Condition, Owner};

/// Every container of an engine, in one call.
pub(in super::super) async fn list(engine: &Engine) -> Result<Vec<ContainerSummary>, DriverError> {
    with_labels(engine, &[]).await
}

/// The containers of an engine that have all these labels, in one call.
pub(in super::super) async fn with_labels(
    engine: &Engine,
    labels: &[String],
) -> Result<Vec<ContainerSummary>, DriverError> {
    let filters = HashMap::from([("label", labels.to_vec())]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let error = match engine.docker().await?.list_containers(Some(options)).await {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    let mut all: Vec<ContainerSummary> =
        otherwise(engine, "/containers/json?all=true", "listing containers", &error).await?;
    all.retain(|one| {
        labels.iter().all(|label| {
            let (key, value) = label.split_once('=').map_or((label.as_str(), None), |(key, value)| (key, Some(value)));
            let has = one.labels.as_ref().and_then(|own| own.get(key));
            has.is_some_and(|has| value.is_none_or(|value| has == value))
        })
    });
    Ok(all)
}

/// Asks again for what Podman says in other words than the client knows.
async fn otherwise<T: DeserializeOwned>(
    engine: &Engine,
    path: &str,
    what: &str,
    error: &bollard::errors::Error,
) -> Result<T, DriverError> {
    if matches!(error, bollard::errors::Error::JsonDataError { .. })
        && let Some(answer) = engine.raw(path, what).await?
        && let Ok(found) = serde_json::from_value(podman::states(answer))
    {
        return Ok(found);
    }
    Err(classify(what, error))
}

/// The engine's own names of the containers that carry the mark of an owner's object.
pub(in super::super) async fn marked(
    engine: &Engine,
    owner: &Owner,
    identity: &Identity,
) -> Result<Vec<String>, DriverError> {
    let (project, environment) = (owner.project.as_str(), owner.environment.as_str());
    let all = [("project", project), ("environment", environment), ("identity", identity.as_str())];
    let found = with_labels(engine, &all.map(|(key, value)| format!("atlas.{key}={value}"))).await?;
    Ok(found.into_iter().filter_map(|one| one.id).collect())
}

/// A listed container in the words of the other objects, without the labels that only its image brings along.
pub(in super::super) fn listed(container: &ContainerSummary, image: Option<&Labels>) -> Listed {
    Listed {
        id: container.id.clone().unwrap_or_default(),
        name: name(container).to_owned(),
        labels: mark::own(container.labels.clone().unwrap_or_default(), image),
    }
}

/// The name of a listed container.
pub(in super::super) fn name(container: &ContainerSummary) -> &str {
    let mut names = container.names.iter().flatten().map(|name| name.trim_start_matches('/'));
    // A container that others link to has further names, below theirs.
    names.find(|name| !name.contains('/')).unwrap_or_default()
}

/// All that the engine knows of one container; none when it is gone.
pub(in super::super) async fn inspect(
    engine: &Engine,
    name: &str,
) -> Result<Option<ContainerInspectResponse>, DriverError> {
    match engine.docker().await?.inspect_container(name, None).await {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => {
            let path = format!("/containers/{name}/json");
            otherwise(engine, &path, "looking at a container", &error).await.map(Some)
        }
    }
}

/// A file in a container as text; none when it is not there, or is no text.
pub(in super::super) async fn read_file(
    engine: &Engine,
    container: &str,
    path: &str,
) -> Result<Option<String>, DriverError> {
    let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
    let mut parts = engine.docker().await?.download_from_container(container, Some(options));
    let mut archive = Vec::new();
    while let Some(part) = parts.next().await {
        match part {
            Ok(bytes) => archive.extend_from_slice(&bytes),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(classify("reading a file in a container", &error)),
        }
    }
    let mut text = String::new();
    let mut archive = tar::Archive::new(archive.as_slice());
    let first = archive.entries().ok().and_then(|mut entries| entries.next()?.ok());
    Ok(first.and_then(|mut file| file.read_to_string(&mut text).ok()).map(|_| text))
}

/// How a container is: it should run, be well and be in a network; one that runs `once` should have ended well.
pub(in super::super) fn condition(seen: &ContainerInspectResponse, once: bool) -> Condition {
    let state = seen.state.as_ref();
    let status = state.and_then(|state| state.status);
    match not_running(seen) {
        None if once && status == Some(Status::RUNNING) => Condition::Progressing("not done yet".to_owned()),
        None if is_unhealthy(seen) => Condition::Degraded("unhealthy: its health check does not pass".to_owned()),
        None if is_cut_off(seen) => Condition::Degraded("in no network".to_owned()),
        None => Condition::Ready,
        Some(_) if once && has_ended_well(seen) => Condition::Ready,
        Some(_) if once && status == Some(Status::EXITED) => {
            Condition::Degraded(format!("failed{}", state.map(end).unwrap_or_default()))
        }
        Some(word) => Condition::Degraded(word),
    }
}

/// Why a container does not run; none when it does.
pub(in super::super) fn not_running(seen: &ContainerInspectResponse) -> Option<String> {
    let state = seen.state.as_ref()?;
    let word = match state.status.unwrap_or(Status::EMPTY) {
        Status::RUNNING => return None,
        Status::CREATED => "never started".to_owned(),
        Status::PAUSED => "paused".to_owned(),
        Status::RESTARTING => format!("restarting again and again{}", end(state)),
        Status::REMOVING => "being removed".to_owned(),
        Status::EXITED | Status::STOPPING => format!("stopped{}", end(state)),
        Status::DEAD | Status::EMPTY => "dead".to_owned(),
    };
    Some(word)
}

/// Whether a container ran to its end, and that was a good one.
pub(in super::super) fn has_ended_well(seen: &ContainerInspectResponse) -> bool {
    let state = seen.state.as_ref();
    state.is_some_and(|state| state.status == Some(Status::EXITED) && state.exit_code == Some(0))
}

/// Whether the engine's health check found that a container is not well.
pub(in super::super) fn is_unhealthy(seen: &ContainerInspectResponse) -> bool {
    let health = seen.state.as_ref().and_then(|state| state.health.as_ref()).and_then(|health| health.status);
    health == Some(HealthStatusEnum::UNHEALTHY)
}

/// How a container ended, where that says anything: ` with exit code 137, as it had no memory left`.
fn end(state: &ContainerState) -> String {
    let code = state.exit_code.filter(|code| *code != 0).map(|code| format!(" with exit code {code}"));
    format!("{}{}", code.unwrap_or_default(), lack_of_memory(state))
}

/// What is said besides of a container that ended for want of memory.
pub(super) fn lack_of_memory(state: &ContainerState) -> &'static str {
    if state.oom_killed == Some(true) { ", as it had no memory left" } else { "" }
}

/// The volumes of a container that nobody named: its image asks for them, and they go with it.
pub(in super::super) fn nameless_volumes(seen: &ContainerInspectResponse) -> Vec<&str> {
    let host = seen.host_config.as_ref();
    let mounted = host.and_then(|host| host.mounts.as_ref()).into_iter().flatten();
    let bound = host.and_then(|host| host.binds.as_ref()).into_iter().flatten();
    let said: Vec<&str> = mounted
        .filter(|mount| mount.source.as_ref().is_some_and(|source| !source.is_empty()))
        .filter_map(|mount| mount.target.as_deref())
        .chain(bound.filter_map(|bind| bind.split(':').nth(1)))
        .map(|to| to.trim_end_matches('/'))
        .collect();
    let all = seen.mounts.iter().flatten().filter(|mount| mount.typ.as_deref() == Some("volume"));
    let nameless = all.filter(|mount| mount.destination.as_deref().is_some_and(|to| !said.contains(&to)));
    nameless.filter_map(|mount| mount.name.as_deref()).collect()
}

/// Whether a container is in a network and not only said to be. One that does not run is in none; it joins those that it is said
/// to be in when it starts.
pub(in super::super) fn is_joined(seen: &ContainerInspectResponse, endpoint: &EndpointSettings) -> bool {
    let running = seen.state.as_ref().and_then(|state| state.status) == Some(Status::RUNNING);
    let says = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let told = [&endpoint.endpoint_id, &endpoint.ip_address, &endpoint.global_ipv6_address, &endpoint.mac_address];
    !running || told.into_iter().any(says)
}

/// Whether nothing can reach a container that should be in a network, whatever that is.
fn is_cut_off(seen: &ContainerInspectResponse) -> bool {
    let mode = seen.host_config.as_ref().and_then(|host| host.network_mode.as_deref()).unwrap_or_default();
    // Podman and `docker run` know modes in which a container has no network of the engine's.
    let elsewhere =
        ["host", "none", "private", "slirp4netns", "pasta"].contains(&mode.split(':').next().unwrap_or_default());
    let shared = ["container:", "ns:"].iter().any(|start| mode.starts_with(start));
    let networks = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    !elsewhere && !shared && !networks.into_iter().flatten().any(|(_, endpoint)| is_joined(seen, endpoint))
}

/// Whether a container ever ran. Nothing is in one that never did but what it was made with.
pub(in super::super) fn has_started(seen: &ContainerInspectResponse) -> bool {
    let Some(state) = seen.state.as_ref() else { return true };
    // Podman calls one so that ran before its machine started again as well; only the time tells.
    let never = |time: &str| time.is_empty() || time.starts_with("0001-01-01");
    state.status != Some(Status::CREATED) || !state.started_at.as_deref().is_none_or(never)
}
