//! What came into a host after its removal was planned: nobody allowed that to be lost.

use foldhash::HashSet;

use super::context::{RunContext, StepError};
use crate::driver::look_for_newcomers;
use crate::identity::Identity;
use crate::mutation::{Mutation, broken};
use crate::observed::Object;

/// How many newcomers an error names.
const NAMED: usize = 3;

/// Refuses the removal of a host in which there is something that the plan did not see. Where nobody could look when the
/// plan was made, that was allowed to be lost by name, whatever it is.
pub async fn refuse(shared: &RunContext, host: &Object) -> Result<(), StepError> {
    let Some(known) = shared.plan.contents.get(&host.identity) else { return Ok(()) };
    if broken(Mutation::OverlookNewcomers) {
        return Ok(());
    }
    let mut found = look_for_newcomers(&shared.sessions, host, known).await?;
    let going = destroyed(shared);
    // What lives in several hosts stays with those that stay, and what is there in any case is only reached through this one.
    found.retain(|object| !object.external && object.hosts.iter().all(|host| is_within(host, &going)));
    if found.is_empty() {
        return Ok(());
    }
    let more = found.len().saturating_sub(NAMED);
    let mut names: Vec<String> = found.iter().take(NAMED).map(|object| format!("`{}`", object.identity)).collect();
    names.extend((more > 0).then(|| format!("{more} more")));
    let text = "came into it after its removal was planned, and would go along with it; plan again to see what is lost";
    Err(StepError::new(format!("{} {text}", names.join(", "))))
}

/// The objects that the plan destroys.
fn destroyed(shared: &RunContext) -> HashSet<&str> {
    let changes = shared.plan.changes.iter().filter(|change| change.acts() && change.action.destroys());
    changes.filter_map(|change| Some(change.before.as_ref()?.identity.as_str())).collect()
}

fn is_within(host: &Identity, going: &HashSet<&str>) -> bool {
    let mut chain = Some(host.as_str());
    while let Some(identity) = chain {
        if going.contains(identity) {
            return true;
        }
        chain = crate::identity::host_of(identity);
    }
    false
}
