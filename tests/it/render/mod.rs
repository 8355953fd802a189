//! Charts, rendered here and by the real Helm, which has to print the same.

mod charts;
mod command;
mod generated;
mod mutations;
mod project;
mod public_charts;
mod robust;
mod templates;
mod unknown;
mod unknown_templates;

/// The number that a variable of the environment says, or the usual one.
fn number(name: &str, usual: u64) -> u64 {
    crate::simulation::number(name).unwrap_or(usual)
}

/// The program of Helm; none where the servers of the tests are not there.
pub fn helm() -> Option<String> {
    crate::cloud::variable("ATLAS_TEST_HELM")
}
