//! What came of a run, in words or as the last lines of its events. What failed is said again at the end, where it is read.

use super::ui::Ui;
use crate::run::{Proof, Unproven};
use crate::style::Role;

/// How many entries of each list a person is shown at once.
const MOST: usize = 20;

/// Says what came of a run.
pub fn tell(proof: &Proof, unchanged: usize, ui: &Ui) {
    if ui.json() {
        return events(proof, unchanged, ui);
    }
    sum(proof, ui);
    let failed = proof.report.failed.iter();
    let failed = failed.map(|one| format!("{} {}: {}", one.verb.word(), one.address, one.error));
    list(ui, Role::Delete, "failed to", failed);
    let differs = proof.differs.iter().map(|(address, what)| format!("{address}: {what}"));
    list(ui, Role::Warning, "still differs:", differs);
    list(ui, Role::Warning, "not proven:", proof.unproven.iter().map(unproven));
}

fn list(ui: &Ui, role: Role, word: &str, lines: impl Iterator<Item = String>) {
    let mut more = 0;
    for (at, line) in lines.enumerate() {
        if at < MOST {
            ui.err(&format!("{} {line}\n", ui.error_palette().paint(role, word)));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        ui.err(&format!("{} … and {more} more\n", ui.error_palette().paint(role, word)));
    }
}

/// What could not be seen again, and why.
fn unproven(one: &Unproven) -> String {
    let cause = match &one.host {
        Some(host) => format!("{host} {}", one.reason),
        None => format!("the world can't be observed again: {}", one.reason),
    };
    let names: Vec<&str> = one.addresses.iter().take(MOST).map(|address| address.as_str()).collect();
    let more = one.addresses.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{cause}; not seen again: {}{more}", names.join(", "))
}

fn events(proof: &Proof, unchanged: usize, ui: &Ui) {
    for (address, what) in &proof.differs {
        ui.out_json(&serde_json::json!({ "event": "differs", "address": address, "reason": what }));
    }
    for one in &proof.unproven {
        ui.out_json(&serde_json::json!({
            "event": "unproven",
            "host": one.host,
            "reason": one.reason,
            "class": one.class,
            "addresses": one.addresses,
        }));
    }
    ui.out_json(&serde_json::json!({
        "event": "summary",
        "outcome": proof.ending.word(),
        "counts": proof.report.counts(),
        "blocked": proof.summary.blocked,
        "unchanged": unchanged,
        "interrupted": proof.report.interrupted,
    }));
}

fn sum(proof: &Proof, ui: &Ui) {
    let counts = proof.report.counts();
    let unproven = proof.unproven.iter().map(|one| one.addresses.len()).sum();
    let all = [
        (counts.created, "created", Role::Create),
        (counts.updated, "updated", Role::Update),
        (counts.deleted, "deleted", Role::Delete),
        (counts.adopted, "adopted", Role::Adopt),
        (counts.forgotten, "forgotten", Role::Adopt),
        (counts.found, "found as they should be", Role::Dim),
        (counts.failed, "failed", Role::Delete),
        (counts.skipped, "skipped", Role::Warning),
        (proof.summary.blocked, "blocked", Role::Warning),
        (unproven, "not proven", Role::Warning),
    ];
    let said: Vec<String> = all
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, word, role)| ui.palette().paint(role, &format!("{count} {word}")))
        .collect();
    if proof.report.interrupted {
        ui.out("Stopped, as asked. The next apply carries on from here.\n");
    }
    if proof.steps > 0 {
        ui.out(&format!("Done: {}.\n", said.join(", ")));
    } else if proof.summary.blocked > 0 {
        ui.out(&format!("Nothing was done: {}.\n", said.join(", ")));
    }
}
