//! What Atlas recorded of its own runs: a cache and a journal, never the truth.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;

use crate::action::Verb;
use crate::address::Address;
use crate::desired::Desired;
use crate::identity::Identity;
use crate::mutation::{Mutation, broken};
use crate::observed::Observed;

/// What the journal tells of runs before this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Objects whose creation was intended and whose outcome was never written, by identity: a run was interrupted.
    pub pending: BTreeMap<String, Intent>,
    /// What of the journal could not be read.
    pub damage: Damage,
}

/// What an interrupted run was about to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The address that it was to be made for.
    pub address: Address,
    /// Where it was to be made, as the driver tells: account, engine, cluster. Empty when nobody told.
    pub place: String,
}

/// What of a journal could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Lines that are not as they were written.
    pub lines: usize,
    /// Whether the last line was cut off. Nothing is lost by that: what it was for had not begun.
    pub torn: bool,
}

/// The resources whose objects were there after the last run: what drift means by "gone" where the world itself
/// remembers nothing. No plan reads it, so that deleting it changes no plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The addresses.
    pub made: BTreeSet<Address>,
}

impl Intent {
    /// The intent to make an object for an address, wherever that was.
    #[must_use]
    pub const fn of(address: Address) -> Self {
        Self { address, place: String::new() }
    }

    /// Whether what was intended may have been done at this place: nobody told where it was, or it was there.
    #[must_use]
    pub fn may_be_at(&self, place: &str) -> bool {
        self.place.is_empty() || self.place == place
    }
}

impl Inventory {
    /// The inventory after a run that did these steps and then observed the world, if it could. What was made stays in it,
    /// and so does what is wanted and was not seen: it is gone, or its host does not answer.
    #[must_use]
    pub fn after(self, done: &[(Address, Verb)], observed: Option<&Observed>, desired: &Desired) -> Self {
        let is_removal = |verb: &Verb| matches!(verb, Verb::Delete | Verb::Forget);
        let removed: HashSet<&Address> =
            done.iter().filter(|(_, verb)| is_removal(verb)).map(|(address, _)| address).collect();
        let wanted: HashSet<&Address> = desired.objects().map(|instance| &instance.address).collect();
        let mut made = self.made;
        made.retain(|address| wanted.contains(address) && !removed.contains(address));
        // A replacement removes and makes: what counts is that it was made.
        let done = done.iter().filter(|(address, verb)| !is_removal(verb) && wanted.contains(address));
        made.extend(done.map(|(address, _)| address.clone()));
        made.extend(observed.into_iter().flat_map(|seen| seen.owned(|_, _| true)).map(|(address, _)| address.clone()));
        Self { made }
    }
}

impl Recorded {
    /// What is still open after a look at the world: an object that carries its mark is finished. What was not seen may
    /// be there all the same.
    #[must_use]
    pub fn unfinished(&self, observed: &Observed) -> Self {
        let open =
            |(identity, _): &(&String, &Intent)| observed.at(identity).is_none_or(|object| object.mark.is_none());
        let pending = self.pending.iter().filter(open);
        let pending = pending.map(|(identity, intent)| (identity.clone(), intent.clone())).collect();
        Self { pending, damage: self.damage }
    }

    /// What was intended here, and what was intended elsewhere: in another account, on another engine. Of that nothing can be
    /// said here, and it stays open. Where the host is gone that would tell the place, it may have been here: what outlived
    /// its host would belong to nobody otherwise.
    #[must_use]
    pub fn split(&self, observed: &Observed) -> (Self, Self) {
        let here = |identity: &str, intent: &Intent| {
            let identity = Identity::from_text(identity);
            let lost = identity.host_str().is_some_and(|host| observed.at(host).is_none());
            lost || broken(Mutation::ClaimFromElsewhere)
                || observed.why_unreachable(&identity).is_some()
                || intent.may_be_at(&observed.place_of(&identity))
        };
        let all = self.pending.iter().map(|(identity, intent)| (identity.clone(), intent.clone()));
        let (here, elsewhere) = all.partition(|(identity, intent)| here(identity, intent));
        (Self { pending: here, damage: self.damage }, Self { pending: elsewhere, damage: Damage::default() })
    }

    /// Whether an interrupted run was about to make this very object. It is what tells an object that was made but
    /// not yet marked from one that somebody else made.
    #[must_use]
    pub fn intended(&self, identity: &str) -> bool {
        // By its identity and not by its address: a block may have been renamed since.
        self.pending.contains_key(identity) || broken(Mutation::AdoptAnything)
    }
}
