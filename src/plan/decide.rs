//! What to do about each resource that the spec has, hosts first.

mod cause;
mod claim;
mod creation;
mod disposition;
mod find;
mod learn;

use std::cell::OnceCell;

use foldhash::{HashMap, HashSet};

use super::baseline::Baseline;
use super::change::{AttributeChange, Blocked, Change, Drifted, Target};
use super::claims::{Claimants, swaps};
use super::diff;
use super::drift::is_only_begun;
use super::handover;
use super::hold::unseen_with;
use super::known::Known;
use super::options::{Options, selected};
use super::refusal::{left_out, mark_changes, not_as_it_is, not_its_name, protected};
use super::resolve::Resolver as _;
use crate::action::{Action, Cause, Order};
use crate::address::Address;
use crate::desired::{Desired, Edge, Instance};
use crate::diagnostic::Diagnostics;
use crate::graph::{DependencyGraph, Position};
use crate::kind::{Outputs, Places, Usage, Verdict};
use crate::mutation::{Mutation, broken};
use crate::observed::{Condition, Mark, Object, Observed};
use crate::recorded::Recorded;
use crate::value::{Attributes, Value};
use cause::Circumstances;

/// What becomes of a resource, as those that need it see it.
#[derive(Clone, Debug)]
enum Disposition {
    /// Its object is there and stays.
    Stays,
    /// Its object is there and not ready, and is repaired in this plan.
    Repaired,
    /// Its object is made in this plan.
    Made,
    /// Its object is replaced in this plan.
    Replaced(Order),
    /// Nothing can be said or done about it in this plan.
    Blocked(Box<Blocked>),
}

/// Where a resource's object is.
enum Match<'a> {
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
    baseline: &'a Baseline<'a>,
    /// What is known of the resources that others refer to or live in.
    pub known: Known<'a>,
    /// The resources to whose attributes others refer, and not only to their outputs; worked out when it is first asked for.
    referred_to: OnceCell<HashSet<Address>>,
    /// By position.
    dispositions: Vec<Option<Disposition>>,
    /// Which resources stay as they were seen, by position.
    untouched: Vec<bool>,
    /// Which of the observed objects belong to a resource of the spec.
    pub claimed: Vec<bool>,
    /// What was decided, hosts first; without what stays as it is.
    pub changes: Vec<Change>,
    /// How many stay as they are.
    pub unchanged: usize,
    /// What has to be made anew so that another one can take what it has.
    swaps: HashMap<Address, Address>,
}

impl<'a> Decider<'a> {
    pub fn new(
        desired: &'a Desired,
        graph: &'a DependencyGraph,
        recorded: &'a Recorded,
        observed: &'a Observed,
        options: &'a Options,
        baseline: &'a Baseline<'a>,
    ) -> Self {
        let size = desired.instances().len();
        Self {
            desired,
            graph,
            recorded,
            observed,
            options,
            baseline,
            known: if options.destroy { Known::default() } else { Known::on(baseline, desired) },
            referred_to: OnceCell::new(),
            dispositions: vec![None; size],
            untouched: vec![false; size],
            claimed: vec![false; observed.objects().len()],
            changes: Vec::new(),
            unchanged: 0,
            swaps: if options.destroy { HashMap::default() } else { swaps(desired, graph, observed, baseline) },
        }
    }

    /// Decides about every resource of the spec.
    pub fn run(&mut self, diagnostics: &mut Diagnostics) {
        for at in self.graph.positions() {
            let is_told = self.desired.undecided(&self.baseline.instance(at).address).is_none();
            let unchanged = self
                .baseline
                .unchanged(at)
                .filter(|_| is_told && self.graph.needed(at).all(|need| self.untouched[need]));
            self.dispositions[at] = Some(match unchanged {
                Some(object) => {
                    self.untouched[at] = true;
                    self.claimed[object] = true;
                    self.unchanged += 1;
                    Disposition::Stays
                }
                None => self.decide(at, self.baseline.instance(at), diagnostics),
            });
        }
    }

