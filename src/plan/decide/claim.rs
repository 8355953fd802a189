//! Which of the observed objects belong to a resource of the spec: what nobody claims is an orphan.

use super::Decider;
use crate::address::Address;
use crate::observed::Object;

impl Decider<'_> {
    pub(super) fn claim(&mut self, object: &Object) {
        if let Some(at) = self.observed.position(&object.identity) {
            self.claimed[at] = true;
        }
    }

    pub(super) fn claim_marked(&mut self, address: &Address) {
        let observed = self.observed;
        observed.marked(address).for_each(|object| self.claim(object));
    }

    /// Claims every object that belongs to a part of a resource.
    pub(super) fn claim_inside(&mut self, address: &Address) {
        let observed = self.observed;
        let is_part = |object: &Object| object.resource().and_then(Address::parent).as_ref() == Some(address);
        observed.owned(|_, object| is_part(object)).for_each(|(_, object)| self.claim(object));
    }

    pub(super) fn is_claimed(&self, object: &Object) -> bool {
        self.observed.position(&object.identity).is_some_and(|at| self.claimed[at])
    }
}
