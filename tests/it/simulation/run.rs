//! One simulated life of a platform.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use atlas::action::{Action, Verb};
use atlas::address::Address;
use atlas::diagnostic::Severity;
use atlas::driver::{Driver, Registry};
use atlas::execute::{Entry, Execution, Journal, Outcome};
use atlas::mutation::Mutation;
#[cfg(feature = "crash-points")]
use atlas::mutation::arm;
use atlas::observed::Observed;
use atlas::plan::{Options, Plan, Selector, check};
use atlas::recorded::{Intent, Recorded};
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use atlas::value::Value;
use tokio::sync::{mpsc, watch};

use super::model::{Model, Random};
use super::unruly::{LAG, Unruly};

/// Every way in which a test can break the engine. Each has to be caught.
#[cfg(feature = "crash-points")]
pub const MUTATIONS: [Mutation; 6] = [
    Mutation::DropTheIntent,
    Mutation::IgnoreAnEdge,
    Mutation::TakeUnreachableForAbsent,
    Mutation::TrustListings,
    Mutation::IgnoreProtection,
    Mutation::AdoptAnything,
];

/// A journal in memory that knows what a crash would leave of it.
#[derive(Default)]
struct Memory {
    pending: Mutex<BTreeMap<String, Intent>>,
}

#[async_trait]
impl Journal for Memory {
    async fn intend(&self, entry: Entry) -> std::io::Result<()> {
        if entry.may_leave_unmarked() {
            self.pending
                .lock()
                .expect("sound")
                .insert(entry.identity, Intent { address: entry.address, place: entry.place });
        }
        Ok(())
    }

    async fn conclude(&self, entry: Entry, outcome: Outcome) -> std::io::Result<()> {
        if outcome.settles() {
            self.pending.lock().expect("sound").remove(&entry.identity);
        }
        Ok(())
    }
}

struct Life {
    random: Random,
    unruly: Arc<Unruly>,
    journal: Arc<Memory>,
    /// The plan that was applied last, for telling what went wrong.
    plan: String,
}

/// Without the feature the engine can't be broken.
#[cfg(not(feature = "crash-points"))]
const fn arm(_: Option<Mutation>) {}

/// Lives one life: what became of it, or what was broken.
pub fn simulate(seed: u64, mutation: Option<Mutation>) -> Result<String, String> {
    arm(mutation);
    let life = std::panic::catch_unwind(|| run(seed));
    arm(None);
    life.unwrap_or_else(|_| Err(format!("seed {seed}: the engine panicked")))
}

fn run(seed: u64) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let mut random = Random::new(seed);
        let life = Life {
            unruly: Arc::new(Unruly::new(Random::new(random.next()))),
            journal: Arc::new(Memory::default()),
            random,
            plan: String::new(),
        };
        let (unruly, begun) = (life.unruly.clone(), tokio::time::Instant::now());
        life.live().await.map_err(|broken| format!("seed {seed}: {broken}"))?;
        Ok(format!("{:?} {:?}", begun.elapsed(), unruly.owned()))
    })
}

impl Life {
    async fn live(mut self) -> Result<(), String> {
        let mut model = Model::random(&mut self.random);
        for _ in 0..2 + self.random.below(4) {
            let before = model.clone();
            for _ in 0..1 + self.random.below(3) {
                model.edit(&mut self.random);
            }
            self.chaos(&model)?;
            self.unruly.watch(|watch| {
                watch.faults = [0, 0, 5, 20][watch.random.below(4)];
                watch.lags = watch.random.chance(50);
            });
            let crash = self.random.chance(40).then(|| Duration::from_millis(self.random.below(400) as u64));
            if !self.apply(&model, crash).await? {
                // What is protected can't go: the person takes the edit back.
                model = before;
            }
            if self.random.chance(50) {
                tokio::time::sleep(LAG).await;
            }
        }
        self.settle(&model).await
    }

