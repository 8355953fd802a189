//! A driver that keeps its contract and nothing more: slow, failing before or after an effect, marking some objects
//! only after they are made, and listing with a lag. It watches what the engine does to the world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use atlas::address::Address;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Claims, Class, Driver, DriverError, Listing, Look, Request, Seen, Service, Session};
use atlas::identity::Identity;
use atlas::kind::{Count, Kind, KindRef, Outputs};
use atlas::observed::{Condition, Mark, Object, Owner};
use tokio::time::{Instant, sleep};

use super::model::Random;

/// How long a new object may be absent from a listing.
pub const LAG: Duration = Duration::from_millis(400);

#[derive(Clone)]
pub struct Unruly {
    pub inner: Sandbox,
    watch: Arc<Mutex<Watch>>,
}

/// What the world does to the engine, and what the engine did to the world.
pub struct Watch {
    pub random: Random,
    /// How many calls in a hundred fail.
    pub faults: usize,
    /// Whether listings lag behind.
    pub lags: bool,
    /// What the approved plan does, by address: its verbs.
    pub approved: BTreeMap<Address, BTreeSet<&'static str>>,
    /// What the approved plan replaces: those that need it are changed only afterwards.
    pub replaced: BTreeSet<Address>,
    /// What was done against a promise.
    pub violations: Vec<String>,
    /// When each object was made, for as long as a listing may not show it.
    pub made: HashMap<Identity, Instant>,
    /// What the last listings did not show, although it was there.
    hidden: BTreeSet<Identity>,
    /// What was let go.
    pub forgotten: BTreeSet<Identity>,
    /// What was made without a mark at first.
    bare: BTreeSet<Identity>,
}

impl Unruly {
    pub fn new(random: Random) -> Self {
        let watch = Watch {
            random,
            faults: 0,
            lags: false,
            approved: BTreeMap::new(),
            replaced: BTreeSet::new(),
            violations: Vec::new(),
            made: HashMap::new(),
            hidden: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            bare: BTreeSet::new(),
        };
        Self { inner: Sandbox::new(World::in_memory().expect("a world")), watch: Arc::new(Mutex::new(watch)) }
    }

    pub fn world(&self) -> &World {
        self.inner.world()
    }

