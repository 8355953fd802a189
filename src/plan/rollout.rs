//! Rollouts: an app goes from batch to batch of its clusters, and each batch waits until the one before it is in order, and has
//! been for a while.
//!
//! Between two batches stands one gate: all steps of the one go before it, and all of the other behind it. So the cost is the
//! number of steps, and not the product of both.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::change::{Blocked, Change};
use super::gate::{Gate, WatchedObject};
use super::schedule::Step;
use crate::action::{Action, Cause};
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::kind::{Places, duration};
use crate::render::objects::is_awaited;
use crate::value::Value;

/// The batches of one app, in their order.
struct Rollout<'a> {
    batches: Vec<Vec<&'a Instance>>,
    pause: u64,
}

/// The batches of every app that has some, and where each of their apps is among them.
struct Rollouts<'a> {
    all: Vec<Rollout<'a>>,
    /// The position of the rollout and of the batch of each app.
    places: HashMap<&'a Address, (usize, usize)>,
}

impl<'a> Rollouts<'a> {
    fn of(desired: &'a Desired) -> Self {
        let mut by_block: BTreeMap<usize, Vec<(usize, &Instance)>> = BTreeMap::new();
        for (spans, app) in desired.apps().filter(|(_, app)| !app.attributes.get("rollout").is_null()) {
            by_block.entry(app.declaration.block).or_default().push((spans.position, app));
        }
        let mut rollouts = Self { all: Vec::new(), places: HashMap::default() };
        for mut apps in by_block.into_values() {
            apps.sort_by_key(|(position, _)| *position);
            let said = apps[0].1.attributes.get("rollout");
            let most = match said.at("max_clusters") {
                Some(Value::Int(most)) => usize::try_from(*most).unwrap_or(1).max(1),
                _ => 1,
            };
            let pause = said.at("pause").and_then(Value::as_str).and_then(|text| duration::parse(text).ok());
            let batches: Vec<Vec<&Instance>> =
                apps.chunks(most).map(|batch| batch.iter().map(|(_, app)| *app).collect()).collect();
            for (at, batch) in batches.iter().enumerate() {
                rollouts.places.extend(batch.iter().map(|app| (&app.address, (rollouts.all.len(), at))));
            }
            rollouts.all.push(Rollout { batches, pause: pause.unwrap_or_default() });
        }
        rollouts
    }

    /// The rollout and the batch that an app, or an object of it, belongs to.
    fn place(&self, address: &Address) -> Option<(usize, usize)> {
        match address.parent() {
            Some(app) => self.places.get(&app).copied(),
            None => self.places.get(address).copied(),
        }
    }
}

/// Whether a change is a part of what is rolled out, and no repair. A repair makes what was there again: what was last applied to the
/// object that drifted, or what is gone. What is gone counts as new where nobody remembers it: of an app whose chart and values are as
/// they were applied, it is gone.
fn is_rolled_out(change: &Change, desired: &Desired, changed: &HashSet<Address>) -> bool {
    let app = change.address.parent().and_then(|app| desired.get(&app));
    let is_gone = change.action == Action::Create
        && app.is_some_and(|app| !app.attributes.get("chart").is_null() && !changed.contains(&app.address));
    let was = change.before.as_ref().and_then(|before| before.mark.as_ref()).map(|mark| &mark.applied);
    let will = change.after.as_ref().map(|after| after.applied(&after.attributes));
    match change.cause {
        _ if is_gone => false,
        Cause::Drift => was.is_none() || was != will.as_ref(),
        Cause::Missing => false,
        _ => true,
    }
}

/// The apps that change themselves.
fn changed_apps(changes: &[Change]) -> HashSet<Address> {
    changes.iter().filter(|change| change.kind.name == "app").map(|change| change.address.clone()).collect()
}

