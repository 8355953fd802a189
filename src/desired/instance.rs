//! One resource of a spec: where it is declared, what it needs, and what steers Atlas about it.

use std::sync::Arc;

use crate::address::Address;
use crate::diagnostic::Span;
use crate::identity::Identity;
use crate::kind::{Facts, KindRef, Outputs, Resource};
use crate::value::{Attributes, Text};

/// One resource at one place.
#[derive(Debug)]
pub struct Instance {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: KindRef,
    /// The block that declares it.
    pub declaration: Arc<Declaration>,
    /// Its attributes in normal form; references in them are not resolved yet.
    pub attributes: Attributes,
    /// The deterministic name of its object, hosts first: `region/us-east-1/bucket/us-east-1-audit-logs`.
    pub identity: Identity,
    /// In what it lives. With more than one, any of them will do.
    pub hosts: Vec<Address>,
    /// The resources that it refers to or names in `depends_on`.
    pub references: Vec<Edge>,
    /// The resources that it only names. What they are called is known before they are there, so it does not need them, and
    /// each may name the other.
    pub names: Vec<Edge>,
    /// What steers Atlas rather than the object.
    pub settings: Settings,
}

/// The block of the spec that declares a resource.
#[derive(Debug)]
pub struct Declaration {
    /// The name behind the kind.
    pub name: Text,
    /// Where the name stands.
    pub header: Span,
    /// Which block of the spec it is. The content of the blocks is let go of once the spec is compiled.
    pub(crate) block: usize,
}

/// One resource needs another.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The resource that is needed.
    pub to: Address,
    /// The attribute that needs it: `dead_letter.queue`, `depends_on`.
    pub attribute: Text,
    /// Where that stands in the spec.
    pub span: Span,
    /// Whether this one waits while the other does not answer. A database needs its regions to be in order before it,
    /// and goes on without one of them.
    pub blocks: bool,
}

/// The attributes that every kind takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Never delete or replace the object.
    pub protect: bool,
    /// Attribute paths that are left to others once the object exists.
    pub ignore: Vec<String>,
    /// Attribute paths that stay as they were when the object was made: what was made by chance. One that is gone is made again.
    pub kept: Vec<String>,
    /// How long one step may take, in seconds.
    pub timeout: u64,
    /// What happens to the object when the block is removed.
    pub on_remove: OnRemove,
    /// The address that the resource had before.
    pub renamed_from: Option<Address>,
    /// Whether the object's name is the one that follows from that address, as the block says none.
    pub keeps_name: bool,
    /// What holds between Atlas and others who write the same object.
    pub fields: FieldRules,
}

/// What holds between Atlas and others who write the same object, where an API tells who wrote which field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldRules {
    /// What is taken from those who declare it too, and otherwise.
    pub take_over: TakeOver,
    /// Those to whom everything is left that they own, whether it is wanted or not.
    pub left_to: Vec<String>,
}

/// Which fields are taken from others who declare them too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TakeOver {
    /// None: that two want different things is told.
    #[default]
    Nothing,
    /// Whatever is wanted.
    Everything,
    /// Those at and below these JSON pointers.
    Fields(Vec<String>),
}

/// What happens to an object when its block is removed from the spec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnRemove {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays, and Atlas lets go of it.
    Forget,
}

impl Settings {
    /// The attribute paths that are no part of what is applied.
    #[must_use]
    pub fn unapplied(&self) -> Vec<String> {
        self.ignore.iter().chain(&self.kept).cloned().collect()
    }
}

impl Instance {
    /// The resource as the checks of its kind see it.
    #[must_use]
    pub fn as_resource(&self) -> Resource<'_> {
        let header = self.declaration.header;
        Resource { address: &self.address, attributes: &self.attributes, hosts: &self.hosts, header }
    }

    /// The region or cluster that it stands at, if its kind stands in several.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.address.place()
    }

    /// What its object is called where it lives. A cluster has no attribute for that, and keeps the name under which it was
    /// made; a region is called what AWS calls it.
    #[must_use]
    pub fn object_name(&self) -> &str {
        let former = self.settings.renamed_from.as_ref().filter(|_| self.settings.keeps_name);
        let default = former.map_or(self.declaration.name.as_str(), Address::name);
        self.attributes.get("name").as_str().unwrap_or(default)
    }

    /// The outputs that follow from the spec and from its host, whether its object is there or not.
    #[must_use]
    pub fn foretold(&self, host: Option<&Outputs>) -> Outputs {
        let (name, place) = (self.address.name(), self.place());
        self.kind.derive_outputs(&Facts { attributes: &self.attributes, name, place, host })
    }

    /// Everything that has to be in order before it: hosts, references, `depends_on`.
    pub fn needs(&self) -> impl Iterator<Item = &Address> {
        self.hosts.iter().chain(self.references.iter().map(|edge| &edge.to))
    }
}
