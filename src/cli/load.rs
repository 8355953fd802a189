//! From the arguments to a spec and what a run is opened with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::{Global, Selection};
use super::failure::{Failure, render};
use super::ui::Ui;
use super::{environment, notice};
use crate::address::Address;
use crate::diagnostic::{Diagnostics, SourceText};
use crate::plan::{Options, Selector};
use crate::run::{self, Opened, Purpose, RunError, Setup, Spec};
use crate::spec::Inputs;

/// Reads and compiles the spec. Warnings are kept; errors are the failure.
pub fn spec(global: &Global) -> Result<Spec, Failure> {
    Ok(read(global)?)
}

/// Reads and compiles the spec, for whoever wants to know what is wrong with it.
pub fn read(global: &Global) -> Result<Spec, RunError> {
    run::read(&setup(global))
}

/// Reads the spec and makes it ready for planning; for writing, under the lock.
pub fn open(spec: Spec, access: Purpose<'_>, ui: &Ui) -> Result<Opened, Failure> {
    warn(spec.source.text(), &spec.warnings, ui);
    let opened = run::open(spec, access)?;
    notice::tell(&opened.notices, ui);
    Ok(opened)
}

/// Reads the spec and makes it ready for planning and looking, with all of its apps that can be told.
pub async fn look(global: &Global, ui: &Ui) -> Result<Opened, Failure> {
    let mut opened = open(spec(global)?, Purpose::Look, ui)?;
    run::complete(&mut opened).await?;
    Ok(opened)
}

/// Says what is worth a look, on standard error.
pub fn warn(source: SourceText<'_>, diagnostics: &Diagnostics, ui: &Ui) {
    if !diagnostics.is_empty() && !ui.json() {
        ui.err(&render(source, diagnostics, ui.error_palette(), ui.width()));
    }
}

/// What was asked of a plan.
pub fn options(selection: &Selection, replace: &[Address], destroy: bool) -> Options {
    Options {
        destroy,
        targets: selectors(&selection.target),
        excludes: selectors(&selection.exclude),
        replace: selectors(replace),
        ..Options::default()
    }
}

/// Addresses as selectors.
pub fn selectors(addresses: &[Address]) -> Vec<Selector> {
    addresses.iter().cloned().map(Selector::new).collect()
}

/// Where the spec is, and what its surroundings say.
pub fn setup(global: &Global) -> Setup {
    let mut variables = environment::variables();
    let passed: BTreeMap<_, _> =
        global.var.iter().map(|(name, value)| (name.clone(), (value.clone(), format!("--var {name}")))).collect();
    variables.extend(passed);
    Setup {
        file: global.file.clone(),
        inputs: Inputs { environment: global.environment.clone(), variables, ..Inputs::default() },
        variables: Arc::new(environment::variable),
        hidden: Arc::clone(crate::telemetry::hidden()),
    }
}
