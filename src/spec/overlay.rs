//! Environments: partial specs, each laid over the base.
//!
//! All of them are checked against the base, whichever one a run is about, so that a mistake in another environment is
//! found before that environment is needed.

use std::collections::HashMap;

use super::node::{Content, Node, Table, TableEntry, unknown_key};
use crate::desired::WorldChoice;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::kind::{Catalog, Kind, ROOT_KEYS};
use crate::suggest::{Near, suggest};
use crate::value::Text;

/// The word by which a block of an environment says that the base has no such block.
const NEW: &str = "new";

/// Every environment that a spec declares, ordered by name.
#[derive(Default)]
pub struct Environments(Vec<(Text, Overlay)>);

/// One environment.
#[derive(Clone)]
pub struct Overlay {
    /// The world that it is in.
    pub world: WorldChoice,
    table: Table,
    /// The kinds that it is made of; all of them when it does not say.
    kinds: Option<Vec<&'static str>>,
}

impl Environments {
    /// Takes the environments out of a spec, and checks each against the rest.
    pub fn read(root: &mut Table, catalog: &Catalog, diagnostics: &mut Diagnostics) -> Self {
        let Some(mut entry) = root.remove("environment") else { return Self::default() };
        let Content::Table(environments) = &mut entry.node.content else {
            diagnostics.push(entry.not_a_table("[environment.NAME]"));
            return Self::default();
        };
        let environments = std::mem::take(environments);
        let mut base = Base { root, catalog, near: HashMap::new() };
        let mut all = Vec::with_capacity(environments.len());
        for (name, mut entry) in environments {
            match &mut entry.node.content {
                Content::Table(table) => all.push((name, base.overlay(std::mem::take(table), diagnostics))),
                _ => diagnostics.push(entry.not_a_table("an environment")),
            }
        }
        Self(all)
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &Text> {
        self.0.iter().map(|(name, _)| name)
    }

    /// The environment of a name.
    pub fn get(&self, name: &str) -> Option<&Overlay> {
        self.find(name).map(|at| &self.0[at].1)
    }

    /// Takes out the environment of a name.
    pub fn take(&mut self, name: &str) -> Option<Overlay> {
        self.find(name).map(|at| self.0.remove(at).1)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok()
    }
}

impl Overlay {
    /// Lays it over the base.
    pub fn lay_over(self, root: &mut Table, catalog: &Catalog) {
        root.merge(self.table);
        if let Some(kinds) = self.kinds {
            let left_out = catalog.names().filter(|kind| !kinds.contains(kind));
            left_out.for_each(|kind| drop(root.remove(kind)));
        }
    }
}

/// What environments are laid over.
struct Base<'a> {
    root: &'a Table,
    catalog: &'a Catalog,
    /// The names below one key of the root, for those that are misspelt.
    near: HashMap<Text, Near>,
}

impl Base<'_> {
    fn overlay(&mut self, mut table: Table, diagnostics: &mut Diagnostics) -> Overlay {
        let world = table.remove("world").map_or(WorldChoice::Real, |entry| world(&entry, diagnostics));
        let kinds = table.remove("kinds").map(|entry| kinds(&entry, self.catalog, diagnostics));
        for key in ["project", "environment"] {
            if let Some(entry) = table.remove(key) {
                diagnostics.push(
                    Diagnostic::error(&code::FIXED_KEY, format!("`{key}` is the same everywhere"))
                        .at(entry.key)
                        .hint("an environment changes `world`, `kinds`, variables and resources"),
                );
            }
        }
        check_keys(&table, self.catalog, diagnostics);
        for (key, entry) in table.iter_mut() {
            let Content::Table(names) = &mut entry.node.content else { continue };
            if key == "var" {
                self.named(key, None, names, diagnostics);
            } else if let Some(kind) = self.catalog.get(key) {
                match &kinds {
                    Some(kinds) if !kinds.contains(&kind.name) => left_out(kind, names, diagnostics),
                    _ => self.named(key, Some(kind), names, diagnostics),
                }
            }
        }
        Overlay { world, table, kinds }
    }

    /// Checks the blocks of one kind, or the variables. What overlays nothing is left out from here on.
    fn named(&mut self, key: &Text, kind: Option<&Kind>, names: &mut Table, diagnostics: &mut Diagnostics) {
        let (root, catalog) = (self.root, self.catalog);
        let below = root.get(key).and_then(|entry| entry.node.as_table());
        let near = &mut self.near;
        names.retain(|name, entry| {
            let there = below.and_then(|below| below.get(name));
            let is_new = says_new(entry, diagnostics);
            if there.is_none() && !is_new {
                let words = || Near::new(below.into_iter().flat_map(Table::keys).map(Text::as_str));
                let suggestion = near.entry(key.clone()).or_insert_with(words).suggest(name);
                diagnostics.push(nothing(&format!("{key}.{name}"), entry, suggestion));
                return false;
            }
            if there.is_some() && is_new {
                diagnostics.push(not_new(&format!("{key}.{name}"), entry));
            }
            if let Some(kind) = kind {
                inner((kind, catalog), &format!("{key}.{name}"), there, is_new, entry, diagnostics);
            }
            true
        });
    }
}

