//! `atlas suspend` and `atlas resume`: what the loop leaves alone, for how long, and why.

use std::time::Duration;

use super::args::{Global, SuspendArgs};
use super::failure::Failure;
use super::ui::Ui;
use super::{End, load};
use crate::address::Address;
use crate::plan::{Selector, unknown_selectors};
use crate::reconcile::{Governor, Hold, Suspension, Suspensions, in_words};
use crate::run::Spec;
use crate::store::{Document, Store, since_1970};

pub fn suspend(global: &Global, args: &SuspendArgs, ui: &Ui) -> Result<End, Failure> {
    let spec = load::spec(global)?;
    if let Some(address) = &args.address {
        refuse_unknown(&spec, address)?;
    }
    if args.reason.trim().is_empty() {
        return Err(Failure::new("say why: whoever finds it suspended wants to know").hint("add --reason \"…\""));
    }
    let since = since_1970();
    let until = since.saturating_add(u64::try_from(args.time.as_millis()).unwrap_or(u64::MAX));
    let suspension = Suspension { address: args.address.clone(), reason: args.reason.clone(), since, until };
    change(&spec, false, |suspensions| suspensions.add(suspension.clone()))?;
    let what = named(args.address.as_ref());
    if ui.json() {
        ui.out_json(&serde_json::to_value(&suspension).unwrap_or_default());
    } else {
        ui.note(&format!("Suspended for {}: {what}. `atlas reconcile` leaves it as it is.\n", in_words(args.time)));
    }
    Ok(End::Good)
}

pub fn resume(global: &Global, address: Option<&Address>, ui: &Ui) -> Result<End, Failure> {
    let spec = load::spec(global)?;
    let mut ended = 0;
    change(&spec, address.is_none(), |suspensions| ended = suspensions.end(address, since_1970()))?;
    if ui.json() {
        ui.out_json(&serde_json::json!({ "resumed": ended }));
    } else if ended == 0 {
        ui.note(&format!("Nothing to resume: {} is not suspended.\n", named(address)));
    } else {
        ui.note(&format!("Resumed: {}.\n", named(address)));
    }
    Ok(End::Good)
}

/// What is suspended, each with for how much longer; nothing when that can't be read.
pub fn holding(store: &dyn Store) -> Vec<(Suspension, Duration)> {
    let now = since_1970();
    let text = store.document(&Document::Suspensions).ok().flatten();
    let all = Suspensions::read(text.as_deref()).unwrap_or_default();
    all.holding(now).map(|one| (one.clone(), Duration::from_millis(one.until.saturating_sub(now)))).collect()
}

/// What the loop has in quarantine; nothing when that can't be read.
pub fn quarantined(store: &dyn Store) -> Vec<(Address, Hold)> {
    let text = store.document(&Document::Governor).ok().flatten();
    text.map(|text| Governor::quarantined_in(&text, since_1970())).unwrap_or_default()
}

/// Changes the record. One that can't be understood may hold what others asked for: only who resumes everything writes it anew.
fn change(spec: &Spec, anew: bool, mut edit: impl FnMut(&mut Suspensions)) -> Result<(), Failure> {
    let mut unread = None;
    let changed = spec.store.change_document(&Document::Suspensions, &mut |text| {
        let mut suspensions = match Suspensions::read(text) {
            Err(error) if !anew => {
                unread = Some(error);
                return text.map(str::to_owned);
            }
            read => read.unwrap_or_default(),
        };
        edit(&mut suspensions);
        suspensions.write()
    });
    changed.map_err(|error| Failure::new("the records can't be written").because(error.to_string()))?;
    unread.map_or(Ok(()), |error| {
        Err(Failure::new("what is suspended can't be read, so everything counts as suspended")
            .because(error.to_string())
            .hint("`atlas resume` ends all suspensions"))
    })
}

fn named(address: Option<&Address>) -> String {
    address.map_or_else(|| "everything".to_owned(), Address::to_string)
}

fn refuse_unknown(spec: &Spec, address: &Address) -> Result<(), Failure> {
    let found = unknown_selectors("suspend", &[Selector::new(address.clone())], &[], &spec.desired);
    match found.has_errors() {
        true => Err(Failure::found(spec.source.text(), found).titled("nothing was suspended")),
        false => Ok(()),
    }
}
