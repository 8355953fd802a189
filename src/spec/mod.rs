//! From text to [`Desired`]: parse, overlay, variables, references, normal form, checks.
//!
//! Nothing here reads a file, the environment or the clock: whoever calls [`compile`] brings the text and the
//! variables. Every stage collects all the problems that it finds.

mod declare;
mod derive;
mod desired;
mod expand;
mod findings;
mod locate;
mod node;
mod normalize;
mod pieces;
mod place;
mod records;
mod scope;
mod suggest;
mod table;
mod template;

use std::collections::BTreeMap;

pub use declare::{ROOT_KEYS, STARTER};
pub use desired::{Declaration, Desired, Edge, Instance, OnRemove, Settings, World};
pub use findings::Findings;
pub use node::{Content, Entry, Node};
pub use records::RecordsUrl;
pub use suggest::{nearest, suggest};
pub use table::Table;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::kind::Type;
use crate::parallel;
use crate::value::Value;

/// What the spec's text does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The environment that was asked for; the project's own default otherwise.
    pub environment: Option<String>,
    /// Values of variables, by name, and where each comes from: `--var`, `ATLAS_VAR_image_tag`.
    pub variables: BTreeMap<String, (String, String)>,
}

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
    let mut table = node::parse(&source, &mut diagnostics);
    let quoted = format!("value = {}", serde_json::to_string(text).unwrap_or_default());
    let (source, table) = if diagnostics.has_errors() {
        diagnostics = Diagnostics::default();
        (quoted.as_str(), node::parse(&quoted, &mut diagnostics))
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
        Some(value) if !diagnostics.has_errors() => Ok(crate::kind::normal(ty, value)),
        _ => Err(diagnostics),
    }
}

fn stages(source: &str, inputs: &Inputs, diagnostics: &mut Diagnostics) -> Option<Desired> {
    let root = node::parse(source, diagnostics);
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
    let index = place::Index::build(&blocks, source, &globals, diagnostics);
    let instances = expand::instances(&blocks, source, &globals, &index, diagnostics);
    let mut desired = Desired::new(project.name.clone(), project.environment.clone(), project.world, instances);
    desired.environments = environments;
    desired.records = project.records;
    expand::link(&mut desired);
    expand::check_identities(&desired, &blocks, diagnostics);
    if !diagnostics.has_errors() {
        let found = parallel::map_runs(desired.instances(), |instances| {
            let mut findings = Findings::new(&blocks);
            instances.iter().for_each(|instance| (instance.kind.check)(instance, &desired, &mut findings));
            findings.into_diagnostics()
        });
        found.into_iter().for_each(|found| diagnostics.append(found));
    }
    desired.charts = desired.of_kind("app").map(|app| blocks[app.declaration.block].span_at("chart")).collect();
    Some(desired)
}

fn unknown_key(key: &str, entry: &Entry, place: &str, known: &[&str]) -> Diagnostic {
    let hint = suggest(key, known).unwrap_or_else(|| format!("{place} takes {}", known.join(", ")));
    Diagnostic::error("unknown key", format!("{place} has no `{key}`")).at(entry.key).hint(hint)
}
