//! What a spec means without saying it: resources that stand for part of another one.
//!
//! They are added to the spec's own tables before anything is read from them, so that they have addresses, edges, plans and
//! objects as if somebody had written them. Everything in them points to the place that they follow from.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use super::node::{Content, Node, Table, TableEntry};
use super::pieces::parse;
use crate::address::Address;
use crate::diagnostic::{Diagnostics, Span};
use crate::value::Text;

/// Adds what follows from the blocks of a spec.
pub fn add(root: &mut Table) {
    let buckets = root.get("bucket").and_then(|entry| entry.node.as_table());
    let roles = buckets.into_iter().flat_map(Table::iter).filter_map(|(name, bucket)| replication_role(name, bucket));
    // A bucket that takes another one's former name has a role of the same name; both are said to be one by that.
    let mut all: BTreeMap<Text, (Span, BTreeMap<Text, TableEntry>)> = BTreeMap::new();
    for (kind, entry) in roles.flatten() {
        let Content::Table(names) = entry.node.content else { continue };
        let (_, known) = all.entry(kind).or_insert_with(|| (entry.key, BTreeMap::new()));
        for (name, derived) in names {
            match known.entry(name) {
                Slot::Vacant(free) => drop(free.insert(derived)),
                Slot::Occupied(mut taken) => {
                    if let (Content::Table(below), Content::Table(above)) =
                        (&mut taken.get_mut().node.content, derived.node.content)
                    {
                        below.merge(above);
                    }
                }
            }
        }
    }
    // All at once: to merge is to go through a whole table.
    let whole = all.into_iter().map(|(kind, (key, names))| {
        let content = Content::Table(names.into_iter().collect());
        (kind, TableEntry { key, node: Node { span: key, content } })
    });
    root.merge(whole.collect());
}

/// The role that S3 takes on to replicate a bucket, for a bucket that names none. Its rights are those of
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html>.
///
/// The bucket needs its role, so the role says the bucket's ARN itself instead of referring to it. With KMS keys the
/// role needs rights that only the owner of the keys can name; such a bucket names its role itself.
fn replication_role(name: &str, bucket: &TableEntry) -> Option<Table> {
    let table = bucket.node.as_table()?;
    let (form, entry) = FORMS.iter().find_map(|form| Some((*form, table.get(form)?)))?;
    let replication = entry.node.as_table()?;
    let text = |key: &str| table.get(key).and_then(|entry| entry.node.as_str());
    let targets = targets(replication)?;
    if replication.contains_key("role") || text("encryption").is_some_and(|word| word.starts_with("kms")) {
        return None;
    }
    // A renamed bucket keeps its name, and so does its role.
    let former = text("renamed_from").and_then(|text| Address::parse(text).ok()).filter(|_| text("name").is_none());
    let base = former.as_ref().map_or(name, Address::name);
    let own = text("name").unwrap_or(base).replace("${name}", name);
    let role = format!("{base}-replication");
    let allow = |actions: &[&str], resources: &[String]| {
        format!("[[role.{role}.allow]]\nactions = {}\nresources = {}\n", quoted(actions), quoted(resources))
    };
    let copies: Vec<String> = targets.iter().map(|to| format!("${{{to}.arn}}/*")).collect();
    let source = [
        format!("[bucket.{name}.{form}]\nrole = {}\n", quoted(format!("role.{role}"))),
        format!("[role.{role}]\nname = {}\n", quoted(format!("${{region}}-{role}"))),
        "trust = { service = \"s3.amazonaws.com\" }\n".to_owned(),
        allow(&["s3:GetReplicationConfiguration", "s3:ListBucket"], &[format!("arn:aws:s3:::{own}")]),
        allow(
            &["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
            &[format!("arn:aws:s3:::{own}/*")],
        ),
        allow(&["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], &copies),
    ];
    let mut discarded = Diagnostics::default();
    let mut derived = parse(&source.concat(), &mut discarded);
    if discarded.has_errors() {
        // A name in it is wrong, which is reported where that name stands.
        return None;
    }
    derived = placed(derived, entry.key);
    let regions = table.get("regions").cloned().map(|regions| ("regions".into(), regions));
    derived.merge(one("role", one(&role, regions.into_iter().collect(), entry.key), entry.key));
    Some(derived)
}

/// The two forms in which a bucket says where it is copied to.
const FORMS: [&str; 2] = ["replication", "replication_rules"];

/// What a rule may say that needs rights which only others can name.
const NEEDS_MORE: [&str; 3] = ["account", "kms_key", "encrypted"];

/// The buckets that receive the copies, each once; none where that can't be told, or rights are needed that only others can
/// name.
fn targets(replication: &Table) -> Option<Vec<&str>> {
    let listed = replication.get("rules").map(|entry| &entry.node.content);
    let rules: Vec<&Table> = match listed {
        Some(Content::Array(rules)) => rules.iter().map(Node::as_table).collect::<Option<_>>()?,
        _ => vec![replication],
    };
    let mut targets = Vec::new();
    for rule in rules {
        if NEEDS_MORE.iter().any(|name| rule.contains_key(name)) {
            return None;
        }
        let to = rule.get("to")?.node.as_str().filter(|to| !to.contains(['$', '"', '\\']))?;
        if !targets.contains(&to) {
            targets.push(to);
        }
    }
    Some(targets)
}

/// A text or a list of texts as TOML writes it; JSON's strings are TOML's as well.
fn quoted<T: serde::Serialize>(text: T) -> String {
    serde_json::to_string(&text).unwrap_or_default()
}

fn one(key: &str, table: Table, span: Span) -> Table {
    let node = Node { span, content: Content::Table(table) };
    [(key.into(), TableEntry { key: span, node })].into_iter().collect()
}

/// The same table, all of it standing in one place.
fn placed(table: Table, span: Span) -> Table {
    let entry = |(key, entry): (Text, TableEntry)| (key, TableEntry { key: span, node: at(entry.node, span) });
    table.into_iter().map(entry).collect()
}

fn at(node: Node, span: Span) -> Node {
    let content = match node.content {
        Content::Table(table) => Content::Table(placed(table, span)),
        Content::Array(items) => Content::Array(items.into_iter().map(|item| at(item, span)).collect()),
        other => other,
    };
    Node { span, content }
}
