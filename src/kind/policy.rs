//! A managed IAM policy.

use super::attributes::{TAGS, TAGS_EXCLUSIVE};
use super::claim::{Exclusive, Reads, Within};
use super::rights::{ALLOW, DENY, DOCUMENT_EXAMPLES};
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::{iam, limits, rule};
use crate::diagnostic::code;

/// A managed IAM policy.
pub static POLICY: Kind = Kind {
    name: "policy",
    summary: Static("A managed policy that several roles can share."),
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::Static(&["allow = [{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::logs/*\"] }]"]),
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::IAM_NAME),
            "The policy's name. The resource's own name by default.",
            &["\"read-audit\"", "\"read-audit-2\""],
        )
        .replaces(),
        iam::PATH,
        Attribute::new(
            "description",
            Type::text(&rule::ANY),
            "What it is for. IAM can't change it later.",
            &["\"reads the audit logs\"", "\"reads audit logs\""],
        )
        .replaces(),
        ALLOW,
        DENY,
        Attribute::new("document", Type::json(&iam::DOCUMENT), "The policy, as IAM writes it.", DOCUMENT_EXAMPLES)
            .beside(&["!allow"])
            .instead_of(&["allow", "deny"]),
        TAGS,
        TAGS_EXCLUSIVE,
    ]),
    outputs: Static(&[Output {
        name: "arn",
        doc: Static("The policy's ARN."),
        formula: Some(Static(&|facts| iam::arn(facts, "policy"))),
    }]),
    claims: Static(&[Exclusive::new("policy name", "name", Within::Account, Reads::Name)]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| {
        let set = |name| !resource.attributes.get(name).is_null();
        if !set("document") && !set("allow") && !set("deny") {
            findings.error(
                "",
                &code::POLICY_CONTENT,
                "a policy needs either statements (`allow`, `deny`) or a `document`",
                "write [[policy.NAME.allow]] with `actions` and `resources`",
            );
        }
        iam::check_grants(resource, findings);
        limits::check_policies(resource, "document", limits::MANAGED_POLICY, findings);
        limits::check_tags(resource, true, findings);
    }),
    loss: Static(&|_| Verdict::recoverable("a policy holds no data; the spec can make it again")),
    update_loss: Static(&|_, _, _| None),
};
