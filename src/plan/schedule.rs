//! From changes to steps: which unit of work waits for which.

use foldhash::HashMap;

use super::change::Change;
use super::gate::Gate;
use crate::action::{Action, Order, Verb};
use crate::address::Address;
use crate::render::objects::is_delivery;

/// One unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The change that it belongs to, as an index into the plan's changes.
    pub change: usize,
    /// What it does. A replacement is two steps.
    pub verb: Verb,
    /// The steps that have to succeed before it, as indices, ordered.
    pub after: Vec<usize>,
}

/// Makes the steps of a plan. Changes that are blocked have none. What they wait for is not in order yet.
#[must_use]
pub fn schedule(changes: &[Change]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut makes: HashMap<&Address, usize> = HashMap::default();
    let mut removes: HashMap<&Address, Vec<usize>> = HashMap::default();
    for (at, change) in changes.iter().enumerate().filter(|(_, change)| change.acts()) {
        for verb in verbs(change.action) {
            if verb.removes() {
                for name in names(change) {
                    removes.entry(name).or_default().push(steps.len());
                }
            } else {
                makes.insert(&change.address, steps.len());
            }
            steps.push(Step { change: at, verb: *verb, after: Vec::new() });
        }
    }
    for at in 0..steps.len() {
        let change = &changes[steps[at].change];
        if steps[at].verb.removes() {
            link_removal(at, change, &makes, &removes, &mut steps);
        } else {
            let needs = change.depends_on.iter().filter_map(|need| makes.get(need).copied());
            let mut after: Vec<usize> = needs.collect();
            if change.action == Action::Replace(Order::DeleteFirst) {
                after.extend(removes.get(&change.address).into_iter().flatten().copied());
            }
            steps[at].after.extend(after);
        }
    }
    link_hosts(changes, &mut steps);
    link_former_users(changes, &mut steps);
    link_spared(changes, &mut steps);
    link_identities(changes, &mut steps);
    steps
}

/// What an Argo CD was given goes once Atlas has taken back what was delivered by it: until then it tells which objects those are, also
/// after an interruption. Another Argo CD is given the app only when it is gone, as both would fight over its objects.
fn link_spared(changes: &[Change], steps: &mut [Step]) {
    let app = |at: usize, steps: &[Step]| {
        let app = changes[steps[at].change].address.parent()?;
        Some((app.kind().to_owned(), app.name().to_owned()))
    };
    let is_spared = |step: &Step| step.verb == Verb::Delete && changes[step.change].spares;
    let spared: Vec<usize> = (0..steps.len()).filter(|at| is_spared(&steps[*at])).collect();
    for at in spared {
        let of = app(at, steps);
        for other in (0..steps.len()).filter(|other| !steps[*other].verb.removes()).collect::<Vec<_>>() {
            if app(other, steps) != of {
                continue;
            }
            let after = changes[steps[other].change].after.as_ref();
            match after.is_some_and(|after| is_delivery(&after.attributes)) {
                true => steps[other].after.push(at),
                false => steps[at].after.push(other),
            }
        }
    }
}

/// Puts what each step waits for in order.
pub fn tidy(steps: &mut [Step]) {
    for (at, step) in steps.iter_mut().enumerate() {
        step.after.sort_unstable();
        step.after.dedup();
        step.after.retain(|before| *before != at);
    }
}

/// The steps that wait for each other in a circle, and those that wait for them; none when there is no circle.
pub fn stuck(steps: &[Step], gates: &[Gate]) -> Option<Vec<usize>> {
    let all = steps.len() + gates.len();
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); all];
    for (at, gate) in gates.iter().enumerate().map(|(at, gate)| (at + steps.len(), gate)) {
        waiting.push(gate.after.len());
        gate.after.iter().for_each(|before| followers[*before].push(at));
        gate.before.iter().for_each(|behind| waiting[*behind] += 1);
        followers[at].extend(&gate.before);
    }
    for (at, step) in steps.iter().enumerate() {
        step.after.iter().for_each(|before| followers[*before].push(at));
    }
    let mut open: Vec<usize> = (0..all).filter(|at| waiting[*at] == 0).collect();
    while let Some(at) = open.pop() {
        for next in &followers[at] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                open.push(*next);
            }
        }
    }
    let stuck: Vec<usize> = (0..all).filter(|at| waiting[*at] > 0).collect();
    (!stuck.is_empty()).then_some(stuck)
}

