//! `atlas status`: every resource and how it is, and what the checks say.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use super::{Done, End, load, notice, suspend};
use crate::action::{Action, Cause};
use crate::address::Address;
use crate::desired::Instance;
use crate::observed::Condition;
use crate::plan::{Change, Options, Plan, is_gone};
use crate::reconcile::{Suspension, in_words};
use crate::recorded::Inventory;
use crate::run;
use crate::style::Role;

/// How a resource is, in one word, and why.
#[derive(Serialize)]
struct State<'a> {
    address: &'a Address,
    #[serde(rename = "status")]
    word: &'static str,
    #[serde(skip)]
    role: Role,
    reason: String,
}

/// What is as the spec says, and does not do yet what it is for.
const PROGRESSING: &str = "progressing";

/// Every state, as JSON.
#[derive(Serialize)]
struct Status<'a> {
    project: &'a str,
    environment: &'a str,
    accounts: &'a BTreeSet<String>,
    /// What the loop was told to leave alone.
    suspended: &'a [Suspension],
    /// What the loop leaves alone by itself, as somebody else keeps changing it.
    quarantined: Vec<serde_json::Value>,
    resources: &'a [State<'a>],
    checks: &'a [State<'a>],
}

pub async fn run(global: &Global, ui: &Ui) -> Result<Done, Failure> {
    let opened = load::look(global, ui).await?;
    let planned = run::plan(&opened, &Options::default()).await?;
    notice::tell(&planned.notices, ui);
    let plan = &planned.plan;
    let changes: BTreeMap<&Address, &Change> =
        plan.changes.iter().filter(|change| change.span.is_some()).map(|change| (&change.address, change)).collect();
    let unseen: BTreeSet<&Address> = planned.unseen(&opened).map(|change| &change.address).collect();
    let inventory = run::inventory(&opened)?;
    let desired = &opened.pipeline.desired;
    let mut states: Vec<State<'_>> = desired
        .objects()
        .map(|instance| {
            let condition = planned.observed.at(&instance.identity).map(|object| &object.condition);
            object(instance, condition, &changes, unseen.contains(&instance.address), &inventory)
        })
        .collect();
    states.extend(plan.changes.iter().filter(|change| change.span.is_none()).map(orphan));
    let checks: Vec<State<'_>> = desired.of_kind("check").map(|instance| check(instance, &changes, &states)).collect();
    let store = opened.store.as_ref();
    let (suspended, quarantined) = (suspend::holding(store), suspend::quarantined(store));
    let end = if unseen.is_empty() { End::Good } else { End::Unknown };
    if ui.json() {
        let (project, environment) = (&desired.project, &desired.environment);
        let accounts = &planned.destination.accounts;
        let suspended: Vec<Suspension> = suspended.into_iter().map(|(one, _)| one).collect();
        let quarantined = quarantined
            .iter()
            .map(|(address, hold)| serde_json::json!({ "address": address, "reason": hold.to_string() }))
            .collect();
        let (suspended, resources, checks) = (&*suspended, &*states, &*checks);
        ui.out_pretty(&Status { project, environment, accounts, suspended, quarantined, resources, checks });
    } else {
        load::warn(opened.source.text(), &plan.diagnostics, ui);
        let header = format!("Status of {}:", planned.destination);
        ui.note(&format!("{}\n", ui.palette().paint(Role::Strong, &header)));
        let widest = states.iter().chain(&checks).map(|state| state.address.as_str().len()).max().unwrap_or_default();
        let words = states.iter().chain(&checks).map(|state| state.word.len());
        let word_width = words.max().unwrap_or_default().max("not asked".len());
        for state in states.iter().chain(&checks) {
            let why = if state.reason.is_empty() { String::new() } else { format!("  {}", state.reason) };
            let word = ui.palette().paint(state.role, &format!("{:word_width$}", state.word));
            let width = if why.is_empty() { 0 } else { widest };
            ui.out(&format!("{word} {:width$}{}\n", state.address, ui.palette().paint(Role::Dim, &why)));
        }
        for (suspension, left) in suspended {
            let what = suspension.address.as_ref().map_or_else(|| "everything".to_owned(), Address::to_string);
            let word = ui.palette().paint(Role::Warning, "suspended");
            ui.out(&format!("{word} {what}, for {} more: {}\n", in_words(left), suspension.reason));
        }
        for (address, hold) in quarantined {
            ui.out(&format!("{} {address}: {hold}\n", ui.palette().paint(Role::Warning, "held")));
        }
        ui.note(&summary(plan));
    }
    drop((states, checks));
    Ok(end.keeping((opened, planned)))
}

fn object<'a>(
    instance: &'a Instance,
    condition: Option<&Condition>,
    changes: &BTreeMap<&Address, &Change>,
    unseen: bool,
    inventory: &Inventory,
) -> State<'a> {
    let (word, role, reason) = match changes.get(&instance.address) {
        None => match condition {
            Some(Condition::Progressing(reason)) => (PROGRESSING, Role::Warning, reason.clone()),
            _ => ("ok", Role::Create, String::new()),
        },
        Some(change) if unseen => ("unknown", Role::Warning, change.reason.clone()),
        Some(change) if change.blocked.as_ref().is_some_and(|blocked| blocked.by == change.address) => {
            ("foreign", Role::Warning, change.reason.clone())
        }
        Some(change) if is_gone(change, inventory) => {
            ("missing", Role::Delete, "was deleted behind Atlas's back".into())
        }
        Some(change) if change.action == Action::Create => ("absent", Role::Dim, change.reason.clone()),
        Some(change) if change.cause == Cause::Drift => ("drifted", Role::Update, change.reason.clone()),
        Some(change) => ("changed", Role::Update, change.reason.clone()),
    };
    State { address: &instance.address, word, role, reason }
}

fn orphan(change: &Change) -> State<'_> {
    State { address: &change.address, word: "orphan", role: Role::Delete, reason: change.reason.clone() }
}

/// A check of a target passes when the target is there as the spec says, with all that it consists of. A URL is asked by drills and
/// by the loop only.
fn check<'a>(instance: &'a Instance, changes: &BTreeMap<&Address, &Change>, states: &[State<'_>]) -> State<'a> {
    let targets = || instance.references.iter().map(|edge| &edge.to);
    let changed = targets().find_map(|target| Some((target, *changes.get(target)?)));
    let is_on_its_way =
        |target: &&Address| states.iter().any(|state| state.word == PROGRESSING && state.address == *target);
    let (word, role, reason) = match (targets().next(), changed, targets().find(is_on_its_way)) {
        (None, ..) => ("not asked", Role::Dim, "an `http` check is asked while a drill runs".into()),
        (_, None, None) => ("passes", Role::Create, String::new()),
        (_, None, Some(target)) => ("fails", Role::Delete, format!("{target} is on its way")),
        (_, Some((target, change)), _) if change.blocked.is_some() => {
            ("unknown", Role::Warning, format!("{target} is unknown"))
        }
        (_, Some((target, change)), _) => ("fails", Role::Delete, format!("{target} {}", change.reason)),
    };
    State { address: &instance.address, word, role, reason }
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
