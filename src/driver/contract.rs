//! The contract between the engine and what speaks an API.
//!
//! A *driver* is registered by name. It says which kinds it serves on which host, and opens a *session* on a host object,
//! with what that object tells: its endpoint, its account, its attributes. A host that was made a second ago is opened like
//! one that was always there, and so is one that the spec no longer has.
//!
//! What a session has to keep:
//!
//! - It only speaks its API. Whose an object is, whether it is protected, whether it may be taken over, what its loss would
//!   cost, and whether a call is tried again, are told by the engine, once for all drivers ([`super::protocol`]).
//! - Looking never writes. Every call ends in time. Every call is one attempt.
//! - [`Session::create`] makes an object with its mark. When something of that identity is there already it fails with
//!   [`Class::Conflict`] and changes nothing.
//! - [`Session::update`], [`Session::delete`] and [`Session::mark`] get what was seen a moment ago. Where the API can tell
//!   that this is not so any more, they fail with [`Class::Conflict`].
//! - To delete what is not there is a success.
//! - What an attribute of [`Type::Address`](crate::kind::Type::Address) says in a request is what the API knows the other
//!   object by (see [`Kind::known_by`](crate::kind::Kind::known_by)), and what a session tells of it is the same. Addresses
//!   are put in and taken out by the engine.
//! - Errors are classified here, at the edge, so that nothing behind it knows any SDK. What can't be looked at is reported
//!   as such, and never left out.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use foldhash::{HashMap, HashSet};

use super::{DriverError, Progress};
use crate::address::Address;
use crate::desired::FieldRules;
use crate::identity::Identity;
use crate::kind::{Kind, KindRef, Outputs, Usage};
use crate::observed::{DeliveredObject, Locations, Mark, Object, Owner};
use crate::value::Attributes;

/// What a driver does about objects of a kind on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Nothing: they are not its business.
    None,
    /// It tells of those that are there in any case, and makes none: a region of AWS.
    Tells,
    /// It makes, changes and deletes them.
    Keeps,
}

/// One API, registered by name.
#[async_trait]
pub trait Driver: Send + Sync {
    /// The name in errors and in documents.
    fn name(&self) -> &'static str;

    /// What it does about objects of a kind that live in a host; without a host, in the world itself.
    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service;

    /// Whether its world is simulated: every resource is somewhere in it, whatever the spec says of where that is.
    fn simulates(&self) -> bool {
        false
    }

    /// Tells the token of the lease under which this run writes. A driver that can remember it refuses every writer with a
    /// smaller one from then on.
    fn fence(&self, _token: u64) {}

    /// Whether a session depends on what its host object tells. One that does is opened again when that changes.
    fn reads_host(&self) -> bool {
        true
    }

    /// Why an object with these attributes could not be made in any host, where that is known before one is there: a secret that it
    /// needs is not. It calls nobody.
    fn refuses(&self, _kind: &Kind, _attributes: &Attributes) -> Option<String> {
        None
    }

    /// Opens a session on a host object, for the objects of one owner; without a host, on the world itself. It need not
    /// call anybody yet.
    ///
    /// # Errors
    /// When the host object does not tell what it takes to reach it.
    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError>;
}

/// A driver on one host object.
#[async_trait]
pub trait Session: Send + Sync {
    /// Whether objects name each other by address here. Only a world that was made for Atlas does.
    fn speaks_addresses(&self) -> bool {
        false
    }

    /// Whether an object of a kind is made together with its mark. What is not may be left without one by a run that dies in
    /// between, so the journal has to remember it until it is marked.
    fn creates_marked(&self, _kind: &Kind) -> bool {
        true
    }

    /// Every object of these kinds in the host that the owner's marks claim or that is wanted by its identity, whoever owns
    /// it; with [`Claims::all_but`], every other object. What can't be looked at is listed as such.
    ///
    /// # Errors
    /// When nothing can be said about the host at all.
    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError>;

