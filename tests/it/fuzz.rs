//! No bytes make it panic: the parser, the reference resolver and the reader of saved plans, with generated input.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test it fuzz` digs deeper.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use atlas::address::Address;
use atlas::desired::Desired;
use atlas::diagnostic::SourceText;
use atlas::graph::DependencyGraph;
use atlas::kind;
use atlas::observed::Observed;
use atlas::plan::{Change, Options, Plan, SavedPlan};
use atlas::recorded::Recorded;
use atlas::spec::{Inputs, compile, read_value};
use proptest::prelude::*;
use serde_json::json;

/// A good spec, to be damaged.
const GOOD: &str = include_str!("../../atlas.toml");

/// Compiles, and looks at every diagnostic as the program would: a span has to point into the text.
fn compiles(text: &str) {
    let (_, diagnostics) = compile(text, &Inputs::default());
    let source = SourceText { name: "fuzz", text };
    let _ = source.to_json(&diagnostics);
    for span in diagnostics.iter().filter_map(|diagnostic| diagnostic.span) {
        assert!(text.get(span.range()).is_some(), "{span:?} does not point into the text");
    }
}

/// Pieces that specs are made of, and some that they are not.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[project]\nname = \"t\"\n",
        "[region.a]\n",
        "[bucket.b]\n",
        "[queue.\"q\"]\n",
        "[[role.r.allow]]\n",
        "regions = [\"a\"]\n",
        "name = \"",
        "\"\n",
        "${",
        "}",
        "${region}",
        "${bucket.b.arn}",
        "${queue.q@a.url}",
        "$${",
        "'''",
        "\"\"\"",
        "\\u00e9",
        "\\",
        "\n",
        " = ",
        "{ ",
        " }",
        "[",
        "]",
        ".",
        ",",
        "@",
        "/",
        "30s",
        "trust_policy = '{\"Statement\":",
        "document = \"{",
        "depends_on = [\"bucket.b\", \"database.d/table/t\"]\n",
        "[database.d.table.t]\n",
        "[environment.default]\nworld = \"sandbox\"\n",
        "[environment.default.bucket.c]\nnew = true\n",
        "new = 1\n",
        "tags = { \"atlas:x\" = \"y\" }\n",
        "[var.v]\ndefault = 1\n",
        "${var.v}",
        "é",
        "\u{202e}",
        "\0",
        "\r\n",
        "nan",
        "inf",
        "-0",
        "0x",
        "1979-05-27T07:32:00Z",
        "9223372036854775808",
    ];
    prop_oneof![8 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

/// Addresses, and texts that are none.
fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec!["region.a", "bucket.b@a", "queue.q@a", "queue.gone@a"]).prop_map(str::to_owned),
        1 => "[a-z.@/]{0,6}",
    ]
}

/// A small spec with its plan from nothing.
static PLANNED: LazyLock<(Desired, DependencyGraph, Plan)> = LazyLock::new(|| {
    let text = "[project]\nname = \"t\"\nenvironment = \"e\"\n[environment.e]\nworld = \"sandbox\"\n[region.a]\n[bucket.b]\nregions = [\"a\"]\nname = \"bbb\"\n\
        [queue.q]\nregions = [\"a\"]\ntags = { to = \"${bucket.b.arn}\" }\n";
    let desired = compile(text, &Inputs::default()).0.expect("a good spec");
    let graph = atlas::graph::build(&desired).expect("no circle");
    let plan = atlas::plan::plan(&desired, &graph, &Recorded::default(), &Observed::default(), &Options::default());
    (desired, graph, plan)
});

