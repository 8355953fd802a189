//! Which resources are declared, at which places, and how a reference chooses one of them.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::declare::Block;
use super::node::{Content, Node};
use super::normalize::Normalizer;
use super::scope::{Globals, Scope};
use super::suggest;
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::kind;

/// Every declared resource, by kind and name.
#[derive(Default)]
pub struct Index {
    entries: HashMap<&'static str, HashMap<String, Declared>>,
    /// The region of each cluster.
    regions: BTreeMap<String, String>,
}

/// Where a declared resource stands.
pub struct Declared {
    /// None for a resource that stands in one place only.
    pub places: Option<Vec<String>>,
    pub parent: Option<Address>,
}

/// Why a reference chooses no resource: the problem in words and the way out.
pub struct Unresolved {
    pub summary: &'static str,
    pub detail: String,
    pub hint: String,
}

impl Index {
    /// Finds the places of every block.
    pub fn build(blocks: &[Block], source: &str, globals: &Globals<'_>, diagnostics: &mut Diagnostics) -> Self {
        let mut index = Self::default();
        // Places are names of regions and clusters, so those are entered first.
        for block in blocks.iter().filter(|block| kind::place_attribute(block.kind).is_none()) {
            let parent = block.parent.as_ref().map(|(kind, name)| Address::new(kind.name, name, None));
            index.enter(block, None, parent);
        }
        for block in blocks.iter().filter(|block| block.kind.name == "cluster") {
            let mut quiet = Diagnostics::default();
            let scope = Scope { globals: Some(globals), name: &block.declaration.name, ..Scope::bare() };
            let region = block.declaration.node.as_table().and_then(|table| table.get("region"));
            let region = region.map(|entry| {
                Normalizer::new(source, &scope, &index, &mut quiet).value(
                    &kind::Type::Text(&kind::rule::ANY),
                    &entry.node,
                    "",
                )
            });
            if let Some(region) = region.as_ref().and_then(|value| value.as_str()) {
                index.regions.insert(block.declaration.name.clone(), region.to_owned());
            }
        }
        for block in blocks {
            let Some(attribute) = kind::place_attribute(block.kind) else { continue };
            let scope = Scope { globals: Some(globals), name: &block.declaration.name, ..Scope::bare() };
            let entry = block.declaration.node.as_table().and_then(|table| table.get(attribute.name));
            let places = match entry {
                Some(entry) => {
                    let value = Normalizer::new(source, &scope, &index, diagnostics).value(
                        &attribute.ty,
                        &entry.node,
                        attribute.name,
                    );
                    warn_of_none(&entry.node, attribute.name, diagnostics);
                    let mut names: Vec<String> =
                        value.items().iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
                    names.sort();
                    names.dedup();
                    names
                }
                None => {
                    let what = format!("{} `{}` needs `{}`", block.kind.name, block.declaration.name, attribute.name);
                    diagnostics.push(
                        Diagnostic::error("missing attribute", what)
                            .at(block.declaration.header)
                            .hint(format!("write `{} = {}`", attribute.name, attribute.examples[0])),
                    );
                    Vec::new()
                }
            };
            index.enter(block, Some(places), None);
        }
        index
    }

    /// A declared resource.
    pub fn get(&self, kind: &str, name: &str) -> Option<&Declared> {
        self.entries.get(kind)?.get(name)
    }

    /// The names of all declared resources of a kind.
    pub fn names(&self, kind: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.entries.get(kind).map(|names| names.keys().map(String::as_str).collect()).unwrap_or_default();
        names.sort_unstable();
        names
    }

    /// The region of a cluster.
    pub fn region_of(&self, cluster: &str) -> Option<&str> {
        self.regions.get(cluster).map(String::as_str)
    }

