//! A container in the words of the spec.

use std::collections::HashMap;

use bollard::models::{
    ContainerConfig, ContainerInspectResponse, DeviceMapping, HostConfig, HostConfigLogConfig, Mount, MountType,
};

use super::super::listed::said;
use super::super::mark::{self, Labels};
use super::super::network::is_default;
use super::super::podman::{self, Bind};
use super::super::spec_side::SpecSide;
use super::MEBI;
use super::blueprint::bind_beside;
use super::look::is_joined;
use crate::driver::protocol::is_managed;
use crate::kind::{self, duration, engine_rule, normal};
use crate::observed::Mark;
use crate::value::{Attributes, Value};

/// What the engine says of a container, in the words of the spec.
pub(in super::super) fn attributes(
    seen: &ContainerInspectResponse,
    engine: Option<&str>,
    mark: Option<&Mark>,
    spec: &SpecSide<'_>,
) -> Attributes {
    let wanted = spec.wanted;
    let managed = &|name: &str| is_managed(name, mark, wanted);
    let config = seen.config.clone().unwrap_or_default();
    let host = seen.host_config.clone().unwrap_or_default();
    let labels: Labels = config.labels.clone().unwrap_or_default();
    let known = |name: &str, value: Value| chosen(name, value, mark, wanted);
    // What the engine has no place for is as the spec says.
    let said_only = |name: &str| wanted.map_or(Value::Null, |wanted| wanted.get(name).clone());
    let environment: HashMap<String, String> =
        config.env.iter().flatten().filter_map(|pair| pair.split_once('=')).map(owned).collect();
    let secrets = mark::get(&labels, "atlas.secrets").and_then(|text| serde_json::from_str(text).ok());
    let noted = labels.get("atlas.keys.logging").map(|keys| keys.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let said_options = |key: &str| {
        let now = wanted.and_then(|wanted| wanted.at("logging.options")).and_then(|options| options.at(key)).is_some();
        now || noted.as_ref().is_none_or(|keys| keys.iter().any(|own| own == key))
    };
    let run = runs(mark, wanted);
    let restart = host.restart_policy.as_ref().and_then(|policy| policy.name).map(|name| name.to_string());
    [
        ("name", seen.name.as_deref().unwrap_or_default().trim_start_matches('/').into()),
        ("engine", engine.map_or(Value::Null, Value::from)),
        (
            "image",
            text(
                config
                    .image
                    .clone()
                    .map(|there| podman::image(there, wanted.and_then(|wanted| wanted.get("image").as_str()))),
            ),
        ),
        ("pull", said_only("pull")),
        ("command", known("command", list(config.cmd.as_ref()))),
        ("entrypoint", known("entrypoint", list(config.entrypoint.as_ref()))),
        ("environment", said("environment", &environment, &labels, managed, wanted)),
        ("secrets", secrets.unwrap_or_default()),
        ("ports", ports(&host)),
        ("binds", binds(&host, spec)),
        ("volumes", mounts(&host)),
        ("tmpfs", Value::List(host.tmpfs.iter().flatten().map(|(path, _)| path.as_str().into()).collect())),
        ("networks", joined(seen, wanted)),
        ("restart", restarts(restart, &run, mark, wanted)),
        ("memory_mib", whole(host.memory, MEBI)),
        ("cpu_millis", whole(host.nano_cpus, 1_000_000)),
        ("pids", whole(podman::pids(&host, managed("pids")), 1)),
        ("capabilities", capabilities(&host, wanted)),
        ("privileged", Value::Bool(host.privileged.unwrap_or_default())),
        ("ulimits", ulimits(&host, wanted)),
        ("user", known("user", text(config.user.clone()))),
        ("workdir", known("workdir", text(config.working_dir.clone()))),
        ("health", known("health", config.healthcheck.as_ref().map_or(Value::Null, health))),
        ("run", run),
        ("wait", said_only("wait")),
        ("env_file", said_only("env_file")),
        ("labels", said("labels", &labels, &labels, managed, wanted)),
    ]
    .into_iter()
    .chain(surroundings(&config, &host, &known, &said_options))
    .collect()
}

/// Whether a container was made as a job. The engine has no place for that, so its mark tells it.
fn runs(mark: Option<&Mark>, wanted: Option<&Attributes>) -> Value {
    match mark {
        Some(mark) if mark.digest_of("run") == Some(&*Value::from("once").digest()) => "once".into(),
        Some(_) => "always".into(),
        None => wanted.map_or(Value::Null, |wanted| wanted.get("run").clone()),
    }
}

/// The engine does not start a job again, whatever the spec says of that by default.
fn restarts(there: Option<String>, run: &Value, mark: Option<&Mark>, wanted: Option<&Attributes>) -> Value {
    let there = there.filter(|name| !name.is_empty()).unwrap_or_else(|| "no".into());
    if there != "no" || run.as_str() != Some("once") {
        return there.as_str().into();
    }
    let said = match mark {
        Some(mark) => ["unless-stopped", "always"]
            .into_iter()
            .map(Value::from)
            .find(|word| mark.digest_of("restart") == Some(&*word.digest())),
        None => wanted.map(|wanted| wanted.get("restart").clone()).filter(|said| said.as_str() != Some("on-failure")),
    };
    said.unwrap_or_else(|| "no".into())
}

/// What a container has of an attribute that the image or the engine chooses where nobody says it. Where Atlas made the
/// container and did not say it, they chose; only when the spec says the same now is there nothing to change.
fn chosen(name: &str, value: Value, mark: Option<&Mark>, wanted: Option<&Attributes>) -> Value {
    if mark.is_some_and(|mark| mark.digest_of(name).is_some()) {
        return value;
    }
    let said = wanted.map(|wanted| wanted.get(name)).filter(|said| !said.is_null());
    let same = |said: &Value| {
        let attribute = kind::get("container").and_then(|kind| kind.attribute(name));
        attribute.is_some_and(|attribute| normal(&attribute.ty, value.clone()) == *said)
    };
    match said {
        Some(said) if mark.is_none() || same(said) => value,
        _ => Value::Null,
    }
}

/// What a container finds around it: names, limits, devices, signals. What the engine or the image chooses where nobody says
/// it is an attribute only where somebody does.
fn surroundings(
    config: &ContainerConfig,
    host: &HostConfig,
    known: &impl Fn(&str, Value) -> Value,
    said_options: &dyn Fn(&str) -> bool,
) -> [(&'static str, Value); 17] {
    let mode = host.network_mode.as_deref().filter(|mode| ["host", "none"].contains(mode));
    let retries = host.restart_policy.as_ref().and_then(|policy| policy.maximum_retry_count);
    // Less than nothing is swap without a limit, or an engine that can't limit it.
    let swap = host.memory_swap.zip(host.memory).filter(|(whole, memory)| *whole >= *memory);
    let swap = swap.map(|(whole, memory)| Value::Int((whole - memory) / MEBI));
    let seconds = config.stop_timeout.and_then(|seconds| u64::try_from(seconds).ok());
    let stop_timeout = seconds.map(|seconds| duration::format(seconds).as_str().into()).unwrap_or_default();
    let pairs = |list: &Option<Vec<String>>| {
        let pairs = list.iter().flatten().filter_map(|pair| pair.split_once(':'));
        Value::Map(pairs.map(|(name, address)| (name.into(), address.into())).collect())
    };
    [
        ("network_mode", mode.map(Value::from).unwrap_or_default()),
        ("hostname", known("hostname", text(config.hostname.clone()))),
        ("extra_hosts", pairs(&host.extra_hosts)),
        ("dns", list(host.dns.as_ref())),
        ("dns_search", list(host.dns_search.as_ref())),
        ("restart_retries", whole(retries, 1)),
        ("swap_mib", known("swap_mib", swap.unwrap_or_default())),
        ("shm_mib", known("shm_mib", whole(host.shm_size, MEBI))),
        ("security_options", known("security_options", security(host))),
        ("sysctls", map(host.sysctls.as_ref())),
        ("devices", Value::List(host.devices.iter().flatten().map(device).collect())),
        ("groups", list(host.group_add.as_ref())),
        ("init", Value::Bool(host.init == Some(true))),
        ("read_only", Value::Bool(host.readonly_rootfs == Some(true))),
        ("stop_signal", known("stop_signal", text(config.stop_signal.clone()))),
        ("stop_timeout", known("stop_timeout", stop_timeout)),
        ("logging", known("logging", host.log_config.as_ref().map_or(Value::Null, |log| logging(log, said_options)))),
    ]
}

fn list(items: Option<&Vec<String>>) -> Value {
    Value::List(items.into_iter().flatten().map(|item| item.as_str().into()).collect())
}

fn map(entries: Option<&HashMap<String, String>>) -> Value {
    let entries = entries.into_iter().flatten();
    Value::Map(entries.map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect())
}

fn text(value: Option<String>) -> Value {
    value.filter(|text| !text.is_empty()).map_or(Value::Null, |text| text.as_str().into())
}

fn whole(value: Option<i64>, unit: i64) -> Value {
    value.filter(|number| *number > 0).map_or(Value::Null, |number| Value::Int(number / unit))
}

/// The engine lifts what its security modules forbid from a container that may do anything:
/// <https://docs.docker.com/reference/cli/docker/container/run/#privileged>.
fn security(host: &HostConfig) -> Value {
    let lifted = |option: &str| host.privileged == Some(true) && option == "label=disable";
    let options = host.security_opt.iter().flatten().filter(|option| !lifted(option));
    Value::List(options.map(|option| option.as_str().into()).collect())
}

fn device(device: &DeviceMapping) -> Value {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (from, to, may) =
        (part(&device.path_on_host), part(&device.path_in_container), part(&device.cgroup_permissions));
    format!("{from}:{to}:{may}").as_str().into()
}

fn logging(logging: &HostConfigLogConfig, said: &dyn Fn(&str) -> bool) -> Value {
    // An engine may be set up to add some of its own.
    let options = logging.config.as_ref().map(|all| {
        let said = all.iter().filter(|(key, _)| said(key));
        said.map(|(key, value)| (key.clone(), value.clone())).collect::<HashMap<_, _>>()
    });
    Value::default().with(&["driver"], text(logging.typ.clone())).with(&["options"], map(options.as_ref()))
}

/// Says of secrets that the container has with another value than their references lead to now. The values themselves are
/// compared here and go no further; a reference that leads nowhere at the moment tells nothing.
pub(in super::super) fn compare_secrets(
    attributes: &mut Attributes,
    seen: &ContainerInspectResponse,
    value: impl Fn(&Value) -> Option<String>,
) {
    let Value::Map(recorded) = attributes.get("secrets").clone() else { return };
    let pairs = seen.config.as_ref().and_then(|config| config.env.as_ref()).into_iter().flatten();
    let has: HashMap<&str, &str> = pairs.filter_map(|pair| pair.split_once('=')).collect();
    for (name, reference) in recorded.iter() {
        let (now, then) = (value(reference), has.get(name.as_str()));
        if now.is_some_and(|now| then.is_none_or(|then| *then != now)) {
            let secrets = attributes.get("secrets").clone().with(&[name], "(another value)".into());
            attributes.set("secrets", secrets);
        }
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Published ports as the spec writes them.
fn ports(host: &HostConfig) -> Value {
    let mut all = Vec::new();
    for (inside, bindings) in host.port_bindings.iter().flatten() {
        for binding in bindings.iter().flatten() {
            let address = binding.host_ip.as_deref().filter(|address| !address.is_empty()).unwrap_or("0.0.0.0");
            let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
            let full = format!("{address}:{}:{inside}", binding.host_port.as_deref().unwrap_or_default());
            all.push(engine_rule::short_port(&full).into());
        }
    }
    Value::List(all)
}

fn mounts(host: &HostConfig) -> Value {
    let of_volumes = host.mounts.iter().flatten().filter(|mount| mount.typ == Some(MountType::VOLUME));
    let entry = |mount: &Mount| {
        Value::default()
            .with(&["volume"], mount.source.as_deref().unwrap_or_default().into())
            .with(&["to"], mount.target.as_deref().unwrap_or_default().into())
            .with(&["read_only"], Value::Bool(mount.read_only.unwrap_or_default()))
    };
    let of_binds = host.binds.iter().flatten().filter_map(|text| Bind::parse(text)).filter(Bind::is_volume);
    let of_bind = |bind: Bind| {
        let mount = Mount {
            source: Some(bind.from),
            target: Some(bind.to),
            read_only: Some(bind.read_only),
            ..Default::default()
        };
        entry(&mount)
    };
    Value::List(of_volumes.map(entry).chain(of_binds.map(of_bind)).collect())
}

/// Folders of the engine's machine; one beside the spec as the spec says it.
fn binds(host: &HostConfig, spec: &SpecSide<'_>) -> Value {
    let said = spec.wanted.map(|wanted| wanted.get("binds").items()).unwrap_or_default();
    let beside: HashMap<String, &str> =
        said.iter().filter_map(Value::as_str).map(|bind| (bind_beside(spec.base, bind), bind)).collect();
    let mounted = host.mounts.iter().flatten().filter(|mount| mount.typ == Some(MountType::BIND));
    let mounted = mounted.map(|mount| {
        let end = if mount.read_only == Some(true) { ":ro" } else { "" };
        format!("{}:{}{end}", mount.source.as_deref().unwrap_or_default(), mount.target.as_deref().unwrap_or_default())
    });
    let all: Vec<String> = host.binds.iter().flatten().cloned().chain(mounted).collect();
    let folders = all.iter().filter(|text| Bind::parse(text).is_none_or(|bind| !bind.is_volume()));
    let folder = |text: String| beside.get(&text).copied().unwrap_or(&text).into();
    Value::List(folders.map(|text| folder(engine_rule::normal_bind(text))).collect())
}

/// The networks that it is in, but for the engine's default one, where a container is that names none.
fn joined(seen: &ContainerInspectResponse, wanted: Option<&Attributes>) -> Value {
    let id = seen.id.as_deref().unwrap_or_default();
    let all = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let usual = |name: &str| is_default(name) || ["host", "none"].contains(&name);
    let entry = |(network, endpoint): (&String, &bollard::models::EndpointSettings)| {
        // Engines before 25 add the short form of the container's id.
        let aliases = endpoint.aliases.iter().flatten().filter(|alias| !id.starts_with(alias.as_str()));
        let aliases: Vec<Value> = aliases.map(|alias| alias.as_str().into()).collect();
        let fixed = endpoint.ipam_config.as_ref().and_then(|config| {
            config.ipv4_address.clone().or_else(|| config.ipv6_address.clone()).filter(|address| !address.is_empty())
        });
        Value::default()
            .with(&["network"], network.as_str().into())
            .with(&["aliases"], if aliases.is_empty() { Value::Null } else { Value::List(aliases) })
            .with(&["address"], fixed.map_or(Value::Null, |address| address.as_str().into()))
    };
    let none = wanted.is_none_or(|wanted| wanted.get("networks").is_null());
    let shown =
        all.into_iter().flatten().filter(|(network, endpoint)| !(none && usual(network)) && is_joined(seen, endpoint));
    Value::List(shown.map(entry).collect())
}

fn capabilities(host: &HostConfig, wanted: Option<&Attributes>) -> Value {
    let list = |items: &Option<Vec<String>>| {
        let items: Vec<Value> = items.iter().flatten().map(|item| item.trim_start_matches("CAP_").into()).collect();
        if items.is_empty() { Value::Null } else { Value::List(items) }
    };
    let drops = wanted.and_then(|wanted| wanted.at("capabilities.drop"));
    let all = drops.is_some_and(|drops| drops.items() == [Value::from("ALL")]) && podman::drops_all(host);
    let dropped = if all { Value::List(vec!["ALL".into()]) } else { list(&host.cap_drop) };
    Value::default().with(&["add"], list(&host.cap_add)).with(&["drop"], dropped)
}

fn ulimits(host: &HostConfig, wanted: Option<&Attributes>) -> Value {
    let said = |name: &str| {
        wanted.is_some_and(|wanted| matches!(wanted.get("ulimits"), Value::Map(said) if said.contains_key(name)))
    };
    let all = podman::ulimits(host.ulimits.as_deref().unwrap_or_default(), said);
    let limit = |(soft, hard): (i64, i64)| match soft == hard {
        true => Value::Int(soft),
        false => Value::default().with(&["soft"], Value::Int(soft)).with(&["hard"], Value::Int(hard)),
    };
    Value::Map(all.into_iter().map(|(name, both)| (name.into(), limit(both))).collect())
}

fn health(health: &bollard::models::HealthConfig) -> Value {
    // Of what nobody says the engine has its own idea:
    // <https://docs.docker.com/reference/dockerfile/#healthcheck>.
    let seconds = |nanos: Option<i64>, usual: u64| {
        let seconds = u64::try_from(nanos.unwrap_or_default() / 1_000_000_000).unwrap_or_default();
        Value::from(duration::format(if seconds == 0 { usual } else { seconds }).as_str())
    };
    // The first word tells how the rest is run: `CMD` runs it as it is, and `CMD-SHELL` as a line.
    let mut test = health.test.iter().flatten();
    let in_shell = test.next().is_some_and(|how| how == "CMD-SHELL");
    let words: Vec<Value> = test.map(|word| word.as_str().into()).collect();
    let (command, shell) = match in_shell {
        true => (Value::Null, words.into_iter().next().unwrap_or_default()),
        false => (Value::List(words), Value::Null),
    };
    Value::default()
        .with(&["command"], command)
        .with(&["shell"], shell)
        .with(&["interval"], seconds(health.interval, 30))
        .with(&["timeout"], seconds(health.timeout, 30))
        .with(&["retries"], Value::Int(health.retries.filter(|retries| *retries > 0).unwrap_or(3)))
        .with(&["start_period"], seconds(health.start_period, 0))
}
