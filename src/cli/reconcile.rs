//! `atlas reconcile`: the loop that heals. [`crate::reconcile`] runs it; this file wakes it, stops it and chooses the words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::args::{Global, Mode, ReconcileArgs};
use super::failure::{Failure, locked};
use super::signals::LoopSignals;
use super::ui::Ui;
use super::{End, environment, load, notice};
use crate::address::Address;
use crate::desired::ReconcileMode;
use crate::execute::Event;
use crate::reconcile::{self, LoopEvent, LoopPass, Metrics, PassEnding, Reconciler, Reins, Terms, in_words};
use crate::run::{self, RunError};
use crate::store::since_1970;
use crate::style::Role;

pub async fn run(global: &Global, args: &ReconcileArgs, ui: &Ui) -> Result<End, Failure> {
    let setup = load::setup(global);
    // The first reading says what is wrong with the spec; later ones only say that something is.
    let spec = run::read(&setup)?;
    load::warn(spec.source.text(), &spec.warnings, ui);
    let store = Arc::clone(&spec.store);
    let lease = environment::lease();
    let begun = tokio::time::Instant::now();
    let terms = Terms {
        mode: args.mode.map(mode),
        interval: args.interval,
        lease,
        parallelism: usize::from(args.parallelism),
        steady: Arc::new(move || begun.elapsed()),
        wall: Arc::new(since_1970),
        seed: since_1970() ^ u64::from(std::process::id()),
    };
    let mut reconciler = Reconciler::new(setup, terms);
    let (events, mut listener) = mpsc::unbounded_channel();
    if args.once {
        let lead = store.lead("atlas reconcile", lease).map_err(locked)?;
        let (_stop, stopped) = watch::channel(false);
        let made = reconciler.pass(events, stopped).await;
        drop(lead);
        let pass = made?;
        drain(&mut listener, ui);
        LoopWords::new(ui).pass(&pass, begun.elapsed());
        return Ok(if pass.ending == PassEnding::Converged { End::Good } else { End::Incomplete });
    }
    let (waker, wake) = mpsc::unbounded_channel();
    let LoopSignals { stop } = LoopSignals::listen(waker.clone(), ui);
    let base = spec.charts.base.clone();
    let folders = spec.parts.files.iter().map(|name| base.join(name)).collect();
    tokio::spawn(reconcile::watch(global.file.clone(), folders, waker));
    let metrics = serve_metrics(&spec, args, ui).await?;
    announce(&spec, args, ui);
    drop(spec);
    let mut said = LoopWords::new(ui);
    let reins = Reins { wake, stop, events, lease };
    reconcile::run(&mut reconciler, store, reins, |told| {
        drain(&mut listener, ui);
        if let Some(metrics) = &metrics {
            measure(metrics, &told);
        }
        said.tell(&told);
    })
    .await?;
    ui.note("Stopped, as asked: nothing is in flight, and another loop may take the lead.\n");
    Ok(End::Good)
}

/// Begins to serve metrics, where that was asked for.
async fn serve_metrics(spec: &run::Spec, args: &ReconcileArgs, ui: &Ui) -> Result<Option<Arc<Metrics>>, Failure> {
    let Some(address) = args.metrics else { return Ok(None) };
    let failed = |why: String| Failure::new(format!("metrics can't be served at {address}")).because(why);
    let metrics = Metrics::new(&spec.desired.project, &spec.desired.environment);
    let metrics = Arc::new(metrics.map_err(|error| failed(error.to_string()))?);
    let (listener, at) = reconcile::listen(address).await.map_err(|error| failed(error.to_string()))?;
    tokio::spawn(reconcile::serve(listener, Arc::clone(&metrics)));
    if ui.json() {
        ui.out_json(&serde_json::json!({ "event": "serving", "metrics": format!("http://{at}/metrics") }));
    } else {
        ui.note(&format!("Metrics: http://{at}/metrics\n"));
    }
    Ok(Some(metrics))
}

fn measure(metrics: &Metrics, told: &LoopEvent<'_>) {
    match told {
        LoopEvent::Pass { pass, took } => metrics.pass(pass, *took),
        LoopEvent::Failed { .. } => metrics.failed_pass(),
        LoopEvent::Leading(_) => metrics.lead(true),
        LoopEvent::SteppedDown(_) | LoopEvent::StandingBy(_) => metrics.lead(false),
    }
}

const fn mode(mode: Mode) -> ReconcileMode {
    match mode {
        Mode::Heal => ReconcileMode::Heal,
        Mode::Apply => ReconcileMode::Apply,
        Mode::Observe => ReconcileMode::Observe,
    }
}

fn announce(spec: &run::Spec, args: &ReconcileArgs, ui: &Ui) {
    let settings = &spec.desired.reconcile;
    let does = match args.mode.map_or(settings.mode, mode) {
        ReconcileMode::Heal => "repairing drift back to what was last applied",
        ReconcileMode::Apply => "applying the spec as it stands, and repairing drift",
        ReconcileMode::Observe => "only observing",
    };
    let every = in_words(args.interval.unwrap_or(settings.interval));
    let (project, environment) = (&spec.desired.project, &spec.desired.environment);
    ui.note(&format!("Reconciling {project}, environment {environment}, every {every}: {does}. Ctrl-C ends it.\n"));
}

/// Writes the events of steps that came in, where JSON was asked for.
fn drain(listener: &mut mpsc::UnboundedReceiver<Event>, ui: &Ui) {
    while let Ok(event) = listener.try_recv() {
        if ui.json() {
            ui.out_json(&event.to_json());
        }
    }
}

/// What the loop says. What was said before and still holds is not said again.
struct LoopWords<'a> {
    ui: &'a Ui,
    /// What was last said of each resource.
    known: BTreeMap<Address, String>,
    /// What was last said of everything.
    summary: String,
}

