//! `atlas history`: the runs before.

use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use super::{End, load};
use crate::run;
use crate::style::harmless;

pub fn run(global: &Global, ui: &Ui) -> Result<End, Failure> {
    let spec = load::spec(global)?;
    let runs = run::history(spec.store.as_ref())
        .map_err(|error| Failure::new("the history can't be read").because(error.to_string()))?;
    if ui.json() {
        ui.out_pretty(&serde_json::json!({ "runs": runs }));
        return Ok(End::Good);
    }
    for one in &runs {
        let counts: Vec<String> = one.counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let counts = match (counts.as_slice(), &one.ended) {
            ([], None) => "it was killed, or is still going on".to_owned(),
            ([], Some(_)) => "nothing done".to_owned(),
            (counts, _) => counts.join(", "),
        };
        let line = format!("{}  {:8}  {:11}  {counts}", one.run.began, one.run.command, one.outcome);
        ui.out(&format!("{}\n", harmless(&line)));
    }
    if runs.is_empty() {
        ui.note("No runs are recorded here.\n");
    }
    Ok(End::Good)
}
