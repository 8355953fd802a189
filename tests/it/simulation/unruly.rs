//! A driver that keeps its contract and nothing more: it is slow, fails before or after an effect, marks some objects
//! only after they are made, counts up to a bound, and lists with a lag. It checks what the engine does to the world.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Claims, Class, Driver, DriverError, Listing, Look, Request, Seen, Service, Session};
use atlas::identity::Identity;
use atlas::kind::{self, Count, Kind, KindRef, Outputs};
use atlas::observed::{Condition, Mark, Object, Owner};
use atlas::value::Value;
use tokio::time::{Instant, sleep};

use super::chaos::foreign;
use super::random::Random;
use super::watch::{Watch, within};

/// How long a new object may be absent from a listing.
pub const LAG: Duration = Duration::from_millis(400);

/// How many objects of a bucket are counted; a listing counts only the first.
const COUNTED: u64 = 3;

#[derive(Clone)]
pub struct Unruly {
    pub inner: Sandbox,
    watch: Arc<Mutex<Watch>>,
    /// The account that its regions belong to.
    pub account: &'static str,
}

impl Unruly {
    pub fn new(account: &'static str, random: Random) -> Self {
        let inner = Sandbox::new(World::in_memory().expect("a world"));
        Self { inner, watch: Arc::new(Mutex::new(Watch::new(random))), account }
    }

    pub fn world(&self) -> &World {
        self.inner.world()
    }

    pub fn watch<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        look(&mut self.watch.lock().expect("sound"))
    }

    /// Takes time, and sometimes fails.
    async fn delay_or_fail(&self, moment: &str) -> Result<(), DriverError> {
        let (wait, fails, class) = self.watch(|watch| {
            let class = class(&mut watch.random);
            (watch.random.below(40) as u64, watch.random.below(100) < watch.faults, class)
        });
        sleep(Duration::from_millis(wait)).await;
        if fails { Err(DriverError::new(class, format!("it failed {moment}"))) } else { Ok(()) }
    }

    /// Whether a listing of a host, or of the world, succeeds.
    fn lists(&self, host: &str) -> Result<(), DriverError> {
        self.watch(|watch| {
            let class = class(&mut watch.random);
            let most = if host.is_empty() { 800 } else { 200 };
            let fails = watch.random.below(most) < watch.faults;
            let unlistable = watch.unlistable.as_ref().is_some_and(|one| one.is_empty() || within(host, one));
            let looked = watch.denies(host).and_then(|()| {
                if fails || unlistable { Err(DriverError::new(class, "it failed while listing")) } else { Ok(()) }
            });
            if looked.is_err() {
                watch.failed.insert(host.to_owned());
            }
            looked
        })
    }

    /// Remembers each object whose attempt may have had its effect, or may have it later.
    fn doubt<T>(&self, identity: &Identity, result: Result<T, DriverError>) -> Result<T, DriverError> {
        if result.as_ref().is_err_and(|error| matches!(error.class, Class::Transient | Class::Unreachable)) {
            self.watch(|watch| watch.doubtful.insert(identity.to_string()));
        }
        result
    }
}

fn class(random: &mut Random) -> Class {
    [Class::Transient, Class::Throttled, Class::Denied, Class::Unreachable][random.below(4)]
}

/// Reduces the counts of an object to a bound.
fn tell(object: &mut Object, bound: u64) {
    if object.kind.name == "bucket" {
        let told = |count: &Count| match count {
            Count::Exactly(held) if *held > bound => Count::AtLeast(bound),
            other => *other,
        };
        object.usage = object.usage.iter().map(|(counter, count)| (counter.clone(), told(count))).collect();
    }
}

