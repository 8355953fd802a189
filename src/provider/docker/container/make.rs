//! Making containers, and bringing those that exist to what they should be.

use std::collections::HashMap;

use bollard::body_full;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum as Status, ContainerUpdateBody,
    EndpointIpamConfig, EndpointSettings, HealthConfig, HostConfig, Mount, MountType, NetworkConnectRequest,
    NetworkDisconnectRequest, NetworkingConfig, PortBinding, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, RenameContainerOptions,
    UploadToContainerOptionsBuilder,
};

use super::super::engine::Engine;
use super::super::error::{classify, is_absent, is_done};
use super::super::mark::Labels;
use super::super::pace::Pace;
use super::super::sight::{carry, keys, texts};
use super::look::written_out;
use super::wait::{Wait, wait};
use super::{DIGEST, image, inspect};
use crate::kind::duration;
use crate::provider::{Class, ProviderError};
use crate::value::{Attributes, Value};

/// A container as it is to be made.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Blueprint {
    pub name: String,
    pub pull: String,
    pub body: ContainerCreateBody,
    pub networks: Vec<Join>,
    /// Files that it finds when it starts: the path without its first slash, and what is in it.
    pub files: Vec<(String, String)>,
    pub wait: Wait,
}

/// A network that a container is in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Join {
    /// The engine's name of it.
    pub network: String,
    pub aliases: Vec<String>,
    pub address: Option<String>,
}

/// The blueprint of a `container`. `name` tells how the engine calls the object of a resource, `secret` the value of a
/// secret.
pub(in super::super) fn blueprint(
    wanted: &Attributes,
    mut labels: Labels,
    name: impl Fn(&str) -> Result<String, ProviderError>,
    secret: impl Fn(&Value) -> Result<String, ProviderError>,
) -> Result<Blueprint, ProviderError> {
    let text = |path: &str| wanted.at(path).and_then(Value::as_str).map(str::to_owned);
    let list = |path: &str| match wanted.at(path) {
        Some(value) if !value.is_null() => Some(strings(value)),
        _ => None,
    };
    carry(&mut labels, wanted);
    let mut environment: Vec<String> =
        texts(wanted.get("environment")).map(|(key, value)| format!("{key}={value}")).collect();
    keys(
        &mut labels,
        "environment",
        texts(wanted.get("environment")).map(|(key, _)| key).collect::<Vec<_>>().iter().map(String::as_str),
    );
    let mut hidden = Vec::new();
    if let Value::Map(secrets) = wanted.get("secrets") {
        labels.insert("atlas.secrets".into(), wanted.get("secrets").to_json().to_string());
        for (key, reference) in secrets.iter() {
            let value = secret(reference)?;
            environment.push(format!("{key}={value}"));
            hidden.push(value);
        }
    }
    let ports: Vec<String> = strings(wanted.get("ports")).iter().map(|port| written_out(port)).collect();
    let mounts = mounts(wanted.get("volumes"), &name)?;
    let limits = limits(wanted);
    let host = HostConfig {
        binds: list("binds"),
        mounts: Some(mounts),
        tmpfs: Some(strings(wanted.get("tmpfs")).into_iter().map(|path| (path, String::new())).collect()),
        port_bindings: Some(bindings(&ports)),
        restart_policy: limits.restart_policy,
        memory: limits.memory,
        memory_swap: limits.memory_swap,
        nano_cpus: limits.nano_cpus,
        pids_limit: limits.pids_limit,
        cap_add: list("capabilities.add"),
        cap_drop: list("capabilities.drop"),
        privileged: Some(wanted.get("privileged") == &Value::Bool(true)),
        ulimits: ulimits(wanted.get("ulimits")),
        ..Default::default()
    };
    let body = ContainerCreateBody {
        image: text("image"),
        cmd: list("command"),
        entrypoint: list("entrypoint"),
        env: (!environment.is_empty()).then_some(environment),
        exposed_ports: Some(ports.iter().filter_map(|port| port.rsplit(':').next()).map(str::to_owned).collect()),
        labels: Some(labels),
        user: text("user"),
        working_dir: text("workdir"),
        healthcheck: health(wanted.get("health")),
        host_config: Some(host),
        ..Default::default()
    };
    let pull = text("pull").unwrap_or_else(|| "missing".into());
    let name_of = text("name").unwrap_or_default();
    let networks = joins(wanted.get("networks"), name)?;
    Ok(Blueprint {
        name: name_of,
        pull,
        body,
        networks,
        files: Vec::new(),
        wait: Wait { hidden, ..Wait::of(wanted.get("wait")) },
    })
}

