//! An IAM user.

use super::attributes::{TAGS, TAGS_EXCLUSIVE};
use super::claim::{Exclusive, Reads, Within};
use super::count::Count;
use super::rights::{ALLOW, DENY, INLINE_POLICIES, PERMISSIONS_BOUNDARY, POLICIES, POLICY};
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Usage, Verdict, counted};
use super::{iam, limits, rule};

/// An IAM user.
pub static USER: Kind = Kind {
    name: "user",
    summary: Static("Somebody or something with rights of its own. Atlas makes no keys and no passwords for it."),
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::NONE,
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::IAM_NAME),
            "The user's name. The resource's own name by default.",
            &["\"auditor\"", "\"auditor-2\""],
        )
        .replaces(),
        iam::MOVABLE_PATH,
        Attribute::new(
            "groups",
            Type::set(const { &Type::address(&["group"]) }),
            "The groups that it is in. It is taken out of one that is not named.",
            &["[\"group.staff\"]", "[]"],
        ),
        ALLOW,
        DENY,
        POLICY,
        INLINE_POLICIES,
        POLICIES,
        PERMISSIONS_BOUNDARY,
        TAGS,
        TAGS_EXCLUSIVE,
    ]),
    outputs: Static(&[Output {
        name: "arn",
        doc: Static("The user's ARN."),
        formula: Some(Static(&|facts| iam::arn(facts, "user"))),
    }]),
    claims: Static(&[Exclusive::new("user name", "name", Within::Account, Reads::Name)]),
    usage: Static(COUNTERS),
    exact: Static(COUNTERS),
    check: Static(&|resource, _, findings| {
        iam::check_grants(resource, findings);
        limits::check_policies(resource, "policy", limits::USER_POLICIES, findings);
        limits::check_tags(resource, true, findings);
    }),
    loss: Static(&|usage| match hindrance(usage) {
        Some(why) => Verdict::lossy(why),
        None => Verdict::recoverable("nobody can sign in as the user; the spec can make it again"),
    }),
    update_loss: Static(&|_, _, _| None),
};

/// What others make for a user to sign in with, as IAM tells it and as people call one of them.
const COUNTERS: &[&str] =
    &["access_keys", "passwords", "mfa_devices", "ssh_keys", "certificates", "service_credentials"];
const WORDS: [&str; 6] =
    ["access key", "password", "MFA device", "SSH key", "signing certificate", "service-specific credential"];

/// Why a user can't go: what somebody made for it, which nobody can make again, or what may not be looked at. None when there is
/// nothing of that.
#[must_use]
pub fn hindrance(usage: &Usage) -> Option<String> {
    let counts = || COUNTERS.iter().zip(WORDS).map(|(counter, word)| (counted(usage, counter), word));
    let held: Vec<String> =
        counts().filter(|(count, _)| count.least() > 0).map(|(count, word)| count.words(word)).collect();
    if !held.is_empty() {
        return Some(format!("it has {} that Atlas did not make", held.join(", ")));
    }
    let unknown: Vec<String> =
        counts().filter(|(count, _)| *count == Count::Unknown).map(|(_, word)| format!("{word}s")).collect();
    (!unknown.is_empty()).then(|| format!("whether it has {} could not be observed", unknown.join(", ")))
}
