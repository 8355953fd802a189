//! Finds the places of every block: which resources there are.

use super::chosen::ClusterLabels;
use super::declare::Block;
use super::node::{Content, Node};
use super::normalize::Normalizer;
use super::place::{Declared, Index, Several};
use super::scope::{Globals, Scope};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::kind::{self, Attribute, Catalog, Places};

/// Finds the places of every block.
pub fn index(
    blocks: &[Block],
    source: &str,
    globals: &Globals<'_>,
    kinds: &Catalog,
    diagnostics: &mut Diagnostics,
) -> Index {
    let mut index = Index::new(kinds.clone());
    // Places are names of regions and clusters, so those are entered first.
    for block in blocks.iter().filter(|block| kind::place_attribute(&block.kind).is_none()) {
        let (kind, name) = (block.kind.name, &block.declaration.name);
        let (key, address) = match block.parent_address() {
            Some(parent) => {
                let address = parent.child(kind, name);
                (address.as_str().into(), address)
            }
            None => (name.clone(), Address::new(kind, name, None)),
        };
        index.insert(kind, key, Declared::Once(address));
    }
    for block in blocks.iter().filter(|block| block.kind.name == "cluster") {
        let mut discarded = Diagnostics::default();
        let scope = Scope { globals: Some(globals), name: &block.declaration.name, ..Scope::bare() };
        let region = block.node.as_table().and_then(|table| table.get("region"));
        let region = region.map(|entry| {
            Normalizer::new(source, &scope, &index, &mut discarded).value(
                &kind::Type::text(&kind::rule::ANY),
                &entry.node,
                "",
            )
        });
        if let Some(region) = region.as_ref().and_then(|value| value.as_str()) {
            index.place_cluster(block.declaration.name.clone(), region.to_owned());
        }
    }
    let mut labels = None;
    for block in blocks {
        let Some(attribute) = kind::place_attribute(&block.kind) else { continue };
        let entry = block.node.as_table().and_then(|table| table.get(attribute.name));
        let chosen_by_labels = entry
            .filter(|_| block.kind.places == Places::Clusters)
            .and_then(|entry| Some((&entry.node, entry.node.as_table()?)));
        let mut places = match chosen_by_labels {
            Some((node, table)) => {
                let labels = labels.get_or_insert_with(|| ClusterLabels::of(blocks, source, globals, &index));
                labels.choose((block, node, table), (source, globals, &index), diagnostics)
            }
            None => named(block, attribute, (source, globals, &index), diagnostics),
        };
        let (kind, name) = (block.kind.name, &block.declaration.name);
        if kind == "app" {
            index.set_order(name.clone(), &places);
        }
        places.sort();
        places.dedup();
        let address = |place: &String| Address::new(kind, name, Some(place));
        let declared = match places.as_slice() {
            [one] => Declared::In(address(one)),
            places => Declared::At(Several::new(places.iter().map(address).collect(), &index)),
        };
        index.insert(kind, name.clone(), declared);
    }
    index
}

/// The places that a block names, in its order; an error where it says none.
fn named(
    block: &Block,
    attribute: &Attribute,
    (source, globals, index): (&str, &Globals<'_>, &Index),
    diagnostics: &mut Diagnostics,
) -> Vec<String> {
    let name = &block.declaration.name;
    let scope = Scope { globals: Some(globals), name, ..Scope::bare() };
    let Some(entry) = block.node.as_table().and_then(|table| table.get(attribute.name)) else {
        let what = format!("{} `{name}` needs `{}`", block.kind.name, attribute.name);
        let hint = format!("write `{} = {}`", attribute.name, attribute.example());
        diagnostics.push(Diagnostic::error(&code::MISSING_ATTRIBUTE, what).at(block.declaration.header).hint(hint));
        return Vec::new();
    };
    let mut normalizer = Normalizer::new(source, &scope, index, diagnostics);
    let value = normalizer.value(&attribute.ty, &entry.node, attribute.name);
    warn_of_none(&entry.node, attribute.name, diagnostics);
    value.items().iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn warn_of_none(node: &Node, attribute: &str, diagnostics: &mut Diagnostics) {
    if matches!(&node.content, Content::Array(items) if items.is_empty()) {
        diagnostics.push(
            Diagnostic::warning(&code::STANDS_NOWHERE, format!("`{attribute}` is empty, so nothing is made"))
                .at(node.span)
                .hint("name a place, or remove the block"),
        );
    }
}
