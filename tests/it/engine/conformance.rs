//! One suite for the kinds of an engine: each attribute is made, changed and changed back, as the engine's own command line
//! sees it too; objects are replaced, deleted, adopted, protected and left alone. The cases come from the kinds' own
//! schema. What comes of it is a matrix of kind and attribute.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use atlas::kind::{self, Attribute, Kind};
use atlas::plan::{Action, Options};
use serde_json::Value;

use super::{Engine, RUNS, free_port, head, ownership};
use crate::attributes::{base, say, stages};
use crate::cloud::summary;
use crate::support::selector;

/// What this engine can't do, and why.
const LIMITS: &[(&str, &str, &str)] = &[
    ("network", "driver", "a machine without the kernel's module can't have networks of the driver macvlan"),
    ("network", "engine", "there is one engine"),
    ("volume", "engine", "there is one engine"),
    ("volume", "driver", "an engine brings one driver of volumes, `local`; others are plugins"),
    ("container", "engine", "there is one engine"),
    ("container", "privileged", "an engine in a container that may not do everything can't allow it to others"),
];

/// Examples for real containers, in place of those in the table: two values, and what has to stand beside them.
const EXAMPLES: &[(&str, &str, [&str; 2], &[&str])] = &[
    ("network", "name", ["\"conformance-one\"", "\"conformance-two\""], &[]),
    ("volume", "name", ["\"conformance-one\"", "\"conformance-two\""], &[]),
    ("container", "name", ["\"conformance-one\"", "\"conformance-two\""], &[]),
    ("container", "image", ["\"atlas-test/empty:1\"", "\"atlas-test/empty:2\""], &[]),
    (
        "container",
        "command",
        [
            "[\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; sleep 1d & wait\"]",
            "[\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; sleep 2d & wait\"]",
        ],
        &[],
    ),
    (
        "container",
        "entrypoint",
        ["[\"/bin/sh\", \"-c\"]", "[\"/usr/bin/env\", \"sh\", \"-c\"]"],
        &["command = [\"trap 'exit 0' TERM; sleep 1d & wait\"]"],
    ),
    ("container", "ports", ["[\"PORT1:80\"]", "[\"PORT2:80\", \"127.0.0.1:PORT1:53/udp\"]"], &[]),
    (
        "container",
        "binds",
        [
            "[\"/usr:/usr:ro\", \"/lib:/lib:ro\", \"/lib64:/lib64:ro\", \"/bin:/bin:ro\", \"/srv:/data:ro\"]",
            "[\"/usr:/usr:ro\", \"/lib:/lib:ro\", \"/lib64:/lib64:ro\", \"/bin:/bin:ro\", \"/srv:/data\"]",
        ],
        &[],
    ),
    (
        "container",
        "wait",
        ["\"healthy\"", "{ log = \"ready\" }"],
        &["health = { command = [\"true\"], interval = \"1s\" }"],
    ),
];

/// Attributes whose values an engine can't take from a container that exists.
const ONLY_LOWERED: [&str; 2] = ["memory_mib", "cpu_millis"];

/// What an object is told from others by: another one is another object, whatever the table says of a name that drifted.
const IDENTIFYING: [&str; 1] = ["name"];

/// What steers Atlas and leaves no trace on the object.
const UNSEEN: [&str; 3] = ["pull", "wait", "engine"];

#[tokio::test]
async fn networks_conform() {
    suite("network").await;
}

#[tokio::test]
async fn volumes_conform() {
    suite("volume").await;
}

#[tokio::test]
async fn containers_conform() {
    suite("container").await;
}

async fn suite(kind: &str) {
    let Some(engine) = Engine::here() else { return };
    let kind = kind::get(kind).expect("a kind");
    let mut cells: BTreeMap<String, Result<(), String>> = BTreeMap::new();
    for attribute in kind.attributes {
        let outcome = attribute_converges(&engine, kind, attribute).await;
        engine.clean(&project(kind)).await;
        cells.insert(attribute.name.to_owned(), outcome);
    }
    for case in ["(missing)", "(foreign)", "(orphan)", "(forgotten)", "(protected)"] {
        let outcome = match case {
            "(missing)" => ownership::missing_is_made_again(&engine, kind).await,
            "(foreign)" => ownership::foreign_is_left_alone_until_adopted(&engine, kind).await,
            "(orphan)" => ownership::orphan_is_removed(&engine, kind).await,
            "(forgotten)" => ownership::forgotten_stays(&engine, kind).await,
            _ => ownership::protected_stays(&engine, kind).await,
        };
        cells.insert(case.to_owned(), outcome);
        engine.clean(&project(kind)).await;
        // What failed half-way may have left an object that is nobody's.
        let _ = ownership::unmake(&engine, kind, &project(kind));
    }
    let mut failed = Vec::new();
    for (attribute, outcome) in &cells {
        let limit = LIMITS.iter().find(|(k, a, _)| (*k, *a) == (kind.name, attribute));
        let word = match (outcome, limit) {
            (Ok(()), None) => "ok".to_owned(),
            (Ok(()), Some(_)) => "ok, although listed as a limit".to_owned(),
            (Err(_), Some((.., why))) => format!("not on this engine: {why}"),
            (Err(why), None) => format!("FAILED: {why}"),
        };
        println!("{:10} {attribute:14} {word}", kind.name);
        if outcome.is_err() && limit.is_none() {
            failed.push(format!("{}.{attribute}: {word}", kind.name));
        }
    }
    assert!(failed.is_empty(), "{} of {} cells\n{}", failed.len(), cells.len(), failed.join("\n"));
}

pub fn project(kind: &Kind) -> String {
    format!("conformance-{}", kind.name)
}

