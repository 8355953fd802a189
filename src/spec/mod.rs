//! From text to [`Desired`]: parse, overlay, variables, references, normal form, checks.
//!
//! Nothing here reads a file, the environment or the clock: whoever calls [`compile`] brings the text and the
//! variables. Every stage collects all the problems that it finds.

mod checks;
mod declare;
mod derive;
mod expand;
mod inputs;
mod locate;
mod node;
mod normalize;
mod parse;
mod pieces;
mod place;
mod placement;
mod scope;
mod template;

pub use declare::{ROOT_KEYS, STARTER};
pub use inputs::Inputs;
pub use node::{Content, Entry, Node, Table};

use crate::desired::Desired;
use crate::diagnostic::Diagnostics;
use crate::kind::{Type, normal};
use crate::value::Value;

/// Compiles a spec. Everything wrong with it is in the diagnostics; with an error among them, there is no result.
#[must_use]
pub fn compile(source: &str, inputs: &Inputs) -> (Option<Desired>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let desired = stages(source, inputs, &mut diagnostics);
    diagnostics.finish();
    let sound = !diagnostics.has_errors();
    (desired.filter(|_| sound), diagnostics)
}

/// Reads a value of a type as a person wrote it on the command line: TOML, or a bare word for a text.
///
/// # Errors
/// When the value does not fit the type.
pub fn read_value(ty: &Type, text: &str) -> Result<Value, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let source = format!("value = {text}");
    let mut table = pieces::parse(&source, &mut diagnostics);
    let quoted = format!("value = {}", serde_json::to_string(text).unwrap_or_default());
    let (source, table) = if diagnostics.has_errors() {
        diagnostics = Diagnostics::default();
        (quoted.as_str(), pieces::parse(&quoted, &mut diagnostics))
    } else {
        (source.as_str(), std::mem::take(&mut table))
    };
    let scope = scope::Scope::bare();
    let index = place::Index::default();
    let value = table.get("value").map(|entry| {
        let mut normalizer = normalize::Normalizer::new(source, &scope, &index, &mut diagnostics);
        normalizer.value(ty, &entry.node, "value")
    });
    match value {
        Some(value) if !diagnostics.has_errors() => Ok(normal(ty, value)),
        _ => Err(diagnostics),
    }
}

fn stages(source: &str, inputs: &Inputs, diagnostics: &mut Diagnostics) -> Option<Desired> {
    let root = pieces::parse(source, diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    let project = declare::project(&root, inputs, diagnostics)?;
    let environments = root.get("environment").and_then(|entry| entry.node.as_table());
    let environments = environments.map(|table| table.keys().map(ToString::to_string).collect()).unwrap_or_default();
    let mut root = declare::overlay(root, &project.environment, diagnostics);
    derive::add(&mut root);
    let variables = scope::variables(source, &root, inputs, diagnostics);
    let globals = scope::Globals { project: &project.name, environment: &project.environment, variables };
    let blocks = declare::blocks(root, source, diagnostics);
    let index = placement::index(&blocks, source, &globals, diagnostics);
    let instances = expand::instances(&blocks, source, &globals, &index, diagnostics);
    let mut desired = Desired::new(project.name.clone(), project.environment.clone(), project.world, instances);
    desired.environments = environments;
    desired.records = project.records;
    expand::link(&mut desired);
    expand::check_identities(&desired, &blocks, diagnostics);
    if !diagnostics.has_errors() {
        diagnostics.append(checks::run(&desired, &blocks));
    }
    desired.charts = desired.of_kind("app").map(|app| blocks[app.declaration.block].span_at("chart")).collect();
    Some(desired)
}
