//! Objects in hosts that are about to be deleted which no listing for their owner shows: they go along with the hosts.

use std::collections::BTreeMap;

use foldhash::HashSet;
use futures_util::stream::{self, StreamExt as _};

use super::contract::{Claims, Wanted};
use super::observe::{AT_ONCE, HostListing, unseen};
use super::{Class, DriverError, Sessions};
use crate::identity::Identity;
use crate::observed::{Object, Observed};
use crate::plan::{Foretold, references};

/// Lists everything in hosts that a plan would remove, at any depth and whoever owns it; whether anything new came of it.
/// What can't be listed counts as out of reach from then on, so that nothing happens to it.
pub async fn look_for_foreign_objects(sessions: &Sessions, removed: &[Identity], observed: &mut Observed) -> bool {
    let mut learnt = false;
    // A host that was not listed at all, because it does not run for example, is known to be unknown already.
    let listed = removed.iter().filter(|host| observed.is_listed(host));
    let mut layer: Vec<Object> = listed.filter_map(|host| observed.at(host)).cloned().collect();
    while !layer.is_empty() {
        let seen: HashSet<&str> = observed.objects().iter().map(|object| object.identity.as_str()).collect();
        let seen = &seen;
        let lists: Vec<_> = layer.iter().map(|host| foreign_objects_in(sessions, host, seen)).collect();
        let listed: Vec<ForeignObjects> = stream::iter(lists).buffered(AT_ONCE).collect().await;
        layer.clear();
        for ForeignObjects { mut objects, mut raw, hidden } in listed {
            let foretold = Foretold::default();
            let (owner, others) = (sessions.owner(), observed.objects());
            references::name(raw.iter_mut().collect(), others, owner, |_| None, |_| None, &foretold);
            objects.append(&mut raw);
            objects.retain(|object| observed.at(&object.identity).is_none());
            layer.extend(objects.iter().filter(|object| object.kind.hosts_others).cloned());
            learnt |= observed.add(sessions.owner(), objects) || !hidden.is_empty();
            hidden.into_iter().for_each(|(identity, reason)| observed.lose(identity, reason));
        }
    }
    learnt
}

/// What lives in a host, at any depth, and is not among what is known to be in it. It is asked for just before the host is
/// removed, as everything in it goes along.
///
/// # Errors
/// When something in it can't be looked at.
pub async fn look_for_newcomers(
    sessions: &Sessions,
    host: &Object,
    known: &HashSet<Identity>,
) -> Result<Vec<Object>, DriverError> {
    let hosts_others = |identity: &Identity| sessions.kinds().get(identity.kind()).is_none_or(|kind| kind.hosts_others);
    // Known hosts are listed as well, as something may have come into them.
    let skipped: HashSet<&str> = known.iter().filter(|one| !hosts_others(one)).map(Identity::as_str).collect();
    let mut found = Vec::new();
    let mut layer = vec![host.clone()];
    while !layer.is_empty() {
        let lists: Vec<_> = layer.iter().map(|host| foreign_objects_in(sessions, host, &skipped)).collect();
        let listed: Vec<ForeignObjects> = stream::iter(lists).buffered(AT_ONCE).collect().await;
        layer.clear();
        for ForeignObjects { objects, raw, hidden } in listed {
            if let Some((identity, reason)) = hidden.into_iter().next() {
                return Err(DriverError::new(Class::Unreachable, format!("`{identity}` {reason}")));
            }
            for object in objects.into_iter().chain(raw) {
                if object.kind.hosts_others && object.condition.is_ready() {
                    layer.push(object.clone());
                }
                if !known.contains(&object.identity) {
                    found.push(object);
                }
            }
        }
    }
    Ok(found)
}

/// What lives in a host and was not seen yet.
#[derive(Default)]
struct ForeignObjects {
    objects: Vec<Object>,
    /// Those that name others as the API knows them.
    raw: Vec<Object>,
    /// What can't be looked at, and why.
    hidden: BTreeMap<Identity, String>,
}

async fn foreign_objects_in(sessions: &Sessions, host: &Object, seen: &HashSet<&str>) -> ForeignObjects {
    let wanted = Wanted::default();
    let claims = Claims {
        owner: sessions.owner(),
        wanted: &wanted,
        evidence: true,
        look: sessions.next_look(),
        all_but: Some(seen),
    };
    let mut foreign = ForeignObjects::default();
    for job in HostListing::all(sessions, Some(host)) {
        match job.list(sessions, &claims).await {
            Ok((raw, mut listing)) => {
                let objects = if raw { &mut foreign.raw } else { &mut foreign.objects };
                objects.append(&mut listing.objects);
                foreign.hidden.append(&mut listing.unreachable);
            }
            Err(error) => drop(foreign.hidden.insert(host.identity.clone(), unseen(&error))),
        }
    }
    foreign
}
