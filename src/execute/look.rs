//! What a step looks at before it acts: what the plan could not see, and what must not have changed since.

use std::sync::{Arc, PoisonError};

use super::context::{RunContext, StepError};
use crate::driver::{Claims, Class, DriverError, Look, Session, Wanted, with_retries};
use crate::identity::Identity;
use crate::kind::KindRef;
use crate::observed::Object;
use crate::plan::{Change, Target};
use crate::value::Attributes;

/// One object as it is now, with what it holds.
pub async fn at(session: &dyn Session, change: &Change, identity: &Identity) -> Result<Option<Object>, StepError> {
    let look = Look { kind: &change.kind, identity, wanted: None, evidence: true };
    Ok(with_retries(|| session.read(&look)).await?.map(|seen| seen.object))
}

/// The object that a deferred step is about to make, if it is there already. Each host is asked once for each kind.
pub async fn inside(
    shared: &RunContext,
    session: &dyn Session,
    kind: &KindRef,
    target: &Target,
    attributes: &Attributes,
) -> Result<Option<Object>, StepError> {
    for host in &target.hosts {
        let cell = {
            let mut all = shared.contents.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry((host.clone(), kind.name)).or_default())
        };
        let list = || async {
            let planned = shared.inside.get(&(host.clone(), kind.name)).into_iter().flatten();
            let planned = planned.filter_map(|at| shared.plan.changes[*at].after.as_ref());
            let mut wanted: Wanted<'_> =
                planned.map(|target| (target.identity.as_str(), Some(&target.attributes))).collect();
            wanted.insert(target.identity.as_str(), Some(attributes));
            let (owner, look) = (shared.sessions.owner(), shared.sessions.next_look());
            let claims = Claims { owner, wanted: &wanted, evidence: false, look, all_but: None };
            let kinds = [kind.clone()];
            let listing = with_retries(|| session.list(&kinds, &claims)).await?;
            if let Some(reason) = listing.unreachable.get(host) {
                return Err(DriverError::new(Class::Unreachable, reason.clone()));
            }
            Ok(listing.objects.into_iter().map(|object| (object.identity.clone(), object)).collect())
        };
        let found = cell.get_or_try_init(list).await?;
        if let Some(object) = found.get(&target.identity) {
            return Ok(Some(object.clone()));
        }
    }
    Ok(None)
}
