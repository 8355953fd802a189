//! Drift is told from change by what was last applied, one path at a time.

use atlas::action::Cause;
use atlas::observed::Object;
use atlas::plan::{Change, Drifted, Plan, render_drift};
use atlas::style::Palette;
use atlas::value::Value;

use crate::support::{Engine, address};

const SPEC: &str = r#"
[project]
name = "t"
[region.a]
[queue.dead]
regions = ["a"]
[queue.more]
regions = ["a"]
[queue.q]
regions = ["a"]
dead_letter = { queue = "queue.dead", max_receives = 5 }
tags = { team = "ledger", owner = "us" }
ignore = ["tags.seen"]
"#;

const IDENTITY: &str = "region/a/queue/q";

async fn made() -> Engine {
    let engine = Engine::new();
    engine.converge(SPEC).await;
    engine
}

/// Somebody sets a value at a path behind Atlas's back.
fn set(engine: &Engine, path: &[&str], value: Value) {
    let edit = |object: &mut Object| {
        let name = object.kind.attribute(path[0]).expect("an attribute").name;
        let inner = object.attributes.get(name).clone().with(&path[1..], value.clone());
        object.attributes.set(name, inner);
    };
    engine.world().edit(IDENTITY, edit).expect("edited");
}

fn change(plan: &Plan) -> &Change {
    plan.change(&address("queue.q@a")).expect("planned")
}

/// The paths of a change, those that drifted first.
fn paths(plan: &Plan) -> (Vec<&str>, Vec<&str>) {
    let of = |drifted: bool| {
        let all =
            change(plan).attributes.iter().filter(|one| one.drift.is_some() == drifted).map(|one| one.path.as_str());
        all.filter(|path| *path != "depends_on").collect()
    };
    (of(true), of(false))
}

#[tokio::test]
async fn an_edit_of_the_spec_is_no_drift() {
    let engine = made().await;
    for (from, to, path) in [
        ("max_receives = 5", "max_receives = 3", "dead_letter.max_receives"),
        ("\"queue.dead\"", "\"queue.more\"", "dead_letter.queue"),
        ("team = \"ledger\", ", "", "tags.team"),
        ("team = ", "stage = \"one\", team = ", "tags.stage"),
    ] {
        let plan = engine.plan(&SPEC.replace(from, to)).await;
        assert_eq!(paths(&plan), (vec![], vec![path]));
        assert_eq!((change(&plan).cause, change(&plan).reason.as_str()), (Cause::Spec, "the spec changed"));
    }
}

#[tokio::test]
async fn drift_and_change_in_one_attribute_are_told_apart_by_path() {
    let engine = made().await;
    set(&engine, &["tags", "team"], "theirs".into());
    let plan = engine.plan(SPEC).await;
    assert_eq!((paths(&plan), change(&plan).cause), ((vec!["tags.team"], vec![]), Cause::Drift));
    let plan = engine.plan(&SPEC.replace("owner = \"us\"", "owner = \"them\"")).await;
    assert_eq!(paths(&plan), (vec!["tags.team"], vec!["tags.owner"]));
    // A change of another attribute is no drift.
    let plan = engine.plan(&SPEC.replace("max_receives = 5", "max_receives = 3")).await;
    assert_eq!(paths(&plan), (vec!["tags.team"], vec!["dead_letter.max_receives"]));
}