pub fn subject(kind: &Kind) -> String {
    format!("{}.subject", kind.name)
}

/// A spec whose subject says these lines, with what they refer to.
pub fn spec(kind: &Kind, lines: Option<&BTreeMap<String, String>>) -> String {
    let mut text = head(&project(kind));
    let all: String = lines.into_iter().flatten().map(|(name, value)| format!("{name} = {value}\n")).collect();
    for (address, name) in [("volume.data", "conformance-data"), ("network.shared", "conformance-shared")] {
        if all.contains(address) {
            let _ = writeln!(text, "[{address}]\nname = \"{name}\"\n");
        }
    }
    if lines.is_some() {
        let _ = writeln!(text, "[{}.subject]\n{all}", kind.name);
    }
    text
}

/// The least that a good block says here.
pub fn plain(kind: &Kind) -> BTreeMap<String, String> {
    let mut lines = base(kind);
    if kind.name == "container" {
        lines.extend(RUNS.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    named(lines, &project(kind))
}

fn named(mut lines: BTreeMap<String, String>, name: &str) -> BTreeMap<String, String> {
    lines.entry("name".to_owned()).or_insert_with(|| format!("\"{name}\""));
    lines
}

pub fn name_of(lines: &BTreeMap<String, String>) -> String {
    lines["name"].trim_matches('"').to_owned()
}

/// The specs that an attribute's test goes through: those of its table, of containers that can run here.
fn stages_here(kind: &Kind, attribute: &Attribute) -> Vec<BTreeMap<String, String>> {
    let plain = plain(kind);
    let own = EXAMPLES.iter().find(|(k, a, ..)| (*k, *a) == (kind.name, attribute.name));
    let Some((.., examples, beside)) = own else {
        let all = stages(kind, attribute).into_iter().map(|lines| {
            let more = lines.into_iter().filter(|(name, _)| name != "image");
            plain.clone().into_iter().chain(more).collect()
        });
        return all.collect();
    };
    let ports = [free_port().to_string(), free_port().to_string()];
    let with = |example: &&str| {
        let mut lines = plain.clone();
        beside.iter().for_each(|line| say(&mut lines, line));
        let example = example.replace("PORT1", &ports[0]).replace("PORT2", &ports[1]);
        lines.insert(attribute.name.to_owned(), example);
        lines
    };
    [plain.clone()].into_iter().chain(examples.iter().map(with)).chain([plain.clone()]).collect()
}

async fn attribute_converges(engine: &Engine, kind: &'static Kind, attribute: &Attribute) -> Result<(), String> {
    let stages = stages_here(kind, attribute);
    let mut before = String::new();
    for (at, lines) in stages.iter().enumerate() {
        let told = |error: String| format!("stage {at}: {error}");
        let spec = spec(kind, Some(lines));
        let mut options = Options::default();
        if at + 1 == stages.len() && ONLY_LOWERED.contains(&attribute.name) {
            lifting_needs_a_new_one(engine, kind, &spec).await.map_err(told)?;
            options.replace.push(selector(&subject(kind)));
        }
        let (plan, _) = engine.converge(&spec, &options, &[&subject(kind)]).await.map_err(told)?;
        let seen = engine.inspect(kind.name, &name_of(lines));
        seen_by_others(engine, kind, attribute, &seen, &spec).map_err(told)?;
        let id = seen["Id"].as_str().unwrap_or_default().to_owned();
        let change = plan.changes.iter().find(|change| change.address.to_string() == subject(kind));
        let replaced = change.is_some_and(|change| matches!(change.action, Action::Replace(_)));
        let beside_replaces = kind.attributes.iter().any(|other| {
            other.replaces
                && other.name != attribute.name
                && at > 0
                && lines.get(other.name) != stages[at - 1].get(other.name)
        });
        let differs = at > 0 && change.is_some();
        let wanted = differs
            && (attribute.replaces
                || IDENTIFYING.contains(&attribute.name)
                || beside_replaces
                || !options.replace.is_empty());
        if replaced != wanted {
            return Err(told(format!("replaced: {replaced}, as the table says: {wanted}; {}", summary(&plan))));
        }
        if at > 0 && kind.name != "volume" && (id != before) != replaced {
            return Err(told(format!("planned a replacement: {replaced}; was {before}, is {id}")));
        }
        before = id;
    }
    Ok(())
}

/// An engine can't lift a limit from a container that exists, and Atlas says so before it asks for a new one.
async fn lifting_needs_a_new_one(engine: &Engine, kind: &Kind, spec: &str) -> Result<(), String> {
    match engine.converge(spec, &Options::default(), &[&subject(kind)]).await {
        Err(error) if error.contains("can't lift a limit") && error.contains("--replace") => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err("the limit was lifted".into()),
    }
}

/// The engine's command line has to see the attribute as the spec says it.
fn seen_by_others(
    engine: &Engine,
    kind: &'static Kind,
    attribute: &Attribute,
    seen: &Value,
    spec: &str,
) -> Result<(), String> {
    let pipeline = engine.pipeline(spec);
    let instance = pipeline.desired.instances().iter().find(|one| one.address.to_string() == subject(kind));
    let wanted = instance.expect("the subject").attributes.get(attribute.name).to_json();
    if seen.is_null() {
        return Err("it is not there".into());
    }
    if kind.name == "container" && seen["State"]["Running"] != true {
        return Err(format!("it does not run: {}", seen["State"]));
    }
    if UNSEEN.contains(&attribute.name) {
        return Ok(());
    }
    let now = super::containers::attribute_of(kind, attribute.name, seen, &wanted);
    if now == wanted { Ok(()) } else { Err(format!("docker inspect says {now}, not {wanted}")) }
}
