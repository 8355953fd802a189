//! Runs the kinds' own checks over a whole spec, and says where in its text each finding stands.

use super::declare::Block;
use crate::desired::{Desired, Instance};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::kind::{Finding, Findings, Location};
use crate::parallel;

/// Everything that the kinds' checks find, in the order of the resources.
pub fn run(desired: &Desired, blocks: &[Block]) -> Diagnostics {
    let runs = parallel::map_runs(desired.instances(), |instances| {
        let mut diagnostics = Diagnostics::default();
        let mut findings = Findings::default();
        for instance in instances {
            (instance.kind.check)(&instance.as_resource(), desired, &mut findings);
            findings.take().for_each(|finding| diagnostics.push(diagnostic(finding, instance, blocks)));
        }
        diagnostics
    });
    let mut diagnostics = Diagnostics::default();
    runs.into_iter().for_each(|found| diagnostics.append(found));
    diagnostics
}

fn diagnostic(finding: Finding, instance: &Instance, blocks: &[Block]) -> Diagnostic {
    let block = blocks.get(instance.declaration.block);
    let span = block.map_or(instance.declaration.header, |block| span(block, &finding.location));
    let diagnostic = Diagnostic { severity: finding.severity, ..Diagnostic::error(finding.summary, finding.detail) };
    diagnostic.at(span).hint(finding.hint).of(&instance.address)
}

fn span(block: &Block, location: &Location) -> Span {
    match location {
        Location::Path(path) => block.span_at(path),
        Location::First(attributes) => {
            let said = attributes.iter().find(|attribute| block.has(attribute));
            said.map_or(block.declaration.header, |attribute| block.span_at(attribute))
        }
        Location::Text { attribute, text } => block.span_of(attribute, text),
    }
}
