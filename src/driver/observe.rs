//! Observing everything, layer by layer: the world, then what lives in what was found there.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};
use futures_util::stream::{self, StreamExt as _};

use super::contract::{Claims, Listing, Look, Service, Wanted};
use super::{Class, DriverError, Sessions, with_retries};
use crate::address::Address;
use crate::desired::Desired;
use crate::identity::Identity;
use crate::kind::{Host, KindRef, Outputs, Usage};
use crate::mutation::{Mutation, broken};
use crate::observed::{DeliveredObject, Locations, Object, Observed};
use crate::plan::{Foretold, references};
use crate::recorded::{Intent, Recorded};

/// How many objects are looked into at once, and how many hosts are listed.
pub(super) const AT_ONCE: usize = 16;

/// Observes every host that answers, each exactly once; with `evidence`, also what the objects of the spec hold.
///
/// A host is opened by its object, so that what lives in one that the spec no longer has is seen as well.
///
/// # Errors
/// When a driver can't be asked at all.
pub async fn observe(
    sessions: &Sessions,
    desired: &Desired,
    recorded: &Recorded,
    evidence: bool,
) -> Result<Observed, DriverError> {
    let pending = recorded.pending.keys().map(|intent| (intent.identity.as_str(), None));
    let said = desired.objects().map(|instance| (instance.identity.as_str(), Some(&instance.attributes)));
    let wanted: Wanted<'_> = pending.chain(said).collect();
    let look = sessions.next_look();
    let claims = Claims { owner: sessions.owner(), wanted: &wanted, evidence, look, all_but: None };
    let mut found = Found::default();
    let mut layer = Vec::new();
    for job in HostListing::all(sessions, None) {
        layer.extend(found.take(job.list(sessions, &claims).await?));
    }
    loop {
        let hosts: Vec<&Object> = layer.iter().flat_map(Chunk::hosts).collect();
        let jobs = hosts.iter().flat_map(|host| HostListing::all(sessions, Some(host)));
        let claims = &claims;
        let lists = jobs.map(|job| async move { (job.host, job.list(sessions, claims).await) });
        let mut listed = stream::iter(lists.collect::<Vec<_>>()).buffered(AT_ONCE);
        let mut below = Vec::new();
        while let Some((host, listing)) = listed.next().await {
            match (listing, host) {
                (Ok(listing), _) => below.extend(found.take(listing)),
                (Err(error), Some(host)) => found.lose(host, &error),
                (Err(error), None) => return Err(error),
            }
        }
        drop(listed);
        found.listed.extend(hosts.iter().filter(|host| sees_all(sessions, host)).map(|host| host.identity.clone()));
        let last = below.is_empty();
        found.chunks.append(&mut layer);
        layer = below;
        if last {
            break;
        }
    }
    Ok(found.finish(sessions, desired, &wanted))
}

/// Looks into objects that a plan would remove and that were not looked into before; whether anything new came of it.
/// What can't be looked at stays unknown.
pub async fn look_into(sessions: &Sessions, removed: &[(KindRef, Identity)], observed: &mut Observed) -> bool {
    let look = |(kind, identity): &(KindRef, Identity)| {
        let (kind, identity) = (kind.clone(), identity.clone());
        let hosts = observed.at(&identity).map(|object| object.hosts.clone()).unwrap_or_default();
        hosts.iter().filter_map(|host| observed.at(host)).for_each(|host| sessions.learn(host.clone()));
        async move {
            let session = sessions.keeper(&kind, &hosts).await.ok()?;
            let look = Look { kind: &kind, identity: &identity, wanted: None, evidence: true };
            let seen = with_retries(|| session.read(&look)).await.ok()??;
            Some((identity, seen.object.usage))
        }
    };
    let looks: Vec<_> = removed.iter().map(look).collect();
    let seen: Vec<(Identity, Usage)> =
        stream::iter(looks).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
    let mut learnt = false;
    for (identity, usage) in seen {
        learnt |= observed.learn_usage(&identity, usage);
    }
    learnt
}

