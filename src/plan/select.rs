//! `--target` and `--exclude`: a part of the plan, with what belongs to it.

use foldhash::{HashMap, HashSet};

use super::change::Change;
use super::options::{Options, selected};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// Keeps what was asked for: targets with everything that they need, and without what is excluded and whatever needs
/// it.
pub fn select(changes: &mut Vec<Change>, options: &Options, diagnostics: &mut Diagnostics) {
    if options.targets.is_empty() && options.excludes.is_empty() {
        return;
    }
    let before = changes.len();
    if options.exact {
        changes.retain(|change| selected(&options.targets, &change.address));
        return;
    }
    if !options.targets.is_empty() {
        let kept = closure(changes, |change| selected(&options.targets, &change.address), needs);
        changes.retain(|change| kept.contains(&change.address));
    }
    if !options.excludes.is_empty() {
        let dropped = closure(changes, |change| selected(&options.excludes, &change.address), dependants);
        changes.retain(|change| !dropped.contains(&change.address));
    }
    if changes.len() < before {
        let left = before - changes.len();
        let plural = if left == 1 { "change is" } else { "changes are" };
        diagnostics.push(
            Diagnostic::warning(
                &code::PART_OF_A_PLAN,
                format!("{left} more {plural} left out by --target or --exclude"),
            )
            .hint("plan again without them once this is done"),
        );
    }
}

type Neighbours = for<'a> fn(&'a [Change]) -> HashMap<&'a Address, Vec<&'a Address>>;

fn closure(changes: &[Change], seed: impl Fn(&Change) -> bool, neighbours: Neighbours) -> HashSet<Address> {
    let edges = neighbours(changes);
    let mut open: Vec<&Address> = changes.iter().filter(|change| seed(change)).map(|change| &change.address).collect();
    let mut found: HashSet<Address> = open.iter().map(|address| (*address).clone()).collect();
    while let Some(address) = open.pop() {
        for next in edges.get(address).into_iter().flatten() {
            if found.insert((*next).clone()) {
                open.push(next);
            }
        }
    }
    found
}

/// What has to happen along with each change: what a made object needs, and what needs an object that goes.
fn needs(changes: &[Change]) -> HashMap<&Address, Vec<&Address>> {
    let mut edges: HashMap<&Address, Vec<&Address>> = HashMap::default();
    for change in changes {
        for need in &change.depends_on {
            if change.action.makes() {
                edges.entry(&change.address).or_default().push(need);
            }
            if change.action.destroys() {
                edges.entry(need).or_default().push(&change.address);
            }
        }
    }
    // The users of an object are destroyed with it, so those edges count only if it is destroyed itself.
    let destroyed = destroyed(changes);
    for change in changes.iter().filter(|change| !destroyed.contains(&change.address)) {
        if let Some(list) = edges.get_mut(&change.address) {
            list.retain(|to| change.depends_on.contains(to));
        }
    }
    for (gone, change) in last_uses(changes, &destroyed) {
        edges.entry(gone).or_default().push(change);
    }
    edges
}

/// What can't happen without each change.
fn dependants(changes: &[Change]) -> HashMap<&Address, Vec<&Address>> {
    let mut edges: HashMap<&Address, Vec<&Address>> = HashMap::default();
    for change in changes {
        for need in &change.depends_on {
            if change.action.makes() {
                edges.entry(need).or_default().push(&change.address);
            }
            if change.action.destroys() {
                edges.entry(&change.address).or_default().push(need);
            }
        }
    }
    for (gone, change) in last_uses(changes, &destroyed(changes)) {
        edges.entry(change).or_default().push(gone);
    }
    edges
}

fn destroyed(changes: &[Change]) -> HashSet<&Address> {
    changes.iter().filter(|change| change.action.destroys()).map(|change| &change.address).collect()
}

/// Each destroyed object with each change that ends a use of it, as far as the mark of the changed object tells: the
/// spec does not name what is gone.
fn last_uses<'a>(
    changes: &'a [Change],
    destroyed: &HashSet<&'a Address>,
) -> impl Iterator<Item = (&'a Address, &'a Address)> {
    let used = |change: &'a Change| {
        change.before.iter().filter_map(|before| before.mark.as_ref()).flat_map(|mark| &mark.needs)
    };
    let acts = changes.iter().filter(|change| change.acts());
    acts.flat_map(move |change| used(change).map(move |need| (need, &change.address)))
        .filter(|(need, _)| destroyed.contains(need))
}
