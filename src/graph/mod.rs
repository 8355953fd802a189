//! From [`Desired`] to one dependency graph, by named passes.
//!
//! An edge leads from a resource to what it needs. The passes run in the order of [`PASSES`]; the last one refuses a
//! cycle and shows the shortest one. Building costs O(nodes + edges).

mod cycle;
mod render;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use foldhash::{HashMap, HashMapExt as _};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

pub use render::{Format, render};

use crate::address::Address;
use crate::diagnostic::Diagnostics;
use crate::spec::Desired;

/// Why one resource needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// It lives in it.
    Host,
    /// It refers to it.
    Reference,
    /// It names it in `depends_on`.
    Explicit,
}

/// Every resource that stands for an object, and what each needs.
#[derive(Debug)]
pub struct DependencyGraph {
    inner: DiGraph<Address, Why>,
    index: HashMap<Address, NodeIndex>,
    order: Vec<NodeIndex>,
}

type Pass = fn(&Desired, &mut DependencyGraph);

/// The passes, in order.
const PASSES: [(&str, Pass); 4] =
    [("resources", resources), ("hosts", hosts), ("references", references), ("explicit", explicit)];

/// Builds the graph.
///
/// # Errors
/// When resources need each other in a circle; the diagnostic shows the shortest one.
pub fn build(desired: &Desired) -> Result<DependencyGraph, Diagnostics> {
    let size = desired.instances().len();
    let mut graph = DependencyGraph { inner: DiGraph::new(), index: HashMap::with_capacity(size), order: Vec::new() };
    for (name, pass) in PASSES {
        pass(desired, &mut graph);
        tracing::debug!(pass = name, nodes = graph.inner.node_count(), edges = graph.inner.edge_count(), "graph pass");
    }
    graph.order = graph.sort();
    cycle::check(desired, &graph)?;
    Ok(graph)
}

impl DependencyGraph {
    /// Every resource, what is needed before what needs it; among equals by address.
    pub fn order(&self) -> impl DoubleEndedIterator<Item = &Address> {
        self.order.iter().map(|node| &self.inner[*node])
    }

    /// What a resource needs, with the reason, ordered by address.
    #[must_use]
    pub fn needs(&self, address: &Address) -> Vec<(&Address, Why)> {
        self.neighbours(address, Direction::Outgoing)
    }

    /// What needs a resource, with the reason, ordered by address.
    #[must_use]
    pub fn dependants(&self, address: &Address) -> Vec<(&Address, Why)> {
        self.neighbours(address, Direction::Incoming)
    }

    /// Everything that needs a resource, directly or not, ordered by address.
    #[must_use]
    pub fn all_dependants(&self, address: &Address) -> Vec<&Address> {
        self.all_dependants_of(std::iter::once(address))
    }

    /// Everything that needs one of some resources, directly or not, ordered by address.
    #[must_use]
    pub fn all_dependants_of<'a>(&self, addresses: impl Iterator<Item = &'a Address>) -> Vec<&Address> {
        let mut found: Vec<NodeIndex> = Vec::new();
        let mut seen = foldhash::HashSet::default();
        let mut open: Vec<NodeIndex> = addresses.filter_map(|address| self.index.get(address).copied()).collect();
        while let Some(node) = open.pop() {
            for next in self.inner.neighbors_directed(node, Direction::Incoming) {
                if seen.insert(next) {
                    found.push(next);
                    open.push(next);
                }
            }
        }
        let mut addresses: Vec<&Address> = found.into_iter().map(|node| &self.inner[node]).collect();
        addresses.sort();
        addresses
    }

    /// Whether the graph has this resource.
    #[must_use]
    pub fn contains(&self, address: &Address) -> bool {
        self.index.contains_key(address)
    }

    fn neighbours(&self, address: &Address, direction: Direction) -> Vec<(&Address, Why)> {
        let Some(node) = self.index.get(address) else { return Vec::new() };
        let mut found: Vec<(NodeIndex, Why)> = self
            .inner
            .edges_directed(*node, direction)
            .map(|edge| {
                let other = if direction == Direction::Outgoing { edge.target() } else { edge.source() };
                (other, *edge.weight())
            })
            .collect();
        // Nodes were added in the order of their addresses, so their indices compare as the addresses do.
        found.sort_unstable();
        found.into_iter().map(|(node, why)| (&self.inner[node], why)).collect()
    }

    fn connect(&mut self, from: &Address, to: &Address, why: Why) {
        let (Some(from), Some(to)) = (self.index.get(from), self.index.get(to)) else { return };
        if self.inner.find_edge(*from, *to).is_none() {
            self.inner.add_edge(*from, *to, why);
        }
    }

    /// Kahn's algorithm with a heap, so that the order is the same each time. Nodes on a cycle are left out.
    fn sort(&self) -> Vec<NodeIndex> {
        let mut waiting: Vec<usize> = self
            .inner
            .node_indices()
            .map(|node| self.inner.edges_directed(node, Direction::Outgoing).count())
            .collect();
        // Nodes were added in the order of their addresses, so their indices compare as the addresses do.
        let mut ready: BinaryHeap<Reverse<NodeIndex>> =
            self.inner.node_indices().filter(|node| waiting[node.index()] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(waiting.len());
        while let Some(Reverse(node)) = ready.pop() {
            order.push(node);
            for dependant in self.inner.neighbors_directed(node, Direction::Incoming) {
                waiting[dependant.index()] -= 1;
                if waiting[dependant.index()] == 0 {
                    ready.push(Reverse(dependant));
                }
            }
        }
        order
    }
}

fn resources(desired: &Desired, graph: &mut DependencyGraph) {
    for instance in desired.objects() {
        let node = graph.inner.add_node(instance.address.clone());
        graph.index.insert(instance.address.clone(), node);
    }
}

fn hosts(desired: &Desired, graph: &mut DependencyGraph) {
    for instance in desired.objects() {
        instance.hosts.iter().for_each(|host| graph.connect(&instance.address, host, Why::Host));
    }
}

fn references(desired: &Desired, graph: &mut DependencyGraph) {
    for instance in desired.objects() {
        for edge in instance.references.iter().filter(|edge| !edge.attribute.starts_with("depends_on")) {
            graph.connect(&instance.address, &edge.to, Why::Reference);
        }
    }
}

fn explicit(desired: &Desired, graph: &mut DependencyGraph) {
    for instance in desired.objects() {
        for edge in instance.references.iter().filter(|edge| edge.attribute.starts_with("depends_on")) {
            graph.connect(&instance.address, &edge.to, Why::Explicit);
        }
    }
}
