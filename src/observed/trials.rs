//! What came of trials: what an API would refuse, what somebody else declares otherwise, and what nobody can try.

use std::collections::BTreeMap;

use super::Observed;
use crate::identity::Identity;

impl Observed {
    /// Learns that an object can't be made as it is wanted, and why.
    pub fn refuse(&mut self, identity: Identity, why: String) {
        self.refused.insert(identity, why);
    }

    /// The objects that can't be made as they are wanted, and why.
    #[must_use]
    pub const fn refused(&self) -> &BTreeMap<Identity, String> {
        &self.refused
    }

    /// Learns that somebody else declares a part of an object otherwise, and who.
    pub fn contest(&mut self, identity: Identity, who: String) {
        self.contested.insert(identity, who);
    }

    /// The objects of which others declare a part otherwise, and who.
    #[must_use]
    pub const fn contested(&self) -> &BTreeMap<Identity, String> {
        &self.contested
    }

    /// Learns that nobody can say beforehand what an object would become, and why.
    pub fn leave_untried(&mut self, identity: Identity, why: String) {
        self.untried.insert(identity, why);
    }

    /// The objects of which nobody can say beforehand what they would become, and why.
    #[must_use]
    pub const fn untried(&self) -> &BTreeMap<Identity, String> {
        &self.untried
    }
}
