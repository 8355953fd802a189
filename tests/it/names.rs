//! What a resource only names: it needs none of it, may be named back, and follows when that gets another name.

use std::sync::Arc;

use atlas::action::Cause;
use atlas::diagnostic::Diagnostics;
use atlas::driver::{Driver, Registry};
use atlas::graph::{Format, render};
use atlas::plan::{Options, Plan, check};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use atlas::value::Value;

use crate::support::{Engine, actions, address, execute, summary};

const HEAD: &str = "[project]\nname = \"t\"\n[region.a]\n[region.b]\n";

/// Two queues that name each other, one that names itself, and a bucket beside a queue.
const SPEC: &str = r#"
[queue.work]
regions = ["a"]
dead_letter = { queue = "queue.dead", max_receives = 3 }
[queue.dead]
regions = ["a"]
redrive_allow = { from = "listed", queues = ["queue.work", "queue.far@b"] }
[queue.own]
regions = ["a"]
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sqs:SendMessage","Resource":"${queue.own.arn}","Condition":{"ArnLike":{"aws:SourceArn":"${bucket.logs.arn}"}}}]}'
depends_on = ["queue.work"]
[queue.far]
regions = ["b"]
[bucket.logs]
regions = ["a"]
depends_on = ["queue.own"]
"#;

fn spec() -> String {
    format!("{HEAD}{SPEC}")
}

fn compiled(text: &str) -> Result<Pipeline, Diagnostics> {
    let (desired, diagnostics) = compile(text, &Inputs::default());
    Pipeline::new(desired.ok_or(diagnostics)?, Registry::new([Engine::new().sandbox.clone() as Arc<dyn Driver>]))
}

/// Where a resource's step stands among the steps of a plan that wait for it.
fn waits(plan: &Plan, later: &str, earlier: &str) -> bool {
    let step = |text: &str| {
        let mut steps = plan.steps.iter();
        steps.position(|step| plan.changes[step.change].address.as_str() == text).expect("planned")
    };
    plan.steps[step(later)].after.contains(&step(earlier))
}

#[tokio::test]
async fn two_that_name_each_other_are_made_changed_and_destroyed() {
    let engine = Engine::new();
    let plan = engine.plan(&spec()).await;
    assert!(waits(&plan, "queue.work@a", "queue.dead@a") && !waits(&plan, "queue.dead@a", "queue.work@a"));
    assert!(!waits(&plan, "queue.own@a", "bucket.logs@a") && waits(&plan, "bucket.logs@a", "queue.own@a"));
    // What a queue is called has the account of its region in it, and is told by that.
    assert!(waits(&plan, "queue.dead@a", "region.b") && !waits(&plan, "queue.dead@a", "queue.far@b"));
    engine.converge(&spec()).await;
    let object = engine.object("queue.own@a").expect("made");
    let policy = object.attributes.get("policy").as_str().expect("a policy").to_owned();
    assert!(policy.contains("arn:aws:sqs:a:000000000000:own") && policy.contains("arn:aws:s3:::logs"), "{policy}");
    let needs = |text: &str| engine.object(text).and_then(|object| object.mark).expect("marked").needs;
    assert_eq!(needs("queue.dead@a"), [address("region.a"), address("region.b")]);
    // Somebody else's change of it is drift.
    let identity = engine.object("queue.dead@a").expect("made").identity;
    let none = Value::default().with(&["from"], "none".into());
    engine.world().edit(&identity, |object| object.attributes.set("redrive_allow", none.clone())).expect("edited");
    let plan = engine.plan(&spec()).await;
    assert_eq!(plan.change(&address("queue.dead@a")).expect("seen").cause, Cause::Drift, "{}", summary(&plan));
    engine.converge(&spec()).await;
    // The removal goes by what is needed.
    let options = Options { destroy: true, ..Options::default() };
    let plan = engine.plan_with(&spec(), &options).await;
    assert!(waits(&plan, "queue.dead@a", "queue.work@a"), "{plan:#?}");
    let report = engine.apply_with(&spec(), &options, &[]).await;
    assert!(report.is_complete(), "{:?}", report.failed);
    assert!(engine.object("queue.dead@a").is_none());
}