#[async_trait]
impl Driver for Unruly {
    fn name(&self) -> &'static str {
        "unruly"
    }

    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        self.inner.serves(kind, host)
    }

    fn simulates(&self) -> bool {
        true
    }

    fn fence(&self, token: u64) {
        self.inner.fence(token);
    }

    fn reads_host(&self) -> bool {
        false
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        let inner = self.inner.open(host, owner).await?;
        let host = host.map(|host| host.identity.to_string()).unwrap_or_default();
        Ok(Arc::new(Inside { unruly: self.clone(), inner, host }))
    }
}

/// A session on one host of the unruly world, or, without a name, on the world itself.
struct Inside {
    unruly: Unruly,
    inner: Arc<dyn Session>,
    host: String,
}

impl Inside {
    async fn make(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.unruly.delay_or_fail("before it was made").await?;
        self.unruly.watch(|watch| watch.denies(want.identity))?;
        self.unruly.watch_making(want.mark, want.hosts, "create");
        self.unruly.watch_claims(want)?;
        let made = |watch: &mut Watch| watch.made.extend([(want.identity.clone(), Instant::now())]);
        // Some services make an object first and take its tags in a second call.
        if want.kind.name == "bucket" && self.unruly.world().get(want.identity)?.is_none() {
            let bare = Object {
                kind: want.kind.clone(),
                identity: want.identity.clone(),
                hosts: want.hosts.to_vec(),
                attributes: want.attributes.clone(),
                outputs: want.derived.clone(),
                usage: [("objects".into(), Count::Exactly(0))].into_iter().collect(),
                mark: None,
                external: false,
                unsaid: Vec::new(),
                condition: Condition::Ready,
            };
            self.unruly.world().plant(&bare).expect("writable");
            self.unruly.watch(|watch| {
                watch.bare.insert(want.identity.clone());
                watch.planted.remove(want.identity);
                made(watch);
            });
            self.unruly.delay_or_fail("between making and marking").await?;
            return self.inner.update(&Seen::new(bare), want).await;
        }
        let mut derived = want.derived.clone();
        if want.kind.name == "region" {
            derived.insert("account".into(), self.unruly.account.into());
        }
        let outputs = self.inner.create(&Request { derived: &derived, ..*want }).await?;
        self.unruly.watch(made);
        self.unruly.delay_or_fail("after it was made").await?;
        Ok(outputs)
    }

    async fn change(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.unruly.delay_or_fail("before it was changed").await?;
        self.unruly.watch(|watch| watch.denies(want.identity))?;
        let ours = seen.object.mark.as_ref().is_some_and(|mark| mark.address == want.mark.address);
        self.unruly.watch_making(want.mark, want.hosts, if ours { "update" } else { "adopt" });
        self.unruly.watch_adopting(seen, want.mark);
        self.unruly.watch_claims(want)?;
        let before = self.unruly.world().get(want.identity)?;
        let outputs = self.inner.update(seen, want).await?;
        before.iter().for_each(|before| self.unruly.watch_update_loss(before, want));
        self.unruly.delay_or_fail("after it was changed").await?;
        Ok(outputs)
    }

    async fn look(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        self.unruly.delay_or_fail("while looking").await?;
        self.unruly.watch(|watch| watch.denies(look.identity))?;
        let mut seen = self.inner.read(look).await?;
        if let Some(seen) = &mut seen {
            tell(&mut seen.object, if look.evidence { COUNTED } else { 1 });
        }
        // Others change the world between two looks of the engine.
        if look.evidence && look.kind.name == "region" {
            // An object that appears after the engine's last listing can't be known to it.
            let first = self
                .unruly
                .watch(|watch| watch.examined.insert(look.identity.clone()) && !watch.calm && watch.random.chance(15));
            if first {
                self.unruly.come_into(look.identity)?;
            }
        }
        let holds = seen.is_some() && !look.kind.usage.is_empty();
        if holds && self.unruly.watch(|watch| watch.grows && watch.random.chance(20)) {
            self.unruly.fill(look.identity, 1);
        }
        Ok(seen)
    }
}

