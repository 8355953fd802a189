//! The suite for AWS's kinds, on LocalStack and on moto. The other client is boto3.

use std::fmt::Write as _;

use atlas::driver::aws::Aws;
use atlas::driver::{Driver as _, Service};
use atlas::kind::{self, Attribute, Kind};
use atlas::plan::Options;
use atlas::run::Pipeline;
use serde_json::{Value, json};

use super::Cloud;
use crate::attributes::{base, stages};
use crate::conformance::{Lines, Stand, suite};

/// What the examples refer to, each declared where it is needed only.
const SURROUNDINGS: &[(&str, &str)] = &[
    ("queue.dead", "regions = [\"us-east-1\"]\n"),
    ("queue.dead-2", "regions = [\"us-east-1\"]\n"),
    ("queue.orders", "regions = [\"us-east-1\"]\n"),
    (
        "policy.read",
        "regions = [\"us-east-1\"]\nallow = [{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::x/*\"] }]\n",
    ),
    ("role.replicate", "regions = [\"us-east-1\"]\ntrust = { service = \"s3.amazonaws.com\" }\n"),
    ("group.staff", "regions = [\"us-east-1\"]\nname = \"conformance-staff\"\n"),
    ("role.machines", "regions = [\"us-east-1\"]\ntrust = { service = \"ec2.amazonaws.com\" }\n"),
    ("role.machines-2", "regions = [\"us-east-1\"]\ntrust = { service = \"ec2.amazonaws.com\" }\n"),
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

/// Cases that a server can't do, and why.
const LIMITS: &[(&str, &str, &str, &str)] = &[
    ("moto", "bucket", "lifecycle", "moto 5.2 forgets sizes, and how many old versions are kept"),
    ("moto", "bucket", "replication", "moto 5.2 forgets the filter of a replication rule"),
    ("moto", "bucket", "replication_rules", "moto 5.2 forgets the filter of a replication rule"),
    ("moto", "bucket", "notifications", "moto 5.2 forgets EventBridge"),
    ("moto", "bucket", "intelligent_tiering", "moto 5.2 knows nothing of it"),
    ("moto", "bucket", "transition_minimum", "moto 5.2 takes 128 KiB always"),
    ("moto", "bucket", "customer_keys", "moto 5.2 forgets which keys are blocked"),
    ("moto", "bucket", "logging", "moto 5.2 forgets how logs are partitioned"),
    ("localstack", "bucket", "customer_keys", "LocalStack 4.4 does not know which keys are blocked"),
    ("moto", "queue", "redrive_allow", "moto 5.2 knows no RedriveAllowPolicy"),
    ("localstack", "oidc_provider", "client_ids", "LocalStack 4.4 can't add or remove a client"),
    ("moto", "oidc_provider", "client_ids", "moto 5.2 can't add or remove a client"),
    ("moto", "group", "path", "moto 5.2 does not move a group"),
    ("moto", "user", "permissions_boundary", "moto 5.2 bounds no user"),
];

/// Attributes that nobody can change on an object that is there, so that they can't drift: a change replaces it.
const FIXED: [&str; 4] = ["name", "fifo", "path", "description"];

const SUBJECT: &str = "us-east-1-conformance";

#[tokio::test]
async fn localstack_conforms() {
    if let Some(cloud) = Cloud::localstack() {
        suite(&cloud, &kinds()).await;
    }
}

#[tokio::test]
async fn moto_conforms() {
    if let Some(cloud) = Cloud::moto() {
        suite(&cloud, &kinds()).await;
    }
}

/// Every kind of which AWS's driver keeps objects in a region.
pub fn kinds() -> Vec<&'static Kind> {
    let host = super::sessions::region("us-east-1", "http://127.0.0.1:1", None);
    let kept = |kind: &&&'static Kind| Aws::new().serves(kind, Some(&host)) == Service::Keeps;
    kind::ALL.iter().filter(kept).copied().collect()
}