#[tokio::test]
async fn what_was_moved_and_changed_was_not_what_the_spec_says_now() {
    let engine = made().await;
    set(&engine, &["retention"], "1d".into());
    let told = |plan: &Plan, spec: &str| {
        let moved: Vec<Drifted> = change(plan).attributes.iter().map(|one| one.drift).collect();
        let graph = engine.pipeline(spec).expect("good").graph;
        (moved, render_drift(std::slice::from_ref(change(plan)), &graph, Palette::new(false), 200))
    };
    let (moved, text) = told(&engine.plan(SPEC).await, SPEC);
    assert_eq!(moved, [Drifted::FromDesired]);
    assert!(text.contains("retention: \"4d\" -> \"1d\""), "{text}");
    let edited = SPEC.replace("[queue.q]", "[queue.q]\nretention = \"2d\"");
    let (moved, text) = told(&engine.plan(&edited).await, &edited);
    assert_eq!(moved, [Drifted::FromUnknown]);
    let line =
        "retention: is \"1d\", which is not what was last applied; the spec has changed since and asks for \"2d\"";
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn what_is_left_to_others_hides_no_change_and_is_no_drift() {
    let engine = made().await;
    set(&engine, &["tags", "seen"], "yes".into());
    assert!(engine.plan(SPEC).await.is_empty());
    let edited = SPEC.replace("owner = \"us\"", "owner = \"them\"");
    assert_eq!(paths(&engine.plan(&edited).await), (vec![], vec!["tags.owner"]));
    engine.converge(&edited).await;
    // The mark was written while this tag was there, and the tag has changed since.
    set(&engine, &["tags", "seen"], "no".into());
    assert_eq!(paths(&engine.plan(SPEC).await), (vec![], vec!["tags.owner"]));
    set(&engine, &["tags", "team"], "theirs".into());
    assert_eq!(paths(&engine.plan(SPEC).await), (vec!["tags.team"], vec!["tags.owner"]));
}

#[tokio::test]
async fn what_a_newer_atlas_brings_is_no_drift() {
    let engine = made().await;
    // An older version of Atlas made it, without `receive_wait`.
    let edit = |object: &mut Object| {
        let mark = object.mark.as_mut().expect("marked");
        let known: Vec<&str> = mark.applied.split(' ').filter(|pair| !pair.starts_with("receive_wait:")).collect();
        mark.applied = known.join(" ");
    };
    engine.world().edit(IDENTITY, edit).expect("edited");
    set(&engine, &["receive_wait"], "7s".into());
    let plan = engine.plan(SPEC).await;
    assert_eq!((paths(&plan), change(&plan).cause), ((vec![], vec!["receive_wait"]), Cause::Spec));
}

#[tokio::test]
async fn what_becomes_managed_is_no_drift_and_what_nobody_asked_for_is() {
    let engine = made().await;
    let policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
    set(&engine, &["policy"], policy.into());
    let plan = engine.plan(SPEC).await;
    assert_eq!((paths(&plan), change(&plan).cause), ((vec!["policy"], vec![]), Cause::Drift));
    let asked = SPEC.replace("[queue.q]", "[queue.q]\nredrive_allow = { from = \"all\" }");
    set(&engine, &["policy"], Value::Null);
    set(&engine, &["redrive_allow"], Value::default().with(&["from"], "none".into()));
    assert_eq!(paths(&engine.plan(&asked).await).0, Vec::<&str>::new());
    // Others set one entry of a table in which Atlas manages other entries.
    set(&engine, &["redrive_allow"], Value::Null);
    set(&engine, &["tags", "stage"], "theirs".into());
    let asked = SPEC.replace("team = ", "stage = \"one\", team = ");
    assert_eq!(paths(&engine.plan(&asked).await), (vec![], vec!["tags.stage"]));
}

#[tokio::test]
async fn a_target_that_is_gone_is_no_drift_of_what_names_it() {
    let engine = made().await;
    engine.world().destroy("region/a/queue/dead").expect("deleted");
    // A driver that can't find the resource of an ARN gives the ARN itself.
    set(&engine, &["dead_letter", "queue"], "arn:aws:sqs:a:000000000000:dead".into());
    let plan = engine.plan(SPEC).await;
    assert_eq!(paths(&plan), (vec![], vec!["dead_letter.queue"]));
    assert_eq!(change(&plan).cause, Cause::ReplacedDependency);
    engine.converge(SPEC).await;
}

#[tokio::test]
async fn what_was_begun_and_not_finished_is_no_drift() {
    let engine = made().await;
    let edit = |object: &mut Object| object.mark.as_mut().expect("marked").applied = String::new();
    engine.world().edit(IDENTITY, edit).expect("edited");
    set(&engine, &["dead_letter"], Value::Null);
    let plan = engine.plan(SPEC).await;
    assert_eq!(paths(&plan), (vec![], vec!["dead_letter"]));
    assert_eq!((change(&plan).cause, change(&plan).reason.as_str()), (Cause::Spec, "it was begun and not finished"));
    engine.converge(SPEC).await;
}
