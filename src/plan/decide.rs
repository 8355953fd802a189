//! What to do about each resource that the spec has, hosts first.

mod creation;
mod fate;
mod find;

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use super::action::{Action, Cause, Order};
use super::change::{AttributeChange, Blocked, Change, Target};
use super::diff;
use super::options::{Options, selected};
use super::refusal::{loss, mark_changes, not_as_it_is, protected};
use super::resolve::{Facts, Known};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::graph::DependencyGraph;
use crate::kind::{self, Outputs, Usage};
use crate::mutation::{Mutation, broken};
use crate::observed::{Mark, Object, Observed};
use crate::recorded::Recorded;
use crate::spec::{Desired, Instance};
use crate::value::{Attributes, Value};

/// What becomes of a resource, as those that need it see it.
#[derive(Clone, Debug)]
enum Fate {
    /// Its object is there and stays.
    Stays,
    /// Its object is there and ill, and is made well again in this plan.
    Woken,
    /// Its object is made in this plan.
    Made,
    /// Its object is replaced in this plan.
    Replaced(Order),
    /// Nothing can be said or done about it in this plan.
    Blocked(Box<Blocked>),
}

/// Where a resource's object is.
enum Found<'a> {
    /// Where it belongs.
    Here(&'a Object),
    /// Under another identity: it was renamed or moved in the spec.
    Elsewhere(&'a Object),
    /// Something is there that is not ours.
    Foreign(&'a Object),
    Nothing,
}

/// The planner at work: what it knows, and what it has decided so far.
pub struct Decider<'a> {
    desired: &'a Desired,
    graph: &'a DependencyGraph,
    recorded: &'a Recorded,
    observed: &'a Observed,
    options: &'a Options,
    /// What is known of the resources that others refer to or live in.
    pub known: Known<'a>,
    /// The resources whose outputs or attributes may be asked for.
    referenced: HashSet<&'a Address>,
    /// Those of them whose attributes are, and not only their outputs.
    quoted: HashSet<Address>,
    fates: HashMap<&'a Address, Fate>,
    /// The identities whose objects belong to a resource of the spec.
    pub claimed: HashSet<&'a str>,
    /// What was decided, hosts first; without what stays as it is.
    pub changes: Vec<Change>,
    /// How many stay as they are.
    pub unchanged: usize,
}

impl<'a> Decider<'a> {
    pub fn new(
        desired: &'a Desired,
        graph: &'a DependencyGraph,
        recorded: &'a Recorded,
        observed: &'a Observed,
        options: &'a Options,
    ) -> Self {
        let needs = |instance: &'a Instance| instance.needs();
        let size = desired.instances().len();
        Self {
            desired,
            graph,
            recorded,
            observed,
            options,
            known: Known::with_capacity(size),
            referenced: desired.objects().flat_map(needs).collect(),
            quoted: quoted(desired),
            fates: HashMap::with_capacity(size),
            claimed: HashSet::with_capacity(size),
            changes: Vec::new(),
            unchanged: 0,
        }
    }

    /// Decides about every resource of the spec.
    pub fn run(&mut self, diagnostics: &mut Diagnostics) {
        let graph = self.graph;
        let desired = self.desired;
        for instance in graph.order().filter_map(|address| desired.get(address)) {
            let fate = self.decide(instance, diagnostics);
            self.fates.insert(&instance.address, fate);
        }
    }

    /// What can't be observed, for a plan that destroys: it stays until its host answers again.
    pub fn unreached(&mut self) {
        let (graph, desired) = (self.graph, self.desired);
        for instance in graph.order().filter_map(|address| desired.get(address)) {
            let Some(blocked) = self.silent(instance) else {
                self.fates.insert(&instance.address, Fate::Stays);
                continue;
            };
            self.changes.push(self.waiting(instance, blocked.clone()));
            self.fates.insert(&instance.address, Fate::Blocked(Box::new(blocked)));
        }
    }

    fn decide(&mut self, instance: &'a Instance, diagnostics: &mut Diagnostics) -> Fate {
        if let Some(blocked) = self.silent(instance) {
            let after = self.known.resolve(instance.kind, &instance.attributes);
            // Whatever a provider saw of it all the same is no orphan.
            self.claimed.extend(self.observed.marked(&instance.address).map(|object| object.identity.as_str()));
            self.learn(instance, &after, Outputs::new());
            self.changes.push(self.waiting(instance, blocked.clone()));
            return Fate::Blocked(Box::new(blocked));
        }
        let found = self.find(instance);
        if let Found::Here(object) = found
            && (object.given || self.plain(instance) && self.is_unchanged(instance, object))
        {
            self.claimed.insert(&object.identity);
            self.unchanged += 1;
            self.remember(instance, object);
            return Fate::Stays;
        }
        let after = self.known.resolve(instance.kind, &instance.attributes);
        let object = match found {
            Found::Foreign(object) if !selected(&self.options.adopt, &instance.address) => {
                self.learn(instance, &after, Outputs::new());
                // An object of its own under another name stays until this is settled.
                self.claimed.extend(self.observed.marked(&instance.address).map(|object| object.identity.as_str()));
                return self.foreign(instance, object, diagnostics);
            }
            Found::Foreign(object) | Found::Here(object) | Found::Elsewhere(object) => Some(object),
            Found::Nothing => None,
        };
        if let Some(object) = object {
            self.claimed.insert(&object.identity);
        }
        let mut change = match object {
            Some(object) => self.existing(instance, &found, object, after.into_owned()),
            None => self.creation(instance, after.into_owned()),
        };
        self.protect(&change, diagnostics);
        if change.action.destroys() && !object.is_some_and(|object| self.ours(object)) {
            diagnostics.push(not_as_it_is(&change));
        }
        self.unset_references(instance, &change, diagnostics);
        let outputs = match (object, change.action) {
            (Some(object), Action::NoOp | Action::Update | Action::Adopt | Action::Forget) => object.outputs.clone(),
            _ => Outputs::new(),
        };
        if let Some(target) = &change.after {
            self.learn(instance, &target.attributes, outputs);
        }
        let ill = object.is_some_and(|object| object.ill.is_some());
        let fate = match change.action {
            Action::Create => Fate::Made,
            Action::Replace(order) => Fate::Replaced(order),
            Action::Update | Action::Adopt if ill => Fate::Woken,
            _ => Fate::Stays,
        };
        if change.action == Action::NoOp {
            self.unchanged += 1;
            return fate;
        }
        let waits = if change.action.makes() { self.waits_for(instance, change.action) } else { None };
        if let Some(blocked) = waits {
            change.blocked = Some(blocked.clone());
            self.changes.push(change);
            // What is there stays there; what is not there does not come.
            return if matches!(fate, Fate::Stays) { fate } else { Fate::Blocked(Box::new(blocked)) };
        }
        self.changes.push(change);
        fate
    }

    /// Whether nothing was asked about this resource in particular.
    fn plain(&self, instance: &Instance) -> bool {
        let address = &instance.address;
        instance.settings.ignore.is_empty()
            && !selected(&self.options.replace, address)
            && !selected(&self.options.forget, address)
    }

    /// Whether an object is as it should be, and what it needs as well: what is so of almost everything in almost every
    /// plan, told without making anything.
    fn is_unchanged(&self, instance: &Instance, object: &Object) -> bool {
        let Some(mark) = object.mark.as_ref().filter(|mark| mark.address == instance.address) else { return false };
        let settings = &instance.settings;
        let needs = self.graph.needs(&instance.address);
        object.ill.is_none()
            && self.known.matches(instance.kind, &instance.attributes, &object.attributes)
            && (mark.protect, mark.on_remove) == (settings.protect, settings.on_remove)
            && needs.iter().map(|(address, _)| *address).eq(&mark.needs)
            && needs.iter().all(|(address, _)| matches!(self.fates.get(*address), Some(Fate::Stays)))
    }

    fn existing(&self, instance: &'a Instance, found: &Found<'_>, object: &Object, mut after: Attributes) -> Change {
        diff::leave_ignored(instance.kind, &instance.settings.ignore, &object.attributes, &mut after);
        let mark = object.mark.as_ref();
        let mut attributes =
            diff::diff(instance.kind, &object.attributes, &after, mark.map(|mark| mark.applied.as_str()));
        let wanted = self.mark(instance);
        let renamed = mark.filter(|mark| mark.address != instance.address).map(|mark| mark.address.clone());
        if let Some(mark) = mark {
            attributes.extend(mark_changes(mark, &wanted));
        }
        attributes.extend(object.ill.as_deref().map(creation::illness));
        if attributes.is_empty() && mark.is_some() {
            attributes = self.replaced_references(instance, &after);
        }
        let drifted = attributes.iter().any(|change| change.drifted);
        let asked = attributes.iter().any(|change| !change.drifted);
        let replaced_need = self.replaced_need(instance);
        let forced = selected(&self.options.replace, &instance.address);
        let moved = matches!(found, Found::Elsewhere(_));
        let host_order = self.host_order(instance);
        let replaces = forced || moved || host_order.is_some() || attributes.iter().any(|change| change.replaces);
        let action = if selected(&self.options.forget, &instance.address) && mark.is_some() {
            Action::Forget
        } else if replaces {
            let free = self.observed.at(&instance.identity).is_none();
            let side_by_side = moved && free && instance.kind.coexists && host_order != Some(Order::DeleteFirst);
            Action::Replace(if side_by_side { Order::CreateFirst } else { Order::DeleteFirst })
        } else if matches!(found, Found::Foreign(_)) || mark.is_none() || renamed.is_some() {
            Action::Adopt
        } else if attributes.is_empty() {
            Action::NoOp
        } else {
            Action::Update
        };
        let only_unknown =
            !attributes.is_empty() && attributes.iter().all(|one| !one.is_known() || one.before == one.after);
        let (cause, reason) = match (&replaced_need, &renamed) {
            (Some(need), _) if host_order.is_some() || only_unknown => {
                (Cause::ReplacedDependency, format!("{need} is replaced"))
            }
            _ if action == Action::Forget => (Cause::Spec, "Atlas was asked to let go of it".into()),
            _ if matches!(found, Found::Foreign(_)) || mark.is_none() => {
                (Cause::Spec, format!("it exists and belonged to {}", object.owner()))
            }
            (_, Some(old)) => (Cause::Spec, format!("it was known as {old}")),
            _ if drifted && asked => {
                (Cause::Spec, "the spec changed, and so did the object, behind Atlas's back".into())
            }
            _ if drifted => (Cause::Drift, "was changed behind Atlas's back".into()),
            _ if forced => (Cause::Spec, "its replacement was asked for".into()),
            _ => (Cause::Spec, "the spec changed".into()),
        };
        let verdict = if action.destroys() {
            Some(loss(object))
        } else {
            (instance.kind.update_loss)(&object.attributes, &after, &object.usage)
        };
        Change {
            action,
            cause,
            reason,
            verdict,
            attributes,
            after: Some(self.target(instance, after, wanted)),
            before: Some(Target::of(object)),
            deferred: self.deferred(instance),
            ..self.blank(instance)
        }
    }

    /// Attributes that name a resource whose object is replaced: the new object has to be named again, although its
    /// address is the same.
    fn replaced_references(&self, instance: &Instance, after: &Attributes) -> Vec<AttributeChange> {
        let replaced = |edge: &&crate::spec::Edge| {
            let named = after.at(&edge.attribute).and_then(Value::as_str) == Some(edge.to.as_str());
            named && matches!(self.fates.get(&edge.to), Some(Fate::Replaced(_)))
        };
        let entry = |edge: &crate::spec::Edge| AttributeChange {
            path: edge.attribute.clone(),
            before: edge.to.as_str().into(),
            after: edge.to.as_str().into(),
            sensitive: false,
            replaces: false,
            drifted: false,
        };
        instance.references.iter().filter(replaced).map(entry).collect()
    }

    fn protect(&self, change: &Change, diagnostics: &mut Diagnostics) {
        let marked = change.before.as_ref().and_then(|target| target.mark.as_ref());
        if change.action.destroys() && marked.is_some_and(|mark| mark.protect && !broken(Mutation::IgnoreProtection)) {
            diagnostics.push(protected(change));
        }
    }

    /// A reference to an attribute that the other resource does not set can never be completed.
    fn unset_references(&self, instance: &Instance, change: &Change, diagnostics: &mut Diagnostics) {
        let Some(target) = &change.after else { return };
        for (_, value) in target.attributes.iter().filter(|(_, value)| !value.is_known()) {
            value.visit_references(&mut |reference| {
                let first = reference.path.split('.').next().unwrap_or_default();
                let output = kind::get(reference.address.kind()).is_some_and(|kind| kind.output(first).is_some());
                let unset = self
                    .known
                    .get(&reference.address)
                    .is_some_and(|facts| facts.attributes.at(&reference.path).is_none_or(Value::is_null));
                if unset && !output {
                    let edge = instance.references.iter().find(|edge| edge.to == reference.address);
                    let detail = format!("{} does not set `{}`", reference.address, reference.path);
                    diagnostics.push(
                        Diagnostic::error("reference to an attribute that is not set", detail)
                            .at(edge.map_or(instance.declaration.header, |edge| edge.span))
                            .hint(format!("set `{}` there, or remove the reference", reference.path))
                            .of(&instance.address),
                    );
                }
            });
        }
    }

    /// Learns about a resource whose object is there and tells all its outputs itself.
    fn remember(&mut self, instance: &'a Instance, object: &'a Object) {
        if self.referenced.contains(&instance.address) {
            let quoted = self.quoted.contains(&instance.address);
            let attributes = Cow::Borrowed(if quoted { &object.attributes } else { &instance.attributes });
            let facts = Facts { attributes, outputs: Cow::Borrowed(&object.outputs) };
            self.known.learn(instance.address.clone(), facts);
        }
    }

    fn learn(&mut self, instance: &'a Instance, attributes: &Attributes, mut outputs: Outputs) {
        if !self.referenced.contains(&instance.address) {
            return;
        }
        let host = instance.hosts.first().and_then(|host| self.known.get(host)).map(|facts| facts.outputs.as_ref());
        let facts = kind::Facts { attributes, name: &instance.declaration.name, place: instance.place(), host };
        for (name, value) in instance.kind.derive_outputs(&facts) {
            if !outputs.contains_key(&name) {
                outputs.insert(name, value);
            }
        }
        let facts = Facts { attributes: self.quotable(instance, attributes), outputs: Cow::Owned(outputs) };
        self.known.learn(instance.address.clone(), facts);
    }

    /// The attributes that others may ask for: those of the spec, unless more is known and somebody does ask.
    fn quotable(&self, instance: &'a Instance, attributes: &Attributes) -> Cow<'a, Attributes> {
        if self.quoted.contains(&instance.address) && *attributes != instance.attributes {
            return Cow::Owned(attributes.clone());
        }
        Cow::Borrowed(&instance.attributes)
    }

    fn waiting(&self, instance: &'a Instance, blocked: Blocked) -> Change {
        let reason = blocked.words(&instance.address);
        Change { reason, blocked: Some(blocked), ..self.blank(instance) }
    }

    fn blank(&self, instance: &Instance) -> Change {
        let needs = self.graph.needs(&instance.address);
        Change {
            address: instance.address.clone(),
            kind: instance.kind,
            action: Action::NoOp,
            cause: Cause::Spec,
            reason: String::new(),
            deferred: None,
            unsure: false,
            blocked: None,
            verdict: None,
            depends_on: needs.into_iter().map(|(address, _)| address.clone()).collect(),
            attributes: Vec::new(),
            hosts: instance.hosts.clone(),
            after: None,
            before: None,
            timeout: instance.settings.timeout,
            span: Some(instance.declaration.header),
        }
    }

    fn target(&self, instance: &Instance, attributes: Attributes, mark: Mark) -> Target {
        let hosts = instance.hosts.iter().filter_map(|host| self.desired.get(host)).map(|host| host.identity.clone());
        Target {
            identity: instance.identity.clone(),
            hosts: hosts.collect(),
            attributes,
            usage: Usage::new(),
            mark: Some(mark),
            unmarked: self.recorded.intended(&instance.identity) && !broken(Mutation::TrustListings),
        }
    }

    fn mark(&self, instance: &Instance) -> Mark {
        Mark {
            project: self.desired.project.clone(),
            environment: self.desired.environment.clone(),
            address: instance.address.clone(),
            protect: instance.settings.protect,
            on_remove: instance.settings.on_remove,
            needs: self.graph.needs(&instance.address).into_iter().map(|(address, _)| address.clone()).collect(),
            applied: String::new(),
        }
    }
}

impl Target {
    /// An object as it was observed.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        Self {
            identity: object.identity.clone(),
            hosts: object.hosts.clone(),
            attributes: object.attributes.clone(),
            usage: object.usage.clone(),
            mark: object.mark.clone(),
            unmarked: false,
        }
    }
}

/// The resources to whose attributes others refer.
fn quoted(desired: &Desired) -> HashSet<Address> {
    let mut quoted = HashSet::default();
    let values = desired.objects().flat_map(|instance| instance.attributes.iter());
    for (_, value) in values.filter(|(_, value)| !value.is_known()) {
        value.visit_references(&mut |reference| {
            let first = reference.path.split('.').next().unwrap_or_default();
            let output = kind::get(reference.address.kind()).is_some_and(|kind| kind.output(first).is_some());
            if !output {
                quoted.insert(reference.address.clone());
            }
        });
    }
    quoted
}
