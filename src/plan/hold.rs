//! What can't be looked at stays as it is, and so does everything that it lives in or needs.
//!
//! Nobody knows what a host that does not answer holds. To delete or to replace it, or what it stands on, would lose that
//! unseen, so those changes wait until somebody answers.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::change::{Blocked, Change, Target, address_of};
use crate::address::Address;
use crate::mutation::{Mutation, broken};
use crate::observed::Observed;

/// Why nobody may destroy an object: it can't be looked at, or something that lives in it can't.
pub fn unseen_with(observed: &Observed, address: &Address, object: &Target) -> Option<Blocked> {
    unseen_itself(observed, address, object).or_else(|| unseen_inside(observed, &object.identity))
}

/// Why an object can't be looked at. What lives in several hosts is there as long as one of them answers.
fn unseen_itself(observed: &Observed, address: &Address, object: &Target) -> Option<Blocked> {
    let reason = match object.hosts.len() {
        0 | 1 => observed.why_unreachable(&object.identity)?,
        _ => observed.unreachable().get(&object.identity)?,
    };
    Some(Blocked { by: address.clone(), reason: reason.to_owned() })
}

/// Why nobody may destroy an object: something that lives in it can't be looked at.
fn unseen_inside(observed: &Observed, identity: &str) -> Option<Blocked> {
    let inside = |other: &str| other.strip_prefix(identity).is_some_and(|rest| rest.starts_with('/'));
    let after = observed
        .unreachable()
        .range::<str, _>((std::ops::Bound::Excluded(format!("{identity}/").as_str()), std::ops::Bound::Unbounded));
    let (other, reason) = after.take_while(|(other, _)| inside(other)).next()?;
    Some(Blocked { by: address_of(other), reason: reason.clone() })
}

/// Lets those changes wait that are held back for now.
pub fn hold_back(changes: &mut [Change], held: &BTreeMap<Address, String>) {
    if held.is_empty() {
        return;
    }
    for change in changes.iter_mut().filter(|change| change.acts()) {
        if let Some(reason) = held.get(&change.address) {
            change.block(Blocked { by: change.address.clone(), reason: reason.clone() });
        }
    }
}

/// Lets every removal and every replacement wait that would touch what can't be looked at, or what that needs; and what is
/// still used by an object that has to wait itself, whatever for.
pub fn hold(changes: &mut [Change], observed: &Observed) {
    if !observed.unreachable().is_empty() && !broken(Mutation::DestroyTheUnseen) {
        hold_unseen(changes, observed);
    } else if changes.iter().all(|change| change.blocked.is_none()) {
        return;
    }
    // A change that waits now may use something else, so this is repeated until no other change has to wait.
    loop {
        let held = hold_needed(changes, observed);
        if !hold_dependants(changes, &held) {
            return;
        }
    }
}

fn hold_unseen(changes: &mut [Change], observed: &Observed) {
    for change in changes.iter_mut().filter(|change| change.acts()) {
        let Some(before) = &change.before else { continue };
        let unseen = if change.action.destroys() { unseen_with } else { unseen_itself };
        let blocked = unseen(observed, &change.address, before);
        if let Some(blocked) = blocked {
            change.block(blocked);
        }
    }
}

/// What something needs that can't be looked at stays, and so does what something uses that has to wait. Gives the
/// replacements that wait because of that.
fn hold_needed(changes: &mut [Change], observed: &Observed) -> HashSet<Address> {
    let reasons: HashSet<&String> = observed.unreachable().values().collect();
    let mut by_address: HashMap<Address, Vec<usize>> = HashMap::default();
    for (at, change) in changes.iter().enumerate().filter(|(_, change)| change.acts() && change.action.destroys()) {
        let mark = change.before.as_ref().and_then(|before| before.mark.as_ref());
        let former = mark.map(|mark| &mark.address).filter(|address| **address != change.address);
        for address in former.into_iter().chain([&change.address]) {
            by_address.entry(address.clone()).or_default().push(at);
        }
    }
    let unreachable =
        |change: &Change| change.blocked.as_ref().is_some_and(|blocked| reasons.contains(&blocked.reason));
    let mut open: Vec<usize> = (0..changes.len()).filter(|at| changes[*at].blocked.is_some()).collect();
    let mut unsure: HashSet<usize> = open.iter().copied().filter(|at| unreachable(&changes[*at])).collect();
    let mut held = HashSet::default();
    while let Some(at) = open.pop() {
        let blocked_by = changes[at].blocked.as_ref().map(|blocked| blocked.by.clone());
        let unseen = unsure.contains(&at);
        let mut needs: Vec<Address> = Vec::new();
        // An object that was seen uses what its mark says. One that nobody can see may use more: what the spec says.
        if unseen {
            needs.extend(changes[at].depends_on.iter().chain(&changes[at].hosts).cloned());
            needs.extend(blocked_by);
        }
        let seen = observed.marked(&changes[at].address).filter_map(|object| object.mark.as_ref());
        needs.extend(seen.flat_map(|mark| &mark.needs).cloned());
        let (user, why) = (changes[at].address.clone(), changes[at].blocked.clone());
        for need in needs {
            for other in by_address.get(&need).into_iter().flatten().copied() {
                let change = &mut changes[other];
                // What waits for this very one to be made anew does not hold it back.
                let is_awaited = !unseen && why.as_ref().is_some_and(|why| why.by == need);
                if !change.acts() || other == at || is_awaited {
                    continue;
                }
                if change.span.is_some() {
                    held.insert(change.address.clone());
                }
                let words = why.as_ref().map(|why| why.words(&user)).unwrap_or_default();
                let what = if unseen { "can't be looked at" } else { "has to wait itself" };
                change.block(Blocked { by: user.clone(), reason: format!("uses it and {what}: {words}") });
                open.push(other);
                if unseen {
                    unsure.insert(other);
                }
            }
        }
    }
    held
}

/// What was planned because something is replaced waits along with it. Whether anything does.
fn hold_dependants(changes: &mut [Change], held: &HashSet<Address>) -> bool {
    if held.is_empty() {
        return false;
    }
    let mut any = false;
    let mut held = held.clone();
    for change in changes.iter_mut().filter(|change| change.acts() && change.action.makes()) {
        let on = change.deferred.iter().chain(&change.depends_on).find(|need| held.contains(need)).cloned();
        let unknown = || {
            let mut found = None;
            for (_, value) in change.after.iter().flat_map(|after| after.attributes.iter()) {
                value.visit_references(&mut |reference| {
                    if held.contains(&reference.address) {
                        found = Some(reference.address.clone());
                    }
                });
            }
            found
        };
        if let Some(by) = on.or_else(unknown) {
            held.insert(change.address.clone());
            change.block(Blocked { by, reason: "has to wait itself".into() });
            any = true;
        }
    }
    any
}
