//! `atlas status`: every resource and how it is, and what the checks say.

use std::collections::BTreeMap;

use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use super::{End, load};
use crate::action::{Action, Cause};
use crate::address::Address;
use crate::desired::Instance;
use crate::pipeline::is_gone;
use crate::plan::{Change, Options, Plan};
use crate::recorded::Inventory;
use crate::style::Role;

/// How a resource is, in one word, and why.
struct State {
    address: Address,
    word: &'static str,
    role: Role,
    why: String,
}

pub async fn run(global: &Global, ui: &Ui) -> Result<End, Failure> {
    let loaded = load::load(global, false, ui)?;
    let recorded = load::recorded(loaded, ui)?;
    let observed = loaded.pipeline.observe(&recorded).await?;
    let plan = loaded.pipeline.plan(&recorded, &observed, &Options::default());
    let changes: BTreeMap<&Address, &Change> =
        plan.changes.iter().filter(|change| change.span.is_some()).map(|change| (&change.address, change)).collect();
    let inventory = load::inventory(loaded)?;
    let desired = &loaded.pipeline.desired;
    let mut states: Vec<State> = desired
        .objects()
        .map(|instance| object(instance, &changes, observed.why_unreachable(&instance.identity).is_some(), &inventory))
        .collect();
    states.extend(plan.changes.iter().filter(|change| change.span.is_none()).map(orphan));
    let checks: Vec<State> = desired.of_kind("check").map(|instance| check(instance, &changes)).collect();
    if ui.json() {
        let json =
            |state: &State| serde_json::json!({ "address": state.address, "status": state.word, "reason": state.why });
        ui.out_pretty(&serde_json::json!({
            "project": desired.project,
            "environment": desired.environment,
            "resources": states.iter().map(json).collect::<Vec<_>>(),
            "checks": checks.iter().map(json).collect::<Vec<_>>(),
        }));
        return Ok(End::Good);
    }
    load::warn(loaded.source.text(), &plan.diagnostics, ui);
    let widest = states.iter().chain(&checks).map(|state| state.address.as_str().len()).max().unwrap_or_default();
    for state in states.iter().chain(&checks) {
        let why = if state.why.is_empty() { String::new() } else { format!("  {}", state.why) };
        let word = ui.palette().paint(state.role, &format!("{:9}", state.word));
        let width = if why.is_empty() { 0 } else { widest };
        ui.out(&format!("{word} {:width$}{}\n", state.address, ui.palette().paint(Role::Dim, &why)));
    }
    ui.note(&summary(&plan));
    Ok(End::Good)
}

fn object(instance: &Instance, changes: &BTreeMap<&Address, &Change>, silent: bool, inventory: &Inventory) -> State {
    let (word, role, why) = match changes.get(&instance.address) {
        None => ("ok", Role::Create, String::new()),
        Some(change) if change.blocked.as_ref().is_some_and(|blocked| blocked.by == change.address && !silent) => {
            ("foreign", Role::Warning, change.reason.clone())
        }
        Some(change) if change.blocked.is_some() && change.action == Action::NoOp => {
            ("unknown", Role::Warning, change.reason.clone())
        }
        Some(change) if change.unsure => ("unknown", Role::Warning, change.reason.clone()),
        Some(change) if is_gone(change, inventory) => {
            ("missing", Role::Delete, "was deleted behind Atlas's back".into())
        }
        Some(change) if change.action == Action::Create => ("absent", Role::Dim, change.reason.clone()),
        Some(change) if change.cause == Cause::Drift => ("drifted", Role::Update, change.reason.clone()),
        Some(change) => ("changed", Role::Update, change.reason.clone()),
    };
    State { address: instance.address.clone(), word, role, why }
}

fn orphan(change: &Change) -> State {
    State { address: change.address.clone(), word: "orphan", role: Role::Delete, why: change.reason.clone() }
}

/// A check of a target passes when the target is there as the spec says. A URL is asked by drills and by the loop only.
fn check(instance: &Instance, changes: &BTreeMap<&Address, &Change>) -> State {
    let target = instance.references.first().map(|edge| &edge.to);
    let (word, role, why) = match target.map(|target| (target, changes.get(target))) {
        None => ("not asked", Role::Dim, "an `http` check is asked while a drill runs".into()),
        Some((_, None)) => ("passes", Role::Create, String::new()),
        Some((target, Some(change))) if change.blocked.is_some() => {
            ("unknown", Role::Warning, format!("{target} is unknown"))
        }
        Some((target, Some(change))) => ("fails", Role::Delete, format!("{target} {}", change.reason)),
    };
    State { address: instance.address.clone(), word, role, why }
}

fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        return format!("Everything is as the spec says: {} resources.\n", plan.unchanged);
    }
    format!(
        "As the spec says: {}. Not so, or unknown: {}. `atlas plan` says more.\n",
        plan.unchanged,
        plan.changes.len()
    )
}
