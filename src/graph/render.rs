//! The graph as DOT, Mermaid or JSON.

use std::fmt::Write as _;

use super::dependencies::{DependencyGraph, Why};

/// How to write a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Graphviz: <https://graphviz.org/doc/info/lang.html>.
    Dot,
    /// Mermaid flowchart: <https://mermaid.js.org/syntax/flowchart.html>.
    Mermaid,
    /// `{ "nodes": [address], "edges": [{ "from", "to", "why" }] }`.
    Json,
}

/// Writes the graph. An arrow leads from a resource to what it needs.
#[must_use]
pub fn render(graph: &DependencyGraph, format: Format) -> String {
    match format {
        Format::Dot => dot(graph),
        Format::Mermaid => mermaid(graph),
        Format::Json => json(graph),
    }
}

fn dot(graph: &DependencyGraph) -> String {
    let mut text =
        String::from("digraph atlas {\n    rankdir = LR\n    node [shape = box, fontname = \"monospace\"]\n");
    for address in graph.order() {
        let _ = writeln!(text, "    \"{address}\"");
    }
    for address in graph.order() {
        for (need, why) in graph.needs(address) {
            let style = match why {
                Why::Host => "bold",
                Why::Reference => "solid",
                Why::Explicit => "dashed",
            };
            let _ = writeln!(text, "    \"{address}\" -> \"{need}\" [style = {style}]");
        }
    }
    text.push_str("}\n");
    text
}

fn mermaid(graph: &DependencyGraph) -> String {
    let mut text = String::from("flowchart LR\n");
    let ids: foldhash::HashMap<_, _> = graph.order().enumerate().map(|(n, address)| (address, n)).collect();
    for address in graph.order() {
        let _ = writeln!(text, "    n{}[\"{address}\"]", ids[address]);
    }
    for address in graph.order() {
        for (need, why) in graph.needs(address) {
            let arrow = match why {
                Why::Host => "==>",
                Why::Reference => "-->",
                Why::Explicit => "-.->",
            };
            let _ = writeln!(text, "    n{} {arrow} n{}", ids[address], ids[need]);
        }
    }
    text
}

fn json(graph: &DependencyGraph) -> String {
    let edges: Vec<serde_json::Value> = graph
        .order()
        .flat_map(|address| {
            let edge = move |(need, why)| serde_json::json!({ "from": address, "to": need, "why": why });
            graph.needs(address).map(edge)
        })
        .collect();
    let nodes: Vec<_> = graph.order().collect();
    let value = serde_json::json!({ "nodes": nodes, "edges": edges });
    format!("{}\n", serde_json::to_string_pretty(&value).unwrap_or_default())
}
