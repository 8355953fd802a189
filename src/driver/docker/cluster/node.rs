//! What the parts of a cluster are called.

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeRole {
    Server,
    Agent,
}

/// One node of a cluster.
#[derive(Clone, Debug)]
pub(super) struct ClusterNode {
    pub name: String,
    pub role: NodeRole,
    pub at: i64,
}

impl NodeRole {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Agent => "agent",
        }
    }
}

impl ClusterNode {
    pub fn new(cluster: &str, role: NodeRole, at: i64) -> Self {
        Self { name: format!("k3d-{cluster}-{}-{at}", role.word()), role, at }
    }

    /// The node that a container is by its name; none when it is called otherwise than the nodes of a cluster are.
    pub fn named(container: &str, cluster: &str) -> Option<Self> {
        let rest = container.strip_prefix("k3d-")?.strip_prefix(cluster)?.strip_prefix('-')?;
        [NodeRole::Server, NodeRole::Agent].into_iter().find_map(|role| {
            let at: u32 = rest.strip_prefix(role.word())?.strip_prefix('-')?.parse().ok()?;
            let node = Self::new(cluster, role, at.into());
            (node.name == container).then_some(node)
        })
    }

    /// Whether it is the server that others join.
    pub fn is_first(&self) -> bool {
        self.role == NodeRole::Server && self.at == 0
    }
}

/// Whether a node of a name is among nodes.
pub(super) fn is_among(nodes: &[ClusterNode], name: &str) -> bool {
    nodes.iter().any(|node| node.name == name)
}

/// The name of the first server.
pub(in super::super) fn first_server(cluster: &str) -> String {
    ClusterNode::new(cluster, NodeRole::Server, 0).name
}

/// The name of the load balancer.
pub(super) fn balancer(cluster: &str) -> String {
    format!("k3d-{cluster}-serverlb")
}

/// The name of a cluster's own network.
pub(super) fn network(cluster: &str) -> String {
    format!("k3d-{cluster}")
}

/// The name of the volume through which images come into the nodes.
pub(super) fn images(cluster: &str) -> String {
    format!("k3d-{cluster}-images")
}

/// The name of the volume in which a node keeps its data: a server the cluster's, and each what local volumes hold.
pub(super) fn data(node: &str) -> String {
    format!("{node}-data")
}

#[cfg(test)]
mod tests {
    use super::ClusterNode;

    #[test]
    fn only_nodes_are_called_as_nodes_are() {
        for (name, is_node) in [
            ("k3d-dc-server-0", true),
            ("k3d-dc-agent-12", true),
            ("k3d-dc-us-agent-0", false),
            ("k3d-dc-serverlb", false),
            ("k3d-dc-server-copy", false),
            ("k3d-dc-server-00", false),
            ("copy", false),
        ] {
            assert_eq!(ClusterNode::named(name, "dc").is_some(), is_node, "{name}");
        }
    }
}
