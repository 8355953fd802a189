//! What was observed in the world, and the marks that say what of it is Atlas's own.

mod condition;
mod delivered;
mod trials;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::{Deserialize, Serialize};

pub use condition::Condition;
pub use delivered::DeliveredObject;

use crate::address::Address;
use crate::desired::OnRemove;
use crate::identity::{Identity, host_of};
use crate::kind::{Count, KindRef, Outputs, Usage};
use crate::mutation::{Mutation, broken};
use crate::value::{Attributes, Text};

/// The ownership mark that every object carries: the truth about who made it, as what, and from what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The project that owns the object.
    pub project: Text,
    /// The environment that it belongs to.
    pub environment: Text,
    /// The resource that it is the object of.
    pub address: Address,
    /// Whether it may never be destroyed.
    pub protect: bool,
    /// What happens to it when its resource leaves the spec.
    #[serde(default)]
    pub on_remove: OnRemove,
    /// What it needed when it was last applied, ordered: tells the order of deletion once the spec no longer does.
    #[serde(default)]
    pub needs: Vec<Address>,
    /// What was last applied, as [`Attributes::fingerprint`] writes it.
    pub applied: String,
}

/// Who owns objects: a project in one of its environments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The project.
    pub project: Text,
    /// The environment.
    pub environment: Text,
}

impl Owner {
    /// A project in an environment.
    #[must_use]
    pub fn new(project: &str, environment: &str) -> Self {
        Self { project: project.into(), environment: environment.into() }
    }

    /// Whether a mark is this owner's.
    #[must_use]
    pub fn has(&self, mark: &Mark) -> bool {
        mark.project == self.project && mark.environment == self.environment
    }
}

/// One object in the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: KindRef,
    /// Its deterministic name, hosts first.
    pub identity: Identity,
    /// The identities of what it lives in.
    pub hosts: Vec<Identity>,
    /// Its attributes in normal form.
    pub attributes: Attributes,
    /// What else it tells.
    pub outputs: Outputs,
    /// What it holds.
    pub usage: Usage,
    /// Its ownership mark; none when nobody's engine made it.
    pub mark: Option<Mark>,
    /// Whether it is there in any case, for others to live in: a region of AWS, which Atlas uses and neither makes nor
    /// removes.
    pub external: bool,
    /// What it has besides its attributes, of which the spec says nothing: attributes of an object that is nobody's. Taking it over
    /// leaves them as they are.
    pub unsaid: Vec<String>,
    /// How it is besides its attributes. Nothing can be said about what lives in an object that is not ready.
    pub condition: Condition,
}

/// Everything that was observed in one run.
#[derive(Debug, Default)]
pub struct Observed {
    objects: Vec<Object>,
    hasher: RandomState,
    by_identity: HashTable<usize>,
    by_address: HashTable<usize>,
    /// Objects with a mark that another object carries as well, after a replacement was interrupted.
    again: Vec<(Address, usize)>,
    unreachable: BTreeMap<Identity, String>,
    made: BTreeSet<Address>,
    listed: HashSet<Identity>,
    locations: Locations,
    /// Objects that can't be changed to what is wanted of them, and why.
    fixed: HashMap<Identity, String>,
    /// Objects that are to be made and that their API would refuse, and why.
    refused: BTreeMap<Identity, String>,
    /// Objects of which others declare a part otherwise, and who.
    contested: BTreeMap<Identity, String>,
    /// What somebody else delivers for apps.
    delivered: HashSet<DeliveredObject>,
    /// Objects of which nobody can say beforehand what they would become, and why.
    untried: BTreeMap<Identity, String>,
}

impl Mark {
    /// The mark of an owner's resource of which nothing was applied yet.
    #[must_use]
    pub fn unapplied(owner: &Owner, address: Address) -> Self {
        Self {
            project: owner.project.clone(),
            environment: owner.environment.clone(),
            address,
            protect: false,
            on_remove: OnRemove::Delete,
            needs: Vec::new(),
            applied: String::new(),
        }
    }

