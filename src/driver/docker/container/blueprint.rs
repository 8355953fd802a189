//! What a container is made from: the spec's words in those of Docker's API.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType, PortBinding,
    ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};

use super::super::mark::{Labels, carry, keys};
use super::super::table::texts;
use super::MEBI;
use super::wait::Wait;
use crate::driver::{Class, DriverError};
use crate::kind::{duration, engine_rule};
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
    /// The words that run before the image's own entrypoint, which they are given along with the command; none where the image
    /// starts as it is.
    pub wrapper: Vec<String>,
    pub wait: Wait,
    /// Whether it is started again when it is not healthy.
    pub heals: bool,
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
    base: &Path,
    secret: impl Fn(&Value) -> Result<String, DriverError>,
) -> Result<Blueprint, DriverError> {
    let text = |path: &str| text(wanted, path);
    carry(&mut labels, wanted);
    let mut environment: Vec<String> =
        texts(wanted.get("environment")).map(|(key, value)| format!("{key}={value}")).collect();
    note_keys(&mut labels, "environment", wanted.get("environment"));
    note_keys(&mut labels, "logging", wanted.at("logging.options").unwrap_or(&Value::Null));
    if let Value::Map(secrets) = wanted.get("secrets") {
        labels.insert("atlas.secrets".into(), wanted.get("secrets").to_json().to_string());
        for (key, reference) in secrets.iter() {
            let value = secret(reference)?;
            environment.push(format!("{key}={value}"));
        }
    }
    let ports: Vec<String> = strings(wanted.get("ports")).iter().map(|port| written_out(port)).collect();
    let host = host(wanted, &ports, base)?;
    let body = ContainerCreateBody {
        image: text("image"),
        cmd: list(wanted, "command"),
        entrypoint: list(wanted, "entrypoint"),
        env: (!environment.is_empty()).then_some(environment),
        exposed_ports: Some(ports.iter().filter_map(|port| port.rsplit(':').next()).map(str::to_owned).collect()),
        labels: Some(labels),
        user: text("user"),
        working_dir: text("workdir"),
        hostname: text("hostname"),
        stop_signal: text("stop_signal"),
        stop_timeout: text("stop_timeout")
            .and_then(|text| duration::parse(&text).ok())
            .and_then(|time| time.try_into().ok()),
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
        wrapper: Vec::new(),
        wait: Wait::of(wanted),
        heals: true,
    })
}

/// Notes which entries of a table are the spec's, as engines and images bring some of their own.
fn note_keys(labels: &mut Labels, name: &str, table: &Value) {
    let own: Vec<String> = texts(table).map(|(key, _)| key).collect();
    keys(labels, name, own.iter().map(String::as_str));
}

/// What a container finds around it.
fn host(wanted: &Attributes, ports: &[String], base: &Path) -> Result<HostConfig, DriverError> {
    Ok(HostConfig {
        binds: list(wanted, "binds").map(|binds| binds.iter().map(|bind| bind_beside(base, bind)).collect()),
        mounts: Some(mounts(wanted.get("volumes"))),
        tmpfs: Some(strings(wanted.get("tmpfs")).into_iter().map(|path| (path, String::new())).collect()),
        port_bindings: Some(bindings(ports)),
        cap_add: list(wanted, "capabilities.add"),
        cap_drop: list(wanted, "capabilities.drop"),
        privileged: Some(flag(wanted, "privileged")),
        ulimits: ulimits(wanted.get("ulimits"))?,
        network_mode: text(wanted, "network_mode"),
        extra_hosts: list_of_pairs(wanted.get("extra_hosts"), ':'),
        dns: list(wanted, "dns"),
        dns_search: list(wanted, "dns_search"),
        shm_size: whole(wanted, "shm_mib").map(|mebibytes| mebibytes * MEBI),
        security_opt: list(wanted, "security_options"),
        sysctls: map_of(wanted.get("sysctls")),
        devices: list(wanted, "devices").map(|devices| devices.iter().map(|device| self::device(device)).collect()),
        group_add: list(wanted, "groups"),
        init: flag(wanted, "init").then_some(true),
        readonly_rootfs: Some(flag(wanted, "read_only")),
        log_config: logging(wanted.get("logging")),
        ..limits(wanted)
    })
}

fn text(wanted: &Attributes, path: &str) -> Option<String> {
    wanted.at(path).and_then(Value::as_str).map(str::to_owned)
}

fn flag(wanted: &Attributes, name: &str) -> bool {
    wanted.get(name) == &Value::Bool(true)
}

