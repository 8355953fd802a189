//! `atlas apply` and `atlas destroy`: ask, then do it, then prove it. [`crate::run`] decides what is done in which
//! order; this file asks, shows, and chooses the exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tokio::sync::mpsc;

use super::args::{ApplyArgs, Carrying, DestroyArgs, Global};
use super::failure::{Failure, file};
use super::load::{self, selectors};
use super::signals::StopRequests;
use super::ui::Ui;
use super::{Done, End, environment, notice, outcome, plan, progress};
use crate::action::Action;
use crate::address::Address;
use crate::plan::{Options, SavedPlan, Summary};
use crate::run::{self, Approved, Consent, Ending, Manner, Opened, Planned, Purpose, RunError, Spec};

/// What is going to be applied, and how it is called.
pub struct Work<'a> {
    pub options: Options,
    pub command: &'a str,
    /// The question, up to what it is about.
    pub question: &'a str,
    pub saved: Option<SavedPlan>,
    /// The action that has to be among the changes, and the failure when it is not.
    pub only: Option<(Action, Failure)>,
}

pub async fn run(global: &Global, args: &ApplyArgs, ui: &Ui) -> Result<Done, Failure> {
    let spec = load::spec(global)?;
    let saved = args.plan.as_deref().map(|path| read_saved(path, &spec)).transpose()?;
    let options = match &saved {
        Some(saved) => saved.options(),
        None => load::options(&args.selection, &args.replace, false),
    };
    let work = Work { options, command: "apply", question: "Apply this", saved, only: None };
    carry_out(spec, work, &args.carrying, ui).await
}

pub async fn destroy(global: &Global, args: &DestroyArgs, ui: &Ui) -> Result<Done, Failure> {
    let options = load::options(&args.selection, &[], true);
    let work = Work { options, command: "destroy", question: "Delete all of this", saved: None, only: None };
    carry_out(load::spec(global)?, work, &args.carrying, ui).await
}

/// Plans under the lock, asks, executes, and proves the result.
pub async fn carry_out(spec: Spec, work: Work<'_>, carrying: &Carrying, ui: &Ui) -> Result<Done, Failure> {
    let requests = StopRequests::listen(ui);
    let access = Purpose::Write { command: work.command, lease: environment::lease() };
    let mut opened = load::open(spec, access, ui)?;
    // Until something is done a request to stop ends the run at once, and lets go of the lock.
    let approved = tokio::select! {
        approved = prepare(&mut opened, work, carrying, ui) => approved?,
        code = requests.asked() => return Err(Failure::new("nothing was done: the run was asked to stop").code(code)),
    };
    let (events, listener) = mpsc::unbounded_channel();
    let watcher = progress::watch(listener, approved.planned.plan.steps.len(), ui);
    let (unchanged, stop) = (approved.planned.plan.unchanged, requests.acting());
    let manner = Manner { parallelism: usize::from(carrying.parallelism), events, stop };
    let (applied, ()) = tokio::join!(run::apply(&opened, approved, manner), watcher);
    let mut proof = run::prove(&opened, applied?).await;
    // Other runs can have the lock while a person reads the result.
    opened.release();
    notice::tell(&proof.notices, ui);
    outcome::tell(&proof, unchanged, ui);
    let end = if proof.ending == Ending::Converged { End::Good } else { End::Incomplete };
    Ok(end.keeping((opened, proof.again.take())))
}

/// Everything that comes before the first effect: a plan that may be carried out and that was said yes to.
async fn prepare(opened: &mut Opened, work: Work<'_>, carrying: &Carrying, ui: &Ui) -> Result<Approved, Failure> {
    run::complete(opened).await?;
    let opened = &*opened;
    let planned = run::plan(opened, &work.options).await?;
    notice::tell(&planned.notices, ui);
    if let Some((action, otherwise)) = work.only
        && !planned.plan.diagnostics.has_errors()
        && !planned.plan.changes.iter().any(|change| change.action == action)
    {
        return Err(otherwise);
    }
    // A person who is asked has to see the plan. JSON, and `--quiet` without a question, leave it out.
    let unseen = ui.json() || (ui.quiet() && carrying.yes);
    if unseen {
        warn(opened, &planned, ui);
    } else {
        plan::show(opened, &planned, ui);
    }
    let asks = !carrying.yes && work.saved.is_none();
    let consent = Consent { saved: work.saved, allow_loss: selectors(&carrying.allow_loss) };
    let approved = run::approve(opened, planned, consent).inspect_err(|error| {
        if let RunError::Moved { moved, unapproved } = error {
            tell_moved(moved, unapproved, ui);
        }
    })?;
    tell_moved(&approved.moved, &approved.unapproved, ui);
    if asks && !approved.is_empty() {
        confirm(ui, &question(work.question, &approved.planned)).await?;
    }
    Ok(approved)
}

/// Says what is worth a look in a plan that is not shown. What refuses it is said as an error.
fn warn(opened: &Opened, planned: &Planned, ui: &Ui) {
    if planned.plan.diagnostics.has_errors() {
        return;
    }
    load::warn(opened.source.text(), &planned.plan.diagnostics, ui);
    let found = planned.diagnostics(opened);
    if ui.json() && !found.is_empty() {
        let diagnostics = opened.source.text().to_json(&found);
        ui.out_json(&serde_json::json!({ "event": "warning", "diagnostics": diagnostics }));
    }
}

fn tell_moved(moved: &BTreeMap<Address, String>, unapproved: &BTreeSet<Address>, ui: &Ui) {
    for (address, how) in moved {
        ui.err(&format!("refused: {address}: {how}\n"));
    }
    for address in unapproved {
        ui.err(&format!("not approved: {address}\n"));
    }
}

fn read_saved(path: &Path, spec: &Spec) -> Result<SavedPlan, Failure> {
    let text = run::read_text(path).map_err(|error| file(error, "the plan"))?;
    let refused = |error: crate::plan::SavedPlanError| {
        Failure::new(format!("the plan `{}` can't be applied", path.display()))
            .because(error.to_string())
            .hint("make a new one with `atlas plan --out FILE`")
    };
    let saved = SavedPlan::from_text(&text).map_err(refused)?;
    saved.belongs_to(&spec.desired.project, &spec.desired.environment).map_err(refused)?;
    Ok(saved)
}

/// The whole question: what, how much of it, where, and which protection it takes away.
fn question(what: &str, planned: &Planned) -> String {
    let Summary { create, update, replace, delete, adopt, forget, .. } = planned.plan.summary();
    let all = [
        (create, "to create"),
        (update, "to update"),
        (replace, "to replace"),
        (delete, "to delete"),
        (adopt, "to adopt"),
        (forget, "to forget"),
    ];
    let counts: Vec<String> =
        all.into_iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    let unprotected: Vec<&str> =
        planned.plan.changes.iter().filter(|one| one.unprotects()).map(|one| one.address.as_str()).collect();
    let protection = if unprotected.is_empty() {
        String::new()
    } else {
        format!(" It takes away the protection of {}.", unprotected.join(", "))
    };
    format!("{what} ({}) in {}?{protection} Only `yes` will do:", counts.join(", "), planned.destination)
}

async fn confirm(ui: &Ui, question: &str) -> Result<(), Failure> {
    if ui.json() {
        return Err(Failure::new("nothing was done: with --json nobody can be asked").hint("add --yes"));
    }
    match ui.ask(question).await {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new("nothing was done: the answer was not `yes`")),
        None => {
            Err(Failure::new("nothing was done: there is no terminal to ask at")
                .hint("add --yes, or apply a saved plan"))
        }
    }
}
