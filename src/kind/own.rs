//! The kinds of this program, in the order in which people read a spec.

use std::mem::{forget, replace};

use super::kind_ref::KindRef;
use super::schema::Kind;
use super::{
    app, bucket, check, cluster, container, database, drill, group, instance_profile, namespace, network, object,
    oidc_provider, policy, queue, region, role, table, user, volume,
};

/// Every kind, hosts before what lives in them: the order in which people read a spec.
pub static ALL: &[&Kind] = &[
    &region::REGION,
    &bucket::BUCKET,
    &queue::QUEUE,
    &policy::POLICY,
    &role::ROLE,
    &instance_profile::INSTANCE_PROFILE,
    &oidc_provider::OIDC_PROVIDER,
    &group::GROUP,
    &user::USER,
    &network::NETWORK,
    &volume::VOLUME,
    &container::CONTAINER,
    &cluster::CLUSTER,
    &namespace::NAMESPACE,
    &app::APP,
    &database::DATABASE,
    &table::TABLE,
    &check::CHECK,
    &drill::DRILL,
];

/// The same kinds as everything holds them that is about an object.
pub static REFS: [KindRef; ALL.len()] = {
    let mut refs = [const { KindRef::Own(&region::REGION) }; ALL.len()];
    let mut at = 0;
    while at < ALL.len() {
        // Constant code can't drop the old value, so it forgets it. The old value owns nothing.
        forget(replace(&mut refs[at], KindRef::Own(ALL[at])));
        at += 1;
    }
    refs
};

/// What apps come to. No spec declares it, so it is not among those that people read about.
pub static OBJECT: KindRef = KindRef::Own(&object::OBJECT);

/// The kind with this name.
#[must_use]
pub fn get(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}
