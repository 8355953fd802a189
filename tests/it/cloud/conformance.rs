//! One suite for every server: each attribute of each kind is made, changed, changed back, drifts behind Atlas's back and
//! is healed; objects are replaced, deleted, adopted and left alone. The cases come from the kinds' own schema. What comes
//! of it is a matrix of kind, attribute and server.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use atlas::kind::{self, Attribute, Kind};
use atlas::plan::{Action, Cause, Options};
use serde_json::{Value, json};

use super::{Cloud, summary};
use crate::attributes::{base, stages};
use crate::support::{actions, selector};

/// What the examples refer to, each declared where it is needed only.
const SURROUNDINGS: [(&str, &str); 7] = [
    ("queue.dead", "regions = [\"us-east-1\"]\n"),
    ("queue.dead-2", "regions = [\"us-east-1\"]\n"),
    ("queue.orders", "regions = [\"us-east-1\"]\n"),
    (
        "policy.read",
        "regions = [\"us-east-1\"]\nallow = [{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::x/*\"] }]\n",
    ),
    ("role.replicate", "regions = [\"us-east-1\"]\ntrust = { service = \"s3.amazonaws.com\" }\n"),
    ("bucket.replica", "regions = [\"eu-central-1\"]\nname = \"conformance-replica\"\nversioning = true\n"),
    // The logging service has to be allowed to write there:
    // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>.
    (
        "bucket.access",
        r#"regions = ["us-east-1"]
name = "conformance-access"
force_empty = true
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::conformance-access/*"}]}'
"#,
    ),
];

/// Cells that a server can't do, and why.
const LIMITS: &[(&str, &str, &str, &str)] = &[
    ("moto", "bucket", "replication", "moto 5.2 forgets the filter of a replication rule"),
    ("moto", "queue", "redrive_allow", "moto 5.2 knows no RedriveAllowPolicy"),
];

/// Attributes that nobody can change on an object that is there, so that they can't drift: a change replaces it.
const FIXED: [&str; 4] = ["name", "fifo", "path", "description"];

const SUBJECT: &str = "us-east-1-conformance";

#[tokio::test]
async fn localstack_conforms() {
    if let Some(cloud) = Cloud::localstack() {
        suite(&cloud).await;
    }
}

#[tokio::test]
async fn moto_conforms() {
    if let Some(cloud) = Cloud::moto() {
        suite(&cloud).await;
    }
}

async fn suite(cloud: &Cloud) {
    let mut cells: BTreeMap<(String, String), Result<(), String>> = BTreeMap::new();
    for kind in ["bucket", "queue", "policy", "role"].map(|name| kind::get(name).expect("a kind")) {
        for attribute in kind.attributes {
            let outcome = attribute_converges(cloud, kind, attribute).await;
            clean(cloud).await;
            cells.insert((kind.name.to_owned(), attribute.name.to_owned()), outcome);
        }
        for case in ["(missing)", "(foreign)", "(orphan)", "(forgotten)"] {
            let outcome = match case {
                "(missing)" => missing_is_made_again(cloud, kind).await,
                "(foreign)" => foreign_is_left_alone_until_adopted(cloud, kind).await,
                "(orphan)" => orphan_is_removed(cloud, kind).await,
                _ => forgotten_stays(cloud, kind).await,
            };
            cells.insert((kind.name.to_owned(), case.to_owned()), outcome);
            clean(cloud).await;
        }
    }
    let mut failed = Vec::new();
    for ((kind, attribute), outcome) in &cells {
        let limit = LIMITS.iter().find(|(server, k, a, _)| (*server, *k, *a) == (cloud.name, kind, attribute));
        let word = match (outcome, limit) {
            (Ok(()), None) => "ok".to_owned(),
            (Ok(()), Some(_)) => "ok, although listed as a limit".to_owned(),
            (Err(_), Some((.., why))) => format!("not on this server: {why}"),
            (Err(why), None) => format!("FAILED: {why}"),
        };
        println!("{:12} {kind:8} {attribute:22} {word}", cloud.name);
        if outcome.is_err() && limit.is_none() {
            failed.push(format!("{kind}.{attribute}: {word}"));
        }
    }
    assert!(failed.is_empty(), "{} of {} cells\n{}", failed.len(), cells.len(), failed.join("\n"));
}

/// A spec whose subject says these lines, with what they refer to.
fn spec(cloud: &Cloud, kind: &Kind, lines: Option<&BTreeMap<String, String>>) -> String {
    let mut text = cloud.head(&format!("conformance-{}", cloud.name));
    let all: String = lines.into_iter().flatten().map(|(name, value)| format!("{name} = {value}\n")).collect();
    let mentions = |address: &str| {
        all.match_indices(address)
            .any(|(at, _)| !all[at + address.len()..].starts_with(|c: char| c == '-' || c.is_alphanumeric()))
    };
    for (address, block) in SURROUNDINGS.iter().filter(|(address, _)| mentions(address)) {
        let _ = writeln!(text, "[{address}]\n{block}");
    }
    if lines.is_some() {
        let _ = writeln!(text, "[{}.subject]\n{all}", kind.name);
    }
    // Each region of LocalStack is a process of its own, which can't see the other's buckets, so there a bucket is
    // replicated to one of its own region.
    if cloud.name == "localstack" {
        text = text
            .replace("bucket.replica@eu-central-1", "bucket.replica@us-east-1")
            .replace("[bucket.replica]\nregions = [\"eu-central-1\"]", "[bucket.replica]\nregions = [\"us-east-1\"]");
    }
    text
}

/// The lines of the subject, under a name that no other test uses.
fn named(mut lines: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let fifo = lines.get("fifo").is_some_and(|value| value == "true");
    let own = lines.get("name").is_none_or(|name| name.contains("${region}") || name == "\"orders.fifo\"");
    if own {
        lines.insert("name".into(), format!("\"{SUBJECT}{}\"", if fifo { ".fifo" } else { "" }));
    }
    lines
}

/// The name that the subject has, as the spec says it.
fn name_of(lines: &BTreeMap<String, String>) -> String {
    lines["name"].trim_matches('"').to_owned()
}

fn subject(kind: &Kind) -> String {
    format!("{}.subject@us-east-1", kind.name)
}

/// Takes everything of this suite away.
async fn clean(cloud: &Cloud) {
    let spec = cloud.head(&format!("conformance-{}", cloud.name));
    let options = Options { destroy: true, ..Options::default() };
    let (pipeline, plan) = Cloud::plan(&spec, &options).await;
    let all: Vec<String> = plan.changes.iter().map(|change| change.address.to_string()).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let report = crate::support::execute(&pipeline, plan, &all).await;
    assert!(report.is_complete(), "{:?}", report.failed);
}

async fn attribute_converges(cloud: &Cloud, kind: &'static Kind, attribute: &Attribute) -> Result<(), String> {
    let stages: Vec<_> = stages(kind, attribute).into_iter().map(named).collect();
    let loss = [subject(kind), "bucket.access@us-east-1".to_owned()];
    let loss: Vec<&str> = loss.iter().map(String::as_str).collect();
    for (at, lines) in stages.iter().enumerate() {
        let spec = spec(cloud, kind, Some(lines));
        Cloud::converge(&spec, &Options::default(), &loss).await.map_err(|error| format!("stage {at}: {error}"))?;
        seen_by_others(cloud, kind, attribute, lines, &spec).map_err(|error| format!("stage {at}: {error}"))?;
    }
    if FIXED.contains(&attribute.name) && (attribute.replaces || kind.name == "policy") {
        return Ok(());
    }
    drift_heals(cloud, kind, attribute, &stages).await
}

/// The other client has to see the attribute as the spec says it.
fn seen_by_others(
    cloud: &Cloud,
    kind: &'static Kind,
    attribute: &Attribute,
    lines: &BTreeMap<String, String>,
    spec: &str,
) -> Result<(), String> {
    let seen = cloud.describe("us-east-1", kind.name, &name_of(lines));
    let pipeline = Cloud::pipeline(spec);
    let instance = pipeline.desired.instances().iter().find(|one| one.address.to_string() == subject(kind));
    let wanted = instance.expect("the subject").attributes.get(attribute.name).to_json();
    let now = &seen[attribute.name];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let same = match attribute.name {
        "force_empty" | "tags_exclusive" => {
            let key = format!("atlas:{}", attribute.name.replace('_', "-"));
            json!(seen["tags"][&key] == "true") == wanted
        }
        "tags" => wanted.as_object().is_none_or(|tags| tags.iter().all(|(key, value)| &now[key] == value)),
        "trust" if !wanted.is_null() => {
            let principals = now.as_object().map(|all| all.values().map(text).collect::<Vec<_>>()).unwrap_or_default();
            wanted
                .as_object()
                .is_some_and(|all| all.values().all(|one| principals.iter().any(|p| p.contains(&text(one)))))
        }
        "trust_policy" | "document" | "policy" => {
            wanted.is_null() || !now.is_null() || !seen["allow"].is_null() || !seen["trust"].is_null()
        }
        "dead_letter" if !wanted.is_null() => {
            now[1] == wanted["max_receives"] && text(&wanted["queue"]).contains(&text(&now[0]))
        }
        "redrive_allow" if !wanted.is_null() => *now == wanted["from"],
        "policies" if !wanted.is_null() => now[0] == "read",
        "replication" if !wanted.is_null() => now == "conformance-replica",
        "logging" if !wanted.is_null() => now[1] == wanted["prefix"],
        _ => *now == wanted,
    };
    if same { Ok(()) } else { Err(format!("the other client sees {now}, not {wanted}")) }
}

/// Somebody else sets the attribute to what its other example makes of it: the plan says so, and the next apply heals it.
async fn drift_heals(
    cloud: &Cloud,
    kind: &'static Kind,
    attribute: &Attribute,
    stages: &[BTreeMap<String, String>],
) -> Result<(), String> {
    let other = spec(cloud, kind, Some(stages.get(2).unwrap_or(&stages[0])));
    let pipeline = Cloud::pipeline(&other);
    let instance = pipeline.desired.instances().iter().find(|one| one.address.to_string() == subject(kind));
    let value = instance.expect("the subject").attributes.get(attribute.name).to_json();
    let lines = &stages[1];
    let spec = spec(cloud, kind, Some(lines));
    Cloud::converge(&spec, &Options::default(), &[]).await?;
    let done = cloud.ask("us-east-1", "meddle", json!([kind.name, name_of(lines), attribute.name, value]))?;
    if done == json!(false) {
        return Err(format!("the other client does not know how to change {}", attribute.name));
    }
    let (_, plan) = Cloud::plan(&spec, &Options::default()).await;
    let change = plan.changes.iter().find(|change| change.address.to_string() == subject(kind));
    let change = change.ok_or_else(|| format!("drift to {value} is not seen"))?;
    if change.cause != Cause::Drift {
        return Err(format!("drift is taken for {:?}: {}", change.cause, summary(&plan)));
    }
    Cloud::converge(&spec, &Options::default(), &[&subject(kind)])
        .await
        .map(drop)
        .map_err(|error| format!("healing: {error}"))
}

async fn missing_is_made_again(cloud: &Cloud, kind: &'static Kind) -> Result<(), String> {
    let lines = named(base(kind));
    let spec = spec(cloud, kind, Some(&lines));
    Cloud::converge(&spec, &Options::default(), &[]).await?;
    cloud.ask("us-east-1", "unmake", json!([kind.name, name_of(&lines)]))?;
    let (_, plan) = Cloud::plan(&spec, &Options::default()).await;
    expect(&actions(&plan), &[(&subject(kind), "create")])?;
    Cloud::converge(&spec, &Options::default(), &[]).await.map(drop)
}

async fn foreign_is_left_alone_until_adopted(cloud: &Cloud, kind: &'static Kind) -> Result<(), String> {
    // A name that was never Atlas's: both servers give a new bucket the tags of a deleted one with the same name.
    let mut lines = named(base(kind));
    lines.insert("name".into(), format!("\"{SUBJECT}-foreign\""));
    let name = name_of(&lines);
    let spec = spec(cloud, kind, Some(&lines));
    cloud.ask("us-east-1", "make", json!([kind.name, name]))?;
    let before = cloud.describe("us-east-1", kind.name, &name);
    let (pipeline, plan) = Cloud::plan(&spec, &Options::default()).await;
    expect(&actions(&plan), &[(&subject(kind), "blocked")])?;
    crate::support::execute(&pipeline, plan, &[]).await;
    if cloud.describe("us-east-1", kind.name, &name) != before {
        return Err("somebody else's object was touched".into());
    }
    let options = Options { adopt: vec![selector(&subject(kind))], ..Options::default() };
    Cloud::converge(&spec, &options, &[]).await.map(drop)
}

async fn orphan_is_removed(cloud: &Cloud, kind: &'static Kind) -> Result<(), String> {
    let lines = named(base(kind));
    Cloud::converge(&spec(cloud, kind, Some(&lines)), &Options::default(), &[]).await?;
    // No records are kept here: what tells that the object is ours is its mark alone.
    let without = spec(cloud, kind, None);
    let (_, plan) = Cloud::plan(&without, &Options::default()).await;
    expect(&actions(&plan), &[(&subject(kind), Action::Delete.word())])?;
    Cloud::converge(&without, &Options::default(), &[]).await?;
    match cloud.describe("us-east-1", kind.name, &name_of(&lines)) {
        Value::Null => Ok(()),
        left => Err(format!("still there: {left}")),
    }
}

async fn forgotten_stays(cloud: &Cloud, kind: &'static Kind) -> Result<(), String> {
    let mut lines = named(base(kind));
    lines.insert("on_remove".into(), "\"forget\"".into());
    Cloud::converge(&spec(cloud, kind, Some(&lines)), &Options::default(), &[]).await?;
    Cloud::converge(&spec(cloud, kind, None), &Options::default(), &[]).await?;
    let left = cloud.describe("us-east-1", kind.name, &name_of(&lines));
    let marked = left["tags"].as_object().is_some_and(|tags| tags.keys().any(|key| key.starts_with("atlas:")));
    cloud.ask("us-east-1", "unmake", json!([kind.name, name_of(&lines)]))?;
    if left.is_null() || marked { Err(format!("forgotten as {left}")) } else { Ok(()) }
}

fn expect(actions: &BTreeMap<String, String>, wanted: &[(&str, &str)]) -> Result<(), String> {
    let wanted: BTreeMap<String, String> =
        wanted.iter().map(|(address, action)| ((*address).to_owned(), (*action).to_owned())).collect();
    if *actions == wanted { Ok(()) } else { Err(format!("planned {actions:?}, not {wanted:?}")) }
}
