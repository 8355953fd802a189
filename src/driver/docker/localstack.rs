//! A region that is a LocalStack container.
//!
//! <https://docs.localstack.cloud/aws/capabilities/config/configuration/>

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, HostConfig, Mount, MountType, PortBinding, RestartPolicy,
    RestartPolicyNameEnum,
};

use super::container::{Blueprint, Join, Wait};
use super::engine::published_on;
use super::mark::{self, Labels};
use super::names;
use super::table::texts;
use crate::address::Address;
use crate::kind::{self, Facts, Outputs};
use crate::value::{Attributes, Value};

/// The port on which LocalStack listens in its container.
const INSIDE: &str = "4566/tcp";
/// Where the attributes are kept from which the container was made. All that they say is fixed for its life.
const MADE_FROM: &str = "atlas.region";
/// Where it keeps its data in its container.
const DATA: &str = "/var/lib/localstack";

/// The variable with the token that LocalStack's images later than 4.14 want. It comes along from where Atlas runs.
/// <https://docs.localstack.cloud/aws/getting-started/auth-token/>
pub(super) const TOKEN: &str = "LOCALSTACK_AUTH_TOKEN";

/// How a region's container is made.
pub(super) fn blueprint(
    container: String,
    region: &str,
    wanted: &Attributes,
    mut labels: Labels,
    token: Option<String>,
) -> Blueprint {
    let get = |key: &str| wanted.at(&format!("localstack.{key}"));
    let text = |key: &str| get(key).and_then(Value::as_str).map(str::to_owned);
    let list = |key: &str| -> Vec<String> {
        get(key)
            .map(Value::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let port = match get("port") {
        Some(Value::Int(port)) => port.to_string(),
        _ => "4566".into(),
    };
    let persist = get("persist") == Some(&Value::Bool(true));
    let mut environment = vec![
        format!("SERVICES={}", list("services").join(",")),
        format!("GATEWAY_LISTEN=0.0.0.0:{}", INSIDE.trim_end_matches("/tcp")),
        format!("AWS_DEFAULT_REGION={region}"),
        format!("PERSISTENCE={}", u8::from(persist)),
    ];
    environment.extend(token.map(|token| format!("{TOKEN}={token}")));
    environment.extend(get("environment").into_iter().flat_map(texts).map(|(key, value)| format!("{key}={value}")));
    labels.insert(MADE_FROM.into(), wanted.get("localstack").to_json().to_string());
    let endpoint = outputs(wanted, region).get("endpoint").cloned().unwrap_or_default();
    let machine = endpoint.split("://").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or_default();
    let binding = PortBinding { host_ip: Some(published_on(machine).into()), host_port: Some(port) };
    let data = Mount {
        typ: Some(MountType::VOLUME),
        source: Some(names::region_data(&container)),
        target: Some(DATA.into()),
        ..Default::default()
    };
    let host = HostConfig {
        binds: Some(list("binds")),
        mounts: Some(vec![data]),
        port_bindings: Some(HashMap::from([(INSIDE.to_owned(), Some(vec![binding]))])),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        }),
        ..Default::default()
    };
    let command = list("command");
    let body = ContainerCreateBody {
        image: text("image"),
        cmd: (!command.is_empty()).then_some(command),
        env: Some(environment),
        exposed_ports: Some(vec![INSIDE.to_owned()]),
        labels: Some(labels),
        host_config: Some(host),
        ..Default::default()
    };
    let join = |network| Join { network, aliases: vec![region.to_owned()], address: None };
    let networks = text("network").into_iter().map(join).collect();
    let wait = Wait { http: Some(format!("{endpoint}/_localstack/health")), ..Wait::default() };
    Blueprint { name: container, pull: "missing".into(), body, networks, wait, ..Blueprint::default() }
}

/// What a region's container was made from.
pub(super) fn attributes(seen: &ContainerInspectResponse) -> Attributes {
    let labels = seen.config.as_ref().and_then(|config| config.labels.as_ref());
    let text = labels.and_then(|labels| mark::get(labels, MADE_FROM));
    let mut made_from: Value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    // Older labels hold the network's address in the spec; the container's network mode is the engine's name of it.
    let address = made_from.at("network").and_then(Value::as_str).is_some_and(|name| Address::parse(name).is_ok());
    let mode = seen.host_config.as_ref().and_then(|host| host.network_mode.as_deref());
    if let (true, Some(mode)) = (address, mode) {
        made_from = made_from.with(&["network"], mode.into());
    }
    [("localstack", made_from)].into_iter().collect()
}

/// The volume in which a region's container has its data.
pub(super) fn data(seen: &ContainerInspectResponse) -> Option<&str> {
    let mounts = seen.mounts.iter().flatten();
    mounts.into_iter().find(|mount| mount.destination.as_deref() == Some(DATA))?.name.as_deref()
}

/// What is wrong with a region's container besides that it does not run: it left its network.
pub(super) fn condition(seen: &ContainerInspectResponse, attributes: &Attributes) -> Option<String> {
    let wanted = attributes.at("localstack.network").and_then(Value::as_str)?;
    let joined = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref())?;
    (!joined.contains_key(wanted)).then(|| format!("disconnected from {wanted}"))
}

/// The account and the endpoint, which follow from the attributes.
pub(super) fn outputs(attributes: &Attributes, region: &str) -> Outputs {
    let facts = Facts { attributes, name: region, place: None, host: None };
    kind::get("region").map(|kind| kind.derive_outputs(&facts)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_comes_along_and_stands_nowhere_else() {
        let wanted: Attributes =
            [("localstack", Value::default().with(&["port"], Value::Int(4566)))].into_iter().collect();
        let made = |token: Option<&str>| {
            let token = token.map(str::to_owned);
            blueprint("region".into(), "us-east-1", &wanted, Labels::new(), token).body
        };
        let said = |body: &ContainerCreateBody, text: &str| format!("{body:?}").matches(text).count();
        let (with, without) = (made(Some("ls-secret")), made(None));
        assert!(with.env.iter().flatten().any(|one| one == "LOCALSTACK_AUTH_TOKEN=ls-secret"));
        assert_eq!((said(&with, "ls-secret"), said(&without, "LOCALSTACK_AUTH_TOKEN")), (1, 0));
    }
}
