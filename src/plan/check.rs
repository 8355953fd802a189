//! An independent check of every plan before it may run. It trusts nothing that the planner concluded: it reads only
//! the changes and the steps.

use foldhash::{HashMap, HashSet};

use super::change::Change;
use super::planned::Plan;
use super::schedule::Step;
use crate::action::{Action, Verb};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// Verifies a plan. The invariants: steps form no circle; what is needed is made first; what is used is deleted
/// last; nothing protected is destroyed, nothing is destroyed or made twice; what is blocked has no step; every
/// reference is known or made earlier in the same plan.
#[must_use]
pub fn check(plan: &Plan) -> Diagnostics {
    let mut checker = Checker { plan, diagnostics: Diagnostics::default() };
    match positions(&plan.steps) {
        Some(positions) => {
            checker.order(&positions);
            checker.references(&positions);
        }
        None => checker.violation(None, "its steps wait for each other in a circle"),
    }
    checker.destruction();
    checker.steps();
    checker.diagnostics
}

struct Checker<'a> {
    plan: &'a Plan,
    diagnostics: Diagnostics,
}

impl<'a> Checker<'a> {
    fn violation(&mut self, change: Option<&Change>, what: impl Into<String>) {
        let mut diagnostic = Diagnostic::error(&code::BROKEN_PLAN, what)
            .hint("nothing was done; this is a fault in Atlas, please report it with the spec");
        diagnostic.address = change.map(|change| change.address.clone());
        self.diagnostics.push(diagnostic);
    }

    fn change(&self, step: &Step) -> &'a Change {
        &self.plan.changes[step.change]
    }

    /// The steps with a verb of this sort, by address.
    fn by_address(&self, wanted: impl Fn(Verb) -> bool) -> HashMap<&'a Address, usize> {
        let steps = self.plan.steps.iter().enumerate().filter(|(_, step)| wanted(step.verb));
        steps.map(|(at, step)| (&self.change(step).address, at)).collect()
    }

    /// The steps of a verb that works on what is there, by what they work on.
    fn identities(&self, verb: Verb) -> HashMap<&'a str, usize> {
        let steps = self.plan.steps.iter().enumerate().filter(|(_, step)| step.verb == verb);
        steps.filter_map(|(at, step)| Some((self.change(step).before.as_ref()?.identity.as_str(), at))).collect()
    }

    fn order(&mut self, positions: &[usize]) {
        let makes = self.by_address(|verb| !matches!(verb, Verb::Delete | Verb::Forget));
        let deletes = self.by_address(|verb| verb == Verb::Delete);
        let gone: HashMap<&str, usize> = self.identities(Verb::Delete);
        for (at, step) in self.plan.steps.iter().enumerate() {
            let change = self.change(step);
            if step.verb == Verb::Delete {
                let needs = change.before.iter().filter_map(|before| before.mark.as_ref()).flat_map(|mark| &mark.needs);
                let inside = change.before.iter().flat_map(|before| &before.hosts);
                for host in inside {
                    if gone.get(host.as_str()).is_some_and(|other| positions[*other] < positions[at]) {
                        self.violation(Some(change), format!("`{host}` would be deleted before {}", change.address));
                    }
                }
                for need in needs.chain(&change.hosts) {
                    if deletes.get(need).is_some_and(|other| positions[*other] < positions[at]) {
                        self.violation(Some(change), format!("{need} would be deleted before {}", change.address));
                    }
                }
            } else if step.verb != Verb::Forget {
                let identity = change.after.as_ref().map(|after| after.identity.as_str());
                let old = identity.filter(|_| step.verb == Verb::Create).and_then(|identity| gone.get(identity));
                if old.is_some_and(|old| positions[*old] > positions[at]) {
                    self.violation(Some(change), format!("{} would be made over what is still there", change.address));
                }
                for need in &change.depends_on {
                    if makes.get(need).is_some_and(|other| positions[*other] > positions[at]) {
                        self.violation(Some(change), format!("{} would be made before {need}", change.address));
                    }
                }
            }
        }
    }

    fn references(&mut self, positions: &[usize]) {
        let makes = self.by_address(|verb| !matches!(verb, Verb::Delete | Verb::Forget));
        for (at, step) in
            self.plan.steps.iter().enumerate().filter(|(_, step)| !matches!(step.verb, Verb::Delete | Verb::Forget))
        {
            let change = self.change(step);
            let mut open: Vec<Address> = Vec::new();
            for (_, value) in change.after.iter().flat_map(|after| after.attributes.iter()) {
                value.visit_references(&mut |reference| {
                    if makes.get(&reference.address).is_none_or(|other| positions[*other] > positions[at]) {
                        open.push(reference.address.clone());
                    }
                });
            }
            for address in open {
                let what = format!("{} refers to {address}, which nothing in the plan makes first", change.address);
                self.violation(Some(change), what);
            }
        }
    }

    fn destruction(&mut self) {
        let mut gone: HashSet<&str> = HashSet::default();
        let mut made: HashSet<&str> = HashSet::default();
        for step in &self.plan.steps {
            let change = self.change(step);
            match (step.verb, &change.before, &change.after) {
                (Verb::Delete, Some(before), _) => {
                    if before.mark.as_ref().is_none_or(|mark| mark.protect) {
                        self.violation(Some(change), format!("{} is protected or not ours", change.address));
                    }
                    if !gone.insert(&before.identity) {
                        self.violation(Some(change), format!("`{}` would be deleted twice", before.identity));
                    }
                    if change.verdict.is_none() {
                        self.violation(Some(change), format!("{} would be deleted without a verdict", change.address));
                    }
                }
                (Verb::Create, _, Some(after)) if !made.insert(&after.identity) => {
                    self.violation(Some(change), format!("`{}` would be made twice", after.identity));
                }
                (Verb::Delete, None, _) | (Verb::Create | Verb::Update | Verb::Adopt, _, None) => {
                    self.violation(Some(change), format!("{} has nothing to work on", change.address));
                }
                _ => {}
            }
        }
    }

    fn steps(&mut self) {
        let mut count: HashMap<usize, usize> = HashMap::default();
        for step in &self.plan.steps {
            *count.entry(step.change).or_default() += 1;
        }
        for (at, change) in self.plan.changes.iter().enumerate() {
            let expected = match change.action {
                _ if change.blocked.is_some() => 0,
                Action::NoOp => 0,
                Action::Replace(_) => 2,
                _ => 1,
            };
            if count.get(&at).copied().unwrap_or_default() != expected {
                self.violation(Some(change), format!("{} does not have {expected} steps", change.address));
            }
        }
    }
}

/// The place of each step in one good order; none when there is none.
fn positions(steps: &[Step]) -> Option<Vec<usize>> {
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        for before in &step.after {
            followers.get_mut(*before)?.push(at);
        }
    }
    let mut open: Vec<usize> = (0..steps.len()).filter(|at| waiting[*at] == 0).collect();
    let mut positions = vec![usize::MAX; steps.len()];
    let mut placed = 0;
    while let Some(at) = open.pop() {
        positions[at] = placed;
        placed += 1;
        for next in &followers[at] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                open.push(*next);
            }
        }
    }
    (placed == steps.len()).then_some(positions)
}
