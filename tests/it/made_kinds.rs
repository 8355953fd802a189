//! Kinds that are made at run time: they are declared, planned, made, changed, replaced and removed like the program's own.

use std::sync::Arc;

use atlas::action::{Action, Order, Verb};
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Driver, Registry};
use atlas::execute::Report;
use atlas::kind::{
    Attribute, Catalog, Count, Fault, Kind, Output, Places, Rule, Shared, Type, Verdict, counted, name, names, rule,
};
use atlas::plan::Plan;
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use atlas::value::{Attributes, Value};

use crate::support::{address, execute, summary};

const HEAD: &str = "[project]\nname = \"t\"\n";

/// A topic, as somebody's schema may describe it: what its names may begin with is known at run time only.
fn topic(prefix: &str) -> Kind {
    let begins = prefix.to_owned();
    let keeps_rule = move |text: &str| match text.strip_prefix(begins.as_str()) {
        Some(_) => Ok(()),
        None => Err(Fault::new(format!("a topic's name begins with `{begins}`"))),
    };
    let called = Rule {
        says: format!("name that begins with `{prefix}`").into(),
        pattern: None,
        normal: None,
        several: None,
        check: Shared::Made(Arc::new(keeps_rule)),
    };
    let attributes = vec![
        Attribute::made("name", Type::Text(called.into()), "What it is called.").replaces(),
        Attribute::made("partitions", Type::Int(1, 1_000), "How many partitions it has.")
            .default_value(Value::Int(3))
            .replaces(),
        Attribute::made("owners", Type::Set(Type::text(&rule::SOME).into()), "Who looks after it."),
        Attribute::made("cleanup", Type::Choice(vec![name("delete"), name("compact")].into()), "What is cleaned up."),
        Attribute::made("feeds", Type::Address(vec![name("topic")].into()), "The topic that it is copied to."),
    ];
    let path = Output {
        formula: Some(Shared::Made(Arc::new(|facts| {
            Some(format!("/topics/{}", facts.attributes.get("name").as_str()?))
        }))),
        ..Output::made("path", "Where it is found.")
    };
    Kind {
        attributes: attributes.into(),
        outputs: vec![path, Output::made("id", "What the service calls it.")].into(),
        usage: vec![name("messages")].into(),
        exact: vec![name("messages")].into(),
        hosts_others: true,
        loss: Shared::Made(Arc::new(|usage| match counted(usage, "messages") {
            Count::Exactly(0) => Verdict::safe("no message is in it"),
            _ => Verdict::lossy("messages are in it"),
        })),
        ..Kind::made("topic", "A topic of a broker.")
    }
}

/// A kind that lives in a topic.
fn reader() -> Kind {
    let attributes = vec![Attribute::made("from", Type::text(&rule::SOME), "Where it begins.").required()];
    Kind {
        places: Places::Inside(name("topic")),
        host: atlas::kind::Host::Parent,
        attributes: attributes.into(),
        loss: Shared::Static(&|_| Verdict::safe("it holds nothing")),
        ..Kind::made("reader", "Whoever reads a topic.")
    }
}

fn catalog() -> Catalog {
    Catalog::new([Arc::new(topic("t-")), Arc::new(reader())]).expect("good kinds")
}

/// A world in which objects of the made kinds can be. The kinds are made again for each spec, as they are for each pass of a
/// program that runs on.
struct Broker(Arc<Sandbox>);

impl Broker {
    fn new() -> Self {
        Self(Arc::new(Sandbox::new(World::in_memory().expect("a world").with_kinds(catalog()))))
    }

