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
    /// Objects whose creation was intended and whose outcome was never written, and the addresses that they were for: a
    /// run was interrupted.
    pub pending: BTreeMap<Intent, Address>,
    /// What of the journal could not be read.
    pub damage: Damage,
}

/// What an interrupted run was about to make. One name may be open in several accounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Intent {
    /// The object.
    pub identity: Identity,
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
    /// The intent to make an object at a place.
    #[must_use]
    pub fn new(identity: impl Into<String>, place: impl Into<String>) -> Self {
        Self { identity: Identity::from_text(identity), place: place.into() }
    }

    /// Whether the effect may have been at this place: it was here, or its place is not known.
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
        let mut open = self.clone();
        open.pending.retain(|intent, _| observed.at(&intent.identity).is_none_or(|object| object.mark.is_none()));
        open
    }

    /// The open intents of this place, and those of other accounts or engines, which stay open. An intent whose host is
    /// gone may have been of this place and counts as such, or nobody would ever take care of what outlived the host.
    #[must_use]
    pub fn split(&self, observed: &Observed) -> (Self, Self) {
        let here = |intent: &Intent| {
            let lost = intent.identity.host_str().is_some_and(|host| observed.at(host).is_none());
            lost || broken(Mutation::ClaimFromElsewhere)
                || observed.why_unreachable(&intent.identity).is_some()
                || intent.may_be_at(&observed.place_of(&intent.identity))
        };
        let all = self.pending.iter().map(|(intent, address)| (intent.clone(), address.clone()));
        let (here, elsewhere) = all.partition(|(intent, _)| here(intent));
        (Self { pending: here, damage: self.damage }, Self { pending: elsewhere, damage: Damage::default() })
    }

    /// Whether an interrupted run was about to make this very object. It is what tells an object that was made but
    /// not yet marked from one that somebody else made.
    #[must_use]
    pub fn intended(&self, identity: &str) -> bool {
        if broken(Mutation::AdoptAnything) {
            return true;
        }
        if self.pending.is_empty() {
            return false;
        }
        // By its identity and not by its address: a block may have been renamed since. Of all places the empty one is first.
        let any = Intent::new(identity, "");
        self.pending.range(any..).next().is_some_and(|(intent, _)| intent.identity == identity)
    }
}
