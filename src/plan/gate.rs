//! What stands between two batches of a rollout.

use serde::Serialize;

use crate::address::Address;
use crate::identity::Identity;
use crate::kind::{KindRef, duration};

/// What stands between two batches of an app.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The app on the first cluster before it.
    pub app: Address,
    /// The clusters before it.
    pub former: Vec<String>,
    /// The clusters behind it.
    pub next: Vec<String>,
    /// For how many seconds what is before it has to have been in order.
    pub pause: u64,
    /// For how many seconds besides that it may not be in order yet.
    pub limit: u64,
    /// The steps before it.
    pub after: Vec<usize>,
    /// The steps behind it.
    pub before: Vec<usize>,
    /// The objects that have to be in order.
    pub watched: Vec<WatchedObject>,
}

/// An object that is watched.
#[derive(Clone, Debug)]
pub struct WatchedObject {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: KindRef,
    /// Its deterministic name.
    pub identity: Identity,
    /// The identities of what it lives in.
    pub hosts: Vec<Identity>,
}

impl Serialize for Gate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut entry = serializer.serialize_struct("Gate", 4)?;
        entry.serialize_field("app", self.app_name())?;
        entry.serialize_field("ready_on", &self.former)?;
        entry.serialize_field("goes_on_to", &self.next)?;
        entry.serialize_field("pause_seconds", &self.pause)?;
        entry.end()
    }
}

impl Gate {
    /// The app, on whatever cluster.
    #[must_use]
    pub fn app_name(&self) -> &str {
        self.app.as_str().split('@').next().unwrap_or_default()
    }

    /// What it stands for, as a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        let pause = match self.pause {
            0 => String::new(),
            pause => format!(", and has been for {}", duration::format(pause)),
        };
        format!(
            "{} goes on to {} once it is ready on {}{pause}.",
            self.app_name(),
            self.next.join(", "),
            self.former.join(", ")
        )
    }
}
