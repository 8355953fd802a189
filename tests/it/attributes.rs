//! Every attribute of every kind, changed one at a time, converges; so does drift of every attribute. The cases come
//! from the kinds' own schema.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use atlas::kind::{self, Attribute, COMMON, Kind, Places};
use atlas::plan::{Action, Cause};

use crate::support::{Engine, address};

/// What the examples of all kinds refer to.
const SURROUNDINGS: &str = r#"
[project]
name = "t"
[region.us-east-1]
[region.eu-central-1]
[region.us-west-2]
[region.eu-west-1]
[queue.dead]
regions = ["us-east-1"]
[queue.dead-2]
regions = ["us-east-1"]
[policy.read]
regions = ["us-east-1"]
allow = [{ actions = ["s3:GetObject"], resources = ["*"] }]
[role.replicate]
regions = ["us-east-1"]
trust = { service = "s3.amazonaws.com" }
[role.replicate-2]
regions = ["us-east-1"]
trust = { service = "s3.amazonaws.com" }
[bucket.replica]
regions = ["eu-central-1"]
versioning = true
[bucket.access]
regions = ["us-east-1"]
[queue.orders]
regions = ["us-east-1"]
name = "the-orders"
[cluster.dc-us]
region = "us-east-1"
[cluster.dc-eu]
region = "eu-central-1"
[app.cockroachdb]
clusters = ["dc-us"]
chart = "charts/cockroachdb"
[app.cockroachdb-2]
clusters = ["dc-us"]
chart = "charts/cockroachdb"
[app.ledger]
clusters = ["dc-us", "dc-eu"]
chart = "charts/ledger"
name = "the-ledger"
[database.parent]
regions = ["us-east-1", "eu-central-1", "us-west-2"]
[check.ledger-us]
target = "app.ledger@dc-us"
[check.ledger-eu]
target = "app.ledger@dc-eu"
[queue.transactions]
regions = ["us-east-1"]
[network.shared]
[network.more]
[volume.data]
[volume.more]
"#;

/// A spec in which the subject of a test says these lines.
fn spec(kind: &Kind, lines: &BTreeMap<String, String>) -> String {
    let header = match kind.places {
        Places::Inside(parent) => format!("{parent}.parent.{}.subject", kind.name),
        _ => format!("{}.subject", kind.name),
    };
    let mut text = format!("{SURROUNDINGS}\n[{header}]\n");
    for (name, value) in lines {
        let _ = writeln!(text, "{name} = {value}");
    }
    text
}

fn subject(kind: &Kind) -> String {
    match kind.places {
        Places::One => format!("{}.subject", kind.name),
        Places::Regions => format!("{}.subject@us-east-1", kind.name),
        Places::Clusters => format!("{}.subject@dc-us", kind.name),
        Places::Inside(parent) => format!("{parent}.parent/{}/subject", kind.name),
    }
}

/// The least that a good block of a kind says.
pub fn base(kind: &Kind) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    match kind.places {
        Places::Regions => drop(lines.insert("regions".to_owned(), "[\"us-east-1\"]".to_owned())),
        Places::Clusters => drop(lines.insert("clusters".to_owned(), "[\"dc-us\"]".to_owned())),
        Places::One | Places::Inside(_) => {}
    }
    kind.example.iter().for_each(|line| say(&mut lines, line));
    lines
}