/// A host goes after what was observed in it, whatever a mark says.
fn link_hosts(changes: &[Change], steps: &mut [Step]) {
    let mut deleted: HashMap<&str, usize> = HashMap::default();
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.verb == Verb::Delete) {
        if let Some(before) = changes[step.change].before.as_ref().filter(|_| changes[step.change].kind.hosts_others) {
            deleted.insert(&before.identity, at);
        }
    }
    if deleted.is_empty() {
        return;
    }
    for at in 0..steps.len() {
        let Some(before) = changes[steps[at].change].before.as_ref().filter(|_| steps[at].verb.removes()) else {
            continue;
        };
        for host in before.hosts.iter().filter_map(|host| deleted.get(host.as_str())) {
            steps[*host].after.push(at);
        }
    }
}

/// The addresses under which others know a change's object: its own, and the one that its mark has.
fn names(change: &Change) -> impl Iterator<Item = &Address> {
    let mark = change.before.as_ref().and_then(|before| before.mark.as_ref());
    let former = mark.map(|mark| &mark.address).filter(|address| **address != change.address);
    std::iter::once(&change.address).chain(former)
}

/// Where one object is deleted and another one takes its name, the deletion comes first.
fn link_identities(changes: &[Change], steps: &mut [Step]) {
    let mut gone: HashMap<&str, usize> = HashMap::default();
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.verb == Verb::Delete) {
        if let Some(before) = &changes[step.change].before {
            gone.insert(&before.identity, at);
        }
    }
    for step in steps.iter_mut().filter(|step| step.verb == Verb::Create) {
        let after = changes[step.change].after.as_ref();
        step.after.extend(after.and_then(|after| gone.get(after.identity.as_str())));
    }
}

const fn verbs(action: Action) -> &'static [Verb] {
    match action {
        Action::NoOp => &[],
        Action::Create => &[Verb::Create],
        Action::Update => &[Verb::Update],
        Action::Replace(Order::DeleteFirst) => &[Verb::Delete, Verb::Create],
        Action::Replace(Order::CreateFirst) => &[Verb::Create, Verb::Delete],
        Action::Delete => &[Verb::Delete],
        Action::Adopt => &[Verb::Adopt],
        Action::Forget => &[Verb::Forget],
    }
}

/// A removal waits until nothing uses the object any more: each removed object makes the removal of what it needs wait
/// for its own.
fn link_removal(
    at: usize,
    change: &Change,
    makes: &HashMap<&Address, usize>,
    removes: &HashMap<&Address, Vec<usize>>,
    steps: &mut [Step],
) {
    if change.action == Action::Replace(Order::CreateFirst) {
        steps[at].after.extend(makes.get(&change.address).copied());
    }
    let needs = change.before.iter().filter_map(|before| before.mark.as_ref()).flat_map(|mark| &mark.needs);
    for need in needs.chain(&change.hosts) {
        for other in removes.get(need).into_iter().flatten() {
            steps[*other].after.push(at);
        }
    }
}

/// Lets every removal wait for those that used the object before and are changed so that they no longer do.
fn link_former_users(changes: &[Change], steps: &mut [Step]) {
    let mut removes: HashMap<&Address, Vec<usize>> = HashMap::default();
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.verb.removes()) {
        let change = &changes[step.change];
        if change.action != Action::Replace(Order::DeleteFirst) && !change.spares {
            for name in names(change) {
                removes.entry(name).or_default().push(at);
            }
        }
    }
    let users: Vec<(usize, usize)> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| matches!(step.verb, Verb::Update | Verb::Adopt))
        .flat_map(|(at, step)| {
            let before = changes[step.change].before.iter().filter_map(|before| before.mark.as_ref());
            let needs = before.flat_map(|mark| &mark.needs);
            needs.filter_map(|need| removes.get(need)).flatten().map(move |removal| (*removal, at)).collect::<Vec<_>>()
        })
        .collect();
    for (removal, user) in users {
        steps[removal].after.push(user);
    }
}