/// Volumes as an engine mounts them. `name` tells how the engine calls the object of a resource.
pub(in super::super) fn mounts(
    volumes: &Value,
    name: impl Fn(&str) -> Result<String, ProviderError>,
) -> Result<Vec<Mount>, ProviderError> {
    let mount = |mount: &Value| {
        let get = |key: &str| mount.at(key).and_then(Value::as_str).unwrap_or_default();
        Ok(Mount {
            typ: Some(MountType::VOLUME),
            source: Some(name(get("volume"))?),
            target: Some(get("to").to_owned()),
            read_only: Some(mount.at("read_only") == Some(&Value::Bool(true))),
            ..Default::default()
        })
    };
    volumes.items().iter().map(mount).collect()
}

/// Makes a container and starts it; it counts as made once what it waits for is so.
pub(in super::super) async fn create(
    engine: &Engine,
    blueprint: &Blueprint,
    pace: &Pace<'_>,
) -> Result<ContainerInspectResponse, ProviderError> {
    let docker = engine.docker().await?;
    let image = blueprint.body.image.clone().unwrap_or_default();
    let there = image::ensure(engine, &image, &blueprint.pull, pace).await?;
    let mut body = blueprint.body.clone();
    // A tag may lead elsewhere tomorrow; what it led to today is written down on the container.
    if let Some(digest) = image::digest(&there, &image) {
        body.labels.get_or_insert_default().insert(DIGEST.into(), digest);
    }
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
        Some(why) if error.class == Class::Invalid => ProviderError::new(Class::Invalid, format!("{why}: {error}")),
        _ => error,
    })
}

/// Brings a container that exists to what it should be, by the smallest step.
pub(in super::super) async fn update(
    engine: &Engine,
    there: &ContainerInspectResponse,
    blueprint: &Blueprint,
    wanted: &Attributes,
    pace: &Pace<'_>,
) -> Result<ContainerInspectResponse, ProviderError> {
    let docker = engine.docker().await?;
    let id = there.id.clone().unwrap_or_default();
    if there.name.as_deref().unwrap_or_default().trim_start_matches('/') != blueprint.name {
        let options = RenameContainerOptions { name: blueprint.name.clone() };
        docker.rename_container(&id, options).await.map_err(|error| classify("renaming a container", &error))?;
    }
    let host = there.host_config.clone().unwrap_or_default();
    let limits = limits(wanted);
    let lifted = |now: Option<i64>, then: Option<i64>| now.unwrap_or_default() > 0 && then.unwrap_or_default() == 0;
    if lifted(host.memory, limits.memory) || lifted(host.nano_cpus, limits.nano_cpus) {
        let message = "an engine can't lift a limit from a container that exists; make a new one with --replace";
        return Err(ProviderError::new(Class::Invalid, message));
    }
    let same = host.restart_policy.as_ref().and_then(|policy| policy.name)
        == limits.restart_policy.as_ref().and_then(|policy| policy.name)
        && host.memory.unwrap_or_default() == limits.memory.unwrap_or_default()
        && host.nano_cpus.unwrap_or_default() == limits.nano_cpus.unwrap_or_default()
        && host.pids_limit.filter(|pids| *pids > 0) == limits.pids_limit;
    if !same {
        let limits = ContainerUpdateBody { pids_limit: limits.pids_limit.or(Some(-1)), ..limits };
        docker.update_container(&id, limits).await.map_err(|error| classify("changing a container", &error))?;
    }
    rejoin(engine, there, &blueprint.networks).await?;
    wake(engine, there).await?;
    wait(engine, &id, &blueprint.wait, pace).await
}

/// Makes a container run that does not: by the step that its state asks for.
pub(in super::super) async fn wake(engine: &Engine, there: &ContainerInspectResponse) -> Result<(), ProviderError> {
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
pub(super) async fn start(engine: &Engine, id: &str) -> Result<(), ProviderError> {
    match engine.docker().await?.start_container(id, None).await {
        Err(error) if !is_done(&error) => Err(taken_port(engine, id, classify("starting a container", &error)).await),
        _ => Ok(()),
    }
}

/// Stops and removes a container, and its nameless volumes. What is not there is removed already.
pub(in super::super) async fn remove(engine: &Engine, id: &str) -> Result<(), ProviderError> {
    let docker = engine.docker().await?;
    // It gets the time to end in good order; one that does not run is stopped already.
    match docker.stop_container(id, None).await {
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) if !is_done(&error) => return Err(classify("stopping a container", &error)),
        _ => {}
    }
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match docker.remove_container(id, Some(options)).await {
        Err(error) if !is_absent(&error) => Err(classify("removing a container", &error)),
        _ => Ok(()),
    }
}

/// Puts files into a container that has not started yet.
async fn write(engine: &Engine, id: &str, files: &[(String, String)]) -> Result<(), ProviderError> {
    if files.is_empty() {
        return Ok(());
    }
    let unwritten = |error: std::io::Error| ProviderError::new(Class::Invalid, format!("packing its files: {error}"));
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

async fn connect(engine: &Engine, id: &str, join: &Join) -> Result<(), ProviderError> {
    let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(endpoint(join)) };
    let connected = engine.docker().await?.connect_network(&join.network, request).await;
    connected.map_err(|error| classify("connecting a container", &error))
}