    /// Somebody plays with the world between two runs.
    fn chaos(&mut self, model: &Model) -> Result<(), String> {
        let owned = self.unruly.owned();
        if !owned.is_empty() && self.random.chance(40) {
            let victim = &owned[self.random.below(owned.len())].identity;
            self.unruly.world().destroy(victim).map_err(|error| error.to_string())?;
        }
        if !owned.is_empty() && self.random.chance(40) {
            let victim = &owned[self.random.below(owned.len())];
            self.rival(&victim.identity);
        }
        for region in ["region/a", "region/b"] {
            let out = self.random.chance(20);
            self.unruly.world().set_outage(region, out).map_err(|error| error.to_string())?;
        }
        if self.random.chance(20) {
            // An object of somebody else, where one of ours is to be.
            let pipeline = self.pipeline(model)?;
            let instances: Vec<_> =
                pipeline.desired.of_kind("bucket").chain(pipeline.desired.of_kind("queue")).collect();
            let at = self.random.below(instances.len().max(1));
            if let Some(instance) = instances.get(at)
                && self.unruly.world().get(&instance.identity).map_err(|error| error.to_string())?.is_none()
                && !self.journal.pending.lock().expect("sound").contains_key(instance.identity.as_str())
            {
                let foreign = atlas::observed::Object {
                    kind: instance.kind.clone(),
                    identity: instance.identity.clone(),
                    hosts: instance.identity.host().into_iter().collect(),
                    attributes: [("name", Value::from("foreign"))].into_iter().collect(),
                    outputs: atlas::kind::Outputs::default(),
                    usage: atlas::kind::Usage::default(),
                    mark: None,
                    external: false,
                    condition: atlas::observed::Condition::Ready,
                };
                self.unruly.world().plant(&foreign).map_err(|error| error.to_string())?;
                // It is no object of ours that is young, so listings show it. One that no listing shows, where one of ours
                // is to be made, can't be told from ours once a run dies between its intent and its effect.
                self.unruly.watch(|watch| watch.made.remove(&instance.identity));
            }
        }
        Ok(())
    }

    /// A rival writer changes an attribute behind Atlas's back.
    fn rival(&mut self, identity: &str) {
        let delay = format!("{}s", 1 + self.random.below(9));
        let edit = |object: &mut atlas::observed::Object| match object.kind.attribute("delay") {
            Some(attribute) => object.attributes.set(attribute.name, delay.as_str().into()),
            None => {
                let flag = object.kind.attributes.iter().find(|one| one.name == "versioning");
                if let Some(flag) = flag {
                    object.attributes.set(flag.name, Value::Bool(true));
                }
            }
        };
        self.unruly.world().edit(identity, edit).expect("writable");
    }

    fn pipeline(&self, model: &Model) -> Result<Pipeline, String> {
        let text = model.text();
        let (desired, diagnostics) = compile(&text, &Inputs::default());
        let desired = desired.ok_or_else(|| format!("the spec is broken: {diagnostics:?}\n{text}"))?;
        let registry = Registry::new([self.unruly.clone() as Arc<dyn Driver>]);
        Pipeline::new(desired, registry).map_err(|diagnostics| format!("{diagnostics:?}\n{text}"))
    }

    async fn observe(&self, pipeline: &Pipeline) -> Result<Observed, String> {
        let recorded = Recorded { pending: self.journal.pending.lock().expect("sound").clone(), ..Recorded::default() };
        pipeline.observe(&recorded).await.map_err(|error| error.chain())
    }

    async fn recorded(&self, observed: &Observed, pipeline: &Pipeline) -> Recorded {
        let recorded = Recorded { pending: self.journal.pending.lock().expect("sound").clone(), ..Recorded::default() };
        pipeline.still_open(&recorded, observed).await
    }

    /// Plans and applies. False when the plan is refused because something is protected.
    async fn apply(&mut self, model: &Model, crash: Option<Duration>) -> Result<bool, String> {
        let pipeline = self.pipeline(model)?;
        let observed = self.observe(&pipeline).await?;
        let recorded = self.recorded(&observed, &pipeline).await;
        self.journal.pending.lock().expect("sound").clone_from(&recorded.pending);
        let plan = pipeline.plan(&recorded, &observed, &Options::default());
        if plan.diagnostics.has_errors() {
            return expected(&plan, model).map(|()| false);
        }
        let broken = check(&plan, &pipeline.desired, &recorded, &observed, &Options::default());
        if !broken.is_empty() {
            return Err(format!("{broken:#?}"));
        }
        self.nothing_in_the_dark(&plan)?;
        self.approve(&plan);
        self.plan = atlas::plan::render(&plan, atlas::style::Palette::default(), 100);
        let (events, _) = mpsc::unbounded_channel();
        let (_stop, stopped) = watch::channel(false);
        let everything = plan.changes.iter().map(|change| Selector::new(change.address.clone())).collect();
        let execution = Execution {
            journal: self.journal.clone(),
            parallelism: 1 + self.random.below(8),
            allow_loss: everything,
            approved: None,
            events,
            stop: stopped,
        };
        let applied = pipeline.apply(plan, execution);
        match crash {
            Some(after) => drop(tokio::time::timeout(after, applied).await),
            None => drop(applied.await),
        }
        self.violations(model)?;
        Ok(true)
    }

