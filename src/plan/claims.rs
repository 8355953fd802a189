//! Ports, subnets, names and addresses that only one object can have: the step that gives one up comes before the step
//! that takes it.

mod swap;

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};

pub use swap::swaps;

use super::change::Change;
use super::schedule::Step;
use crate::action::Verb;
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::identity::Identity;
use crate::kind::{self, Claim, Claimant, Kind, Reads};
use crate::mutation::{Mutation, broken};
use crate::observed::{Object, Observed};
use crate::value::Attributes;

/// Tells what objects claim, as they are and as they are to be.
pub struct Claimants<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
}

/// Claims, to be found by what collides with them.
pub struct ClaimIndex<'a, T> {
    entries: Vec<(Claim<'a>, T)>,
    hasher: RandomState,
    /// For each claimed thing, by its hash: its entries ordered by the start of their ranges, each with the largest end
    /// so far.
    by_thing: HashMap<u64, Vec<(usize, u128)>>,
}

impl<'a> Claimants<'a> {
    pub const fn new(desired: &'a Desired, observed: &'a Observed) -> Self {
        Self { desired, observed }
    }

    /// What an object has.
    pub fn of_object(&self, object: &'a Object) -> Vec<Claim<'a>> {
        if object.external {
            return Vec::new();
        }
        self.of(&object.kind, &object.attributes, object.hosts.first())
    }

    /// What the object of a resource is to have.
    pub fn of_instance(&self, instance: &'a Instance) -> Vec<Claim<'a>> {
        let host = instance.hosts.first().and_then(|host| self.desired.get(host)).map(|host| &host.identity);
        self.of(&instance.kind, &instance.attributes, host)
    }

    /// What an object with these attributes would have.
    pub fn of(&self, kind: &Kind, attributes: &'a Attributes, host: Option<&'a Identity>) -> Vec<Claim<'a>> {
        if kind.claims.is_empty() {
            return Vec::new();
        }
        let region = host.and_then(|host| self.region(host));
        Claimant { exclusive: &kind.claims, attributes, region }.claims()
    }

    /// The identity and the attributes of the region that a host is, or lives in.
    fn region(&self, host: &'a str) -> Option<(&'a str, &'a Attributes)> {
        let name = kind::region_of(host)?;
        if let Some(instance) = self.desired.get(&Address::new("region", name, None)) {
            return Some((instance.identity.as_str(), &instance.attributes));
        }
        let object = self.observed.at(&format!("region/{name}"))?;
        Some((object.identity.as_str(), &object.attributes))
    }
}

impl<'a, T: Copy> ClaimIndex<'a, T> {
    pub fn new(entries: Vec<(Claim<'a>, T)>) -> Self {
        let hasher = RandomState::default();
        let mut by_thing: HashMap<u64, Vec<(usize, u128)>> = HashMap::default();
        for (at, (claim, _)) in entries.iter().enumerate() {
            by_thing.entry(hasher.hash_one(claim.thing())).or_default().push((at, claim.range.1));
        }
        for list in by_thing.values_mut() {
            list.sort_by_key(|(at, _)| entries[*at].0.range);
            let mut furthest = 0;
            for (_, end) in list {
                furthest = furthest.max(*end);
                *end = furthest;
            }
        }
        Self { entries, hasher, by_thing }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The claims that collide with one.
    pub fn hits<'b>(&'b self, claim: &'b Claim<'_>) -> impl Iterator<Item = (&'b Claim<'a>, T)> {
        let list = self.by_thing.get(&self.hasher.hash_one(claim.thing())).map_or(&[][..], Vec::as_slice);
        let end = list.partition_point(|(at, _)| self.entries[*at].0.range.0 <= claim.range.1);
        let reaching = list[..end].iter().rev().take_while(|(_, furthest)| *furthest >= claim.range.0);
        let hits = reaching.map(|(at, _)| &self.entries[*at]).filter(|(other, _)| other.collides(claim));
        hits.map(|(other, who)| (other, *who))
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Claim<'a>, T)> {
        self.entries.iter()
    }
}

/// The sorts of claims that can collide, in a word or two each: those of observed objects, and those of changes except
/// names. Two resources that want one name are refused before anything is planned, and most kinds claim nothing but a
/// name.
pub fn contested<'a>(observed: &Observed, changes: impl Iterator<Item = &'a Change>) -> HashSet<&'static str> {
    let mut whats = HashSet::default();
    let mut last: Option<&Kind> = None;
    for object in observed.objects() {
        if last.is_none_or(|last| !std::ptr::eq(last, &*object.kind)) {
            whats.extend(object.kind.claims.iter().map(|exclusive| exclusive.what));
            last = Some(&object.kind);
        }
    }
    for change in changes {
        let telling = change.kind.claims.iter().filter(|exclusive| !matches!(exclusive.reads, Reads::Name));
        whats.extend(telling.map(|exclusive| exclusive.what));
    }
    whats
}

