//! Which container of a cluster publishes which port, and where the load balancer leads.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{ContainerInspectResponse, PortBinding};

use super::super::engine::published_on;
use super::node::{ClusterNode, NodeRole};
use crate::kind::cluster_port::ClusterPort;
use crate::value::Value;

/// The port of the Kubernetes API in a server.
pub(super) const API: &str = "6443/tcp";
/// Where a container of the load balancer has the file by which it knows where to lead.
pub(super) const ROUTES: &str = "/etc/confd/values.yaml";
/// How many connections k3d's load balancer may have besides those that its ports need.
const CONNECTIONS: usize = 1_024;

/// Ports inside a container, and where they are published.
pub(super) type Bindings = HashMap<String, Option<Vec<PortBinding>>>;

/// The ports of a cluster, by what it is made from.
pub(super) struct Ports<'a> {
    pub ports: Vec<ClusterPort<'a>>,
    /// The port of the machine that leads to the API.
    pub api: &'a str,
    pub has_balancer: bool,
    /// The name of the engine's machine.
    pub machine: &'a str,
}

impl<'a> Ports<'a> {
    /// The ports that a value of the spec says.
    pub fn read(ports: &'a Value, api: &'a str, has_balancer: bool, machine: &'a str) -> Self {
        let ports = ports.items().iter().filter_map(Value::as_str).filter_map(|text| ClusterPort::parse(text).ok());
        Self { ports: ports.collect(), api, has_balancer, machine }
    }

    /// What a node publishes itself: what leads past the load balancer, and where there is none the first server all of it.
    pub fn of_node(&self, node: &ClusterNode) -> Bindings {
        let all = !self.has_balancer && node.is_first();
        let own =
            self.ports.iter().filter(|port| if port.direct { port.leads_to(node.role.word(), node.at) } else { all });
        self.bindings(own, all)
    }

    /// What the load balancer publishes.
    pub fn of_balancer(&self) -> Bindings {
        self.bindings(self.ports.iter().filter(|port| !port.direct), true)
    }

    /// Where the load balancer leads, among nodes that are there, in the words of k3d's:
    /// <https://github.com/k3d-io/k3d/tree/main/proxy>. JSON is YAML as well. It starts only when it finds each of them.
    pub fn routes(&self, nodes: &[ClusterNode]) -> serde_json::Value {
        let mut routes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for port in self.ports.iter().filter(|port| !port.direct) {
            let to = routes.entry(format!("{}.{}", port.inside, port.protocol)).or_default();
            let led = nodes.iter().filter(|node| port.leads_to(node.role.word(), node.at));
            led.for_each(|node| to.push(&node.name));
        }
        let servers = nodes.iter().filter(|node| node.role == NodeRole::Server);
        routes.insert(API.replace('/', "."), servers.map(|node| node.name.as_str()).collect());
        routes.retain(|_, to| {
            to.sort_unstable();
            to.dedup();
            !to.is_empty()
        });
        let connections = CONNECTIONS + routes.values().map(Vec::len).sum::<usize>();
        serde_json::json!({ "ports": routes, "settings": { "workerConnections": connections } })
    }

    fn bindings<'p>(&self, ports: impl Iterator<Item = &'p ClusterPort<'p>>, with_api: bool) -> Bindings {
        let mut map = Bindings::new();
        let usual = published_on(self.machine);
        let mut add = |address: &str, outside: &str, inside: String| {
            let binding = PortBinding { host_ip: Some(address.to_owned()), host_port: Some(outside.to_owned()) };
            map.entry(inside).or_default().get_or_insert_default().push(binding);
        };
        if with_api {
            add(usual, self.api, API.to_owned());
        }
        for port in ports {
            add(port.address.unwrap_or(usual), port.outside, format!("{}/{}", port.inside, port.protocol));
        }
        map
    }
}

/// What a container publishes.
pub(super) fn bindings_of(there: &ContainerInspectResponse) -> Bindings {
    there.host_config.as_ref().and_then(|host| host.port_bindings.clone()).unwrap_or_default()
}

/// The ports of the machine that bindings take, `8080/tcp`, at whatever address: one of them may be all of them.
pub(super) fn outside(bindings: &Bindings) -> BTreeSet<String> {
    let one = |(inside, outside): (&String, &Option<Vec<PortBinding>>)| {
        let protocol = inside.rsplit_once('/').map_or("tcp", |(_, protocol)| protocol).to_owned();
        let ports = outside.iter().flatten().filter_map(|one| one.host_port.clone());
        ports.map(|port| format!("{port}/{protocol}")).collect::<Vec<_>>()
    };
    bindings.iter().flat_map(one).collect()
}

/// Bindings in words that can be compared: `ADDRESS:PORT:INSIDE`.
pub(super) fn in_words(bindings: &Bindings) -> Vec<String> {
    let one = |(inside, outside): (&String, &Option<Vec<PortBinding>>)| {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let all =
            outside.iter().flatten().map(|one| format!("{}:{}:{inside}", text(&one.host_ip), text(&one.host_port)));
        all.collect::<Vec<_>>()
    };
    let mut all: Vec<String> = bindings.iter().flat_map(one).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::node::{ClusterNode, NodeRole};
    use super::Ports;
    use crate::value::Value;

    fn nodes() -> Vec<ClusterNode> {
        let of = |role, at| ClusterNode::new("c", role, at);
        vec![of(NodeRole::Server, 0), of(NodeRole::Server, 1), of(NodeRole::Agent, 0)]
    }

    #[test]
    fn ports_lead_where_their_filters_say() {
        let texts = ["8080:80", "8081:81@agent:*", "9000:90/udp@server:1", "7000:70@server:1:direct"];
        let texts = Value::List(texts.iter().map(|text| Value::from(*text)).collect());
        let ports = Ports::read(&texts, "6550", true, "127.0.0.1");
        let (s0, s1, a0) = ("k3d-c-server-0", "k3d-c-server-1", "k3d-c-agent-0");
        assert_eq!(
            ports.routes(&nodes())["ports"],
            json!({ "6443.tcp": [s0, s1], "80.tcp": [a0, s0, s1], "81.tcp": [a0], "90.udp": [s1] })
        );
        let inside = |bindings: super::Bindings| {
            let mut all: Vec<String> = bindings.into_keys().collect();
            all.sort();
            all
        };
        assert_eq!(inside(ports.of_balancer()), ["6443/tcp", "80/tcp", "81/tcp", "90/udp"]);
        assert_eq!(inside(ports.of_node(&nodes()[1])), ["70/tcp"]);
        assert!(ports.of_node(&nodes()[0]).is_empty());
        // A port leads nowhere before its nodes are there.
        assert_eq!(ports.routes(&nodes()[..1])["ports"], json!({ "6443.tcp": [s0], "80.tcp": [s0] }));
        let without = Ports::read(&texts, "6550", false, "127.0.0.1");
        assert_eq!(inside(without.of_node(&nodes()[0])), ["6443/tcp", "80/tcp", "81/tcp", "90/udp"]);
    }
}
