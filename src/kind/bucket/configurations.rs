//! What a bucket has several of, each under a name of its own and written by itself: inventories, and the ways in which objects
//! are archived.

use foldhash::HashSet;

use crate::diagnostic::code;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::Findings;
use crate::value::Value;

/// How many of a kind a bucket has at most: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketInventoryConfiguration.html>
/// and <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketIntelligentTieringConfiguration.html>.
const MOST: usize = 1_000;

/// The name by which S3 tells one from another.
pub const ID: Attribute =
    Attribute::new("id", Type::text(&rule::S3_CONFIGURATION), "Its name.", &["\"all\"", "\"small\""]).required();

/// Whether one counts.
pub const ENABLED: Attribute =
    Attribute::new("enabled", Type::Bool, "Whether it does anything.", &["true", "false"]).default("true");

/// Finds too many of them, and those with one name.
pub fn check(attribute: &str, all: &[Value], findings: &mut Findings) {
    if all.len() > MOST {
        let detail = format!("S3 takes {MOST} of them, and these are {}", all.len());
        findings.error(attribute, &code::REFUSED_BY_S3, detail, "put what is alike into one");
    }
    let mut names = HashSet::default();
    for (at, one) in all.iter().enumerate() {
        if one.at("id").and_then(Value::as_str).is_some_and(|id| !names.insert(id)) {
            let detail = "another one of this bucket has this name, and S3 keeps the last of them only";
            let path = format!("{attribute}.{at}.id");
            findings.error(path, &code::REFUSED_BY_S3, detail, "give each a name of its own");
        }
    }
}
