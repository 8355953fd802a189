//! Ports, subnets, names and addresses: the object that releases one is changed before the object that takes it.

use atlas::action::Verb;
use atlas::diagnostic::code;
use atlas::plan::{Options, Plan};

use crate::support::{Engine, actions, address, selector};

const HEAD: &str = "[project]\nname = \"t\"\n";

async fn made(spec: &str) -> Engine {
    let engine = Engine::new();
    engine.converge(&format!("{HEAD}{spec}")).await;
    engine
}

async fn planned(engine: &Engine, spec: &str) -> Plan {
    let plan = engine.plan(&format!("{HEAD}{spec}")).await;
    assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
    plan
}

fn step(plan: &Plan, of: &str, verb: Verb) -> usize {
    let of = address(of);
    let found = plan.steps.iter().position(|step| step.verb == verb && plan.changes[step.change].address == of);
    found.unwrap_or_else(|| panic!("{of} has no step to {}: {:#?}", verb.word(), actions(plan)))
}

/// Whether one step waits for another one, directly or not.
fn waits(plan: &Plan, later: usize, earlier: usize) -> bool {
    plan.steps[later].after.iter().any(|before| *before == earlier || waits(plan, *before, earlier))
}

fn in_order(plan: &Plan, first: (&str, Verb), then: (&str, Verb)) {
    let (first_at, then_at) = (step(plan, first.0, first.1), step(plan, then.0, then.1));
    assert!(waits(plan, then_at, first_at), "{first:?} before {then:?}: {:#?}", plan.steps);
}

fn web(name: &str, ports: &str) -> String {
    format!("[container.{name}]\nimage = \"redis:8\"\nports = [{ports}]\n")
}

const AWS: &str = "[region.a]\naws = {}\n[region.b]\naws = {}\n";

#[tokio::test]
async fn a_claim_is_released_before_it_is_taken() {
    let role = |region: &str| {
        format!(
            "{AWS}[role.r]\nregions = [\"{region}\"]\nname = \"one\"\ntrust = {{ service = \"s3.amazonaws.com\" }}\nallow = []\n"
        )
    };
    let cases: Vec<(String, String, &str, &str)> = vec![
        // A renamed block without `renamed_from`, whose object gets the new name.
        (web("old", "\"8080:80\""), web("new", "\"8080:80\""), "container.old", "container.new"),
        // All addresses of a machine, and one of them.
        (web("old", "\"0.0.0.0:8080:80\""), web("new", "\"8080:81\""), "container.old", "container.new"),
        (
            "[network.old]\nsubnet = \"10.77.0.0/16\"\n".into(),
            "[network.new]\nsubnet = \"10.77.3.0/24\"\n".into(),
            "network.old",
            "network.new",
        ),
        ("[region.x.localstack]\nport = 4570\n".into(), web("new", "\"4570:80\""), "region.x", "container.new"),
        (
            "[region.x.localstack]\nport = 4570\n".into(),
            "[region.y.localstack]\nport = 4570\n".into(),
            "region.x",
            "region.y",
        ),
        (
            "[region.a]\n[cluster.old]\nregion = \"a\"\nports = [\"8080:80\"]\n".into(),
            format!("[region.a]\n{}", web("new", "\"8080:80\"")),
            "cluster.old",
            "container.new",
        ),
        (role("a"), role("b"), "role.r@a", "role.r@b"),
        (
            format!("{AWS}[bucket.x]\nregions = [\"a\"]\nname = \"one-name\"\n"),
            format!("{AWS}[bucket.x]\nregions = [\"b\"]\nname = \"one-name\"\n"),
            "bucket.x@a",
            "bucket.x@b",
        ),
    ];
    for (before, after, gives, takes) in cases {
        let engine = made(&before).await;
        let plan = planned(&engine, &after).await;
        in_order(&plan, (gives, Verb::Delete), (takes, Verb::Create));
        engine.converge(&format!("{HEAD}{after}")).await;
    }
}

#[tokio::test]
async fn what_does_not_collide_waits_for_nobody() {
    for (before, after) in [
        (web("old", "\"10.0.0.1:8080:80\""), web("new", "\"10.0.0.2:8080:80\"")),
        (web("old", "\"8080:80/udp\""), web("new", "\"8080:80\"")),
        ("[network.old]\nsubnet = \"10.77.0.0/24\"\n".into(), "[network.new]\nsubnet = \"10.77.1.0/24\"\n".into()),
        (web("old", "\"8080:80\"") + "engine = \"build\"\n", web("new", "\"8080:80\"")),
    ] {
        let engine = made(&before).await;
        let plan = planned(&engine, &after).await;
        assert!(plan.steps.iter().all(|step| step.after.is_empty()), "{:#?}", plan.steps);
    }
}

#[tokio::test]
async fn two_that_are_replaced_anyway_swap_claims() {
    let spec = |one: &str, other: &str| web("one", one) + &web("other", other);
    let engine = made(&spec("\"8080:80\"", "\"8081:80\"")).await;
    let swapped = spec("\"8081:80\"", "\"8080:80\"");
    let plan = planned(&engine, &swapped).await;
    in_order(&plan, ("container.one", Verb::Delete), ("container.other", Verb::Create));
    in_order(&plan, ("container.other", Verb::Delete), ("container.one", Verb::Create));
    engine.converge(&format!("{HEAD}{swapped}")).await;
}

