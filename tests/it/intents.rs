//! Intents of creations that failed, where an object is made first and marked after that: an intent stays open only as
//! long as something without a mark may be there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use atlas::address::Address;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Claims, Class, Driver, DriverError, Listing, Look, Registry, Request, Seen, Service, Session};
use atlas::kind::{Kind, KindRef, Outputs};
use atlas::observed::{Mark, Object, Owner};
use atlas::plan::{Options, Plan};
use atlas::recorded::Intent;
use atlas::run::{self, Consent, Manner, Opened, Purpose, Setup};
use atlas::spec::Inputs;

use crate::support::{Place, actions, address};

const SPEC: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n\
    [region.a]\n[queue.one]\nregions = [\"a\"]\n";

const QUEUE: &str = "region/a/queue/one";

/// A driver that needs a second call to mark what it makes, and that fails once to make a queue.
struct Denying {
    sandbox: Sandbox,
    failure: Arc<Mutex<Option<Failure>>>,
}

/// How a creation fails.
#[derive(Clone, Copy, Debug)]
struct Failure {
    class: Class,
    /// Whether the object was made, and only its mark is missing.
    made: bool,
}

struct DenyingSession {
    inner: Arc<dyn Session>,
    sandbox: Sandbox,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl Denying {
    fn new() -> Arc<Self> {
        Arc::new(Self { sandbox: Sandbox::new(World::in_memory().expect("a world")), failure: Arc::default() })
    }

    fn fail(&self, class: Class, made: bool) {
        *self.failure.lock().expect("sound") = Some(Failure { class, made });
    }

    fn queue(&self) -> Option<Object> {
        self.sandbox.world().get(QUEUE).expect("readable")
    }
}

#[async_trait]
impl Driver for Denying {
    fn name(&self) -> &'static str {
        "denying"
    }

    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        self.sandbox.serves(kind, host)
    }

    fn simulates(&self) -> bool {
        true
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        let inner = self.sandbox.open(host, owner).await?;
        Ok(Arc::new(DenyingSession { inner, sandbox: self.sandbox.clone(), failure: Arc::clone(&self.failure) }))
    }
}

#[async_trait]
impl Session for DenyingSession {
    fn speaks_addresses(&self) -> bool {
        true
    }

    fn creates_marked(&self, kind: &Kind) -> bool {
        kind.name != "queue"
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        self.inner.list(kinds, claims).await
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        self.inner.read(look).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let failure = self.failure.lock().expect("sound").take_if(|_| want.kind.name == "queue");
        let Some(failure) = failure else { return self.inner.create(want).await };
        if failure.made {
            self.inner.create(want).await?;
            self.sandbox.world().edit(want.identity, |object| object.mark = None).expect("there");
        }
        Err(DriverError::new(failure.class, "the call failed"))
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.inner.update(seen, want).await
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        self.inner.delete(seen).await
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        self.inner.mark(seen, mark).await
    }
}

fn open(place: &Place, driver: &Arc<Denying>) -> Opened {
    let setup = Setup {
        file: place.path("atlas.toml"),
        inputs: Inputs::default(),
        variables: Arc::new(|_: &str| None),
        hidden: Arc::default(),
    };
    let spec = run::read(&setup).expect("a good spec");
    let access = Purpose::Write { command: "apply", lease: Duration::from_secs(30) };
    let registry = Registry::new([Arc::clone(driver) as Arc<dyn Driver>]);
    run::open_with(spec, registry, access).expect("nobody else is here")
}

async fn planned(place: &Place, driver: &Arc<Denying>) -> Plan {
    run::plan(&open(place, driver), &Options::default()).await.expect("planned").plan
}

/// One run; how many of its steps failed, and the intents that are open after it.
async fn pass(place: &Place, driver: &Arc<Denying>) -> (usize, BTreeMap<Intent, Address>) {
    let opened = open(place, driver);
    let planned = run::plan(&opened, &Options::default()).await.expect("planned");
    let approved = run::approve(&opened, planned, Consent::default()).unwrap_or_else(|error| panic!("{error:?}"));
    let applied =
        run::apply(&opened, approved, Manner::unattended(8)).await.unwrap_or_else(|error| panic!("{error:?}"));
    (applied.report.failed.len(), opened.store.recorded().expect("readable").pending)
}

/// Somebody makes a queue by the name that the spec gives to its own.
async fn plant(driver: &Denying) {
    let source = Denying::new();
    let (failed, _) = pass(&Place::with(SPEC), &source).await;
    assert_eq!(failed, 0);
    let theirs = Object { mark: None, ..source.queue().expect("made") };
    driver.sandbox.world().plant(&theirs).expect("written");
}

#[tokio::test]
async fn a_creation_that_was_denied_leaves_no_intent() {
    for class in [Class::Denied, Class::Invalid, Class::Conflict] {
        let (place, driver) = (Place::with(SPEC), Denying::new());
        driver.fail(class, false);
        let (failed, open) = pass(&place, &driver).await;
        assert_eq!((failed, open), (1, BTreeMap::new()), "{class}");
        // What somebody makes by that name later is neither taken over nor deleted.
        plant(&driver).await;
        let plan = planned(&place, &driver).await;
        assert_eq!(actions(&plan).get("queue.one@a").map(String::as_str), Some("blocked"), "{class}");
        let reason = &plan.change(&address("queue.one@a")).expect("planned").reason;
        assert!(reason.contains("exists and belongs to nobody that Atlas knows"), "{class}: {reason}");
        place.edit("[queue.one]\nregions = [\"a\"]\n", "");
        let plan = planned(&place, &driver).await;
        assert!(plan.is_empty(), "{class}: {:#?}", actions(&plan));
        assert_eq!(pass(&place, &driver).await, (0, BTreeMap::new()), "{class}");
        assert!(driver.queue().is_some_and(|queue| queue.mark.is_none()), "{class}");
    }
}

#[tokio::test]
async fn a_creation_that_failed_before_the_mark_was_written_keeps_its_intent() {
    for class in [Class::Denied, Class::Invalid] {
        for wanted in [true, false] {
            let (place, driver) = (Place::with(SPEC), Denying::new());
            driver.fail(class, true);
            let (failed, open) = pass(&place, &driver).await;
            let open: Vec<_> = open.iter().map(|(intent, of)| (intent.identity.as_str(), of.as_str())).collect();
            assert_eq!((failed, open.as_slice()), (1, &[(QUEUE, "queue.one@a")][..]), "{class}");
            assert!(driver.queue().is_some_and(|queue| queue.mark.is_none()), "{class}");
            // The next run makes it ours, or deletes it when the spec no longer has it, and the intent is settled.
            if !wanted {
                place.edit("[queue.one]\nregions = [\"a\"]\n", "");
            }
            assert_eq!(pass(&place, &driver).await, (0, BTreeMap::new()), "{class}");
            let marked = driver.queue().map(|queue| queue.mark.is_some());
            assert_eq!(marked, wanted.then_some(true), "{class}");
            assert!(planned(&place, &driver).await.is_empty(), "{class}");
        }
    }
}