/// Whether objects of a kind can claim anything of this.
pub fn concerns(whats: &HashSet<&'static str>, kind: &Kind) -> bool {
    kind.claims.iter().any(|exclusive| whats.contains(exclusive.what))
}

/// Claims of one list that the other one does not have.
pub fn without<'a>(mut claims: Vec<Claim<'a>>, others: &[Claim<'_>]) -> Vec<Claim<'a>> {
    let same = |one: &Claim<'_>, other: &Claim<'_>| one.collides(other) && one.range == other.range;
    claims.retain(|claim| !others.iter().any(|other| same(claim, other)));
    claims
}

/// Lets each step that takes something wait for the one that gives it up, and refuses what an object that stays has.
pub fn link(
    changes: &[Change],
    steps: &mut [Step],
    desired: &Desired,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) {
    let claimants = Claimants::new(desired, observed);
    let whats = contested(observed, changes.iter());
    let takers = ClaimIndex::new(taken(changes, steps, &claimants, &whats));
    if takers.is_empty() {
        return;
    }
    taken_twice(changes, steps, &takers, diagnostics);
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (claim, giver) in released(changes, steps, &claimants) {
        edges.extend(takers.hits(&claim).map(|(_, taker)| (taker, giver)).filter(|(taker, giver)| taker != giver));
    }
    for (taker, giver) in edges.iter().filter(|_| !broken(Mutation::TakeBeforeRelease)) {
        steps[*taker].after.push(*giver);
    }
    kept(changes, steps, &claimants, &takers, diagnostics);
    if !edges.is_empty() {
        refuse_circles(changes, steps, diagnostics);
    }
}

/// What each step takes that its object does not have yet.
fn taken<'a>(
    changes: &'a [Change],
    steps: &[Step],
    claimants: &Claimants<'a>,
    whats: &HashSet<&'static str>,
) -> Vec<(Claim<'a>, usize)> {
    let mut taken = Vec::new();
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| !matches!(step.verb, Verb::Delete | Verb::Forget)) {
        let change = &changes[step.change];
        let Some(after) = change.after.as_ref().filter(|_| concerns(whats, &change.kind)) else { continue };
        let mut claims = claimants.of(&change.kind, &after.attributes, after.hosts.first());
        if step.verb != Verb::Create {
            claims = without(claims, &before(change, claimants));
        }
        taken.extend(claims.into_iter().map(|claim| (claim, at)));
    }
    taken
}

/// What each step releases.
fn released<'a>(changes: &'a [Change], steps: &[Step], claimants: &Claimants<'a>) -> Vec<(Claim<'a>, usize)> {
    let mut released = Vec::new();
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| !matches!(step.verb, Verb::Create | Verb::Forget)) {
        let change = &changes[step.change];
        if change.kind.claims.is_empty() {
            continue;
        }
        let mut claims = before(change, claimants);
        if let Some(after) = change.after.as_ref().filter(|_| step.verb != Verb::Delete) {
            claims = without(claims, &claimants.of(&change.kind, &after.attributes, after.hosts.first()));
        }
        released.extend(claims.into_iter().map(|claim| (claim, at)));
    }
    released
}

