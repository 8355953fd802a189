//! `plan --json` has the documented shape for every action and every cause.

use std::collections::BTreeSet;

use atlas::diagnostic::SourceText;
use atlas::kind;
use atlas::plan::{Options, Plan, PlanJson};
use atlas::value::Value;

use crate::support::{Engine, actions, selector};

const BEFORE: &str = r#"
[project]
name = "t"
[region.us-east-1]
[bucket.kept]
regions = ["us-east-1"]
[bucket.gone]
regions = ["us-east-1"]
[bucket.let-go]
regions = ["us-east-1"]
on_remove = "forget"
[bucket.old-name]
regions = ["us-east-1"]
name = "renamed"
[queue.drifted]
regions = ["us-east-1"]
[queue.edited]
regions = ["us-east-1"]
[queue.moved]
regions = ["us-east-1"]
[queue.orphan]
regions = ["us-east-1"]
[cluster.dc]
region = "us-east-1"
[namespace.ledger]
clusters = ["dc"]
"#;

const AFTER: &str = r#"
[project]
name = "t"
[region.us-east-1]
[bucket.kept]
regions = ["us-east-1"]
[bucket.gone]
regions = ["us-east-1"]
[bucket.new]
regions = ["us-east-1"]
[bucket.new-name]
regions = ["us-east-1"]
name = "renamed"
renamed_from = "bucket.old-name"
[bucket.foreign]
regions = ["us-east-1"]
[queue.drifted]
regions = ["us-east-1"]
[queue.edited]
regions = ["us-east-1"]
retention = "1d"
[queue.moved]
regions = ["us-east-1"]
name = "moved-away"
[role.new]
regions = ["us-east-1"]
trust = { service = "ec2.amazonaws.com" }
[[role.new.allow]]
actions = ["s3:GetObject"]
resources = ["${role.other.arn}", "${bucket.new.arn}"]
[role.other]
regions = ["us-east-1"]
trust = { service = "ec2.amazonaws.com" }
[cluster.dc]
region = "us-east-1"
engine = "tcp://10.0.0.7:2376"
[namespace.ledger]
clusters = ["dc"]
"#;

async fn everything() -> (Engine, Plan) {
    let engine = Engine::new();
    engine.converge(BEFORE).await;
    let identity = |address| engine.object(address).expect("made").identity;
    engine.world().destroy(&identity("bucket.gone@us-east-1")).expect("deleted");
    engine
        .world()
        .edit(&identity("queue.drifted@us-east-1"), |queue| {
            let name = kind::get("queue").and_then(|queue| queue.attribute("delay")).expect("an attribute").name;
            queue.attributes.set(name, Value::from("9s"));
        })
        .expect("edited");
    let mut foreign = engine.object("bucket.kept@us-east-1").expect("made");
    foreign.identity = atlas::identity::Identity::from_text(foreign.identity.replace("kept", "foreign"));
    foreign.mark = None;
    let name = kind::get("bucket").and_then(|bucket| bucket.attribute("name")).expect("an attribute").name;
    foreign.attributes.set(name, Value::from("foreign"));
    engine.world().plant(&foreign).expect("planted");
    let options = Options { adopt: vec![selector("bucket.foreign")], ..Options::default() };
    let plan = engine.plan_with(AFTER, &options).await;
    (engine, plan)
}

#[tokio::test]
async fn the_json_of_every_action_and_cause() {
    let (_, plan) = everything().await;
    assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
    let json = json_of(&plan, AFTER);
    let of = |key: &str| -> BTreeSet<String> {
        let changes = json["changes"].as_array().expect("a list");
        changes.iter().map(|change| change[key].as_str().expect("a word").to_owned()).collect()
    };
    assert_eq!(of("action"), ["adopt", "create", "delete", "forget", "replace", "update"].map(String::from).into());
    assert_eq!(of("cause"), ["drift", "missing", "orphan", "replaced-dependency", "spec"].map(String::from).into());
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).expect("JSON"));
}

#[tokio::test]
async fn the_text_of_every_action_and_cause() {
    let (_, plan) = everything().await;
    insta::assert_snapshot!(atlas::plan::render(&plan, atlas::style::Palette::default(), 80));
}

#[tokio::test]
async fn a_blocked_resource_says_what_it_waits_for() {
    let engine = Engine::new();
    engine.converge(BEFORE).await;
    engine.world().set_outage("region/us-east-1", true).expect("out");
    let plan = engine.plan(BEFORE).await;
    assert_eq!(plan.summary().blocked, 11, "{:#?}", actions(&plan));
    let json = json_of(&plan, BEFORE);
    insta::assert_snapshot!(serde_json::to_string_pretty(&json["changes"][0]).expect("JSON"));
}

#[tokio::test]
async fn planning_twice_says_the_same() {
    let (engine, _) = everything().await;
    let text = |plan: Plan| json_of(&plan, AFTER).to_string();
    assert_eq!(text(engine.plan(AFTER).await), text(engine.plan(AFTER).await));
}

#[tokio::test]
async fn all_of_it_converges() {
    let (engine, _) = everything().await;
    let options = Options { adopt: vec![selector("bucket.foreign")], ..Options::default() };
    let report = engine.apply_with(AFTER, &options, &[]).await;
    assert!(report.is_complete(), "{report:#?}");
    let left = engine.plan(AFTER).await;
    assert!(left.is_empty(), "{:#?}", left.changes);
    let there = |identity: &str| engine.world().get(identity).expect("readable").is_some();
    assert!(there("region/us-east-1/bucket/let-go"), "what was let go stays");
    assert!(!there("region/us-east-1/queue/moved"), "the replaced queue is gone");
    assert!(there("region/us-east-1/queue/moved-away"));
}

/// What `plan --json` prints.
fn json_of(plan: &Plan, text: &str) -> serde_json::Value {
    let source = SourceText { name: "atlas.toml", text };
    serde_json::to_value(PlanJson { plan, diagnostics: &plan.diagnostics, source }).expect("JSON")
}