/// Leaves the networks that it should not be in, or not in that way, and joins those that it should be in.
async fn rejoin(engine: &Engine, there: &ContainerInspectResponse, wanted: &[Join]) -> Result<(), ProviderError> {
    let id = there.id.clone().unwrap_or_default();
    let now = there.network_settings.as_ref().and_then(|settings| settings.networks.clone()).unwrap_or_default();
    if wanted.is_empty() {
        let usual = |name: &&String| ["bridge", "default", "podman"].contains(&name.as_str());
        for network in now.keys().filter(|name| !usual(name)) {
            disconnect(engine, &id, network).await?;
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
            fixed.filter(|address| !address.is_empty()) == join.address && aliases == names
        })
    };
    for network in now.keys().filter(|name| !wanted.iter().any(|join| join.network == **name && is(join))) {
        disconnect(engine, &id, network).await?;
    }
    for join in wanted.iter().filter(|join| !is(join)) {
        connect(engine, &id, join).await?;
    }
    Ok(())
}

async fn disconnect(engine: &Engine, id: &str, network: &str) -> Result<(), ProviderError> {
    let request = NetworkDisconnectRequest { container: id.to_owned(), force: Some(true) };
    match engine.docker().await?.disconnect_network(network, request).await {
        Err(error) if !is_absent(&error) => Err(classify("disconnecting a container", &error)),
        _ => Ok(()),
    }
}

/// Says who has a port that is taken, when a container of the same engine has it.
async fn taken_port(engine: &Engine, id: &str, error: ProviderError) -> ProviderError {
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
        |container| format!("the container `{}`", super::listed(container).name),
    );
    ProviderError::new(Class::Conflict, format!("{error}; {who} has it: choose another port, or stop that"))
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

fn joins(networks: &Value, name: impl Fn(&str) -> Result<String, ProviderError>) -> Result<Vec<Join>, ProviderError> {
    let join = |network: &Value| {
        let text = |key: &str| network.at(key).and_then(Value::as_str);
        let aliases = network.at("aliases").map(strings).unwrap_or_default();
        let address = text("address").map(str::to_owned);
        Ok(Join { network: name(text("network").unwrap_or_default())?, aliases, address })
    };
    networks.items().iter().map(join).collect()
}

/// What an engine can change about a container that exists.
fn limits(wanted: &Attributes) -> ContainerUpdateBody {
    let number = |name: &str, unit: i64| match wanted.get(name) {
        Value::Int(number) => Some(number * unit),
        _ => None,
    };
    let memory = number("memory_mib", 1_048_576);
    let policy = match wanted.get("restart").as_str() {
        Some("always") => RestartPolicyNameEnum::ALWAYS,
        Some("unless-stopped") => RestartPolicyNameEnum::UNLESS_STOPPED,
        Some("on-failure") => RestartPolicyNameEnum::ON_FAILURE,
        _ => RestartPolicyNameEnum::NO,
    };
    ContainerUpdateBody {
        memory,
        // The engine wants the limit of memory and swap together raised along with that of memory.
        memory_swap: memory.map(|bytes| bytes * 2),
        nano_cpus: number("cpu_millis", 1_000_000),
        pids_limit: number("pids", 1),
        restart_policy: Some(RestartPolicy { name: Some(policy), maximum_retry_count: None }),
        ..Default::default()
    }
}

fn bindings(ports: &[String]) -> HashMap<String, Option<Vec<PortBinding>>> {
    let mut map: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for port in ports {
        let mut parts = port.splitn(3, ':');
        let (address, outside, inside) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
        let binding = PortBinding { host_ip: address.map(str::to_owned), host_port: outside.map(str::to_owned) };
        map.entry(inside.to_owned()).or_default().get_or_insert_default().push(binding);
    }
    map
}

fn ulimits(limits: &Value) -> Option<Vec<ResourcesUlimits>> {
    let Value::Map(entries) = limits else { return None };
    let entry = |(name, limit): (&String, &Value)| match limit {
        Value::Int(limit) => {
            Some(ResourcesUlimits { name: Some(name.clone()), soft: Some(*limit), hard: Some(*limit) })
        }
        _ => None,
    };
    Some(entries.iter().filter_map(entry).collect())
}

fn health(health: &Value) -> Option<HealthConfig> {
    let command = strings(health.at("command").filter(|_| !health.is_null())?);
    let nanos = |key: &str| {
        let seconds = health.at(key).and_then(Value::as_str).and_then(|text| duration::parse(text).ok())?;
        i64::try_from(seconds).ok().map(|seconds| seconds * 1_000_000_000)
    };
    let retries = match health.at("retries") {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    Some(HealthConfig {
        test: Some(std::iter::once("CMD".to_owned()).chain(command).collect()),
        interval: nanos("interval"),
        timeout: nanos("timeout"),
        start_period: nanos("start_period"),
        retries,
        ..Default::default()
    })
}

fn strings(value: &Value) -> Vec<String> {
    value.items().iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
