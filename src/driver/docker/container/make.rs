//! Making containers, and bringing those that exist to what they should be.

use std::collections::HashMap;
use std::time::Duration;

use bollard::body_full;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum as Status, ContainerUpdateBody,
    EndpointIpamConfig, EndpointSettings, HostConfig, ImageInspect, NetworkConnectRequest, NetworkingConfig,
    RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, RenameContainerOptions,
    UploadToContainerOptionsBuilder,
};

use super::super::engine::Engine;
use super::super::error::{classify, is_absent, is_done};
use super::super::mark::empty_those_of;
use super::super::network::{disconnect, is_default};
use super::super::pace::Pace;
use super::super::podman;
use super::super::volume;
use super::blueprint::{Blueprint, Join};
use super::wait::wait;
use super::{DIGEST, has_ended_well, image, inspect, is_joined, is_unhealthy, nameless_volumes};
use crate::driver::{Class, DriverError};

/// The longest that the engine may take to stop a container: as long as `stop_timeout` can be, and a little.
const LONGEST_STOP: Duration = Duration::from_secs(3_660);

/// Makes a container and starts it; it counts as made once what it waits for is so.
pub(in super::super) async fn create(
    engine: &Engine,
    blueprint: &Blueprint,
    pace: &Pace<'_>,
) -> Result<ContainerInspectResponse, DriverError> {
    let docker = engine.docker().await?;
    let image = blueprint.body.image.clone().unwrap_or_default();
    let there = image::ensure(engine, &image, &blueprint.pull, pace).await?;
    let mut body = body(blueprint, &there, &image);
    let (first, more) = match blueprint.networks.split_first() {
        Some((first, more)) => (Some(first), more),
        None => (None, &[][..]),
    };
    if let Some(first) = first {
        // Engines before 25 take one network here only.
        let endpoints = HashMap::from([(first.network.clone(), endpoint(first))]);
        body.networking_config = Some(NetworkingConfig { endpoints_config: Some(endpoints) });
        if let Some(host) = &mut body.host_config {
            host.network_mode = Some(first.network.clone());
        }
    }
    let options = CreateContainerOptionsBuilder::default().name(&blueprint.name).build();
    let made = docker.create_container(Some(options), body).await;
    let id = made.map_err(|error| classify("creating a container", &error))?.id;
    for join in more {
        connect(engine, &id, join).await?;
    }
    write(engine, &id, &blueprint.files).await?;
    let started = async {
        start(engine, &id).await?;
        wait(engine, &id, &blueprint.wait, pace).await
    };
    started.await.map_err(|error| match foreign_architecture(engine, &there, &image) {
        Some(why) if error.class == Class::Invalid => DriverError::new(Class::Invalid, format!("{why}: {error}")),
        _ => error,
    })
}

/// How the engine is asked for a container of an image.
pub(super) fn body(blueprint: &Blueprint, there: &ImageInspect, image: &str) -> ContainerCreateBody {
    let mut body = blueprint.body.clone();
    if !blueprint.wrapper.is_empty() {
        let own = there.config.as_ref().and_then(|config| config.entrypoint.clone()).unwrap_or_default();
        body.entrypoint = Some(blueprint.wrapper.iter().cloned().chain(own).collect());
    }
    let labels = body.labels.get_or_insert_default();
    // A tag may name another image tomorrow, so the digest that it names today is written on the container.
    if let Some(digest) = image::digest(there, image) {
        labels.insert(DIGEST.into(), digest);
    }
    if let Some(theirs) = there.config.as_ref().and_then(|config| config.labels.as_ref()) {
        empty_those_of(theirs, labels);
    }
    body
}

