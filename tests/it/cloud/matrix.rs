//! Documents that a service takes as a whole, kind by kind and word by word. The words come from two tables: that of the kind, of
//! which each is made, changed, drifts and is taken over, and the service's own, of which another writer says each that there is. What
//! the service keeps has to show, has to be listed where the object is taken over, and stays where the spec leaves it to others.

use std::collections::BTreeMap;

use atlas::action::{Action, Cause};
use atlas::diagnostic::code;
use atlas::kind::{Attribute, Kind};
use atlas::plan::{Options, Plan};
use atlas::spec::{Inputs, compile};
use serde_json::{Value, json};

use super::Cloud;
use super::conformance::{kinds, spec_of};
use super::whole::toml;
use super::words::{changes, documents, richest};
use crate::attributes::{base, say};
use crate::conformance::{Lines, converge, plan};
use crate::support::{address, selector, summary};

/// What means the same, although it is said otherwise.
const SAME: &[(&str, &str)] = &[
    ("bucket.acl", "DisplayName"),               // a name for people, which S3 does not keep
    ("bucket.acl", "Grants: another"),           // the same right twice
    ("bucket.logging", "DisplayName"),           // a name for people, which S3 does not keep
    ("bucket.logging", "TargetGrants: another"), // the same right twice
    ("bucket.replication", "Rules[0].ID"),       // of a single rule in the short form
    ("bucket.replication", "Rules[0].Priority"), // the same
    ("bucket.replication_rules", "Filter.Prefix left out"), // no prefix is every prefix
    ("bucket.replication_rules", "Metrics.EventThreshold"), // S3 knows one, and only beside a time
];

/// What a server takes although the service refuses it: no such document can be there. How the word begins and ends, and why.
const REFUSED_BY_AWS: &[(&str, &str, &str, &str)] = &[
    ("bucket.acl", "acl.Grants[", "AmazonCustomerByEmail", "whoever has a right is named in one way"),
    ("bucket.acl", "acl.Grants[", "EmailAddress = theirs", "the same"),
    ("bucket.acl", "acl.Grants[", "URI = theirs", "the same"),
    ("bucket.lifecycle", "lifecycle.Rules[", "].Prefix = theirs", "a rule has a filter or a prefix of its own"),
    ("bucket.lifecycle", "lifecycle.Rules[", "ransitions: another", "a rule moves to a class once"),
    ("bucket.replication", "replication.Rules[", "].Prefix = theirs", "a rule has a filter or a prefix of its own"),
    ("bucket.replication", "replication.Rules[", "DeleteMarkerReplication left out", "a rule with a filter says it"),
    (
        "bucket.replication",
        "replication.Rules[",
        "DeleteMarkerReplication.Status left out",
        "a rule with a filter says it",
    ),
    (
        "bucket.replication",
        "replication.Rules[",
        "{'Not': {'Prefix': 'theirs'}}",
        "the server forgets what it does not know",
    ),
    ("bucket.replication", "replication.Rules[", "{'UseSourceMultiRegionKey': {'Status': 'Enabled'}}", "the same"),
    (
        "bucket.replication_rules",
        "replication.Rules[",
        ".Filter.Prefix = theirs",
        "a filter is one condition or an `And`",
    ),
    (
        "bucket.replication_rules",
        "replication.Rules[",
        ".Filter.Tag = {'Key': 'theirs', 'Value': 'theirs'}",
        "the same",
    ),
    ("bucket.replication_rules", "replication.Rules[", "Time.Minutes = 400", "15 minutes are all that there is"),
    ("bucket.replication_rules", "replication.Rules[", "Time.Minutes left out", "the same"),
    ("bucket.intelligent_tiering", "intelligent_tiering.Filter.Tag", "", "a filter is one condition or an `And`"),
    ("bucket.intelligent_tiering", "intelligent_tiering.Tierings: another", "", "a tier has one age"),
    ("bucket.notifications", "notifications.QueueConfigurations[", "FilterRules: another", "a rule stands once"),
    ("bucket.logging", "logging.LoggingEnabled.TargetGrants[0].Grantee.Type", "", "a group has an URI and no id"),
    ("bucket.logging", "logging.LoggingEnabled.TargetObjectKeyFormat.SimplePrefix", "", "a format is one of two"),
    (
        "bucket.inventory",
        "inventory.Destination.S3BucketDestination.Encryption.SSES3",
        "",
        "lists are encrypted in one way",
    ),
];