/// Checks the blocks that stand inside a block. Those of a new block are as new as it is.
fn inner(
    (kind, catalog): (&Kind, &Catalog),
    path: &str,
    below: Option<&TableEntry>,
    parent_is_new: bool,
    entry: &mut TableEntry,
    diagnostics: &mut Diagnostics,
) {
    let Content::Table(table) = &mut entry.node.content else { return };
    let below = below.and_then(|entry| entry.node.as_table());
    for inner in catalog.inside(kind.name) {
        let Some(TableEntry { node: Node { content: Content::Table(names), .. }, .. }) = table.get_mut(inner.name)
        else {
            continue;
        };
        let below = below.and_then(|below| below.get(inner.name)).and_then(|entry| entry.node.as_table());
        let mut near = None;
        names.retain(|name, entry| {
            let there = below.is_some_and(|below| below.contains_key(name));
            let is_new = says_new(entry, diagnostics);
            let known = there || is_new || parent_is_new;
            if !known {
                let words = || Near::new(below.into_iter().flat_map(Table::keys).map(Text::as_str));
                let suggestion = near.get_or_insert_with(words).suggest(name);
                diagnostics.push(nothing(&format!("{path}.{}.{name}", inner.name), entry, suggestion));
            } else if there && is_new {
                diagnostics.push(not_new(&format!("{path}.{}.{name}", inner.name), entry));
            }
            known
        });
    }
}

/// Whether a block says that the base has none of its name. The word is taken out: it is about the environment, and no
/// attribute.
fn says_new(entry: &mut TableEntry, diagnostics: &mut Diagnostics) -> bool {
    let Content::Table(table) = &mut entry.node.content else { return false };
    match table.remove(NEW) {
        None => false,
        Some(TableEntry { node: Node { content: Content::Bool(is_new), .. }, .. }) => is_new,
        Some(other) => {
            diagnostics.push(
                Diagnostic::error(
                    &code::WRONG_TYPE,
                    format!("`new` is true or false, this is {}", other.node.describe()),
                )
                .at(other.node.span)
                .hint("write `new = true` in a block that only this environment has"),
            );
            true
        }
    }
}

fn nothing(path: &str, entry: &TableEntry, suggestion: Option<String>) -> Diagnostic {
    let new = "a block that only this environment has says `new = true`";
    let hint = suggestion.map_or_else(|| new.to_owned(), |suggestion| format!("{suggestion} Otherwise, {new}"));
    let detail = format!("the spec has no [{path}] that this could change");
    Diagnostic::error(&code::OVERLAY_OF_NOTHING, detail).at(entry.key).hint(hint)
}

fn not_new(path: &str, entry: &TableEntry) -> Diagnostic {
    Diagnostic::error(&code::NOT_NEW, format!("the spec has a [{path}] outside of this environment"))
        .at(entry.key)
        .hint("remove `new` to change that one, or give this one another name")
}

/// What an environment says of kinds that it leaves out has no effect.
fn left_out(kind: &Kind, names: &Table, diagnostics: &mut Diagnostics) {
    for (name, entry) in names.iter() {
        let detail =
            format!("the `kinds` of this environment leave out `{}`, so [{0}.{name}] has no effect", kind.name);
        diagnostics.push(
            Diagnostic::error(&code::OVERLAY_OF_NOTHING, detail)
                .at(entry.key)
                .hint(format!("add \"{}\" to `kinds`, or remove the block", kind.name)),
        );
    }
}

fn world(entry: &TableEntry, diagnostics: &mut Diagnostics) -> WorldChoice {
    match entry.node.as_str() {
        Some("sandbox") => WorldChoice::Sandbox,
        Some("real") => WorldChoice::Real,
        word => {
            let hint = word.and_then(|word| suggest(word, &["sandbox", "real"]));
            diagnostics.push(
                Diagnostic::error(&code::UNKNOWN_WORLD, "a world is \"sandbox\" or \"real\"")
                    .at(entry.node.span)
                    .hint(hint.unwrap_or_else(|| "write `world = \"sandbox\"` for the embedded world".into())),
            );
            WorldChoice::Real
        }
    }
}

/// The kinds that an environment is made of, by name.
fn kinds(entry: &TableEntry, catalog: &Catalog, diagnostics: &mut Diagnostics) -> Vec<&'static str> {
    let all: Vec<&'static str> = catalog.names().collect();
    let Content::Array(items) = &entry.node.content else {
        diagnostics.push(
            Diagnostic::error(&code::WRONG_TYPE, format!("`kinds` is a list, not {}", entry.node.describe()))
                .at(entry.node.span)
                .hint("write `kinds = [\"region\", \"bucket\"]`"),
        );
        return all;
    };
    let mut found = Vec::new();
    for item in items {
        match item.as_str().and_then(|name| catalog.get(name)) {
            Some(kind) if !found.contains(&kind.name) => found.push(kind.name),
            Some(_) => {}
            None => {
                let word = item.as_str().unwrap_or_default();
                diagnostics.push(
                    Diagnostic::error(&code::UNKNOWN_KIND, format!("there is no kind `{word}`"))
                        .at(item.span)
                        .hint(suggest(word, &all).unwrap_or_else(|| format!("the kinds are {}", all.join(", ")))),
                );
            }
        }
    }
    found
}

/// Refuses what means nothing at the top of a spec or of an environment.
pub fn check_keys(root: &Table, catalog: &Catalog, diagnostics: &mut Diagnostics) {
    let known: Vec<&str> = ROOT_KEYS.into_iter().chain(catalog.top()).collect();
    for (key, entry) in root.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
        diagnostics.push(unknown_key(key, entry, "a spec", &known));
    }
}
