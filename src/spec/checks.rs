//! Runs the kinds' own checks over a whole spec, and says where in its text each finding stands.

use std::collections::hash_map::Entry as Slot;

use foldhash::HashMap;

use super::declare::Block;
use super::node::{Content, Node};
use crate::desired::{Desired, Instance};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};
use crate::expression::{Expression, ExpressionFault};
use crate::kind::port::{Port, is_everywhere, ports as published};
use crate::kind::{Finding, Findings, Location, Type};
use crate::parallel;
use crate::path::{join, split};
use crate::value::Value;

/// Everything that the kinds' checks find, in the order of the resources.
pub fn run(desired: &Desired, blocks: &[Block]) -> Diagnostics {
    let runs = parallel::map_runs(desired.instances(), |instances| {
        let mut diagnostics = Diagnostics::default();
        let mut findings = Findings::default();
        for instance in instances {
            forms(instance, &mut findings);
            (instance.kind.check)(&instance.as_resource(), desired, &mut findings);
            expressions(instance, &mut findings);
            findings.take().for_each(|finding| diagnostics.push(diagnostic(finding, instance, blocks)));
        }
        diagnostics
    });
    let mut diagnostics = ports(desired, blocks);
    runs.into_iter().for_each(|found| diagnostics.append(found));
    diagnostics
}

/// Reports what is said in two forms, of which only one would count.
fn forms(instance: &Instance, findings: &mut Findings) {
    let said = |name: &&str| !instance.attributes.get(name).is_null();
    for attribute in instance.kind.attributes.iter() {
        let name = attribute.name;
        // Most attributes stand in place of nothing, so that is asked first.
        if let Some(other) = attribute.instead_of.iter().find(said).filter(|_| said(&name)) {
            findings.error(
                name,
                &code::SAID_IN_TWO_WAYS,
                format!("`{name}` and `{other}` say the same thing, and only one of them would count"),
                format!("keep `{name}` or `{other}`, not both"),
            );
        }
    }
}

/// Reports expressions that could not be evaluated.
fn expressions(instance: &Instance, findings: &mut Findings) {
    let Value::Map(objects) = instance.attributes.get("objects") else { return };
    for (pattern, said) in objects.iter().filter(|_| instance.kind.name == "app") {
        for name in ["ready", "failed"] {
            let Some(said) = said.at(name) else { continue };
            let fault = match said.as_str() {
                Some(text) => Expression::compile(text, &["object"]).err(),
                None => Some(ExpressionFault {
                    message: "it refers to something that is known only later".to_owned(),
                    hint: None,
                }),
            };
            if let Some(fault) = fault {
                let hint = fault.hint.unwrap_or_else(|| "write it in CEL over `object`".to_owned());
                let path = join(&join("objects", pattern), name);
                findings.error_at(
                    Location::Path(path),
                    &code::BAD_EXPRESSION,
                    format!("`{name}`: {}", fault.message),
                    hint,
                );
            }
        }
    }
}

/// A port of the machine of an engine.
type EnginePort = (Option<String>, String);

/// Reports a port of a machine that an earlier resource has. Each resource is looked at once: to compare all with all
/// would take the square of their number.
fn ports(desired: &Desired, blocks: &[Block]) -> Diagnostics {
    let kinds = ["region", "container", "cluster"];
    let mut all: Vec<&Instance> = kinds.iter().flat_map(|kind| desired.of_kind(kind)).collect();
    all.sort_by_key(|instance| instance.declaration.header);
    let mut diagnostics = Diagnostics::default();
    let mut at_address: HashMap<(EnginePort, String), &Instance> = HashMap::default();
    // By engine and port: who has it first, and who has it at every address.
    let mut anywhere: HashMap<EnginePort, (&Instance, Option<&Instance>)> = HashMap::default();
    for instance in all {
        for Port { path, engine, address, port } in published(instance.kind.name, &instance.attributes) {
            let everywhere = is_everywhere(&address);
            let here = at_address.entry(((engine.clone(), port.clone()), address.clone()));
            let known = anywhere.entry((engine, port.clone())).or_insert((instance, None));
            let taken = match here {
                Slot::Occupied(taken) => Some(*taken.get()),
                Slot::Vacant(free) => {
                    free.insert(instance);
                    known.1.or_else(|| (everywhere && !std::ptr::eq(known.0, instance)).then_some(known.0))
                }
            };
            if everywhere {
                known.1.get_or_insert(instance);
            }
            let Some(other) = taken else { continue };
            let span = blocks
                .get(instance.declaration.block)
                .map_or(instance.declaration.header, |block| block.span_at(&path));
            let detail = format!("{} already publishes `{address}:{port}` on the same engine", other.address);
            diagnostics.push(
                Diagnostic::error(&code::PORT_TAKEN, detail)
                    .at(span)
                    .hint("choose another port of the machine, or another engine")
                    .of(&instance.address),
            );
        }
    }
    diagnostics
}

