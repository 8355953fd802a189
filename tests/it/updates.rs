//! What an update would lose is weighed at the moment of its effect, as what a deletion would lose is.

use atlas::kind::{Count, Risk};
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::value::Value;

use crate::support::{Engine, address};

/// An update that loses some of what its object holds.
struct Case {
    of: &'static str,
    before: &'static str,
    after: &'static str,
    /// The attribute that changes.
    attribute: &'static str,
    /// The counter that tells how much there is to lose.
    counter: &'static str,
    /// Whether that counter is exact, so that any growth is seen. Of another one only the first is.
    exact: bool,
}

const HEAD: &str = "[project]\nname = \"t\"\n[region.a]\n[region.b]\n[region.c]\n";

const BUCKET: &str = "[bucket.books]\nregions = [\"a\"]\n";

const QUEUE: &str = "[queue.q]\nregions = [\"a\"]\n";

const TABLE: &str = "[database.d]\nregions = [\"a\", \"b\", \"c\"]\n[database.d.table.t]\nprimary_key = [\"id\"]\n";

/// Every rule by which an update loses something.
const CASES: [Case; 9] = [
    // A lifecycle rule is added.
    Case::of_rules("", "lifecycle = [{ id = \"old\", expire_after = \"1d\" }]"),
    // A rule matches more: a tag is no longer asked for.
    Case::of_rules(
        "lifecycle = [{ id = \"old\", tags = { temp = \"true\" }, expire_after = \"1d\" }]",
        "lifecycle = [{ id = \"old\", expire_after = \"1d\" }]",
    ),
    // A rule that did nothing does something.
    Case::of_rules(
        "lifecycle = [{ id = \"old\", enabled = false, expire_on = \"2040-01-01\" }]",
        "lifecycle = [{ id = \"old\", expire_on = \"2040-01-01\" }]",
    ),
    // Objects expire earlier.
    Case::of_rules(
        "lifecycle = [{ id = \"old\", prefix = \"x/\", expire_after = \"9d\" }]",
        "lifecycle = [{ id = \"old\", prefix = \"x/\", expire_after = \"8d\" }]",
    ),
    // Fewer old versions are kept.
    Case::of_rules(
        "lifecycle = [{ id = \"old\", expire_noncurrent_after = \"9d\", keep_noncurrent = 5 }]",
        "lifecycle = [{ id = \"old\", expire_noncurrent_after = \"9d\", keep_noncurrent = 2 }]",
    ),
    // A column is dropped.
    Case {
        of: "database.d/table/t",
        before: "columns = [{ name = \"id\", type = \"UUID\" }, { name = \"note\", type = \"STRING\" }]",
        after: "columns = [{ name = \"id\", type = \"UUID\" }]",
        attribute: "columns",
        counter: "rows",
        exact: true,
    },
    // A column takes another name.
    Case {
        of: "database.d/table/t",
        before: "columns = [{ name = \"id\", type = \"UUID\" }, { name = \"note\", type = \"STRING\" }]",
        after: "columns = [{ name = \"id\", type = \"UUID\" }, { name = \"notes\", type = \"STRING\" }]",
        attribute: "columns",
        counter: "rows",
        exact: true,
    },
    // A column takes another type.
    Case {
        of: "database.d/table/t",
        before: "columns = [{ name = \"id\", type = \"UUID\" }, { name = \"note\", type = \"STRING\" }]",
        after: "columns = [{ name = \"id\", type = \"UUID\" }, { name = \"note\", type = \"INT\" }]",
        attribute: "columns",
        counter: "rows",
        exact: true,
    },
    // Messages are kept for a shorter time.
    Case {
        of: "queue.q@a",
        before: "retention = \"14d\"",
        after: "retention = \"1d\"",
        attribute: "retention",
        counter: "depth",
        exact: false,
    },
];

impl Case {
    /// A change of the rules by which a bucket loses its objects.
    const fn of_rules(before: &'static str, after: &'static str) -> Self {
        Self { of: "bucket.books@a", before, after, attribute: "lifecycle", counter: "objects", exact: true }
    }