/// Brings a container that exists to what it should be, by the smallest step.
pub(in super::super) async fn update(
    engine: &Engine,
    there: &ContainerInspectResponse,
    blueprint: &Blueprint,
    pace: &Pace<'_>,
) -> Result<ContainerInspectResponse, DriverError> {
    let docker = engine.docker().await?;
    let id = there.id.clone().unwrap_or_default();
    if there.name.as_deref().unwrap_or_default().trim_start_matches('/') != blueprint.name {
        let options = RenameContainerOptions { name: blueprint.name.clone() };
        docker.rename_container(&id, options).await.map_err(|error| classify("renaming a container", &error))?;
    }
    let host = there.host_config.clone().unwrap_or_default();
    let wanted = blueprint.body.host_config.clone().unwrap_or_default();
    let lifted = |now: Option<i64>, then: Option<i64>| now.unwrap_or_default() > 0 && then.unwrap_or_default() == 0;
    if lifted(host.memory, wanted.memory) || lifted(host.nano_cpus, wanted.nano_cpus) {
        let message = "an engine can't lift a limit from a container that exists; make a new one with --replace";
        return Err(DriverError::new(Class::Invalid, message));
    }
    let policy = |host: &HostConfig| {
        let name = host.restart_policy.as_ref().and_then(|policy| policy.name);
        name.filter(|name| *name != RestartPolicyNameEnum::EMPTY).unwrap_or(RestartPolicyNameEnum::NO)
    };
    let retries = |host: &HostConfig| host.restart_policy.as_ref().and_then(|policy| policy.maximum_retry_count);
    let same = policy(&host) == policy(&wanted)
        && retries(&host).unwrap_or_default() == retries(&wanted).unwrap_or_default()
        && (wanted.memory_swap.is_none() || host.memory_swap == wanted.memory_swap)
        && host.memory.unwrap_or_default() == wanted.memory.unwrap_or_default()
        && host.nano_cpus.unwrap_or_default() == wanted.nano_cpus.unwrap_or_default()
        && podman::pids(&host, wanted.pids_limit.is_some()) == wanted.pids_limit;
    if !same {
        let limits = ContainerUpdateBody {
            memory: wanted.memory,
            memory_swap: wanted.memory_swap,
            nano_cpus: wanted.nano_cpus,
            pids_limit: wanted.pids_limit.or(Some(-1)),
            restart_policy: Some(RestartPolicy { name: Some(policy(&wanted)), maximum_retry_count: retries(&wanted) }),
            ..Default::default()
        };
        docker.update_container(&id, limits).await.map_err(|error| match error {
            // Podman before version 5 has no such call, and the container is there.
            error if is_absent(&error) => {
                let hint = "this engine can't change a container that exists; make a new one with --replace";
                DriverError::new(Class::Invalid, hint)
            }
            error => classify("changing a container", &error),
        })?;
    }
    let isolated = wanted.network_mode.is_some();
    if !isolated {
        rejoin(engine, there, &blueprint.networks).await?;
    }
    if blueprint.wait.once && has_ended_well(there) {
        return Ok(there.clone());
    }
    if blueprint.heals && is_unhealthy(there) {
        let again = docker.restart_container(&id, None).await;
        again.map_err(|error| classify("starting a container again", &error))?;
        return wait(engine, &id, &blueprint.wait, pace).await;
    }
    match resume(engine, there).await {
        // A network that was made again has another id than the container knows it by.
        Err(error) if !isolated && error.message.contains("network") => {
            for join in &blueprint.networks {
                disconnect(engine, &join.network, &id).await?;
                connect(engine, &id, join).await?;
            }
            resume(engine, there).await?;
        }
        resumed => resumed?,
    }
    wait(engine, &id, &blueprint.wait, pace).await
}

/// Makes a container run that does not: by the step that its state asks for.
pub(in super::super) async fn resume(engine: &Engine, there: &ContainerInspectResponse) -> Result<(), DriverError> {
    let id = there.id.as_deref().unwrap_or_default();
    match there.state.as_ref().and_then(|state| state.status) {
        Some(Status::PAUSED) => {
            let resumed = engine.docker().await?.unpause_container(id).await;
            resumed.map_err(|error| classify("resuming a container", &error))
        }
        Some(Status::RUNNING) => Ok(()),
        _ => start(engine, id).await,
    }
}

/// Starts a container. One that runs is started already.
pub(super) async fn start(engine: &Engine, id: &str) -> Result<(), DriverError> {
    match engine.docker().await?.start_container(id, None).await {
        Err(error) if !is_done(&error) => Err(taken_port(engine, id, classify("starting a container", &error)).await),
        _ => Ok(()),
    }
}

/// Removes a container that never started, and its nameless volumes. One that runs by now is left alone.
pub(in super::super) async fn remove_unstarted(engine: &Engine, id: &str) -> Result<(), DriverError> {
    let options = RemoveContainerOptionsBuilder::default().v(true).build();
    match engine.docker().await?.remove_container(id, Some(options)).await {
        Err(error) if !is_absent(&error) => Err(classify("removing a container that never started", &error)),
        _ => Ok(()),
    }
}

/// Stops and removes a container, and its nameless volumes; whether it was there. What is not there is removed already.
pub(in super::super) async fn remove(engine: &Engine, id: &str) -> Result<bool, DriverError> {
    end(engine, id, true).await
}

/// Stops and removes a container, and its nameless volumes but some that are still needed.
pub(in super::super) async fn remove_but(
    engine: &Engine,
    there: &ContainerInspectResponse,
    needed: &[&str],
) -> Result<(), DriverError> {
    end(engine, there.id.as_deref().unwrap_or_default(), false).await?;
    for nameless in nameless_volumes(there).into_iter().filter(|name| !needed.contains(name)) {
        volume::remove(engine, nameless).await?;
    }
    Ok(())
}

/// Stops and removes a container, with or without its nameless volumes; whether it was there.
async fn end(engine: &Engine, id: &str, with_volumes: bool) -> Result<bool, DriverError> {
    let docker = engine.docker().await?;
    // It gets the time to end in good order; one that does not run is stopped already.
    match docker.clone().with_timeout(LONGEST_STOP).stop_container(id, None).await {
        Err(error) if is_absent(&error) => return Ok(false),
        Err(error) if !is_done(&error) => return Err(classify("stopping a container", &error)),
        _ => {}
    }
    let options = RemoveContainerOptionsBuilder::default().force(true).v(with_volumes).build();
    match docker.remove_container(id, Some(options)).await {
        Err(error) if !is_absent(&error) => Err(classify("removing a container", &error)),
        _ => Ok(true),
    }
}

