//! The outline of a spec: its project, its environment, its blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::inputs::Inputs;
use super::node::{Content, Node, Table, TableEntry, unknown_key};
use super::overlay::{Environments, check_keys};
use crate::address::Address;
use crate::desired::{ChartSpans, Declaration, RecordsUrl, WorldChoice};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};
use crate::kind::{self, Catalog, Kind, KindRef, Places};
use crate::path::{join, split};
use crate::suggest::{listed, suggest};
use crate::value::Text;

/// The spec that `atlas init` writes: small, and whole.
pub const STARTER: &str = include_str!("starter.toml");

/// The project that a spec belongs to.
pub struct Project {
    pub name: String,
    pub environment: String,
    pub world: WorldChoice,
    pub records: Option<RecordsUrl>,
}

/// A block before its places are known.
pub struct Block {
    pub kind: KindRef,
    pub declaration: Arc<Declaration>,
    /// Its content.
    pub node: Node,
    /// The block that this one stands inside, by kind and name.
    pub parent: Option<(KindRef, Text)>,
}

impl Block {
    /// The address of the block that this one stands inside.
    pub fn parent_address(&self) -> Option<Address> {
        self.parent.as_ref().map(|(kind, name)| Address::new(kind.name, name, None))
    }

    /// Whether the block itself says this attribute.
    pub fn has(&self, attribute: &str) -> bool {
        self.node.as_table().is_some_and(|table| table.contains_key(attribute))
    }

    /// Where a text stands below an attribute, for values whose order the normal form does not keep.
    pub fn span_of(&self, attribute: &str, text: &str) -> Span {
        let node = self.node.as_table().and_then(|table| table.get(attribute)).map(|entry| &entry.node);
        node.and_then(|node| node.find(text)).unwrap_or_else(|| self.span_at(attribute))
    }

    /// Where an app's chart and each of its values stand.
    pub fn chart_spans(&self) -> ChartSpans {
        let mut values = BTreeMap::new();
        if let Some(entry) = self.node.as_table().and_then(|table| table.get("values")) {
            spans_below(&entry.node, "", &mut values);
        }
        let source = kind::SOURCES.into_iter().find(|name| self.has(name)).unwrap_or("chart");
        ChartSpans { chart: self.span_at(source), objects: self.span_at("objects"), position: 0, values }
    }

    /// Where an attribute's value stands; the block's name when the block does not say it.
    pub fn span_at(&self, path: &str) -> Span {
        let first = split(path).first().copied().unwrap_or_default();
        if self.has(first) { self.node.span_at(path) } else { self.declaration.header }
    }
}

fn spans_below(node: &Node, path: &str, spans: &mut BTreeMap<String, Span>) {
    spans.insert(path.to_owned(), node.span);
    match &node.content {
        Content::Table(table) => {
            table.iter().for_each(|(key, entry)| spans_below(&entry.node, &join(path, key), spans));
        }
        Content::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| spans_below(item, &format!("{path}.{at}"), spans));
        }
        _ => {}
    }
}

/// What `[project]` says.
const PROJECT_KEYS: [&str; 3] = ["name", "environment", "records"];

/// Reads `[project]` and chooses the environment.
pub fn project(
    root: &Table,
    environments: &Environments,
    inputs: &Inputs,
    diagnostics: &mut Diagnostics,
) -> Option<Project> {
    let Some(entry) = root.get("project") else {
        diagnostics.push(
            Diagnostic::error(&code::NO_PROJECT, "a spec begins with the project that it belongs to")
                .at(Span::new(0..0))
                .hint("write [project] with `name = \"…\"` at the top"),
        );
        return None;
    };
    let table = entry.node.as_table().cloned().unwrap_or_default();
    for (key, entry) in table.iter() {
        if !PROJECT_KEYS.contains(&key.as_str()) {
            diagnostics.push(unknown_key(key, entry, "[project]", &PROJECT_KEYS));
        }
    }
    let name = word(&table, "name", "project", entry.key, diagnostics)?;
    let default = if table.contains_key("environment") {
        Some(word(&table, "environment", "project", entry.key, diagnostics)?)
    } else {
        None
    };
    let environment = inputs.environment.clone().or(default).unwrap_or_else(|| "default".to_owned());
    let overlay = environments.get(&environment);
    if overlay.is_none() && (inputs.environment.is_some() || environments.names().next().is_some()) {
        let span = if inputs.environment.is_some() { None } else { table.get("environment").map(|e| e.node.span) };
        let names: Vec<&str> = environments.names().map(Text::as_str).collect();
        let known = match names.as_slice() {
            [] => "the spec declares none, so leave out `-e`".to_owned(),
            names => format!("the spec has {}", listed(names.iter().copied(), ", ")),
        };
        diagnostics.push(
            Diagnostic::error(&code::UNKNOWN_ENVIRONMENT, format!("there is no [environment.{environment}]"))
                .at(span)
                .hint(suggest(&environment, &names).unwrap_or(known)),
        );
        return None;
    }
    let records = table.get("records").and_then(|entry| records(&entry.node, diagnostics));
    Some(Project { name, environment, world: overlay.map_or(WorldChoice::Real, |overlay| overlay.world), records })
}