    fn spec(&self, lines: &str) -> String {
        let block = match self.of.split('.').next() {
            Some("queue") => QUEUE,
            Some("bucket") => BUCKET,
            _ => TABLE,
        };
        format!("{HEAD}{block}{lines}\n")
    }

    /// An engine with the object as it is before the update.
    async fn made(&self) -> Engine {
        let engine = Engine::new();
        engine.converge(&self.spec(self.before)).await;
        engine
    }

    fn hold(&self, engine: &Engine, count: Count) {
        let identity = engine.object(self.of).expect("made").identity;
        let fill = |object: &mut atlas::observed::Object| object.usage.extend([(self.counter.into(), count)]);
        engine.world().edit(&identity, fill).expect("filled");
    }

    fn value(&self, engine: &Engine) -> Value {
        engine.object(self.of).expect("there").attributes.get(self.attribute).clone()
    }

    /// The plan of the update, made while the object holds this much.
    async fn plan(&self, engine: &Engine, shown: u64) -> (Pipeline, Plan) {
        self.hold(engine, shown.into());
        let pipeline = engine.pipeline(&self.spec(self.after)).expect("a good spec");
        let (_, plan) = pipeline.look_and_plan(&Recorded::default(), &Options::default()).await.expect("planned");
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        let change = plan.change(&address(self.of)).expect("planned");
        assert_eq!(change.action.word(), "update", "{}", self.of);
        assert_eq!(change.risk(), if shown == 0 { Risk::Safe } else { Risk::Lossy }, "{}", self.of);
        (pipeline, plan)
    }
}

#[tokio::test]
async fn what_an_update_would_lose_is_weighed_at_the_moment_of_its_effect() {
    use Count::{AtLeast, Exactly, Unknown};
    for case in &CASES {
        for (shown, now, allowed, refused) in [
            (0, Exactly(1), false, true),
            // `--allow-loss` covers what the plan showed, and not what came later.
            (0, Exactly(1), true, true),
            (0, Unknown, true, true),
            (3, Exactly(4), true, case.exact),
            (3, AtLeast(3), true, case.exact),
            (3, Exactly(3), false, true),
            (3, Exactly(3), true, false),
            (3, Exactly(0), true, false),
            (0, Exactly(0), false, false),
        ] {
            let what = format!("{} {}: {shown}, then {now:?}, allowed: {allowed}", case.of, case.after);
            let engine = case.made().await;
            let before = case.value(&engine);
            let (pipeline, plan) = case.plan(&engine, shown).await;
            case.hold(&engine, now);
            let allow_loss = if allowed { &[case.of][..] } else { &[] };
            let report = engine.execute(&pipeline, plan, allow_loss).await;
            let errors: Vec<&str> = report.failed.iter().map(|step| step.error.as_str()).collect();
            if refused {
                assert!(
                    errors.len() == 1 && errors[0].starts_with("it would lose more than the plan showed"),
                    "{what}: {errors:?}"
                );
                assert!(errors[0].contains(&format!("--allow-loss {}", case.of)), "{what}: {errors:?}");
            } else {
                assert!(errors.is_empty(), "{what}: {errors:?}");
            }
            assert_eq!(case.value(&engine) == before, refused, "{what}");
        }
    }
}

