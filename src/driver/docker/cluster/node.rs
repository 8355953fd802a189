//! How the nodes of a cluster are made.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, HostConfig, HostConfigCgroupnsModeEnum, Mount, MountType,
    PortBinding, RestartPolicy, RestartPolicyNameEnum, VolumeCreateRequest,
};

use super::super::container::{self, Blueprint, Join, Wait};
use super::super::engine::published_on;
use super::super::mark::{self, Labels};
use super::super::random;
use super::super::table::texts;
use super::nodes::{MADE_FROM, Nodes, labels};
use crate::driver::DriverError;
use crate::value::{Attributes, Text, Value, long_hash};

/// The version of k3d whose layout this is.
const K3D: &str = "v5.8.3";
/// The port of the Kubernetes API in a server.
const API: &str = "6443/tcp";

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeRole {
    Server,
    Agent,
}

/// One node of a cluster.
#[derive(Debug)]
pub(super) struct ClusterNode {
    pub name: String,
    pub role: NodeRole,
    pub at: i64,
}

/// A cluster as it is to be laid out.
pub(super) struct Layout<'a> {
    pub name: String,
    pub network: String,
    /// What every node is made from. How many agents there are is no part of it.
    pub made_from: BTreeMap<String, Value>,
    wanted: &'a Attributes,
    labels: Labels,
    token: String,
    port: String,
    machine: String,
}

/// The name of a node's container.
pub(super) fn name(cluster: &str, role: NodeRole, at: i64) -> String {
    format!("k3d-{cluster}-{}-{at}", role.word())
}

/// Whether a container is called as a node of a cluster is.
pub(super) fn is_called_so(container: &str, cluster: &str) -> bool {
    let rest = container.strip_prefix("k3d-").and_then(|rest| rest.strip_prefix(cluster));
    [NodeRole::Server, NodeRole::Agent].into_iter().any(|role| {
        let at = rest.and_then(|rest| rest.strip_prefix('-')?.strip_prefix(role.word())?.strip_prefix('-'));
        at.is_some_and(|at| at.parse::<u32>().is_ok())
    })
}

/// The name of a cluster's own network.
pub(super) fn network(cluster: &str) -> String {
    format!("k3d-{cluster}")
}

/// The name of the volume through which images come into the nodes.
pub(super) fn images(cluster: &str) -> String {
    format!("k3d-{cluster}-images")
}

/// The name of the volume in which a server keeps the cluster's data.
pub(super) fn data(server: &str) -> String {
    format!("{server}-data")
}

impl NodeRole {
    const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Agent => "agent",
        }
    }
}

