//! Unfolding apps and namespaces: each app is rendered with its chart and its values, and what comes of it, and of what the spec says of
//! namespaces, becomes a part of what is desired.

mod apis;
mod completion;
mod delivery;
mod findings;
mod namespaces;
mod rendering;
mod rounds;
mod undecided;

use std::path::Path;
use std::sync::Arc;

use foldhash::HashMap;

use self::apis::BroughtApis;
use self::findings::{
    forgive_siblings, refuse_taken, refuse_unknown, told as fault_told, warn_of_doubled, warn_of_hooks,
};
use self::namespaces::{needs_its_namespace, objects_of_namespace, parts_of_namespaces, taken_names};
use self::rounds::unfolded_apps;
use self::undecided::undecided_among;
use crate::address::Address;
use crate::charts::Charts;
use crate::desired::{ChartSpans, Completion, Desired, Instance};
use crate::diagnostic::Diagnostics;
use crate::identity::Identity;
use crate::render::RenderFault;
use crate::render::objects::Unfolded;

pub(super) use self::rendering::ToldObjects;
pub use self::rendering::{chart_request, plain_texts};
pub(super) use self::undecided::deciders;

/// Makes what the apps of a spec come to a part of it. `base` is the folder of the spec. An app that depends on what nobody knows yet is
/// undecided, and comes to nothing for now.
pub(super) fn unfold(desired: &mut Desired, charts: &mut Charts, base: &Path, diagnostics: &mut Diagnostics) {
    delivery::add_carriers(desired);
    let (mut all, mut last) = (Vec::new(), HashMap::<Address, Vec<Address>>::default());
    let namespaces = taken_names(desired);
    let mut taken = namespaces.clone();
    for namespace in desired.of_kind("namespace") {
        let unfolded = objects_of_namespace(namespace, desired, &mut taken, diagnostics);
        if !unfolded.instances.is_empty() {
            last.insert(namespace.address.clone(), unfolded.last);
            all.extend(unfolded.instances);
        }
    }
    let (nothing, mut brought) = (ToldObjects::default(), BroughtApis::default());
    let mut apps = unfolded_apps(desired.apps(), &mut brought, (desired, &nothing), charts, base);
    forgive_siblings(&mut apps);
    let undecided = undecided_among(&apps, charts, &nothing);
    let completions = HashMap::default();
    let mut sum = Sum { namespaces: &namespaces, brought: &brought, taken, all, last, completions, diagnostics };
    for (spans, app, unfolded) in apps.into_iter().filter(|(_, app, _)| !undecided.contains_key(&app.address)) {
        sum.add(app, spans, unfolded);
    }
    let Sum { mut all, mut last, completions, .. } = sum;
    delivery::order(&mut all, &mut last, desired, &brought);
    desired.undecided = undecided;
    desired.completions = Arc::new(completions);
    desired.add(all, &last);
}

/// Does the same for the apps that were undecided, with what the resources tell by now on which they depend. What nobody can decide even
/// so stays undecided.
pub(super) fn unfold_undecided(
    desired: &mut Desired,
    told: &ToldObjects,
    charts: &mut Charts,
    base: &Path,
    diagnostics: &mut Diagnostics,
) {
    let namespaces = taken_names(desired);
    let mut taken = namespaces.clone();
    let parts = || desired.instances().iter().filter(|one| one.address.parent().is_some());
    taken.extend(parts().map(|object| (object.identity.clone(), object.address.clone())));
    let mut brought = BroughtApis::default();
    brought.add(parts());
    let open = desired.apps().filter(|(_, app)| desired.undecided.contains_key(&app.address));
    let apps = unfolded_apps(open, &mut brought, (desired, told), charts, base);
    let undecided = undecided_among(&apps, charts, told);
    let (all, last) = (Vec::new(), parts_of_namespaces(desired));
    let completions = HashMap::clone(&desired.completions);
    let mut decided = desired.decided.clone();
    let mut sum = Sum { namespaces: &namespaces, brought: &brought, taken, all, last, completions, diagnostics };
    for (spans, app, unfolded) in apps.into_iter().filter(|(_, app, _)| !undecided.contains_key(&app.address)) {
        let by = desired.undecided(&app.address).map(|why| why.by.clone());
        decided.insert(app.address.clone(), by.unwrap_or_default());
        sum.add(app, spans, unfolded);
    }
    let Sum { mut all, mut last, completions, .. } = sum;
    delivery::order(&mut all, &mut last, desired, &brought);
    last.retain(|address, _| address.kind() == "app");
    desired.undecided = undecided;
    desired.decided = decided;
    desired.completions = Arc::new(completions);
    desired.add(all, &last);
}

/// What all apps come to.
struct Sum<'a> {
    namespaces: &'a HashMap<Identity, Address>,
    brought: &'a BroughtApis,
    taken: HashMap<Identity, Address>,
    all: Vec<Instance>,
    /// What no other part of an app or a namespace waits for.
    last: HashMap<Address, Vec<Address>>,
    completions: HashMap<Address, Completion>,
    diagnostics: &'a mut Diagnostics,
}

impl Sum<'_> {
    /// Adds what an app comes to, or says why it can't be rendered.
    fn add(&mut self, app: &Instance, spans: &ChartSpans, unfolded: Result<Unfolded, RenderFault>) {
        let mut unfolded = match unfolded {
            Ok(unfolded) => unfolded,
            Err(fault) => return self.diagnostics.push(fault_told(app, spans, &fault)),
        };
        for object in &mut unfolded.instances {
            needs_its_namespace(object, app, self.namespaces, &self.last);
            self.brought.precede(object);
        }
        warn_of_hooks(app, spans, &unfolded, self.diagnostics);
        warn_of_doubled(app, spans, &unfolded, self.diagnostics);
        refuse_unknown(app, spans, &unfolded, self.diagnostics);
        refuse_taken(app, spans.chart, &unfolded.instances, &mut self.taken, self.diagnostics);
        self.completions.extend(unfolded.completion.map(|completion| (app.address.clone(), completion)));
        self.last.insert(app.address.clone(), unfolded.last);
        self.all.extend(unfolded.instances);
    }
}