impl Stand for Cloud {
    fn name(&self) -> &'static str {
        self.name
    }

    /// moto 5.2 gives a list of inventories another name than S3 does, so that a bucket with one can't be looked at any more.
    fn attributes(&self, kind: &'static Kind) -> Vec<&'static Attribute> {
        let is_tried = |attribute: &&Attribute| self.name != "moto" || attribute.name != "inventory";
        kind.attributes.iter().filter(is_tried).collect()
    }

    fn limit(&self, kind: &Kind, case: &str) -> Option<&'static str> {
        let here = |limit: &&(&str, &str, &str, &str)| (limit.0, limit.1, limit.2) == (self.name, kind.name, case);
        LIMITS.iter().find(here).map(|limit| limit.3)
    }

    fn plain(&self, kind: &Kind) -> Lines {
        named(base(kind))
    }

    fn stages(&self, kind: &Kind, attribute: &Attribute) -> Vec<Lines> {
        stages(kind, attribute).into_iter().map(named).collect()
    }

    fn spec(&self, kind: &Kind, lines: Option<&Lines>) -> String {
        spec(self, kind, lines)
    }

    fn subject(&self, kind: &Kind) -> String {
        format!("{}.subject@us-east-1", kind.name)
    }

    fn may_lose(&self, kind: &Kind) -> Vec<String> {
        // S3 tells a queue that it was named, so that there is something in it.
        [self.subject(kind).as_str(), "bucket.access@us-east-1", "queue.orders@us-east-1"].map(str::to_owned).to_vec()
    }

    fn pipeline(&self, spec: &str) -> Pipeline {
        Self::pipeline(spec)
    }

    fn look(&self, kind: &Kind, lines: &Lines) -> Value {
        self.describe("us-east-1", kind.name, &name_of(lines))
    }

    async fn make(&self, kind: &'static Kind, lines: &Lines) -> Result<(), String> {
        self.ask("us-east-1", "make", json!([kind.name, name_of(lines)])).map(drop)
    }

    fn unmake(&self, kind: &Kind, lines: &Lines) -> Result<(), String> {
        self.ask("us-east-1", "unmake", json!([kind.name, name_of(lines)])).map(drop)
    }

    fn check(&self, _: &'static Kind, attribute: &Attribute, seen: &Value, wanted: &Value) -> Result<(), String> {
        seen_by_others(attribute, seen, wanted)
    }

    fn drifts(&self, kind: &Kind, attribute: &Attribute) -> bool {
        // A user that somebody moves loses its tags on these servers, and with them its mark.
        let moved = (kind.name, attribute.name) == ("user", "path");
        !moved && !(FIXED.contains(&attribute.name) && (attribute.replaces || kind.name == "policy"))
    }

    async fn meddle(
        &self,
        kind: &'static Kind,
        attribute: &Attribute,
        lines: &Lines,
        other: &str,
    ) -> Result<(), String> {
        let pipeline = Self::pipeline(other);
        let mut all = pipeline.desired.instances().iter();
        let instance = all.find(|one| one.address.to_string() == self.subject(kind)).expect("the subject");
        let value = instance.attributes.get(attribute.name).to_json();
        let done = self.ask("us-east-1", "meddle", json!([kind.name, name_of(lines), attribute.name, value]))?;
        if done == json!(false) {
            return Err(format!("the other client does not know how to change {}", attribute.name));
        }
        Ok(())
    }

    /// On these servers nothing tells an object from a later one of the same name.
    fn same(&self, before: &Value, after: &Value) -> bool {
        !before.is_null() && !after.is_null()
    }

    async fn clean(&self, _: &'static Kind) {
        let spec = self.head(&format!("conformance-{}", self.name));
        let mut failed = Vec::new();
        // A bucket that takes the access logs of another one still grows while it is deleted. The second pass deletes
        // it: by then the other bucket is gone, and the count in the plan holds.
        for _ in 0..2 {
            let (pipeline, plan) = Self::plan(&spec, &Options { destroy: true, ..Options::default() }).await;
            let all: Vec<String> = plan.changes.iter().map(|change| change.address.to_string()).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let report = crate::support::execute(&pipeline, plan, &all).await;
            if report.is_complete() {
                return;
            }
            failed = report.failed;
        }
        panic!("{failed:?}");
    }
}

/// A spec whose subject says these lines, with what they refer to.
fn spec(cloud: &Cloud, kind: &Kind, lines: Option<&Lines>) -> String {
    let blocks: Vec<_> = lines.map(|lines| ("subject".to_owned(), lines.clone())).into_iter().collect();
    spec_of(cloud, &format!("conformance-{}", cloud.name), kind, &blocks)
}