    fn pipeline(&self, spec: &str) -> Pipeline {
        let inputs = Inputs { kinds: catalog(), ..Inputs::default() };
        let (desired, diagnostics) = compile(&format!("{HEAD}{spec}"), &inputs);
        let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}"));
        Pipeline::new(desired, Registry::new([self.0.clone() as Arc<dyn Driver>])).expect("a good spec")
    }

    async fn plan(&self, spec: &str) -> Plan {
        let (_, plan) =
            self.pipeline(spec).look_and_plan(&Recorded::default(), &Default::default()).await.expect("planned");
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        plan
    }

    /// Applies; then everything is as the spec says.
    async fn converge(&self, spec: &str) -> (Plan, Report) {
        let plan = self.plan(spec).await;
        let report = execute(&self.pipeline(spec), plan.clone(), &[]).await;
        assert!(report.is_complete(), "{report:#?}");
        let left = self.plan(spec).await;
        assert!(left.is_empty(), "{}", summary(&left));
        (plan, report)
    }

    fn attributes(&self, of: &str) -> Option<Attributes> {
        let found = self.0.world().find("t", "default", &address(of)).expect("readable");
        found.map(|object| object.attributes)
    }
}

fn action(plan: &Plan, of: &str) -> Action {
    plan.change(&address(of)).unwrap_or_else(|| panic!("{of}: {}", summary(plan))).action
}

#[tokio::test]
async fn a_made_kind_is_planned_made_changed_replaced_and_removed() {
    let broker = Broker::new();
    let spec = |lines: &str| {
        format!(
            "[topic.orders]\nname = \"t-orders\"\n{lines}[topic.orders.reader.audit]\nfrom = \"start\"\n\
             [topic.copies]\nname = \"t-copies\"\nowners = [\"${{topic.orders.path}}\", \"${{topic.orders.id}}\"]\n"
        )
    };
    let (plan, _) = broker.converge(&spec("owners = [\"b\", \"a\", \"b\"]\nfeeds = \"topic.copies-2\"\n[topic.copies-2]\nname = \"t-2\"\n[topic.orders-2]\nname = \"t-3\"\n")).await;
    assert_eq!(action(&plan, "topic.orders"), Action::Create);
    let made = broker.attributes("topic.orders").expect("made");
    assert_eq!(made.get("partitions"), &Value::Int(3), "the default");
    assert_eq!(made.get("owners"), &Value::List(vec!["a".into(), "b".into()]), "a set in normal form");
    let told = broker.attributes("topic.copies").expect("made");
    let told: Vec<_> = told.get("owners").items().iter().filter_map(Value::as_str).collect();
    assert_eq!(told, ["/topics/t-orders", "sandbox://topic/t-orders"], "what the other one tells");
    assert!(broker.attributes("topic.orders/reader/audit").is_some());

    // First a change in place, then a replacement, as the kind says; what left the spec is deleted.
    let (plan, report) = broker.converge(&spec("owners = [\"c\"]\ncleanup = \"compact\"\n")).await;
    assert_eq!(action(&plan, "topic.orders"), Action::Update);
    assert_eq!(action(&plan, "topic.copies-2"), Action::Delete);
    assert_eq!(report.counts().deleted, 2);
    let (plan, _) = broker.converge(&spec("partitions = 4\n")).await;
    assert_eq!(action(&plan, "topic.orders"), Action::Replace(Order::DeleteFirst));
    assert_eq!(action(&plan, "topic.orders/reader/audit"), Action::Replace(Order::DeleteFirst));
    let verdict = plan.change(&address("topic.orders")).and_then(|change| change.verdict.clone()).expect("a verdict");
    assert!(verdict.evidence.starts_with("no message is in it"), "{}", verdict.evidence);

    let (_, report) = broker.converge("").await;
    let deleted =
        |address: &str| report.done.iter().any(|(one, verb)| (one.as_str(), *verb) == (address, Verb::Delete));
    assert!(deleted("topic.orders") && deleted("topic.copies") && deleted("topic.orders/reader/audit"), "{report:#?}");
    assert_eq!(broker.attributes("topic.orders"), None);
}

