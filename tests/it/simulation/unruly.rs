//! A driver that keeps its contract and nothing more: slow, failing before or after an effect, marking some objects
//! only after they are made, and listing with a lag. It watches what the engine does to the world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use atlas::address::Address;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Class, Driver, DriverError, Observation, Query, Removal, Request};
use atlas::kind::{Kind, Outputs};
use atlas::observed::{Mark, Object};
use tokio::time::{Instant, sleep};

use super::model::Random;

/// How long a new object may be absent from a listing.
pub const LAG: Duration = Duration::from_millis(400);

pub struct Unruly {
    pub inner: Sandbox,
    watch: Mutex<Watch>,
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
    pub made: HashMap<String, Instant>,
    /// What the last listings did not show, although it was there.
    hidden: BTreeSet<String>,
    /// What was let go.
    pub forgotten: BTreeSet<String>,
    /// What was made without a mark at first.
    bare: BTreeSet<String>,
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
        Self { inner: Sandbox::new(World::in_memory().expect("a world")), watch: Mutex::new(watch) }
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
    fn watch_making(&self, mark: &Mark, hosts: &[String], verb: &'static str) {
        let allowed = self.watch(|watch| watch.approved.get(&mark.address).is_some_and(|verbs| verbs.contains(verb)));
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

    fn watch_removal(&self, removal: &Removal<'_>, verb: &'static str) {
        let address = &removal.mark.address;
        let (allowed, replaced) = self.watch(|watch| {
            let known = |verbs: &BTreeSet<&'static str>| verbs.contains(verb);
            (watch.approved.values().any(known) && watch.approved_as(address, verb), watch.replaced.contains(address))
        });
        if !allowed {
            self.violation(format!("{verb} of {address} was in no approved plan"));
        }
        let Some(object) = self.world().get(removal.identity).expect("readable") else { return };
        let ours = removal.unmarked && self.watch(|watch| watch.bare.contains(removal.identity));
        if verb == "delete" && !ours && object.mark.as_ref().is_none_or(|mark| mark.protect || mark.project != "t") {
            self.violation(format!("{address} is protected or not ours, and was to be deleted"));
        }
        let owned = self.owned();
        let copies =
            owned.iter().filter(|other| other.mark.as_ref().is_some_and(|mark| &mark.address == address)).count();
        if verb != "delete" || replaced {
            return;
        }
        for user in owned.iter().filter(|user| user.identity != removal.identity) {
            let unseen = self.watch(|watch| watch.hidden.iter().any(|host| within(&user.identity, host)));
            let inside = user.hosts.iter().any(|host| host == removal.identity);
            let needs = user.mark.as_ref().is_some_and(|mark| mark.needs.contains(address)) && copies == 1;
            if !unseen && (inside || needs) {
                self.violation(format!("{address} was deleted before {}", user.identity));
            }
        }
    }

    /// What an interrupted creation left without a mark.
    pub fn stray(&self) -> Vec<String> {
        let bare = self.watch(|watch| watch.bare.difference(&watch.forgotten).cloned().collect::<Vec<_>>());
        let unmarked = |identity: &String| {
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
                open.push(object.identity.clone());
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
    async fn observe(&self, query: &Query<'_>) -> Result<Observation, DriverError> {
        let mut observation = self.inner.observe(query).await?;
        let now = Instant::now();
        self.watch(|watch| {
            let Watch { random, made, lags, hidden, .. } = watch;
            observation.objects.retain(|object| {
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
        Ok(observation)
    }

    async fn read(&self, kind: &'static Kind, identity: &str) -> Result<Option<Object>, DriverError> {
        self.suffer("while looking").await?;
        self.inner.read(kind, identity).await
    }

    async fn create(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        self.suffer("before it was made").await?;
        self.watch_making(request.mark, request.hosts, "create");
        let there = self.inner.read(request.kind, request.identity).await?;
        // Some services make an object first and take its tags in a second call.
        if request.kind.name == "bucket" && there.is_none() {
            let bare = Object {
                kind: request.kind,
                identity: request.identity.to_owned(),
                hosts: request.hosts.to_vec(),
                attributes: request.attributes.clone(),
                outputs: request.derived.clone(),
                usage: [("objects".into(), 0)].into_iter().collect(),
                mark: None,
                external: false,
                condition: Condition::Ready,
            };
            self.world().plant(&bare).expect("writable");
            self.watch(|watch| {
                watch.bare.insert(request.identity.to_owned());
                watch.made.insert(request.identity.to_owned(), Instant::now());
            });
            self.suffer("between making and marking").await?;
            return self.inner.create(&Request { adopt: true, ..copy(request) }).await;
        }
        let made = self.inner.create(request).await?;
        self.watch(|watch| watch.made.extend([(request.identity.to_owned(), Instant::now())]));
        self.suffer("after it was made").await?;
        Ok(made)
    }

    async fn update(&self, request: &Request<'_>) -> Result<Outputs, DriverError> {
        self.suffer("before it was changed").await?;
        self.watch_making(request.mark, request.hosts, if request.adopt { "adopt" } else { "update" });
        let outputs = self.inner.update(request).await?;
        self.suffer("after it was changed").await?;
        Ok(outputs)
    }

    async fn delete(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        self.suffer("before it was deleted").await?;
        self.watch_removal(removal, "delete");
        self.inner.delete(removal).await?;
        self.suffer("after it was deleted").await
    }

    async fn forget(&self, removal: &Removal<'_>) -> Result<(), DriverError> {
        self.suffer("before it was let go").await?;
        self.watch_removal(removal, "forget");
        self.watch(|watch| watch.forgotten.insert(removal.identity.to_owned()));
        self.inner.forget(removal).await
    }
}

fn copy<'a>(request: &Request<'a>) -> Request<'a> {
    Request {
        kind: request.kind,
        identity: request.identity,
        hosts: request.hosts,
        attributes: request.attributes,
        derived: request.derived,
        mark: request.mark,
        adopt: request.adopt,
        place: request.place,
        limit: request.limit,
        progress: request.progress,
    }
}

fn within(identity: &str, host: &str) -> bool {
    identity.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
