//! The proof at the end of a run: what still differs, and what is there now.

use std::collections::{BTreeMap, BTreeSet};

use super::failure::Failure;
use super::load::Loaded;
use super::plan;
use super::ui::Ui;
use crate::action::{Action, Verb};
use crate::address::Address;
use crate::execute::Report;
use crate::observed::Observed;
use crate::plan::{Options, Plan};
use crate::style::Role;

/// Observes again. What still differs, beyond what was known to be left undone, by address.
pub async fn prove(
    loaded: &Loaded,
    options: &Options,
    plan: &Plan,
    report: &Report,
    ui: &Ui,
) -> Result<BTreeMap<Address, String>, Failure> {
    let again = Options { replace: Vec::new(), adopt: Vec::new(), forget: Vec::new(), ..options.clone() };
    let (observed, left) = plan::look_and_make(loaded, &again, ui).await?;
    keep_inventory(loaded, &report.done, observed, ui);
    let undone: BTreeSet<&Address> = report.undone().collect();
    let done: BTreeSet<&Address> = report.done.iter().map(|(address, _)| address).collect();
    let forgotten = plan.changes.iter().filter(|change| change.action == Action::Forget);
    let forgotten: BTreeSet<&Address> = forgotten.map(|change| &change.address).collect();
    let mut residual = BTreeMap::new();
    for change in left.changes.iter().filter(|change| !undone.contains(&change.address)) {
        // What was forgotten is there and nobody's, as was asked.
        if forgotten.contains(&change.address) {
            continue;
        }
        if change.acts() {
            let paths: Vec<&str> = change.attributes.iter().map(|attribute| attribute.path.as_str()).collect();
            residual.insert(change.address.clone(), format!("{}: {}", change.action.word(), paths.join(", ")));
        }
        // What this run made and nobody owns by now was not made as it should be. A host that fell silent is no proof of that.
        let desired = &loaded.pipeline.desired;
        let seen = || desired.get(&change.address).is_some_and(|one| observed.at(&one.identity).is_some());
        if let Some(blocked) = change.blocked.as_ref().filter(|_| done.contains(&change.address) && seen()) {
            residual.insert(change.address.clone(), blocked.reason.clone());
        }
    }
    Ok(residual)
}

/// Writes down what is there now, for a later drift, when it is not what is written down already.
pub fn keep_inventory(loaded: &Loaded, done: &[(Address, Verb)], observed: &Observed, ui: &Ui) {
    let kept = loaded.store.inventory().and_then(|known| {
        let now = known.clone().after(done, observed, &loaded.pipeline.desired);
        if now == known { Ok(()) } else { loaded.store.keep(&now) }
    });
    if let Err(error) = kept {
        ui.err(&format!("warning: the inventory can't be written: {error}\n"));
    }
}

/// Says what still differs.
pub fn tell_residual(ui: &Ui, residual: Result<BTreeMap<Address, String>, Failure>) {
    match residual {
        Ok(left) => {
            for (address, what) in left {
                if ui.json() {
                    ui.out_json(&serde_json::json!({ "event": "differs", "address": address, "reason": what }));
                } else {
                    let word = ui.error_palette().paint(Role::Warning, "still differs:");
                    ui.err(&format!("{word} {address}: {what}\n"));
                }
            }
        }
        Err(failure) => {
            failure.show(ui);
        }
    }
}
