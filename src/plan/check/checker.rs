//! A plan beside what it has to be true to.

use foldhash::{HashMap, HashMapExt as _};

use crate::action::Verb;
use crate::address::Address;
use crate::desired::Desired;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::observed::{Object, Observed};
use crate::plan::change::Change;
use crate::plan::handover::{self, Handover};
use crate::plan::options::Options;
use crate::plan::planned::Plan;
use crate::plan::schedule::Step;
use crate::recorded::Recorded;

/// What a plan breaks.
#[derive(Default)]
pub struct Violations(pub Diagnostics);

/// A plan beside what it has to be true to.
pub struct Checker<'a> {
    pub plan: &'a Plan,
    pub desired: &'a Desired,
    pub recorded: &'a Recorded,
    pub observed: &'a Observed,
    pub options: &'a Options,
    /// The step that makes or changes the object of a resource.
    pub makes: HashMap<&'a Address, usize>,
    /// The step that deletes the object of an identity.
    pub deletes: HashMap<&'a str, usize>,
}

impl Violations {
    pub fn add(&mut self, change: Option<&Change>, what: impl Into<String>) {
        let mut diagnostic = Diagnostic::error(&code::BROKEN_PLAN, what)
            .hint("nothing was done; this is a fault in Atlas, please report it with the spec");
        diagnostic.address = change.map(|change| change.address.clone());
        self.0.push(diagnostic);
    }
}

impl<'a> Checker<'a> {
    pub fn new(
        plan: &'a Plan,
        desired: &'a Desired,
        recorded: &'a Recorded,
        observed: &'a Observed,
        options: &'a Options,
    ) -> Self {
        let mut makes = HashMap::with_capacity(plan.steps.len());
        let mut deletes = HashMap::default();
        for (at, step) in plan.steps.iter().enumerate() {
            let change = &plan.changes[step.change];
            match step.verb {
                Verb::Create | Verb::Update | Verb::Adopt => drop(makes.insert(&change.address, at)),
                Verb::Delete => {
                    if let Some(before) = &change.before {
                        deletes.insert(before.identity.as_str(), at);
                    }
                }
                Verb::Forget => {}
            }
        }
        Self { plan, desired, recorded, observed, options, makes, deletes }
    }

    /// Every step with its change.
    pub fn steps(&self) -> impl Iterator<Item = (usize, &'a Step, &'a Change)> {
        self.plan.steps.iter().enumerate().map(|(at, step)| (at, step, &self.plan.changes[step.change]))
    }

    /// The object that a change works on, as it was observed.
    pub fn object(&self, change: &Change) -> Option<&'a Object> {
        self.observed.at(&change.before.as_ref()?.identity)
    }

    /// Whether one step waits for another one. Steps say so directly.
    pub fn waits(&self, later: usize, earlier: usize) -> bool {
        later == earlier || self.plan.steps[later].after.binary_search(&earlier).is_ok()
    }

    /// Whether this project and environment own an object.
    pub fn ours(&self, object: &Object) -> bool {
        object.belongs_to(&self.desired.project, &self.desired.environment)
    }

    /// Whether what an object made for its app is delivered otherwise from now on.
    pub fn is_handed_over(&self, change: &Change, object: &Object) -> bool {
        handover::of(self.desired, &change.address, object, self.options) == Some(Handover::Spare)
    }

    /// Whether an Argo CD delivered an object until now that its app delivers directly.
    pub fn is_handed_back(&self, change: &Change, object: &Object) -> bool {
        let instance = self.desired.get(&change.address);
        instance.is_some_and(|one| handover::is_handed_back(self.desired, self.observed, one, object))
    }

    /// Whether a run that was interrupted was about to make what is there without a mark.
    pub fn interrupted(&self, object: &Object) -> bool {
        object.mark.is_none() && self.recorded.intended(&object.identity)
    }
}
