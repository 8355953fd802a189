//! Services of several containers: each of them is a block of its own, under the name that compose gives it.

use super::imported::ImportedBlock;
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent};
use crate::address::Address;
use crate::value::Value;

/// The most containers that one service becomes.
const MOST: i64 = 100;

/// How many containers a service is to have: one where it does not say it.
///
/// # Errors
/// When it can't have as many.
pub(super) fn wanted(service: &Yaml) -> Result<usize, Untakable> {
    let replicas = service.get("deploy").and_then(|deploy| deploy.get("replicas"));
    let Some(said) = service.get("scale").filter(|scale| !scale.is_null()).or(replicas) else { return Ok(1) };
    let number = said.int().ok_or_else(|| Untakable::new("it is no number", "write one, such as 2"))?;
    let refused = match number {
        ..0 => ("there can't be fewer than none".to_owned(), "write a number such as 2"),
        0..=1 => return Ok(1),
        _ if number > MOST => (format!("{number} containers are more than {MOST}"), "say fewer"),
        _ if says(service, "container_name") => {
            ("containers of one name can't be several".to_owned(), "remove `container_name`")
        }
        _ if has_address(service) => {
            ("containers of one address can't be several".to_owned(), "let the engine choose their addresses")
        }
        _ => return Ok(usize::try_from(number).unwrap_or(1)),
    };
    Err(Untakable::new(refused.0, refused.1))
}

/// The blocks of a service: the first, and one like it for each other name. `spread` has ports of which each takes another one.
pub(super) fn blocks(
    first: ImportedBlock,
    names: &[String],
    object: impl Fn(usize) -> String,
    spread: &[Vec<String>],
) -> Vec<ImportedBlock> {
    let more = names.iter().enumerate().skip(1).map(|(at, name)| {
        let ports = |value: &Value| -> Vec<Value> {
            let own = value.items().iter().filter_map(|one| spread.iter().find(|all| one.as_str() == Some(&all[0])));
            own.filter_map(|all| all.get(at)).map(|one| Value::from(one.as_str())).collect()
        };
        let lines = first.lines.iter().filter_map(|(attribute, value)| match *attribute {
            "name" => Some((*attribute, Value::from(object(at + 1).as_str()))),
            "ports" => Some(ports(value)).filter(|all| !all.is_empty()).map(|all| (*attribute, Value::List(all))),
            _ => Some((*attribute, value.clone())),
        });
        ImportedBlock { address: Address::new("container", name, None), lines: lines.collect(), untaken: Vec::new() }
    });
    let more: Vec<ImportedBlock> = more.collect();
    std::iter::once(first).chain(more).collect()
}

fn says(service: &Yaml, key: &str) -> bool {
    service.get(key).is_some_and(|value| !value.is_null())
}

fn has_address(service: &Yaml) -> bool {
    let Some(YamlContent::Map(networks)) = service.get("networks").map(|networks| &networks.content) else {
        return false;
    };
    networks.iter().any(|network| ["ipv4_address", "ipv6_address"].iter().any(|key| says(&network.value, key)))
}
