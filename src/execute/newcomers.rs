//! What came into a host after its removal was planned: nobody allowed that to be lost.

use super::context::{RunContext, StepError};
use crate::driver::look_for_newcomers;
use crate::mutation::{Mutation, broken};
use crate::observed::Object;

/// How many newcomers an error names.
const NAMED: usize = 3;

/// Refuses the removal of a host in which there is something that the plan did not see. A host that nobody could look
/// into was allowed to be lost by name, whatever it holds.
pub async fn refuse(shared: &RunContext, host: &Object) -> Result<(), StepError> {
    let Some(known) = shared.plan.contents.get(&host.identity) else { return Ok(()) };
    if broken(Mutation::OverlookNewcomers) {
        return Ok(());
    }
    let mut found = look_for_newcomers(&shared.sessions, host, known).await?;
    // An external object is only reached through the host.
    found.retain(|object| !object.external);
    if found.is_empty() {
        return Ok(());
    }
    let more = found.len().saturating_sub(NAMED);
    let mut names: Vec<String> = found.iter().take(NAMED).map(|object| format!("`{}`", object.identity)).collect();
    names.extend((more > 0).then(|| format!("{more} more")));
    let text = "came into it after its removal was planned; plan again to see what is lost with it";
    Err(StepError::new(format!("{} {text}", names.join(", "))))
}
