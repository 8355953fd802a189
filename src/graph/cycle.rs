//! The pass that refuses a cycle and shows the shortest one.

use std::collections::VecDeque;

use foldhash::{HashMap, HashSet};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::NodeIndex;

use super::dependencies::DependencyGraph;
use crate::address::Address;
use crate::desired::Desired;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};

/// Reports one shortest cycle for each strongly connected component.
///
/// # Errors
/// When there is a cycle.
pub fn check(desired: &Desired, graph: &DependencyGraph) -> Result<(), Diagnostics> {
    if graph.order.len() == graph.inner.node_count() {
        // A resource that needs itself is never in the order, so a full order has no cycle at all.
        return Ok(());
    }
    let mut diagnostics = Diagnostics::default();
    for component in kosaraju_scc(&graph.inner) {
        let alone = component.len() == 1;
        if alone && graph.inner.find_edge(component[0], component[0]).is_none() {
            continue;
        }
        let path = shortest(graph, &component);
        let mut names: Vec<&str> = path.iter().chain(path.first()).map(|node| graph.inner[*node].as_str()).collect();
        if names.len() > LONGEST_SHOWN {
            let last = names[names.len() - 1];
            names.truncate(LONGEST_SHOWN);
            names.extend(["…", last]);
        }
        let first = &graph.inner[path[0]];
        let next = &graph.inner[path[1 % path.len()]];
        diagnostics.push(
            Diagnostic::error(&code::CYCLE, names.join(" needs "))
                .at(span(desired, first, next))
                .hint("remove one of these references or `depends_on` entries")
                .of(first),
        );
    }
    diagnostics.finish();
    Err(diagnostics)
}

/// How many resources of a cycle are named.
const LONGEST_SHOWN: usize = 12;

/// A shortest cycle of a component, beginning with its smallest address. Only a few starting points are tried in a large
/// one, so that the cost stays linear.
fn shortest(graph: &DependencyGraph, component: &[NodeIndex]) -> Vec<NodeIndex> {
    const STARTS: usize = 64;
    let members: HashSet<NodeIndex> = component.iter().copied().collect();
    let mut starts = component.to_vec();
    starts.sort_by_key(|node| &graph.inner[*node]);
    let cycles = starts.iter().take(STARTS).filter_map(|start| from(graph, &members, *start));
    let mut best = cycles.min_by_key(Vec::len).unwrap_or_else(|| component.to_vec());
    let smallest = (0..best.len()).min_by_key(|at| &graph.inner[best[*at]]).unwrap_or_default();
    best.rotate_left(smallest);
    best
}

fn from(graph: &DependencyGraph, members: &HashSet<NodeIndex>, start: NodeIndex) -> Option<Vec<NodeIndex>> {
    let mut came: HashMap<NodeIndex, NodeIndex> = HashMap::default();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for next in graph.inner.neighbors(node).filter(|next| members.contains(next)) {
            if next == start {
                let mut path = vec![node];
                while let Some(before) = came.get(path.last()?) {
                    path.push(*before);
                }
                path.reverse();
                return Some(path);
            }
            if next != start && !came.contains_key(&next) {
                came.insert(next, node);
                open.push_back(next);
            }
        }
    }
    None
}

fn span(desired: &Desired, from: &Address, to: &Address) -> Option<Span> {
    let instance = desired.get(from)?;
    let edge = instance.references.iter().find(|edge| &edge.to == to);
    Some(edge.map_or(instance.declaration.header, |edge| edge.span))
}