impl Unruly {
    /// Somebody else makes a queue in a region, if it has none of that name.
    fn come_into(&self, region: &Identity) -> Result<(), DriverError> {
        let identity = region.inside("queue", "newcomer");
        if self.world().get(region)?.is_none() || self.world().get(&identity)?.is_some() {
            return Ok(());
        }
        let kind = kind::get("queue").expect("a kind of Atlas's own");
        let attributes = [("name", Value::from("newcomer"))].into_iter().collect();
        self.world().plant(&foreign(kind.into(), &identity, attributes))?;
        self.watch(|watch| {
            watch.planted.insert(identity.clone());
            watch.came.insert(identity);
        });
        Ok(())
    }

    /// Puts so many more things into an object, if it holds any.
    pub fn fill(&self, identity: &str, more: u64) {
        let edit = |object: &mut Object| {
            let counters = object.kind.usage.iter().take(1);
            let held = |counter: &str| object.usage.get(counter).map_or(0, |count| count.least());
            object.usage = counters.map(|one| ((*one).into(), Count::Exactly(held(one) + more))).collect();
        };
        self.world().edit(identity, edit).expect("writable");
    }
}

#[async_trait]
impl Session for Inside {
    fn speaks_addresses(&self) -> bool {
        true
    }

    fn creates_marked(&self, kind: &Kind) -> bool {
        kind.name != "bucket"
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        self.unruly.lists(&self.host)?;
        let mut listing = self.inner.list(kinds, claims).await?;
        let now = Instant::now();
        self.unruly.watch(|watch| {
            let Watch { random, made, lags, hidden, .. } = watch;
            listing.objects.retain(|object| {
                let young = made.get(&object.identity).is_some_and(|made| now - *made < LAG);
                let shown = !(*lags && young && random.chance(50));
                if shown {
                    hidden.remove(&object.identity);
                } else {
                    hidden.insert(object.identity.clone());
                }
                shown
            });
        });
        listing.objects.iter_mut().for_each(|object| tell(object, if claims.evidence { COUNTED } else { 1 }));
        Ok(listing)
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        let seen = self.look(look).await;
        if seen.is_err() {
            self.unruly.watch(|watch| watch.doubtful.insert(look.identity.to_string()));
        }
        seen
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.unruly.doubt(want.identity, self.make(want).await)
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.unruly.doubt(want.identity, self.change(seen, want).await)
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        self.unruly.delay_or_fail("before it was deleted").await?;
        self.unruly.watch(|watch| watch.denies(&seen.object.identity))?;
        self.unruly.watch_removal(seen, "delete");
        // A container engine deletes everything in a container with it.
        let along: Vec<Identity> = self.unruly.watch(|watch| watch.came.iter().cloned().collect());
        for came in along.iter().filter(|came| came.is_within(&seen.object.identity)) {
            self.unruly.world().destroy(came)?;
        }
        let there = self.unruly.world().get(&seen.object.identity)?;
        let mut told = there.clone();
        told.iter_mut().for_each(|told| tell(told, COUNTED));
        // It holds what was seen, as far as counts go.
        let same = told.as_ref().is_some_and(|told| told.usage == seen.object.usage);
        match there.clone().filter(|_| same) {
            Some(object) => {
                let object = Object { usage: object.usage, ..seen.object.clone() };
                self.inner.delete(&Seen::new(object)).await?;
            }
            None => self.inner.delete(seen).await?,
        }
        there.iter().for_each(|gone| self.unruly.watch_loss(gone));
        self.unruly.delay_or_fail("after it was deleted").await
    }

    async fn release(&self, mark: &Mark) -> Result<(), DriverError> {
        self.inner.release(mark).await
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        self.unruly.delay_or_fail("before it was let go").await?;
        self.unruly.watch(|watch| watch.denies(&seen.object.identity))?;
        self.unruly.watch_removal(seen, "forget");
        self.unruly.watch(|watch| watch.forgotten.insert(seen.object.identity.clone()));
        self.inner.mark(seen, mark).await
    }
}
