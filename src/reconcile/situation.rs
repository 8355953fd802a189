//! What a pass sees, as the governor needs it: what differs, and how well everything else is.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{Action, Cause};
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::kind::{KindRef, Risk};
use crate::observed::{Condition, Observed};
use crate::plan::{Change, Plan, is_gone};
use crate::recorded::Inventory;

/// What a pass sees.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// What differs and could be acted on, in the order of the plan: hosts first.
    pub candidates: Vec<Divergence>,
    /// How many resources there are of each kind at each place, and how many of them are not in order.
    pub groups: BTreeMap<Group, Population>,
    /// How many resources of each kind are in each condition: those of objects, `missing` and `absent`.
    pub conditions: BTreeMap<(String, &'static str), usize>,
    /// The places at which something can't be looked at.
    pub unseen: BTreeSet<String>,
    /// The resources whose objects are on their way, with why.
    pub on_their_way: BTreeMap<Address, String>,
}

/// The resources of one kind at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The kind's word.
    pub kind: String,
    /// The region or cluster; empty for what stands nowhere in particular.
    pub place: String,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// All of them that were made at some time.
    pub all: usize,
    /// Those whose objects are gone, broken or on their way.
    pub unavailable: usize,
    /// Those whose objects are gone or broken.
    pub lost: usize,
}

/// Something that differs and could be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The resource.
    pub address: Address,
    /// Its kind and place.
    pub group: Group,
    /// What the plan does about it.
    pub action: Action,
    /// What sort of difference it is.
    pub difference: Difference,
    /// The attributes that differ, as paths; empty when the object is gone.
    pub fields: Vec<String>,
    /// Whether somebody changed each of them behind Atlas's back, and the spec changed none.
    pub only_drift: bool,
    /// What would be lost, when something would.
    pub loss: Option<String>,
    /// Why the object is on its way by itself, when it is.
    pub on_its_way: Option<String>,
    /// Whether the object is broken, so that nothing is lost by taking it away.
    pub is_broken: bool,
    /// In what it lives, from the inside out.
    pub hosts: Vec<Address>,
    /// Who else writes the object, where that is known.
    pub writers: Vec<String>,
}

/// What sort of difference something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The object is gone, and was not removed by Atlas.
    Missing,
    /// The object is not as Atlas last made it, or does not do what it is for.
    Drift,
    /// Something that it needs is made anew.
    Follows,
    /// The spec asks for what is not so yet.
    Change,
    /// The spec does not have it any more, or it is to be let go of.
    Removal,
}

impl Situation {
    /// What a plan and the observation that it was made from come to.
    #[must_use]
    pub fn of(desired: &Desired, plan: &Plan, observed: &Observed, inventory: &Inventory) -> Self {
        let changes: BTreeMap<&Address, &Change> = plan.changes.iter().map(|one| (&one.address, one)).collect();
        let mut situation = Self::default();
        for instance in desired.objects() {
            let object = observed.at(&instance.identity);
            let change = changes.get(&instance.address).copied();
            situation.count(instance, object.map(|object| &object.condition), change, inventory);
        }
        for change in plan.changes.iter().filter(|change| change.acts()) {
            situation.candidates.push(Divergence::of(change, desired, observed, inventory));
        }
        situation
    }