    /// What can't be observed, for a plan that destroys: it stays until its host answers again.
    pub fn unreached(&mut self) {
        if broken(Mutation::DestroyTheUnseen) {
            return;
        }
        for at in self.graph.positions() {
            let instance = self.baseline.instance(at);
            let Some(blocked) = self.unreachable(instance) else {
                self.dispositions[at] = Some(Disposition::Stays);
                continue;
            };
            // An object of it that a driver saw all the same is no orphan.
            self.claim_marked(&instance.address);
            self.changes.push(self.waiting(instance, blocked.clone()));
            self.dispositions[at] = Some(Disposition::Blocked(Box::new(blocked)));
        }
    }

    fn decide(&mut self, at: Position, instance: &'a Instance, diagnostics: &mut Diagnostics) -> Disposition {
        let is_forgotten = selected(&self.options.forget, &instance.address);
        let blocked = self.unreachable(instance);
        if let Some(blocked) = blocked.or_else(|| if is_forgotten { None } else { self.undecided(instance) }) {
            let after = self.known.resolve(&instance.kind, &instance.attributes);
            // An object of it that a driver saw all the same is no orphan.
            self.claim_marked(&instance.address);
            self.learn(instance, &after, Outputs::new());
            self.changes.push(self.waiting(instance, blocked.clone()));
            return Disposition::Blocked(Box::new(blocked));
        }
        let found = self.find(instance);
        if let Match::Here(object) = found
            && (object.external || self.baseline.is_plain(instance) && self.is_unchanged(at, instance, object))
        {
            self.claim(object);
            self.unchanged += 1;
            self.learn_observed(instance, object);
            return Disposition::Stays;
        }
        let after = self.known.resolve(&instance.kind, &instance.attributes);
        let object = match found {
            Match::Foreign(object)
                if !selected(&self.options.adopt, &instance.address)
                    && !handover::is_handed_back(self.desired, self.observed, instance, object) =>
            {
                self.learn(instance, &after, Outputs::new());
                // An object of its own under another name stays until this is settled.
                self.claim_marked(&instance.address);
                return self.foreign(instance, object, diagnostics);
            }
            Match::Foreign(object) | Match::Here(object) | Match::Elsewhere(object) => Some(object),
            Match::Nothing => None,
        };
        if let Some(object) = object {
            self.claim(object);
        }
        let change = match object {
            Some(object) => self.existing(instance, &found, object, after.into_owned()),
            None => self.creation(instance, after.into_owned()),
        };
        self.protect(&change, diagnostics);
        if let Match::Elsewhere(object) = found
            && instance.settings.keeps_name
            && let Some(diagnostic) = not_its_name(&change, instance, object)
        {
            diagnostics.push(diagnostic);
        }
        if change.action.destroys() && !object.is_some_and(|object| self.ours(object) || self.is_leftover(object)) {
            diagnostics.push(not_as_it_is(&change));
        }
        object.and_then(|object| left_out(&change, object)).into_iter().for_each(|left| diagnostics.push(left));
        self.unset_references(instance, &change, diagnostics);
        let outputs = match (object, change.action) {
            (Some(object), Action::NoOp | Action::Update | Action::Adopt | Action::Forget) => object.outputs.clone(),
            _ => Outputs::new(),
        };
        if let Some(target) = &change.after {
            self.learn(instance, &target.attributes, outputs);
        }
        let degraded = object.is_some_and(|object| !object.condition.is_ready());
        let disposition = match change.action {
            Action::Create => Disposition::Made,
            Action::Replace(order) => Disposition::Replaced(order),
            // Its former object is deleted, and whatever names that has to name this one.
            Action::Adopt if self.has_another_object(instance) => Disposition::Replaced(Order::CreateFirst),
            Action::Update | Action::Adopt if degraded => Disposition::Repaired,
            _ => Disposition::Stays,
        };
        if change.action == Action::NoOp {
            self.unchanged += 1;
            return disposition;
        }
        self.add(instance, change, disposition)
    }

