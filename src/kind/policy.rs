//! A managed IAM policy.

use super::attributes::{TAGS, TAGS_EXCLUSIVE};
use super::claim::{Exclusive, Reads, Within};
use super::role::{ALLOW, DENY, DOCUMENT_EXAMPLES};
use super::schema::{Attribute, Host, Kind, Output, Places, Type, Verdict};
use super::{iam, rule};
use crate::diagnostic::code;

/// A managed IAM policy.
pub static POLICY: Kind = Kind {
    name: "policy",
    summary: "A managed policy that several roles can share.",
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    example: &["allow = [{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::logs/*\"] }]"],
    attributes: &[
        Attribute::new(
            "name",
            Type::Text(&rule::IAM_NAME),
            "The policy's name. The resource's own name by default.",
            &["\"read-audit\"", "\"read-audit-2\""],
        )
        .replaces(),
        Attribute::new(
            "path",
            Type::Text(&rule::IAM_PATH),
            "The path in front of the name.",
            &["\"/\"", "\"/atlas/\""],
        )
        .default("\"/\"")
        .replaces(),
        Attribute::new(
            "description",
            Type::Text(&rule::ANY),
            "What it is for. IAM can't change it later.",
            &["\"reads the audit logs\"", "\"reads audit logs\""],
        )
        .replaces(),
        ALLOW,
        DENY,
        Attribute::new("document", Type::Json(&iam::DOCUMENT), "The policy, as IAM writes it.", DOCUMENT_EXAMPLES)
            .beside(&["!allow"]),
        TAGS,
        TAGS_EXCLUSIVE,
    ],
    outputs: &[Output { name: "arn", doc: "The policy's ARN.", formula: Some(|facts| iam::arn(facts, "policy")) }],
    claims: &[Exclusive::new("policy name", "name", Within::Account, Reads::Name)],
    usage: &[],
    check: |resource, _, findings| {
        let set = |name| !resource.attributes.get(name).is_null();
        if set("document") == (set("allow") || set("deny")) {
            findings.error(
                if set("document") { "document" } else { "" },
                &code::POLICY_CONTENT,
                "a policy needs either statements (`allow`, `deny`) or a `document`",
                "write [[policy.NAME.allow]] with `actions` and `resources`",
            );
        }
        iam::check_grants(resource, findings);
    },
    loss: |_| Verdict::recoverable("a policy holds no data; the spec can make it again"),
    update_loss: |_, _, _| None,
};