/// Puts files into a container.
pub(in super::super) async fn write(engine: &Engine, id: &str, files: &[(String, String)]) -> Result<(), DriverError> {
    if files.is_empty() {
        return Ok(());
    }
    let unwritten = |error: std::io::Error| DriverError::new(Class::Invalid, format!("packing its files: {error}"));
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        archive.append_data(&mut header, path, text.as_bytes()).map_err(unwritten)?;
    }
    let archive = archive.into_inner().map_err(unwritten)?;
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    let written = engine.docker().await?.upload_to_container(id, Some(options), body_full(archive.into())).await;
    written.map_err(|error| classify("writing files into a container", &error))
}

async fn connect(engine: &Engine, id: &str, join: &Join) -> Result<(), DriverError> {
    let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(endpoint(join)) };
    let connected = engine.docker().await?.connect_network(&join.network, request).await;
    connected.map_err(|error| classify("connecting a container", &error))
}

/// Leaves the networks that it should not be in, or not in that way, and joins those that it should be in.
async fn rejoin(engine: &Engine, there: &ContainerInspectResponse, wanted: &[Join]) -> Result<(), DriverError> {
    let id = there.id.clone().unwrap_or_default();
    let now = there.network_settings.as_ref().and_then(|settings| settings.networks.clone()).unwrap_or_default();
    if wanted.is_empty() {
        for network in now.keys().filter(|name| !is_default(name)) {
            disconnect(engine, network, &id).await?;
        }
        // Where none is named it is in the engine's own, also when somebody took it out of there.
        if !now.iter().any(|(name, endpoint)| is_default(name) && is_joined(there, endpoint)) {
            let network = if engine.is_podman() { "podman" } else { "bridge" };
            disconnect(engine, network, &id).await?;
            connect(engine, &id, &Join { network: network.to_owned(), ..Join::default() }).await?;
        }
        return Ok(());
    }
    let is = |join: &Join| {
        now.get(&join.network).is_some_and(|endpoint| {
            let fixed = endpoint.ipam_config.as_ref().and_then(|config| config.ipv4_address.clone());
            let aliases = endpoint.aliases.iter().flatten().filter(|alias| !id.starts_with(alias.as_str()));
            let mut aliases: Vec<&str> = aliases.map(String::as_str).collect();
            let mut names: Vec<&str> = join.aliases.iter().map(String::as_str).collect();
            aliases.sort_unstable();
            names.sort_unstable();
            is_joined(there, endpoint)
                && fixed.filter(|address| !address.is_empty()) == join.address
                && aliases == names
        })
    };
    for network in now.keys().filter(|name| !wanted.iter().any(|join| join.network == **name && is(join))) {
        disconnect(engine, network, &id).await?;
    }
    for join in wanted.iter().filter(|join| !is(join)) {
        connect(engine, &id, join).await?;
    }
    Ok(())
}

/// Says who has a port that is taken, when a container of the same engine has it.
async fn taken_port(engine: &Engine, id: &str, error: DriverError) -> DriverError {
    if error.class != Class::Conflict {
        return error;
    }
    let Ok(Some(own)) = inspect(engine, id).await else { return error };
    let wanted = own.host_config.and_then(|host| host.port_bindings).unwrap_or_default();
    let ports: Vec<String> = wanted.into_values().flatten().flatten().filter_map(|binding| binding.host_port).collect();
    let Ok(all) = super::list(engine).await else { return error };
    let has =
        |container: &&bollard::models::ContainerSummary| {
            container.id.as_deref() != Some(id)
                && container.ports.iter().flatten().any(|port| {
                    port.public_port.is_some_and(|public| ports.iter().any(|own| *own == public.to_string()))
                })
        };
    let who = all.iter().find(has).map_or_else(
        || "a program of the engine's machine that is no container".to_owned(),
        |container| format!("the container `{}`", super::name(container)),
    );
    DriverError::new(Class::Conflict, format!("{error}; {who} has it: choose another port, or stop that"))
}

/// Why an image may not run there: it is for another architecture than the engine's machine.
fn foreign_architecture(engine: &Engine, image: &bollard::models::ImageInspect, name: &str) -> Option<String> {
    let own = engine.architecture()?;
    let theirs = image.architecture.as_deref().filter(|one| !one.is_empty())?;
    (theirs != own).then(|| format!("the image `{name}` is for {theirs}, and the engine's machine is {own}"))
}

fn endpoint(join: &Join) -> EndpointSettings {
    let v6 = join.address.as_ref().is_some_and(|address| address.contains(':'));
    let ipam = join.address.clone().map(|address| match v6 {
        true => EndpointIpamConfig { ipv6_address: Some(address), ..Default::default() },
        false => EndpointIpamConfig { ipv4_address: Some(address), ..Default::default() },
    });
    let aliases = (!join.aliases.is_empty()).then(|| join.aliases.clone());
    EndpointSettings { ipam_config: ipam, aliases, ..Default::default() }
}
