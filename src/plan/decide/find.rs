//! Where a resource's object is.

use super::{Decider, Match};
use crate::desired::Instance;
use crate::observed::Object;

impl<'a> Decider<'a> {
    pub(super) fn find(&self, instance: &'a Instance) -> Match<'a> {
        let there = self.observed.at(&instance.identity);
        let own = self.observed.marked(&instance.address).find(|object| object.kind == instance.kind);
        let former = instance.settings.renamed_from.as_ref();
        match there {
            Some(object) if object.external => return Match::Here(object),
            Some(object) if !self.ours(object) => {
                return if self.is_leftover(object) { Match::Here(object) } else { Match::Foreign(object) };
            }
            Some(object) => {
                let known_as = object.resource();
                let renamed = known_as == Some(&instance.address) || known_as == former;
                // An object that no other resource is known by is this one's, under its new address; one that another
                // resource is known by is about to move out of the way.
                let left = own.is_none() && known_as.is_none_or(|address| self.desired.get(address).is_none());
                if renamed || left {
                    return Match::Here(object);
                }
            }
            None => {}
        }
        let was = former.and_then(|address| self.observed.marked(address).find(|object| object.kind == instance.kind));
        own.or(was).filter(|object| !self.is_claimed(object)).map_or(Match::Nothing, Match::Elsewhere)
    }

    /// Whether an interrupted run made an object and did not mark it.
    pub(super) fn is_leftover(&self, object: &Object) -> bool {
        object.mark.is_none() && self.recorded.intended(&object.identity)
    }

    /// Whether a resource that adopts an object also has another one, which becomes an orphan. Not for hosts: it would
    /// mean that their contents have to be made.
    pub(super) fn has_another_object(&self, instance: &Instance) -> bool {
        let another = |object: &Object| object.kind == instance.kind && object.identity != instance.identity;
        !instance.kind.hosts_others && self.observed.marked(&instance.address).any(another)
    }

    pub(super) fn ours(&self, object: &Object) -> bool {
        object.belongs_to(&self.desired.project, &self.desired.environment)
    }
}
