//! Nothing is touched that is somebody else's, that is there in any case, or that can't be looked at.

use foldhash::HashSet;

use super::checker::{Checker, Violations};
use crate::action::Action;
use crate::identity::Identity;
use crate::observed::Object;
use crate::plan::change::Change;
use crate::plan::options::selected;

pub fn check(checker: &Checker<'_>, violations: &mut Violations) {
    for change in checker.plan.changes.iter().filter(|change| change.acts()) {
        if let Some(before) = &change.before {
            match checker.object(change) {
                None => violations.add(
                    Some(change),
                    format!("`{}` was not seen, and {} works on it", before.identity, change.address),
                ),
                Some(object) => touched(checker, change, object, violations),
            }
        } else if change.action != Action::Create {
            violations.add(Some(change), format!("{} has nothing to work on", change.address));
        }
        unseen(checker, change, violations);
        undecided(checker, change, violations);
    }
    needed_by_the_unseen(checker, violations);
}

/// What a change works on is the object of its resource.
fn touched(checker: &Checker<'_>, change: &Change, object: &Object, violations: &mut Violations) {
    let address = &change.address;
    if object.external {
        violations.add(Some(change), format!("{address} is there in any case, and not Atlas's to change"));
    }
    let asked = change.action == Action::Adopt
        && (selected(&checker.options.adopt, address) || checker.is_handed_back(change, object));
    if !checker.ours(object) && !checker.interrupted(object) && !asked {
        let what = format!("`{}` belongs to {}, and nobody asked to take it over", object.identity, object.owner());
        violations.add(Some(change), what);
    }
    let Some(mark) = object.mark.as_ref().filter(|_| checker.ours(object)) else { return };
    let instance = checker.desired.get(address).filter(|_| change.after.is_some());
    let former = instance.and_then(|instance| instance.settings.renamed_from.as_ref());
    let left = instance.is_some() && checker.desired.get(&mark.address).is_none();
    if mark.address != *address && former != Some(&mark.address) && !left {
        violations.add(
            Some(change),
            format!("`{}` is the object of {}, and not of {address}", object.identity, mark.address),
        );
    }
}

/// Nothing is done about an app of which nobody can tell what it comes to, nor about what it came to before, unless all is destroyed or it
/// was asked for.
fn undecided(checker: &Checker<'_>, change: &Change, violations: &mut Violations) {
    let address = &change.address;
    let parent = address.parent();
    let app = parent.as_ref().filter(|parent| parent.kind() == "app").unwrap_or(address);
    let is_asked = checker.options.destroy || selected(&checker.options.forget, address);
    if !is_asked && checker.desired.undecided(app).is_some() {
        violations
            .add(Some(change), format!("nobody can tell yet what {app} comes to, and {address} would be touched"));
    }
}

/// Nothing is done to what can't be looked at; nothing is made in it, and no host of it is destroyed.
fn unseen(checker: &Checker<'_>, change: &Change, violations: &mut Violations) {
    let observed = checker.observed;
    if observed.unreachable().is_empty() {
        return;
    }
    let mut say = |identity: &str| {
        let what = format!("`{identity}` can't be looked at, and {} would be touched", change.address);
        violations.add(Some(change), what);
    };
    for target in change.before.iter().chain(&change.after) {
        let unreachable = |identity: &Identity| observed.why_unreachable(identity).is_some();
        // What lives in several hosts goes on as long as one of them answers, and is made only when all do.
        let hosts = &target.hosts;
        let hidden = match hosts.as_slice() {
            [] | [_] => unreachable(&target.identity) || hosts.iter().any(unreachable),
            _ if change.action == Action::Create => hosts.iter().any(unreachable),
            _ => hosts.iter().all(unreachable),
        };
        if hidden {
            say(&target.identity);
        }
    }
    if let Some(before) = change.before.as_ref().filter(|_| change.action.destroys()) {
        let inside =
            |other: &&Identity| other.strip_prefix(before.identity.as_str()).is_some_and(|rest| rest.starts_with('/'));
        observed.unreachable().keys().filter(inside).for_each(|other| say(other));
    }
}

/// What something needs that can't be looked at is not destroyed.
fn needed_by_the_unseen(checker: &Checker<'_>, violations: &mut Violations) {
    if checker.observed.unreachable().is_empty() || checker.deletes.is_empty() {
        return;
    }
    let unreachable: HashSet<&str> = checker.observed.unreachable().keys().map(Identity::as_str).collect();
    let wanted = checker.desired.objects().filter(|instance| unreachable.contains(instance.identity.as_str()));
    let by_spec = wanted.flat_map(|instance| instance.needs());
    let seen = unreachable.iter().filter_map(|identity| checker.observed.at(identity));
    let by_mark = seen.filter_map(|object| object.mark.as_ref()).flat_map(|mark| &mark.needs);
    for need in by_spec.chain(by_mark) {
        for object in checker.observed.marked(need) {
            if let Some(at) = checker.deletes.get(object.identity.as_str()) {
                let change = &checker.plan.changes[checker.plan.steps[*at].change];
                violations.add(Some(change), format!("{need} would be deleted, and what needs it can't be looked at"));
            }
        }
    }
}