fn list(wanted: &Attributes, path: &str) -> Option<Vec<String>> {
    wanted.at(path).filter(|value| !value.is_null()).map(strings)
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
    let number = |name: &str, unit: i64| whole(wanted, name).map(|number| number * unit);
    let memory = number("memory_mib", MEBI);
    let once = wanted.get("run").as_str() == Some("once");
    let policy = match wanted.get("restart").as_str() {
        Some("always" | "unless-stopped") if once => RestartPolicyNameEnum::NO,
        Some("always") => RestartPolicyNameEnum::ALWAYS,
        Some("unless-stopped") => RestartPolicyNameEnum::UNLESS_STOPPED,
        Some("on-failure") => RestartPolicyNameEnum::ON_FAILURE,
        _ => RestartPolicyNameEnum::NO,
    };
    HostConfig {
        memory,
        // The engine wants the limit of memory and swap together raised along with that of memory.
        memory_swap: memory.map(|bytes| bytes + number("swap_mib", MEBI).unwrap_or(bytes)),
        nano_cpus: number("cpu_millis", 1_000_000),
        pids_limit: number("pids", 1),
        restart_policy: Some(RestartPolicy { name: Some(policy), maximum_retry_count: number("restart_retries", 1) }),
        ..Default::default()
    }
}

/// A port as the spec writes it, written out.
fn written_out(port: &str) -> String {
    let (pair, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let full = if pair.matches(':').count() >= 2 { pair.to_owned() } else { format!("127.0.0.1:{pair}") };
    format!("{full}/{protocol}")
}

fn bindings(ports: &[String]) -> HashMap<String, Option<Vec<PortBinding>>> {
    let mut map: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for port in ports {
        let mut parts = port.rsplitn(3, ':');
        let (inside, outside, address) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let address = address.map(|address| address.trim_matches(['[', ']']).to_owned());
        let binding = PortBinding { host_ip: address, host_port: outside.map(str::to_owned) };
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
    let entry = |(name, limit): (&Text, &Value)| {
        let part = |key: &str| limit.as_int().or_else(|| limit.at(key)?.as_int());
        Some(ResourcesUlimits { name: Some(name.to_string()), soft: Some(part("soft")?), hard: Some(part("hard")?) })
    };
    Ok(Some(entries.iter().filter_map(entry).collect()))
}

fn health(health: &Value) -> Option<HealthConfig> {
    if health.is_null() {
        return None;
    }
    let test = match health.at("shell").and_then(Value::as_str) {
        Some(line) => vec!["CMD-SHELL".to_owned(), line.to_owned()],
        None => std::iter::once("CMD".to_owned()).chain(strings(health.at("command")?)).collect(),
    };
    let nanos = |key: &str| {
        let seconds = health.at(key).and_then(Value::as_str).and_then(|text| duration::parse(text).ok())?;
        i64::try_from(seconds).ok().map(|seconds| seconds * 1_000_000_000)
    };
    let retries = match health.at("retries") {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    Some(HealthConfig {
        test: Some(test),
        interval: nanos("interval"),
        timeout: nanos("timeout"),
        // An engine takes 0 for "as the image says", and nothing between that and a millisecond:
        // <https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerCreate>.
        start_period: nanos("start_period").map(|nanos| nanos.max(1_000_000)),
        retries,
        ..Default::default()
    })
}

/// A folder beside the spec as the engine has to be told it; any other bind as it is.
pub(super) fn bind_beside(base: &Path, bind: &str) -> String {
    if bind.starts_with('/') {
        return bind.to_owned();
    }
    let whole = std::path::absolute(base).unwrap_or_else(|_| base.to_owned());
    engine_rule::normal_bind(&format!("{}/{bind}", whole.display()))
}

fn device(text: &str) -> DeviceMapping {
    let mut parts = text.splitn(3, ':');
    let (from, to, may) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    DeviceMapping {
        path_on_host: Some(from.to_owned()),
        path_in_container: Some(to.unwrap_or(from).to_owned()),
        cgroup_permissions: Some(may.unwrap_or("rwm").to_owned()),
    }
}

fn logging(logging: &Value) -> Option<HostConfigLogConfig> {
    let driver = logging.at("driver").and_then(Value::as_str)?;
    Some(HostConfigLogConfig { typ: Some(driver.to_owned()), config: logging.at("options").and_then(map_of) })
}

fn whole(wanted: &Attributes, name: &str) -> Option<i64> {
    match wanted.get(name) {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

fn map_of(value: &Value) -> Option<HashMap<String, String>> {
    (!value.is_null()).then(|| texts(value).collect())
}

fn list_of_pairs(value: &Value, between: char) -> Option<Vec<String>> {
    (!value.is_null()).then(|| texts(value).map(|(key, value)| format!("{key}{between}{value}")).collect())
}

fn strings(value: &Value) -> Vec<String> {
    value.items().iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
