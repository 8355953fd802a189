//! What goes along with a host: everything that was observed in it, at any depth, summed up in one verdict.
//!
//! A host that is lost takes along what lives in it, whether the plan has a step for that or not. So the verdict on a
//! host counts what was observed in it by the hosts of the objects themselves, and not by what the plan says about
//! them.

use foldhash::{HashMap, HashSet};

use super::change::Change;
use super::refusal::{holds_protected, loss};
use crate::desired::Desired;
use crate::diagnostic::Diagnostics;
use crate::identity::Identity;
use crate::kind::{Risk, Verdict, amount};
use crate::mutation::{Mutation, broken};
use crate::observed::{Object, Observed};

/// How many objects an evidence names.
const NAMED: usize = 3;

/// What lives in what, as it was observed.
pub struct HostContents<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    /// By the identity of the host.
    inside: HashMap<&'a str, Vec<usize>>,
}

/// What would be lost along with a host.
pub struct Loss<'a> {
    /// The verdict on the host with everything in it.
    pub verdict: Verdict,
    /// What lives in it and is protected by its own mark.
    pub protected: Vec<&'a Object>,
}

/// Gives each host that a plan destroys the verdict of everything in it, and refuses those that hold something protected.
/// Gives what is in each of those that could be looked into.
pub fn roll_up(
    changes: &mut [Change],
    desired: &Desired,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) -> HashMap<Identity, HashSet<Identity>> {
    let mut known = HashMap::default();
    let destroys = |change: &Change| change.acts() && change.action.destroys();
    if !changes.iter().any(|change| destroys(change) && change.kind.hosts_others) {
        return known;
    }
    let contents = HostContents::of(desired, observed);
    let going = changes.iter().filter(|change| destroys(change));
    let gone: HashSet<&str> = going.filter_map(|change| Some(change.before.as_ref()?.identity.as_str())).collect();
    let mut verdicts: Vec<(usize, Verdict)> = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let object = change.before.as_ref().and_then(|before| observed.at(&before.identity));
        let Some(object) = object.filter(|_| destroys(change) && change.kind.hosts_others) else { continue };
        let loss = contents.lost_with(object, &|identity| gone.contains(identity));
        verdicts.push((at, loss.verdict));
        if observed.is_listed(&object.identity) {
            // What stays in another host counts as well: it was seen.
            let held = contents.all_within(object, &|_| true).into_iter().map(|held| held.identity.clone());
            known.insert(object.identity.clone(), held.collect());
        }
        // What has a step of its own is refused by itself.
        for held in loss.protected.into_iter().filter(|held| !gone.contains(held.identity.as_str())) {
            if !broken(Mutation::IgnoreProtection) {
                diagnostics.push(holds_protected(change, held));
            }
        }
    }
    for (at, verdict) in verdicts {
        changes[at].verdict = Some(verdict);
    }
    known
}

impl<'a> HostContents<'a> {
    /// Tells what lives in what. What is there in any case is not lost along with its host: it only is reached through it.
    pub fn of(desired: &'a Desired, observed: &'a Observed) -> Self {
        let mut inside: HashMap<&str, Vec<usize>> = HashMap::default();
        for (at, object) in observed.objects().iter().enumerate().filter(|(_, object)| !object.external) {
            for host in &object.hosts {
                inside.entry(host.as_str()).or_default().push(at);
            }
        }
        Self { desired, observed, inside }
    }

    /// What destroying an object would lose, with everything in it. What lives in several hosts goes with the last of them:
    /// `gone` tells what else is destroyed.
    pub fn lost_with(&self, host: &'a Object, gone: &dyn Fn(&str) -> bool) -> Loss<'a> {
        let held = self.all_within(host, gone);
        let own = self.own_loss(host);
        let protected = held.iter().copied().filter(|object| object.mark.as_ref().is_some_and(|mark| mark.protect));
        Loss { protected: protected.collect(), verdict: if held.is_empty() { own } else { self.sum(host, own, &held) } }
    }

    /// What destroying an object would lose of itself. What nobody could look into may hold anything.
    fn own_loss(&self, host: &Object) -> Verdict {
        let own = loss(host);
        if own.risk < Risk::Lossy && host.kind.hosts_others && !self.observed.is_listed(&host.identity) {
            return Verdict::lossy("what lives in it could not be looked at");
        }
        own
    }

    /// Everything in a host, at any depth, in the order in which it was observed.
    fn all_within(&self, host: &'a Object, gone: &dyn Fn(&str) -> bool) -> Vec<&'a Object> {
        if broken(Mutation::ForgetWhatLivesInHosts) {
            return Vec::new();
        }
        let objects = self.observed.objects();
        let mut seen: HashSet<&str> = HashSet::default();
        seen.insert(&host.identity);
        let mut found: Vec<usize> = Vec::new();
        let mut open = vec![host.identity.as_str()];
        while let Some(identity) = open.pop() {
            for at in self.inside.get(identity).into_iter().flatten() {
                let object = &objects[*at];
                let lost = object.hosts.iter().all(|host| seen.contains(host.as_str()) || gone(host));
                if lost && seen.insert(&object.identity) {
                    found.push(*at);
                    open.push(&object.identity);
                }
            }
        }
        found.sort_unstable();
        found.into_iter().map(|at| &objects[at]).collect()
    }

    fn sum(&self, host: &Object, own: Verdict, held: &[&Object]) -> Verdict {
        let mut risk = own.risk;
        let mut lossy: Vec<String> = Vec::new();
        let mut lost = 0;
        for object in held {
            let (worst, evidence) = self.of_content(object);
            risk = risk.max(worst);
            if worst == Risk::Lossy {
                lost += 1;
                if lossy.len() < NAMED {
                    lossy.push(format!("{} ({evidence})", self.name(object)));
                }
            }
        }
        let count = amount::count(held.len() as u64, "object");
        let names = || {
            let more = if held.len() > NAMED { format!(" and {} more", held.len() - NAMED) } else { String::new() };
            held.iter().take(NAMED).map(|object| self.name(object)).collect::<Vec<_>>().join(", ") + &more
        };
        let inside = match risk {
            _ if lost > 0 => {
                let more = match lost - lossy.len() {
                    0 => String::new(),
                    more => format!(", and {more} more would lose data"),
                };
                format!("it holds {}{more}; {count} in all", lossy.join(", "))
            }
            Risk::Safe => format!("nothing would be lost with what it holds: {}", names()),
            _ => format!("it holds {}", names()),
        };
        // A host that counts nothing itself only says what it holds.
        let evidence =
            if host.kind.usage.is_empty() && own.risk != Risk::Lossy { inside } else { own.evidence + "; " + &inside };
        Verdict { risk, evidence }
    }

    /// The verdict on something that lives in a host which goes. Nobody but its owner knows what somebody else's object is
    /// worth.
    fn of_content(&self, object: &Object) -> (Risk, String) {
        let own = loss(object);
        if object.belongs_to(&self.desired.project, &self.desired.environment) {
            return (own.risk, own.evidence);
        }
        let whose = format!("which belongs to {}", object.owner());
        (Risk::Lossy, if own.risk == Risk::Lossy { format!("{whose}; {}", own.evidence) } else { whose })
    }

    fn name(&self, object: &Object) -> String {
        match object.resource() {
            Some(address) if object.belongs_to(&self.desired.project, &self.desired.environment) => address.to_string(),
            _ => format!("`{}`", object.identity),
        }
    }
}
