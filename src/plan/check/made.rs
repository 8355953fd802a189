//! What is made is what the spec says, and everything that it needs is there or made first.

use foldhash::HashSet;

use super::checker::{Checker, Violations};
use crate::action::Action;
use crate::action::Verb;
use crate::address::Address;
use crate::desired::Instance;
use crate::diagnostic::Diagnostics;
use crate::parallel;
use crate::path::split;
use crate::plan::change::{Change, Target};
use crate::plan::schedule::Step;

pub fn check(checker: &Checker<'_>, violations: &mut Violations) {
    // Each step by itself, and there may be very many.
    let found: Vec<Diagnostics> = parallel::map_runs(&checker.plan.steps, |run| {
        let mut violations = Violations::default();
        for step in run.iter().filter(|step| !matches!(step.verb, Verb::Delete | Verb::Forget)) {
            one(checker, step, &mut violations);
        }
        violations.0
    });
    found.into_iter().for_each(|diagnostics| violations.0.append(diagnostics));
    let mut made: HashSet<&str> = HashSet::default();
    for (_, _, change) in checker.steps().filter(|(_, step, _)| step.verb == Verb::Create) {
        if let Some(after) = change.after.as_ref().filter(|after| !made.insert(&after.identity)) {
            violations.add(Some(change), format!("`{}` would be made twice", after.identity));
        }
    }
}

fn one(checker: &Checker<'_>, step: &Step, violations: &mut Violations) {
    let change = &checker.plan.changes[step.change];
    let Some(instance) = checker.desired.get(&change.address) else {
        violations.add(Some(change), format!("{} would be made, and is not in the spec", change.address));
        return;
    };
    let Some(after) = &change.after else {
        violations.add(Some(change), format!("{} has nothing to make", change.address));
        return;
    };
    as_the_spec_says(checker, change, instance, after, violations);
    room(checker, step, change, after, violations);
    needs(checker, step, change, instance, violations);
    references(checker, step, change, (instance, after), violations);
}

/// The object has the name, the mark and every known attribute that the spec asks for.
fn as_the_spec_says(
    checker: &Checker<'_>,
    change: &Change,
    instance: &Instance,
    after: &Target,
    violations: &mut Violations,
) {
    let address = &change.address;
    if after.identity != instance.identity {
        let what =
            format!("{address} would be made as `{}`, and the spec says `{}`", after.identity, instance.identity);
        violations.add(Some(change), what);
    }
    let settings = &instance.settings;
    let desired = checker.desired;
    let owned = after.mark.as_ref().filter(|mark| {
        mark.address == *address
            && mark.project == desired.project.as_str()
            && mark.environment == desired.environment.as_str()
            && (mark.protect, mark.on_remove) == (settings.protect, settings.on_remove)
    });
    let needs = || instance.needs().filter(|need| desired.get(need).is_some_and(|need| need.kind.object));
    if owned.is_none_or(|mark| needs().any(|need| !mark.needs.contains(need))) {
        violations.add(Some(change), format!("{address} would not be marked as the spec says"));
    }
    let unapplied = settings.unapplied();
    let left = |name: &str| unapplied.iter().any(|path| split(path).first() == Some(&name));
    for (name, value) in instance.attributes.iter().filter(|(_, value)| value.is_known()) {
        if after.attributes.get(name) != value && !left(name) {
            violations.add(Some(change), format!("`{name}` of {address} would not be as the spec says"));
        }
    }
}

/// What stands under a name that is taken goes first.
fn room(checker: &Checker<'_>, step: &Step, change: &Change, after: &Target, violations: &mut Violations) {
    if step.verb != Verb::Create {
        return;
    }
    let Some(there) = checker.observed.at(&after.identity) else { return };
    let first = checker.deletes.get(after.identity.as_str());
    if first.is_none_or(|first| step.after.binary_search(first).is_err()) && !there.external {
        violations.add(Some(change), format!("{} would be made over what is still there", change.address));
    }
}

/// What it needs by the spec is there, or made by a step that it waits for.
fn needs(checker: &Checker<'_>, step: &Step, change: &Change, instance: &Instance, violations: &mut Violations) {
    let address = &change.address;
    let all = change.action == Action::Create || matches!(change.action, Action::Replace(_));
    let mut hosts_there = 0;
    let edges = instance.references.iter().map(|edge| (&edge.to, edge.blocks, false));
    for (need, blocks, host) in instance.hosts.iter().map(|host| (host, false, true)).chain(edges) {
        let Some(needed) = checker.desired.get(need).filter(|needed| needed.kind.object) else { continue };
        if let Some(made) = checker.makes.get(need) {
            if step.after.binary_search(made).is_err() {
                violations.add(Some(change), format!("{address} would be made before {need}"));
            }
            hosts_there += usize::from(host);
            continue;
        }
        let there = checker.observed.at(&needed.identity).is_some();
        hosts_there += usize::from(host && there);
        // A forget, or a change that was asked for alone, may leave out what it needs.
        let alone = checker.options.exact || !checker.options.forget.is_empty();
        if !there && (all || blocks) && !alone {
            violations.add(Some(change), format!("{address} needs {need}, which is not there, and no step makes it"));
        }
    }
    if hosts_there == 0 && !instance.hosts.is_empty() && !checker.options.exact {
        violations.add(Some(change), format!("{address} would be made, and none of its hosts is there"));
    }
}

/// What only another resource can complete is completed by a step that it waits for.
fn references(
    checker: &Checker<'_>,
    step: &Step,
    change: &Change,
    (instance, after): (&Instance, &Target),
    violations: &mut Violations,
) {
    let is_first = |need: &Address| checker.makes.get(need).is_some_and(|made| step.after.binary_search(made).is_ok());
    // What is only named does not have to be made first. What it is called is told by its host, which does.
    let told = |to: &Address| {
        instance.names.iter().any(|edge| edge.to == *to)
            && checker.desired.get(to).is_some_and(|other| other.hosts.iter().any(is_first))
    };
    // Each host on the way waits for the next, which is checked by itself.
    let is_above = |to: &Address| {
        let [host] = instance.hosts.as_slice() else { return false };
        let mut way = std::iter::successors(Some(host), |host| checker.desired.get(host)?.hosts.first());
        is_first(host) && checker.makes.contains_key(to) && way.any(|host| host == to)
    };
    for (name, value) in after.attributes.iter().filter(|(_, value)| !value.is_known()) {
        value.visit_references(&mut |reference| {
            if !is_first(&reference.address) && !told(&reference.address) && !is_above(&reference.address) {
                let what = format!(
                    "`{name}` of {} refers to {}, which nothing in the plan makes first",
                    change.address, reference.address
                );
                violations.add(Some(change), what);
            }
        });
    }
}
