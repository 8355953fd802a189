//! What a step would lose at the moment of its effect, against what the plan showed.

use super::context::StepError;
use crate::driver::protocol::holds_more;
use crate::kind::{Risk, Usage, Verdict};
use crate::plan::{Change, Selector, selected};

/// Whether what a step would lose now is no worse and no more than what the plan showed, and allowed.
pub fn within(allow_loss: &[Selector], change: &Change, now: &Verdict, usage: &Usage) -> Result<(), StepError> {
    let expected = change.risk();
    let allowed = selected(allow_loss, &change.address);
    let shown = change.before.as_ref().map(|target| &target.usage);
    let grown = now.risk == Risk::Lossy && shown.is_some_and(|shown| holds_more(&change.kind, shown, usage));
    if now.risk <= expected && !grown && (now.risk < Risk::Lossy || allowed) {
        return Ok(());
    }
    let then = match (&change.verdict, grown) {
        (Some(verdict), true) => verdict.evidence.as_str(),
        _ => expected.word(),
    };
    let word = if grown { "" } else { now.risk.word() };
    let now = [word, if grown { "" } else { ": " }, &now.evidence].concat();
    let address = &change.address;
    Err(StepError::new(format!(
        "it would lose more than the plan showed; then: {then}, now: {now}; plan again, and allow it with --allow-loss {address}"
    )))
}
