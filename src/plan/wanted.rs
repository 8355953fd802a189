//! What is wanted of resources, as far as what was observed completes it: what an API is asked about before anything is planned.

use super::baseline::Baseline;
use super::diff;
use super::known::Known;
use super::options::Options;
use super::resolve::Resolver as _;
use crate::desired::{Desired, Instance};
use crate::graph::DependencyGraph;
use crate::observed::Observed;
use crate::value::Attributes;

/// The attributes that are wanted of some resources, with all references completed that what was observed completes, and with
/// what is left to others as it is.
#[must_use]
pub fn what_is_wanted(
    desired: &Desired,
    graph: &DependencyGraph,
    observed: &Observed,
    options: &Options,
    of: &[&Instance],
) -> Vec<Attributes> {
    let baseline = Baseline::look(desired, graph, observed, options);
    let known = Known::on(&baseline, desired);
    let wanted = |instance: &&Instance| {
        let mut after = known.resolve(&instance.kind, &instance.attributes).into_owned();
        if let Some(object) = observed.at(&instance.identity) {
            diff::leave_ignored(&instance.kind, &instance.settings, &object.attributes, &mut after);
        }
        after
    };
    of.iter().map(wanted).collect()
}
