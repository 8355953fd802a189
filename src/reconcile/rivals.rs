//! Who it is that changes back what the loop repairs.

use super::governor::Governor;
use super::situation::{Divergence, Situation};
use crate::address::Address;
use crate::driver::Look;
use crate::run::{Opened, Planned};

/// Of how many resources this is asked in one pass. It takes calls, and is for people only.
const MOST: usize = 8;

/// Names, for what was repaired before and differs again, who else writes it.
pub async fn name(opened: &Opened, planned: &Planned, governor: &Governor, situation: &mut Situation) {
    let contested: Vec<Address> = governor.contested(situation).take(MOST).map(|one| one.address.clone()).collect();
    for address in contested {
        let writers = writers(opened, planned, &address).await;
        if let Some(candidate) = situation.candidates.iter_mut().find(|one: &&mut Divergence| one.address == address) {
            candidate.writers = writers;
        }
    }
}

async fn writers(opened: &Opened, planned: &Planned, address: &Address) -> Vec<String> {
    let change = planned.plan.changes.iter().find(|change| change.address == *address);
    let Some((change, before)) = change.and_then(|change| Some((change, change.before.as_ref()?))) else {
        return Vec::new();
    };
    let hosts = before.hosts.iter().filter_map(|host| planned.observed.at(host));
    hosts.for_each(|host| opened.pipeline.sessions.learn(host.clone()));
    let Ok(session) = opened.pipeline.sessions.keeper(&change.kind, &before.hosts).await else { return Vec::new() };
    let look = Look { kind: &change.kind, identity: &before.identity, wanted: None, evidence: false };
    match session.read(&look).await {
        Ok(Some(seen)) => session.writers(&seen).await,
        _ => Vec::new(),
    }
}
