//! The third call: whether a plan may be carried out, and which part of it.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Refusal, RunError};
use super::open::Opened;
use super::plan::Planned;
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::kind::Risk;
use crate::plan::{Plan, SavedPlan, Selector, selected, unknown_selectors};

/// What was agreed to before.
#[derive(Debug, Default)]
pub struct Consent {
    /// The plan that was approved earlier. Only what has not moved since is done.
    pub saved: Option<SavedPlan>,
    /// The resources whose data may be lost.
    pub allow_loss: Vec<Selector>,
}

/// A plan that may be carried out.
#[derive(Debug)]
pub struct Approved {
    /// The plan.
    pub planned: Planned,
    /// What of a saved plan moved since it was saved, and how: it is left out.
    pub moved: BTreeMap<Address, String>,
    /// What would be done now and was not in the saved plan: it is left out.
    pub unapproved: BTreeSet<Address>,
    /// Only these, when there is a saved plan.
    pub(super) only: Option<BTreeSet<Address>>,
    pub(super) allow_loss: Vec<Selector>,
}

/// Approves a plan. It consults nobody: a caller that wants to ask a person does so before or after.
///
/// # Errors
/// When the plan has errors, when it would lose data that nobody allowed to be lost, or when all of a saved plan moved.
pub fn approve(opened: &Opened, planned: Planned, consent: Consent) -> Result<Approved, RunError> {
    let Consent { saved, allow_loss } = consent;
    let refused = |why, diagnostics| RunError::refused(why, opened.source.clone(), diagnostics);
    if planned.plan.diagnostics.has_errors() {
        return Err(refused(Refusal::Plan, planned.plan.diagnostics));
    }
    let unknown = unknown_selectors("--allow-loss", &allow_loss, &planned.plan.changes, &opened.pipeline.desired);
    if unknown.has_errors() {
        return Err(refused(Refusal::Loss, unknown));
    }
    let approval = saved.map(|saved| saved.approve(&planned.plan, &opened.pipeline.graph));
    let (only, moved, unapproved) = match approval {
        Some(approval) => (Some(approval.approved), approval.moved, approval.unapproved),
        None => (None, BTreeMap::new(), BTreeSet::new()),
    };
    let has_moved = !moved.is_empty() || !unapproved.is_empty();
    if has_moved && only.as_ref().is_some_and(BTreeSet::is_empty) {
        return Err(RunError::Moved { moved, unapproved });
    }
    let loss = refuse_loss(&planned.plan, &allow_loss, only.as_ref());
    if loss.has_errors() {
        return Err(refused(Refusal::Loss, loss));
    }
    Ok(Approved { planned, moved, unapproved, only, allow_loss })
}

impl Approved {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.planned.plan.steps.is_empty()
    }

    /// Whether some of a saved plan is left out because it moved.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        !self.moved.is_empty() || !self.unapproved.is_empty()
    }
}

/// Refuses every step that would lose data and that nobody allowed to.
#[must_use]
pub fn refuse_loss(plan: &Plan, allow_loss: &[Selector], approved: Option<&BTreeSet<Address>>) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for change in plan.changes.iter().filter(|change| change.acts() && change.risk() == Risk::Lossy) {
        let wanted = approved.is_none_or(|approved| approved.contains(&change.address));
        if wanted && !selected(allow_loss, &change.address) {
            let evidence = change.verdict.as_ref().map_or("", |verdict| verdict.evidence.as_str());
            let detail = format!("{} would be {}: {evidence}", change.address, change.action.past());
            diagnostics.push(
                Diagnostic::error(&code::LOSS, detail)
                    .at(change.span)
                    .hint(format!("allow it for this one with --allow-loss {}", change.address))
                    .of(&change.address),
            );
        }
    }
    diagnostics
}