fn before<'a>(change: &'a Change, claimants: &Claimants<'a>) -> Vec<Claim<'a>> {
    let before = change.before.as_ref();
    before.map_or_else(Vec::new, |before| claimants.of(&change.kind, &before.attributes, before.hosts.first()))
}

/// Refuses what is taken by two, and what an object has that stays.
fn kept<'a>(
    changes: &'a [Change],
    steps: &[Step],
    claimants: &Claimants<'a>,
    takers: &ClaimIndex<'_, usize>,
    diagnostics: &mut Diagnostics,
) {
    let whats: HashSet<&'static str> = takers.iter().map(|(claim, _)| claim.what).collect();
    let mut touched: HashMap<&str, &Step> = HashMap::default();
    for step in steps.iter().filter(|step| !matches!(step.verb, Verb::Create | Verb::Forget)) {
        if let Some(before) = &changes[step.change].before {
            touched.insert(before.identity.as_str(), step);
        }
    }
    let observed = claimants.observed;
    for object in observed.objects().iter().filter(|object| concerns(&whats, &object.kind)) {
        let step = touched.get(object.identity.as_str());
        if step.is_some_and(|step| step.verb == Verb::Delete) {
            continue;
        }
        let mut claims = claimants.of_object(object);
        if let Some(after) = step.and_then(|step| changes[step.change].after.as_ref()) {
            let wanted = claimants.of(&object.kind, &after.attributes, after.hosts.first());
            claims.retain(|claim| wanted.iter().any(|other| other.collides(claim)));
        }
        for claim in &claims {
            for (_, taker) in takers.hits(claim) {
                let change = &changes[steps[taker].change];
                let own = step.is_some_and(|step| step.change == steps[taker].change);
                let same = change.after.as_ref().is_some_and(|after| after.identity == object.identity);
                if !own && !same {
                    diagnostics.push(stays(change, claim, object));
                }
            }
        }
    }
}

fn stays(change: &Change, claim: &Claim<'_>, object: &Object) -> Diagnostic {
    let name = object.resource().map_or_else(|| format!("`{}`", object.identity), ToString::to_string);
    let detail =
        format!("{} needs the {claim}, which {name} has and keeps; it belongs to {}", change.address, object.owner());
    Diagnostic::error(&code::HAD_AND_KEPT, detail)
        .at(change.span)
        .hint(format!("choose another one, or let {name} give it up first"))
        .of(&change.address)
}

fn taken_twice(changes: &[Change], steps: &[Step], takers: &ClaimIndex<'_, usize>, diagnostics: &mut Diagnostics) {
    for (claim, taker) in takers.iter() {
        let other = takers.hits(claim).map(|(_, other)| other).filter(|other| other < taker).min();
        let Some(other) = other.filter(|other| steps[*other].change != steps[*taker].change) else { continue };
        let (change, other) = (&changes[steps[*taker].change], &changes[steps[other].change]);
        let detail = format!("{} and {} both need the {claim}", other.address, change.address);
        diagnostics.push(
            Diagnostic::error(&code::WANTED_TWICE, detail)
                .at(change.span)
                .hint("give each one of its own")
                .of(&change.address),
        );
    }
}

/// Objects that wait for each other's ports can't all be changed in place.
fn refuse_circles(changes: &[Change], steps: &[Step], diagnostics: &mut Diagnostics) {
    let Some(stuck) = super::schedule::stuck(steps, &[]) else { return };
    let mut names: Vec<&Address> = stuck
        .iter()
        .map(|at| &changes[steps[*at].change])
        .filter(|change| !change.kind.claims.is_empty())
        .map(|change| &change.address)
        .collect();
    names.dedup();
    let Some(first) = names.first().copied() else { return };
    let list: Vec<&str> = names.iter().take(6).map(|address| address.as_str()).collect();
    let span = changes.iter().find(|change| &change.address == first).and_then(|change| change.span);
    diagnostics.push(
        Diagnostic::error(
            &code::NO_ROOM,
            format!("each of {} waits for what another one of them has", list.join(", ")),
        )
        .at(span)
        .hint("change one of them to something that is free and apply, and only then to what it is to have")
        .of(first),
    );
}
