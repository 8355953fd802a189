//! Clusters that are chosen by their labels, in the place of their names: `clusters = { labels = { tier = "edge" } }`.

use std::collections::BTreeMap;

use super::declare::Block;
use super::node::{Content, Node, Table, unknown_key};
use super::normalize::Normalizer;
use super::place::Index;
use super::scope::{Globals, Scope};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::kind::{Type, rule};
use crate::value::Value;

/// The labels of the clusters of a spec, in the order in which they are declared.
pub struct ClusterLabels {
    all: Vec<(String, BTreeMap<String, String>)>,
}

impl ClusterLabels {
    /// Reads them. What is wrong with them is told where the clusters themselves are read.
    pub fn of(blocks: &[Block], source: &str, globals: &Globals<'_>, index: &Index) -> Self {
        let mut clusters: Vec<&Block> = blocks.iter().filter(|block| block.kind.name == "cluster").collect();
        clusters.sort_by_key(|block| block.declaration.header);
        let read = |block: &Block| {
            let name = &block.declaration.name;
            let scope = Scope { globals: Some(globals), name, ..Scope::bare() };
            let labels = block.node.as_table().and_then(|table| table.get("labels"));
            let labels = labels.map(|entry| texts(source, &scope, index, &entry.node, &mut Diagnostics::default()));
            (name.to_string(), labels.unwrap_or_default())
        };
        Self { all: clusters.into_iter().map(read).collect() }
    }

    /// The clusters that a table chooses, in the order in which they are declared; an error where it chooses none.
    pub fn choose(
        &self,
        (block, node, table): (&Block, &Node, &Table),
        (source, globals, index): (&str, &Globals<'_>, &Index),
        diagnostics: &mut Diagnostics,
    ) -> Vec<String> {
        let mut found = Diagnostics::default();
        for (key, entry) in table.iter().filter(|(key, _)| key.as_str() != "labels") {
            found.push(unknown_key(key, entry, "`clusters`", &["labels"]));
        }
        let name = &block.declaration.name;
        let scope = Scope { globals: Some(globals), name, ..Scope::bare() };
        let labels = table.get("labels").map(|entry| texts(source, &scope, index, &entry.node, &mut found));
        let wanted = labels.unwrap_or_default();
        if found.iter().next().is_some() {
            diagnostics.append(found);
            return Vec::new();
        }
        if wanted.is_empty() {
            let detail = format!("{} `{name}` says no label to choose its clusters by", block.kind.name);
            let hint = "write `clusters = { labels = { tier = \"edge\" } }`, or name the clusters";
            diagnostics.push(Diagnostic::error(&code::NO_SUCH_CLUSTER, detail).at(node.span).hint(hint));
            return Vec::new();
        }
        let fits = |labels: &BTreeMap<String, String>| wanted.iter().all(|(key, value)| labels.get(key) == Some(value));
        let chosen: Vec<String> =
            self.all.iter().filter(|(_, labels)| fits(labels)).map(|(name, _)| name.clone()).collect();
        if chosen.is_empty() {
            let detail = format!("no cluster has the labels {}", told(&wanted));
            diagnostics
                .push(Diagnostic::error(&code::NO_SUCH_CLUSTER, detail).at(node.span).hint(self.hint(wanted.keys())));
        }
        chosen
    }

    /// What the clusters have, to compare with.
    fn hint<'a>(&self, mut wanted: impl Iterator<Item = &'a String>) -> String {
        const MOST: usize = 3;
        let labelled = self.all.iter().filter(|(_, labels)| !labels.is_empty());
        let shown: Vec<String> =
            labelled.take(MOST).map(|(name, labels)| format!("{name} has {}", told(labels))).collect();
        match (shown.is_empty(), wanted.next()) {
            (true, key) => {
                let key = key.map_or("tier", String::as_str);
                format!("give clusters `labels`: write `labels = {{ {key} = \"…\" }}` into their blocks")
            }
            (false, _) => shown.join("; "),
        }
    }
}

fn told(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// A table of texts, with their variables filled in.
fn texts(
    source: &str,
    scope: &Scope<'_>,
    index: &Index,
    node: &Node,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, String> {
    static TEXTS: Type = Type::map(const { &Type::text(&rule::ANY) });
    if !matches!(node.content, Content::Table(_) | Content::String(_)) {
        diagnostics.push(Diagnostic::error(&code::WRONG_TYPE, "labels are a table of texts").at(node.span));
        return BTreeMap::new();
    }
    match Normalizer::new(source, scope, index, diagnostics).value(&TEXTS, node, "labels") {
        Value::Map(entries) => {
            // To leave one out would choose more clusters.
            if let Some((key, _)) = entries.iter().find(|(_, value)| value.as_str().is_none()) {
                let detail =
                    format!("`{key}` refers to what is known only later, and labels choose clusters before that");
                let hint = "write a text, or a variable: \"${var.tier}\"";
                diagnostics.push(Diagnostic::error(&code::WRONG_TYPE, detail).at(node.span).hint(hint));
            }
            let known = entries.iter().filter_map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned())));
            known.collect()
        }
        _ => BTreeMap::new(),
    }
}
