//! The access control list of a bucket, and where S3 refuses one.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>.

use crate::diagnostic::code;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::{Findings, Resource};
use crate::value::Value;

/// S3's own words for whole lists.
pub const WORDS: &[&str] = &["private", "public-read", "public-read-write", "authenticated-read", "log-delivery-write"];

/// A list that has no word.
pub static LIST: &[Attribute] = &[
    Attribute::new(
        "grants",
        Type::set(const { &Type::object(GRANT) }),
        "Who has which right.",
        &["[{ group = \"log-delivery\", right = \"write\" }]", "[{ account = \"a1b2\", right = \"read\" }]"],
    ),
    Attribute::new("owner", Type::Bool, "Whether the bucket's owner has all rights.", &["true", "false"])
        .default("true"),
];

/// A right that somebody has.
pub static GRANT: &[Attribute] = &[
    Attribute::new(
        "account",
        Type::text(&rule::SOME),
        "The canonical id of an account, or its e-mail address.",
        &["\"a1b2\"", "\"c3d4\""],
    ),
    Attribute::new(
        "group",
        Type::choice(&["all-users", "authenticated-users", "log-delivery"]),
        "One of S3's groups.",
        &["\"log-delivery\"", "\"authenticated-users\""],
    ),
    Attribute::new(
        "right",
        Type::choice(&["read", "write", "read-acl", "write-acl", "full-control"]),
        "What they may do.",
        &["\"read\"", "\"write\""],
    )
    .required(),
];

/// Finds what S3 would refuse.
pub fn check(resource: &Resource<'_>, findings: &mut Findings) {
    let acl = resource.attributes.get("acl");
    if acl.is_null() || acl.as_str() == Some("private") {
        return;
    }
    if resource.attributes.get("object_ownership").as_str() == Some("bucket-owner-enforced") {
        findings.error(
            "acl",
            &code::REFUSED_BY_S3,
            "the bucket's owner owns everything in it, and then S3 takes no list",
            "say who may do what with `policy`, or set `object_ownership = \"bucket-owner-preferred\"`",
        );
    }
    check_grants("acl.grants", acl.at("grants").map(Value::items).unwrap_or_default(), findings);
    let access = resource.attributes.get("public_access");
    let blocked = access.as_str() == Some("blocked") || access.at("block_acls") == Some(&Value::Bool(true));
    if blocked && opens_to_all(acl) {
        findings.error(
            "acl",
            &code::REFUSED_BY_S3,
            "it opens the bucket to everybody, and S3 refuses that while `public_access` blocks such lists",
            "choose another list, or set `public_access = \"allowed\"`",
        );
    }
}

/// Finds rights that are nobody's, or those of two.
pub fn check_grants(path: &str, grants: &[Value], findings: &mut Findings) {
    for (at, grant) in grants.iter().enumerate() {
        if grant.at("account").is_some() == grant.at("group").is_some() {
            let detail = "a right is somebody's: an account's, or a group's";
            let hint = "say one of `account` and `group`";
            findings.error(format!("{path}.{at}"), &code::REFUSED_BY_S3, detail, hint);
        }
    }
}

fn opens_to_all(acl: &Value) -> bool {
    let public = |grant: &Value| grant.at("group").and_then(Value::as_str).is_some_and(|group| group != "log-delivery");
    acl.as_str().is_some_and(|word| word.starts_with("public") || word == "authenticated-read")
        || acl.at("grants").map(Value::items).unwrap_or_default().iter().any(public)
}