    /// Adds a change to the plan, blocked if something that it needs is, or if it would destroy what can't be looked
    /// at. Returns what becomes of the resource then.
    fn add(&mut self, instance: &Instance, mut change: Change, disposition: Disposition) -> Disposition {
        let held = self.options.held.get(&change.address);
        let held = held.map(|reason| Blocked { by: change.address.clone(), reason: reason.clone() });
        let waits = || if change.action.makes() { self.waits_for(instance, change.action) } else { None };
        let waits = held.or_else(waits);
        if let Some(blocked) = waits {
            change.blocked = Some(blocked.clone());
            self.changes.push(change);
            // An object that is there stays; one that is not there is not made.
            return if matches!(disposition, Disposition::Stays) {
                disposition
            } else {
                Disposition::Blocked(Box::new(blocked))
            };
        }
        let hidden = change.before.as_ref().filter(|_| change.action.destroys());
        if let Some(blocked) = hidden.and_then(|before| unseen_with(self.observed, &instance.address, before)) {
            change.block(blocked.clone());
            self.changes.push(change);
            return Disposition::Blocked(Box::new(blocked));
        }
        self.changes.push(change);
        disposition
    }

    /// Whether an object is as it should be, and what it needs as well, although not all of that is as it was seen.
    fn is_unchanged(&self, at: Position, instance: &Instance, object: &Object) -> bool {
        self.baseline.is_marked(at, instance, object)
            && self.known.matches(&instance.kind, &instance.attributes, &object.attributes)
            && self.graph.needed(at).all(|need| matches!(self.dispositions[need], Some(Disposition::Stays)))
    }

    /// What was decided about a resource.
    fn disposition(&self, address: &Address) -> Option<&Disposition> {
        self.dispositions[self.graph.position(address)?].as_ref()
    }

    fn existing(&self, instance: &'a Instance, found: &Match<'_>, object: &Object, mut after: Attributes) -> Change {
        let said = (!instance.settings.ignore.is_empty()).then(|| after.clone());
        diff::leave_ignored(&instance.kind, &instance.settings, &object.attributes, &mut after);
        let (mark, moved) = (object.mark.as_ref(), matches!(found, Match::Elsewhere(_)));
        let mut attributes = diff::of_object(instance, object, &after, moved);
        let remade = self.tell_remade(instance, &mut attributes);
        let wanted = self.mark(instance);
        let renamed = mark.filter(|mark| mark.address != instance.address).map(|mark| mark.address.clone());
        if let Some(mark) = mark {
            attributes.extend(mark_changes(mark, &wanted));
        }
        attributes.extend(repair(instance, object));
        let fixed = self.observed.why_fixed(&object.identity).filter(|_| !attributes.is_empty());
        if mark.is_some() {
            self.name_replaced(instance, &after, &mut attributes);
        }
        let room = self.swaps.get(&instance.address);
        let forced = room.is_some() || selected(&self.options.replace, &instance.address);
        let host_order = self.host_order(instance);
        let replaces = forced
            || moved
            || fixed.is_some()
            || host_order.is_some()
            || attributes.iter().any(|change| change.replaces);
        let action = if selected(&self.options.forget, &instance.address) && mark.is_some() {
            Action::Forget
        } else if replaces {
            let free = self.observed.at(&instance.identity).is_none();
            let side_by_side = moved
                && free
                && instance.kind.coexists
                && host_order != Some(Order::DeleteFirst)
                && !self.collides(instance, object, &after);
            Action::Replace(if side_by_side { Order::CreateFirst } else { Order::DeleteFirst })
        } else if matches!(found, Match::Foreign(_)) || mark.is_none() || renamed.is_some() {
            Action::Adopt
        } else if attributes.is_empty() {
            Action::NoOp
        } else {
            Action::Update
        };
        said.filter(|_| action.destroys()).iter().for_each(|said| diff::say_again(instance, said, &mut after));
        let circumstances = Circumstances {
            kind: &instance.kind,
            object,
            action,
            attributes: &attributes,
            taken_over: matches!(found, Match::Foreign(_)) || mark.is_none(),
            handed_back: mark.is_none() && handover::is_handed_back(self.desired, self.observed, instance, object),
            renamed_from: renamed.as_ref(),
            replaced_need: self.replaced_need(instance),
            in_replaced_host: host_order.is_some(),
            remade,
            room,
            forced,
            fixed,
        };
        let (cause, reason) = circumstances.cause();
        let verdict = self.verdict(instance, object, &after, action);
        Change {
            action,
            cause,
            reason,
            verdict,
            attributes,
            after: Some(self.target(instance, after, wanted)),
            before: Some(self.before(instance, object, action)),
            deferred: self.deferred(instance),
            ..self.blank(instance)
        }
    }