impl<'a> Layout<'a> {
    pub fn new(
        cluster: &str,
        wanted: &'a Attributes,
        labels: Labels,
        seen: Option<&Nodes>,
        machine: String,
    ) -> Result<Self, DriverError> {
        // What nodes are told about the cluster is fixed for its life: the token and the port that was chosen first.
        let told = |node: &ContainerInspectResponse, key: &str| mark::get(&self::labels(node), key).map(str::to_owned);
        let known = |key: &str| seen.and_then(|seen| seen.nodes.values().find_map(|node| told(node, key)));
        let token = known("k3d.cluster.token").map_or_else(|| random::token("the cluster's token"), Ok)?;
        let port = match wanted.at("k3d.api_port") {
            Some(Value::Int(port)) => port.to_string(),
            _ => known("k3d.server.api.port").unwrap_or_else(|| free_port(cluster)),
        };
        let same = wanted.iter().filter(|(name, _)| *name != "agents").collect::<BTreeMap<_, _>>();
        // As it will be read back.
        let made_from = serde_json::to_string(&same).ok().and_then(|text| serde_json::from_str(&text).ok());
        let shared = wanted.at("k3d.network").and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            name: cluster.to_owned(),
            network: shared.unwrap_or_else(|| network(cluster)),
            made_from: made_from.unwrap_or_default(),
            wanted,
            labels,
            token,
            port,
            machine,
        })
    }

    /// Its nodes, servers first.
    pub fn nodes(&self) -> Vec<ClusterNode> {
        let count = |key: &str, usual: i64| match self.wanted.get(key) {
            Value::Int(number) => *number,
            _ => usual,
        };
        let of = |role: NodeRole, count: i64| (0..count).map(move |at| (role, at));
        let all = of(NodeRole::Server, count("servers", 1)).chain(of(NodeRole::Agent, count("agents", 0)));
        all.map(|(role, at)| ClusterNode { name: name(&self.name, role, at), role, at }).collect()
    }

    /// The volumes that its nodes use.
    pub fn volumes(&self) -> Vec<VolumeCreateRequest> {
        let servers =
            self.nodes().into_iter().filter(|node| node.role == NodeRole::Server).map(|node| data(&node.name));
        let all = servers.chain([images(&self.name)]);
        let own = [("app", "k3d"), ("k3d.cluster", self.name.as_str())];
        let labels: Labels = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        all.map(|name| VolumeCreateRequest { name: Some(name), labels: Some(labels.clone()), ..Default::default() })
            .collect()
    }

    /// How a node is made.
    pub fn blueprint(&self, node: &ClusterNode) -> Blueprint {
        let list = |path: &str| -> Vec<String> {
            let items = self.wanted.at(path).map(Value::items).unwrap_or_default();
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let server = node.role == NodeRole::Server;
        let mut mounts = vec![mount(images(&self.name), "/k3d/images")];
        mounts.extend(container::mounts(self.wanted.at("k3d.volumes").unwrap_or(&Value::Null)));
        if server {
            mounts.push(mount(data(&node.name), "/var/lib/rancher/k3s"));
        }
        let host = HostConfig {
            privileged: Some(self.wanted.at("k3d.privileged") != Some(&Value::Bool(false))),
            init: Some(true),
            cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
            tmpfs: Some(["/run", "/var/run"].iter().map(|path| ((*path).to_owned(), String::new())).collect()),
            binds: Some(list("k3d.binds")),
            mounts: Some(mounts),
            port_bindings: Some(self.bindings(node, &list("ports"))),
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
                maximum_retry_count: None,
            }),
            ..Default::default()
        };
        let mut exposed: Vec<String> = host.port_bindings.iter().flatten().map(|(port, _)| port.clone()).collect();
        exposed.sort();
        let body = ContainerCreateBody {
            hostname: Some(node.name.clone()),
            image: Some(self.image()),
            cmd: Some(self.command(node, list("k3d.server_args"), list("k3d.agent_args"), list("k3d.taints"))),
            env: Some(self.environment(node)),
            exposed_ports: Some(exposed),
            labels: Some(self.node_labels(node)),
            host_config: Some(host),
            ..Default::default()
        };
        let join = Join { network: self.network.clone(), aliases: vec![node.name.clone()], address: None };
        Blueprint {
            name: node.name.clone(),
            heals: false,
            pull: "missing".into(),
            body,
            networks: vec![join],
            files: self.files(),
            wait: Wait::default(),
        }
    }

    /// Where k3s looks for mirrors of registries; JSON is YAML as well:
    /// <https://docs.k3s.io/installation/private-registry>.
    fn files(&self) -> Vec<(String, String)> {
        let Some(Value::Map(registries)) = self.wanted.at("k3d.registries") else { return Vec::new() };
        let mirror = |(registry, endpoints): (&Text, &Value)| {
            (registry.to_string(), serde_json::json!({ "endpoint": endpoints.to_json() }))
        };
        let mirrors: serde_json::Map<_, _> = registries.iter().map(mirror).collect();
        vec![("etc/rancher/k3s/registries.yaml".into(), serde_json::json!({ "mirrors": mirrors }).to_string())]
    }

    fn url(&self) -> String {
        format!("https://{}:6443", name(&self.name, NodeRole::Server, 0))
    }

    fn command(&self, node: &ClusterNode, server: Vec<String>, agent: Vec<String>, taints: Vec<String>) -> Vec<String> {
        let mut words = vec![node.role.word().to_owned()];
        if node.role == NodeRole::Server {
            words.extend(["--tls-san".into(), self.machine.clone(), "--tls-san".into(), "0.0.0.0".into()]);
            let several = self.wanted.get("servers") != &Value::Int(1);
            match node.at {
                0 if several => words.push("--cluster-init".into()),
                0 => {}
                _ => words.extend(["--server".into(), self.url()]),
            }
            words.extend(taints.into_iter().map(|taint| format!("--node-taint={taint}")));
        }
        words.extend(texts(self.wanted.get("labels")).map(|(key, value)| format!("--node-label={key}={value}")));
        words.extend(if node.role == NodeRole::Server { server } else { agent });
        words
    }

    fn environment(&self, node: &ClusterNode) -> Vec<String> {
        let mut all = vec![format!("K3S_TOKEN={}", self.token), "K3S_KUBECONFIG_OUTPUT=/output/kubeconfig.yaml".into()];
        if node.role == NodeRole::Agent {
            all.push(format!("K3S_URL={}", self.url()));
        }
        all
    }

    /// The API and the cluster's ports, all published by the first server.
    fn bindings(&self, node: &ClusterNode, ports: &[String]) -> HashMap<String, Option<Vec<PortBinding>>> {
        let mut map: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
        if node.role != NodeRole::Server || node.at != 0 {
            return map;
        }
        let address = published_on(&self.machine);
        let mut add = |outside: &str, inside: String| {
            let binding = PortBinding { host_ip: Some(address.into()), host_port: Some(outside.to_owned()) };
            map.entry(inside).or_default().get_or_insert_default().push(binding);
        };
        add(&self.port, API.to_owned());
        for (outside, inside) in ports.iter().filter_map(|port| port.split_once(':')) {
            add(outside, format!("{inside}/tcp"));
        }
        map
    }

    fn node_labels(&self, node: &ClusterNode) -> Labels {
        let mut labels = self.labels.clone();
        let external = self.network != network(&self.name);
        let mut put = |key: &str, value: &str| labels.insert(key.to_owned(), value.to_owned());
        put("app", "k3d");
        put("k3d.cluster", &self.name);
        put("k3d.cluster.imageVolume", &images(&self.name));
        put("k3d.cluster.network", &self.network);
        put("k3d.cluster.network.external", if external { "true" } else { "false" });
        put("k3d.cluster.token", &self.token);
        put("k3d.cluster.url", &self.url());
        put("k3d.role", node.role.word());
        put("k3d.version", K3D);
        put(MADE_FROM, &serde_json::to_string(&self.made_from).unwrap_or_default());
        if node.role == NodeRole::Server {
            put("k3d.server.api.host", &self.machine);
            put("k3d.server.api.hostIP", published_on(&self.machine));
            put("k3d.server.api.port", &self.port);
            // k3d's word for the server that begins a cluster of several.
            if node.at == 0 && self.wanted.get("servers") != &Value::Int(1) {
                put("k3d.server.init", "true");
            }
        }
        labels
    }

    /// The image of a version: k3s has no tag for a minor version, so its first release stands for it.
    fn image(&self) -> String {
        if let Some(image) = self.wanted.at("k3d.image").and_then(Value::as_str) {
            return image.to_owned();
        }
        let version = self.wanted.get("version").as_str().unwrap_or_default().trim_start_matches('v');
        let whole = if version.matches('.').count() < 2 { format!("{version}.0") } else { version.to_owned() };
        let whole = whole.replace('+', "-");
        let suffix = if whole.contains("-k3s") { "" } else { "-k3s1" };
        format!("rancher/k3s:v{whole}{suffix}")
    }
}

