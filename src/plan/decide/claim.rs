//! Which of the observed objects belong to a resource of the spec: what nobody claims is an orphan.

use super::Decider;
use crate::address::Address;
use crate::desired::Instance;
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

    /// Claims what stands for a resource under its own name or a former one.
    pub(super) fn claim_former(&mut self, instance: &Instance) {
        if let Some(object) = self.observed.at(&instance.identity).filter(|object| self.ours(object)) {
            self.claim(object);
        }
        if let Some(former) = &instance.settings.renamed_from {
            self.claim_marked(former);
        }
    }

    pub(super) fn is_claimed(&self, object: &Object) -> bool {
        self.observed.position(&object.identity).is_some_and(|at| self.claimed[at])
    }
}