impl<'a> LoopWords<'a> {
    const fn new(ui: &'a Ui) -> Self {
        Self { ui, known: BTreeMap::new(), summary: String::new() }
    }

    fn tell(&mut self, told: &LoopEvent<'_>) {
        let ui = self.ui;
        let (event, text) = match told {
            LoopEvent::Pass { pass, took } => return self.pass(pass, *took),
            LoopEvent::StandingBy(error) => ("standing-by", format!("Standing by: {error}.")),
            LoopEvent::Leading(None) => ("leading", String::new()),
            LoopEvent::Leading(Some(former)) => ("leading", former.to_string()),
            LoopEvent::SteppedDown(error) => ("stepped-down", format!("Stepped down: {error}.")),
            LoopEvent::Failed { error, next } => {
                let why = reason(error);
                self.summary.clear();
                (
                    "pass-failed",
                    format!("This pass could not be made; the next one comes in {}: {why}", in_words(*next)),
                )
            }
        };
        if ui.json() {
            ui.out_json(&serde_json::json!({ "event": event, "reason": text }));
        } else if !text.is_empty() {
            ui.err(&format!("{text}\n"));
        }
    }

    fn pass(&mut self, pass: &LoopPass, took: Duration) {
        notice::tell(&pass.notices, self.ui);
        if self.ui.json() {
            return self.ui.out_json(&json(pass, took));
        }
        let ui = self.ui;
        let painted = |role, word: &str| ui.palette().paint(role, word);
        for deed in &pass.deeds {
            match &deed.error {
                None => ui.out(&format!("{} {}\n", painted(Role::Create, past(deed.verb)), deed.address)),
                Some(error) => {
                    let word = painted(Role::Delete, "failed to");
                    ui.out(&format!("{word} {} {}: {error}\n", deed.verb.word(), deed.address));
                }
            }
        }
        let mut now: BTreeMap<Address, (String, String)> = BTreeMap::new();
        for (address, why) in pass.blocked.iter().chain(&pass.refused) {
            now.insert(address.clone(), (why.clone(), format!("waits: {why}")));
        }
        for (address, hold) in &pass.held {
            now.insert(address.clone(), (hold.word().to_owned(), hold.to_string()));
        }
        for (address, why) in &pass.on_its_way {
            now.entry(address.clone()).or_insert_with(|| ("progressing".to_owned(), format!("is on its way: {why}")));
        }
        for (address, (key, why)) in &now {
            if self.known.get(address) != Some(key) {
                ui.out(&format!("{} {address}: {why}\n", painted(Role::Warning, "held")));
            }
        }
        for note in &pass.notes {
            if !self.known.values().any(|known| known == note) {
                ui.out(&format!("{note}\n"));
            }
        }
        self.known = now.into_iter().map(|(address, (key, _))| (address, key)).collect();
        let notes = pass.notes.iter().enumerate();
        self.known.extend(notes.map(|(at, note)| (Address::new("note", &at.to_string(), None), note.clone())));
        let summary = summary(pass);
        if summary != self.summary || !pass.deeds.is_empty() {
            ui.out(&format!("Pass {}: {summary}\n", pass.number));
            self.summary = summary;
        }
    }
}

fn summary(pass: &LoopPass) -> String {
    let all = format!("{} of {} resources are in order", pass.in_order, pass.resources);
    let more = match pass.ending {
        PassEnding::Converged if pass.in_order >= pass.resources => {
            return format!("everything is in order: {} resources.", pass.resources);
        }
        PassEnding::Converged => "",
        PassEnding::Held if pass.held.is_empty() => ", and some can't be looked at or are on their way",
        PassEnding::Held => ", and some are left as they are",
        PassEnding::Failed => ", and a repair failed",
        PassEnding::Waiting => ", and somebody else is at work",
        PassEnding::Stopped => ", and the loop was asked to stop",
    };
    format!("{all}{more}.")
}

const fn past(verb: crate::action::Verb) -> &'static str {
    use crate::action::Verb;
    match verb {
        Verb::Create => "created",
        Verb::Update => "updated",
        Verb::Delete => "deleted",
        Verb::Adopt => "adopted",
        Verb::Forget => "let go of",
    }
}

/// A pass as one line of `reconcile --json`.
fn json(pass: &LoopPass, took: Duration) -> serde_json::Value {
    let held: Vec<_> = pass
        .held
        .iter()
        .map(|(address, hold)| {
            let left = hold.left().map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
            serde_json::json!({ "address": address, "hold": hold.word(), "reason": hold.to_string(), "left_ms": left })
        })
        .collect();
    let list = |all: &BTreeMap<Address, String>| -> Vec<serde_json::Value> {
        all.iter().map(|(address, why)| serde_json::json!({ "address": address, "reason": why })).collect()
    };
    let deeds: Vec<_> = pass
        .deeds
        .iter()
        .map(|one| serde_json::json!({ "address": one.address, "action": one.verb.word(), "error": one.error }))
        .collect();
    serde_json::json!({
        "event": "pass",
        "number": pass.number,
        "outcome": pass.ending.word(),
        "resources": pass.resources,
        "in_order": pass.in_order,
        "actions": deeds,
        "held": held,
        "blocked": list(&pass.blocked),
        "refused": list(&pass.refused),
        "progressing": list(&pass.on_its_way),
        "plan": pass.plan,
        "notes": pass.notes,
        "elapsed_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Why a pass could not be made, in one line.
fn reason(error: &RunError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    if let RunError::Refused(refused) = error
        && let Some(first) = refused.diagnostics.iter().next()
    {
        text.push_str(&format!(": {}: {}", first.summary(), first.detail));
    }
    text
}
