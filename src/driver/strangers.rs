//! What lives in hosts that are about to go and that no listing for their owner shows: it goes along with them.

use foldhash::HashSet;
use futures_util::stream::{self, StreamExt as _};

use super::contract::{Claims, Service, Wanted};
use super::{Sessions, patiently};
use crate::identity::Identity;
use crate::kind::KindRef;
use crate::observed::{Object, Observed};
use crate::plan::references;

/// How many hosts are listed at once.
const AT_ONCE: usize = 16;

/// Lists everything in hosts that a plan would remove, at any depth and whoever owns it; whether anything new came of it.
/// A host of which that can't be listed counts as one that nobody could look into.
pub async fn look_for_strangers(sessions: &Sessions, removed: &[Identity], observed: &mut Observed) -> bool {
    let mut learnt = false;
    let mut layer: Vec<Object> = removed.iter().filter_map(|host| observed.at(host)).cloned().collect();
    while !layer.is_empty() {
        let seen: HashSet<&str> = observed.objects().iter().map(|object| object.identity.as_str()).collect();
        let seen = &seen;
        let lists: Vec<_> =
            layer.iter().map(|host| async move { (host, strangers_in(sessions, host, seen).await) }).collect();
        let listed: Vec<(&Object, Option<Vec<Object>>)> = stream::iter(lists).buffer_unordered(AT_ONCE).collect().await;
        let mut below = Vec::new();
        for (host, found) in listed {
            match found {
                Some(objects) => below.extend(objects),
                None => learnt |= observed.doubt(&host.identity),
            }
        }
        layer = below.iter().filter(|object| object.kind.hosts_others).cloned().collect();
        learnt |= observed.add_strangers(below);
    }
    learnt
}

/// What lives in a host and was not seen yet; none when not all of it could be listed.
async fn strangers_in(sessions: &Sessions, host: &Object, seen: &HashSet<&str>) -> Option<Vec<Object>> {
    let kinds: Vec<KindRef> = sessions.kinds().living_in(Some(&host.kind)).cloned().collect();
    let wanted = Wanted::default();
    let claims = Claims { owner: sessions.owner(), wanted: &wanted, evidence: true, all_but: Some(seen) };
    let mut all = Vec::new();
    for (at, driver) in sessions.registry().drivers().enumerate() {
        let served: Vec<_> =
            kinds.iter().filter(|kind| driver.serves(kind, Some(host)) != Service::None).cloned().collect();
        if served.is_empty() {
            continue;
        }
        let session = sessions.open(at, Some(host)).await.ok()?;
        let mut listing = patiently(|| session.list(&served, &claims)).await.ok()?;
        if listing.unreachable.keys().any(|hidden| hidden.is_within(&host.identity)) {
            return None;
        }
        if !session.speaks_addresses() {
            references::name(listing.objects.iter_mut().collect(), sessions.owner());
        }
        all.append(&mut listing.objects);
    }
    Some(all)
}
