//! What Atlas recorded of its own runs: a cache and a journal, never the truth.

use std::collections::BTreeMap;

use foldhash::HashSet;

use crate::address::Address;
use crate::observed::Observed;
use crate::spec::Desired;

/// What the journal tells of runs before this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Objects whose creation was intended and whose outcome was never written, by identity, with the address that they
    /// were made for: a run was interrupted.
    pub pending: BTreeMap<String, Address>,
}

impl Recorded {
    /// What is still open after a look at the world: an object that carries its mark is finished, and one that is not
    /// there matters only while somebody wants it.
    #[must_use]
    pub fn still_open(&self, observed: &Observed, desired: &Desired) -> Self {
        let wanted: HashSet<&str> = desired.objects().map(|instance| instance.identity.as_str()).collect();
        let open = |(identity, _): &(&String, &Address)| match observed.at(identity) {
            Some(object) => object.mark.is_none(),
            // An object is certainly not there only where its host was seen; one that is wanted may still be missing
            // from a listing for a while.
            None => observed.host_of(identity).is_none() || wanted.contains(identity.as_str()),
        };
        let pending = self.pending.iter().filter(open);
        Self { pending: pending.map(|(identity, address)| (identity.clone(), address.clone())).collect() }
    }

    /// Whether an interrupted run was about to make this very object. It is what tells an object that was made but
    /// not yet marked from one that somebody else made.
    #[must_use]
    pub fn intended(&self, identity: &str) -> bool {
        // By its identity and not by its address: a block may have been renamed since.
        self.pending.contains_key(identity)
    }
}