/// The attributes that are one document.
const TOGETHER: &[&[&str]] = &[
    &["encryption", "kms_key", "bucket_key", "customer_keys"],
    &["lifecycle", "transition_minimum"],
    &["replication", "replication_rules"],
    &["trust", "trust_policy"],
    &["allow", "deny", "policy", "document", "inline_policies"],
];

/// Objects that another client makes.
const FOREIGN: [&str; 3] = ["taken", "same", "unsaid"];

/// Of so many words one is tried, unless `ATLAS_TEST_EVERY_WORD` asks for all.
const ONE_IN: usize = 3;

/// Documents that a server can't change, or does not know.
const UNCHANGEABLE: &[(&str, &str)] = &[
    ("localstack", "oidc_provider.client_ids"),
    ("moto", "oidc_provider.client_ids"),
    ("moto", "queue.redrive_allow"),
];

/// What is not told at adoption, as the service has it of every object.
const OF_ALL: &[&str] = &["oidc_provider.thumbprints"]; // IAM finds them out by itself

/// What came of each case, by kind, attribute and case.
#[derive(Default)]
struct Matrix {
    cells: BTreeMap<(String, &'static str), usize>,
    bad: Vec<String>,
}

impl Matrix {
    fn put(&mut self, of: &Document<'_>, case: &'static str, words: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => *self.cells.entry((of.path(), case)).or_default() += 1,
            Err(why) => self.bad.push(format!("{} {} {case}: {words}: {why}", of.cloud.name, of.path())),
        }
    }

    /// Prints how many cells are good, and fails for each bad one.
    fn told(self, cloud: &Cloud, least: usize) {
        let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((path, case), count) in &self.cells {
            rows.entry(path).or_default().push(format!("{case} {count}"));
        }
        for (path, cases) in rows {
            println!("{:12} {path:28} {}", cloud.name, cases.join(", "));
        }
        let tells =
            |case: &str| !["refused beforehand", "refused", "refused by AWS", "forgotten", "the same"].contains(&case);
        let good: usize = self.cells.iter().filter(|((_, case), _)| tells(case)).map(|(_, count)| count).sum();
        println!("{:12} {good} cells", cloud.name);
        assert!(self.bad.is_empty(), "{} bad cells, {good} good ones\n{}", self.bad.len(), self.bad.join("\n"));
        let some = std::env::var_os("ATLAS_TEST_ONLY").is_some();
        assert!(some || good >= least, "only {good} cells");
    }
}

#[tokio::test]
async fn every_word_of_a_bucket_is_made_changed_taken_over_and_seen() {
    let Some(cloud) = Cloud::localstack() else { return };
    let mut matrix = Matrix::default();
    matrix_of(&cloud, &["bucket"], &mut matrix).await;
    matrix.told(&cloud, 300);
}

#[tokio::test]
async fn every_word_of_queues_and_rights_is_made_changed_taken_over_and_seen() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let mut matrix = Matrix::default();
        let all: Vec<&str> = kinds().iter().map(|kind| kind.name).filter(|name| *name != "bucket").collect();
        matrix_of(&cloud, &all, &mut matrix).await;
        matrix.told(&cloud, 150);
    }
}

async fn matrix_of(cloud: &Cloud, names: &[&str], matrix: &mut Matrix) {
    for kind in kinds().into_iter().filter(|kind| names.contains(&kind.name)) {
        for attribute in documents(kind) {
            if UNCHANGEABLE.contains(&(cloud.name, &*format!("{}.{}", kind.name, attribute.name))) {
                continue;
            }
            let only = std::env::var("ATLAS_TEST_ONLY").unwrap_or_default();
            if !format!("{}.{}", kind.name, attribute.name).starts_with(&only) {
                continue;
            }
            let document = Document { cloud, kind, attribute, value: richest(attribute) };
            let (begun, bad) = (std::time::Instant::now(), matrix.bad.len());
            let outcome = document.run(matrix).await;
            matrix.put(&document, "begun and ended", "", outcome);
            document.clean().await;
            let seconds = begun.elapsed().as_secs_f64();
            println!("{:12} {:28} {seconds:.1} s, {} bad", cloud.name, document.path(), matrix.bad.len() - bad);
            if std::env::var_os("ATLAS_TEST_ONLY").is_some() {
                matrix.bad[bad..].iter().for_each(|why| println!("BAD {why}"));
            }
        }
    }
}

