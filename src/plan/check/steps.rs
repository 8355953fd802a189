//! Each change has its steps, in their order; steps form no circle; every resource of the spec is accounted for.

use foldhash::{HashMap, HashSet, HashSetExt as _};

use super::checker::Violations;
use crate::action::Verb;
use crate::action::{Action, Order};
use crate::address::Address;
use crate::desired::Desired;
use crate::plan::change::Change;
use crate::plan::options::Options;
use crate::plan::planned::Plan;
use crate::plan::schedule::stuck;

/// What has to hold before anything else can be asked of a plan.
pub fn shape(plan: &Plan, desired: &Desired, options: &Options, violations: &mut Violations) {
    if (plan.project.as_str(), plan.environment.as_str()) != (desired.project.as_str(), desired.environment.as_str()) {
        violations.add(None, "it is for another project or environment than the spec");
    }
    let within = |at: &usize| *at < plan.steps.len();
    let sound = |step: &crate::plan::schedule::Step| step.change < plan.changes.len() && step.after.iter().all(within);
    if !plan.steps.iter().all(sound) {
        violations.add(None, "a step names a change or a step that is not there");
        return;
    }
    if !plan.steps.iter().all(|step| step.after.is_sorted()) {
        violations.add(None, "what a step waits for is not in order");
    }
    let behind = |gate: &crate::plan::gate::Gate| gate.after.iter().chain(&gate.before).all(within);
    if !plan.gates.iter().all(behind) {
        violations.add(None, "a gate names a step that is not there");
        return;
    }
    if stuck(&plan.steps, &plan.gates).is_some() {
        violations.add(None, "its steps wait for each other in a circle");
    }
    each_has_its_own(plan, violations);
    all_are_told(plan, desired, options, violations);
}

/// The verbs that a change takes.
fn verbs(change: &Change) -> &'static [Verb] {
    match change.action {
        _ if change.blocked.is_some() => &[],
        Action::NoOp => &[],
        Action::Create => &[Verb::Create],
        Action::Update => &[Verb::Update],
        Action::Replace(_) => &[Verb::Delete, Verb::Create],
        Action::Delete => &[Verb::Delete],
        Action::Adopt => &[Verb::Adopt],
        Action::Forget => &[Verb::Forget],
    }
}

/// How many steps of each verb, in the order of [`Verb`].
type StepCounts = [u8; 5];

fn each_has_its_own(plan: &Plan, violations: &mut Violations) {
    let mut counts: Vec<StepCounts> = vec![StepCounts::default(); plan.changes.len()];
    for step in &plan.steps {
        let count = &mut counts[step.change][step.verb as usize];
        *count = count.saturating_add(1);
    }
    for (change, has) in plan.changes.iter().zip(&counts) {
        let mut expected = StepCounts::default();
        verbs(change).iter().for_each(|verb| expected[*verb as usize] += 1);
        if *has != expected {
            let what = format!("{} has the steps [{}], and takes [{}]", change.address, words(has), words(&expected));
            violations.add(Some(change), what);
        }
    }
    replaced_in_order(plan, violations);
}

fn words(counts: &StepCounts) -> String {
    let verbs = [Verb::Create, Verb::Update, Verb::Delete, Verb::Adopt, Verb::Forget];
    let all = verbs.into_iter().flat_map(|verb| std::iter::repeat_n(verb.word(), usize::from(counts[verb as usize])));
    all.collect::<Vec<_>>().join(" and ")
}

/// Of the two steps of a replacement the one waits for the other as its order says.
fn replaced_in_order(plan: &Plan, violations: &mut Violations) {
    let mut own: HashMap<usize, [Option<usize>; 2]> = HashMap::default();
    for (at, step) in plan.steps.iter().enumerate() {
        if matches!(plan.changes[step.change].action, Action::Replace(_)) {
            own.entry(step.change).or_default()[usize::from(step.verb != Verb::Delete)] = Some(at);
        }
    }
    for (change, steps) in own {
        let change = &plan.changes[change];
        let (Action::Replace(order), [Some(delete), Some(create)]) = (change.action, steps) else { continue };
        let (later, earlier) = if order == Order::DeleteFirst { (create, delete) } else { (delete, create) };
        if !plan.steps[later].after.contains(&earlier) {
            violations.add(Some(change), format!("the two steps of {} are in no order", change.address));
        }
    }
}

/// Nothing of the spec is left out or told twice, where all of it was asked for.
fn all_are_told(plan: &Plan, desired: &Desired, options: &Options, violations: &mut Violations) {
    let mut told: HashSet<&Address> = HashSet::with_capacity(plan.changes.len());
    for change in plan.changes.iter().filter(|change| change.span.is_some() && change.action != Action::Delete) {
        if !told.insert(&change.address) {
            violations.add(Some(change), format!("{} has two changes", change.address));
        }
    }
    let whole = options.targets.is_empty() && options.excludes.is_empty() && !options.destroy && !options.exact;
    if !whole {
        return;
    }
    let resources = desired.objects().count();
    let known = told.len();
    if known + plan.unchanged != resources {
        let what = format!(
            "it has {known} resources with a change and {} without, and the spec has {resources}",
            plan.unchanged
        );
        violations.add(None, what);
    }
}