    /// Every object of these kinds in the host that is nobody's, with all that somebody chose about it: what a spec would say
    /// of it. A session that can't tell has none.
    ///
    /// # Errors
    /// When nothing can be said about the host at all.
    async fn survey(&self, _kinds: &[KindRef]) -> Result<Listing, DriverError> {
        Ok(Listing::default())
    }

    /// One object as it is now, whoever owns it. None when it is not there.
    ///
    /// # Errors
    /// When that can't be said.
    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError>;

    /// Who else writes an object that was just seen, the latest first, as far as the API tells. It is for people, who want to know with
    /// whom Atlas fights over it.
    async fn writers(&self, _seen: &Seen) -> Vec<String> {
        Vec::new()
    }

    /// Whether the session can tell what an object of a kind would become.
    fn has_previews(&self, _kind: &Kind) -> bool {
        false
    }

    /// What an object that was listed is in the words of what is wanted of it, where only the API can say what that means.
    /// None where it was not listed. It writes nothing.
    ///
    /// # Errors
    /// When that can't be said.
    async fn preview(&self, _want: &Request<'_>) -> Result<Option<Preview>, DriverError> {
        Ok(None)
    }

    /// Does all that can be done for a creation before something else is destroyed for its sake: resolves secrets, fetches
    /// images, makes dry runs. It leaves no object.
    ///
    /// # Errors
    /// When the creation could not succeed.
    async fn prepare(&self, _want: &Request<'_>) -> Result<(), DriverError> {
        Ok(())
    }

    /// Makes an object with its mark.
    ///
    /// # Errors
    /// [`Class::Conflict`](super::Class::Conflict) when something of that identity is there.
    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError>;

    /// Brings an object that was just seen to what is wanted, and its mark along with it.
    ///
    /// # Errors
    /// [`Class::Conflict`](super::Class::Conflict) when it is gone or not what was seen.
    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError>;

    /// Deletes an object that was just seen.
    ///
    /// # Errors
    /// [`Class::Conflict`](super::Class::Conflict) when it is not what was seen, holds more, or still has objects in it.
    async fn delete(&self, seen: &Seen) -> Result<(), DriverError>;

    /// Before an object is deleted that was just seen: sees to it that what it made for Atlas stays. What makes nothing has nothing to do.
    ///
    /// # Errors
    /// When that can't be seen to.
    async fn spare(&self, _seen: &Seen) -> Result<(), DriverError> {
        Ok(())
    }

    /// Learns that the object of a resource is gone, or nobody's any more, and that this is as it should be. A world that
    /// remembers what was made forgets it.
    ///
    /// # Errors
    /// When the world can't be written.
    async fn release(&self, _mark: &Mark) -> Result<(), DriverError> {
        Ok(())
    }

    /// Writes another mark on an object that was just seen, or takes its mark away.
    ///
    /// # Errors
    /// [`Class::Conflict`](super::Class::Conflict) when it is gone or not what was seen.
    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError>;
}

/// What a listing is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    /// Whose marks count.
    pub owner: &'a Owner,
    /// What is wanted whoever owns it.
    pub wanted: &'a Wanted<'a>,
    /// Whether what objects hold is counted, also of those that are wanted: something is about to be removed. Then nothing is
    /// taken from a [`Cache`](super::Cache) either.
    pub evidence: bool,
    /// The number of the look that this is a part of, in this run: what does not live in one host alone, as roles do not in one
    /// region, need be asked for once in each look.
    pub look: u64,
    /// When the host is about to be removed, as all that lives in it goes along: every object is listed, whoever owns it,
    /// except these, which were seen already.
    pub all_but: Option<&'a HashSet<&'a str>>,
}

impl Claims<'_> {
    /// Whether an object is asked for, by its identity and its mark.
    #[must_use]
    pub fn ask_for(&self, identity: &str, mark: Option<&Mark>) -> bool {
        match self.all_but {
            Some(seen) => !seen.contains(identity),
            None => mark.is_some_and(|mark| self.owner.has(mark)) || self.wanted.contains_key(identity),
        }
    }
}

