//! The stages of a run in their order, over the world: what the calls of a run, and the tests of single stages, are made of.

use crate::action::Cause;
use crate::desired::Desired;
use crate::diagnostic::Diagnostics;
use crate::driver::{self, DriverError, Registry, Sessions};
use crate::execute::{Execution, Report, execute};
use crate::graph::{self, DependencyGraph};
use crate::identity::Identity;
use crate::kind::{Count, Kind, KindRef, Usage};
use crate::observed::{Observed, Owner};
use crate::plan::{self, Change, Options, Plan, is_gone};
use crate::recorded::{Inventory, Recorded};

/// One spec in one environment, with the drivers of its world.
pub struct Pipeline {
    /// What the spec asks for.
    pub desired: Desired,
    /// What needs what.
    pub graph: DependencyGraph,
    /// The drivers on the hosts that were seen so far.
    pub sessions: Sessions,
}

impl Pipeline {
    /// Builds the graph of a spec.
    ///
    /// # Errors
    /// When resources need each other in a circle, or a kind has no driver in this world.
    pub fn new(desired: Desired, registry: Registry) -> Result<Self, Diagnostics> {
        let graph = graph::build(&desired)?;
        let missing = registry.missing(&desired);
        if missing.has_errors() {
            return Err(missing);
        }
        let owner = Owner::new(&desired.project, &desired.environment);
        let sessions = Sessions::new(registry, owner, desired.kinds.clone());
        Ok(Self { desired, graph, sessions })
    }

    /// Observes everything that answers.
    ///
    /// # Errors
    /// When a driver can't be asked at all.
    pub async fn observe(&self, recorded: &Recorded) -> Result<Observed, DriverError> {
        driver::observe(&self.sessions, &self.desired, recorded, false).await
    }

    /// Observes and plans. What would be removed is looked into, so that its verdict has evidence.
    ///
    /// # Errors
    /// When a driver can't be asked at all.
    pub async fn look_and_plan(&self, recorded: &Recorded, options: &Options) -> Result<(Observed, Plan), DriverError> {
        // Most plans remove nothing, and to look into everything is costly. So it is done here only where a removal is
        // certain.
        let usage = options.destroy || !options.replace.is_empty();
        let mut observed = driver::observe(&self.sessions, &self.desired, recorded, usage).await?;
        driver::preview(&self.sessions, &self.desired, &self.graph, options, &mut observed).await;
        let plan = self.plan(recorded, &observed, options);
        let removed: Vec<(KindRef, Identity)> = plan
            .changes
            .iter()
            .filter(|change| change.verdict.is_some() && change.blocked.is_none())
            .filter_map(|change| Some((change.kind.clone(), change.before.as_ref()?.identity.clone())))
            .filter(|(kind, identity)| observed.at(identity).is_some_and(|object| lacks_usage(kind, &object.usage)))
            .collect();
        let foreign = driver::look_for_foreign_objects(&self.sessions, &hosts_that_go(&plan), &mut observed).await;
        let counted = driver::look_into(&self.sessions, &removed, &mut observed).await;
        if !foreign && !counted {
            return Ok((observed, plan));
        }
        let plan = self.plan(recorded, &observed, options);
        Ok((observed, plan))
    }

    /// What earlier runs left open and still is, after a look at the world.
    pub async fn still_open(&self, recorded: &Recorded, observed: &Observed) -> Recorded {
        driver::still_open(&self.sessions, recorded, observed, &self.desired).await
    }

    /// Plans, and lets the independent checker look at the result.
    #[must_use]
    pub fn plan(&self, recorded: &Recorded, observed: &Observed, options: &Options) -> Plan {
        // What was intended in another account says nothing of what is there in this one.
        let here = (!recorded.pending.is_empty()).then(|| recorded.split(observed).0);
        let recorded = here.as_ref().unwrap_or(recorded);
        let mut plan = plan::plan(&self.desired, &self.graph, recorded, observed, options);
        if !plan.diagnostics.has_errors() {
            let found = plan::check(&plan, &self.desired, recorded, observed, options);
            plan.diagnostics.append(found);
        }
        plan
    }

    /// Carries out a plan.
    pub async fn apply(&self, plan: Plan, execution: Execution) -> Report {
        execute(plan, self.sessions.clone(), execution).await
    }
}

/// The hosts that a plan destroys.
fn hosts_that_go(plan: &Plan) -> Vec<Identity> {
    let destroys = |change: &&Change| change.acts() && change.action.destroys() && change.kind.hosts_others;
    let hosts = plan.changes.iter().filter(destroys).filter_map(|change| change.before.as_ref());
    hosts.map(|before| before.identity.clone()).collect()
}

/// What moved behind Atlas's back: objects that are not as it last made them, and objects that are gone.
#[must_use]
pub fn drift(plan: &Plan, inventory: &Inventory) -> Vec<Change> {
    let moved = |change: &Change| match change {
        change if is_gone(change, inventory) => Some(Change { cause: Cause::Missing, ..change.clone() }),
        change => change.attributes.iter().any(|attribute| attribute.drift.is_some()).then(|| change.clone()),
    };
    plan.changes.iter().filter_map(moved).collect()
}

/// Whether an object was not counted, or only as far as a listing counts: then growth behind that bound would go unnoticed.
fn lacks_usage(kind: &Kind, usage: &Usage) -> bool {
    let counted = |counter: &&str| matches!(usage.get(*counter), Some(Count::Exactly(_) | Count::Unknown));
    !kind.usage.iter().all(counted)
}
