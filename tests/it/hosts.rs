//! Deleting a host deletes what lives in it: its verdict counts that, and what can't be looked at is not deleted at
//! all.

use std::collections::{BTreeMap, BTreeSet};

use atlas::identity::Identity;
use atlas::kind::Risk;
use atlas::observed::{Condition, Mark, Object, Observed, Owner};
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;

use crate::support::{Engine, actions, address};

const SPEC: &str = r#"
[project]
name = "t"
[region.a]
[region.b]
[network.shared]
[bucket.full]
regions = ["b"]
[queue.empty]
regions = ["b"]
depends_on = ["network.shared"]
[cluster.dc]
region = "b"
[namespace.n]
clusters = ["dc"]
[app.x]
clusters = ["dc"]
chart = "charts/x"
namespace = "n"
"#;

const WITHOUT: &str = "[project]\nname = \"t\"\n[region.a]\n[network.shared]\n";

pub async fn made(spec: &str) -> Engine {
    let engine = Engine::new();
    engine.converge(spec).await;
    engine
}

pub fn hold(engine: &Engine, identity: &str, counter: &'static str, count: u64) {
    let fill = move |object: &mut Object| object.usage.extend([(counter.into(), count.into())]);
    engine.world().edit(identity, fill).expect("filled");
}

/// A plan for the observed world after an edit: with more objects, or with hosts that did not answer.
async fn seen(
    engine: &Engine,
    spec: &str,
    options: &Options,
    edit: impl FnOnce(&mut Vec<Object>, &mut BTreeMap<Identity, String>),
) -> Plan {
    let pipeline: Pipeline = engine.pipeline(spec).expect("a good spec");
    let observed = pipeline.observe(&Recorded::default()).await.expect("observed");
    let (mut objects, mut unreachable) = (observed.objects().to_vec(), observed.unreachable().clone());
    edit(&mut objects, &mut unreachable);
    let made: BTreeSet<_> = observed.made().cloned().collect();
    let listed = objects.iter().map(|object| object.identity.clone()).collect();
    let observed = Observed::new(&Owner::new("t", "default"), objects, unreachable, made, listed);
    pipeline.plan(&Recorded::default(), &observed, options)
}

pub fn destroy() -> Options {
    Options { destroy: true, ..Options::default() }
}

pub fn verdict(plan: &Plan, of: &str) -> (Risk, String) {
    let change = plan.change(&address(of)).unwrap_or_else(|| panic!("{of} is not planned: {:#?}", actions(plan)));
    let verdict = change.verdict.as_ref().unwrap_or_else(|| panic!("{of} has no verdict"));
    (verdict.risk, verdict.evidence.clone())
}

pub fn errors(plan: &Plan) -> Vec<String> {
    plan.diagnostics.iter().filter(|one| one.address.is_some()).map(|one| one.detail.clone()).collect()
}

#[tokio::test]
async fn a_host_has_the_verdict_of_what_lives_in_it() {
    let engine = made(SPEC).await;
    let plan = engine.plan(WITHOUT).await;
    let (risk, evidence) = verdict(&plan, "region.b");
    assert_eq!((risk, evidence.contains("cluster.dc")), (Risk::Recoverable, true), "{evidence}");
    hold(&engine, "region/b/bucket/full", "objects", 13);
    for options in [Options::default(), destroy()] {
        let spec = if options.destroy { SPEC } else { WITHOUT };
        let plan = engine.plan_with(spec, &options).await;
        let (risk, evidence) = verdict(&plan, "region.b");
        assert_eq!(risk, Risk::Lossy, "{evidence}");
        assert!(evidence.starts_with("it holds bucket.full@b (the bucket holds 13 objects"), "{evidence}");
        assert!(evidence.ends_with("5 objects in all"), "{evidence}");
        // What lives in the cluster is in the region as well, and nothing in the cluster would be lost.
        assert_eq!(verdict(&plan, "cluster.dc").0, Risk::Recoverable);
    }
}

#[tokio::test]
async fn what_is_somebody_elses_in_a_host_goes_along_and_is_counted() {
    let engine = made(SPEC).await;
    let forget = |object: &mut Object| object.mark = None;
    engine.world().edit("region/b/bucket/full", forget).expect("forgotten");
    let give = |object: &mut Object| object.mark.as_mut().expect("ours").project = "victim".into();
    engine.world().edit("region/b/cluster/dc/namespace/n", give).expect("given away");
    for options in [Options::default(), destroy()] {
        let spec = if options.destroy { SPEC } else { WITHOUT };
        let pipeline = engine.pipeline(spec).expect("a good spec");
        let (_, plan) = pipeline.look_and_plan(&Recorded::default(), &options).await.expect("observed");
        let (risk, evidence) = verdict(&plan, "region.b");
        assert_eq!(risk, Risk::Lossy, "{evidence}");
        assert!(evidence.contains("`region/b/bucket/full` (which belongs to nobody"), "{evidence}");
        assert!(evidence.contains("namespace/n` (which belongs to namespace.n@dc of project victim"), "{evidence}");
        assert_eq!(verdict(&plan, "cluster.dc").0, Risk::Lossy);
        engine.execute(&pipeline, plan, &[]).await;
        assert!(engine.world().get("region/b").expect("readable").is_some(), "nobody allowed that loss");
    }
}

