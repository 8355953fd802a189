//! The outline of a spec: its project, its environment, its blocks.

use std::sync::Arc;

use super::inputs::Inputs;
use super::node::{Content, Entry, Node, Table, unknown_key};
use crate::address::Address;
use crate::desired::{Declaration, RecordsUrl, World};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::kind::{self, Kind, Places};
use crate::path::split;
use crate::suggest::suggest;
use crate::value::Text;

/// What may stand at the top of a spec besides the kinds.
pub const ROOT_KEYS: [&str; 3] = ["project", "var", "environment"];

/// The spec that `atlas init` writes: small, and whole.
pub const STARTER: &str = include_str!("starter.toml");

/// The project that a spec belongs to.
pub struct Project {
    pub name: String,
    pub environment: String,
    pub world: World,
    pub records: Option<RecordsUrl>,
}

/// A block before its places are known.
pub struct Block {
    pub kind: &'static Kind,
    pub declaration: Arc<Declaration>,
    /// Its content.
    pub node: Node,
    /// The block that this one stands inside, by kind and name.
    pub parent: Option<(&'static Kind, Text)>,
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

    /// Where an attribute's value stands; the block's name when the block does not say it.
    pub fn span_at(&self, path: &str) -> Span {
        let first = split(path).first().copied().unwrap_or_default();
        if self.has(first) { self.node.span_at(path) } else { self.declaration.header }
    }
}

/// What `[project]` says.
const PROJECT_KEYS: [&str; 3] = ["name", "environment", "records"];

/// Reads `[project]` and chooses the environment.
pub fn project(root: &Table, inputs: &Inputs, diagnostics: &mut Diagnostics) -> Option<Project> {
    let Some(entry) = root.get("project") else {
        diagnostics.push(
            Diagnostic::error("no project", "a spec begins with the project that it belongs to")
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
    let environments: Vec<&str> = root
        .get("environment")
        .and_then(|entry| entry.node.as_table())
        .map(|table| table.keys().map(Text::as_str).collect())
        .unwrap_or_default();
    let environment = inputs.environment.clone().or(default).unwrap_or_else(|| "default".to_owned());
    if (!environments.is_empty() || inputs.environment.is_some()) && !environments.contains(&environment.as_str()) {
        let span = if inputs.environment.is_some() { None } else { table.get("environment").map(|e| e.node.span) };
        let known = format!("the spec has {}", environments.join(", "));
        diagnostics.push(
            Diagnostic::error("environment that is not declared", format!("there is no [environment.{environment}]"))
                .at(span)
                .hint(suggest(&environment, &environments).unwrap_or(known)),
        );
        return None;
    }
    let world = world(root, &environment, diagnostics);
    let records = table.get("records").and_then(|entry| records(&entry.node, diagnostics));
    Some(Project { name, environment, world, records })
}

/// Merges the environment's overlay over the base.
pub fn overlay(mut root: Table, environment: &str, diagnostics: &mut Diagnostics) -> Table {
    let environments = root.remove("environment").and_then(|entry| match entry.node.content {
        Content::Table(table) => Some(table),
        _ => None,
    });
    for (name, entry) in environments.into_iter().flatten() {
        let Content::Table(mut overlay) = entry.node.content else {
            diagnostics.push(not_a_table(&entry, "an environment"));
            continue;
        };
        overlay.remove("world");
        let kinds = overlay.remove("kinds").map(|entry| kinds(&entry, diagnostics));
        for key in ["project", "environment"] {
            if let Some(entry) = overlay.remove(key) {
                diagnostics.push(
                    Diagnostic::error(
                        "key that an environment can't change",
                        format!("`{key}` is the same everywhere"),
                    )
                    .at(entry.key)
                    .hint("an environment changes `world`, `kinds`, variables and resources"),
                );
            }
        }
        if name == environment {
            root.merge(overlay);
            if let Some(kinds) = kinds {
                kind::ALL
                    .iter()
                    .filter(|kind| !kinds.contains(&kind.name))
                    .for_each(|kind| drop(root.remove(kind.name)));
            }
        } else {
            check_keys(&overlay, diagnostics);
        }
    }
    root
}

/// Finds every block, in a stable order.
pub fn blocks(root: Table, source: &str, diagnostics: &mut Diagnostics) -> Vec<Block> {
    check_keys(&root, diagnostics);
    let mut blocks = Vec::new();
    for (key, entry) in root {
        let Some(kind) = kind::get(&key).filter(|kind| !matches!(kind.places, Places::Inside(_))) else { continue };
        named(kind, entry, None, source, &mut blocks, diagnostics);
    }
    blocks
}

fn named(
    kind: &'static Kind,
    entry: Entry,
    parent: Option<&(&'static Kind, Text)>,
    source: &str,
    blocks: &mut Vec<Block>,
    diagnostics: &mut Diagnostics,
) {
    let Content::Table(names) = entry.node.content else {
        diagnostics.push(not_a_table(&entry, &format!("[{}.NAME]", kind.name)));
        return;
    };
    for (name, mut entry) in names {
        if let Some(diagnostic) = bad_name(&name, kind, entry.key) {
            diagnostics.push(diagnostic);
            continue;
        }
        let Content::Table(table) = &mut entry.node.content else {
            diagnostics.push(
                not_a_table(&entry, &format!("[{}.{name}]", kind.name))
                    .hint(format!("write [{}.NAME] with a name of its own, and this key below it", kind.name)),
            );
            continue;
        };
        let inner: Vec<(&'static Kind, Entry)> = kind::ALL
            .iter()
            .filter(|inner| inner.places == Places::Inside(kind.name))
            .filter_map(|inner| table.remove(inner.name).map(|entry| (*inner, entry)))
            .collect();
        let header = header(source, entry.key);
        let declaration = Arc::new(Declaration { name: name.clone(), header, block: blocks.len() });
        blocks.push(Block { kind, declaration, node: entry.node, parent: parent.cloned() });
        for (inner, entry) in inner {
            named(inner, entry, Some(&(kind, name.clone())), source, blocks, diagnostics);
        }
    }
}

fn records(node: &Node, diagnostics: &mut Diagnostics) -> Option<RecordsUrl> {
    let parsed = node.as_str().ok_or_else(|| "it is a text".to_owned()).and_then(RecordsUrl::parse);
    parsed
        .map_err(|reason| {
            diagnostics.push(
                Diagnostic::error("records that are nowhere", reason)
                    .at(node.span)
                    .hint("write `records = \"s3://bucket/prefix\"`, or leave it out to keep them beside the spec"),
            );
        })
        .ok()
}

fn world(root: &Table, environment: &str, diagnostics: &mut Diagnostics) -> World {
    let entry = root
        .get("environment")
        .and_then(|entry| entry.node.as_table()?.get(environment)?.node.as_table()?.get("world"));
    match entry.map(|entry| (entry, entry.node.as_str())) {
        Some((_, Some("sandbox"))) => World::Sandbox,
        None | Some((_, Some("real"))) => World::Real,
        Some((entry, word)) => {
            let hint = word.and_then(|word| suggest(word, &["sandbox", "real"]));
            diagnostics.push(
                Diagnostic::error("unknown world", "a world is \"sandbox\" or \"real\"")
                    .at(entry.node.span)
                    .hint(hint.unwrap_or_else(|| "write `world = \"sandbox\"` for the embedded world".into())),
            );
            World::Real
        }
    }
}

/// The kinds that an environment is made of, by name.
fn kinds(entry: &Entry, diagnostics: &mut Diagnostics) -> Vec<&'static str> {
    let all: Vec<&str> = kind::ALL.iter().map(|kind| kind.name).collect();
    let Content::Array(items) = &entry.node.content else {
        diagnostics.push(
            Diagnostic::error("kinds of an environment", format!("`kinds` is a list, not {}", entry.node.describe()))
                .at(entry.node.span)
                .hint("write `kinds = [\"region\", \"bucket\"]`"),
        );
        return all;
    };
    let mut found = Vec::new();
    for item in items {
        match item.as_str().and_then(kind::get) {
            Some(kind) => found.push(kind.name),
            None => {
                let word = item.as_str().unwrap_or_default();
                diagnostics.push(
                    Diagnostic::error("unknown kind", format!("there is no kind `{word}`"))
                        .at(item.span)
                        .hint(suggest(word, &all).unwrap_or_else(|| format!("the kinds are {}", all.join(", ")))),
                );
            }
        }
    }
    found
}

fn check_keys(root: &Table, diagnostics: &mut Diagnostics) {
    let top = kind::ALL.iter().filter(|kind| !matches!(kind.places, Places::Inside(_))).map(|kind| kind.name);
    let known: Vec<&str> = ROOT_KEYS.into_iter().chain(top).collect();
    for (key, entry) in root.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
        diagnostics.push(unknown_key(key, entry, "a spec", &known));
    }
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
    Some(Diagnostic::error("bad resource name", problem).at(span).hint(hint))
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
            Diagnostic::error("bad project", format!("`{key}` has to be 1 to 40 lower-case letters, digits and `-`"))
                .at(entry.map_or(whole, |entry| entry.node.span))
                .hint(format!("write `{key} = \"…\"` in [{place}]")),
        );
    }
    found.map(str::to_owned)
}

fn not_a_table(entry: &Entry, what: &str) -> Diagnostic {
    Diagnostic::error("wrong type", format!("{what} is a table, this is {}", entry.node.describe())).at(entry.key)
}

/// The whole of `kind.name` in a header such as `[bucket.audit-logs]`, where it is written like that.
fn header(source: &str, key: Span) -> Span {
    let before = &source[..key.start as usize];
    let start = before.rfind(['[', '\n', ' ', '{', ',']).map_or(0, |at| at + 1);
    if before[start..].ends_with('.') { Span::new(start..key.end as usize) } else { key }
}
