//! What the spec asks for, ready for the graph and the planner.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;

use super::records::RecordsUrl;
use crate::address::Address;
use crate::diagnostic::Span;
use crate::identity::Identity;
use crate::kind::Kind;
use crate::value::{Attributes, Text, Value};

/// The whole spec, for one environment, with everything that can be known from it.
#[derive(Debug, Default)]
pub struct Desired {
    /// The project's name: part of every ownership mark.
    pub project: String,
    /// The environment's name: part of every ownership mark.
    pub environment: String,
    /// The environments that the spec declares, this one among them.
    pub environments: Vec<String>,
    /// The world that the environment is in.
    pub world: World,
    /// Where its records are, when not beside the spec.
    pub records: Option<RecordsUrl>,
    instances: Vec<Instance>,
    index: HashMap<Address, usize>,
    kinds: BTreeMap<&'static str, Vec<usize>>,
    /// Where the charts of the apps are named, in the order of the apps.
    pub(super) charts: Vec<Span>,
}

/// Where resources are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum World {
    /// By the drivers of the real world.
    #[default]
    Real,
    /// In the embedded world.
    Sandbox,
}

/// One resource at one place.
#[derive(Debug)]
pub struct Instance {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: &'static Kind,
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
    pub(super) block: usize,
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
    /// How long one step may take, in seconds.
    pub timeout: u64,
    /// What happens to the object when the block is removed.
    pub on_remove: OnRemove,
    /// The address that the resource had before.
    pub renamed_from: Option<Address>,
    /// Whether the object's name is the one that follows from that address, as the block says none.
    pub keeps_name: bool,
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

impl Desired {
    /// Takes the instances of a spec.
    #[must_use]
    pub fn new(project: String, environment: String, world: World, mut instances: Vec<Instance>) -> Self {
        instances.sort_by(|a, b| a.address.cmp(&b.address));
        let mut kinds: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (at, instance) in instances.iter().enumerate() {
            kinds.entry(instance.kind.name).or_default().push(at);
        }
        let index = instances.iter().enumerate().map(|(at, instance)| (instance.address.clone(), at)).collect();
        Self {
            project,
            environment,
            environments: Vec::new(),
            world,
            records: None,
            instances,
            index,
            kinds,
            charts: Vec::new(),
        }
    }

    /// Every resource, ordered by address.
    #[must_use]
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// Every resource that stands for an object, ordered by address.
    pub fn objects(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|instance| instance.kind.object)
    }

    /// The resource with this address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Instance> {
        self.index.get(address).map(|at| &self.instances[*at])
    }

    /// The resources of one kind, ordered by address.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Instance> {
        self.kinds.get(kind).into_iter().flatten().map(|at| &self.instances[*at])
    }

    /// The folders whose content belongs to the spec: the charts of its apps, with where each is named.
    pub fn folders(&self) -> impl Iterator<Item = (&str, Span, &Instance)> {
        let apps = self.of_kind("app").zip(&self.charts);
        apps.filter_map(|(app, span)| app.attributes.get("chart").as_str().map(|chart| (chart, *span, app)))
    }

    /// Makes the content of folders part of the spec: `charts/ledger-app` becomes `charts/ledger-app@sha256:…`, so
    /// that an edited chart is a change like any other.
    pub fn attach(&mut self, digests: &BTreeMap<String, String>) {
        for at in self.kinds.get("app").into_iter().flatten() {
            let attributes = &mut self.instances[*at].attributes;
            let chart = attributes.get("chart").as_str().unwrap_or_default();
            if let Some(digest) = digests.get(chart) {
                let pinned = format!("{chart}@sha256:{digest}");
                attributes.set("chart", Value::String(pinned.into()));
            }
        }
    }

    pub(super) fn instances_mut(&mut self) -> &mut [Instance] {
        &mut self.instances
    }
}

impl Instance {
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

    /// Everything that has to be in order before it: hosts, references, `depends_on`.
    pub fn needs(&self) -> impl Iterator<Item = &Address> {
        self.hosts.iter().chain(self.references.iter().map(|edge| &edge.to))
    }
}