fn diagnostic(finding: Finding, instance: &Instance, blocks: &[Block]) -> Diagnostic {
    let block = blocks.get(instance.declaration.block);
    let span = block.map_or(instance.declaration.header, |block| span(block, instance, &finding.location));
    let diagnostic = Diagnostic { severity: finding.severity, ..Diagnostic::error(finding.code, finding.detail) };
    diagnostic.at(span).hint(finding.hint).of(&instance.address)
}

fn span(block: &Block, instance: &Instance, location: &Location) -> Span {
    match location {
        Location::Path(path) => block.span_at(&as_written(block, instance, path)),
        Location::First(attributes) => {
            let said = attributes.iter().find(|attribute| block.has(attribute));
            said.map_or(block.declaration.header, |attribute| block.span_at(attribute))
        }
        Location::Text { attribute, text } => block.span_of(attribute, text),
    }
}

/// A path into the normal form, as the block has it: items whose order means nothing may stand elsewhere there.
fn as_written(block: &Block, instance: &Instance, path: &str) -> String {
    let parts = split(path);
    let Some((name, below)) = parts.split_first() else { return path.to_owned() };
    let written = block.node.as_table().and_then(|table| table.get(name)).map(|entry| &entry.node);
    let (Some(attribute), Some(mut node)) = (instance.kind.attribute(name), written) else { return path.to_owned() };
    let (mut ty, mut value) = (&attribute.ty, instance.attributes.get(name));
    let mut found = (*name).to_owned();
    for (at, part) in below.iter().enumerate() {
        let next = match (ty, &node.content) {
            (Type::Set(item), Content::Array(nodes)) => {
                let said = part.parse::<usize>().ok().and_then(|index| value.items().get(index));
                said.and_then(|said| Some((alike(nodes, said)?, &**item, said)))
            }
            (Type::List(item), Content::Array(_)) => {
                let index = part.parse::<usize>().ok();
                index.and_then(|index| Some((index, &**item, value.items().get(index)?)))
            }
            (Type::Object(inner) | Type::WordOrObject(_, inner), Content::Table(table)) => {
                let inner = inner.iter().find(|one| one.name == *part);
                let entry = table.get(part).map(|entry| &entry.node);
                if let (Some(inner), Some(below), Some(said)) = (inner, entry, value.at(part)) {
                    (ty, node, value) = (&inner.ty, below, said);
                    found = join(&found, part);
                    continue;
                }
                None
            }
            _ => None,
        };
        let (Some((index, item, said)), Content::Array(nodes)) = (next, &node.content) else {
            return below[at..].iter().fold(found, |path, part| join(&path, part));
        };
        found = join(&found, &index.to_string());
        let Some(below) = nodes.get(index) else { return found };
        (ty, node, value) = (item, below, said);
    }
    found
}

/// Which of some written values says the most of a value.
fn alike(nodes: &[Node], value: &Value) -> Option<usize> {
    let same = |node: &Node, value: Option<&Value>| match &node.content {
        // An address may be completed with its place.
        Content::String(text) => value
            .and_then(Value::as_str)
            .and_then(|said| said.strip_prefix(&**text))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('@')),
        Content::Int(number) => value.and_then(Value::as_int) == Some(*number),
        Content::Bool(flag) => value == Some(&Value::Bool(*flag)),
        _ => false,
    };
    let score = |node: &Node| match node.as_table() {
        Some(table) => table.iter().filter(|(key, entry)| same(&entry.node, value.at(key))).count(),
        None => usize::from(same(node, Some(value))),
    };
    // Of several that say as much, the first one.
    (0..nodes.len()).rev().max_by_key(|at| score(&nodes[*at]))
}
