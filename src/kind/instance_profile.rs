//! An IAM instance profile.

use super::attributes::{TAGS, TAGS_EXCLUSIVE};
use super::claim::{Exclusive, Reads, Within};
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::{iam, limits, rule};

/// An IAM instance profile.
pub static INSTANCE_PROFILE: Kind = Kind {
    name: "instance_profile",
    summary: Static("What hands a role to the machines of EC2 that are started with it."),
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
            "The profile's name. The resource's own name by default.",
            &["\"ledger-machines\"", "\"ledger-machines-2\""],
        )
        .replaces(),
        iam::PATH,
        Attribute::new(
            "role",
            Type::address(&["role"]),
            "The one role that it hands out. Machines that run learn of another one within the hour.",
            &["\"role.machines\"", "\"role.machines-2\""],
        ),
        TAGS,
        TAGS_EXCLUSIVE,
    ]),
    outputs: Static(&[Output {
        name: "arn",
        doc: Static("The profile's ARN."),
        formula: Some(Static(&|facts| iam::arn(facts, "instance-profile"))),
    }]),
    claims: Static(&[Exclusive::new("instance profile name", "name", Within::Account, Reads::Name)]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| limits::check_tags(resource, true, findings)),
    loss: Static(&|_| Verdict::recoverable("an instance profile holds no data; the spec can make it again")),
    update_loss: Static(&|_, _, _| None),
};