/// Finds every block, in a stable order.
pub fn blocks(root: Table, source: &str, catalog: &Catalog, diagnostics: &mut Diagnostics) -> Vec<Block> {
    check_keys(&root, catalog, diagnostics);
    let mut blocks = Blocks { source, catalog, all: Vec::new() };
    for (key, entry) in root {
        let Some(kind) = catalog.get(&key).filter(|kind| !matches!(kind.places, Places::Inside(_) | Places::Rendered))
        else {
            continue;
        };
        blocks.named(kind, entry, None, diagnostics);
    }
    blocks.all
}

/// The blocks that were found so far.
struct Blocks<'a> {
    source: &'a str,
    catalog: &'a Catalog,
    all: Vec<Block>,
}

impl Blocks<'_> {
    fn named(
        &mut self,
        kind: &KindRef,
        entry: TableEntry,
        parent: Option<&(KindRef, Text)>,
        diagnostics: &mut Diagnostics,
    ) {
        let Content::Table(names) = entry.node.content else {
            diagnostics.push(entry.not_a_table(&format!("[{}.NAME]", kind.name)));
            return;
        };
        for (name, mut entry) in names {
            if let Some(diagnostic) = bad_name(&name, kind, entry.key) {
                diagnostics.push(diagnostic);
                continue;
            }
            let Content::Table(table) = &mut entry.node.content else {
                diagnostics.push(
                    entry
                        .not_a_table(&format!("[{}.{name}]", kind.name))
                        .hint(format!("write [{}.NAME] with a name of its own, and this key below it", kind.name)),
                );
                continue;
            };
            let inside = self.catalog.inside(kind.name);
            let inner: Vec<(KindRef, TableEntry)> =
                inside.filter_map(|inner| table.remove(inner.name).map(|entry| (inner.clone(), entry))).collect();
            let header = header(self.source, entry.key);
            let declaration = Arc::new(Declaration { name: name.clone(), header, block: self.all.len() });
            self.all.push(Block { kind: kind.clone(), declaration, node: entry.node, parent: parent.cloned() });
            for (inner, entry) in inner {
                self.named(&inner, entry, Some(&(kind.clone(), name.clone())), diagnostics);
            }
        }
    }
}

fn records(node: &Node, diagnostics: &mut Diagnostics) -> Option<RecordsUrl> {
    let parsed = node.as_str().ok_or_else(|| "it is a text".to_owned()).and_then(RecordsUrl::parse);
    parsed
        .map_err(|reason| {
            diagnostics.push(
                Diagnostic::error(&code::BAD_RECORDS, reason)
                    .at(node.span)
                    .hint("write `records = \"s3://bucket/prefix\"`, or leave it out to keep them beside the spec"),
            );
        })
        .ok()
}

fn bad_name(name: &str, kind: &Kind, span: Span) -> Option<Diagnostic> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let problem = if name.is_empty() || name.len() > 63 {
        "a resource's name has 1 to 63 characters".to_owned()
    } else {
        let wrong = name.chars().find(|c| !good(*c))?;
        format!("`{wrong}` can't stand in a resource's name")
    };
    let hint =
        format!("use lower-case letters, digits, `-` and `_`; the {}'s own name may differ: `name = \"…\"`", kind.name);
    Some(Diagnostic::error(&code::BAD_RESOURCE_NAME, problem).at(span).hint(hint))
}

fn word(table: &Table, key: &str, place: &str, whole: Span, diagnostics: &mut Diagnostics) -> Option<String> {
    let good = |text: &&str| {
        !text.is_empty()
            && text.len() <= 40
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let entry = table.get(key);
    let found = entry.and_then(|entry| entry.node.as_str()).filter(good);
    if found.is_none() {
        diagnostics.push(
            Diagnostic::error(
                &code::BAD_PROJECT,
                format!("`{key}` has to be 1 to 40 lower-case letters, digits and `-`"),
            )
            .at(entry.map_or(whole, |entry| entry.node.span))
            .hint(format!("write `{key} = \"…\"` in [{place}]")),
        );
    }
    found.map(str::to_owned)
}

/// The whole of `kind.name` in a header such as `[bucket.audit-logs]`, where it is written like that.
fn header(source: &str, key: Span) -> Span {
    let before = &source[..key.start as usize];
    let start = before.rfind(['[', '\n', ' ', '{', ',']).map_or(0, |at| at + 1);
    if before[start..].ends_with('.') { Span::new(start..key.end as usize) } else { key }
}