    fn approve(&self, plan: &Plan) {
        let mut approved: BTreeMap<Address, BTreeSet<&'static str>> = BTreeMap::new();
        for step in &plan.steps {
            let verb = match step.verb {
                Verb::Create => "create",
                Verb::Update => "update",
                Verb::Delete => "delete",
                Verb::Adopt => "adopt",
                Verb::Forget => "forget",
            };
            let change = &plan.changes[step.change];
            let former =
                change.before.as_ref().and_then(|before| before.mark.as_ref()).map(|mark| mark.address.clone());
            for address in [Some(change.address.clone()), former].into_iter().flatten() {
                approved.entry(address).or_default().insert(verb);
            }
        }
        let replaced = plan.changes.iter().filter(|change| matches!(change.action, Action::Replace(_)));
        let replaced = replaced.map(|change| change.address.clone()).collect();
        self.unruly.watch(|watch| (watch.approved, watch.replaced) = (approved, replaced));
    }

    /// Nothing is planned where nobody answers.
    fn nothing_in_the_dark(&self, plan: &Plan) -> Result<(), String> {
        let dark = self.unruly.world().outages().map_err(|error| error.to_string())?;
        for change in plan.changes.iter().filter(|change| change.acts()) {
            let targets = change.before.iter().chain(&change.after);
            for target in targets {
                if dark.keys().any(|host| target.identity.is_within(host)) {
                    return Err(format!("{} of {} is planned in the dark", change.action.word(), change.address));
                }
            }
        }
        Ok(())
    }

    fn violations(&self, model: &Model) -> Result<(), String> {
        let violations = self.unruly.watch(|watch| std::mem::take(&mut watch.violations));
        if violations.is_empty() {
            Ok(())
        } else {
            Err(format!("{}\n{}\n{}", violations.join("\n"), self.plan, model.text()))
        }
    }

    /// The faults stop: everything converges, with nothing twice and nothing left over.
    async fn settle(mut self, model: &Model) -> Result<(), String> {
        for region in ["region/a", "region/b"] {
            self.unruly.world().set_outage(region, false).map_err(|error| error.to_string())?;
        }
        self.unruly.watch(|watch| (watch.faults, watch.lags) = (0, false));
        let pipeline = self.pipeline(model)?;
        let mut last = String::new();
        for _ in 0..8 {
            tokio::time::sleep(LAG).await;
            self.clear_foreign(&pipeline)?;
            let observed = self.observe(&pipeline).await?;
            let plan = pipeline.plan(&self.recorded(&observed, &pipeline).await, &observed, &Options::default());
            if plan.diagnostics.has_errors() {
                return expected(&plan, model);
            }
            if plan.is_empty() {
                return self.nothing_twice(&pipeline);
            }
            last = format!(
                "{:#?}",
                plan.changes.iter().map(|change| (&change.address, change.action, &change.reason)).collect::<Vec<_>>()
            );
            self.apply(model, None).await?;
        }
        Err(format!("it does not converge: {last}\n{}", model.text()))
    }

    /// The owners of what is not ours take it away; what an interrupted run of ours left unmarked has to be found by us.
    fn clear_foreign(&self, pipeline: &Pipeline) -> Result<(), String> {
        for instance in pipeline.desired.objects() {
            let there = self.unruly.world().get(&instance.identity).map_err(|error| error.to_string())?;
            let forgotten = self.unruly.watch(|watch| watch.forgotten.contains(&instance.identity));
            let foreign = there.is_some_and(|object| {
                let planted = object.attributes.get("name").as_str() == Some("foreign");
                object.mark.is_none() && (planted || forgotten)
            });
            if foreign {
                self.unruly.world().destroy(&instance.identity).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn nothing_twice(&self, pipeline: &Pipeline) -> Result<(), String> {
        let stray = self.unruly.stray();
        if !stray.is_empty() {
            return Err(format!("nobody takes away {stray:?}"));
        }
        let mut seen: BTreeMap<Address, String> = BTreeMap::new();
        for object in self.unruly.owned() {
            let mark = object.mark.expect("owned");
            let wanted = pipeline.desired.get(&mark.address).map(|instance| instance.identity.as_str());
            if wanted != Some(object.identity.as_str()) {
                return Err(format!("{} is left over as {}", object.identity, mark.address));
            }
            if seen.insert(mark.address.clone(), object.identity.to_string()).is_some() {
                return Err(format!("{} is there twice", mark.address));
            }
        }
        let wanted = pipeline.desired.objects().count();
        if seen.len() == wanted { Ok(()) } else { Err(format!("{} objects, and {wanted} resources", seen.len())) }
    }
}

/// A plan may be refused because something protected is in the way of an edit, and for nothing else.
fn expected(plan: &Plan, model: &Model) -> Result<(), String> {
    let mut errors = plan.diagnostics.iter().filter(|one| one.severity == Severity::Error);
    if errors.all(|one| one.code == &atlas::diagnostic::code::PROTECTED) {
        return Ok(());
    }
    let steps: Vec<_> =
        plan.steps.iter().map(|step| (&plan.changes[step.change].address, step.verb, &step.after)).collect();
    Err(format!("{:#?}\n{steps:#?}\n{}", plan.diagnostics, model.text()))
}