#[tokio::test]
async fn drift_of_a_made_kind_is_seen_and_a_loss_needs_allow_loss() {
    let broker = Broker::new();
    let spec = "[topic.orders]\nname = \"t-orders\"\nowners = [\"a\"]\n";
    broker.converge(spec).await;
    let edit = |change: &dyn Fn(&mut atlas::observed::Object)| {
        broker.0.world().edit("topic/t-orders", |object| change(object)).expect("there");
    };
    edit(&|object| object.attributes.set("owners", Value::List(vec!["x".into()])));
    let plan = broker.plan(spec).await;
    assert!(
        plan.change(&address("topic.orders")).is_some_and(|one| one.attributes[0].drift.is_some()),
        "{}",
        summary(&plan)
    );
    broker.converge(spec).await;
    edit(&|object| {
        object.usage.insert("messages".into(), 7.into());
    });
    let plan = broker.plan("").await;
    let report = execute(&broker.pipeline(""), plan, &[]).await;
    assert!(!report.is_complete() && broker.attributes("topic.orders").is_some(), "{report:#?}");
    // `--allow-loss` allows the loss that the plan showed, and no more.
    let plan = broker.plan("").await;
    edit(&|object| {
        object.usage.insert("messages".into(), 8.into());
    });
    let report = execute(&broker.pipeline(""), plan, &["topic.orders"]).await;
    assert!(!report.is_complete() && broker.attributes("topic.orders").is_some(), "{report:#?}");
    let report = execute(&broker.pipeline(""), broker.plan("").await, &["topic.orders"]).await;
    assert!(report.is_complete() && broker.attributes("topic.orders").is_none(), "{report:#?}");
}

#[test]
fn what_is_misspelt_in_a_block_of_a_made_kind_is_told_with_what_was_meant() {
    let problem = |spec: &str| {
        let inputs = Inputs { kinds: catalog(), ..Inputs::default() };
        let (_, diagnostics) = compile(&format!("{HEAD}{spec}"), &inputs);
        let first = diagnostics.iter().next().unwrap_or_else(|| panic!("nothing is wrong with {spec}"));
        (first.detail.clone(), first.hint.clone().unwrap_or_default())
    };
    let (detail, hint) = problem("[topic.x]\nname = \"t-x\"\npartition = 2\n");
    assert!(detail.contains("`partition`") && hint.contains("`partitions`"), "{detail}; {hint}");
    let (detail, hint) = problem("[topc.x]\nname = \"t-x\"\n");
    assert!(detail.contains("`topc`") && hint.contains("`topic`"), "{detail}; {hint}");
    let (detail, _) = problem("[topic.x]\nname = \"x\"\n");
    assert_eq!(detail, "a topic's name begins with `t-`");
    let (detail, hint) = problem("[topic.x]\nname = \"t-x\"\ncleanup = \"compct\"\n");
    assert!(detail.contains("`compct`") && hint.contains("`compact`"), "{detail}; {hint}");
    let (_, hint) = problem("[topic.x]\nname = \"t-x\"\n[topic.x.reader.r]\n");
    assert_eq!(hint, "write `from = …`");
    // Without the catalog nobody knows the kind.
    let (_, diagnostics) = compile(&format!("{HEAD}[topic.x]\n"), &Inputs::default());
    assert!(diagnostics.has_errors());
}

#[test]
fn kinds_that_are_made_a_thousand_times_keep_memory_steady() {
    let kept = || names().into_iter().filter(|name| name.starts_with("steady-")).count();
    let pass = || {
        let attributes = (0..10).map(|at| Attribute::made(&format!("steady-{at}"), Type::Any, "One of ten."));
        let attributes: Vec<Attribute> = attributes.collect();
        let made =
            Arc::new(Kind { attributes: attributes.into(), ..Kind::made("steady-kind", "Made again and again.") });
        let gone = Arc::downgrade(&made);
        let inputs = Inputs { kinds: Catalog::new([made]).expect("good"), ..Inputs::default() };
        let (desired, diagnostics) = compile(&format!("{HEAD}[steady-kind.x]\nsteady-1 = 1\n"), &inputs);
        let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}"));
        let first = desired.instances()[0].attributes.iter().next().expect("said").0;
        drop((desired, inputs));
        assert!(gone.upgrade().is_none(), "the kind goes with its last user");
        first
    };
    let first = pass();
    let before = kept();
    assert_eq!(before, 11);
    for _ in 0..1_000 {
        assert!(std::ptr::eq(first, pass()), "one name is one text");
    }
    assert_eq!(kept(), before);
}
