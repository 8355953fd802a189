//! What a run found worth saying, in words.

use super::ui::Ui;
use crate::kind::amount;
use crate::run::Notice;

/// Says all of them.
pub fn tell(notices: &[Notice], ui: &Ui) {
    notices.iter().for_each(|notice| tell_one(notice, ui));
}

fn tell_one(notice: &Notice, ui: &Ui) {
    match notice {
        Notice::TookOver(former) => ui.note(&format!("{former}\n")),
        Notice::Records(said) => ui.note(&format!("{said}\n")),
        Notice::JournalTorn => {
            ui.side("The journal ends in half a line, as after a crash: what it was for had not begun.\n");
        }
        Notice::JournalDamaged { lines, aside } => {
            let lines = amount::count(*lines as u64, "line");
            ui.err(&format!(
                "warning: {lines} of the journal can't be read; the next apply sets it aside as `{aside}`\n  \
                 If a run was interrupted, what it had just made may look like somebody else's:\n  \
                 `atlas adopt ADDRESS` takes it back.\n",
            ));
        }
        Notice::InventoryNotWritten(error) => ui.err(&format!("warning: the inventory can't be written: {error}\n")),
        Notice::AppliedNotKept(error) => ui.err(&format!(
            "warning: the spec can't be kept as it was applied: {error}\n  \
             `atlas reconcile` repairs only what differs from Atlas's own marks until the next apply.\n",
        )),
        Notice::PlanNotKept(error) => ui.err(&format!("warning: the plan can't be kept for the history: {error}\n")),
        Notice::HistoryNotWritten(error) => ui.err(&format!("warning: the history can't be written: {error}\n")),
    }
}
