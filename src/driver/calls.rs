//! How often drivers were called in a run, and how the calls ended.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::Class;

/// How often each driver was called, and how the calls ended.
#[derive(Debug, Default)]
pub struct Calls(Mutex<CallCounts>);

/// By the driver's name and the class of the error: `ok` where there was none.
pub type CallCounts = BTreeMap<(&'static str, &'static str), u64>;

impl Calls {
    /// Counts a call.
    pub(super) fn count(&self, driver: &'static str, class: Option<Class>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((driver, class.map_or("ok", Class::word))).or_default() += 1;
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> CallCounts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