    /// What is lost with a change.
    fn verdict(&self, instance: &Instance, object: &Object, after: &Attributes, action: Action) -> Option<Verdict> {
        match action.destroys() {
            true => Some(handover::loss_of(self.desired, &instance.address, object, self.options)),
            false => (instance.kind.update_loss)(&object.attributes, after, &object.usage),
        }
    }

    /// Attributes that name a resource whose object is replaced: the new object has to be named again, although its
    /// address is the same. An object that can't change what it names there is replaced as well.
    fn name_replaced(&self, instance: &Instance, after: &Attributes, changes: &mut Vec<AttributeChange>) {
        let replaced = |edge: &&Edge| {
            let named = after.at(&edge.attribute).and_then(Value::as_str) == Some(edge.to.as_str());
            named && matches!(self.disposition(&edge.to), Some(Disposition::Replaced(_)))
        };
        let is_fixed = |edge: &Edge| {
            let name = edge.attribute.split('.').next().unwrap_or_default();
            instance.kind.attribute(name).is_some_and(|attribute| attribute.replaces)
        };
        let entry = |edge: &Edge| AttributeChange {
            path: edge.attribute.to_string(),
            before: edge.to.as_str().into(),
            after: edge.to.as_str().into(),
            sensitive: false,
            replaces: is_fixed(edge),
            drift: Drifted::None,
        };
        let is_said = |path: &str| changes.iter().any(|change| diff::is_about(&change.path, path));
        let named = instance.references.iter().filter(replaced).map(entry);
        let named: Vec<AttributeChange> = named.filter(|one| !is_said(&one.path)).collect();
        changes.extend(named);
    }

