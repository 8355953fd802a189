//! Where a run acts: what a person has to see before saying yes.

use std::collections::BTreeSet;
use std::fmt;

use crate::desired::{Desired, WorldChoice};
use crate::observed::Observed;

/// Where a run acts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The world.
    pub world: WorldChoice,
    /// The accounts of the regions that were seen; the sandbox has none.
    pub accounts: BTreeSet<String>,
}

impl Destination {
    /// Where a spec is, as far as what was observed tells.
    #[must_use]
    pub fn of(desired: &Desired, observed: &Observed) -> Self {
        let regions = desired.of_kind("region").filter(|_| desired.world == WorldChoice::Real);
        let seen = regions.filter_map(|region| observed.at(&region.identity));
        Self {
            project: desired.project.clone(),
            environment: desired.environment.clone(),
            world: desired.world,
            accounts: seen.filter_map(|region| region.outputs.get("account")).cloned().collect(),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "project `{}`, environment `{}`", self.project, self.environment)?;
        let accounts: Vec<&str> = self.accounts.iter().map(String::as_str).collect();
        match (self.world, accounts.as_slice()) {
            (WorldChoice::Sandbox, _) => f.write_str(" (sandbox)"),
            (WorldChoice::Real, []) => f.write_str(" (real world)"),
            (WorldChoice::Real, [one]) => write!(f, " (real world, account {one})"),
            (WorldChoice::Real, all) => write!(f, " (real world, accounts {})", all.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Destination;
    use crate::desired::WorldChoice;

    #[test]
    fn it_says_where_as_far_as_that_is_known() {
        let of = |world, accounts: &[&str]| {
            let accounts = accounts.iter().map(|one| (*one).to_owned()).collect();
            Destination { project: "p".into(), environment: "e".into(), world, accounts }.to_string()
        };
        assert_eq!(of(WorldChoice::Sandbox, &[]), "project `p`, environment `e` (sandbox)");
        assert_eq!(of(WorldChoice::Real, &[]), "project `p`, environment `e` (real world)");
        assert_eq!(of(WorldChoice::Real, &["1"]), "project `p`, environment `e` (real world, account 1)");
        assert_eq!(of(WorldChoice::Real, &["2", "1"]), "project `p`, environment `e` (real world, accounts 1, 2)");
    }
}
