//! Observing everything, layer by layer: the world, then what lives in what was found there.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;
use futures_util::StreamExt as _;

use super::{DriverError, Observation, Query, Registry, Wanted, patiently};
use crate::desired::Desired;
use crate::kind::{self, Kind, Usage};
use crate::mutation::{Mutation, broken};
use crate::observed::{Object, Observed};
use crate::recorded::{Intent, Recorded};

/// How many objects are looked into at once.
const AT_ONCE: usize = 16;

/// Observes every host that answers, each exactly once; with `usage`, also what the objects of the spec hold.
///
/// # Errors
/// When a driver can't be asked at all.
pub async fn observe(
    registry: &Registry,
    desired: &Desired,
    recorded: &Recorded,
    usage: bool,
) -> Result<Observed, DriverError> {
    let pending = recorded.pending.keys().map(|identity| (identity.as_str(), None));
    let said = desired.objects().map(|instance| (instance.identity.as_str(), Some(&instance.attributes)));
    let wanted: Wanted<'_> = pending.chain(said).collect();
    let mut objects: Vec<Object> = Vec::new();
    let mut unreachable = BTreeMap::new();
    let mut made = BTreeSet::new();
    let mut seen: HashSet<String> = HashSet::default();
    let mut hosts: Option<Vec<String>> = None;
    loop {
        let query = Query {
            project: &desired.project,
            environment: &desired.environment,
            hosts: hosts.as_deref(),
            wanted: &wanted,
            usage,
        };
        // What lives in something may be another driver's than what it lives in, so all of them look at each layer.
        let mut inner = Vec::new();
        for observation in futures_util::future::join_all(registry.all().map(|one| one.observe(&query))).await {
            let mut observation: Observation = observation?;
            // Only what lives in several hosts can be seen more than once.
            let mut fresh = observation.objects;
            fresh.retain(|object| object.hosts.len() < 2 || seen.insert(object.identity.clone()));
            tracing::debug!(layer = hosts.as_ref().map_or(0, Vec::len), found = fresh.len(), "observed a layer");
            let answering = fresh.iter().filter(|object| object.kind.hosts_others() && object.ill.is_none());
            inner.extend(answering.map(|object| object.identity.clone()));
            // The lower layers are the larger ones by far: what was seen before them is put in front, and not copied.
            if objects.len() < fresh.len() {
                fresh.splice(0..0, objects.drain(..));
                objects = fresh;
            } else {
                objects.extend(fresh);
            }
            unreachable.extend(observation.unreachable);
            made.append(&mut observation.made);
        }
        if inner.is_empty() {
            break;
        }
        hosts = Some(inner);
    }
    Ok(Observed::new(&desired.project, &desired.environment, objects, unreachable, made))
}

/// Looks into objects that a plan would remove and that were not looked into before; whether anything new came of it.
/// What can't be looked at stays unknown.
pub async fn look_into(registry: &Registry, removed: &[(&'static Kind, String)], observed: &mut Observed) -> bool {
    let look = |(kind, identity): &(&'static Kind, String)| {
        let (kind, identity, driver) = (*kind, identity.clone(), registry.of(kind).cloned());
        async move {
            let driver = driver?;
            let object = patiently(|| driver.read(kind, &identity)).await.ok()??;
            Some((identity, object.usage))
        }
    };
    let looks = futures_util::stream::iter(removed.iter().map(look)).buffer_unordered(AT_ONCE);
    let seen: Vec<(String, Usage)> = looks.filter_map(std::future::ready).collect().await;
    let mut learnt = false;
    for (identity, usage) in seen {
        learnt |= observed.learn_usage(&identity, usage);
    }
    learnt
}

/// What earlier runs left open and still is: what they were about to make is there without its mark, is wanted, or can't be
/// looked at. A listing may lag behind, so that each of the others is asked for by itself before it is let go.
pub async fn still_open(registry: &Registry, recorded: &Recorded, observed: &Observed, desired: &Desired) -> Recorded {
    let mut open = recorded.unfinished(observed);
    if open.pending.is_empty() {
        return open;
    }
    let wanted: HashSet<&str> = desired.objects().map(|instance| instance.identity.as_str()).collect();
    let doubtful = open.pending.iter().filter(|(identity, _)| {
        observed.at(identity).is_none()
            && observed.why_unreachable(identity).is_none()
            && !wanted.contains(identity.as_str())
    });
    let look = |(identity, intent): (&String, &Intent)| {
        let (identity, kind) = (identity.clone(), kind::get(intent.address.kind()));
        async move {
            let kind = kind?;
            let driver = registry.of(kind)?;
            if broken(Mutation::TrustListings) {
                return Some(identity);
            }
            let there = patiently(|| driver.read(kind, &identity)).await;
            there.is_ok_and(|object| object.is_none_or(|object| object.mark.is_some())).then_some(identity)
        }
    };
    let looks = futures_util::stream::iter(doubtful.map(look)).buffer_unordered(AT_ONCE);
    let gone: Vec<String> = looks.filter_map(std::future::ready).collect().await;
    gone.iter().for_each(|identity| drop(open.pending.remove(identity)));
    open
}