/// How many words there are for each that is tried.
fn one_in() -> usize {
    if std::env::var_os("ATLAS_TEST_EVERY_WORD").is_some() { 1 } else { ONE_IN }
}

/// A document of an object, with the value that its spec says first.
struct Document<'a> {
    cloud: &'a Cloud,
    kind: &'static Kind,
    attribute: &'static Attribute,
    value: Value,
}

impl Document<'_> {
    fn path(&self) -> String {
        format!("{}.{}", self.kind.name, self.attribute.name)
    }

    /// What the name of an object begins with, which is the project's name as well. A server that remembers what former objects of a
    /// name had knows none of these.
    fn project(&self) -> String {
        let run = std::process::id() % 10_000;
        format!("matrix-{run}-{}-{}", self.kind.name, self.attribute.name).replace('_', "-")
    }

    fn name(&self, block: &str) -> String {
        let stem = format!("{}-{block}", self.project());
        if self.kind.name == "oidc_provider" { format!("{stem}.example.com") } else { stem }
    }

    fn at(&self, block: &str) -> String {
        format!("{}.{block}@us-east-1", self.kind.name)
    }

    /// The lines of a block that says this of the document, or nothing.
    fn lines(&self, block: &str, value: Option<&Value>) -> (String, Lines) {
        let mut lines = base(self.kind);
        self.attribute.beside.iter().for_each(|line| say(&mut lines, line));
        match value {
            Some(value) => drop(lines.insert(self.attribute.name.into(), toml(value))),
            None => drop(lines.remove(self.attribute.name)),
        }
        lines.insert("name".into(), format!("\"{}\"", self.name(block)));
        (block.to_owned(), lines)
    }

    fn spec(&self, blocks: &[(&str, Option<&Value>)]) -> String {
        let blocks: Vec<_> = blocks.iter().map(|(block, value)| self.lines(block, *value)).collect();
        spec_of(self.cloud, &self.project(), self.kind, &blocks)
    }

    /// The document as the service says it.
    fn raw(&self, block: &str) -> Value {
        let what = json!([self.kind.name, self.name(block), self.attribute.name]);
        self.cloud.ask("us-east-1", "read_document", what).unwrap_or_else(|why| panic!("{}: {why}", self.path()))
    }

    /// Gives an object the document of another one.
    fn copy(&self, from: &str, to: &str) -> Result<(), String> {
        let what = json!([self.kind.name, self.attribute.name, self.name(from), self.name(to)]);
        self.cloud.ask("us-east-1", "copy_document", what).map(drop)
    }

    fn may_lose(&self, more: &str) -> Vec<String> {
        let own = FOREIGN.into_iter().chain(["subject", more]).filter(|block| !block.is_empty());
        let own = own.map(|block| self.at(block));
        let others = ["bucket.access@us-east-1", "queue.orders@us-east-1", "bucket.replica@us-east-1"];
        own.chain(others.map(str::to_owned)).collect()
    }

    async fn apply(&self, spec: &str, more: &str) -> Result<(), String> {
        converge(self.cloud, spec, &Options::default(), &self.may_lose(more)).await.map(drop)
    }

    fn adopting(&self, block: &str) -> Options {
        Options { adopt: vec![selector(&self.at(block))], ..Options::default() }
    }

    async fn run(&self, matrix: &mut Matrix) -> Result<(), String> {
        let own = Some(&self.value);
        self.apply(&self.spec(&[("subject", own)]), "").await?;
        for block in FOREIGN {
            self.cloud.ask("us-east-1", "make", json!([self.kind.name, self.name(block)]))?;
        }
        self.left_out(matrix).await?;
        for (at, (words, value)) in changes(self.attribute, &self.value).into_iter().enumerate().step_by(one_in()) {
            let made = format!("made-{at}");
            let spec = self.spec(&[("subject", own), (&made, Some(&value))]);
            if compile(&spec, &Inputs::default()).1.has_errors() {
                matrix.put(self, "refused beforehand", &words, Ok(()));
                continue;
            }
            self.of_kind(matrix, &made, &words, &value).await;
        }
        self.of_service(matrix).await
    }

    /// An object that is taken over by a spec that says nothing of the document keeps it, and the plan lists it.
    async fn left_out(&self, matrix: &mut Matrix) -> Result<(), String> {
        let spec = self.spec(&[("subject", Some(&self.value)), ("unsaid", None)]);
        if compile(&spec, &Inputs::default()).1.has_errors() {
            return Ok(());
        }
        self.copy("subject", "unsaid")?;
        let before = self.raw("unsaid");
        let (_, plan) = plan(self.cloud, &spec, &self.adopting("unsaid")).await;
        let named = |text: &str| text.contains(self.attribute.name);
        let mut said = plan.diagnostics.iter().filter(|one| one.code == &code::LEFT_OUT);
        let is_usual = OF_ALL.contains(&&*self.path());
        let listed = is_usual || said.any(|one| named(&one.detail) || self.attribute.name.starts_with("replication"));
        let shown = self.differs(&plan, "unsaid").is_some();
        let outcome = if listed || shown { Ok(()) } else { Err(summary(&plan).to_string()) };
        matrix.put(self, "left out of adoption", "", outcome);
        converge(self.cloud, &spec, &self.adopting("unsaid"), &self.may_lose("")).await?;
        let kept = self.raw("unsaid");
        let outcome = if shown || kept == before { Ok(()) } else { Err(format!("it was {before}, and is {kept}")) };
        matrix.put(self, "kept by adoption", "", outcome);
        Ok(())
    }

    /// One word of the kind's table: made, drifted to, taken over, and changed to.
    async fn of_kind(&self, matrix: &mut Matrix, made: &str, words: &str, value: &Value) {
        let own = Some(&self.value);
        let spec = self.spec(&[("subject", own), (made, Some(value))]);
        if let Err(why) = self.apply(&spec, made).await {
            return matrix.put(self, "made", words, Err(why));
        }
        matrix.put(self, "made", words, Ok(()));
        let (first, other) = (self.raw("subject"), self.raw(made));
        if first == other {
            return matrix.put(self, "forgotten", words, Ok(()));
        }
        let copied = ["subject", "taken", "same"].into_iter().try_for_each(|block| self.copy(made, block));
        if let Err(why) = copied {
            return matrix.put(self, "drift", words, Err(why));
        }
        let said = Some(value);
        let both = self.spec(&[("subject", own), (made, said), ("taken", own), ("same", said)]);
        let adopt = ["taken", "same"].map(|block| selector(&self.at(block))).to_vec();
        let (_, seen) = plan(self.cloud, &both, &Options { adopt, ..Options::default() }).await;
        matrix.put(self, "drift", words, self.drifted(&seen));
        matrix.put(self, "adopted over", words, self.listed(&seen));
        matrix.put(self, "adopted as it is", words, self.differs(&seen, "same").map_or(Ok(()), Err));
        let healed = self.apply(&spec, made).await;
        let now = self.raw("subject");
        let healed = healed.and(if now == first { Ok(()) } else { Err(format!("it was {first}, and is {now}")) });
        matrix.put(self, "healed", words, healed);
        let changed = self.spec(&[("subject", Some(value)), (made, Some(value))]);
        let (_, edit) = plan(self.cloud, &changed, &Options::default()).await;
        let cause = edit.change(&address(&self.at("subject"))).map(|change| change.cause);
        let called = if cause == Some(Cause::Spec) { Ok(()) } else { Err(format!("it is planned for {cause:?}")) };
        let outcome = self.apply(&changed, made).await.and(called);
        let now = self.raw("subject");
        let outcome = outcome.and(if now == other { Ok(()) } else { Err(format!("it is {now}, and not {other}")) });
        matrix.put(self, "changed", words, outcome);
    }

    /// Each word of the service's own model, said by another writer.
    async fn of_service(&self, matrix: &mut Matrix) -> Result<(), String> {
        let own = Some(&self.value);
        let plain = self.spec(&[("subject", own)]);
        self.apply(&plain, "").await?;
        let spec = self.spec(&[("subject", own), ("taken", own)]);
        let mut alone = false;
        for at in (0..).step_by(one_in()) {
            let what = json!([self.kind.name, self.name("subject"), self.attribute.name, at]);
            let answer = self.cloud.ask("us-east-1", "change_document", what)?;
            let Some(words) = answer["words"].as_str() else { break };
            let case = match answer["outcome"].as_str() {
                Some("kept") => "shown",
                Some("refused") => "refused",
                _ => "forgotten",
            };
            if case != "shown" {
                matrix.put(self, case, words, Ok(()));
                continue;
            }
            self.copy("subject", "taken")?;
            let (_, seen) = plan(self.cloud, &spec, &self.adopting("taken")).await;
            let shown = self.drifted(&seen);
            if shown.is_err() && SAME.iter().any(|(path, same)| *path == self.path() && words.contains(same)) {
                matrix.put(self, "the same", words, Ok(()));
                continue;
            }
            let lax = |one: &&(&str, &str, &str, &str)| {
                self.path().starts_with(one.0) && words.starts_with(one.1) && words.ends_with(one.2)
            };
            if shown.is_err() && REFUSED_BY_AWS.iter().any(|one| lax(&one)) {
                matrix.put(self, "refused by AWS", words, Ok(()));
                continue;
            }
            matrix.put(self, "shown", words, shown);
            matrix.put(self, "listed", words, self.listed(&seen));
            if !alone {
                alone = true;
                matrix.put(self, "left alone", words, self.left_alone(at).await);
                self.apply(&plain, "").await?;
            }
        }
        let healed = self.apply(&plain, "").await;
        matrix.put(self, "healed", "what the service knows", healed);
        Ok(())
    }

    /// What the spec leaves to others stays when something else of the object is changed.
    async fn left_alone(&self, at: usize) -> Result<(), String> {
        let (block, mut lines) = self.lines("subject", Some(&self.value));
        let own: Vec<_> = self.together().into_iter().filter(|name| self.kind.attribute(name).is_some()).collect();
        lines.insert("ignore".into(), json!(own).to_string());
        if self.kind.attribute("tags").is_some() {
            lines.insert("tags".into(), format!("{{ at = \"{at}\" }}"));
        }
        let before = self.raw("subject");
        self.apply(&spec_of(self.cloud, &self.project(), self.kind, &[(block, lines)]), "").await?;
        let after = self.raw("subject");
        if before == after { Ok(()) } else { Err(format!("it was {before}, and is {after}")) }
    }

    async fn clean(&self) {
        let head = self.cloud.head(&self.project());
        for _ in 0..2 {
            let (pipeline, plan) = plan(self.cloud, &head, &Options { destroy: true, ..Options::default() }).await;
            let all: Vec<String> = plan.changes.iter().map(|change| change.address.to_string()).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            crate::support::execute(&pipeline, plan, &all).await;
        }
        for block in FOREIGN {
            let _ = self.cloud.ask("us-east-1", "unmake", json!([self.kind.name, self.name(block)]));
        }
    }

    /// The attributes that are one document with this one.
    fn together(&self) -> Vec<&'static str> {
        let name = self.attribute.name;
        TOGETHER.iter().find(|all| all.contains(&name)).map_or(vec![name], |all| all.to_vec())
    }

    /// What a plan changes of an object's document.
    fn differs(&self, plan: &Plan, block: &str) -> Option<String> {
        let own = self.together();
        let change = plan.change(&address(&self.at(block)))?;
        let mut all = change.attributes.iter();
        let one = all.find(|one| own.contains(&one.path.split('.').next().unwrap_or_default()))?;
        Some(format!("{}: {:?} to {:?}", one.path, one.before, one.after))
    }

    /// Whether a plan takes the subject for moved behind Atlas's back, and would mend it.
    fn drifted(&self, plan: &Plan) -> Result<(), String> {
        let change = plan.change(&address(&self.at("subject"))).ok_or("it is not seen")?;
        let acts = matches!(change.action, Action::Update | Action::Replace(_));
        if change.cause == Cause::Drift && acts && self.differs(plan, "subject").is_some() {
            return Ok(());
        }
        Err(format!("it is planned for {:?}: {}", change.cause, summary(plan)))
    }

    /// Whether a plan that takes an object over tells what differs.
    fn listed(&self, plan: &Plan) -> Result<(), String> {
        let adopts = plan.change(&address(&self.at("taken"))).is_some_and(|change| change.action == Action::Adopt);
        if adopts && self.differs(plan, "taken").is_some() {
            return Ok(());
        }
        Err(format!("it is not listed: {}", summary(plan)))
    }
}
