//! `atlas validate`: everything that is wrong with the spec, without looking at the world.

use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use super::{End, load};
use crate::desired::WorldChoice;
use crate::diagnostic::{Diagnostics, Severity};
use crate::graph;
use crate::run;

pub fn run(global: &Global, ui: &Ui) -> Result<End, Failure> {
    let spec = load::spec(global)?;
    // A mistake in another environment should be found now, and not on the day when that environment is needed.
    let elsewhere = match global.environment {
        None => run::read_others(&load::setup(global), &spec),
        Some(_) => Diagnostics::default(),
    };
    if elsewhere.has_errors() {
        return Err(Failure::found(spec.source.text(), elsewhere).titled("another environment can't be used"));
    }
    if let Err(diagnostics) = graph::build(&spec.desired) {
        return Err(Failure::found(spec.source.text(), diagnostics));
    }
    let mut warnings = spec.warnings.clone();
    if spec.desired.world == WorldChoice::Real {
        warnings.append(softened(run::real(&spec, false).missing(&spec.desired)));
    }
    let count = spec.desired.objects().count();
    if ui.json() {
        ui.out_pretty(&serde_json::json!({
            "valid": true,
            "project": spec.desired.project,
            "environment": spec.desired.environment,
            "resources": count,
            "diagnostics": spec.source.text().to_json(&warnings),
        }));
    } else {
        load::warn(spec.source.text(), &warnings, ui);
        ui.note(&format!("Valid: {count} resources in environment `{}`.\n", spec.desired.environment));
    }
    Ok(End::Good)
}

/// A kind without a driver stops a plan, but is no mistake in the spec: it becomes a warning.
fn softened(diagnostics: Diagnostics) -> Diagnostics {
    let mut soft = Diagnostics::default();
    for diagnostic in diagnostics.iter() {
        soft.push(crate::diagnostic::Diagnostic { severity: Severity::Warning, ..diagnostic.clone() });
    }
    soft
}
