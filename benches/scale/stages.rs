//! The stages one by one, in this process and without a journal: what its fsync costs depends on the disk alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use atlas::desired::Desired;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Driver, Registry};
use atlas::execute::{Entry, Execution, Journal, Outcome};
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use crate::edited;

pub const STAGES: [&str; 7] = ["parse", "graph", "plan create", "apply", "plan no-op", "plan one change", "destroy"];

/// One stage of one spec, to be measured again and again.
pub struct Stage {
    name: String,
    text: String,
    runtime: Runtime,
    /// What a stage that changes nothing needs, made once.
    ready: Option<Made>,
}

/// A spec beside a world.
struct Made {
    pipeline: Pipeline,
    _folder: TempDir,
}

impl Stage {
    /// A stage of a spec.
    pub fn new(name: &str, text: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        Self { name: name.to_owned(), text: text.to_owned(), runtime, ready: None }
    }

    /// How long the stage takes, without what comes before it.
    pub fn measure(&mut self) -> Duration {
        match self.name.as_str() {
            "parse" => timed(|| compiled(&self.text)).0,
            "graph" => {
                let (desired, folder) = (compiled(&self.text), tempfile::tempdir().expect("a folder"));
                let registry = world(&folder);
                timed(|| Pipeline::new(desired, registry).expect("a good spec")).0
            }
            "apply" => {
                let made = self.fresh();
                let plan = self.plan(&made.pipeline, false);
                timed(|| self.apply(&made.pipeline, plan)).0
            }
            "destroy" => {
                let made = self.applied();
                let plan = self.plan(&made.pipeline, true);
                timed(|| self.apply(&made.pipeline, plan)).0
            }
            name => {
                let ready = match self.ready.take() {
                    Some(ready) => ready,
                    None if name == "plan create" => self.fresh(),
                    None if name == "plan no-op" => self.applied(),
                    None => self.changed(),
                };
                let (elapsed, plan) = timed(|| self.plan(&ready.pipeline, false));
                assert_eq!(plan.is_empty(), name == "plan no-op");
                self.ready = Some(ready);
                elapsed
            }
        }
    }

    fn fresh(&self) -> Made {
        let folder = tempfile::tempdir().expect("a folder");
        let pipeline = Pipeline::new(compiled(&self.text), world(&folder)).expect("a good spec");
        Made { pipeline, _folder: folder }
    }

    fn applied(&self) -> Made {
        let made = self.fresh();
        let plan = self.plan(&made.pipeline, false);
        self.apply(&made.pipeline, plan);
        made
    }

    fn changed(&self) -> Made {
        let Made { pipeline, _folder } = self.applied();
        let pipeline =
            Pipeline::new(compiled(&edited(&self.text)), pipeline.sessions.registry().clone()).expect("a good spec");
        Made { pipeline, _folder }
    }

    fn plan(&self, pipeline: &Pipeline, destroy: bool) -> Plan {
        let observed = self.runtime.block_on(pipeline.observe(&Recorded::default())).expect("observed");
        let plan = pipeline.plan(&Recorded::default(), &observed, &Options { destroy, ..Options::default() });
        assert!(!plan.diagnostics.has_errors(), "{:?}", plan.diagnostics);
        plan
    }

    fn apply(&self, pipeline: &Pipeline, plan: Plan) {
        let (events, _) = mpsc::unbounded_channel();
        let (_stop, stop) = watch::channel(false);
        let journal = Arc::new(Nowhere);
        let execution = Execution { journal, parallelism: 16, allow_loss: Vec::new(), approved: None, events, stop };
        let report = self.runtime.block_on(pipeline.apply(plan, execution));
        assert!(report.is_complete(), "{:?}", report.failed.first());
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let made = work();
    (begun.elapsed(), made)
}

fn compiled(text: &str) -> Desired {
    compile(text, &Inputs::default()).0.expect("a good spec")
}

fn world(folder: &TempDir) -> Registry {
    let world = World::open(folder.path()).expect("a world");
    Registry::new([Arc::new(Sandbox::new(world)) as Arc<dyn Driver>])
}

/// No journal.
struct Nowhere;

#[async_trait::async_trait]
impl Journal for Nowhere {
    async fn intend(&self, _: Entry) -> std::io::Result<()> {
        Ok(())
    }

    async fn conclude(&self, _: Entry, _: Outcome) -> std::io::Result<()> {
        Ok(())
    }
}
