//! Limits of AWS that a spec can be checked for: how long policies are, and how many tags an object has.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html> and
//! <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>.

use foldhash::HashSet;

use super::view::{Findings, Resource};
use super::{document, json};
use crate::diagnostic::code;
use crate::path::join;
use crate::value::Value;

/// How many tags an object of AWS has at most.
const TAGS: usize = 50;

/// How many of them the ownership mark takes: seven of its own, and more where what it says is long.
const MARK: usize = 12;

/// How many characters a managed policy has at most; IAM does not count white space.
pub const MANAGED_POLICY: usize = 6_144;
/// How many characters all inline policies of a role have together.
pub const INLINE_POLICIES: usize = 10_240;
/// How many characters all inline policies of a user have together.
pub const USER_POLICIES: usize = 2_048;
/// How many characters the inline policies of a group have: those that IAM takes, less 1,024 for the mark, which is one of them.
pub const GROUP_POLICIES: usize = 4_096;
/// How many characters a trust policy has, unless the account has a higher quota.
pub const TRUST_POLICY: usize = 2_048;

/// Refuses more tags than an object can have beside the mark and, where keys differ by more than their case for IAM only,
/// those that IAM takes for one.
pub fn check_tags(resource: &Resource<'_>, by_case: bool, findings: &mut Findings) {
    let Value::Map(tags) = resource.attributes.get("tags") else { return };
    if tags.len() > TAGS - MARK {
        findings.error(
            "tags",
            &code::TOO_MANY_TAGS,
            format!("AWS takes {TAGS} tags, {MARK} of which the ownership mark may need, and these are {}", tags.len()),
            format!("keep {} at most", TAGS - MARK),
        );
    }
    check_characters("tags", resource.attributes.get("tags"), findings);
    let mut seen = HashSet::default();
    for key in tags.keys().filter(|_| by_case) {
        let lower = key.to_lowercase();
        if !seen.insert(lower.clone()) {
            findings.error(
                format!("tags.{key}"),
                &code::TAG_TWICE,
                format!("IAM does not tell keys apart by their case, and another tag has the key `{lower}`"),
                "keep one of them",
            );
        }
    }
}

/// Refuses control characters in texts and in the keys of tables: AWS takes none in tags, and what S3 is told in XML can't say
/// them.
pub fn check_characters(path: &str, value: &Value, findings: &mut Findings) {
    match value {
        Value::String(text) => refuse_control(path, text, findings),
        Value::List(items) => {
            items.iter().enumerate().for_each(|(at, item)| check_characters(&format!("{path}.{at}"), item, findings));
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                let path = join(path, key);
                refuse_control(&path, key, findings);
                check_characters(&path, value, findings);
            }
        }
        _ => {}
    }
}

fn refuse_control(path: &str, text: &str, findings: &mut Findings) {
    if let Some(wrong) = text.chars().find(|one| one.is_control()) {
        let detail = format!("AWS takes no control character here, and this has {}", wrong.escape_unicode());
        findings.error(path, &code::CONTROL_CHARACTER, detail, "take the character out");
    }
}

/// Refuses what a role or a policy says when it is longer than IAM takes. What is not known yet is not counted.
pub fn check_policies(resource: &Resource<'_>, raw: &'static str, most: usize, findings: &mut Findings) {
    let attributes = resource.attributes;
    let said = ["allow", "deny", "inline_policies", raw].map(|name| most_characters(attributes.get(name)));
    if said.iter().sum::<usize>() <= most {
        return;
    }
    let (allow, deny) = (attributes.get("allow"), attributes.get("deny"));
    let short = match allow.is_known() && deny.is_known() && (!allow.is_null() || !deny.is_null()) {
        true => counted(&document::from_grants(allow, deny)),
        false => 0,
    };
    let further = match attributes.get("inline_policies") {
        Value::Map(all) => all.values().filter_map(Value::as_str).map(counted).sum(),
        _ => 0,
    };
    let own = attributes.get(raw).as_str().map_or(0, counted);
    let length = short + own + further;
    if length > most {
        let path = ["inline_policies", raw, "allow", "deny"].into_iter().find(|path| !attributes.get(path).is_null());
        too_long(path.unwrap_or(raw), length, most, findings);
    }
}

/// Warns about a trust policy that is longer than an account takes by default.
pub fn check_trust(resource: &Resource<'_>, findings: &mut Findings) {
    let length = resource.attributes.get("trust_policy").as_str().map_or(0, counted);
    if length > TRUST_POLICY {
        findings.warning(
            "trust_policy",
            &code::POLICY_TOO_LONG,
            format!("it has {length} characters, and an account takes {TRUST_POLICY} unless its quota was raised"),
            "ask for a higher quota, or say it in fewer words",
        );
    }
}

fn too_long(path: &str, length: usize, most: usize, findings: &mut Findings) {
    findings.error(
        path,
        &code::POLICY_TOO_LONG,
        format!("IAM takes {most} characters, and this has {length}"),
        "say it in fewer words, such as `s3:Get*`, or move some of it into a policy of its own: [policy.NAME]",
    );
}

/// No fewer characters than what is said takes in a document, escapes and all. Almost every policy is far below the limit by
/// this, and then it need not be put together to be counted.
fn most_characters(value: &Value) -> usize {
    const ESCAPED: usize = 6;
    // The words of a statement around one value, quotes and commas included.
    const AROUND: usize = 128;
    AROUND
        + match value {
            Value::String(text) => ESCAPED * text.len(),
            Value::List(items) => items.iter().map(most_characters).sum(),
            Value::Map(entries) => {
                entries.iter().map(|(key, value)| ESCAPED * key.len() + most_characters(value)).sum()
            }
            _ => 0,
        }
}

/// The characters that IAM counts: white space is free.
fn counted(text: &str) -> usize {
    let compact = serde_json::to_string(&json::meaning(text)).unwrap_or_default();
    compact.chars().filter(|one| !one.is_whitespace()).count()
}
