//! The independent check of plans: a good plan is made wrong in one way after another, and each violation is reported.

use std::collections::BTreeSet;

use atlas::action::Verb;
use atlas::diagnostic::Diagnostics;
use atlas::kind::Verdict;
use atlas::observed::Observed;
use atlas::plan::{Change, Options, Plan, Step, Target, check};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::value::{Attributes, Part, Reference, Template, Value};

use crate::support::{Engine, address, selector};

const BEFORE: &str = r#"
[project]
name = "t"
[region.a]
[region.b]
[bucket.kept]
regions = ["a"]
protect = true
[bucket.full]
regions = ["a"]
[bucket.inside]
regions = ["b"]
[queue.gone]
regions = ["a"]
[queue.user]
regions = ["a"]
tags = { other = "${queue.gone.arn}" }
[queue.stays]
regions = ["a"]
[queue.leaves]
regions = ["a"]
tags = { other = "${queue.gone.arn}" }
[cluster.dc]
region = "b"
[namespace.n]
clusters = ["dc"]
[container.web]
image = "redis:8"
ports = ["8080:80"]
"#;

const AFTER: &str = r#"
[project]
name = "t"
[region.a]
[region.c]
[bucket.kept]
regions = ["a"]
protect = true
[queue.stays]
regions = ["a"]
[queue.leaves]
regions = ["a"]
[queue.dead]
regions = ["a"]
[queue.new]
regions = ["a"]
dead_letter = { queue = "queue.dead" }
[queue.far]
regions = ["c"]
[queue.foreign]
regions = ["a"]
[container.api]
image = "redis:8"
ports = ["8080:81"]
"#;

/// A plan of many sorts of changes, with what it was made from.
struct Made {
    engine: Engine,
    pipeline: Pipeline,
    observed: Observed,
    options: Options,
    plan: Plan,
}

/// How a plan is made wrong.
type Spoil = fn(&mut Made);

impl Made {
    async fn new() -> Self {
        let engine = Engine::new();
        engine.converge(BEFORE).await;
        let fill = |bucket: &mut atlas::observed::Object| bucket.usage.extend([("objects".into(), 3.into())]);
        engine.world().edit("region/a/bucket/full", fill).expect("filled");
        engine.world().edit("region/b/bucket/inside", fill).expect("filled");
        let mut foreign = engine.object("queue.stays@a").expect("made");
        foreign.identity = atlas::identity::Identity::from_text("region/a/queue/foreign");
        foreign.mark = None;
        let name = foreign.kind.attribute("name").expect("an attribute").name;
        foreign.attributes.set(name, "foreign".into());
        engine.world().plant(&foreign).expect("planted");
        let pipeline = engine.pipeline(AFTER).expect("a good spec");
        let observed = pipeline.observe(&Recorded::default()).await.expect("observed");
        let options = Options { adopt: vec![selector("queue.foreign")], ..Options::default() };
        let plan = pipeline.plan(&Recorded::default(), &observed, &options);
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        Self { engine, pipeline, observed, options, plan }
    }

    fn check(&self) -> Diagnostics {
        check(&self.plan, &self.pipeline.desired, &Recorded::default(), &self.observed, &self.options)
    }

    fn change(&mut self, of: &str) -> &mut Change {
        self.plan.changes.iter_mut().find(|change| change.address.as_str() == of).unwrap_or_else(|| panic!("no {of}"))
    }

    fn at(&self, of: &str, verb: Verb) -> usize {
        let is = |step: &Step| step.verb == verb && self.plan.changes[step.change].address.as_str() == of;
        self.plan.steps.iter().position(is).unwrap_or_else(|| panic!("no step of {of}"))
    }

    /// Lets one step no longer wait for another one.
    fn forget(&mut self, later: (&str, Verb), earlier: (&str, Verb)) {
        let (later, earlier) = (self.at(later.0, later.1), self.at(earlier.0, earlier.1));
        let after = &mut self.plan.steps[later].after;
        let before = after.len();
        after.retain(|at| *at != earlier);
        assert!(after.len() < before, "there was no such edge");
    }

    /// Adds a deletion that nothing asked for.
    fn delete(&mut self, identity: &str) {
        let object = self.observed.at(identity).expect("observed").clone();
        let address = object.resource().expect("marked").clone();
        let verdict = Some((object.kind.loss)(&object.usage));
        let like = self.change("bucket.full@a").clone();
        self.plan.changes.push(Change {
            address,
            kind: object.kind.clone(),
            before: Some(Target::of(&object)),
            verdict,
            ..like
        });
        self.plan.steps.push(Step { change: self.plan.changes.len() - 1, verb: Verb::Delete, after: Vec::new() });
    }

    fn desire(&mut self, of: &str, name: &str, value: Value) {
        let change = self.change(of);
        let name = change.kind.attribute(name).expect("an attribute").name;
        let attributes: &mut Attributes = &mut change.after.as_mut().expect("made").attributes;
        attributes.set(name, value);
    }
}