#[tokio::test]
async fn of_some_that_swap_claims_in_place_one_is_replaced() {
    let spec = |addresses: [&str; 3]| {
        let mut text = "[network.net]\nsubnet = \"10.77.0.0/24\"\n".to_owned();
        for (at, address) in addresses.iter().enumerate() {
            text += &format!(
                "[container.c{at}]\nimage = \"redis:8\"\nnetworks = [{{ network = \"network.net\", address = \"10.77.0.{address}\" }}]\n"
            );
        }
        text
    };
    let engine = made(&spec(["10", "11", "12"])).await;
    let plan = planned(&engine, &spec(["11", "12", "13"])).await;
    assert!(actions(&plan).values().all(|action| action == "update"), "{:#?}", actions(&plan));
    in_order(&plan, ("container.c2", Verb::Update), ("container.c1", Verb::Update));
    in_order(&plan, ("container.c1", Verb::Update), ("container.c0", Verb::Update));
    let round = spec(["11", "12", "10"]);
    let plan = planned(&engine, &round).await;
    let found = actions(&plan);
    assert_eq!(found["container.c0"], "replace", "{found:#?}");
    assert_eq!((found["container.c1"].as_str(), found["container.c2"].as_str()), ("update", "update"));
    let chosen = plan.change(&address("container.c0")).expect("planned");
    assert_eq!(chosen.reason, "it makes room for container.c1");
    engine.converge(&format!("{HEAD}{round}")).await;
}

#[tokio::test]
async fn what_can_not_be_made_anew_is_refused_with_all_named() {
    let spec = |one: &str, other: &str| {
        format!(
            "[region.a]\n[cluster.one]\nregion = \"a\"\nports = [\"{one}:80\"]\n[cluster.other]\nregion = \"a\"\nports = [\"{other}:80\"]\n"
        )
    };
    let engine = made(&spec("8080", "8081")).await;
    let plan = engine.plan(&format!("{HEAD}{}", spec("8081", "8080"))).await;
    let error = plan.diagnostics.iter().find(|one| one.code == &code::NO_ROOM);
    let detail = &error.unwrap_or_else(|| panic!("{:#?}", plan.diagnostics)).detail;
    assert!(detail.contains("cluster.one") && detail.contains("cluster.other"), "{detail}");
    // With a free port in between, it works in two applies.
    engine.converge(&format!("{HEAD}{}", spec("8082", "8080"))).await;
    engine.converge(&format!("{HEAD}{}", spec("8081", "8080"))).await;
}

#[tokio::test]
async fn what_uses_a_network_that_makes_room_is_made_anew() {
    let spec = |network: &str| {
        format!(
            "[network.{network}]\nsubnet = \"10.77.0.0/24\"\n[container.c]\nimage = \"redis:8\"\nnetworks = [{{ network = \"network.{network}\" }}]\n"
        )
    };
    let engine = made(&spec("old")).await;
    let plan = planned(&engine, &spec("new")).await;
    in_order(&plan, ("container.c", Verb::Delete), ("network.old", Verb::Delete));
    in_order(&plan, ("network.old", Verb::Delete), ("network.new", Verb::Create));
    in_order(&plan, ("network.new", Verb::Create), ("container.c", Verb::Create));
    engine.converge(&format!("{HEAD}{}", spec("new"))).await;
}

#[tokio::test]
async fn what_an_object_has_that_stays_is_refused_with_both_named() {
    let stays = web("old", "\"8080:80\"") + "on_remove = \"forget\"\n";
    let engine = made(&stays).await;
    let plan = engine.plan(&format!("{HEAD}{}", web("new", "\"127.0.0.1:8080:80\""))).await;
    let error = plan.diagnostics.iter().find(|one| one.code == &code::HAD_AND_KEPT);
    let detail = &error.unwrap_or_else(|| panic!("{:#?}", plan.diagnostics)).detail;
    assert!(detail.starts_with("container.new needs the port 8080/tcp, which container.old has and keeps"), "{detail}");
    // An object that stays because only a part of the plan was asked for is refused as well.
    let engine = made(&web("old", "\"8080:80\"")).await;
    let options = Options { targets: vec![selector("container.new")], ..Options::default() };
    let plan = engine.plan_with(&format!("{HEAD}{}", web("new", "\"8080:80\"")), &options).await;
    assert!(plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
}

#[tokio::test]
async fn two_new_things_that_want_one_subnet_are_refused() {
    let engine = Engine::new();
    let spec = "[network.wide]\nsubnet = \"10.7.0.0/16\"\n[network.narrow]\nsubnet = \"10.7.1.0/24\"\n";
    let plan = engine.plan(&format!("{HEAD}{spec}")).await;
    let error = plan.diagnostics.iter().find(|one| one.code == &code::WANTED_TWICE);
    let detail = &error.unwrap_or_else(|| panic!("{:#?}", plan.diagnostics)).detail;
    assert!(detail.contains("network.wide") && detail.contains("network.narrow"), "{detail}");
}
