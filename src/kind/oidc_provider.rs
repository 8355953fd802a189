//! An OpenID Connect provider of IAM.

use super::attributes::{TAGS, TAGS_EXCLUSIVE};
use super::claim::{Exclusive, Reads, Within};
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::{iam, limits, rule};

/// An OpenID Connect provider of IAM.
pub static OIDC_PROVIDER: Kind = Kind {
    name: "oidc_provider",
    summary: Static("An issuer of tokens that roles may trust: GitHub Actions, a Kubernetes cluster."),
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::Static(&["name = \"token.actions.githubusercontent.com\""]),
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::ISSUER),
            "The issuer's URL without `https://`, by which IAM calls the provider.",
            &["\"token.actions.githubusercontent.com\"", "\"oidc.eks.us-east-1.amazonaws.com/id/A\""],
        )
        .replaces(),
        Attribute::new(
            "client_ids",
            Type::set(const { &Type::text(&rule::SOME) }),
            "The audiences whose tokens count. One that it does not name is removed.",
            &["[\"sts.amazonaws.com\"]", "[\"sts.amazonaws.com\", \"ledger\"]"],
        ),
        Attribute::new(
            "thumbprints",
            Type::set(const { &Type::text(&rule::THUMBPRINT) }),
            "The certificates of the issuer, by SHA-1. IAM finds them out where nobody says any; those that were said once stay \
             until others are.",
            &["[\"6938fd4d98bab03faadb97b34396831e3780aea1\"]", "[\"1c58a3a8518e8759bf075b76b750d4f2df264fcd\"]"],
        ),
        TAGS,
        TAGS_EXCLUSIVE,
    ]),
    outputs: Static(&[Output {
        name: "arn",
        doc: Static("The provider's ARN."),
        formula: Some(Static(&|facts| iam::arn(facts, "oidc-provider"))),
    }]),
    claims: Static(&[Exclusive::new("issuer", "name", Within::Account, Reads::Name)]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| limits::check_tags(resource, true, findings)),
    loss: Static(&|_| Verdict::recoverable("a provider holds no data; the spec can make it again")),
    update_loss: Static(&|_, _, _| None),
};
