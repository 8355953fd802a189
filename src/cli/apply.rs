//! `atlas apply` and `atlas destroy`: ask, then do it, then prove it.

use std::collections::BTreeSet;
use std::path::Path;

use tokio::sync::{mpsc, watch};

use super::args::{ApplyArgs, Carrying, DestroyArgs, Global};
use super::failure::Failure;
use super::load::{self, Loaded, selectors};
use super::prove::{keep_inventory, prove, tell_residual};
use super::ui::{Ui, write_error};
use super::{End, environment, files, plan, progress};
use crate::action::Action;
use crate::address::Address;
use crate::execute::{Execution, Report};
use crate::pipeline::refuse_loss;
use crate::plan::{Options, Plan, SavedPlan};
use crate::store::{Held, LockError, Run};
use crate::style::Role;

/// What is going to be applied, and how it is called.
pub struct Work<'a> {
    pub options: Options,
    pub command: &'a str,
    pub question: &'a str,
    pub saved: Option<SavedPlan>,
    /// The action that has to be among the changes, and the failure when it is not.
    pub only: Option<(Action, Failure)>,
}

pub async fn run(global: &Global, args: &ApplyArgs, ui: &Ui) -> Result<End, Failure> {
    let loaded = load::load(global, true, ui)?;
    let saved = args.plan.as_deref().map(|path| read_saved(path, loaded)).transpose()?;
    let options = match &saved {
        Some(saved) => saved.options(),
        None => load::options(&args.selection, &args.replace, false),
    };
    let work =
        Work { options, command: "apply", question: "Apply these changes? Only `yes` will do:", saved, only: None };
    carry_out(loaded, work, &args.carrying, ui).await
}

pub async fn destroy(global: &Global, args: &DestroyArgs, ui: &Ui) -> Result<End, Failure> {
    let loaded = load::load(global, true, ui)?;
    let options = load::options(&args.selection, &[], true);
    let question = "Delete all of this? Only `yes` will do:";
    let work = Work { options, command: "destroy", question, saved: None, only: None };
    carry_out(loaded, work, &args.carrying, ui).await
}

/// Plans under the lock, asks, executes, and proves the result.
pub async fn carry_out(loaded: &Loaded, work: Work<'_>, carrying: &Carrying, ui: &Ui) -> Result<End, Failure> {
    let held = loaded.store.lock(&format!("atlas {}", work.command), environment::lease()).map_err(locked)?;
    tell_former(&held, ui);
    let fence = held.lock.fence();
    loaded.pipeline.sessions.registry().fence(fence.token());
    let recorded = load::recorded(loaded, ui)?;
    let (observed, plan) = loaded.pipeline.look_and_plan(&recorded, &work.options).await?;
    if let Some((action, otherwise)) = work.only
        && !plan.diagnostics.has_errors()
        && !plan.changes.iter().any(|change| change.action == action)
    {
        return Err(otherwise);
    }
    // Whoever is asked sees what for; whoever wants quiet and is not asked sees only what comes of it.
    let unseen = ui.json() || (ui.quiet() && carrying.yes);
    if !unseen {
        plan::show(loaded, &plan, ui);
    }
    load::sound(&loaded.source, &plan)?;
    let approved = approve(work.saved.as_ref(), &plan, loaded, ui)?;
    let blocked = plan.summary().blocked > 0;
    if plan.steps.is_empty() {
        keep_inventory(loaded, &[], &observed, ui);
        finish(ui, &Report::default(), &plan);
        return Ok(if blocked || approved.as_ref().is_some_and(|a| a.moved) { End::Incomplete } else { End::Good });
    }
    let loss =
        refuse_loss(&plan, &selectors(&carrying.allow_loss), approved.as_ref().map(|approved| &approved.addresses));
    if loss.has_errors() {
        return Err(Failure::found(loaded.source.text(), loss).titled("nothing was done"));
    }
    if !carrying.yes && work.saved.is_none() {
        confirm(ui, work.question)?;
    }
    let run = Run::now(work.command, plan.fingerprint());
    let open = loaded.pipeline.still_open(&recorded, &observed).await;
    let journal = loaded.store.journal(&run, &open, fence.clone()).map_err(|error| match error {
        LockError::Disk(source) => {
            Failure::new("the journal can't be written, so nothing was done").because(source.to_string())
        }
        error => locked(error),
    })?;
    let moved = approved.as_ref().is_some_and(|approved| approved.moved);
    let (events, listener) = mpsc::unbounded_channel();
    let watcher = progress::watch(listener, &plan, ui);
    let execution = Execution {
        journal,
        parallelism: usize::from(carrying.parallelism),
        allow_loss: selectors(&carrying.allow_loss),
        approved: approved.map(|approved| approved.addresses),
        events,
        stop: stop_on_interrupt(ui.error_palette().paint(Role::Warning, "stopping:")),
    };
    let executed = loaded.pipeline.apply(plan.clone(), execution);
    let (report, ()) = tokio::join!(executed, watcher);
    let residual = prove(loaded, &work.options, &plan, &report, ui).await;
    let complete = report.is_complete() && matches!(&residual, Ok(left) if left.is_empty()) && !blocked && !moved;
    let outcome = match (&report, complete) {
        (_, true) => "converged",
        (report, _) if report.interrupted => "interrupted",
        (report, _) if !report.failed.is_empty() => "failed",
        _ => "differs",
    };
    // The history is for people; that it can't be written does not undo what was done.
    if let Err(error) = loaded.store.remember(&run.ended(&report, outcome)) {
        ui.err(&format!("warning: the history can't be written: {error}\n"));
    }
    tell_residual(ui, residual);
    finish(ui, &report, &plan);
    Ok(if complete { End::Good } else { End::Incomplete })
}