/// The intents of earlier runs that stay open: the object is there without its mark, is wanted, or can't be looked at.
/// A listing may lag behind, so every other object is read by itself before its intent is dropped.
pub async fn still_open(sessions: &Sessions, recorded: &Recorded, observed: &Observed, desired: &Desired) -> Recorded {
    let (here, elsewhere) = recorded.split(observed);
    let mut open = here.unfinished(observed);
    if open.pending.is_empty() {
        open.pending = elsewhere.pending;
        return open;
    }
    let wanted: HashSet<&str> = desired.objects().map(|instance| instance.identity.as_str()).collect();
    let doubtful = open.pending.iter().filter(|(Intent { identity, .. }, _)| {
        let unknown = observed.why_unreachable(identity).is_some();
        observed.at(identity).is_none() && !unknown && !wanted.contains(identity.as_str())
    });
    let look = |(intent, address): (&Intent, &Address)| {
        let (intent, kind) = (intent.clone(), desired.kinds.get(address.kind()));
        let identity = intent.identity.clone();
        let host = identity.host_str().and_then(|host| observed.at(host));
        host.iter().for_each(|host| sessions.learn((*host).clone()));
        async move {
            if broken(Mutation::TrustListings) {
                return Some(intent);
            }
            let kind = kind?;
            let hosts: Vec<Identity> = identity.host().into_iter().collect();
            let session = sessions.keeper(kind, &hosts).await.ok()?;
            let look = Look { kind, identity: &identity, wanted: None, evidence: false };
            let there = with_retries(|| session.read(&look)).await;
            there.is_ok_and(|seen| seen.is_none_or(|seen| seen.object.mark.is_some())).then_some(intent)
        }
    };
    let looks: Vec<_> = doubtful.map(look).collect();
    let gone: Vec<Intent> =
        stream::iter(looks).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
    gone.iter().for_each(|intent| drop(open.pending.remove(intent)));
    open.pending.extend(elsewhere.pending);
    open
}

/// One listing to make: of a driver, on a host.
pub(super) struct HostListing<'a> {
    driver: usize,
    host: Option<&'a Object>,
    kinds: Vec<KindRef>,
}

/// What one listing gave.
struct Chunk {
    /// Whether its objects name each other as the API does, and not by address.
    raw: bool,
    objects: Vec<Object>,
}

/// All that was found so far.
#[derive(Default)]
struct Found {
    chunks: Vec<Chunk>,
    unreachable: BTreeMap<Identity, String>,
    made: BTreeSet<Address>,
    listed: HashSet<Identity>,
    /// What the sessions spoke to.
    locations: Locations,
    /// What somebody else delivers for apps.
    delivered: Vec<DeliveredObject>,
    /// Objects that live in several hosts, which are seen in each.
    spanning: HashSet<Identity>,
}

impl<'a> HostListing<'a> {
    /// Every listing that there is to make on a host: one for each driver that knows kinds that live in it.
    pub(super) fn all(sessions: &Sessions, host: Option<&'a Object>) -> Vec<Self> {
        let kinds: Vec<KindRef> = sessions.kinds().living_in(host.map(|host| &*host.kind)).cloned().collect();
        let of_driver = |(driver, one): (usize, &std::sync::Arc<dyn super::Driver>)| {
            let kinds: Vec<_> = kinds.iter().filter(|kind| one.serves(kind, host) != Service::None).cloned().collect();
            (!kinds.is_empty()).then_some(Self { driver, host, kinds })
        };
        sessions.registry().drivers().enumerate().filter_map(of_driver).collect()
    }

    /// The same for some kinds alone; none where it is for none of them.
    pub(super) fn only(mut self, kinds: &BTreeSet<&str>) -> Option<Self> {
        self.kinds.retain(|kind| kinds.contains(kind.name));
        (!self.kinds.is_empty()).then_some(self)
    }

    /// What is there and nobody's.
    pub(super) async fn survey(&self, sessions: &Sessions) -> Result<Listing, DriverError> {
        sessions.open(self.driver, self.host).await?.survey(&self.kinds).await
    }

    /// What is listed, and whether its objects name each other as the API does.
    pub(super) async fn list(&self, sessions: &Sessions, claims: &Claims<'_>) -> Result<(bool, Listing), DriverError> {
        let session = sessions.open(self.driver, self.host).await?;
        let listing = session.list(&self.kinds, claims).await?;
        Ok((!session.speaks_addresses(), listing))
    }
}