fn mount(volume: String, to: &str) -> Mount {
    Mount { typ: Some(MountType::VOLUME), source: Some(volume), target: Some(to.to_owned()), ..Default::default() }
}

/// A port that nobody uses on this machine now; one that follows from the name when none can be had.
fn free_port(cluster: &str) -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let from_name = 20_000 + u16::from_str_radix(&long_hash(cluster.as_bytes())[..4], 16).unwrap_or_default() % 10_000;
    free.map_or(from_name, |address| address.port()).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Layout, NodeRole};
    use crate::value::Attributes;

    #[test]
    fn a_version_leads_to_an_image() {
        for (version, image) in [
            ("1.33", "rancher/k3s:v1.33.0-k3s1"),
            ("v1.33.4", "rancher/k3s:v1.33.4-k3s1"),
            ("1.33.4+k3s2", "rancher/k3s:v1.33.4-k3s2"),
        ] {
            let wanted: Attributes = [("version", version.into())].into_iter().collect();
            let layout = Layout::new("c", &wanted, Default::default(), None, "127.0.0.1".into()).expect("laid out");
            assert_eq!(layout.image(), image);
        }
        assert_eq!(super::name("dc-us", NodeRole::Server, 0), "k3d-dc-us-server-0");
    }

    #[test]
    fn only_nodes_are_called_as_nodes_are() {
        for (name, is_node) in [
            ("k3d-dc-server-0", true),
            ("k3d-dc-agent-12", true),
            ("k3d-dc-us-agent-0", false),
            ("k3d-dc-serverlb", false),
            ("k3d-dc-server-copy", false),
            ("copy", false),
        ] {
            assert_eq!(super::is_called_so(name, "dc"), is_node, "{name}");
        }
    }
}