    /// Differences at a reference to something that is made in this plan are no drift: what it named is gone, and nobody
    /// changed this object. Gives one of those that are made.
    fn tell_remade(&self, instance: &'a Instance, attributes: &mut [AttributeChange]) -> Option<&'a Address> {
        let mut remade = None;
        for edge in &instance.references {
            if !matches!(self.disposition(&edge.to), Some(Disposition::Made | Disposition::Replaced(_))) {
                continue;
            }
            for change in attributes.iter_mut() {
                if change.drift.is_some() && diff::is_about(&change.path, &edge.attribute) {
                    change.drift = Drifted::None;
                    remade = Some(&edge.to);
                }
            }
        }
        for edge in instance.names.iter().filter(|edge| self.is_called_otherwise(&edge.to)) {
            for change in attributes.iter_mut() {
                if change.drift.is_some() && diff::is_about(&change.path, &edge.attribute) {
                    change.drift = Drifted::None;
                    remade = Some(&edge.to);
                }
            }
        }
        remade
    }

    /// Whether a resource will be called otherwise than its object is now.
    fn is_called_otherwise(&self, address: &Address) -> bool {
        let called = self.known.called(address);
        let mut own = self.observed.marked(address);
        own.any(|object| {
            called.is_some_and(|text| object.kind.known_by(&object.attributes, &object.outputs) != Some(text))
        })
    }

    /// Whether the new object of a resource wants something that its old one has.
    fn collides(&self, instance: &Instance, object: &Object, after: &Attributes) -> bool {
        let claimants = Claimants::new(self.desired, self.observed);
        let host = instance.hosts.first().and_then(|host| self.desired.get(host)).map(|host| &host.identity);
        let wanted = claimants.of(&instance.kind, after, host);
        claimants.of_object(object).iter().any(|claim| wanted.iter().any(|other| other.collides(claim)))
    }

    fn protect(&self, change: &Change, diagnostics: &mut Diagnostics) {
        let marked = change.before.as_ref().and_then(|target| target.mark.as_ref());
        if change.action.destroys() && marked.is_some_and(|mark| mark.protect && !broken(Mutation::IgnoreProtection)) {
            diagnostics.push(protected(change));
        }
    }

    fn waiting(&self, instance: &'a Instance, blocked: Blocked) -> Change {
        let reason = blocked.words(&instance.address);
        Change { reason, blocked: Some(blocked), ..self.blank(instance) }
    }

    fn blank(&self, instance: &Instance) -> Change {
        let needs = self.graph.needs(&instance.address);
        Change {
            address: instance.address.clone(),
            kind: instance.kind.clone(),
            action: Action::NoOp,
            cause: Cause::Spec,
            reason: String::new(),
            deferred: None,
            unsure: false,
            blocked: None,
            verdict: None,
            depends_on: needs.map(|(address, _)| address.clone()).collect(),
            attributes: Vec::new(),
            hosts: instance.hosts.clone(),
            after: None,
            before: None,
            timeout: instance.settings.timeout,
            fields: instance.settings.fields.clone(),
            spares: false,
            lets_go: false,
            span: Some(instance.declaration.header),
        }
    }

    /// An object as it was seen. One that an interrupted run made and did not mark is deleted as if it had its mark.
    fn before(&self, instance: &Instance, object: &Object, action: Action) -> Target {
        let before = Target::of(object);
        if action.destroys() && self.is_leftover(object) {
            let mark = Mark { protect: false, needs: Vec::new(), ..self.mark(instance) };
            return Target { mark: Some(mark), unmarked: true, ..before };
        }
        before
    }

    fn target(&self, instance: &Instance, attributes: Attributes, mark: Mark) -> Target {
        let hosts = instance.hosts.iter().filter_map(|host| self.desired.get(host)).map(|host| host.identity.clone());
        Target {
            identity: instance.identity.clone(),
            hosts: hosts.collect(),
            attributes,
            usage: Usage::new(),
            mark: Some(mark),
            ignored: instance.settings.unapplied(),
            unmarked: self.recorded.intended(&instance.identity) && !broken(Mutation::TrustListings),
        }
    }

    fn mark(&self, instance: &Instance) -> Mark {
        Mark {
            project: self.desired.project.as_str().into(),
            environment: self.desired.environment.as_str().into(),
            address: instance.address.clone(),
            protect: instance.settings.protect,
            on_remove: instance.settings.on_remove,
            needs: self.graph.needs(&instance.address).map(|(address, _)| address.clone()).collect(),
            applied: String::new(),
        }
    }
}

/// The repair of an object that is not ready, as a change of its condition.
fn repair(instance: &Instance, object: &Object) -> Option<AttributeChange> {
    let only_begun = is_only_begun(&instance.kind, object);
    // What is on its way by itself was moved by nobody.
    let unmoved = only_begun || matches!(object.condition, Condition::Progressing(_));
    // A rollout that is under way is no difference, and is not disturbed.
    let rolls = unmoved && instance.kind.places == Places::Rendered;
    object.condition.reason().filter(|_| !rolls).map(|reason| diff::repair(reason, unmoved))
}
