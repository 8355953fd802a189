//! Charts, rendered here and by the real Helm, which has to print the same.

mod charts;
mod command;
mod generated;
mod mutations;
mod public_charts;
mod robust;
mod templates;
mod unknown;
mod unknown_templates;

/// The program of Helm; none where the servers of the tests are not there.
fn helm() -> Option<String> {
    crate::cloud::variable("ATLAS_TEST_HELM")
}
