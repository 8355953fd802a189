//! What a run found worth saying, in words.

use super::ui::Ui;
use crate::kind::amount;
use crate::run::Notice;
use crate::store::Former;

/// Says all of them.
pub fn tell(notices: &[Notice], ui: &Ui) {
    notices.iter().for_each(|notice| tell_one(notice, ui));
}

fn tell_one(notice: &Notice, ui: &Ui) {
    match notice {
        Notice::TookOver(Former::Dead(dead)) => {
            ui.note(&format!("Took over the lock of process {} on {}, which died while it ran.\n", dead.pid, dead.host))
        }
        Notice::TookOver(Former::Silent(slow, silent)) => ui.note(&format!(
            "Took over the lease of process {} on {}, which was silent for {} s. It can't write any more.\n",
            slow.pid,
            slow.host,
            silent.as_secs()
        )),
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
        Notice::HistoryNotWritten(error) => ui.err(&format!("warning: the history can't be written: {error}\n")),
    }
}