/// Where the plan shows no loss, there is none: whatever comes up between the plan and its step.
#[tokio::test]
async fn a_step_that_the_plan_showed_without_a_loss_loses_nothing() {
    for case in &CASES {
        for (by, count, refused) in [
            ("an update", Count::Exactly(1), true),
            ("an update", Count::Unknown, true),
            ("an update", Count::Exactly(0), false),
            ("a creation", Count::Exactly(1), true),
            ("a creation", Count::Unknown, true),
            ("a creation", Count::Exactly(0), false),
        ] {
            let what = format!("{} {}: {count:?}, by {by}", case.of, case.after);
            let engine = case.made().await;
            let full = engine.object(case.of).expect("made");
            let protected = case.spec(&format!("{}\nprotect = true", case.after));
            if by == "an update" {
                engine.converge(&case.spec(case.after)).await;
            } else {
                // A listing that lags behind does not have it.
                engine.world().write(|world| world.remove(full.identity.as_str())).expect("removed");
            }
            let pipeline = engine.pipeline(&protected).expect("a good spec");
            let (_, plan) = pipeline.look_and_plan(&Recorded::default(), &Options::default()).await.expect("planned");
            let change = plan.change(&address(case.of)).expect("planned");
            assert_eq!(change.risk(), Risk::Safe, "{what}");
            // What it holds now would be lost, as somebody made it as it was before.
            let mut there = full.clone();
            there.usage.extend([(case.counter.into(), count)]);
            engine.world().write(|world| world.put(&there)).expect("put");
            let report = engine.execute(&pipeline, plan, &[case.of]).await;
            let errors: Vec<&str> = report.failed.iter().map(|step| step.error.as_str()).collect();
            if refused {
                assert!(
                    errors.len() == 1 && errors[0].contains("would lose what the plan did not show"),
                    "{what}: {errors:?}"
                );
            } else {
                assert!(errors.is_empty(), "{what}: {errors:?}");
            }
            let now = engine.object(case.of).expect("there");
            assert_eq!(now.attributes.get(case.attribute) == full.attributes.get(case.attribute), refused, "{what}");
        }
    }
}

/// What loses nothing at once, and may cost something later, is said and needs no flag.
#[tokio::test]
async fn what_loses_nothing_at_once_is_said() {
    let lifecycle = |rules: &str| format!("lifecycle = [{rules}]");
    let old = lifecycle("{ id = \"old\", prefix = \"x/\", expire_after = \"9d\" }");
    let copied = "versioning = true\nreplication = { to = \"bucket.copies@a\", role = \"role.r@a\" }";
    let others =
        "[bucket.copies]\nregions = [\"a\"]\nversioning = true\n[role.r]\nregions = [\"a\"]\ntrust = { aws = \"1\" }\n";
    for (before, after, risk) in [
        ("versioning = true", "", Some(Risk::Recoverable)),
        (copied, "versioning = true", Some(Risk::Recoverable)),
        (
            "encryption = \"kms\"\nkms_key = \"alias/a\"",
            "encryption = \"kms\"\nkms_key = \"alias/b\"",
            Some(Risk::Recoverable),
        ),
        ("encryption = \"kms\"", "", Some(Risk::Recoverable)),
        // With versioning an expired object is still there, as an old version.
        ("versioning = true", &*("versioning = true\n".to_owned() + &old), Some(Risk::Recoverable)),
        // Rules that match less, act later, or are gone lose nothing.
        (&*old, "", None),
        (&*old, &*lifecycle("{ id = \"old\", prefix = \"x/y/\", expire_after = \"9d\" }"), None),
        (&*old, &*lifecycle("{ id = \"new\", prefix = \"x/\", tags = { a = \"b\" }, expire_after = \"10d\" }"), None),
        (&*old, &*lifecycle("{ id = \"old\", enabled = false, expire_after = \"1d\" }"), None),
        ("", "versioning = true", None),
        ("", "encryption = \"kms\"", None),
    ] {
        let spec = |lines: &str| format!("{HEAD}{BUCKET}{lines}\n{others}");
        let engine = Engine::new();
        engine.converge(&spec(before)).await;
        let identity = engine.object("bucket.books@a").expect("made").identity;
        let fill = |object: &mut atlas::observed::Object| object.usage.extend([("objects".into(), Count::Exactly(3))]);
        engine.world().edit(&identity, fill).expect("filled");
        let pipeline = engine.pipeline(&spec(after)).expect("a good spec");
        let (_, plan) = pipeline.look_and_plan(&Recorded::default(), &Options::default()).await.expect("planned");
        // Nothing goes for good, so what came since does not matter.
        let more = |object: &mut atlas::observed::Object| object.usage.extend([("objects".into(), Count::AtLeast(4))]);
        engine.world().edit(&identity, more).expect("filled");
        let verdict = plan.change(&address("bucket.books@a")).expect("planned").verdict.clone();
        assert_eq!(verdict.map(|verdict| verdict.risk), risk, "{before} -> {after}");
        let report = engine.execute(&pipeline, plan, &[]).await;
        assert!(report.is_complete(), "{before} -> {after}: {:?}", report.failed);
    }
}