    fn count(
        &mut self,
        instance: &Instance,
        condition: Option<&Condition>,
        change: Option<&Change>,
        inventory: &Inventory,
    ) {
        let group = Group::of(&instance.kind, &instance.address, &instance.hosts);
        let is_unseen = change.is_some_and(|change| change.blocked.is_some() && condition.is_none());
        if is_unseen || matches!(condition, Some(Condition::Unknown(_))) {
            self.unseen.insert(group.place.clone());
        }
        let is_missing = change.is_some_and(|change| is_gone(change, inventory));
        let word = match condition {
            Some(condition) => condition.word(),
            None if is_missing => "missing",
            None if is_unseen => "unknown",
            None => "absent",
        };
        *self.conditions.entry((group.kind.clone(), word)).or_default() += 1;
        let is_hidden = condition.is_none() && is_unseen && inventory.made.contains(&instance.address);
        if condition.is_none() && !is_missing && !is_hidden {
            return;
        }
        let population = self.groups.entry(group).or_default();
        population.all += 1;
        match condition {
            // What nobody can see may be in any condition.
            None if is_hidden => population.unavailable += 1,
            Some(Condition::Unknown(_)) => population.unavailable += 1,
            Some(Condition::Progressing(reason)) => {
                population.unavailable += 1;
                self.on_their_way.insert(instance.address.clone(), reason.clone());
            }
            Some(Condition::Degraded(_)) | None => {
                population.unavailable += 1;
                population.lost += 1;
            }
            Some(Condition::Ready) => {}
        }
    }

    /// How many resources were made at some time.
    #[must_use]
    pub fn all(&self) -> usize {
        self.groups.values().map(|population| population.all).sum()
    }

    /// How many of them are gone or broken.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.groups.values().map(|population| population.lost).sum()
    }
}

impl Group {
    /// The group of a resource. What stands at no place of its own stands where its outermost host is.
    #[must_use]
    pub fn of(kind: &KindRef, address: &Address, hosts: &[Address]) -> Self {
        let of_host = || hosts.first().map(|host| host.place().unwrap_or_else(|| host.name()));
        // A region and a cluster are places themselves.
        let own = matches!(kind.name, "region" | "cluster").then(|| address.name());
        let place = address.place().or(own).or_else(of_host).unwrap_or_default();
        Self { kind: kind.name.to_owned(), place: place.to_owned() }
    }
}

impl Divergence {
    fn of(change: &Change, desired: &Desired, observed: &Observed, inventory: &Inventory) -> Self {
        let object = change.before.as_ref().and_then(|before| observed.at(&before.identity));
        let fields: Vec<String> = change.attributes.iter().map(|attribute| attribute.path.clone()).collect();
        let mut hosts = change.hosts.clone();
        while let Some(above) = hosts.last().and_then(|last| desired.get(last)).and_then(|host| host.hosts.first()) {
            if hosts.contains(above) {
                break;
            }
            hosts.push(above.clone());
        }
        Self {
            address: change.address.clone(),
            group: Group::of(&change.kind, &change.address, &change.hosts),
            action: change.action,
            difference: Difference::of(change, inventory),
            fields: if change.action == Action::Create { Vec::new() } else { fields },
            only_drift: change.attributes.iter().all(|attribute| attribute.drift.is_some()),
            loss: change.verdict.as_ref().filter(|one| one.risk == Risk::Lossy).map(|one| one.evidence.clone()),
            is_broken: object.is_some_and(|object| matches!(object.condition, Condition::Degraded(_))),
            on_its_way: object.and_then(|object| match &object.condition {
                Condition::Progressing(reason) => Some(reason.clone()),
                _ => None,
            }),
            hosts,
            writers: Vec::new(),
        }
    }

    /// Whether what is done about it takes away or rebuilds something that may be in use.
    #[must_use]
    pub const fn disturbs(&self) -> bool {
        self.action.destroys() && !self.is_broken
    }
}

impl Difference {
    /// The word that metrics have.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Drift => "drift",
            Self::Follows => "follows",
            Self::Change => "change",
            Self::Removal => "removal",
        }
    }

    fn of(change: &Change, inventory: &Inventory) -> Self {
        match (change.action, change.cause) {
            (Action::Delete | Action::Forget, _) | (_, Cause::Orphan) => Self::Removal,
            _ if is_gone(change, inventory) => Self::Missing,
            (_, Cause::Missing) => Self::Missing,
            (_, Cause::Drift) => Self::Drift,
            (_, Cause::ReplacedDependency) => Self::Follows,
            _ if change.attributes.iter().any(|attribute| attribute.drift.is_some()) => Self::Drift,
            (_, Cause::Spec) => Self::Change,
        }
    }
}
