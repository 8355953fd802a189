//! Live progress of an execution: a bar and the running steps on a terminal, plain lines elsewhere, JSON on request.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use super::ui::Ui;
use crate::action::Verb;
use crate::driver::Busy;
use crate::execute::{Event, What};
use crate::style::{Palette, Role, harmless};

/// Shows events until there are no more.
pub async fn watch(mut events: UnboundedReceiver<Event>, total: usize, ui: &Ui) {
    let bar = if ui.live() && total > 0 { Some(bar(total)) } else { None };
    // The running steps, and what takes them long.
    let mut running: BTreeMap<String, Option<Busy>> = BTreeMap::new();
    let mut ended = 0;
    while let Some(event) = events.recv().await {
        let name = event.address.to_string();
        let mut quiet = false;
        match event.what {
            What::Started => drop(running.insert(name, None)),
            What::Retrying { .. } => {}
            What::Unready { .. } => drop(running.remove(&name)),
            What::Busy(ref busy) => {
                let before = running.insert(name, Some(busy.clone())).flatten();
                // A person at a terminal sees it in the bar. Elsewhere a line says what begins, not how far it is.
                let known = before.is_some_and(|before| before.doing == busy.doing);
                quiet = bar.is_some() || known;
            }
            _ => {
                running.remove(&name);
                ended += 1;
            }
        }
        if ui.json() {
            ui.out_json(&event.to_json());
            continue;
        }
        if let Some(line) = line(&event, ended, total, ui.palette()).filter(|_| !quiet) {
            match &bar {
                // The bar steps aside while a line is written above it.
                Some(bar) => bar.suspend(|| ui.note(&line)),
                None => ui.note(&line),
            }
        }
        if let Some(bar) = &bar {
            bar.set_position(ended as u64);
            bar.set_message(names(&running, ui.width().saturating_sub(44)));
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} [{bar:20}] {pos}/{len} {elapsed} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// The running steps, as many as fit.
fn names(running: &BTreeMap<String, Option<Busy>>, room: usize) -> String {
    let mut text = String::new();
    for (shown, (name, busy)) in running.iter().enumerate() {
        let name = match busy {
            Some(busy) => harmless(&format!("{name} ({busy})")),
            None => name.clone(),
        };
        let more = running.len() - shown;
        if text.len() + name.len() + 12 > room && shown > 0 {
            return format!("{text} and {more} more");
        }
        if name.len() > room {
            let cut: String = name.chars().take(room.saturating_sub(1)).collect();
            return format!("{cut}…");
        }
        if shown > 0 {
            text.push_str(", ");
        }
        text.push_str(&name);
    }
    text
}

fn line(event: &Event, ended: usize, total: usize, palette: Palette) -> Option<String> {
    let place = palette.paint(Role::Dim, &format!("[{ended:>width$}/{total}]", width = total.to_string().len()));
    let address = &event.address;
    Some(match &event.what {
        What::Started => return None,
        What::Retrying { error, wait } => {
            let again = palette.paint(Role::Warning, "trying again");
            format!("{place} {again} in {} {address}: {error}\n", time(*wait))
        }
        What::Busy(busy) => {
            format!("{place} {} {address}: {}\n", palette.paint(Role::Dim, "busy"), busy.doing)
        }
        What::Finished(elapsed) => {
            let (word, role) = past(event.verb);
            let took = palette.paint(Role::Dim, &format!("({})", time(*elapsed)));
            format!("{place} {} {address} {took}\n", palette.paint(role, word))
        }
        What::Found(_) => {
            format!("{place} {} {address}, as it should be\n", palette.paint(Role::Dim, "found"))
        }
        What::Failed { error, elapsed } => {
            let word = palette.paint(Role::Delete, "failed");
            format!("{place} {word} to {} {address} ({}): {error}\n", event.verb.word(), time(*elapsed))
        }
        What::Unready { error, elapsed } => {
            let word = palette.paint(Role::Delete, "not ready");
            format!("{place} {word} {address} ({}): {error}\n", time(*elapsed))
        }
        What::Skipped(reason) => {
            format!("{place} {} {address}: {reason}\n", palette.paint(Role::Warning, "skipped"))
        }
    })
}

const fn past(verb: Verb) -> (&'static str, Role) {
    match verb {
        Verb::Create => ("created", Role::Create),
        Verb::Update => ("updated", Role::Update),
        Verb::Delete => ("deleted", Role::Delete),
        Verb::Adopt => ("adopted", Role::Adopt),
        Verb::Forget => ("forgotten", Role::Adopt),
    }
}

fn time(elapsed: Duration) -> String {
    match elapsed.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{} ms", elapsed.as_millis()),
        seconds if seconds < 60.0 => format!("{seconds:.1} s"),
        seconds => format!("{} min {} s", seconds as u64 / 60, seconds as u64 % 60),
    }
}
