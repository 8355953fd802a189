//! Absent is not unreachable, and a driver keeps its contract.

use std::collections::{BTreeMap, BTreeSet};

use atlas::driver::protocol::{self, Ownership};
use atlas::driver::{Class, Driver as _, Look, Request, Seen};
use atlas::identity::Identity;
use atlas::kind::{self, KindRef};
use atlas::observed::{Mark, Object, Observed, Owner};
use atlas::plan::Options;
use atlas::recorded::Recorded;
use atlas::value::Attributes;

use crate::support::{Engine, actions, address};

const SPEC: &str = r#"
[project]
name = "t"
[region.a]
[region.b]
[region.c]
[queue.orders]
regions = ["a", "b"]
[role.worker]
regions = ["a", "b"]
trust = { service = "ec2.amazonaws.com" }
[[role.worker.allow]]
actions = ["sqs:SendMessage"]
resources = ["${queue.orders.arn}"]
[cluster.dc-a]
region = "a"
[cluster.dc-b]
region = "b"
[app.cockroachdb]
clusters = ["dc-a", "dc-b"]
chart = "charts/cockroachdb"
[database.ledger]
server = "app.cockroachdb"
regions = ["a", "b", "c"]
survive = "region"
[database.ledger.table.t]
columns = [{ name = "id", type = "UUID" }]
primary_key = ["id"]
[queue.watcher]
regions = ["b"]
depends_on = ["queue.orders@a"]
"#;

#[tokio::test]
async fn a_database_is_there_as_long_as_one_of_its_hosts_is() {
    let engine = Engine::new();
    engine.converge(SPEC).await;
    let spec = SPEC.replace("survive = \"region\"", "survive = \"zone\"");
    engine.world().set_outage("region/a", true).expect("out");
    let plan = engine.plan(&spec).await;
    let of = |name: &str| actions(&plan).get(name).cloned();
    assert_eq!(of("database.ledger").as_deref(), Some("update"), "{:#?}", actions(&plan));
    assert_eq!(of("database.ledger/table/t"), None);
    engine.world().set_outage("region/b", true).expect("out");
    let plan = engine.plan(&spec).await;
    assert_eq!(actions(&plan).get("database.ledger").map(String::as_str), Some("blocked"));
    assert_eq!(actions(&plan).get("database.ledger/table/t").map(String::as_str), Some("blocked"));
}

#[tokio::test]
async fn a_change_that_needs_what_does_not_answer_waits() {
    let engine = Engine::new();
    engine.converge(SPEC).await;
    engine.world().set_outage("region/a", true).expect("out");
    assert!(!actions(&engine.plan(SPEC).await).contains_key("queue.watcher@b"), "nothing to do is nothing to wait for");
    let spec = SPEC.replace("[queue.watcher]", "[queue.watcher]\nretention = \"1d\"");
    let plan = engine.plan(&spec).await;
    let change = plan.change(&address("queue.watcher@b")).expect("planned");
    assert_eq!(change.blocked.as_ref().map(|blocked| blocked.by.as_str()), Some("region.a"));
    engine.apply(&spec).await;
    engine.world().set_outage("region/a", false).expect("over");
    engine.converge(&spec).await;
}

#[tokio::test]
async fn nothing_is_made_or_deleted_where_nobody_answers() {
    let engine = Engine::new();
    engine.converge(SPEC).await;
    engine.world().destroy("region/a/queue/orders").expect("deleted");
    engine.world().set_outage("region/a", true).expect("out");
    for spec in [SPEC.to_owned(), SPEC.replace("[queue.watcher]", "[queue.fresh]\nregions = [\"a\"]\n[queue.watcher]")]
    {
        let plan = engine.plan(&spec).await;
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        for change in plan.changes.iter().filter(|change| change.address.place() == Some("a")) {
            assert!(change.blocked.is_some() && !change.acts(), "{change:#?}");
        }
    }
}

#[tokio::test]
async fn a_deleted_host_comes_back_with_its_contents() {
    let engine = Engine::new();
    engine.converge(SPEC).await;
    for host in ["region/a/cluster/dc-a", "region/b", "region/a"] {
        engine.world().destroy(host).expect("deleted");
        let plan = engine.plan(SPEC).await;
        assert!(plan.changes.iter().all(|change| change.reason.contains("deleted behind")), "{:#?}", actions(&plan));
        engine.converge(SPEC).await;
    }
}

#[tokio::test]
async fn what_is_listed_twice_is_there_once() {
    let engine = Engine::new();
    engine.converge(SPEC).await;
    let pipeline = engine.pipeline(SPEC).expect("a good spec");
    let seen = pipeline.observe(&Recorded::default()).await.expect("observed");
    let twice = seen.objects().iter().chain(seen.objects()).cloned().collect();
    let owner = Owner::new(&pipeline.desired.project, &pipeline.desired.environment);
    let observed = Observed::new(&owner, twice, BTreeMap::new(), BTreeSet::new(), Default::default());
    assert_eq!(observed.objects().len(), seen.objects().len());
    let plan = pipeline.plan(&Recorded::default(), &observed, &Options::default());
    assert!(plan.is_empty(), "{:#?}", actions(&plan));
}

