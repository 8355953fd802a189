//! What some resources are now, before everything else is observed.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use super::contract::{Claims, Wanted};
use super::observe::HostListing;
use super::{DriverError, Sessions};
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::identity::Identity;
use crate::observed::Object;

/// The objects of some resources, as far as they are there and answer. On the way to them only the hosts that lead to them are asked,
/// and for nothing but what leads there.
///
/// # Errors
/// When a driver can't be asked at all.
pub async fn objects_of<'a>(
    sessions: &Sessions,
    desired: &'a Desired,
    resources: impl IntoIterator<Item = &'a Address>,
) -> Result<HashMap<Address, Object>, DriverError> {
    let way = way_to(desired, resources);
    let wanted: Wanted<'_> = way.iter().map(|(identity, one)| (identity.as_str(), Some(&one.attributes))).collect();
    let kinds: BTreeSet<&str> = way.values().map(|one| one.kind.name).collect();
    let look = sessions.next_look();
    let claims = Claims { owner: sessions.owner(), wanted: &wanted, evidence: false, look, all_but: None };
    let mut found: HashMap<Address, Object> = HashMap::default();
    let mut layer: Vec<Option<Object>> = vec![None];
    while !layer.is_empty() {
        let mut below = Vec::new();
        for host in &layer {
            for job in HostListing::all(sessions, host.as_ref()) {
                let Some(job) = job.only(&kinds) else { continue };
                let objects = match (job.list(sessions, &claims).await, host) {
                    (Ok((_, listing)), _) => listing.objects,
                    // What can't be asked now is observed like everything else later, and said then.
                    (Err(_), Some(_)) => continue,
                    (Err(error), None) => return Err(error),
                };
                for object in objects {
                    let Some(instance) = way.get(&object.identity).filter(|_| is_its_own(sessions, &object)) else {
                        continue;
                    };
                    if found.insert(instance.address.clone(), object.clone()).is_none()
                        && object.kind.hosts_others
                        && object.condition.is_ready()
                    {
                        below.push(Some(object));
                    }
                }
            }
        }
        layer = below;
    }
    Ok(found)
}

/// The resources themselves, and everything in which they live.
fn way_to<'a>(
    desired: &'a Desired,
    resources: impl IntoIterator<Item = &'a Address>,
) -> BTreeMap<Identity, &'a Instance> {
    let mut way = BTreeMap::new();
    let mut open: Vec<&Address> = resources.into_iter().collect();
    while let Some(instance) = open.pop().map(|address| desired.get(address)) {
        let Some(instance) = instance else { continue };
        if way.insert(instance.identity.clone(), instance).is_none() {
            open.extend(&instance.hosts);
        }
    }
    way
}

/// Whether an object is the resource's: what somebody else made under its name tells nothing of it.
fn is_its_own(sessions: &Sessions, object: &Object) -> bool {
    object.external || object.mark.as_ref().is_some_and(|mark| sessions.owner().has(mark))
}
