//! A driver that is opened on what another driver made in the same run, with what that one told when it made it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Claims, Class, Driver, DriverError, Listing, Look, Registry, Request, Seen, Service, Session};
use atlas::kind::{Kind, KindRef, Outputs};
use atlas::observed::{Mark, Object, Owner};
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};

use crate::support::{execute, selector, summary};

const SPEC: &str = "[project]\nname = \"t\"\n[region.a]\n[queue.one]\nregions = [\"a\"]\n\
    [queue.two]\nregions = [\"a\"]\ntags = { other = \"${queue.one.arn}\", at = \"${region.a.endpoint}\" }\n";

/// Makes regions. Where one answers is told only by its creation.
struct Makers {
    sandbox: Sandbox,
    made: Arc<AtomicUsize>,
}

/// Keeps queues in a region that answers, at the endpoint that the region's object tells.
struct Keepers {
    sandbox: Sandbox,
    calls: Arc<Mutex<Vec<String>>>,
}

struct MakersSession {
    inner: Arc<dyn Session>,
    made: Arc<AtomicUsize>,
}

struct KeepersSession {
    inner: Arc<dyn Session>,
    endpoint: String,
    calls: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Driver for Makers {
    fn name(&self) -> &'static str {
        "makers"
    }

    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        if kind.name == "region" && host.is_none() { Service::Keeps } else { Service::None }
    }

    fn simulates(&self) -> bool {
        true
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        let inner = self.sandbox.open(host, owner).await?;
        Ok(Arc::new(MakersSession { inner, made: Arc::clone(&self.made) }))
    }
}

#[async_trait]
impl Driver for Keepers {
    fn name(&self) -> &'static str {
        "keepers"
    }

    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        let in_region = host.is_some_and(|host| host.kind.name == "region");
        if kind.name == "queue" && in_region { Service::Keeps } else { Service::None }
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        let endpoint = host.and_then(|host| host.outputs.get("endpoint")).cloned();
        let endpoint = endpoint.filter(|endpoint| endpoint.starts_with("https://made/"));
        let endpoint = endpoint.ok_or_else(|| DriverError::new(Class::Unreachable, "nobody told where it answers"))?;
        let inner = self.sandbox.open(host, owner).await?;
        Ok(Arc::new(KeepersSession { inner, endpoint, calls: Arc::clone(&self.calls) }))
    }
}

#[async_trait]
impl Session for MakersSession {
    fn speaks_addresses(&self) -> bool {
        true
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        self.inner.list(kinds, claims).await
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        self.inner.read(look).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let mut derived = want.derived.clone();
        let count = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        derived.insert("endpoint".into(), format!("https://made/{count}"));
        self.inner.create(&Request { derived: &derived, ..*want }).await
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

impl KeepersSession {
    fn note(&self, what: &str, identity: &str) {
        self.calls.lock().expect("sound").push(format!("{what} {identity} at {}", self.endpoint));
    }
}

#[async_trait]
impl Session for KeepersSession {
    fn speaks_addresses(&self) -> bool {
        true
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        self.inner.list(kinds, claims).await
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        self.inner.read(look).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.note("create", want.identity);
        self.inner.create(want).await
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.note("update", want.identity);
        self.inner.update(seen, want).await
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        self.note("delete", &seen.object.identity);
        self.inner.delete(seen).await
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        self.inner.mark(seen, mark).await
    }
}

/// A world that two drivers share, each with its own part.
struct Both {
    sandbox: Sandbox,
    made: Arc<AtomicUsize>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Both {
    fn new() -> Self {
        let sandbox = Sandbox::new(World::in_memory().expect("a world"));
        Self { sandbox, made: Arc::default(), calls: Arc::default() }
    }

    fn pipeline(&self, spec: &str) -> Pipeline {
        let (desired, diagnostics) = compile(spec, &Inputs::default());
        let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}"));
        let makers = Makers { sandbox: self.sandbox.clone(), made: Arc::clone(&self.made) };
        let keepers = Keepers { sandbox: self.sandbox.clone(), calls: Arc::clone(&self.calls) };
        // The order of the drivers says nothing about the order of their work.
        let drivers: [Arc<dyn Driver>; 2] = [Arc::new(keepers), Arc::new(makers)];
        Pipeline::new(desired, Registry::new(drivers)).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"))
    }

    async fn plan(&self, spec: &str, options: &Options) -> (Pipeline, Plan) {
        let pipeline = self.pipeline(spec);
        let (_, plan) = pipeline.look_and_plan(&Recorded::default(), options).await.expect("planned");
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        (pipeline, plan)
    }

    /// Applies; then everything is as the spec says. Gives the calls of the driver that keeps queues, in order.
    async fn converge(&self, spec: &str, options: &Options) -> Vec<String> {
        self.calls.lock().expect("sound").clear();
        let (pipeline, plan) = self.plan(spec, options).await;
        let report = execute(&pipeline, plan, &[]).await;
        assert!(report.is_complete(), "{report:#?}");
        let (_, left) = self.plan(spec, &Options::default()).await;
        assert!(left.is_empty(), "{}", summary(&left));
        let mut calls = std::mem::take(&mut *self.calls.lock().expect("sound"));
        calls.sort();
        calls
    }
}

#[tokio::test]
async fn a_driver_is_opened_on_what_another_one_made_in_the_same_run() {
    let both = Both::new();
    let calls = both.converge(SPEC, &Options::default()).await;
    let at = |what: &str, queue: &str, count: usize| format!("{what} region/a/queue/{queue} at https://made/{count}");
    assert_eq!(calls, [at("create", "one", 1), at("create", "two", 1)]);
    let tags = both.sandbox.world().get("region/a/queue/two").expect("readable").expect("made").attributes;
    assert_eq!(
        tags.at("tags.at").and_then(|told| told.as_str()),
        Some("https://made/1"),
        "it is known to others as well"
    );

    // A host that was made in an earlier run is opened with what was told then.
    let calls = both.converge(&SPEC.replace("[queue.one]", "[queue.one]\ndelay = \"3s\""), &Options::default()).await;
    assert_eq!(calls, [at("update", "one", 1)]);
    both.converge(SPEC, &Options::default()).await;

    // A host that is made anew in this run is opened anew, and what was in the old one goes by the old session.
    let options = Options { replace: vec![selector("region.a")], ..Options::default() };
    let calls = both.converge(SPEC, &options).await;
    let expected = [at("create", "one", 2), at("create", "two", 2), at("delete", "one", 1), at("delete", "two", 1)];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn a_host_that_does_not_tell_where_it_answers_hides_what_lives_in_it() {
    let both = Both::new();
    both.converge(SPEC, &Options::default()).await;
    let forget = |region: &mut Object| drop(region.outputs.remove("endpoint"));
    both.sandbox.world().edit("region/a", forget).expect("there");
    let (_, plan) = both.plan(SPEC, &Options::default()).await;
    assert!(plan.steps.is_empty(), "nothing is done where nothing can be seen: {}", summary(&plan));
    let blocked = plan.changes.iter().filter(|change| change.blocked.is_some()).count();
    assert_eq!(blocked, 3, "{}", summary(&plan));
    assert!(summary(&plan).contains("nobody told where it answers"), "{}", summary(&plan));
}
