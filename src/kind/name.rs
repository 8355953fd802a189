//! Names that are made at run time: of kinds, of their attributes and outputs, and the words that an attribute takes.
//!
//! A hundred thousand objects share the names of their attributes, so a name is a text that stays for as long as the program
//! runs. One that the program does not hold itself is kept once, however often its kind is made again: what is kept is
//! bounded by how many different names there are.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// A name for a kind that is made at run time.
#[must_use]
pub fn name(text: &str) -> &'static str {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(text) {
        return known;
    }
    let new: &'static str = Box::leak(Box::from(text));
    kept.insert(new);
    new
}

/// Every name that was made so far, in order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
}
