//! What to do about objects that Atlas made and the spec no longer has.

use std::collections::{HashMap, HashSet};

use super::action::{Action, Cause};
use super::change::{Change, Target};
use super::decide::protected;
use super::diff;
use super::options::{Options, selected};
use crate::address::Address;
use crate::diagnostic::Diagnostics;
use crate::observed::{Object, Observed};
use crate::spec::{Desired, OnRemove};

/// Deletes or forgets every object of this project and environment that no resource of the spec claims.
pub fn orphans(
    observed: &Observed,
    claimed: &HashSet<&str>,
    desired: &Desired,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let addresses: HashMap<&str, &Address> =
        observed.owned().map(|(address, object)| (object.identity.as_str(), address)).collect();
    for (address, object) in observed.owned().filter(|(_, object)| !claimed.contains(object.identity.as_str())) {
        let mut change = removal(address, object, &addresses, options);
        // When everything is destroyed, what goes may still be in the spec.
        change.span = desired.get(address).filter(|_| options.destroy).map(|instance| instance.declaration.header);
        let protect = object.mark.as_ref().is_some_and(|mark| mark.protect);
        if change.action == Action::Delete && protect {
            diagnostics.push(protected(&change));
        }
        changes.push(change);
    }
    changes
}

fn removal(address: &Address, object: &Object, addresses: &HashMap<&str, &Address>, options: &Options) -> Change {
    let asked = selected(&options.forget, address);
    let destroy = options.destroy;
    let forget = asked || !destroy && object.mark.as_ref().is_some_and(|mark| mark.on_remove == OnRemove::Forget);
    let hosts: Vec<Address> =
        object.hosts.iter().filter_map(|host| addresses.get(host.as_str()).map(|host| (*host).clone())).collect();
    let mut depends_on = object.mark.as_ref().map(|mark| mark.needs.clone()).unwrap_or_default();
    depends_on.extend(hosts.iter().cloned());
    depends_on.sort();
    depends_on.dedup();
    let reason = match (destroy, forget) {
        _ if asked => "Atlas was asked to let go of it",
        (true, _) => "everything is to be destroyed",
        (_, true) => "is no longer in the spec, which said `on_remove = \"forget\"`",
        _ => "is no longer in the spec",
    };
    Change {
        address: address.clone(),
        kind: object.kind,
        action: if forget { Action::Forget } else { Action::Delete },
        cause: Cause::Orphan,
        reason: reason.to_owned(),
        deferred: None,
        blocked: None,
        verdict: (!forget).then(|| (object.kind.loss)(&object.usage)),
        depends_on,
        attributes: diff::deletion(object.kind, &object.attributes),
        hosts,
        after: None,
        before: Some(Target::of(object)),
        timeout: 600,
        span: None,
    }
}
