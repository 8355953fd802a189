//! What the engine says of a container.

use std::collections::HashMap;

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum as Status, ContainerSummary, HostConfig, Mount, MountType,
};
use bollard::query_parameters::ListContainersOptionsBuilder;

use serde::de::DeserializeOwned;

use super::super::engine::Engine;
use super::super::error::{classify, is_absent};
use super::super::listed::{Listed, said};
use super::super::mark;
use super::super::mark::Labels;
use super::super::podman::{self, Bind};
use crate::driver::DriverError;
use crate::identity::Identity;
use crate::kind::{duration, port};
use crate::observed::Owner;
use crate::value::{Attributes, Value};

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

/// What is wrong with a container, if anything is: it should run.
pub(in super::super) fn condition(seen: &ContainerInspectResponse) -> Option<String> {
    let state = seen.state.as_ref()?;
    let word = match state.status.unwrap_or(Status::EMPTY) {
        Status::RUNNING => return None,
        Status::CREATED => "never started",
        Status::PAUSED => "paused",
        Status::RESTARTING => "restarting again and again",
        Status::REMOVING => "being removed",
        Status::EXITED | Status::STOPPING => "stopped",
        Status::DEAD | Status::EMPTY => "dead",
    };
    Some(word.to_owned())
}

/// Whether a container ever ran. Nothing is in one that never did but what it was made with.
pub(in super::super) fn has_started(seen: &ContainerInspectResponse) -> bool {
    let Some(state) = seen.state.as_ref() else { return true };
    // Podman calls one so that ran before its machine started again as well; only the time tells.
    let never = |time: &str| time.is_empty() || time.starts_with("0001-01-01");
    state.status != Some(Status::CREATED) || !state.started_at.as_deref().is_none_or(never)
}

/// What the engine says of a container, in the words of the spec.
pub(in super::super) fn attributes(
    seen: &ContainerInspectResponse,
    engine: Option<&str>,
    managed: &impl Fn(&str) -> bool,
    wanted: Option<&Attributes>,
) -> Attributes {
    let config = seen.config.clone().unwrap_or_default();
    let host = seen.host_config.clone().unwrap_or_default();
    let labels: Labels = config.labels.clone().unwrap_or_default();
    let known = |name: &str, value: Value| if managed(name) { value } else { Value::Null };
    // What the engine has no place for is as the spec says.
    let said_only = |name: &str| wanted.map_or(Value::Null, |wanted| wanted.get(name).clone());
    let list = |items: Option<&Vec<String>>| {
        Value::List(items.into_iter().flatten().map(|item| item.as_str().into()).collect())
    };
    let environment: HashMap<String, String> =
        config.env.iter().flatten().filter_map(|pair| pair.split_once('=')).map(owned).collect();
    let secrets = mark::get(&labels, "atlas.secrets").and_then(|text| serde_json::from_str(text).ok());
    let text =
        |value: Option<String>| value.filter(|text| !text.is_empty()).map_or(Value::Null, |text| text.as_str().into());
    let restart = host.restart_policy.as_ref().and_then(|policy| policy.name).map(|name| name.to_string());
    let whole = |value: Option<i64>, unit: i64| {
        value.filter(|number| *number > 0).map_or(Value::Null, |n| Value::Int(n / unit))
    };
    [
        ("name", seen.name.as_deref().unwrap_or_default().trim_start_matches('/').into()),
        ("engine", engine.map_or(Value::Null, Value::from)),
        (
            "image",
            text(
                config.image.map(|there| podman::image(there, wanted.and_then(|wanted| wanted.get("image").as_str()))),
            ),
        ),
        ("pull", said_only("pull")),
        ("command", known("command", list(config.cmd.as_ref()))),
        ("entrypoint", known("entrypoint", list(config.entrypoint.as_ref()))),
        ("environment", said("environment", &environment, &labels, managed, wanted)),
        ("secrets", secrets.unwrap_or_default()),
        ("ports", ports(&host)),
        ("binds", binds(&host)),
        ("volumes", mounts(&host)),
        ("tmpfs", Value::List(host.tmpfs.iter().flatten().map(|(path, _)| path.as_str().into()).collect())),
        ("networks", joined(seen, wanted)),
        ("restart", restart.filter(|name| !name.is_empty()).unwrap_or_else(|| "no".into()).as_str().into()),
        ("memory_mib", whole(host.memory, 1_048_576)),
        ("cpu_millis", whole(host.nano_cpus, 1_000_000)),
        ("pids", whole(podman::pids(&host, managed("pids")), 1)),
        ("capabilities", capabilities(&host, wanted)),
        ("privileged", Value::Bool(host.privileged.unwrap_or_default())),
        ("ulimits", ulimits(&host, wanted)),
        ("user", known("user", text(config.user))),
        ("workdir", known("workdir", text(config.working_dir))),
        ("health", known("health", config.healthcheck.map_or(Value::Null, |health| self::health(&health)))),
        ("wait", said_only("wait")),
        ("labels", said("labels", &labels, &labels, managed, wanted)),
    ]
    .into_iter()
    .collect()
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
            let full = format!("{address}:{}:{inside}", binding.host_port.as_deref().unwrap_or_default());
            all.push(port::short(&full).into());
        }
    }
    Value::List(all)
}

/// A port as the spec writes it, written out.
pub(super) fn written_out(port: &str) -> String {
    let (pair, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let full = if pair.matches(':').count() == 2 { pair.to_owned() } else { format!("127.0.0.1:{pair}") };
    format!("{full}/{protocol}")
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

/// Folders of the engine's machine.
fn binds(host: &HostConfig) -> Value {
    let all = host.binds.iter().flatten();
    let folders = all.filter(|text| Bind::parse(text).is_none_or(|bind| !bind.is_volume()));
    Value::List(folders.map(|text| Bind::text(text).as_str().into()).collect())
}

/// The networks that it is in, but for the engine's default one, where a container is that names none.
fn joined(seen: &ContainerInspectResponse, wanted: Option<&Attributes>) -> Value {
    let id = seen.id.as_deref().unwrap_or_default();
    let all = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let usual = |name: &str| ["bridge", "default", "podman"].contains(&name);
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
    let shown = all.into_iter().flatten().filter(|(network, _)| !(none && usual(network)));
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
    Value::Map(all.into_iter().map(|(name, most)| (name.into(), Value::Int(most))).collect())
}

fn health(health: &bollard::models::HealthConfig) -> Value {
    let seconds = |nanos: Option<i64>| {
        let seconds = u64::try_from(nanos.unwrap_or_default() / 1_000_000_000).unwrap_or_default();
        Value::from(duration::format(seconds).as_str())
    };
    // The first word tells how the rest is run: `CMD` runs it as it is.
    let command = health.test.iter().flatten().skip(1).map(|word| word.as_str().into()).collect();
    Value::default()
        .with(&["command"], Value::List(command))
        .with(&["interval"], seconds(health.interval))
        .with(&["timeout"], seconds(health.timeout))
        .with(&["retries"], Value::Int(health.retries.unwrap_or_default()))
        .with(&["start_period"], seconds(health.start_period))
}