fn tell_former(held: &Held, ui: &Ui) {
    let former = held.former.as_ref().map(ToString::to_string);
    for text in former.iter().chain(&held.notes) {
        ui.note(&format!("{text}\n"));
    }
}

/// Which part of a saved plan may still be done.
struct Approved {
    addresses: BTreeSet<Address>,
    moved: bool,
}

fn approve(saved: Option<&SavedPlan>, plan: &Plan, loaded: &Loaded, ui: &Ui) -> Result<Option<Approved>, Failure> {
    let Some(saved) = saved else { return Ok(None) };
    let approval = saved.approve(plan, &loaded.pipeline.graph);
    for (address, how) in &approval.moved {
        ui.err(&format!("refused: {address}: {how}\n"));
    }
    for address in &approval.unapproved {
        ui.err(&format!("not approved: {address}\n"));
    }
    let moved = !approval.moved.is_empty() || !approval.unapproved.is_empty();
    if moved && approval.approved.is_empty() {
        return Err(Failure::new("all of this plan has moved since it was saved; nothing was done")
            .hint("plan again, and apply that")
            .code(3));
    }
    Ok(Some(Approved { addresses: approval.approved, moved }))
}

fn read_saved(path: &Path, loaded: &Loaded) -> Result<SavedPlan, Failure> {
    let text = files::read_text(path, "the plan")?;
    let refused = |error: crate::plan::SavedPlanError| {
        Failure::new(format!("the plan `{}` can't be applied", path.display()))
            .because(error.to_string())
            .hint("make a new one with `atlas plan --out FILE`")
    };
    let saved = SavedPlan::from_text(&text).map_err(refused)?;
    saved.belongs_to(&loaded.pipeline.desired.project, &loaded.pipeline.desired.environment).map_err(refused)?;
    Ok(saved)
}

/// Why the records can't be had, in words.
pub fn locked(error: LockError) -> Failure {
    match error {
        LockError::Held(_) => Failure::new("somebody else is at work here")
            .because(error.to_string())
            .hint("wait until it is done; its lock goes with it")
            .code(5),
        LockError::Unreadable(_) => Failure::new("somebody else may be at work here")
            .because(error.to_string())
            .hint("wait until then, and find out what wrote there")
            .code(5),
        LockError::Stuck(_) => Failure::new("somebody else is about to work here")
            .because(error.to_string())
            .hint("let it go on if it was stopped, or end it")
            .code(5),
        LockError::Disk(source) => Failure::new("the records can't be written, so nothing was done")
            .because(source.to_string())
            .hint("check that what keeps the records answers, has room, and lets you write"),
        LockError::Thread(ref source) => Failure::new("nothing was done")
            .because(format!("{error} ({source})"))
            .hint("raise the limit (`ulimit -u`, or that of the container), or end what uses it up"),
    }
}

fn confirm(ui: &Ui, question: &str) -> Result<(), Failure> {
    if ui.json() {
        return Err(Failure::new("nothing was done: with --json nobody can be asked").hint("add --yes"));
    }
    match ui.ask(question) {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new("nothing was done: the answer was not `yes`")),
        None => {
            Err(Failure::new("nothing was done: there is no terminal to ask at")
                .hint("add --yes, or apply a saved plan"))
        }
    }
}

/// The first Ctrl-C finishes what is in flight, the second stops at once.
fn stop_on_interrupt(word: String) -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        // A line break first: the terminal shows the interrupt itself where the cursor is.
        write_error(&format!("\n{word} what is in flight is finished; once more stops at once\n"));
        // The run may be over already.
        let _ = stop.send(true);
        if tokio::signal::ctrl_c().await.is_ok() {
            // 128 + SIGINT, as shells say it. The journal has every intent, so the next run carries on.
            std::process::exit(130);
        }
    });
    stopped
}

fn finish(ui: &Ui, report: &Report, plan: &Plan) {
    let counts = report.counts();
    let blocked = plan.summary().blocked;
    if ui.json() {
        ui.out_json(&serde_json::json!({
            "event": "summary",
            "counts": counts,
            "blocked": blocked,
            "unchanged": plan.unchanged,
            "interrupted": report.interrupted,
        }));
        return;
    }
    let all = [
        (counts.created, "created", Role::Create),
        (counts.updated, "updated", Role::Update),
        (counts.deleted, "deleted", Role::Delete),
        (counts.adopted, "adopted", Role::Adopt),
        (counts.forgotten, "forgotten", Role::Adopt),
        (counts.found, "found as they should be", Role::Dim),
        (counts.failed, "failed", Role::Delete),
        (counts.skipped, "skipped", Role::Warning),
        (blocked, "blocked", Role::Warning),
    ];
    let said: Vec<String> = all
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, word, role)| ui.palette().paint(role, &format!("{count} {word}")))
        .collect();
    if report.interrupted {
        ui.out("Stopped, as asked. The next apply carries on from here.\n");
    }
    if !plan.steps.is_empty() {
        ui.out(&format!("Done: {}.\n", said.join(", ")));
    } else if blocked > 0 {
        ui.out(&format!("Nothing was done: {}.\n", said.join(", ")));
    }
}
