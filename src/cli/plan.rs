//! `atlas plan`: shows what apply would do.

use std::path::Path;

use super::args::{Global, PlanArgs};
use super::failure::{Failure, found};
use super::ui::Ui;
use super::{Done, End, load, notice, saved};
use crate::plan::{Change, PlanJson, SavedPlan, render};
use crate::run::{self, Opened, Planned};
use crate::style::Role;

pub async fn run(global: &Global, args: &PlanArgs, ui: &Ui) -> Result<Done, Failure> {
    if let Some(path) = &args.out {
        saved::may_write(path, &global.file)?;
    }
    let opened = load::look(global, ui).await?;
    let options = load::options(&args.selection, &args.replace, args.destroy);
    let planned = run::plan(&opened, &options).await?;
    notice::tell(&planned.notices, ui);
    show(&opened, &planned, ui);
    let plan = &planned.plan;
    if plan.diagnostics.has_errors() {
        // The plan's JSON contains them already.
        return Err(if ui.json() { Failure::told() } else { found(&opened, plan.diagnostics.clone()) });
    }
    if let Some(path) = &args.out {
        saved::write(path, &global.file, &SavedPlan::new(plan, &options).to_text())?;
        ui.note(&format!(
            "Saved. Apply exactly this with: atlas{} apply {}\n",
            again(global),
            quoted(&path.display().to_string())
        ));
    }
    let end = match () {
        () if !args.detailed_exitcode || plan.is_empty() => End::Good,
        () if plan.changes.iter().any(Change::acts) => End::Differs,
        () => End::Unknown,
    };
    Ok(end.keeping((opened, planned)))
}

/// Shows a plan, as JSON or for people. Its errors are left to the caller.
pub fn show(opened: &Opened, planned: &Planned, ui: &Ui) {
    let plan = &planned.plan;
    if ui.json() {
        let diagnostics = planned.diagnostics(opened);
        ui.out_pretty(&PlanJson { plan, diagnostics: &diagnostics, source: opened.source.text() });
        return;
    }
    if !plan.changes.is_empty() || !plan.diagnostics.has_errors() {
        let header = format!("Plan for {}:", planned.destination);
        ui.out(&format!("{}\n", ui.palette().paint(Role::Strong, &header)));
        ui.out(&render(plan, ui.palette(), ui.width()));
    }
    if !plan.diagnostics.has_errors() {
        load::warn(opened.source.text(), &plan.diagnostics, ui);
    }
}

/// The options that lead to the same spec again.
fn again(global: &Global) -> String {
    let mut options = String::new();
    if global.file != Path::new("atlas.toml") {
        options.push_str(&format!(" -f {}", quoted(&global.file.display().to_string())));
    }
    if let Some(environment) = &global.environment {
        options.push_str(&format!(" -e {environment}"));
    }
    for (name, value) in &global.var {
        options.push_str(&format!(" --var {name}={}", quoted(value)));
    }
    options
}

/// A text as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
