//! What a step looks at before it acts: the plan could not, or it has to be as the plan saw it still.

use std::sync::{Arc, PoisonError};

use foldhash::HashMap;
use tokio::sync::OnceCell;

use super::step::Shared;
use crate::driver::{Class, Driver, DriverError, Query, Wanted, patiently};
use crate::observed::Object;
use crate::plan::{Change, Target};

/// What the contents of one host are, by identity; asked at most once in a run.
pub type Contents = Arc<OnceCell<HashMap<String, Object>>>;

/// One object as it is now.
pub async fn at(driver: &dyn Driver, change: &Change, identity: &str) -> Result<Option<Object>, String> {
    patiently(|| driver.read(change.kind, identity)).await.map_err(|error| error.chain())
}

/// The object that a deferred step is about to make, if it is there already. Each host is asked once.
pub async fn inside(shared: &Shared, driver: &dyn Driver, target: &Target) -> Result<Option<Object>, String> {
    for host in &target.hosts {
        let cell = {
            let mut all = shared.contents.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(host.clone()).or_default())
        };
        let found = cell
            .get_or_try_init(|| async {
                let planned = shared.inside.get(host).into_iter().flatten();
                let planned = planned.filter_map(|at| shared.plan.changes[*at].after.as_ref());
                let wanted: Wanted<'_> =
                    planned.map(|target| (target.identity.as_str(), Some(&target.attributes))).collect();
                let hosts = [host.clone()];
                let query = Query {
                    project: &shared.plan.project,
                    environment: &shared.plan.environment,
                    hosts: Some(&hosts),
                    wanted: &wanted,
                    usage: false,
                };
                let observation = patiently(|| driver.observe(&query)).await?;
                if let Some(reason) = observation.unreachable.get(host) {
                    return Err(DriverError::new(Class::Unreachable, reason.clone()));
                }
                Ok(observation.objects.into_iter().map(|object| (object.identity.clone(), object)).collect())
            })
            .await
            .map_err(|error: DriverError| error.chain())?;
        if let Some(object) = found.get(&target.identity) {
            return Ok(Some(object.clone()));
        }
    }
    Ok(None)
}
