//! From text to [`Desired`]: parse, overlay, variables, references, normal form, checks.
//!
//! Nothing here reads a file, the environment or the clock: whoever calls [`compile`] brings the text and the
//! variables. Every stage collects all the problems that it finds.

mod checks;
mod chosen;
mod declare;
mod derive;
mod expand;
mod inputs;
mod locate;
mod meant;
mod node;
mod normalize;
mod outside;
mod overlay;
mod parse;
mod pieces;
mod place;
mod placement;
mod reconcile;
mod refer;
mod scope;
mod template;
mod write;

pub use crate::kind::ROOT_KEYS;
pub use declare::STARTER;
pub use inputs::Inputs;
pub use node::{Content, Node, Table, TableEntry};
pub use outside::{OutsideFault, OutsideReferences};
pub use write::{block_name, is_secret_name, key, quoted, toml_of};

use overlay::{Environments, Overlay};

use crate::desired::{ChartSpans, Desired, Instance};
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

/// Compiles a spec for every environment that it declares but one, and hands over what comes of each. The text is read once,
/// however many there are.
pub fn compile_others(source: &str, inputs: &Inputs, but: &str, mut each: impl FnMut(Option<Desired>, Diagnostics)) {
    let mut diagnostics = Diagnostics::default();
    let mut root = pieces::parse(source, &mut diagnostics);
    let environments = Environments::read(&mut root, &inputs.kinds, &mut diagnostics);
    if diagnostics.has_errors() {
        return each(None, diagnostics);
    }
    for name in environments.names().filter(|name| *name != but) {
        let inputs = Inputs { environment: Some(name.to_string()), ..inputs.clone() };
        let mut diagnostics = Diagnostics::default();
        let project = declare::project(&root, &environments, &inputs, &mut diagnostics);
        let overlay = environments.get(name).cloned();
        let desired =
            project.map(|project| laid_out(source, root.clone(), project, overlay, &inputs, &mut diagnostics));
        diagnostics.finish();
        let sound = !diagnostics.has_errors();
        each(desired.filter(|_| sound), diagnostics);
    }
}

fn stages(source: &str, inputs: &Inputs, diagnostics: &mut Diagnostics) -> Option<Desired> {
    let mut root = pieces::parse(source, diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    let mut environments = Environments::read(&mut root, &inputs.kinds, diagnostics);
    let project = declare::project(&root, &environments, inputs, diagnostics)?;
    let names = environments.names().map(ToString::to_string).collect();
    let overlay = environments.take(&project.environment);
    let mut desired = laid_out(source, root, project, overlay, inputs, diagnostics);
    desired.environments = names;
    Some(desired)
}

/// What a spec asks for in one environment. `root` is all of it but the environments.
fn laid_out(
    source: &str,
    mut root: Table,
    project: declare::Project,
    overlay: Option<Overlay>,
    inputs: &Inputs,
    diagnostics: &mut Diagnostics,
) -> Desired {
    if let Some(overlay) = overlay {
        overlay.lay_over(&mut root, &inputs.kinds);
    }
    derive::add(&mut root);
    let variables = scope::variables(source, &root, inputs, diagnostics);
    let globals = scope::Globals::new(&project.name, &project.environment, variables);
    let reconcile = reconcile::settings(&root, source, &globals, diagnostics);
    let blocks = declare::blocks(root, source, &inputs.kinds, diagnostics);
    let index = placement::index(&blocks, source, &globals, &inputs.kinds, diagnostics);
    let instances = expand::instances(&blocks, source, &globals, &index, diagnostics);
    meant::suggest(diagnostics, &index, &globals);
    let mut desired = Desired::new(project.name.clone(), project.environment.clone(), project.world, instances);
    desired.kinds = inputs.kinds.clone();
    desired.records = project.records;
    desired.reconcile = reconcile;
    desired.variables = globals.values();
    expand::link(&mut desired);
    expand::check_identities(&desired, &blocks, diagnostics);
    if !diagnostics.has_errors() {
        diagnostics.append(checks::run(&desired, &blocks));
    }
    let spans = |app: &Instance| {
        let position = index.position_of(&app.declaration.name, app.place().unwrap_or_default());
        ChartSpans { position, ..blocks[app.declaration.block].chart_spans() }
    };
    desired.chart_spans = desired.of_kind("app").map(spans).collect();
    let containers = desired.of_kind("container");
    desired.env_files = containers.map(|one| blocks[one.declaration.block].span_at("env_file")).collect();
    desired
}