#[tokio::test]
async fn what_is_named_comes_and_goes_without_a_change_of_what_names_it() {
    let engine = Engine::new();
    engine.converge(&spec()).await;
    let gone = engine.object("bucket.logs@a").expect("made").identity;
    engine.world().destroy(&gone).expect("deleted");
    let plan = engine.plan(&spec()).await;
    assert_eq!(actions(&plan).into_iter().collect::<Vec<_>>(), [("bucket.logs@a".into(), "create".into())]);
    engine.converge(&spec()).await;
    // Under another name it is another object, and the policy says so.
    let renamed = spec().replace("[bucket.logs]", "[bucket.logs]\nname = \"other-logs\"");
    let plan = engine.plan(&renamed).await;
    let own = plan.change(&address("queue.own@a")).expect("changed");
    assert_eq!((own.cause, own.attributes[0].path.as_str()), (Cause::Spec, "policy"), "{}", summary(&plan));
    assert!(own.attributes[0].drift == atlas::plan::Drifted::None && own.attributes[0].is_known());
    engine.converge(&renamed).await;
    let policy = engine.object("queue.own@a").expect("made").attributes.get("policy").as_str().expect("one").to_owned();
    assert!(policy.contains("arn:aws:s3:::other-logs"), "{policy}");
}

#[test]
fn the_graph_has_no_edge_for_a_name_and_refuses_a_real_circle() {
    let pipeline = compiled(&spec()).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
    let text = render(&pipeline.graph, Format::Dot);
    assert!(text.contains("\"queue.work@a\" -> \"queue.dead@a\""), "{text}");
    assert!(!text.contains("\"queue.dead@a\" -> \"queue.work@a\""), "{text}");
    assert!(!text.contains("\"queue.own@a\" -> \"queue.own@a\""), "{text}");
    // What is not told beforehand is needed, and principals have to be there.
    let needs = |to: &str, line: &str| {
        let text = format!(
            "{HEAD}[queue.x]\nregions = [\"a\"]\n{line}\n[queue.y]\nregions = [\"a\"]\ntags = {{ a = \"b\" }}\n[role.r]\nregions = [\"a\"]\ntrust = {{ service = \"ec2.amazonaws.com\" }}\n"
        );
        let pipeline = compiled(&text).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
        let needed: Vec<_> = pipeline.graph.needs(&address("queue.x@a")).map(|(need, _)| need.to_string()).collect();
        needed.contains(&to.to_owned())
    };
    let policy = |text: &str| {
        format!(
            "policy = '{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"{text}\"}},\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}}]}}'"
        )
    };
    assert!(needs("role.r@a", &policy("${role.r.arn}")));
    assert!(needs("queue.y@a", &policy("${queue.y.tags.a}")));
    assert!(!needs("queue.y@a", &policy("${queue.y.arn}")));
    let circle = spec().replace("[queue.far]", "[queue.far]\ndepends_on = [\"queue.dead@a\"]");
    assert!(compiled(&circle).is_ok());
    let circle = circle.replace("[queue.dead]", "[queue.dead]\ndepends_on = [\"queue.far@b\"]");
    let diagnostics = compiled(&circle).err().expect("a circle");
    assert!(diagnostics.iter().any(|one| one.detail == "queue.dead@a needs queue.far@b needs queue.dead@a"));
}

/// A plan in which a name is told by nothing is refused by the independent check.
#[tokio::test]
async fn a_name_that_no_host_tells_is_noticed() {
    let engine = Engine::new();
    let pipeline = engine.pipeline(&spec()).expect("sound");
    let observed = pipeline.observe(&Recorded::default()).await.expect("observed");
    let mut plan = pipeline.plan(&Recorded::default(), &observed, &Options::default());
    assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
    let at = plan.changes.iter().position(|change| change.address.as_str() == "queue.own@a").expect("planned");
    assert!(plan.changes[at].attributes.iter().any(|one| one.path == "policy" && !one.is_known()));
    let step = plan.steps.iter().position(|step| step.change == at).expect("a step");
    let region = plan.changes.iter().position(|change| change.address.as_str() == "region.a").expect("planned");
    let host = plan.steps.iter().position(|step| step.change == region).expect("a step");
    plan.steps[step].after.retain(|before| *before != host);
    let found = check(&plan, &pipeline.desired, &Recorded::default(), &observed, &Options::default());
    let told = "`policy` of queue.own@a refers to queue.own@a, which nothing in the plan makes first";
    assert!(found.iter().any(|one| one.detail == told), "{found:#?}");
    // As it was planned, it is good, and the name is completed once the region is there.
    let plan = pipeline.plan(&Recorded::default(), &observed, &Options::default());
    assert!(execute(&pipeline, plan, &[]).await.is_complete());
}
