//! What the spec says of some nodes of a cluster: `k3d.nodes`, whose keys name them as k3d's node filters do.
//!
//! Source: <https://k3d.io/stable/design/concepts/#nodefilters>.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::cluster_port::NodeFilter;
use super::view::Findings;
use crate::diagnostic::code;
use crate::path::join;
use crate::value::{Attributes, Value};

/// What is said of all nodes, and can be said of some of them as well: the key there, and the path of the whole.
const SHARED: [(&str, &str); 2] = [("labels", "labels"), ("environment", "k3d.environment")];

/// What is said of one node beside what is said of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeSettings {
    /// More arguments for k3s.
    pub args: Vec<String>,
    /// More environment variables.
    pub environment: BTreeMap<String, String>,
    /// More labels.
    pub labels: BTreeMap<String, String>,
    /// More folders of the engine's machine.
    pub binds: Vec<String>,
    /// The most memory that it has, in MiB.
    pub memory_mib: Option<i64>,
}

impl NodeSettings {
    /// What `k3d` says of the node of a role, `server` or `agent`, with a number.
    #[must_use]
    pub fn of(k3d: &Value, role: &str, at: i64) -> Self {
        let mut settings = Self::default();
        for (_, _, said) in entries(k3d).filter(|(_, filters, _)| names(filters, role, at)) {
            let texts = |key: &str| {
                let items = said.at(key).map(Value::items).unwrap_or_default();
                items.iter().filter_map(|one| one.as_str().map(str::to_owned))
            };
            settings.args.extend(texts("args"));
            settings.binds.extend(texts("binds"));
            settings.environment.extend(pairs(said.at("environment")));
            settings.labels.extend(pairs(said.at("labels")));
            settings.memory_mib = said.at("memory_mib").and_then(Value::as_int).or(settings.memory_mib);
        }
        settings
    }
}

/// Refuses keys that name no nodes, and what is said of one node in two places.
pub fn check(attributes: &Attributes, findings: &mut Findings) {
    let counts = [("server", "servers"), ("agent", "agents")]
        .map(|(role, count)| (role, attributes.get(count).as_int().unwrap_or_default()));
    let nodes: Vec<(&str, i64)> =
        counts.into_iter().flat_map(|(role, count)| (0..count).map(move |at| (role, at))).collect();
    let mut known: HashMap<SaidOfNode<'_>, &str> = HashMap::default();
    for (key, value) in map(attributes.at("k3d.nodes")) {
        let path = join("k3d.nodes", key);
        let filters = match NodeFilter::read(key) {
            Ok(filters) => filters,
            Err(fault) => {
                let hint = "write \"server:0\", \"agent:*\" or \"all\"";
                findings.error(path, &code::CLUSTER_NODES, fault.reason, hint);
                continue;
            }
        };
        let of: Vec<(&str, i64)> = nodes.iter().filter(|(role, at)| names(&filters, role, *at)).copied().collect();
        if of.is_empty() {
            let [(_, servers), (_, agents)] = counts;
            let detail = format!(
                "`{key}` names nodes that are not there: the cluster has {servers} servers and {agents} agents"
            );
            let hint = "name nodes that the cluster has; they are counted from 0";
            findings.error(path, &code::CLUSTER_NODES, detail, hint);
            continue;
        }
        let twice = said_of(value).find_map(|what| Some((what, said_elsewhere(what, &of, &known, attributes)?)));
        if let Some(((part, name), place)) = twice {
            let what = if name.is_empty() { part } else { name };
            let detail = format!("`{what}` is said in `{place}` as well, and of the same node");
            findings.error(path, &code::SAID_IN_TWO_WAYS, detail, "keep one of them");
        }
        for node in of {
            known.extend(said_of(value).map(|what| ((node, what), key)));
        }
    }
}

/// A node by its role and its number, and what is said of it.
type SaidOfNode<'a> = ((&'a str, i64), (&'a str, &'a str));

/// Where else something is said of one of these nodes.
fn said_elsewhere(
    what: (&str, &str),
    nodes: &[(&str, i64)],
    known: &HashMap<SaidOfNode<'_>, &str>,
    attributes: &Attributes,
) -> Option<String> {
    let (part, name) = what;
    let of_all = |(own, path): &&(&str, &str)| *own == part && map(attributes.at(path)).any(|(key, _)| key == name);
    match nodes.iter().find_map(|node| known.get(&(*node, what))) {
        Some(other) => Some(join("k3d.nodes", other)),
        None => SHARED.iter().find(of_all).map(|(_, path)| (*path).to_owned()),
    }
}

/// What can be said of a node once only, as a key and a key in that.
fn said_of(said: &Value) -> impl Iterator<Item = (&str, &str)> {
    let tables =
        ["labels", "environment"].into_iter().flat_map(|key| map(said.at(key)).map(move |(name, _)| (key, name)));
    tables.chain(said.at("memory_mib").filter(|value| !value.is_null()).map(|_| ("memory_mib", "")))
}

/// The entries of `k3d.nodes`: each key, the nodes that it names, and what is said of them.
pub fn entries(k3d: &Value) -> impl Iterator<Item = (&str, Vec<NodeFilter>, &Value)> {
    map(k3d.at("nodes")).filter_map(|(key, said)| Some((key, NodeFilter::read(key).ok()?, said)))
}

fn names(filters: &[NodeFilter], role: &str, at: i64) -> bool {
    filters.iter().any(|filter| filter.names(role, at))
}

fn map(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let entries = match value {
        Some(Value::Map(entries)) => Some(entries),
        _ => None,
    };
    entries.into_iter().flat_map(|entries| entries.iter()).map(|(key, value)| (key.as_str(), value))
}

fn pairs(value: Option<&Value>) -> impl Iterator<Item = (String, String)> {
    map(value).filter_map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned())))
}
