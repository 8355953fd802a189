//! What Atlas recorded of its own runs: a cache and a journal, never the truth.

use std::collections::BTreeMap;

use crate::address::Address;

/// What the journal tells of runs before this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Objects whose creation was intended and whose outcome was never written, by address: a run was interrupted.
    pub pending: BTreeMap<Address, String>,
}

impl Recorded {
    /// Whether an interrupted run was about to make this very object. It is what tells an object that was made but
    /// not yet marked from one that somebody else made.
    #[must_use]
    pub fn intended(&self, address: &Address, identity: &str) -> bool {
        self.pending.get(address).is_some_and(|intended| intended == identity)
    }
}