    /// The digest of what was last applied to an attribute; none when nothing was.
    #[must_use]
    pub fn digest_of(&self, attribute: &str) -> Option<&str> {
        self.applied.split(' ').find_map(|pair| pair.strip_prefix(attribute)?.strip_prefix(':'))
    }
}

impl Object {
    /// Whether this project and environment own the object.
    #[must_use]
    pub fn belongs_to(&self, project: &str, environment: &str) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.project == project && mark.environment == environment)
    }

    /// The resource that its mark names.
    #[must_use]
    pub fn resource(&self) -> Option<&Address> {
        self.mark.as_ref().map(|mark| &mark.address)
    }

    /// Who owns it, in words.
    #[must_use]
    pub fn owner(&self) -> String {
        match &self.mark {
            Some(mark) => format!("{} of project {}, environment {}", mark.address, mark.project, mark.environment),
            None => "nobody that Atlas knows".into(),
        }
    }
}

/// What the sessions spoke to for an object, where the outputs of its hosts do not tell it: an engine, say. By the identity of
/// the object.
pub type Locations = HashMap<Identity, Arc<str>>;

/// Where something happens to an object, in words: what it and its hosts are on, and what its hosts tell; empty where nothing
/// tells it.
#[must_use]
pub fn whereabouts<'a>(
    locations: &Locations,
    own: impl Iterator<Item = &'a Identity>,
    hosts: impl Iterator<Item = &'a Identity>,
    object: impl Fn(&str) -> Option<&'a Object>,
) -> String {
    let on = |identity: &str| locations.get(identity).map(|place| place.to_string());
    let mut told: Vec<String> = own.filter_map(|identity| on(identity.as_str())).collect();
    for mut host in hosts.map(Identity::as_str) {
        loop {
            told.extend(on(host));
            let outputs = object(host).into_iter().flat_map(|object| object.outputs.iter());
            let words: Vec<String> = outputs.map(|(name, value)| format!("{name} {value}")).collect();
            told.extend((!words.is_empty()).then(|| format!("{host}: {}", words.join(", "))));
            match host_of(host) {
                Some(above) => host = above,
                None => break,
            }
        }
    }
    told.sort();
    told.dedup();
    told.join("; ")
}

impl Observed {
    /// Indexes what was observed for one owner. What was seen more than once, as two names may lead to one
    /// engine, counts once.
    #[must_use]
    pub fn new(
        owner: &Owner,
        objects: Vec<Object>,
        unreachable: BTreeMap<Identity, String>,
        made: BTreeSet<Address>,
        listed: HashSet<Identity>,
    ) -> Self {
        let unreachable = if broken(Mutation::TakeUnreachableForAbsent) { BTreeMap::new() } else { unreachable };
        let hasher = RandomState::default();
        let by_identity = HashTable::with_capacity(objects.len());
        let by_address = HashTable::with_capacity(objects.len());
        let again = Vec::new();
        let mut observed = Self {
            objects,
            hasher,
            by_identity,
            by_address,
            again,
            unreachable,
            made,
            listed,
            locations: Locations::default(),
            fixed: HashMap::default(),
            refused: BTreeMap::new(),
            contested: BTreeMap::new(),
            delivered: HashSet::default(),
            untried: BTreeMap::new(),
        };
        let again: HashSet<usize> = (0..observed.objects.len()).filter(|at| !observed.index_identity(*at)).collect();
        if !again.is_empty() {
            let mut at = 0..;
            observed.objects.retain(|_| at.next().is_none_or(|at| !again.contains(&at)));
            observed.by_identity.clear();
            for at in 0..observed.objects.len() {
                observed.index_identity(at);
            }
        }
        (0..observed.objects.len()).for_each(|at| observed.index_address(at, owner));
        observed
    }

