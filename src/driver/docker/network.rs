//! Networks.

use std::collections::HashMap;

use bollard::models::{ContainerSummary, Ipam, IpamConfig, Network, NetworkCreateRequest, NetworkDisconnectRequest};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};

use super::engine::Engine;
use super::error::{classify, is_absent};
use super::listed::{Listed, said};
use super::mark::{self, Labels, carry, keys};
use super::note::Notes;
use super::table::texts;
use crate::driver::{Class, DriverError};
use crate::kind::{self, normal};
use crate::observed::{Mark, Owner};
use crate::value::{Attributes, Value};

/// Whether a network is the one that an engine puts a container in that names none.
pub(super) fn is_default(name: &str) -> bool {
    ["bridge", "default", "podman"].contains(&name)
}

/// Every network of an engine, in one call.
pub(super) async fn list(engine: &Engine) -> Result<Vec<Network>, DriverError> {
    let found = engine.docker().await?.list_networks(None).await;
    found.map_err(|error| classify("listing networks", &error))
}

/// The networks of a name, in one call: an engine may have had several once.
pub(super) async fn named(engine: &Engine, name: &str) -> Result<Vec<Network>, DriverError> {
    let filters = HashMap::from([("name", vec![name])]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let found = engine.docker().await?.list_networks(Some(options)).await;
    let mut found = found.map_err(|error| classify("listing networks", &error))?;
    // The filter matches parts of names as well.
    found.retain(|network| network.name.as_deref() == Some(name));
    Ok(found)
}

/// A listed network in the words of the other objects.
pub(super) fn listed(network: &Network) -> Listed {
    Listed {
        id: network.id.clone().unwrap_or_default(),
        name: network.name.clone().unwrap_or_default(),
        labels: network.labels.clone().unwrap_or_default(),
    }
}

/// What the engine says of a network.
pub(super) fn attributes(
    network: &Network,
    engine: Option<&str>,
    managed: impl Fn(&str) -> bool,
    mark: Option<&Mark>,
    wanted: Option<&Attributes>,
) -> Attributes {
    // A network with addresses of both sorts has two of them, and the engine chooses what the spec does not say. Where the
    // spec names none of them any more, the mark tells which it named before.
    let configs = network.ipam.as_ref().and_then(|ipam| ipam.config.as_deref()).unwrap_or_default();
    let asked = wanted.and_then(|wanted| wanted.get("subnet").as_str());
    let applied = mark.and_then(|mark| mark.digest_of("subnet"));
    let is_applied = |subnet: &String| applied.is_some_and(|digest| Value::from(subnet.as_str()).digest() == digest);
    let config = configs
        .iter()
        .find(|config| config.subnet.as_deref() == asked)
        .or_else(|| configs.iter().find(|config| config.subnet.as_ref().is_some_and(is_applied)))
        .or_else(|| configs.first());
    // The engine gives every network a subnet; it is an attribute only where somebody chose it.
    let chosen = |name: &str, value: Option<&String>| match managed(name) {
        true => value.map_or(Value::Null, |text| text.as_str().into()),
        false => Value::Null,
    };
    let subnet = config.and_then(|config| config.subnet.as_ref());
    let gateway = config.and_then(|config| config.gateway.as_ref());
    let ip_range = config.and_then(|config| config.ip_range.as_ref());
    let subnets = if managed("subnets") { ranges(configs, mark, wanted) } else { Value::Null };
    let empty = Labels::new();
    let labels = network.labels.as_ref().unwrap_or(&empty);
    let options = network.options.as_ref().unwrap_or(&empty);
    [
        ("name", network.name.as_deref().unwrap_or_default().into()),
        ("engine", engine.map_or(Value::Null, Value::from)),
        ("driver", network.driver.as_deref().unwrap_or_default().into()),
        ("subnet", chosen("subnet", subnet)),
        ("gateway", chosen("gateway", gateway)),
        ("ip_range", chosen("ip_range", ip_range)),
        ("subnets", subnets),
        ("options", said("options", options, labels, &managed, wanted)),
        ("internal", Value::Bool(network.internal.unwrap_or_default())),
        ("ipv6", Value::Bool(network.enable_ipv6.unwrap_or_default())),
        ("labels", said("labels", labels, labels, &managed, wanted)),
    ]
    .into_iter()
    .collect()
}

/// The ranges of addresses of a network, as far as somebody chose them: the engine chooses gateways that nobody says, and a
/// range of the sort of which nobody says one.
fn ranges(configs: &[IpamConfig], mark: Option<&Mark>, wanted: Option<&Attributes>) -> Value {
    let asked = wanted.map(|wanted| wanted.get("subnets").items()).unwrap_or_default();
    let subnet_of = |range: &Value| range.at("subnet").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_v6 = |subnet: &str| subnet.contains(':');
    let entry = |config: &IpamConfig, with_gateway: bool| {
        let text = |value: &Option<String>| {
            let value = value.as_deref().filter(|text| !text.is_empty());
            value.map_or(Value::Null, Value::from)
        };
        Value::default()
            .with(&["subnet"], text(&config.subnet))
            .with(&["gateway"], if with_gateway { text(&config.gateway) } else { Value::Null })
            .with(&["ip_range"], text(&config.ip_range))
    };
    if !asked.is_empty() {
        let of_sort = |subnet: &str| asked.iter().any(|range| is_v6(&subnet_of(range)) == is_v6(subnet));
        let shown = configs.iter().filter(|config| config.subnet.as_deref().is_some_and(of_sort));
        let says_gateway = |config: &IpamConfig| {
            let said = asked.iter().find(|range| Some(subnet_of(range)) == config.subnet);
            said.is_none_or(|range| range.at("gateway").is_some_and(|gateway| !gateway.is_null()))
        };
        return Value::List(shown.map(|config| entry(config, says_gateway(config))).collect());
    }
    // Where the spec says none of them any more, the mark tells which it said before.
    let attribute = kind::get("network").and_then(|kind| kind.attribute("subnets"));
    let applied = mark.and_then(|mark| mark.digest_of("subnets"));
    let all = |with_gateway: bool, sort: Option<bool>| {
        let of_sort = |config: &&IpamConfig| sort.is_none_or(|v6| config.subnet.as_deref().is_some_and(is_v6) == v6);
        Value::List(configs.iter().filter(of_sort).map(|config| entry(config, with_gateway)).collect())
    };
    let ways = [None, Some(true), Some(false)].into_iter().flat_map(|sort| [(false, sort), (true, sort)]);
    let mut ways = ways.map(|(with_gateway, sort)| all(with_gateway, sort));
    let is_applied = |value: &Value| {
        let value = attribute.map(|attribute| normal(&attribute.ty, value.clone()));
        value.is_some_and(|value| applied.is_some_and(|digest| *value.digest() == *digest))
    };
    ways.find(is_applied).unwrap_or_else(|| all(true, None))
}

/// Makes a network.
pub(super) async fn create(engine: &Engine, wanted: &Attributes, mut labels: Labels) -> Result<(), DriverError> {
    let text = |name: &str| wanted.get(name).as_str().map(str::to_owned);
    carry(&mut labels, wanted);
    let options: HashMap<String, String> = texts(wanted.get("options")).collect();
    keys(&mut labels, "options", options.keys().map(String::as_str));
    let range = |said: &dyn Fn(&str) -> Option<String>| IpamConfig {
        subnet: said("subnet"),
        gateway: said("gateway"),
        ip_range: said("ip_range"),
        ..Default::default()
    };
    let several = wanted.get("subnets").items().iter();
    let several = several.map(|one| range(&|name| one.at(name).and_then(Value::as_str).map(str::to_owned)));
    let configs: Vec<IpamConfig> = text("subnet").map(|_| range(&text)).into_iter().chain(several).collect();
    let request = NetworkCreateRequest {
        name: text("name").unwrap_or_default(),
        driver: text("driver"),
        internal: Some(wanted.get("internal") == &Value::Bool(true)),
        enable_ipv6: Some(wanted.get("ipv6") == &Value::Bool(true)),
        attachable: Some(true),
        ipam: (!configs.is_empty()).then(|| Ipam { config: Some(configs), ..Default::default() }),
        options: (!options.is_empty()).then_some(options),
        labels: Some(labels),
        ..Default::default()
    };
    let made = engine.docker().await?.create_network(request).await;
    made.map(drop).map_err(|error| classify("creating a network", &error))
}

/// Takes the containers out of a network that is about to go which its owner's marks say need it: where it is replaced, they
/// join the new one. While anybody else's is in it, all of it stays.
pub(super) async fn vacate(engine: &Engine, id: &str, mark: Option<&Mark>) -> Result<(), DriverError> {
    let inside = inside(engine, id, false).await?;
    if inside.is_empty() {
        return Ok(());
    }
    let notes = Notes::read(engine).await?;
    let needs = |one: &&ContainerSummary| {
        let noted = one.id.as_deref().and_then(|id| notes.labels_of(id));
        let theirs = noted.or(one.labels.as_ref()).and_then(mark::read);
        theirs.zip(mark).is_some_and(|(theirs, own)| {
            Owner::new(&own.project, &own.environment).has(&theirs) && theirs.needs.contains(&own.address)
        })
    };
    let (own, others): (Vec<_>, Vec<_>) = inside.iter().partition(needs);
    if let Some(first) = others.first() {
        let more = others.len() - 1;
        let more = if more > 0 { format!(" and {more} others are") } else { " is".to_owned() };
        let name = first.names.iter().flatten().next().map_or("", |name| name.trim_start_matches('/'));
        let why = format!("the network can't be removed: the container `{name}`{more} in it still");
        return Err(DriverError::new(Class::Conflict, why));
    }
    for one in own.iter().filter_map(|one| one.id.as_deref()) {
        disconnect(engine, id, one).await?;
    }
    Ok(())
}

/// The containers in a network, those that are stopped among them or not.
pub(super) async fn inside(engine: &Engine, id: &str, stopped: bool) -> Result<Vec<ContainerSummary>, DriverError> {
    let filters = HashMap::from([("network", vec![id])]);
    let options = ListContainersOptionsBuilder::default().all(stopped).filters(&filters).build();
    let inside = engine.docker().await?.list_containers(Some(options)).await;
    inside.map_err(|error| classify("looking for containers in a network", &error))
}

/// Takes a container out of a network. One that is not in it is out of it already.
pub(super) async fn disconnect(engine: &Engine, network: &str, container: &str) -> Result<(), DriverError> {
    let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
    match engine.docker().await?.disconnect_network(network, request).await {
        Err(error) if !is_absent(&error) && !error.to_string().contains("is not connected to") => {
            Err(classify("disconnecting a container", &error))
        }
        _ => Ok(()),
    }
}

/// Removes a network. What is not there is removed already.
pub(super) async fn remove(engine: &Engine, id: &str) -> Result<(), DriverError> {
    match engine.docker().await?.remove_network(id).await {
        Err(error) if !is_absent(&error) => Err(classify("removing a network", &error)),
        _ => Ok(()),
    }
}
