//! A host that is replaced takes along what lives in it, as one that is deleted does; and so does an app with a database.

use atlas::identity::Identity;
use atlas::kind::Risk;
use atlas::observed::Mark;
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;

use crate::hosts::{destroy, errors, hold, made, verdict};
use crate::support::{Engine, actions, selector};

const SPEC: &str = r#"
[project]
name = "t"
[region.a]
[region.b]
localstack = { port = 4566 }
[region.c]
[bucket.full]
regions = ["b"]
[queue.empty]
regions = ["b"]
[cluster.dc]
region = "b"
servers = 1
[namespace.n]
clusters = ["dc"]
[app.x]
clusters = ["dc"]
chart = "charts/x"
namespace = "n"
[database.d]
server = "app.x"
regions = ["a", "b", "c"]
"#;

/// What remains when the cluster goes with everything in it.
const WITHOUT: &str = "[project]\nname = \"t\"\n[region.a]\n[region.b]\nlocalstack = { port = 4566 }\n[region.c]\n\
    [bucket.full]\nregions = [\"b\"]\n[queue.empty]\nregions = [\"b\"]\n";

fn replace(host: &str) -> Options {
    Options { replace: vec![selector(host)], ..Options::default() }
}

/// The two ways to replace each host: it is asked for, or the spec says something else of it.
fn replacements(host: &str) -> [(String, Options); 2] {
    let edited = match host {
        "region.b" => SPEC.replace("port = 4566", "port = 4567"),
        _ => SPEC.replace("servers = 1", "engine = \"tcp://10.0.0.7:2376\""),
    };
    assert_ne!(edited, SPEC);
    [(SPEC.to_owned(), replace(host)), (edited, Options::default())]
}

async fn planned(engine: &Engine, spec: &str, options: &Options) -> Plan {
    let pipeline = engine.pipeline(spec).expect("a good spec");
    pipeline.look_and_plan(&Recorded::default(), options).await.expect("planned").1
}

#[tokio::test]
async fn a_host_with_something_protected_in_it_is_not_replaced() {
    for (host, block, named) in [
        ("cluster.dc", "[namespace.n]", "namespace.n@dc"),
        ("cluster.dc", "[app.x]", "app.x@dc"),
        ("cluster.dc", "[database.d]", "database.d"),
        ("region.b", "[bucket.full]", "bucket.full@b"),
        ("region.b", "[cluster.dc]", "cluster.dc"),
        ("region.b", "[namespace.n]", "namespace.n@dc"),
    ] {
        let protect = |spec: &str| spec.replace(block, &format!("{block}\nprotect = true"));
        let engine = made(&protect(SPEC)).await;
        for (spec, options) in replacements(host) {
            let plan = planned(&engine, &protect(&spec), &options).await;
            let found = actions(&plan);
            assert_eq!(found.get(host).map(String::as_str), Some("replace"), "{found:#?}");
            let refused = |one: &String| one.contains("protected") && one.contains(named);
            assert!(errors(&plan).iter().any(refused), "{host} with {named}: {:#?}", plan.diagnostics);
        }
    }
}

#[tokio::test]
async fn what_is_let_go_of_and_protected_keeps_the_host_from_being_replaced() {
    let block = "[bucket.full]\nregions = [\"b\"]\n";
    let engine = made(&SPEC.replace(block, &format!("{block}protect = true\non_remove = \"forget\"\n"))).await;
    for (spec, options) in replacements("region.b") {
        let plan = planned(&engine, &spec.replace(block, ""), &options).await;
        assert_eq!(actions(&plan).get("bucket.full@b").map(String::as_str), Some("forget"), "{:#?}", actions(&plan));
        let refused =
            |one: &String| one.starts_with("region.b would be replaced") && one.contains("bucket.full@b lives in it");
        assert!(errors(&plan).iter().any(refused), "{:#?}", plan.diagnostics);
    }
}

#[tokio::test]
async fn somebody_elses_protected_object_keeps_the_host_from_being_replaced() {
    let engine = made(SPEC).await;
    let mut theirs = engine.object("queue.empty@b").expect("made");
    theirs.identity = Identity::from_text("region/b/queue/theirs");
    let mark = theirs.mark.take().expect("marked");
    theirs.mark = Some(Mark { project: "victim".into(), protect: true, ..mark });
    engine.world().plant(&theirs).expect("planted");
    for (spec, options) in replacements("region.b") {
        let plan = planned(&engine, &spec, &options).await;
        let refused = |one: &String| one.starts_with("region.b would be replaced") && one.contains("project victim");
        assert!(errors(&plan).iter().any(refused), "{:#?}", plan.diagnostics);
    }
}

#[tokio::test]
async fn a_host_is_replaced_with_the_verdict_of_what_lives_in_it() {
    for (spec, options) in replacements("region.b") {
        let engine = made(SPEC).await;
        hold(&engine, "region/b/bucket/full", "objects", 13);
        let plan = planned(&engine, &spec, &options).await;
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        for (of, begins) in [("region.b", "it holds bucket.full@b (the bucket holds 13 objects"), ("bucket.full@b", "")]
        {
            let (risk, evidence) = verdict(&plan, of);
            assert_eq!(risk, Risk::Lossy, "{of}: {evidence}");
            assert!(evidence.starts_with(begins), "{of}: {evidence}");
        }
        assert_eq!(verdict(&plan, "cluster.dc").0, Risk::Recoverable);
        let pipeline = engine.pipeline(&spec).expect("a good spec");
        // That the host may be lost does not cover the bucket.
        for allowed in [&[][..], &["region.b"]] {
            let plan = planned(&engine, &spec, &options).await;
            let report = engine.execute(&pipeline, plan, allowed).await;
            assert!(!report.failed.is_empty(), "{allowed:?}: {report:#?}");
            assert!(engine.object("region.b").is_some() && engine.object("bucket.full@b").is_some(), "{allowed:?}");
        }
        engine.apply_with(&spec, &options, &["region.b", "bucket.full@b"]).await;
        engine.converge(&spec).await;
    }
}

#[tokio::test]
async fn what_a_database_holds_counts_for_all_that_it_lives_in() {
    let all = ["app.x@dc", "namespace.n@dc", "cluster.dc"];
    let [(_, asked), (edited, plain)] = replacements("cluster.dc");
    for (spec, options) in [(SPEC, &destroy()), (WITHOUT, &plain), (SPEC, &asked), (&edited, &plain)] {
        let engine = made(SPEC).await;
        let plan = planned(&engine, spec, options).await;
        for of in all {
            let (risk, evidence) = verdict(&plan, of);
            assert_eq!(risk, Risk::Recoverable, "{of}: {evidence}");
        }
        let identity = engine.object("database.d").expect("made").identity;
        hold(&engine, &identity, "rows", 5);
        let plan = planned(&engine, spec, options).await;
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        for of in all {
            let (risk, evidence) = verdict(&plan, of);
            assert_eq!(risk, Risk::Lossy, "{of}: {evidence}");
            assert!(evidence.contains("database.d (the database holds 5 rows)"), "{of}: {evidence}");
        }
    }
}
