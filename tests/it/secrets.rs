//! A driver may be told a secret, and may repeat it: in an error, a reason, a progress, a condition. No text that
//! leaves its session holds the secret, whatever the driver does.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::secret::Secrets;
use atlas::driver::{
    Claims, Class, Driver, DriverError, Hidden, Listing, Look, Registry, Request, Seen, Service, Session,
};
use atlas::execute::{Entry, Execution, Journal, Outcome};
use atlas::identity::Identity;
use atlas::kind::{Kind, KindRef, Outputs};
use atlas::observed::{Condition, Mark, Object, Owner};
use atlas::plan::{Options, render};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use atlas::style::Palette;
use atlas::value::Value;
use base64::Engine as _;
use tokio::sync::{mpsc, watch};

const VALUE: &str = "hunter2 & more";

const SPEC: &str = "[project]\nname = \"t\"\n[region.a]\n[region.b]\n[queue.told]\nregions = [\"a\"]\n\
    [queue.degraded]\nregions = [\"a\"]\n[queue.unreachable]\nregions = [\"b\"]\n";

/// A driver that reads a secret for each call, and repeats it in every text.
#[derive(Clone)]
struct Talkative {
    inner: Sandbox,
    secrets: Arc<Secrets>,
}

struct Telling {
    all: Talkative,
    inner: Arc<dyn Session>,
}

impl Talkative {
    /// The value in every way in which it travels.
    fn words(&self) -> String {
        let reference = Value::Map([("env".into(), "PASSWORD".into())].into_iter().collect());
        let value = self.secrets.text(&reference).expect("set");
        let header = base64::prelude::BASE64_STANDARD.encode(format!("user:{value}"));
        format!("`{value}`, {value:?}, Basic {header}, ?password={}", value.replace(' ', "%20").replace('&', "%26"))
    }
}

#[async_trait]
impl Driver for Talkative {
    fn name(&self) -> &'static str {
        "talkative"
    }

    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        self.inner.serves(kind, host)
    }

    fn simulates(&self) -> bool {
        true
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        if host.is_some_and(|host| host.identity.as_str() == "region/b") {
            return Err(DriverError::new(Class::Denied, format!("the endpoint takes no {}", self.words())));
        }
        Ok(Arc::new(Telling { all: self.clone(), inner: self.inner.open(host, owner).await? }))
    }
}

#[async_trait]
impl Session for Telling {
    fn speaks_addresses(&self) -> bool {
        true
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        let mut listing = self.inner.list(kinds, claims).await?;
        let degraded = listing.objects.iter_mut().filter(|object| object.identity.ends_with("degraded"));
        degraded
            .for_each(|object| object.condition = Condition::Degraded(format!("its probe said {}", self.all.words())));
        if kinds.iter().any(|kind| kind.name == "queue") {
            let hidden = Identity::from_text("region/a/queue/hidden");
            listing.unreachable.insert(hidden, format!("answers {}", self.all.words()));
        }
        Ok(listing)
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        self.inner.read(look).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        want.progress.tell(format!("logging in with {}", self.all.words()));
        if want.identity.ends_with("told") {
            let source = std::io::Error::other(self.all.words());
            return Err(DriverError::from_source(Class::Invalid, "the engine refuses the environment", source));
        }
        self.inner.create(want).await
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

/// A journal that is read.
#[derive(Default)]
struct Lines(Mutex<String>);

#[async_trait]
impl Journal for Lines {
    async fn intend(&self, _: Entry) -> std::io::Result<()> {
        Ok(())
    }

    async fn conclude(&self, entry: Entry, outcome: Outcome) -> std::io::Result<()> {
        self.0.lock().expect("sound").push_str(&format!("{} {outcome:?}\n", entry.address));
        Ok(())
    }
}

#[tokio::test]
async fn no_text_of_a_driver_repeats_a_secret() {
    let hidden: Arc<Hidden> = Arc::default();
    let variables = Arc::new(|name: &str| (name == "PASSWORD").then(|| VALUE.to_owned()));
    let secrets = Secrets::new(".".into(), variables, Arc::clone(&hidden));
    let inner = Sandbox::new(World::in_memory().expect("a world"));
    let driver = Arc::new(Talkative { inner, secrets: Arc::new(secrets) });
    let (desired, diagnostics) = compile(SPEC, &Inputs::default());
    let desired = desired.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let registry = Registry::new([driver as Arc<dyn Driver>]).without(hidden);
    let pipeline = Pipeline::new(desired, registry).expect("a good spec");
    let mut texts = String::new();
    for _ in 0..2 {
        let (observed, plan) = pipeline.look_and_plan(&Recorded::default(), &Options::default()).await.expect("seen");
        texts.push_str(&format!("{:?}\n{:?}\n", observed.objects(), observed.unreachable()));
        texts.push_str(&render(&plan, Palette::default(), 200));
        texts.push_str(&serde_json::to_string(&plan.changes).expect("JSON"));
        let (events, mut heard) = mpsc::unbounded_channel();
        let (_stop, stop) = watch::channel(false);
        let journal = Arc::new(Lines::default());
        let execution = Execution {
            journal: journal.clone(),
            parallelism: 4,
            allow_loss: Vec::new(),
            approved: None,
            events,
            stop,
        };
        let report = pipeline.apply(plan, execution).await;
        texts.push_str(&format!("{report:?}\n{}", journal.0.lock().expect("sound")));
        while let Ok(event) = heard.try_recv() {
            texts.push_str(&format!("{event:?}\n"));
        }
    }
    for said in ["logging in", "refuses the environment", "its probe said", "answers", "takes no"] {
        assert!(texts.contains(said), "nobody said `{said}`:\n{texts}");
    }
    for part in ["hunter2", "aHVudGVy", "%26%20more"] {
        assert!(!texts.contains(part), "`{part}` is in\n{texts}");
    }
}
