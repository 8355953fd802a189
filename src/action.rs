//! The closed set of actions, the reasons for them, and what the steps of each do.

use serde::Serialize;

/// What is done about one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Nothing: it is as the spec says.
    NoOp,
    /// Its object is made.
    Create,
    /// Its object is changed in place.
    Update,
    /// Its object is deleted and made anew, in this order.
    Replace(Order),
    /// Its object is deleted.
    Delete,
    /// An object that exists already becomes Atlas's, under this address.
    Adopt,
    /// Atlas lets go of the object, which stays.
    Forget,
}

/// In which order a replacement happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// The old object goes first: both would have the same name.
    DeleteFirst,
    /// The new object is there before the old one goes: their names differ.
    CreateFirst,
}

/// Why something is done. It is for people; execution never reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The spec asks for what is not so yet.
    Spec,
    /// The object is not as Atlas last made it.
    Drift,
    /// Atlas made the object, and it is gone.
    Missing,
    /// Atlas made the object, and the spec no longer has it.
    Orphan,
    /// Something that it needs is replaced.
    ReplacedDependency,
}

/// What a step does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Makes it.
    Create,
    /// Changes it in place.
    Update,
    /// Deletes it.
    Delete,
    /// Marks it as Atlas's, under this address.
    Adopt,
    /// Removes Atlas's mark from it.
    Forget,
}

impl Action {
    /// The word that JSON has.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoOp => "no-op",
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace(_) => "replace",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
        }
    }

    /// The word for what was done.
    #[must_use]
    pub const fn past(self) -> &'static str {
        match self {
            Self::NoOp => "left as it is",
            Self::Create => "created",
            Self::Update => "updated",
            Self::Replace(_) => "replaced",
            Self::Delete => "deleted",
            Self::Adopt => "adopted",
            Self::Forget => "forgotten",
        }
    }

    /// The symbol in front of an address.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::NoOp => " ",
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace(Order::DeleteFirst) => "-/+",
            Self::Replace(Order::CreateFirst) => "+/-",
            Self::Delete => "-",
            Self::Adopt => ">",
            Self::Forget => "<",
        }
    }

    /// Whether an object is destroyed.
    #[must_use]
    pub const fn destroys(self) -> bool {
        matches!(self, Self::Replace(_) | Self::Delete)
    }

    /// Whether the resource is there, as the spec says, once it is done.
    #[must_use]
    pub const fn makes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Replace(_) | Self::Adopt)
    }
}

impl Verb {
    /// The word that people and JSON read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
        }
    }

    /// Whether the object is not Atlas's any more once it is done.
    #[must_use]
    pub const fn removes(self) -> bool {
        matches!(self, Self::Delete | Self::Forget)
    }
}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
