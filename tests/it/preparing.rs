//! A replacement whose new object can't be made: what is found out before the old one is deleted leaves it there.

use std::sync::Arc;

use async_trait::async_trait;
use atlas::action::{Action, Order, Verb};
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Claims, Class, Driver, DriverError, Listing, Look, Registry, Request, Seen, Service, Session};
use atlas::kind::{Kind, KindRef, Outputs};
use atlas::observed::{Mark, Object, Owner};
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};

use crate::support::{actions, execute};

const HEAD: &str = "[project]\nname = \"t\"\n";

/// A sandbox in which nothing new may be made of one kind, which is found out by preparing it.
struct Reluctant(Sandbox, Class);

struct ReluctantSession(Arc<dyn Session>, Class);

#[async_trait]
impl Driver for Reluctant {
    fn name(&self) -> &'static str {
        "reluctant"
    }

    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        self.0.serves(kind, host)
    }

    fn simulates(&self) -> bool {
        true
    }

    async fn open(&self, host: Option<&Object>, owner: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        Ok(Arc::new(ReluctantSession(self.0.open(host, owner).await?, self.1)))
    }
}

#[async_trait]
impl Session for ReluctantSession {
    fn speaks_addresses(&self) -> bool {
        true
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        self.0.list(kinds, claims).await
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        self.0.read(look).await
    }

    async fn prepare(&self, want: &Request<'_>) -> Result<(), DriverError> {
        if want.kind.name == "container" {
            return Err(DriverError::new(self.1, "the image is not for you"));
        }
        self.0.prepare(want).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.0.create(want).await
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.0.update(seen, want).await
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        self.0.delete(seen).await
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        self.0.mark(seen, mark).await
    }
}

async fn planned(sandbox: &Sandbox, class: Class, spec: &str) -> (Pipeline, Plan) {
    let (desired, diagnostics) = compile(spec, &Inputs::default());
    let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}"));
    let driver: Arc<dyn Driver> = Arc::new(Reluctant(sandbox.clone(), class));
    let pipeline = Pipeline::new(desired, Registry::new([driver])).expect("good");
    let (_, plan) = pipeline.look_and_plan(&Recorded::default(), &Options::default()).await.expect("observed");
    (pipeline, plan)
}

#[tokio::test]
async fn what_can_t_be_prepared_is_not_deleted() {
    let container = |image: &str| {
        format!(
            "{HEAD}[network.net]\n[container.cache]\nimage = \"{image}\"\nports = [\"8080:80\"]\n\
             networks = [{{ network = \"network.net\" }}]\n[container.web]\nimage = \"web:1\"\n\
             depends_on = [\"container.cache\"]\n"
        )
    };
    for class in [Class::Denied, Class::Invalid, Class::Conflict] {
        let sandbox = Sandbox::new(World::in_memory().expect("a world"));
        let (pipeline, plan) = planned(&sandbox, class, &container("cache:1")).await;
        let report = execute(&pipeline, plan, &[]).await;
        assert!(report.is_complete(), "{class}: what is made for the first time is just made: {:?}", report.failed);
        let cache = || sandbox.world().get("container/cache").expect("readable");
        let before = cache().expect("made");

        let (pipeline, plan) = planned(&sandbox, class, &container("cache:2")).await;
        let change = plan.changes.iter().find(|one| one.address.as_str() == "container.cache").expect("planned");
        assert_eq!(change.action, Action::Replace(Order::DeleteFirst), "{class}: {:#?}", actions(&plan));
        assert!(plan.steps.iter().any(|step| step.verb == Verb::Delete), "{class}");
        let report = execute(&pipeline, plan, &[]).await;
        let failed: Vec<_> = report.failed.iter().map(|one| (one.address.as_str(), one.error.as_str())).collect();
        let said =
            format!("{class}: nothing was deleted, as what comes after it can't be made: the image is not for you");
        assert_eq!(failed, [("container.cache", said.as_str())]);
        assert_eq!(report.failed[0].class, Some(class));
        assert!(report.done.is_empty(), "{class}: {:?}", report.done);
        let after = cache().expect("still there");
        assert_eq!((&after.attributes, &after.mark), (&before.attributes, &before.mark), "{class}");
    }
}