    pub fn watch<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        look(&mut self.watch.lock().expect("sound"))
    }

    fn violation(&self, what: String) {
        self.watch(|watch| watch.violations.push(what));
    }

    /// Takes time, and sometimes fails.
    async fn suffer(&self, moment: &str) -> Result<(), DriverError> {
        let (wait, fails, class) = self.watch(|watch| {
            let class = [Class::Transient, Class::Throttled, Class::Denied, Class::Unreachable][watch.random.below(4)];
            (watch.random.below(40) as u64, watch.random.below(100) < watch.faults, class)
        });
        sleep(Duration::from_millis(wait)).await;
        if fails { Err(DriverError::new(class, format!("it failed {moment}"))) } else { Ok(()) }
    }

    fn exists(&self, address: &Address) -> bool {
        self.world().find("t", "default", address).expect("readable").is_some()
    }

    /// Every effect was approved, and comes after what it needs.
    fn watch_making(&self, mark: &Mark, hosts: &[Identity], verb: &'static str) {
        // A step that is tried again may find what it made or adopted before.
        let again = |verbs: &BTreeSet<&'static str>| verb == "update" && verbs.contains("adopt");
        let one = |verbs: &BTreeSet<&'static str>| verbs.contains(verb) || verbs.contains("create") || again(verbs);
        let allowed = self.watch(|watch| watch.approved.get(&mark.address).is_some_and(one));
        if !allowed {
            self.violation(format!("{verb} of {} was in no approved plan", mark.address));
        }
        // What has several hosts goes on without one of them, once it is there.
        if hosts.len() > 1 && verb != "create" {
            return;
        }
        for need in mark.needs.iter().filter(|need| !self.exists(need)) {
            self.violation(format!("{verb} of {} came before {need}", mark.address));
        }
    }

    fn watch_removal(&self, seen: &Seen, verb: &'static str) {
        let Some(object) = self.world().get(&seen.object.identity).expect("readable") else { return };
        let bare = self.watch(|watch| watch.bare.contains(&object.identity));
        let Some(address) = seen.object.resource() else {
            if !bare {
                self.violation(format!("{} is nobody's, and was to be removed", object.identity));
            }
            return;
        };
        let (allowed, replaced) =
            self.watch(|watch| (watch.approved_as(address, verb), watch.replaced.contains(address)));
        if !allowed {
            self.violation(format!("{verb} of {address} was in no approved plan"));
        }
        if verb == "delete" && object.mark.as_ref().is_none_or(|mark| mark.protect || mark.project != "t") {
            self.violation(format!("{address} is protected or not ours, and was to be deleted"));
        }
        let owned = self.owned();
        let copies =
            owned.iter().filter(|other| other.mark.as_ref().is_some_and(|mark| &mark.address == address)).count();
        if verb != "delete" || replaced {
            return;
        }
        for user in owned.iter().filter(|user| user.identity != object.identity) {
            let unseen = self.watch(|watch| watch.hidden.iter().any(|host| user.identity.is_within(host)));
            let inside = user.hosts.contains(&object.identity);
            let needs = user.mark.as_ref().is_some_and(|mark| mark.needs.contains(address)) && copies == 1;
            if !unseen && (inside || needs) {
                self.violation(format!("{address} was deleted before {}", user.identity));
            }
        }
    }

    /// What an interrupted creation left without a mark.
    pub fn stray(&self) -> Vec<Identity> {
        let bare = self.watch(|watch| watch.bare.difference(&watch.forgotten).cloned().collect::<Vec<_>>());
        let unmarked = |identity: &Identity| {
            let object = self.world().get(identity).expect("readable");
            object.is_some_and(|object| {
                object.mark.is_none() && object.attributes.get("name").as_str() != Some("foreign")
            })
        };
        bare.into_iter().filter(unmarked).collect()
    }

    /// Everything in the world that belongs to the project.
    pub fn owned(&self) -> Vec<Object> {
        let mut owned = Vec::new();
        let mut open = vec![String::new(), "*".to_owned()];
        while let Some(host) = open.pop() {
            let mut visit = |object: Object| {
                open.push(object.identity.to_string());
                if object.belongs_to("t", "default") {
                    owned.push(object);
                }
            };
            self.world().visit_host(&host, &mut visit).expect("readable");
        }
        owned
    }
}

impl Watch {
    fn approved_as(&self, address: &Address, verb: &'static str) -> bool {
        self.approved.get(address).is_some_and(|verbs| verbs.contains(verb))
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

    fn reads_host(&self) -> bool {
        false
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        Ok(Arc::new(Inside { unruly: self.clone(), inner: self.inner.open(host, owner).await? }))
    }
}

/// A session on one host of the unruly world.
struct Inside {
    unruly: Unruly,
    inner: Arc<dyn Session>,
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
        Ok(listing)
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        self.unruly.suffer("while looking").await?;
        self.inner.read(look).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.unruly.suffer("before it was made").await?;
        self.unruly.watch_making(want.mark, want.hosts, "create");
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
                condition: Condition::Ready,
            };
            self.unruly.world().plant(&bare).expect("writable");
            self.unruly.watch(|watch| {
                watch.bare.insert(want.identity.clone());
                made(watch);
            });
            self.unruly.suffer("between making and marking").await?;
            return self.inner.update(&Seen::new(bare), want).await;
        }
        let outputs = self.inner.create(want).await?;
        self.unruly.watch(made);
        self.unruly.suffer("after it was made").await?;
        Ok(outputs)
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.unruly.suffer("before it was changed").await?;
        let ours = seen.object.mark.as_ref().is_some_and(|mark| mark.address == want.mark.address);
        self.unruly.watch_making(want.mark, want.hosts, if ours { "update" } else { "adopt" });
        let outputs = self.inner.update(seen, want).await?;
        self.unruly.suffer("after it was changed").await?;
        Ok(outputs)
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        self.unruly.suffer("before it was deleted").await?;
        self.unruly.watch_removal(seen, "delete");
        self.inner.delete(seen).await?;
        self.unruly.suffer("after it was deleted").await
    }

    async fn release(&self, mark: &Mark) -> Result<(), DriverError> {
        self.inner.release(mark).await
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        self.unruly.suffer("before it was let go").await?;
        self.unruly.watch_removal(seen, "forget");
        self.unruly.watch(|watch| watch.forgotten.insert(seen.object.identity.clone()));
        self.inner.mark(seen, mark).await
    }
}