    /// Chooses the resources that `kind.name` or `kind.name@place` means for a resource of `scope`. With `all`, a
    /// resource that stands nowhere in particular may mean every place of another one.
    pub fn choose(&self, text: &str, scope: &Scope<'_>, all: bool) -> Result<Vec<Address>, Unresolved> {
        let address = Address::parse(text).map_err(|error| Unresolved {
            summary: "bad address",
            detail: error.to_string(),
            hint: "an address is kind.name or kind.name@place, such as queue.orders@us-east-1".into(),
        })?;
        let declared = self.declared(&address)?;
        if declared.parent.is_some() {
            return Ok(vec![address]);
        }
        let Some(places) = &declared.places else {
            return match address.place() {
                None => Ok(vec![address]),
                Some(place) => Err(Unresolved {
                    summary: "place where the target does not exist",
                    detail: format!("{}.{} stands in no place of its own", address.kind(), address.name()),
                    hint: format!("leave out `@{place}`"),
                }),
            };
        };
        let at = |place: &str| Address::new(address.kind(), address.name(), Some(place));
        // Places are sorted.
        let has = |place: &str| places.binary_search_by(|other| other.as_str().cmp(place)).is_ok();
        if let Some(place) = address.place() {
            return if has(place) { Ok(vec![at(place)]) } else { Err(absent(&address, place, places)) };
        }
        if let Some(place) = [scope.place, scope.cluster, scope.region].into_iter().flatten().find(|place| has(place)) {
            return Ok(vec![at(place)]);
        }
        let inside = |place: &&String| self.region_of(place).is_some() && self.region_of(place) == scope.region;
        // Only a cluster can be near a region, so a resource that stands in regions need not be looked through.
        let clusters = places.first().is_some_and(|place| self.region_of(place).is_some());
        let near: Vec<&String> = if clusters { places.iter().filter(inside).collect() } else { Vec::new() };
        match (near.as_slice(), places.as_slice()) {
            ([one], _) => Ok(vec![at(one)]),
            (_, [one]) if scope.place.is_none() => Ok(vec![at(one)]),
            _ if all && scope.place.is_none() => Ok(places.iter().map(|place| at(place)).collect()),
            _ => match scope.place {
                Some(place) => Err(absent(&address, place, places)),
                None => Err(Unresolved {
                    summary: "reference to several places",
                    detail: format!("{address} stands in {}, and this resource in none of them", places.join(" and ")),
                    hint: format!("name one: {}", at(&places[0])),
                }),
            },
        }
    }

    fn declared(&self, address: &Address) -> Result<&Declared, Unresolved> {
        let (kind, name) = (address.kind(), address.name());
        if kind::get(kind).is_none() {
            let names: Vec<&str> = kind::ALL.iter().map(|kind| kind.name).collect();
            return Err(Unresolved {
                summary: "unknown kind",
                detail: format!("there is no kind `{kind}`"),
                hint: suggest(kind, &names).unwrap_or_else(|| format!("the kinds are {}", names.join(", "))),
            });
        }
        let found = self.get(kind, name).filter(|found| found.parent == address.parent());
        found.ok_or_else(|| {
            let names = self.names(kind);
            Unresolved {
                summary: "reference to nothing",
                detail: format!("the spec declares no {kind} `{name}`"),
                hint: suggest(name, &names).unwrap_or_else(|| format!("declare [{kind}.{name}]")),
            }
        })
    }

    fn enter(&mut self, block: &Block, places: Option<Vec<String>>, parent: Option<Address>) {
        let declared = Declared { places, parent };
        self.entries.entry(block.kind.name).or_default().insert(block.declaration.name.clone(), declared);
    }
}

fn absent(address: &Address, place: &str, places: &[String]) -> Unresolved {
    let known: Vec<&str> = places.iter().map(String::as_str).collect();
    let (kind, name) = (address.kind(), address.name());
    let hint = suggest(place, &known).unwrap_or_else(|| match known.as_slice() {
        [] => format!("it stands nowhere: add {place} to it"),
        [first, ..] => {
            format!("it stands in {}: write {kind}.{name}@{first}, or add {place} to it", known.join(" and "))
        }
    });
    Unresolved {
        summary: "place where the target does not exist",
        detail: format!("{kind}.{name} does not stand in {place}"),
        hint,
    }
}

fn warn_of_none(node: &Node, attribute: &str, diagnostics: &mut Diagnostics) {
    if matches!(&node.content, Content::Array(items) if items.is_empty()) {
        diagnostics.push(
            Diagnostic::warning("resource that stands nowhere", format!("`{attribute}` is empty, so nothing is made"))
                .at(node.span)
                .hint("name a place, or remove the block"),
        );
    }
}
