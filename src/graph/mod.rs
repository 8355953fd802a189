//! From [`Desired`] to one dependency graph, by named passes.
//!
//! An edge leads from a resource to what it needs. The passes run in the order of [`PASSES`]; the last one refuses a
//! cycle and shows the shortest one. Building costs O(nodes + edges).

mod cycle;
mod dependencies;
mod render;

use petgraph::graph::NodeIndex;

pub use dependencies::{DependencyGraph, Position, Why};
pub use render::{Format, render};

use crate::desired::{Desired, Instance};
use crate::diagnostic::Diagnostics;

type Pass = fn(&Desired, &mut DependencyGraph);

/// The passes, in order.
const PASSES: [(&str, Pass); 4] =
    [("resources", resources), ("hosts", hosts), ("references", references), ("explicit", explicit)];

/// Builds the graph.
///
/// # Errors
/// When resources need each other in a circle; the diagnostic shows the shortest one.
pub fn build(desired: &Desired) -> Result<DependencyGraph, Diagnostics> {
    let mut graph = DependencyGraph::with_capacity(desired.instances().len());
    for (name, pass) in PASSES {
        pass(desired, &mut graph);
        tracing::debug!(pass = name, nodes = graph.inner.node_count(), edges = graph.inner.edge_count(), "graph pass");
    }
    graph.list_needs();
    graph.order = graph.sort();
    cycle::check(desired, &graph)?;
    Ok(graph)
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
