//! Which kinds are served in a region: one line each.

use super::api::Api;
use super::{bucket, group, instance_profile, oidc_provider, policy, queue, role, user};
use crate::kind::Kind;

/// Every kind that is served in a region.
static SERVED: &[&dyn Api] = &[
    &bucket::Buckets,
    &queue::Queues,
    &policy::Policies,
    &role::Roles,
    &instance_profile::InstanceProfiles,
    &oidc_provider::OidcProviders,
    &group::Groups,
    &user::Users,
];

/// Everything that serves a kind.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Api> {
    SERVED.iter().copied()
}

/// What serves a kind, if anything here does.
pub(super) fn by(kind: &Kind) -> Option<&'static dyn Api> {
    all().find(|api| api.kind() == kind.name)
}
