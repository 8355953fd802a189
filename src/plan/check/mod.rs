//! An independent check of every plan before it may run. It trusts nothing that the planner wrote about the spec or the
//! world: what must hold is derived anew from [`Desired`] and [`Observed`], and compared with the changes and the steps.
//!
//! | file | what must hold | derived from |
//! |---|---|---|
//! | `steps` | each change has its steps, they form no circle, every resource is accounted for | the spec |
//! | `made` | what is made is what the spec says, what it needs is there or made first | the spec, observed identities |
//! | `ownership` | nothing is touched that is somebody else's, and nothing that can't be looked at | observed marks, what is unreachable |
//! | `removed` | nothing protected or wanted goes, hosts go last, verdicts are what was observed | observed marks, hosts and usage |
//! | `exclusive` | who gives something up goes before who takes it | what the kinds claim, spec and observed |
//!
//! It costs as much as there are changes and steps. Only a plan that removes something, or that takes a port or a name, is
//! compared with everything that was observed.

mod checker;
mod exclusive;
mod made;
mod ownership;
mod removed;
mod steps;

use checker::{Checker, Violations};

use super::options::Options;
use super::planned::Plan;
use crate::desired::Desired;
use crate::diagnostic::Diagnostics;
use crate::observed::Observed;
use crate::recorded::Recorded;

/// Verifies a plan against what is desired, recorded and observed. Every violation is an error.
#[must_use]
pub fn check(
    plan: &Plan,
    desired: &Desired,
    recorded: &Recorded,
    observed: &Observed,
    options: &Options,
) -> Diagnostics {
    let mut violations = Violations::default();
    steps::shape(plan, desired, options, &mut violations);
    if !violations.0.has_errors() {
        let checker = Checker::new(plan, desired, recorded, observed, options);
        ownership::check(&checker, &mut violations);
        made::check(&checker, &mut violations);
        removed::check(&checker, &mut violations);
        exclusive::check(&checker, &mut violations);
    }
    violations.0
}