/// Each way to break the planner, and the violation that catches it.
const WAYS: [(&str, Spoil, &str); 19] = [
    (
        "an edge forgotten",
        |made| made.forget(("queue.new@a", Verb::Create), ("queue.dead@a", Verb::Create)),
        "queue.new@a would be made before queue.dead@a",
    ),
    (
        "a host's edge forgotten",
        |made| made.forget(("queue.far@c", Verb::Create), ("region.c", Verb::Create)),
        "queue.far@c would be made before region.c",
    ),
    (
        "a host deleted before what lives in it",
        |made| made.forget(("region.b", Verb::Delete), ("cluster.dc", Verb::Delete)),
        "`region/b` would be deleted before cluster.dc",
    ),
    (
        "a deletion edge forgotten",
        |made| made.forget(("queue.gone@a", Verb::Delete), ("queue.user@a", Verb::Delete)),
        "`region/a/queue/gone` would be deleted before queue.user@a",
    ),
    (
        "something deleted while it is used",
        |made| made.forget(("queue.gone@a", Verb::Delete), ("queue.leaves@a", Verb::Update)),
        "`region/a/queue/gone` would be deleted while queue.leaves@a still uses it",
    ),
    (
        "a port taken before it is given up",
        |made| made.forget(("container.api", Verb::Create), ("container.web", Verb::Delete)),
        "container.api would take the port 8080/tcp while `container/web` has it",
    ),
    ("a protected object destroyed", |made| made.delete("region/a/bucket/kept"), "is protected by its own mark"),
    (
        "an object of the spec deleted as an orphan",
        |made| made.delete("region/a/queue/stays"),
        "`region/a/queue/stays` would be deleted, and queue.stays@a is to be that object",
    ),
    (
        "a verdict made harmless",
        |made| made.change("bucket.full@a").verdict = Some(Verdict::safe("the bucket is empty")),
        "the verdict on bucket.full@a is not what was observed, which is lossy: the bucket holds 3 objects",
    ),
    (
        "the verdict on a host without what lives in it",
        |made| made.change("region.b").verdict = Some(Verdict::safe("nothing lives in it")),
        "the verdict on region.b is not what was observed, which is lossy: it holds bucket.inside@b",
    ),
    (
        "a verdict left out",
        |made| made.change("queue.gone@a").verdict = None,
        "the verdict on queue.gone@a is not what was observed",
    ),
    (
        "a foreign object taken over unasked",
        |made| made.options.adopt.clear(),
        "`region/a/queue/foreign` belongs to nobody that Atlas knows, and nobody asked",
    ),
    (
        "a step twice",
        |made| {
            let step = made.plan.steps[made.at("queue.gone@a", Verb::Delete)].clone();
            made.plan.steps.push(step);
        },
        "queue.gone@a has the steps [delete and delete], and takes [delete]",
    ),
    (
        "a step lost",
        |made| {
            let at = made.at("queue.foreign@a", Verb::Adopt);
            made.plan.steps[at] = made.plan.steps[made.at("queue.gone@a", Verb::Delete)].clone();
        },
        "queue.foreign@a has the steps [], and takes [adopt]",
    ),
    ("a change lost", |made| made.plan.unchanged -= 1, "resources with a change and"),
    (
        "a reference to what is never made",
        |made| {
            let reference = Reference { address: address("queue.never@a"), path: "arn".into() };
            let value = Value::Template(Box::new(Template(vec![Part::Reference(reference)])));
            made.desire("queue.new@a", "policy", value);
        },
        "`policy` of queue.new@a refers to queue.never@a, which nothing in the plan makes first",
    ),
    (
        "an attribute that the spec does not say",
        |made| made.desire("queue.new@a", "retention", "9d".into()),
        "`retention` of queue.new@a would not be as the spec says",
    ),
    (
        "a circle",
        |made| {
            let (one, other) = (made.at("queue.dead@a", Verb::Create), made.at("queue.new@a", Verb::Create));
            made.plan.steps[one].after.push(other);
            made.plan.steps[one].after.sort_unstable();
        },
        "its steps wait for each other in a circle",
    ),
    (
        "something made twice",
        |made| {
            let change = made.change("queue.new@a").clone();
            made.plan.changes.push(change);
            let step = made.plan.steps[made.at("queue.new@a", Verb::Create)].clone();
            made.plan.steps.push(Step { change: made.plan.changes.len() - 1, ..step });
        },
        "queue.new@a has two changes",
    ),
];

#[tokio::test]
async fn each_violation_of_a_wrong_plan_is_reported() {
    let good = Made::new().await;
    assert!(good.check().is_empty(), "{:#?}", good.check());
    for (name, spoil, violation) in WAYS {
        let mut made = Made::new().await;
        spoil(&mut made);
        let found: Vec<String> = made.check().iter().map(|one| one.detail.clone()).collect();
        assert!(!found.is_empty(), "{name} is not caught");
        assert!(found.iter().any(|one| one.contains(violation)), "{name} is caught for something else: {found:#?}");
    }
}

#[tokio::test]
async fn what_can_not_be_looked_at_is_not_touched() {
    let mut made = Made::new().await;
    // The plan was made while everything answered.
    for (host, touched) in [("region/a", "bucket.full@a"), ("region/b/cluster/dc", "region.b")] {
        made.engine.world().set_outage(host, true).expect("out");
        made.observed = made.pipeline.observe(&Recorded::default()).await.expect("observed");
        let found = made.check();
        let about: BTreeSet<&str> = found
            .iter()
            .filter(|one| one.detail.contains("can't be looked at"))
            .filter_map(|one| Some(one.address.as_ref()?.as_str()))
            .collect();
        assert!(about.contains(touched), "{host}: {found:#?}");
        made.engine.world().set_outage(host, false).expect("over");
    }
}
