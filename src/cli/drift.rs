//! `atlas drift`: only what moved behind Atlas's back.

use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use super::{End, load, plan};
use crate::action::Cause;
use crate::plan::{Change, Options, render_drift};
use crate::value::Value;

pub async fn run(global: &Global, ui: &Ui) -> Result<End, Failure> {
    let loaded = load::load(global, false, ui)?;
    let plan = plan::make(loaded, &Options::default(), ui).await?;
    let drifted = loaded.pipeline.drift(&plan, &load::inventory(loaded)?);
    if ui.json() {
        let entries: Vec<serde_json::Value> = drifted
            .iter()
            .map(|change| {
                let show = |value: &Value, hide: bool| if hide { serde_json::Value::Null } else { value.to_json() };
                let attributes: Vec<serde_json::Value> = change
                    .attributes
                    .iter()
                    .filter(|attribute| attribute.drifted)
                    .map(|attribute| {
                        serde_json::json!({
                            "path": attribute.path,
                            "expected": show(&attribute.after, attribute.sensitive),
                            "observed": show(&attribute.before, attribute.sensitive),
                        })
                    })
                    .collect();
                serde_json::json!({
                    "address": change.address,
                    "kind": change.kind.name,
                    "cause": if change.cause == Cause::Missing { Cause::Missing } else { Cause::Drift },
                    "attributes": attributes,
                    "dependants": loaded.pipeline.graph.all_dependants(&change.address),
                })
            })
            .collect();
        let unknown: Vec<_> = plan.changes.iter().filter(is_unknown).map(|change| &change.address).collect();
        ui.out_pretty(&serde_json::json!({ "drift": entries, "unknown": unknown }));
    } else {
        load::warn(loaded.source.text(), &plan.diagnostics, ui);
        ui.out(&render_drift(&drifted, &loaded.pipeline.graph, ui.palette(), ui.width()));
        let unknown: Vec<&str> = plan.changes.iter().filter(is_unknown).map(|change| change.address.as_str()).collect();
        if drifted.is_empty() && !unknown.is_empty() {
            ui.note(&format!("No drift where somebody answers; unknown: {}.\n", unknown.len()));
        } else if drifted.is_empty() {
            ui.note("No drift: nothing moved behind Atlas's back.\n");
        } else {
            if !unknown.is_empty() {
                ui.out(&format!(
                    "\nUnknown, because what they live in does not run or answer: {}\n",
                    unknown.join(", ")
                ));
            }
            ui.note("\n`atlas apply` brings it back.\n");
        }
    }
    Ok(if drifted.is_empty() { End::Good } else { End::Differs })
}

/// Whether nobody can say anything about a resource's object now.
fn is_unknown(change: &&Change) -> bool {
    change.blocked.is_some() || change.unsure
}
