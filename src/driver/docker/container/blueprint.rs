//! What a container is made from: the spec's words in those of Docker's API.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, Mount, MountType, PortBinding, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};

use super::super::mark::{Labels, carry, keys};
use super::super::table::texts;
use super::look::written_out;
use super::wait::Wait;
use crate::driver::{Class, DriverError};
use crate::kind::duration;
use crate::value::{Attributes, Text, Value};

/// The limits of processes that engines know: <https://docs.docker.com/reference/cli/docker/container/run/#ulimit>.
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

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

/// The blueprint of a `container`. `secret` tells the value of a secret.
pub(in super::super) fn blueprint(
    wanted: &Attributes,
    mut labels: Labels,
    secret: impl Fn(&Value) -> Result<String, DriverError>,
) -> Result<Blueprint, DriverError> {
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
    if let Value::Map(secrets) = wanted.get("secrets") {
        labels.insert("atlas.secrets".into(), wanted.get("secrets").to_json().to_string());
        for (key, reference) in secrets.iter() {
            let value = secret(reference)?;
            environment.push(format!("{key}={value}"));
        }
    }
    let ports: Vec<String> = strings(wanted.get("ports")).iter().map(|port| written_out(port)).collect();
    let mounts = mounts(wanted.get("volumes"));
    let host = HostConfig {
        binds: list("binds"),
        mounts: Some(mounts),
        tmpfs: Some(strings(wanted.get("tmpfs")).into_iter().map(|path| (path, String::new())).collect()),
        port_bindings: Some(bindings(&ports)),
        cap_add: list("capabilities.add"),
        cap_drop: list("capabilities.drop"),
        privileged: Some(wanted.get("privileged") == &Value::Bool(true)),
        ulimits: ulimits(wanted.get("ulimits"))?,
        ..limits(wanted)
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
    Ok(Blueprint {
        name: text("name").unwrap_or_default(),
        pull,
        body,
        networks: joins(wanted.get("networks")),
        files: Vec::new(),
        wait: Wait::of(wanted.get("wait")),
    })
}

/// Volumes as an engine mounts them.
pub(in super::super) fn mounts(volumes: &Value) -> Vec<Mount> {
    let mount = |mount: &Value| {
        let get = |key: &str| mount.at(key).and_then(Value::as_str).map(str::to_owned);
        Mount {
            typ: Some(MountType::VOLUME),
            source: get("volume"),
            target: get("to"),
            read_only: Some(mount.at("read_only") == Some(&Value::Bool(true))),
            ..Default::default()
        }
    };
    volumes.items().iter().map(mount).collect()
}

fn joins(networks: &Value) -> Vec<Join> {
    let join = |network: &Value| {
        let text = |key: &str| network.at(key).and_then(Value::as_str).map(str::to_owned);
        let aliases = network.at("aliases").map(strings).unwrap_or_default();
        Join { network: text("network").unwrap_or_default(), aliases, address: text("address") }
    };
    networks.items().iter().map(join).collect()
}

/// What an engine can change about a container that exists.
fn limits(wanted: &Attributes) -> HostConfig {
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
    HostConfig {
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

/// An engine finds out only when it starts a container that it does not know a limit.
fn ulimits(limits: &Value) -> Result<Option<Vec<ResourcesUlimits>>, DriverError> {
    let Value::Map(entries) = limits else { return Ok(None) };
    if let Some(unknown) = entries.keys().find(|name| !ULIMITS.contains(&name.as_str())) {
        let message = format!("there is no limit `{unknown}`; there are {}", ULIMITS.join(", "));
        return Err(DriverError::new(Class::Invalid, message));
    }
    let entry = |(name, limit): (&Text, &Value)| match limit {
        Value::Int(limit) => {
            Some(ResourcesUlimits { name: Some(name.to_string()), soft: Some(*limit), hard: Some(*limit) })
        }
        _ => None,
    };
    Ok(Some(entries.iter().filter_map(entry).collect()))
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