/// A spec of some objects of a kind that say these lines, with what they refer to.
pub fn spec_of(cloud: &Cloud, project: &str, kind: &Kind, blocks: &[(String, Lines)]) -> String {
    let mut text = cloud.head(project);
    let said = |lines: &Lines| lines.iter().map(|(name, value)| format!("{name} = {value}\n")).collect::<String>();
    let all: String = blocks.iter().map(|(_, lines)| said(lines)).collect();
    let mentions = |address: &str| {
        all.match_indices(address)
            .any(|(at, _)| !all[at + address.len()..].starts_with(|c: char| c == '-' || c.is_alphanumeric()))
    };
    for (address, block) in SURROUNDINGS.iter().filter(|(address, _)| mentions(address)) {
        let own = project.starts_with("conformance-");
        let name = format!("name = \"conformance-{}\"\n", address.replace('.', "-"));
        let named = if own || block.contains("name = ") { "" } else { &name };
        let block = format!("[{address}]\n{named}{block}");
        // Each project has surroundings of its own.
        let prefix = format!("{project}-");
        text.push_str(&if own { block } else { block.replace("conformance-", &prefix) });
    }
    for (name, lines) in blocks {
        let _ = writeln!(text, "[{}.{name}]\n{}", kind.name, said(lines));
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
fn named(mut lines: Lines) -> Lines {
    let fifo = lines.get("fifo").is_some_and(|value| value == "true");
    let own = lines.get("name").is_none_or(|name| name.contains("${region}") || name == "\"orders.fifo\"");
    if own {
        lines.insert("name".into(), format!("\"{SUBJECT}{}\"", if fifo { ".fifo" } else { "" }));
    }
    lines
}

/// The name that the subject has, as the spec says it.
fn name_of(lines: &Lines) -> String {
    lines["name"].trim_matches('"').to_owned()
}

/// The other client has to see the attribute as the spec says it.
fn seen_by_others(attribute: &Attribute, seen: &Value, wanted: &Value) -> Result<(), String> {
    let now = &seen[attribute.name];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let same = match attribute.name {
        "force_empty" | "tags_exclusive" => {
            let key = format!("atlas:{}", attribute.name.replace('_', "-"));
            json!(seen["tags"][&key] == "true") == *wanted
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
        "notifications" if !wanted.is_null() => {
            let queues = wanted["queues"].as_array().map(|all| all.iter().map(|one| &one["id"]).collect::<Vec<_>>());
            let told = now["queues"].as_array().map(|all| all.iter().map(|one| &one["id"]).collect::<Vec<_>>());
            queues == told && now["event_bridge"] == wanted["event_bridge"]
        }
        "acl" => {
            let grants = if wanted.is_null() || wanted == "private" { 1 } else { 2 };
            now.as_array().is_some_and(|all| all.len() >= grants)
        }
        // What nobody says is as the service has it.
        "bucket_key" | "kms_reuse" | "deduplicate_by_content" | "deduplication_scope" | "throughput_limit"
            if wanted.is_null() =>
        {
            [json!(false), json!("5m"), json!("queue"), json!("owner")].contains(now)
        }
        // IAM keeps what it was told once.
        "thumbprints" if wanted.is_null() => true,
        "groups" if !wanted.is_null() => now[0] == "conformance-staff",
        "inline_policies" if !wanted.is_null() => names(now) == names(wanted),
        "policies" if !wanted.is_null() => now[0] == "read",
        "role" if !wanted.is_null() => text(wanted).contains(&text(now)) && !now.is_null(),
        "replication" | "replication_rules" if !wanted.is_null() => seen["replication"] == "conformance-replica",
        "logging" | "inventory" if !wanted.is_null() => without_targets(now) == without_targets(wanted),
        // What nobody says is as the service has it.
        "transition_minimum" | "customer_keys" if wanted.is_null() => true,
        _ => now == wanted,
    };
    if same { Ok(()) } else { Err(format!("the other client sees {now}, not {wanted}")) }
}

/// What is said of copies and logs but for the bucket that they go to, which the spec calls by its address.
fn without_targets(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_targets).collect(),
        Value::Object(entries) => {
            let others = entries.iter().filter(|(name, _)| *name != "to");
            others.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// The keys of a table, ordered.
fn names(table: &Value) -> Vec<String> {
    let mut names: Vec<String> = table.as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
    names.sort();
    names
}
