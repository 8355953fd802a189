//! `atlas history`: the runs before, and the plan of one of them.

use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use super::{End, load};
use crate::run::{self, KeptPlan, Spec};
use crate::store::RunSummary;
use crate::style::{harmless, readable};

pub fn run(global: &Global, number: Option<usize>, ui: &Ui) -> Result<End, Failure> {
    let spec = load::spec(global)?;
    let runs = run::history(spec.store.as_ref())
        .map_err(|error| Failure::new("the history can't be read").because(error.to_string()))?;
    if let Some(number) = number {
        return plan(&spec, &runs, number, ui);
    }
    if ui.json() {
        ui.out_pretty(&serde_json::json!({ "runs": runs }));
        return Ok(End::Good);
    }
    let width = runs.len().to_string().len();
    for (at, one) in runs.iter().enumerate() {
        let line = format!("{:width$}  {}", at + 1, line(one));
        ui.out(&format!("{}\n", harmless(&line)));
    }
    if runs.is_empty() {
        ui.note("No runs are recorded here.\n");
    }
    Ok(End::Good)
}

fn line(one: &RunSummary) -> String {
    let counts: Vec<String> = one.counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let counts = match (counts.as_slice(), &one.ended) {
        ([], None) => "it was killed, or is still going on".to_owned(),
        ([], Some(_)) => "nothing done".to_owned(),
        (counts, _) => counts.join(", "),
    };
    format!("{}  {:9}  {:11}  {counts}", one.run.began, one.run.command, one.outcome)
}

/// Shows the plan of one run.
fn plan(spec: &Spec, runs: &[RunSummary], number: usize, ui: &Ui) -> Result<End, Failure> {
    let Some(one) = number.checked_sub(1).and_then(|at| runs.get(at)) else {
        let why = match runs.len() {
            0 => "no runs are recorded here".to_owned(),
            most => format!("there are runs 1 to {most}"),
        };
        return Err(Failure::new(format!("there is no run {number}")).because(why).hint("`atlas history` lists them"));
    };
    let kept = KeptPlan::read(spec.store.as_ref(), &one.run.plan)
        .map_err(|error| Failure::new("the plan can't be read").because(error.to_string()))?;
    let Some(kept) = kept else {
        return Err(Failure::new(format!("the plan of run {number} is not kept"))
            .hint("the records keep the last 500 plans, and those of earlier versions were not kept"));
    };
    if ui.json() {
        ui.out_pretty(&serde_json::json!({ "run": one, "plan": kept.plan }));
        return Ok(End::Good);
    }
    ui.note(&format!("{}\n", harmless(&line(one))));
    match kept.text.is_empty() {
        true => ui.out("The plan is too long to be kept; `--json` has its numbers.\n"),
        false => ui.out(&readable(&kept.text)),
    }
    Ok(End::Good)
}