    /// Tells what the sessions spoke to for objects, where the outputs of their hosts do not.
    #[must_use]
    pub fn at_locations(mut self, locations: Locations) -> Self {
        self.locations = locations;
        self
    }

    /// Tells what somebody else delivers for apps.
    #[must_use]
    pub fn with_delivered(mut self, delivered: Vec<DeliveredObject>) -> Self {
        self.delivered.extend(delivered);
        self
    }

    /// Whether somebody else delivers an object for an app.
    #[must_use]
    pub fn is_delivered(&self, app: &Address, object: &Identity) -> bool {
        !self.delivered.is_empty() && DeliveredObject::of(app, object).is_some_and(|one| self.delivered.contains(&one))
    }

    /// Where an object of this identity is or would be, in words; empty where nothing tells it.
    #[must_use]
    pub fn place_of(&self, identity: &Identity) -> String {
        let host = identity.host();
        whereabouts(&self.locations, [identity].into_iter(), host.iter(), |host| self.at(host))
    }

    /// What the sessions spoke to for objects, where the outputs of their hosts do not tell it.
    #[must_use]
    pub const fn locations(&self) -> &Locations {
        &self.locations
    }

    /// Indexes an object by its identity, unless one of the same identity is there; whether it did.
    fn index_identity(&mut self, at: usize) -> bool {
        let (objects, hasher) = (&self.objects, &self.hasher);
        let same = |other: &usize| objects[*other].identity == objects[at].identity;
        let hash = |other: &usize| hasher.hash_one(objects[*other].identity.as_str());
        match self.by_identity.entry(hash(&at), same, hash) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(at);
                true
            }
        }
    }

    fn index_address(&mut self, at: usize, owner: &Owner) {
        let (objects, hasher) = (&self.objects, &self.hasher);
        let object = &objects[at];
        let Some(address) = object.mark.as_ref().filter(|mark| owner.has(mark)).map(|mark| &mark.address) else {
            return;
        };
        let hash = |other: &usize| hasher.hash_one(objects[*other].resource());
        match self.by_address.entry(hash(&at), |other| objects[*other].resource() == Some(address), hash) {
            Entry::Occupied(_) => self.again.push((address.clone(), at)),
            Entry::Vacant(place) => drop(place.insert(at)),
        }
    }

    /// Every object that was seen, whoever owns it.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The object with this deterministic name.
    #[must_use]
    pub fn at(&self, identity: &str) -> Option<&Object> {
        self.position(identity).map(|at| &self.objects[at])
    }

    /// Where among [`Observed::objects`] the object with this deterministic name is.
    #[must_use]
    pub fn position(&self, identity: &str) -> Option<usize> {
        let hash = self.hasher.hash_one(identity);
        self.by_identity.find(hash, |at| self.objects[*at].identity == identity).copied()
    }

    /// This project's objects that are marked with an address: one, or two while a replacement was interrupted.
    pub fn marked<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = &'a Object> {
        let again = self.again.iter().filter(move |(other, _)| other == address).map(|(_, at)| at);
        let hash = self.hasher.hash_one(Some(address));
        let first = self.by_address.find(hash, |at| self.objects[*at].resource() == Some(address));
        first.into_iter().chain(again).map(|at| &self.objects[*at])
    }

    /// The objects of this project and environment that `wanted` says yes to, by position and by itself, ordered by
    /// address.
    pub fn owned(&self, wanted: impl Fn(usize, &Object) -> bool) -> impl Iterator<Item = (&Address, &Object)> {
        let places = self.by_address.iter().chain(self.again.iter().map(|(_, at)| at));
        let places = places.filter(|at| wanted(**at, &self.objects[**at]));
        let mut owned: Vec<(&Address, &Object)> =
            places.map(|at| &self.objects[*at]).filter_map(|object| Some((object.resource()?, object))).collect();
        owned.sort_by(|a, b| (a.0, &a.1.identity).cmp(&(b.0, &b.1.identity)));
        owned.into_iter()
    }

    /// The resource of this project and environment whose object has this deterministic name.
    #[must_use]
    pub fn owner_of(&self, identity: &str) -> Option<&Address> {
        let address = self.at(identity)?.resource()?;
        self.marked(address).any(|object| object.identity == identity).then_some(address)
    }

    /// Why this object could not be observed, if it or something that it lives in did not answer.
    #[must_use]
    pub fn why_unreachable(&self, identity: &str) -> Option<&str> {
        if self.unreachable.is_empty() {
            return None;
        }
        let mut chain = identity;
        loop {
            if let Some(reason) = self.unreachable.get(chain) {
                return Some(reason);
            }
            chain = host_of(chain)?;
        }
    }

    /// The object that an identity names as its host, when that was seen.
    #[must_use]
    pub fn host_of(&self, identity: &str) -> Option<&Object> {
        self.at(host_of(identity)?)
    }

    /// Learns what an object holds; whether that is news.
    pub fn learn_usage(&mut self, identity: &str, usage: Usage) -> bool {
        let Some(object) = self.position(identity).map(|at| &mut self.objects[at]) else { return false };
        let all = |(counter, count): (Text, Count)| (counter, Count::Exactly(count.least()));
        let bound = broken(Mutation::TakeABoundForAll);
        let usage = if bound { usage.into_iter().map(all).collect() } else { usage };
        let news = object.usage != usage;
        object.usage = usage;
        news
    }

    /// Learns what an object is in the words of what is wanted of it. Where nobody touched what Atlas applied, whatever differs
    /// is a change that is asked for now.
    pub fn learn_preview(
        &mut self,
        identity: &Identity,
        attributes: Attributes,
        is_touched: bool,
        fixed: Option<String>,
    ) {
        let Some(object) = self.position(identity).map(|at| &mut self.objects[at]) else { return };
        if let Some(mark) = object.mark.as_mut().filter(|mark| !is_touched && !mark.applied.is_empty()) {
            mark.applied = attributes.fingerprint();
        }
        object.attributes = attributes;
        if let Some(why) = fixed {
            self.fixed.insert(identity.clone(), why);
        }
    }

    /// Why an object can't be changed to what is wanted of it and has to be made anew; none where it can.
    #[must_use]
    pub fn why_fixed(&self, identity: &Identity) -> Option<&str> {
        self.fixed.get(identity).map(String::as_str)
    }

    /// Learns of objects that no listing showed before; whether there were any.
    pub fn add(&mut self, owner: &Owner, objects: Vec<Object>) -> bool {
        let before = self.objects.len();
        for object in objects {
            if self.position(&object.identity).is_none() {
                let at = self.objects.len();
                self.objects.push(object);
                self.index_identity(at);
                self.index_address(at, owner);
            }
        }
        self.objects.len() > before
    }

    /// Learns that a host, or something in it, can't be looked at after all, and why.
    pub fn lose(&mut self, hidden: Identity, reason: String) {
        self.listed.remove(hidden.as_str());
        if !broken(Mutation::TakeUnreachableForAbsent) {
            self.unreachable.insert(hidden, reason);
        }
    }

    /// What did not answer, by identity, and why.
    #[must_use]
    pub const fn unreachable(&self) -> &BTreeMap<Identity, String> {
        &self.unreachable
    }

    /// Whether all that lives in a host was listed. Of any other host nobody knows what it holds: it did not answer, it is
    /// not ready, or no driver knows what can live there.
    #[must_use]
    pub fn is_listed(&self, identity: &str) -> bool {
        self.listed.contains(identity)
    }

    /// The resources whose objects the world remembers as made by Atlas.
    pub fn made(&self) -> impl Iterator<Item = &Address> {
        self.made.iter()
    }

    /// Whether the world remembers that Atlas made this resource's object once and never removed it.
    #[must_use]
    pub fn was_made(&self, address: &Address) -> bool {
        self.made.contains(address)
    }
}
