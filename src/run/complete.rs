//! Between opening and planning: what some apps come to depends on what other resources tell, and those that are there are asked.

use std::collections::BTreeSet;

use super::error::{Refusal, RunError};
use super::open::Opened;
use super::unfold::{deciders, unfold_undecided};
use crate::address::Address;
use crate::charts::Charts;
use crate::diagnostic::Diagnostics;
use crate::{driver, graph};

/// Unfolds the apps that were undecided when the spec was read, as far as what decides is there by now. Where there are none of them it
/// asks nobody.
///
/// # Errors
/// When a driver can't be asked at all, or a chart can't be rendered with what was told.
pub async fn complete(opened: &mut Opened) -> Result<(), RunError> {
    let desired = &opened.pipeline.desired;
    if desired.undecided.is_empty() {
        return Ok(());
    }
    let by: BTreeSet<Address> = desired.all_undecided().flat_map(|(app, _)| deciders(app)).collect();
    let told = driver::objects_of(&opened.pipeline.sessions, desired, &by).await?;
    if told.is_empty() {
        return Ok(());
    }
    let surroundings = opened.charts.clone();
    let base = surroundings.base.clone();
    let mut diagnostics = Diagnostics::default();
    let desired = &mut opened.pipeline.desired;
    unfold_undecided(desired, &told, &mut Charts::new(surroundings), &base, &mut diagnostics);
    diagnostics.finish();
    let refused = |diagnostics| RunError::refused(Refusal::Spec, opened.source.clone(), diagnostics);
    if diagnostics.has_errors() {
        return Err(refused(diagnostics));
    }
    opened.warnings.append(diagnostics);
    let graph = graph::build(desired);
    opened.pipeline.graph =
        graph.map_err(|diagnostics| RunError::refused(Refusal::Graph, opened.source.clone(), diagnostics))?;
    Ok(())
}
