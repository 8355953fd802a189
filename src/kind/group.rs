//! An IAM group.

use super::claim::{Exclusive, Reads, Within};
use super::rights::{ALLOW, DENY, INLINE_POLICIES, POLICIES, POLICY};
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::{iam, limits, reserved, rule};

/// An IAM group.
pub static GROUP: Kind = Kind {
    name: "group",
    summary: Static("What the users in it may do, said once for all of them."),
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::NONE,
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::IAM_LONG_NAME),
            "The group's name. The resource's own name by default.",
            &["\"auditors\"", "\"auditors-2\""],
        )
        .replaces(),
        iam::MOVABLE_PATH,
        ALLOW,
        DENY,
        POLICY,
        INLINE_POLICIES.reserved(reserved::GROUP_POLICIES),
        POLICIES,
    ]),
    outputs: Static(&[Output {
        name: "arn",
        doc: Static("The group's ARN."),
        formula: Some(Static(&|facts| iam::arn(facts, "group"))),
    }]),
    claims: Static(&[Exclusive::new("group name", "name", Within::Account, Reads::Name)]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| {
        iam::check_grants(resource, findings);
        limits::check_policies(resource, "policy", limits::GROUP_POLICIES, findings);
    }),
    loss: Static(&|_| Verdict::recoverable("a group holds no data; the spec can make it again")),
    update_loss: Static(&|_, _, _| None),
};