impl Chunk {
    /// The objects in which others live and that can be looked into.
    fn hosts(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|object| object.kind.hosts_others && object.condition.is_ready())
    }
}

impl Found {
    fn take(&mut self, (raw, listing): (bool, Listing)) -> Option<Chunk> {
        let Listing { mut objects, unreachable, mut made, locations, delivered } = listing;
        self.delivered.extend(delivered);
        self.locations.extend(locations);
        objects.retain(|object| object.hosts.len() < 2 || self.spanning.insert(object.identity.clone()));
        self.unreachable.extend(unreachable);
        self.made.append(&mut made);
        tracing::debug!(found = objects.len(), "listed a host");
        (!objects.is_empty()).then_some(Chunk { raw, objects })
    }

    /// Nothing can be said about what lives in a host.
    fn lose(&mut self, host: &Object, error: &DriverError) {
        self.unreachable.insert(host.identity.clone(), unseen(error));
    }

    fn finish(mut self, sessions: &Sessions, desired: &Desired, wanted: &Wanted<'_>) -> Observed {
        let owner = sessions.owner();
        let objects = || self.chunks.iter().filter(|chunk| chunk.raw).flat_map(|chunk| &chunk.objects);
        let nobodys: HashSet<String> =
            objects().filter(|object| object.mark.is_none()).map(|object| object.identity.to_string()).collect();
        // There are few of them, so the spec is only looked through when there are some.
        let resources = (!nobodys.is_empty()).then(|| desired.objects()).into_iter().flatten();
        let adopted: HashMap<&str, &Address> = resources
            .filter(|one| nobodys.contains(one.identity.as_str()))
            .map(|one| (one.identity.as_str(), &one.address))
            .collect();
        let foretold = self.foretold(desired);
        let raw = self.chunks.iter_mut().filter(|chunk| chunk.raw).flat_map(|chunk| &mut chunk.objects);
        let said = |identity: &Identity| wanted.get(identity.as_str()).copied().flatten();
        let resource = |identity: &Identity| adopted.get(identity.as_str()).copied();
        references::name(raw.collect(), &[], owner, said, resource, &foretold);
        // Of most worlds one listing is by far the longest: the others are added to it, and it is not copied.
        let longest = (0..self.chunks.len()).max_by_key(|at| self.chunks[*at].objects.len());
        let mut objects = longest.map(|at| self.chunks.swap_remove(at).objects).unwrap_or_default();
        objects.reserve_exact(self.chunks.iter().map(|chunk| chunk.objects.len()).sum());
        self.chunks.into_iter().for_each(|chunk| objects.extend(chunk.objects));
        let Self { unreachable, made, listed, locations, delivered, .. } = Self { chunks: Vec::new(), ..self };
        Observed::new(owner, objects, unreachable, made, listed).at_locations(locations).with_delivered(delivered)
    }
}

impl Found {
    /// What resources will be called that others only name, by what was found of their hosts.
    fn foretold(&self, desired: &Desired) -> Foretold {
        let mut all = desired.objects().filter(|instance| !instance.names.is_empty()).peekable();
        if all.peek().is_none() {
            return Foretold::default();
        }
        let objects = || self.chunks.iter().flat_map(|chunk| &chunk.objects);
        let hosts = objects().filter(|object| object.kind.hosts_others);
        let hosts: HashMap<&str, &Outputs> = hosts.map(|host| (host.identity.as_str(), &host.outputs)).collect();
        Foretold::of(desired, |address| hosts.get(desired.get(address)?.identity.as_str()).copied())
    }
}

/// Why nothing can be said about what lives in a host.
pub(super) fn unseen(error: &DriverError) -> String {
    let what = if error.class == Class::Denied { "denies access" } else { "can't be looked into" };
    format!("{what}: {}", error.chain())
}

/// Whether everything that can live in a host is seen: a driver knows each such kind.
fn sees_all(sessions: &Sessions, host: &Object) -> bool {
    // A database only has its place in a region; it lives in a server.
    let mut living = sessions.kinds().living_in(Some(&host.kind)).filter(|kind| kind.host != Host::AnyServer);
    living.all(|kind| sessions.registry().drivers().any(|driver| driver.serves(kind, Some(host)) != Service::None))
}