#[tokio::test]
async fn what_came_into_a_host_after_the_plan_keeps_it_whoever_made_it() {
    for (came, host) in
        [("region/b/queue/late", "region/b"), ("region/b/cluster/dc/namespace/late", "region/b/cluster/dc")]
    {
        let engine = made(SPEC).await;
        let pipeline = engine.pipeline(WITHOUT).expect("a good spec");
        let (_, plan) = pipeline.look_and_plan(&Recorded::default(), &Options::default()).await.expect("observed");
        let mut late = engine.world().get("region/b/queue/empty").expect("readable").expect("there");
        (late.identity, late.hosts, late.mark) = (Identity::from_text(came), vec![Identity::from_text(host)], None);
        late.kind = atlas::kind::get(late.identity.kind()).expect("a kind").into();
        engine.world().plant(&late).expect("planted");
        // `--allow-loss` for the host covers only what was in it when the plan was made.
        let report = engine.execute(&pipeline, plan, &["region.b", "cluster.dc"]).await;
        assert!(engine.world().get(came).expect("readable").is_some(), "{came}: {report:#?}");
        let errors: Vec<&str> = report.failed.iter().map(|step| step.error.as_str()).collect();
        assert!(errors.len() == 1 && errors[0].starts_with(&format!("`{came}` came into it after")), "{errors:?}");
        // The next plan shows it.
        let (_, plan) = pipeline.look_and_plan(&Recorded::default(), &Options::default()).await.expect("observed");
        assert!(verdict(&plan, "region.b").1.contains(came), "{:#?}", plan.changes);
    }
}

#[tokio::test]
async fn of_many_that_would_lose_data_a_few_are_named_and_all_are_counted() {
    let mut spec = WITHOUT.to_owned() + "[region.b]\n";
    for at in 0..7 {
        spec.push_str(&format!("[bucket.b{at}]\nregions = [\"b\"]\nname = \"bbb{at}\"\n"));
    }
    let engine = made(&spec).await;
    (0..6).for_each(|at| hold(&engine, &format!("region/b/bucket/bbb{at}"), "objects", 1));
    let (risk, evidence) = verdict(&engine.plan(WITHOUT).await, "region.b");
    assert_eq!(risk, Risk::Lossy);
    assert!(evidence.contains("bucket.b2@b") && !evidence.contains("bucket.b3@b"), "{evidence}");
    assert!(evidence.contains("and 3 more would lose data; 7 objects in all"), "{evidence}");
}

#[tokio::test]
async fn what_is_let_go_of_and_protected_keeps_the_host_that_it_lives_in() {
    // Neither the bucket nor the namespace has a step that destroys it, at two depths.
    for block in ["[bucket.full]", "[namespace.n]"] {
        let spec = SPEC.replace(block, &format!("{block}\nprotect = true\non_remove = \"forget\""));
        let engine = made(&spec).await;
        let plan = engine.plan(WITHOUT).await;
        let name = if block.contains("bucket") { "bucket.full@b" } else { "namespace.n@dc" };
        assert!(plan.diagnostics.has_errors());
        let named = errors(&plan).iter().any(|one| one.starts_with("region.b would be deleted") && one.contains(name));
        assert!(named, "{:#?}", plan.diagnostics);
        assert!(engine.plan_with(&spec, &destroy()).await.diagnostics.has_errors());
    }
}

#[tokio::test]
async fn what_is_let_go_of_counts_for_the_host_that_goes() {
    let spec = SPEC.replace("[bucket.full]", "[bucket.full]\non_remove = \"forget\"");
    let engine = made(&spec).await;
    hold(&engine, "region/b/bucket/full", "objects", 2);
    let plan = engine.plan(WITHOUT).await;
    assert_eq!(actions(&plan).get("bucket.full@b").map(String::as_str), Some("forget"));
    assert_eq!(verdict(&plan, "region.b").0, Risk::Lossy);
}