/// A saved plan whose checksum is right, as a forger would write it.
fn forged(project: &str, lists: &[Vec<String>], changes: &BTreeMap<String, serde_json::Value>) -> String {
    let mut plan = json!({
        "atlas_plan": 1, "project": project, "environment": "e", "fingerprint": "f",
        "options": { "destroy": false, "targets": lists[0], "excludes": lists[1], "replace": lists[2], "adopt": lists[3] },
        "changes": changes, "checksum": "",
    });
    plan["checksum"] = atlas::value::long_hash(plan.to_string().as_bytes()).into();
    plan.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_compiles_or_is_refused(text in any::<String>()) {
        compiles(&text);
    }

    #[test]
    fn pieces_of_specs_compile_or_are_refused(pieces in proptest::collection::vec(piece(), 0..40)) {
        compiles(&format!("[project]\nname = \"t\"\n{}", pieces.concat()));
        compiles(&pieces.concat());
    }

    #[test]
    fn a_damaged_spec_compiles_or_is_refused(at in 0..GOOD.len(), length in 0_usize..40, with in piece()) {
        let (mut start, mut end) = (at, (at + length).min(GOOD.len()));
        while !GOOD.is_char_boundary(start) {
            start -= 1;
        }
        while !GOOD.is_char_boundary(end) {
            end += 1;
        }
        compiles(&format!("{}{with}{}", &GOOD[..start], &GOOD[end..]));
    }

    #[test]
    fn any_reference_resolves_or_is_refused(hole in "[a-z.@/$\\{\\}\\- ]{0,30}") {
        let head = "[project]\nname = \"t\"\n[region.a]\n[bucket.b]\nregions = [\"a\"]\n";
        compiles(&format!("{head}tags = {{ x = \"${{{hole}}}\" }}\n"));
        compiles(&format!("{head}depends_on = [\"{hole}\"]\n"));
    }

    #[test]
    fn any_bytes_are_a_saved_plan_or_are_refused(text in any::<String>(), cut in 0_usize..400, with in "\\PC{0,5}") {
        let _ = SavedPlan::from_text(&text);
        let good = concat!(
            r#"{"atlas_plan":1,"project":"t","environment":"e","fingerprint":"f","options":{"destroy":false,"#,
            r#""targets":["bucket.b"],"excludes":[],"replace":[],"adopt":[]},"#,
            r#""changes":{"bucket.b":{"action":"create","fingerprint":"f"}},"checksum":"c"}"#
        );
        let cut = cut.min(good.len());
        let _ = SavedPlan::from_text(&format!("{}{with}{}", &good[..cut], &good[cut..]));
        let _ = SavedPlan::from_text(&good[..cut]);
    }

    #[test]
    fn a_forged_plan_approves_nothing_that_is_not_planned(
        project in "(t|.{0,3})",
        lists in proptest::collection::vec(proptest::collection::vec(address(), 0..3), 4),
        changes in proptest::collection::btree_map(address(), ("(create|delete|.{0,3})", any::<bool>(), ".{0,3}"), 0..4),
    ) {
        let (desired, graph, now) = &*PLANNED;
        let planned = |address: &str| now.changes.iter().find(|one| one.address.as_str() == address);
        let real = |address: &str, made: bool, text: String| match planned(address) {
            Some(change) if made => change.fingerprint(),
            _ => text,
        };
        let changes: BTreeMap<String, serde_json::Value> = changes
            .into_iter()
            .map(|(address, (action, made, text))| {
                let fingerprint = real(&address, made, text);
                (address, json!({ "action": action, "fingerprint": fingerprint, "place": "" }))
            })
            .collect();
        let text = forged(&project, &lists, &changes);
        let Ok(saved) = SavedPlan::from_text(&text) else {
            let sound = |text: &String| Address::parse(text).is_ok();
            prop_assert!(!lists.iter().flatten().all(sound), "refused without a reason: {text}");
            return Ok(());
        };
        prop_assert!(SavedPlan::from_text(&saved.to_text()).is_ok(), "it is not what it was read from: {text}");
        prop_assert_eq!(saved.belongs_to(&desired.project, &desired.environment).is_ok(), project == desired.project);
        let options = saved.options();
        prop_assert_eq!((options.targets.len(), options.adopt.len()), (lists[0].len(), lists[3].len()));
        let approval = saved.approve(now, graph);
        for address in &approval.approved {
            let planned = now.change(address).map(Change::fingerprint);
            prop_assert_eq!(planned.as_deref(), changes[address.as_str()]["fingerprint"].as_str());
        }
    }

    #[test]
    fn any_value_of_any_type_is_read_or_refused(text in any::<String>()) {
        for attribute in kind::ALL.iter().flat_map(|kind| &*kind.attributes) {
            if let Ok(value) = read_value(&attribute.ty, &text) {
                let _ = kind::normal(&attribute.ty, value);
            }
        }
        let _ = Address::parse(&text);
    }
}