/// Lets what is behind a batch wait for another run, where a part of that batch does. What only drifted is brought back all the
/// same.
pub fn hold(changes: &mut [Change], desired: &Desired) {
    let rollouts = Rollouts::of(desired);
    let mut first: HashMap<usize, (usize, Blocked)> = HashMap::default();
    for change in changes.iter() {
        let (Some((rollout, batch)), Some(blocked)) = (rollouts.place(&change.address), &change.blocked) else {
            continue;
        };
        let known = first.entry(rollout).or_insert_with(|| (batch, blocked.clone()));
        if batch < known.0 {
            *known = (batch, blocked.clone());
        }
    }
    if first.is_empty() {
        return;
    }
    let changed = changed_apps(changes);
    let mut missing: HashSet<Address> = HashSet::default();
    for change in changes.iter_mut().filter(|change| change.acts()) {
        let held = rollouts.place(&change.address).filter(|_| is_rolled_out(change, desired, &changed));
        let held = held.and_then(|(rollout, batch)| first.get(&rollout).filter(|(held, _)| batch > *held));
        let need = change.depends_on.iter().chain(&change.hosts).find(|need| missing.contains(*need));
        let blocked = match (held, need) {
            (Some((_, blocked)), _) => blocked.clone(),
            (None, Some(need)) if change.action.makes() => {
                Blocked { by: need.clone(), reason: "waits for clusters before it".to_owned() }
            }
            _ => continue,
        };
        if held.is_some() || matches!(change.action, Action::Create | Action::Replace(_)) {
            missing.insert(change.address.clone());
        }
        change.block(blocked);
    }
}

/// The gates between the steps of batches.
pub fn gates(changes: &[Change], steps: &[Step], desired: &Desired) -> Vec<Gate> {
    let rollouts = Rollouts::of(desired);
    if rollouts.places.is_empty() || steps.is_empty() {
        return Vec::new();
    }
    let changed = changed_apps(changes);
    // By rollout and batch: all steps, and those that wait.
    let mut own: BTreeMap<(usize, usize), (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        let change = &changes[step.change];
        let Some(place) = rollouts.place(&change.address) else { continue };
        let (all, waiting) = own.entry(place).or_default();
        all.push(at);
        waiting.extend(is_rolled_out(change, desired, &changed).then_some(at));
    }
    let mut gates = Vec::new();
    let mut places: HashMap<(usize, usize), Vec<usize>> = HashMap::default();
    for (rollout, Rollout { batches, pause }) in rollouts.all.iter().enumerate() {
        let mut former = 0;
        for batch in 1..batches.len() {
            let waiting = own.get(&(rollout, batch)).map(|(_, waiting)| waiting.clone()).unwrap_or_default();
            if waiting.is_empty() {
                continue;
            }
            let steps_of = |batch: usize| own.get(&(rollout, batch)).map(|(all, _)| all.as_slice()).unwrap_or_default();
            // What stands directly before it has to be in order, and whatever is done in this run since the gate before.
            let watched = (former..batch).filter(|one| *one + 1 == batch || !steps_of(*one).is_empty());
            let clusters = |batch: usize| batches[batch].iter().filter_map(|app| app.place()).map(str::to_owned);
            let first = batches[batch - 1][0];
            for one in watched.clone() {
                places.entry((rollout, one)).or_default().push(gates.len());
            }
            gates.push(Gate {
                app: first.address.clone(),
                former: watched.flat_map(clusters).collect(),
                next: clusters(batch).collect(),
                pause: *pause,
                limit: first.settings.timeout,
                after: (former..batch).flat_map(steps_of).copied().collect(),
                before: waiting,
                watched: Vec::new(),
            });
            former = batch;
        }
    }
    watch(&mut gates, &places, &rollouts, desired);
    gates
}

/// Tells each gate what it has to look at. What nobody waits for when it is applied is not watched either.
fn watch(gates: &mut [Gate], places: &HashMap<(usize, usize), Vec<usize>>, rollouts: &Rollouts<'_>, desired: &Desired) {
    if gates.is_empty() {
        return;
    }
    let objects = desired.objects().filter(|one| one.kind.places == Places::Rendered && is_awaited(&one.attributes));
    for object in objects {
        let at = rollouts.place(&object.address).and_then(|place| places.get(&place));
        for gate in at.into_iter().flatten() {
            let hosts = object.hosts.iter().filter_map(|host| Some(desired.get(host)?.identity.clone()));
            gates[*gate].watched.push(WatchedObject {
                address: object.address.clone(),
                kind: object.kind.clone(),
                identity: object.identity.clone(),
                hosts: hosts.collect(),
            });
        }
    }
}