/// Objects that are wanted, by identity, with what the spec says about them. What it says nothing about need not be looked
/// at.
pub type Wanted<'a> = HashMap<&'a str, Option<&'a Attributes>>;

/// What was listed.
#[derive(Debug, Default)]
pub struct Listing {
    /// The objects.
    pub objects: Vec<Object>,
    /// What could not be looked at, and why: an object, or a host with all that lives in it.
    pub unreachable: BTreeMap<Identity, String>,
    /// The resources whose objects the world remembers as made by Atlas and never removed by it.
    pub made: BTreeSet<Address>,
    /// What objects are or would be on, where the outputs of their hosts do not tell it: the names that container engines
    /// have of themselves. A plan that was made in one place is not carried out in another.
    pub locations: Locations,
    /// What somebody else delivers for apps.
    pub delivered: Vec<DeliveredObject>,
}

/// Which object is looked at, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Its kind.
    pub kind: &'a KindRef,
    /// Its deterministic name.
    pub identity: &'a Identity,
    /// What the spec says about it; what it says nothing about need not be looked at. None when the spec does not have it.
    pub wanted: Option<&'a Attributes>,
    /// Whether what it holds is counted.
    pub evidence: bool,
}

/// An object as it was seen a moment ago.
#[derive(Clone)]
pub struct Seen {
    /// The object.
    pub object: Object,
    /// What else the session read of it and may want again: nobody else looks into this.
    pub raw: Option<Arc<dyn Any + Send + Sync>>,
}

/// What a session says of an object beside what is wanted of it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Its attributes: as they are wanted, but where it would be changed, as it is now.
    pub attributes: Attributes,
    /// Whether somebody changed what Atlas applied.
    pub is_touched: bool,
    /// Why it can't be changed to what is wanted, and has to be made anew.
    pub is_fixed: Option<String>,
    /// Why its API refuses what is wanted of it.
    pub is_refused: Option<String>,
    /// Who declares a part of it too, and otherwise, where that is not to be taken over.
    pub is_contested: Option<String>,
    /// Why its API can't be asked what it would become.
    pub is_untried: Option<String>,
}

impl Preview {
    /// Attributes that nobody touched, of an object that can be changed and that nobody refuses.
    #[must_use]
    pub const fn of(attributes: Attributes) -> Self {
        Self { attributes, is_touched: false, is_fixed: None, is_refused: None, is_contested: None, is_untried: None }
    }
}

/// An object to make or to change, with everything resolved.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its kind.
    pub kind: &'a KindRef,
    /// Its deterministic name.
    pub identity: &'a Identity,
    /// The identities of what it lives in; any one of them has to be there.
    pub hosts: &'a [Identity],
    /// All its attributes, in normal form.
    pub attributes: &'a Attributes,
    /// What it may hold at most, when the change loses some of it: where the API can tell, a change of an object that holds
    /// more is refused with [`Class::Conflict`](super::Class::Conflict).
    pub most: Option<&'a Usage>,
    /// What follows from its attributes already.
    pub derived: &'a Outputs,
    /// Its mark.
    pub mark: &'a Mark,
    /// What holds between Atlas and others who write it.
    pub fields: &'a FieldRules,
    /// How long it may take, waiting included: a session that waits says in time what it waited for.
    pub limit: Duration,
    /// Where it tells what takes it long.
    pub progress: &'a Progress,
}

impl Request<'_> {
    /// The resource's place.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.mark.address.place()
    }
}

impl Seen {
    /// An object of which the session keeps nothing else.
    #[must_use]
    pub const fn new(object: Object) -> Self {
        Self { object, raw: None }
    }

    /// An object with what else was read of it.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(object: Object, raw: T) -> Self {
        Self { object, raw: Some(Arc::new(raw)) }
    }

    /// What else the session read of it, when it was this.
    #[must_use]
    pub fn raw<T: 'static>(&self) -> Option<&T> {
        self.raw.as_deref()?.downcast_ref()
    }
}
