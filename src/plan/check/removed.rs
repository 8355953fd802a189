//! Nothing protected or wanted goes, nothing goes twice, hosts go after what lives in them, and verdicts are true.

use foldhash::{HashMap, HashSet};

use super::checker::{Checker, Violations};
use crate::action::Verb;
use crate::action::{Action, Order};
use crate::desired::Instance;
use crate::identity::Identity;
use crate::observed::Object;
use crate::plan::change::Change;
use crate::plan::contents::HostContents;
use crate::plan::handover::{loss_of, spared};

pub fn check(checker: &Checker<'_>, violations: &mut Violations) {
    let mut gone: HashSet<&str> = HashSet::default();
    for (_, _, change) in checker.steps().filter(|(_, step, _)| step.verb == Verb::Delete) {
        let Some(object) = checker.object(change) else { continue };
        if object.mark.as_ref().is_some_and(|mark| mark.protect) {
            violations
                .add(Some(change), format!("`{}` is protected by its own mark, and would be deleted", object.identity));
        }
        if !gone.insert(&object.identity) {
            violations.add(Some(change), format!("`{}` would be deleted twice", object.identity));
        }
    }
    verdicts(checker, violations);
    if !gone.is_empty() {
        wanted(checker, violations);
    }
    order(checker, violations);
    former_users(checker, violations);
}

/// What is destroyed has the verdict of what was observed of it and in it; so has what is changed and could lose something.
fn verdicts(checker: &Checker<'_>, violations: &mut Violations) {
    let mut contents = None;
    for change in checker.plan.changes.iter().filter(|change| change.acts()) {
        let Some(object) = checker.object(change) else { continue };
        let expected = if change.action.destroys() && object.kind.hosts_others {
            let contents = contents.get_or_insert_with(|| HostContents::of(checker.desired, checker.observed));
            let lost = contents.lost_with(object, &|identity| checker.deletes.contains_key(identity));
            for held in lost.protected.iter().filter(|held| !checker.deletes.contains_key(held.identity.as_str())) {
                let what = format!("`{}` is protected by its own mark, and lives in {}", held.identity, change.address);
                violations.add(Some(change), what);
            }
            Some(lost.verdict)
        } else if change.spares && checker.is_handed_over(change, object) {
            Some(spared())
        } else if change.action.destroys() {
            Some(loss_of(checker.desired, &change.address, object, checker.options))
        } else {
            let after = change.after.as_ref();
            after.and_then(|after| (object.kind.update_loss)(&object.attributes, &after.attributes, &object.usage))
        };
        if change.verdict != expected {
            let word = expected
                .map_or_else(|| "none".to_owned(), |verdict| format!("{}: {}", verdict.risk.word(), verdict.evidence));
            violations.add(
                Some(change),
                format!("the verdict on {} is not what was observed, which is {word}", change.address),
            );
        }
    }
}

/// An orphan may have the identity of a resource only where that resource has another object and takes the name
/// afterwards.
fn wanted(checker: &Checker<'_>, violations: &mut Violations) {
    if checker.options.destroy {
        return;
    }
    let orphans =
        checker.steps().filter(|(_, step, change)| step.verb == Verb::Delete && change.action == Action::Delete);
    let orphans: HashMap<&str, &Change> =
        orphans.filter_map(|(_, _, change)| Some((change.before.as_ref()?.identity.as_str(), change))).collect();
    if orphans.is_empty() {
        return;
    }
    let wanted = checker.desired.objects().filter_map(|one| Some((one, *orphans.get(one.identity.as_str())?)));
    for (instance, change) in wanted {
        let own = |object: &Object| object.identity != instance.identity && object.kind == instance.kind;
        let former = instance.settings.renamed_from.as_ref();
        let elsewhere = checker.observed.marked(&instance.address).any(own)
            || former.is_some_and(|former| checker.observed.marked(former).any(own));
        let takes = checker.makes.get(&instance.address).is_some_and(|at| waits_for(checker, *at, instance));
        // This holds as well for what an interrupted run left without a mark.
        if !(elsewhere && takes) {
            let what =
                format!("`{}` would be deleted, and {} is to be that object", instance.identity, instance.address);
            violations.add(Some(change), what);
        }
    }
}

fn waits_for(checker: &Checker<'_>, at: usize, instance: &Instance) -> bool {
    checker.deletes.get(instance.identity.as_str()).is_some_and(|first| checker.waits(at, *first))
}

/// An object goes before what it needed by its mark, and before every host that was observed around it.
fn order(checker: &Checker<'_>, violations: &mut Violations) {
    for (at, _, change) in checker.steps().filter(|(_, step, _)| matches!(step.verb, Verb::Delete | Verb::Forget)) {
        let Some(object) = checker.object(change) else { continue };
        let needs = object.mark.iter().filter(|_| checker.ours(object)).flat_map(|mark| &mark.needs);
        let needed = needs.flat_map(|need| checker.observed.marked(need)).map(|needed| needed.identity.as_str());
        for identity in needed.chain(hosts(checker, object)) {
            if let Some(other) = checker.deletes.get(identity)
                && !checker.waits(*other, at)
            {
                violations.add(Some(change), format!("`{identity}` would be deleted before {}", change.address));
            }
        }
    }
}

/// The nearest hosts of an object that are deleted, at any depth.
fn hosts<'a>(checker: &Checker<'a>, object: &'a Object) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut open: Vec<&str> = object.hosts.iter().map(Identity::as_str).collect();
    // Hosts are only a few deep; the bound ends a chain that leads back to itself.
    for _ in 0..64 {
        let Some(identity) = open.pop() else { break };
        if checker.deletes.contains_key(identity) {
            found.push(identity);
        } else if let Some(host) = checker.observed.at(identity) {
            open.extend(host.hosts.iter().map(Identity::as_str));
        }
    }
    found
}

/// What used an object and is changed so that it no longer does, is changed before that object goes.
fn former_users(checker: &Checker<'_>, violations: &mut Violations) {
    if checker.deletes.is_empty() {
        return;
    }
    for (at, _, change) in checker.steps().filter(|(_, step, _)| matches!(step.verb, Verb::Update | Verb::Adopt)) {
        let Some(mark) = checker.object(change).filter(|one| checker.ours(one)).and_then(|one| one.mark.as_ref())
        else {
            continue;
        };
        for needed in mark.needs.iter().flat_map(|need| checker.observed.marked(need)) {
            let Some(other) = checker.deletes.get(needed.identity.as_str()) else { continue };
            let Change { action, spares, .. } = checker.plan.changes[checker.plan.steps[*other].change];
            // What a spared one made stays, and whoever used that still can.
            if action != Action::Replace(Order::DeleteFirst) && !spares && !checker.waits(*other, at) {
                let what = format!("`{}` would be deleted while {} still uses it", needed.identity, change.address);
                violations.add(Some(change), what);
            }
        }
    }
}