#[tokio::test]
async fn somebody_elses_object_in_a_host_is_named() {
    let engine = made(SPEC).await;
    let plan = seen(&engine, WITHOUT, &Options::default(), |objects, _| {
        let mut foreign = objects.iter().find(|one| one.identity == "region/b/queue/empty").expect("there").clone();
        foreign.identity = Identity::from_text("region/b/cluster/dc/namespace/theirs");
        foreign.hosts = vec![Identity::from_text("region/b/cluster/dc")];
        foreign.mark = None;
        objects.push(foreign);
    })
    .await;
    for host in ["region.b", "cluster.dc"] {
        let (risk, evidence) = verdict(&plan, host);
        assert_eq!(risk, Risk::Lossy, "{evidence}");
        let named = "`region/b/cluster/dc/namespace/theirs` (which belongs to nobody that Atlas knows)";
        assert!(evidence.contains(named), "{evidence}");
    }
    // A protected object of another project refuses the deletion as well.
    let plan = seen(&engine, WITHOUT, &Options::default(), |objects, _| {
        let mut foreign = objects.iter().find(|one| one.identity == "region/b/queue/empty").expect("there").clone();
        foreign.identity = Identity::from_text("region/b/queue/theirs");
        let mark = foreign.mark.take().expect("marked");
        foreign.mark = Some(Mark { project: "theirs".into(), protect: true, ..mark });
        objects.push(foreign);
    })
    .await;
    assert!(errors(&plan).iter().any(|one| one.contains("project theirs")), "{:#?}", plan.diagnostics);
}

#[tokio::test]
async fn a_degraded_host_hides_what_lives_in_it() {
    let engine = made(SPEC).await;
    let plan = seen(&engine, WITHOUT, &Options::default(), |objects, _| {
        objects.retain(|one| !one.identity.starts_with("region/b/cluster/dc/"));
        let cluster = objects.iter_mut().find(|one| one.identity == "region/b/cluster/dc").expect("there");
        cluster.condition = Condition::Degraded("stopped".into());
    })
    .await;
    for host in ["region.b", "cluster.dc"] {
        let (risk, evidence) = verdict(&plan, host);
        assert!(risk == Risk::Lossy && evidence.contains("could not be looked at"), "{evidence}");
    }
}

#[tokio::test]
async fn what_does_not_answer_is_not_destroyed_nor_what_it_needs() {
    let engine = made(SPEC).await;
    // The container of the region is there, and what runs in it does not answer.
    let plan = seen(&engine, SPEC, &destroy(), |objects, unreachable| {
        objects.retain(|one| !one.identity.starts_with("region/b/"));
        let region = objects.iter_mut().find(|one| one.identity == "region/b").expect("there");
        region.mark.as_mut().expect("marked").needs = vec![address("network.shared")];
        unreachable.insert(Identity::from_text("region/b"), "does not answer".into());
    })
    .await;
    assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
    let found = actions(&plan);
    for kept in ["region.b", "network.shared", "bucket.full@b", "cluster.dc", "namespace.n@dc"] {
        assert_eq!(found.get(kept).map(String::as_str), Some("blocked"), "{kept}: {found:#?}");
    }
    assert_eq!(found.get("region.a").map(String::as_str), Some("delete"));
    let network = plan.change(&address("network.shared")).expect("planned");
    assert!(network.reason.contains("can't be looked at"), "{}", network.reason);
}

#[tokio::test]
async fn a_host_waits_for_what_does_not_answer_in_it() {
    let engine = made(SPEC).await;
    engine.world().set_outage("region/b/cluster/dc", true).expect("out");
    let moved = SPEC.replace("[region.b]", "[region.b]\n[region.b.localstack]\nport = 4567");
    for (spec, options) in [(WITHOUT, Options::default()), (SPEC, destroy()), (&moved, Options::default())] {
        let plan = engine.plan_with(spec, &options).await;
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        assert_eq!(actions(&plan).get("region.b").map(String::as_str), Some("blocked"), "{:#?}", actions(&plan));
    }
    let report = engine.apply(WITHOUT).await;
    assert!(report.failed.is_empty(), "{report:#?}");
    assert!(engine.object("region.b").is_some() && engine.object("cluster.dc").is_some());
    engine.world().set_outage("region/b/cluster/dc", false).expect("over");
    engine.converge(WITHOUT).await;
}

#[tokio::test]
async fn what_lives_in_several_hosts_goes_with_the_last_of_them() {
    let spec =
        "[project]\nname = \"t\"\n[region.a]\n[region.b]\n[region.c]\n[database.d]\nregions = [\"a\", \"b\", \"c\"]\n";
    let engine = made(spec).await;
    hold(&engine, "database/d", "rows", 5);
    let fewer = spec.replace("[region.c]\n", "").replace(", \"c\"]", "]");
    let plan = engine.plan(&fewer).await;
    assert_eq!(verdict(&plan, "region.c"), (Risk::Safe, "nothing lives in it".into()));
    let plan = engine.plan_with(spec, &destroy()).await;
    for region in ["region.a", "region.b", "region.c"] {
        let (risk, evidence) = verdict(&plan, region);
        assert!(risk == Risk::Lossy && evidence.contains("database.d (the database holds 5 rows)"), "{evidence}");
    }
}
