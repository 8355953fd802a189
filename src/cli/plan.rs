//! `atlas plan`: shows what apply would do.

use std::io::Write as _;
use std::path::Path;

use super::args::{Global, PlanArgs};
use super::failure::Failure;
use super::load::{self, Loaded};
use super::ui::Ui;
use super::{End, load::sound};
use crate::observed::Observed;
use crate::plan::{Options, Plan, SavedPlan, render};

pub async fn run(global: &Global, args: &PlanArgs, ui: &Ui) -> Result<End, Failure> {
    let loaded = load::load(global, false, ui)?;
    let options = load::options(&args.selection, &args.replace, args.destroy);
    // It lives as long as the process, as what was loaded does.
    let plan: &'static Plan = Box::leak(Box::new(make(loaded, &options, ui).await?));
    show(loaded, plan, ui);
    if !ui.json() {
        sound(&loaded.source, plan)?;
    } else if plan.diagnostics.has_errors() {
        return Err(Failure::told());
    }
    if let Some(path) = &args.out {
        save(path, &SavedPlan::new(plan, &options).to_text())?;
        ui.note(&format!("Saved. Apply exactly this with: atlas{} apply {}\n", again(global), path.display()));
    }
    Ok(if args.detailed_exitcode && !plan.is_empty() { End::Differs } else { End::Good })
}

/// Observes and plans.
pub async fn make(loaded: &Loaded, options: &Options, ui: &Ui) -> Result<Plan, Failure> {
    Ok(look_and_make(loaded, options, ui).await?.1)
}

/// Observes and plans, and gives both. What was observed lives as long as the process, as what was loaded does.
pub async fn look_and_make(loaded: &Loaded, options: &Options, ui: &Ui) -> Result<(&'static Observed, Plan), Failure> {
    let recorded = load::recorded(loaded, ui)?;
    let (observed, plan) = loaded.pipeline.look_and_plan(&recorded, options).await?;
    Ok((Box::leak(Box::new(observed)), plan))
}

/// Shows a plan, as JSON or for people. Its errors are left to [`sound`].
pub fn show(loaded: &Loaded, plan: &Plan, ui: &Ui) {
    if ui.json() {
        let mut whole = plan.clone();
        whole.diagnostics.append(loaded.warnings.clone());
        whole.diagnostics.finish();
        ui.out_pretty(&whole.to_json(&loaded.source.text()));
        return;
    }
    if !plan.changes.is_empty() || !plan.diagnostics.has_errors() {
        ui.out(&render(plan, ui.palette(), ui.width()));
    }
    if !plan.diagnostics.has_errors() {
        load::warn(loaded.source.text(), &plan.diagnostics, ui);
    }
}

/// Writes a file whole or not at all, closed to others.
fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("the plan can't be written to `{}`", path.display())).because(error.to_string())
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    });
    written.map_err(|error| {
        // The half-written file is of no use to anyone; if it can't be removed either, the first error says why.
        let _ = std::fs::remove_file(&part);
        failed(error)
    })
}

/// The options that have to be given again for the same spec to come out.
fn again(global: &Global) -> String {
    let mut options = String::new();
    if global.file != Path::new("atlas.toml") {
        options.push_str(&format!(" -f {}", global.file.display()));
    }
    if let Some(environment) = &global.environment {
        options.push_str(&format!(" -e {environment}"));
    }
    for (name, value) in &global.var {
        let quote = if value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)) { "" } else { "'" };
        options.push_str(&format!(" --var {name}={quote}{value}{quote}"));
    }
    options
}
