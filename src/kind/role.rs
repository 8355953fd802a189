//! An IAM role with its inline policy.

use super::attributes::{TAGS, TAGS_EXCLUSIVE};
use super::claim::{Exclusive, Reads, Within};
use super::rights::{ALLOW, DENY, INLINE_POLICIES, PERMISSIONS_BOUNDARY, POLICIES, POLICY};
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::{iam, limits, rule};
use crate::diagnostic::code;

/// An IAM role.
pub static ROLE: Kind = Kind {
    name: "role",
    summary: Static("An identity that a workload takes on, with exactly the rights that it needs."),
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::Static(&["trust = { service = \"lambda.amazonaws.com\" }"]),
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::IAM_NAME),
            "The role's name. The resource's own name by default.",
            &["\"ledger-app\"", "\"ledger-app-2\""],
        )
        .replaces(),
        iam::PATH,
        Attribute::new(
            "description",
            Type::text(&rule::ANY),
            "What it is for.",
            &["\"runs the ledger\"", "\"runs the ledger app\""],
        ),
        Attribute::new(
            "trust",
            Type::object(const { &[
                Attribute::new(
                    "service",
                    Type::text(&rule::SOME),
                    "A service that may take the role on.",
                    &["\"ec2.amazonaws.com\"", "\"eks.amazonaws.com\""],
                ),
                Attribute::new(
                    "aws",
                    Type::text(&rule::SOME),
                    "An account or principal that may take the role on.",
                    &["\"111122223333\"", "\"444455556666\""],
                ),
                Attribute::new(
                    "oidc",
                    Type::text(&rule::SOME),
                    "An OpenID Connect provider whose subjects may take the role on.",
                    &["\"oidc.eks.us-east-1.amazonaws.com/id/A\"", "\"oidc.eks.us-east-1.amazonaws.com/id/B\""],
                ),
                Attribute::new(
                    "subject",
                    Type::text(&rule::SOME),
                    "The one subject of `oidc` that may, such as a service account of Kubernetes.",
                    &["\"system:serviceaccount:ledger:app\"", "\"system:serviceaccount:ledger:job\""],
                ),
            ] }),
            "Who may take the role on, in short form.",
            &["{ service = \"ec2.amazonaws.com\" }", "{ service = \"eks.amazonaws.com\" }"],
        ),
        Attribute::new(
            "trust_policy",
            Type::json(&iam::TRUST),
            "Who may take the role on, as IAM writes it.",
            &[
                r#"'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}'"#,
                r#"'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}}'"#,
            ],
        )
        .beside(&["!trust"])
        .instead_of(&["trust"]),
        ALLOW,
        DENY,
        POLICY,
        INLINE_POLICIES,
        POLICIES,
        PERMISSIONS_BOUNDARY,
        Attribute::new(
            "max_session",
            Type::Duration(3_600, 43_200),
            "How long a session may last.",
            &["\"1h\"", "\"2h\""],
        )
        .default("\"1h\""),
        TAGS,
        TAGS_EXCLUSIVE,
    ]),
    outputs: Static(&[Output {
        name: "arn",
        doc: Static("The role's ARN."),
        formula: Some(Static(&|facts| iam::arn(facts, "role"))),
    }]),
    claims: Static(&[Exclusive::new("role name", "name", Within::Account, Reads::Name)]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| {
        let set = |name| !resource.attributes.get(name).is_null();
        if !set("trust") && !set("trust_policy") {
            findings.error(
                "",
                &code::TRUST,
                "a role needs exactly one of `trust` and `trust_policy`",
                "say who may take the role on: `trust = { service = \"ec2.amazonaws.com\" }`",
            );
        }
        iam::check_grants(resource, findings);
        limits::check_policies(resource, "policy", limits::INLINE_POLICIES, findings);
        limits::check_trust(resource, findings);
        limits::check_tags(resource, true, findings);
    }),
    loss: Static(&|_| Verdict::recoverable("a role holds no data; the spec can make it again")),
    update_loss: Static(&|_, _, _| None),
};
