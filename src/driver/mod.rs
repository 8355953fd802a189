//! The contract that every driver keeps, and which driver serves which kind.
//!
//! A driver is idempotent and bounded in time. Observing never writes. Creating an object that this resource's mark
//! already owns adopts it. Deleting what is not there is a success. Errors are classified here, at the edge, so that
//! nothing behind it knows any SDK.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "docker")]
pub mod docker;
mod error;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod observe;
#[cfg(any(feature = "aws", feature = "docker", feature = "sandbox"))]
mod owner;
mod patience;
mod progress;
mod registry;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod secret;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use foldhash::HashMap;

pub use error::{Class, DriverError};
pub use observe::{look_into, observe, still_open};
pub use patience::patiently;
pub use progress::{Busy, Progress};
pub use registry::Registry;

use crate::address::Address;
use crate::kind::{Kind, Outputs, Usage};
use crate::observed::{Mark, Object};
use crate::value::Attributes;

/// What the surroundings say: environment variables by name.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a driver can do. Every call is one attempt: whoever calls decides about retries.
#[async_trait]
pub trait Driver: Send + Sync {
    /// Tells the token of the lease under which this run writes. A driver that can remember it refuses every writer
    /// with a smaller one from then on.
    fn fence(&self, _token: u64) {}

    /// Looks at what lives in some hosts: every object that the owner's marks claim, and every object whose identity
    /// is wanted, whoever owns it. A host that does not answer is reported, not an error.
    ///
    /// # Errors
    /// When the driver itself can't be asked at all.
    async fn observe(&self, query: &Query<'_>) -> Result<Observation, DriverError>;

    /// Looks at one object. None when it is not there.
    ///
    /// # Errors
    /// When its host does not answer, or the driver refuses.
    async fn read(&self, kind: &'static Kind, identity: &str) -> Result<Option<Object>, DriverError>;

    /// Makes an object with its mark. When an object with the same identity carries the mark of the same resource
    /// already, it is brought to the same attributes instead.
    ///
    /// # Errors
    /// [`Class::Conflict`] when something else is there; otherwise as the driver says.
    async fn create(&self, request: &Request<'_>) -> Result<Outputs, DriverError>;

    /// Changes an object, and its mark along with it.
    ///
    /// # Errors
    /// [`Class::Conflict`] when it is gone or changed hands; otherwise as the driver says.
    async fn update(&self, request: &Request<'_>) -> Result<Outputs, DriverError>;

    /// Deletes an object that the mark owns. What is not there is deleted already.
    ///
    /// # Errors
    /// [`Class::Denied`] when the object's own mark protects it, [`Class::Conflict`] when it changed hands.
    async fn delete(&self, removal: &Removal<'_>) -> Result<(), DriverError>;

    /// Removes the mark from an object, which stays. What is not there is forgotten already.
    ///
    /// # Errors
    /// As the driver says.
    async fn forget(&self, removal: &Removal<'_>) -> Result<(), DriverError>;
}

/// Where to look, and for what.
#[derive(Debug)]
pub struct Query<'a> {
    /// The project whose marks count.
    pub project: &'a str,
    /// The environment whose marks count.
    pub environment: &'a str,
    /// The identities of the hosts to look into; none means the world itself.
    pub hosts: Option<&'a [String]>,
    /// What is wanted whoever owns it, by identity, and with which attributes, when the spec says them. What the spec says
    /// nothing about need not be looked at.
    pub wanted: &'a Wanted<'a>,
    /// Whether what objects hold is asked for, also of those that are wanted: something is about to be removed.
    pub usage: bool,
}

/// Objects that the spec wants, by identity.
pub type Wanted<'a> = HashMap<&'a str, Option<&'a Attributes>>;

/// What was seen.
#[derive(Debug, Default)]
pub struct Observation {
    /// The objects.
    pub objects: Vec<Object>,
    /// The identities of hosts that did not answer, and why.
    pub unreachable: BTreeMap<String, String>,
    /// The resources whose objects the world remembers as made by Atlas and never removed by it.
    pub made: BTreeSet<Address>,
}

/// An object to make or to change.
#[derive(Debug)]
pub struct Request<'a> {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its deterministic name.
    pub identity: &'a str,
    /// The identities of what it lives in; any one of them has to be there.
    pub hosts: &'a [String],
    /// All its attributes, in normal form.
    pub attributes: &'a Attributes,
    /// What follows from its attributes already.
    pub derived: &'a Outputs,
    /// Its mark.
    pub mark: &'a Mark,
    /// Whether an object without a mark, or with the mark of a former address, may be taken over.
    pub adopt: bool,
    /// The resource's place.
    pub place: Option<&'a str>,
    /// How long it may take, waiting included: a driver that waits says in time what it waited for.
    pub limit: Duration,
    /// Where it tells what takes it long.
    pub progress: &'a Progress,
}

/// An object to delete or to let go of.
#[derive(Debug)]
pub struct Removal<'a> {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its deterministic name.
    pub identity: &'a str,
    /// The mark that it has to carry.
    pub mark: &'a Mark,
    /// Whether it may be without a mark: an interrupted run made it and did not come to mark it.
    pub unmarked: bool,
    /// What it may hold at most: what was seen when its deletion was last thought over.
    pub usage: Option<&'a Usage>,
}
