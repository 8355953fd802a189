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
use crate::spec::{Desired, Instance};

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
    /// What each node needs, ordered by address, one node's after the other's.
    needs: Vec<(NodeIndex, Why)>,
    /// Where in `needs` those of each node begin, and where the last one's end.
    starts: Vec<usize>,
}

/// The place of a resource among [`Desired::objects`], which is that of its node as well.
pub type Position = usize;

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
    let mut graph = DependencyGraph {
        inner: DiGraph::new(),
        index: HashMap::with_capacity(size),
        order: Vec::new(),
        needs: Vec::new(),
        starts: Vec::new(),
    };
    for (name, pass) in PASSES {
        pass(desired, &mut graph);
        tracing::debug!(pass = name, nodes = graph.inner.node_count(), edges = graph.inner.edge_count(), "graph pass");
    }
    graph.list_needs();
    graph.order = graph.sort();
    cycle::check(desired, &graph)?;
    Ok(graph)
}

impl DependencyGraph {
    /// Every resource, what is needed before what needs it; among equals by address.
    pub fn order(&self) -> impl DoubleEndedIterator<Item = &Address> {
        self.order.iter().map(|node| &self.inner[*node])
    }

    /// The same order, by position.
    pub fn positions(&self) -> impl DoubleEndedIterator<Item = Position> {
        self.order.iter().map(|node| node.index())
    }

    /// The position of a resource.
    #[must_use]
    pub fn position(&self, address: &Address) -> Option<Position> {
        self.index.get(address).map(|node| node.index())
    }

    /// What a resource needs, with the reason, ordered by address.
    pub fn needs(&self, address: &Address) -> impl Iterator<Item = (&Address, Why)> {
        let needs = self.position(address).map_or(&[][..], |position| self.needs_at(position));
        needs.iter().map(|(need, why)| (&self.inner[*need], *why))
    }

    /// The positions of what the resource at a position needs, ordered.
    pub fn needed(&self, position: Position) -> impl ExactSizeIterator<Item = Position> {
        self.needs_at(position).iter().map(|(need, _)| need.index())
    }

    /// Whether anything needs a resource.
    #[must_use]
    pub fn is_needed(&self, address: &Address) -> bool {
        let node = self.index.get(address);
        node.is_some_and(|node| self.inner.neighbors_directed(*node, Direction::Incoming).next().is_some())
    }

    /// What needs a resource, with the reason, ordered by address.
    #[must_use]
    pub fn dependants(&self, address: &Address) -> Vec<(&Address, Why)> {
        let Some(node) = self.index.get(address) else { return Vec::new() };
        let edges = self.inner.edges_directed(*node, Direction::Incoming);
        let mut found: Vec<(NodeIndex, Why)> = edges.map(|edge| (edge.source(), *edge.weight())).collect();
        // Nodes were added in the order of their addresses, so their indices compare as the addresses do.
        found.sort_unstable();
        found.into_iter().map(|(node, why)| (&self.inner[node], why)).collect()
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

    fn connect(&mut self, from: NodeIndex, to: &Address, why: Why) {
        let Some(to) = self.index.get(to).copied() else { return };
        if self.inner.find_edge(from, to).is_none() {
            self.inner.add_edge(from, to, why);
        }
    }

    /// Writes down what each node needs in a row: the planner asks for it again and again, and a graph that can still grow
    /// has it all over the memory.
    fn list_needs(&mut self) {
        self.starts.reserve_exact(self.inner.node_count() + 1);
        self.needs.reserve_exact(self.inner.edge_count());
        for node in self.inner.node_indices() {
            let start = self.needs.len();
            self.starts.push(start);
            self.needs.extend(self.inner.edges(node).map(|edge| (edge.target(), *edge.weight())));
            // Nodes were added in the order of their addresses, so their indices compare as the addresses do.
            self.needs[start..].sort_unstable();
        }
        self.starts.push(self.needs.len());
    }

    fn needs_at(&self, position: Position) -> &[(NodeIndex, Why)] {
        &self.needs[self.starts[position]..self.starts[position + 1]]
    }

    /// Kahn's algorithm with a heap, so that the order is the same each time. Nodes on a cycle are left out.
    fn sort(&self) -> Vec<NodeIndex> {
        let mut waiting: Vec<usize> = self.starts.windows(2).map(|two| two[1] - two[0]).collect();
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
    for (node, instance) in nodes(desired) {
        instance.hosts.iter().for_each(|host| graph.connect(node, host, Why::Host));
    }
}

fn references(desired: &Desired, graph: &mut DependencyGraph) {
    for (node, instance) in nodes(desired) {
        for edge in instance.references.iter().filter(|edge| !edge.attribute.starts_with("depends_on")) {
            graph.connect(node, &edge.to, Why::Reference);
        }
    }
}

fn explicit(desired: &Desired, graph: &mut DependencyGraph) {
    for (node, instance) in nodes(desired) {
        for edge in instance.references.iter().filter(|edge| edge.attribute.starts_with("depends_on")) {
            graph.connect(node, &edge.to, Why::Explicit);
        }
    }
}

/// Every resource with its node: those of the first pass, in the same order.
fn nodes(desired: &Desired) -> impl Iterator<Item = (NodeIndex, &Instance)> {
    desired.objects().enumerate().map(|(at, instance)| (NodeIndex::new(at), instance))
}