#[tokio::test]
async fn every_call_of_the_contract_is_idempotent() {
    let engine = Engine::new();
    engine.converge("[project]\nname = \"t\"\n[region.a]\n").await;
    let queue = &KindRef::from(kind::get("queue").expect("a kind"));
    let mark = Mark {
        project: "t".into(),
        environment: "default".into(),
        address: address("queue.q@a"),
        protect: false,
        on_remove: atlas::desired::OnRemove::Delete,
        needs: vec![address("region.a")],
        applied: String::new(),
    };
    let other = Mark { project: "somebody-else".into(), ..mark.clone() };
    let protected = Mark { protect: true, ..mark.clone() };
    let attributes: Attributes = [("name", "q".into()), ("delay", "1s".into())].into_iter().collect();
    let (region, identity) = (Identity::root("region", "a"), Identity::root("region", "a").inside("queue", "q"));
    let hosts = [region.clone()];
    let derived = kind::Outputs::new();
    let progress = atlas::driver::Progress::default();
    let rules = atlas::desired::FieldRules::default();
    let want = |mark| Request {
        kind: queue,
        identity: &identity,
        hosts: &hosts,
        attributes: &attributes,
        most: None,
        derived: &derived,
        mark,
        fields: &rules,
        limit: std::time::Duration::from_secs(60),
        progress: &progress,
    };
    let host = engine.world().get(&region).expect("readable").expect("there");
    let session = engine.sandbox.open(Some(&host), &Owner::new("t", "default")).await.expect("open");
    let session = session.as_ref();
    let look = Look { kind: queue, identity: &identity, wanted: None, evidence: false };
    let (ours, none) = (Ownership::Marked, None);
    assert!(session.read(&look).await.expect("readable").is_none());
    assert_eq!(
        protocol::update(session, &want(&mark), ours).await.expect_err("it is not there").class,
        Class::Conflict
    );
    protocol::delete(session, &look, &mark, ours, none).await.expect("what is not there is deleted already");
    let first = protocol::create(session, &want(&mark), ours).await.expect("made");
    let again = protocol::create(session, &want(&mark), ours).await.expect("what is ours already is adopted");
    assert_eq!(first, again);
    assert_eq!(session.create(&want(&mark)).await.expect_err("it is there").class, Class::Conflict);
    assert_eq!(protocol::create(session, &want(&other), ours).await.expect_err("it is ours").class, Class::Conflict);
    assert_eq!(protocol::update(session, &want(&other), ours).await.expect_err("it is ours").class, Class::Conflict);
    let deleted = protocol::delete(session, &look, &other, ours, none).await;
    assert_eq!(deleted.expect_err("it is ours").class, Class::Conflict);
    let stale = session.read(&look).await.expect("readable").expect("there");
    protocol::update(session, &want(&protected), ours).await.expect("changed");
    assert_eq!(session.delete(&stale).await.expect_err("it is not what was seen").class, Class::Conflict);
    assert_eq!(protocol::delete(session, &look, &mark, ours, none).await.expect_err("protected").class, Class::Denied);
    protocol::update(session, &want(&mark), ours).await.expect("changed");
    engine.world().set_outage("region/a", true).expect("out");
    for class in [
        session.read(&look).await.map(drop).expect_err("out").class,
        protocol::create(session, &want(&mark), ours).await.map(drop).expect_err("out").class,
        protocol::delete(session, &look, &mark, ours, none).await.expect_err("out").class,
    ] {
        assert_eq!(class, Class::Unreachable);
    }
    engine.world().set_outage("region/a", false).expect("over");
    protocol::delete(session, &look, &mark, ours, none).await.expect("deleted");
    protocol::delete(session, &look, &mark, ours, none).await.expect("deleted already");
    protocol::forget(session, &look, &mark).await.expect("forgotten already");
    assert_eq!(engine.world().made("t", "default").expect("readable"), BTreeSet::from([address("region.a")]));
}

#[tokio::test]
async fn a_change_of_what_holds_more_than_it_may_is_refused() {
    let engine = Engine::new();
    engine.converge("[project]\nname = \"t\"\n[region.a]\n[queue.q]\nregions = [\"a\"]\n").await;
    let (region, queue) = (engine.object("region.a").expect("made"), engine.object("queue.q@a").expect("made"));
    let session = engine.sandbox.open(Some(&region), &Owner::new("t", "default")).await.expect("open");
    let mut shorter = queue.attributes.clone();
    shorter.set("retention", "1d".into());
    let rules = atlas::desired::FieldRules::default();
    let want = Request {
        kind: &queue.kind,
        identity: &queue.identity,
        hosts: &queue.hosts,
        attributes: &shorter,
        most: Some(&queue.usage),
        derived: &queue.outputs,
        mark: queue.mark.as_ref().expect("marked"),
        fields: &rules,
        limit: std::time::Duration::from_secs(60),
        progress: &atlas::driver::Progress::default(),
    };
    let hold = |count: kind::Count| {
        let fill = |object: &mut Object| object.usage.extend([("depth".into(), count)]);
        engine.world().edit(&queue.identity, fill).expect("filled");
    };
    for count in [kind::Count::Exactly(1), kind::Count::AtLeast(1)] {
        hold(count);
        let refused = protocol::update(session.as_ref(), &want, Ownership::Marked).await;
        assert_eq!(refused.expect_err("it holds more").class, Class::Conflict, "{count:?}");
        // What comes in after the engine's own look is seen by the session, where its API can tell.
        let refused = session.update(&Seen::new(queue.clone()), &want).await;
        assert_eq!(refused.expect_err("it holds more").class, Class::Conflict, "{count:?}");
        assert_eq!(engine.object("queue.q@a").expect("there").attributes, queue.attributes, "{count:?}");
    }
    hold(kind::Count::Exactly(0));
    protocol::update(session.as_ref(), &want, Ownership::Marked).await.expect("it is empty");
    assert_eq!(engine.object("queue.q@a").expect("there").attributes, shorter);
}
