//! Which resource needs which, for every one that stands for an object.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use foldhash::{HashMap, HashMapExt as _, HashSet};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use crate::address::Address;

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
    pub(super) inner: DiGraph<Address, Why>,
    pub(super) index: HashMap<Address, NodeIndex>,
    pub(super) order: Vec<NodeIndex>,
    /// What each node needs, ordered by address, one node's after the other's.
    needs: Vec<(NodeIndex, Why)>,
    /// Where in `needs` those of each node begin, and where the last one's end.
    starts: Vec<usize>,
    /// While it is built: the needs of each node that has many.
    wide: HashMap<NodeIndex, HashSet<NodeIndex>>,
}

/// Up to so many edges of a node are looked through for each new one.
const FEW: usize = 16;

/// The place of a resource among the resources that stand for objects, which is that of its node as well.
pub type Position = usize;

impl DependencyGraph {
    /// A graph without nodes, with room for some.
    pub(super) fn with_capacity(size: usize) -> Self {
        Self {
            inner: DiGraph::new(),
            index: HashMap::with_capacity(size),
            order: Vec::new(),
            needs: Vec::new(),
            starts: Vec::new(),
            wide: HashMap::new(),
        }
    }

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
        let mut seen = HashSet::default();
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

    pub(super) fn connect(&mut self, from: NodeIndex, to: &Address, why: Why) {
        let Some(to) = self.index.get(to).copied() else { return };
        let fresh = if self.inner.edges(from).take(FEW).count() < FEW {
            self.inner.find_edge(from, to).is_none()
        } else {
            // To look through all edges of a node for each new one would take the square of their number.
            let known = self.wide.entry(from).or_insert_with(|| self.inner.neighbors(from).collect());
            known.insert(to)
        };
        if fresh {
            self.inner.add_edge(from, to, why);
        }
    }

    /// Writes down what each node needs in a row: the planner asks for it again and again, and a graph that can still
    /// grow has it scattered over memory.
    pub(super) fn list_needs(&mut self) {
        self.wide = HashMap::new();
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
    pub(super) fn sort(&self) -> Vec<NodeIndex> {
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
