//! What to do about objects that Atlas made and the spec no longer has.

use std::collections::BTreeMap;

use foldhash::HashSet;

use super::change::{Blocked, Change, Target, address_of};
use super::diff;
use super::handover::{self, Handover, spared};
use super::options::{Options, selected};
use super::refusal::{loss, protected};
use crate::action::{Action, Cause};
use crate::address::Address;
use crate::desired::{Desired, FieldRules, OnRemove};
use crate::diagnostic::Diagnostics;
use crate::identity::Identity;
use crate::mutation::{Mutation, broken};
use crate::observed::{Mark, Object, Observed, Owner};
use crate::recorded::Recorded;
use crate::render::objects::cluster_of;

/// Deletes or forgets every object of this project and environment that no resource of the spec claims.
pub fn orphans(
    observed: &Observed,
    claimed: &[bool],
    desired: &Desired,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (address, object) in observed.owned(|at, _| !claimed[at]) {
        let handover = handover::of(desired, address, object, options);
        let mut change = removal(address, object, observed, (options, handover));
        if change.verdict.is_some() && !change.spares {
            change.verdict = Some(handover::loss_of(desired, address, object, options));
        }
        // When everything is destroyed, what goes may still be in the spec.
        change.span = desired.get(address).filter(|_| options.destroy).map(|instance| instance.declaration.header);
        if let Some(blocked) = awaited(address, object, desired).filter(|_| !options.destroy)
            && !selected(&options.forget, address)
        {
            change.block(blocked);
        }
        let protect = object.mark.as_ref().is_some_and(|mark| mark.protect && !broken(Mutation::IgnoreProtection));
        if change.action == Action::Delete && protect {
            diagnostics.push(protected(&change));
        }
        changes.push(change);
    }
    changes
}

/// What the object of an app waits for that the spec does not have any more: an app of that name, or on that cluster, may come to it, and
/// nobody can tell yet.
fn awaited(address: &Address, object: &Object, desired: &Desired) -> Option<Blocked> {
    let parent = address.parent();
    let app = parent.as_ref().unwrap_or(address);
    if app.kind() != "app" {
        return None;
    }
    let cluster = cluster_of(&object.identity);
    let mut all = desired.all_undecided();
    let (undecided, why) = all.find(|(one, _)| {
        one.address.name() == app.name() || cluster.is_some() && cluster_of(&one.identity) == cluster
    })?;
    let by = why.by.first().unwrap_or(&undecided.address).clone();
    let what = format!("decides what {} comes to, which may be this", undecided.address);
    Some(Blocked { by, reason: format!("{what}; apply again once it is there") })
}

/// What an interrupted run made and did not mark, and what the spec no longer has: only the journal knows that it has
/// to be deleted.
pub fn interrupted(
    observed: &Observed,
    recorded: &Recorded,
    claimed: &[bool],
    desired: &Desired,
    options: &Options,
) -> Vec<Change> {
    if recorded.pending.is_empty() {
        return Vec::new();
    }
    let wanted: HashSet<&str> = if options.destroy {
        HashSet::default()
    } else {
        desired.objects().map(|instance| instance.identity.as_str()).collect()
    };
    let left = |(identity, address): (&Identity, &Address)| {
        let at = observed.position(identity)?;
        let object = Some(&observed.objects()[at]).filter(|object| object.mark.is_none())?;
        if claimed[at] || wanted.contains(identity.as_str()) {
            return None;
        }
        let mut change = removal(address, object, observed, (options, None));
        change.reason = "was made by an interrupted run, and is not in the spec".into();
        if change.verdict.is_some() {
            change.verdict = Some(handover::loss_of(desired, address, object, options));
        }
        if let Some(before) = &mut change.before {
            before.unmarked = true;
            before.mark = Some(Mark::unapplied(&Owner::new(&desired.project, &desired.environment), address.clone()));
        }
        Some(change)
    };
    // Intents at several places may have one identity, and only one object here.
    let objects: BTreeMap<_, _> =
        recorded.pending.iter().map(|(intent, address)| (&intent.identity, address)).collect();
    objects.into_iter().filter_map(left).collect()
}

/// What the world remembers as made, the spec no longer has, and nobody can see while some host does not answer: it may
/// be there still, so it waits.
pub fn unseen(observed: &Observed, desired: &Desired) -> Vec<Change> {
    let Some((first, reason)) = observed.unreachable().iter().next() else { return Vec::new() };
    let hidden = |address: &&Address| desired.get(address).is_none() && observed.marked(address).next().is_none();
    let entry = |address: &Address| {
        let kind = desired.kinds.get(address.kind())?;
        // The host at the address's own place is the likely one.
        let place = address.place().unwrap_or_default();
        let at_place = observed.unreachable().iter().find(|(host, _)| host.ends_with(&format!("/{place}")));
        let (host, reason) = at_place.unwrap_or((first, reason));
        let blocked = Blocked { by: address_of(host), reason: reason.clone() };
        Some(Change {
            address: address.clone(),
            kind: kind.clone(),
            action: Action::NoOp,
            cause: Cause::Orphan,
            reason: format!("is no longer in the spec; {} {}", blocked.by, blocked.reason),
            deferred: None,
            unsure: false,
            blocked: Some(blocked),
            verdict: None,
            depends_on: Vec::new(),
            attributes: Vec::new(),
            hosts: Vec::new(),
            after: None,
            before: None,
            timeout: 600,
            fields: FieldRules::default(),
            spares: false,
            lets_go: false,
            span: None,
        })
    };
    observed.made().filter(hidden).filter_map(entry).collect()
}

fn removal(
    address: &Address,
    object: &Object,
    observed: &Observed,
    (options, handover): (&Options, Option<Handover>),
) -> Change {
    let asked = selected(&options.forget, address);
    let destroy = options.destroy;
    let lets_go = handover == Some(Handover::LetGo);
    let forget =
        asked || lets_go || !destroy && object.mark.as_ref().is_some_and(|mark| mark.on_remove == OnRemove::Forget);
    let spares = !forget && handover == Some(Handover::Spare);
    let hosts: Vec<Address> = object.hosts.iter().filter_map(|host| observed.owner_of(host).cloned()).collect();
    let mut depends_on = object.mark.as_ref().map(|mark| mark.needs.clone()).unwrap_or_default();
    depends_on.extend(hosts.iter().cloned());
    depends_on.sort();
    depends_on.dedup();
    let reason = match (destroy, forget) {
        _ if asked => "Atlas was asked to let go of it",
        (true, _) => "everything is to be destroyed",
        _ if lets_go => "Argo CD delivers it from now on, and it stays",
        (_, true) => "is no longer in the spec, which said `on_remove = \"forget\"`",
        _ if spares => "it is delivered otherwise from now on; what Argo CD delivered by it stays",
        _ => "is no longer in the spec",
    };
    Change {
        address: address.clone(),
        kind: object.kind.clone(),
        action: if forget { Action::Forget } else { Action::Delete },
        cause: Cause::Orphan,
        reason: reason.to_owned(),
        deferred: None,
        unsure: false,
        blocked: None,
        verdict: (!forget).then(|| if spares { spared() } else { loss(object) }),
        depends_on,
        attributes: diff::deletion(&object.kind, &object.attributes),
        hosts,
        after: None,
        before: Some(Target::of(object)),
        timeout: 600,
        fields: FieldRules::default(),
        spares,
        lets_go,
        span: None,
    }
}