pub fn say(lines: &mut BTreeMap<String, String>, line: &str) {
    match line.strip_prefix('!') {
        Some(name) => drop(lines.remove(name)),
        None => {
            let (name, value) = line.split_once(" = ").expect("an example line is NAME = VALUE");
            lines.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// The specs that an attribute's test goes through, one after the other.
pub fn stages(kind: &Kind, attribute: &Attribute) -> Vec<BTreeMap<String, String>> {
    let plain = base(kind);
    let mut stages = vec![plain.clone()];
    for example in attribute.examples {
        let mut lines = plain.clone();
        attribute.beside.iter().for_each(|line| say(&mut lines, line));
        // `ignore` names an attribute of the kind itself, which an example for all kinds can't.
        let example = match attribute.name {
            "ignore" if *example != "[]" => {
                let other = kind.attributes.iter().find(|one| !["name", "namespace"].contains(&one.name));
                format!("[\"{}\"]", other.expect("an attribute").name)
            }
            "renamed_from" => example.replace("bucket.", &format!("{}.", kind.name)),
            _ => (*example).to_owned(),
        };
        lines.insert(attribute.name.to_owned(), example);
        stages.push(lines);
    }
    stages.push(plain);
    stages
}

#[tokio::test]
async fn changing_any_attribute_converges() {
    let mut changes = 0;
    for kind in kind::ALL {
        for attribute in kind::attributes_of(kind) {
            let engine = Engine::new();
            let mut applied = 0;
            for lines in stages(kind, attribute) {
                let report = engine.converge(&spec(kind, &lines)).await;
                applied += usize::from(!report.done.is_empty());
            }
            // The surroundings are made first; whatever the object has in the world must then change at least once.
            let steering = ["ignore", "timeout", "renamed_from"].contains(&attribute.name);
            let given = attribute.examples.len() == 1 && Some(attribute.examples[0]) == attribute.default;
            if kind.object && !steering && !given {
                assert!(applied >= 2, "{}.{} changed nothing", kind.name, attribute.name);
            }
            changes += applied;
        }
    }
    println!("{changes} applies converged");
    assert!(changes > 250, "{changes}");
}

#[tokio::test]
async fn drift_of_any_attribute_is_seen_and_healed() {
    let mut healed = 0;
    for kind in kind::ALL.iter().filter(|kind| kind.object) {
        for attribute in kind.attributes {
            let stages = stages(kind, attribute);
            let [before, other] = [&stages[1], stages.get(2).unwrap_or(&stages[0])];
            // What the other example makes of the attribute is what somebody sets it to behind Atlas's back.
            let source = Engine::new();
            source.converge(&spec(kind, other)).await;
            let value = source.object(&subject(kind)).expect("made").attributes.get(attribute.name).clone();
            let engine = Engine::new();
            let spec = spec(kind, before);
            engine.converge(&spec).await;
            let object = engine.object(&subject(kind)).expect("made");
            if object.attributes.get(attribute.name) == &value {
                continue;
            }
            engine
                .world()
                .edit(&object.identity, |object| object.attributes.set(attribute.name, value.clone()))
                .expect("edited");
            let plan = engine.plan(&spec).await;
            let change = plan.change(&address(&subject(kind))).unwrap_or_else(|| {
                panic!("drift of {}.{} is not seen", kind.name, attribute.name);
            });
            assert_eq!(change.cause, Cause::Drift, "{}.{}", kind.name, attribute.name);
            assert!(change.attributes.iter().all(|one| one.drifted && one.path.starts_with(attribute.name)));
            if attribute.replaces {
                assert!(matches!(change.action, Action::Replace(_)), "{}.{}", kind.name, attribute.name);
            }
            engine.apply_with(&spec, &atlas::plan::Options::default(), &[&subject(kind)]).await;
            assert!(engine.plan(&spec).await.is_empty(), "{}.{} did not heal", kind.name, attribute.name);
            healed += 1;
        }
    }
    println!("{healed} attributes healed");
    assert!(healed > 50, "{healed}");
}

#[test]
fn every_attribute_has_examples_other_than_its_default() {
    let lists = kind::ALL.iter().map(|kind| (kind.name, kind.attributes)).chain([("common", COMMON)]);
    for (kind, attributes) in lists {
        for attribute in attributes {
            let other = attribute.examples.iter().any(|example| Some(*example) != attribute.default);
            assert!(other, "{kind}.{}", attribute.name);
            assert!(attribute.doc.ends_with('.'), "{kind}.{}: {}", attribute.name, attribute.doc);
        }
    }
}

#[test]
fn defaults_are_written_in_normal_form() {
    for attribute in kind::ALL.iter().flat_map(|kind| kind.attributes).chain(COMMON) {
        if let Some(default) = attribute.default {
            let value = kind::literal(default);
            assert!(!value.is_null(), "{}: {default}", attribute.name);
            assert_eq!(kind::normal(&attribute.ty, value.clone()), value, "{}", attribute.name);
        }
    }
}
