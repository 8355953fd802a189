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
use super::mark::Labels;
use super::sight::texts;
use crate::driver::DriverError;
use crate::kind::{self, Facts, Outputs};
use crate::value::{Attributes, Value};

/// The port on which LocalStack listens in its container.
const INSIDE: &str = "4566/tcp";
/// Where the attributes are kept from which the container was made. All that they say is fixed for its life.
const MADE_FROM: &str = "atlas.region";

/// The name of a region's container.
pub(super) fn name(project: &str, environment: &str, region: &str) -> String {
    format!("{project}-{environment}-{region}")
}

/// The name of the volume in which a region keeps its contents.
pub(super) fn volume(container: &str) -> String {
    format!("{container}-data")
}

/// How a region's container is made.
pub(super) fn blueprint(
    container: String,
    region: &str,
    wanted: &Attributes,
    mut labels: Labels,
    name_of: impl Fn(&str) -> Result<String, DriverError>,
) -> Result<Blueprint, DriverError> {
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
    environment.extend(get("environment").into_iter().flat_map(texts).map(|(key, value)| format!("{key}={value}")));
    labels.insert(MADE_FROM.into(), wanted.get("localstack").to_json().to_string());
    let endpoint = outputs(wanted, region).get("endpoint").cloned().unwrap_or_default();
    let machine = endpoint.split("://").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or_default();
    let binding = PortBinding { host_ip: Some(published_on(machine).into()), host_port: Some(port) };
    let data = Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume(&container)),
        target: Some("/var/lib/localstack".into()),
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
    let networks = match text("network") {
        Some(network) => {
            let aliases = vec![region.to_owned()];
            vec![Join { network: name_of(&network)?, aliases, address: None }]
        }
        None => Vec::new(),
    };
    let wait = Wait { http: Some(format!("{endpoint}/_localstack/health")), ..Wait::default() };
    Ok(Blueprint { name: container, pull: "missing".into(), body, networks, files: Vec::new(), wait })
}

/// What a region's container was made from.
pub(super) fn attributes(labels: &Labels) -> Attributes {
    let made_from = labels.get(MADE_FROM).and_then(|text| serde_json::from_str::<Value>(text).ok());
    [("localstack", made_from.unwrap_or_default())].into_iter().collect()
}

/// What is wrong with a region's container besides that it does not run: it left its network.
pub(super) fn condition(
    seen: &ContainerInspectResponse,
    attributes: &Attributes,
    networks: &HashMap<String, String>,
) -> Option<String> {
    let wanted = attributes.at("localstack.network").and_then(Value::as_str)?;
    let joined = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref())?;
    let there = joined.keys().any(|name| networks.get(name).map(String::as_str) == Some(wanted));
    (!there).then(|| format!("disconnected from {wanted}"))
}

/// The account and the endpoint, which follow from the attributes.
pub(super) fn outputs(attributes: &Attributes, region: &str) -> Outputs {
    let facts = Facts { attributes, name: region, place: None, host: None };
    kind::get("region").map(|kind| kind.derive_outputs(&facts)).unwrap_or_default()
}
