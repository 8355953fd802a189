//! What Atlas recorded of its own runs: a cache and a journal, never the truth.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::observed::Observed;
use crate::spec::Desired;

/// What the journal tells of runs before this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Objects whose creation was intended and whose outcome was never written, by address: a run was interrupted.
    pub pending: BTreeMap<Address, String>,
}

impl Recorded {
    /// What is still open after a look at the world: an object that carries its mark is finished, and one that is not
    /// there matters only while somebody wants it.
    #[must_use]
    pub fn still_open(&self, observed: &Observed, desired: &Desired) -> Self {
        let open = |(address, identity): &(&Address, &String)| match observed.at(identity) {
            Some(object) => object.mark.is_none(),
            None => observed.silence(identity).is_some() || desired.get(address).is_some(),
        };
        let pending = self.pending.iter().filter(open);
        Self { pending: pending.map(|(address, identity)| (address.clone(), identity.clone())).collect() }
    }

    /// Whether an interrupted run was about to make this very object. It is what tells an object that was made but
    /// not yet marked from one that somebody else made.
    #[must_use]
    pub fn intended(&self, address: &Address, identity: &str) -> bool {
        self.pending.get(address).is_some_and(|intended| intended == identity)
    }
}
