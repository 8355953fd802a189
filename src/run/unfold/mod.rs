//! Unfolding apps and namespaces: each app is rendered with its chart and its values, and what comes of it, and of what the spec says of
//! namespaces, becomes a part of what is desired.

mod apis;
mod findings;
mod rendering;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use foldhash::HashMap;

use self::apis::BroughtApis;
use self::findings::{refuse_taken, refuse_unknown, told, warn_of_hooks};
use self::rendering::{RenderSurroundings, looks_at_apis, objects_of};
use crate::address::Address;
use crate::charts::Charts;
use crate::desired::{ChartSpans, Completion, Desired, Edge, Instance, TakeOver, UndecidedApp};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::identity::Identity;
use crate::kind;
use crate::render::RenderFault;
use crate::render::objects::{self, Unfolded, cluster_of, of_namespace};

pub(super) use self::rendering::KnownOutputs;
pub use self::rendering::{chart_request, plain_texts};

/// How often all apps that look for APIs are gone through: as often as a chain of charts is long of which each brings a definition
/// because another one does.
const ROUNDS: usize = 16;

/// An app of a spec, with what it comes to.
type UnfoldedApp<'d> = (&'d ChartSpans, &'d Instance, Result<Unfolded, RenderFault>);

/// Makes what the apps of a spec come to a part of it. `base` is the folder of the spec. An app that depends on what nobody knows yet is
/// undecided, and comes to nothing for now.
pub(super) fn unfold(desired: &mut Desired, charts: &mut Charts, base: &Path, diagnostics: &mut Diagnostics) {
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
    let (apps, brought) = unfolded_apps(desired, charts, base);
    let mut undecided = BTreeMap::new();
    let completions = HashMap::default();
    let mut sum = Sum { namespaces: &namespaces, brought: &brought, taken, all, last, completions, diagnostics };
    for (spans, app, unfolded) in apps {
        match unfolded {
            Err(fault) if fault.unknown => drop(undecided.insert(app.address.clone(), why_undecided(app, &fault))),
            unfolded => sum.add(app, spans, unfolded),
        }
    }
    let Sum { all, last, completions, .. } = sum;
    desired.undecided = undecided;
    desired.completions = Arc::new(completions);
    desired.add(all, &last);
}

/// Does the same for the apps that were undecided, with what the resources tell by now on which they depend. What nobody can decide even
/// so stays undecided.
pub(super) fn unfold_undecided(
    desired: &mut Desired,
    told: &KnownOutputs,
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
    let (mut undecided, all) = (BTreeMap::new(), Vec::new());
    let (last, references) = (parts_of_namespaces(desired), OnceCell::new());
    let completions = HashMap::clone(&desired.completions);
    let mut sum = Sum { namespaces: &namespaces, brought: &brought, taken, all, last, completions, diagnostics };
    for (spans, app) in desired.apps().filter(|(_, app)| desired.undecided.contains_key(&app.address)) {
        let apis = cluster_of(&app.identity).map(|cluster| brought.on(&cluster, &app.address)).unwrap_or_default();
        match objects_of(app, desired, charts, base, &RenderSurroundings { apis: &apis, told, references: &references })
        {
            Err(fault) if fault.unknown => drop(undecided.insert(app.address.clone(), why_undecided(app, &fault))),
            unfolded => sum.add(app, spans, unfolded),
        }
    }
    let Sum { all, mut last, completions, .. } = sum;
    last.retain(|address, _| address.kind() == "app");
    desired.undecided = undecided;
    desired.completions = Arc::new(completions);
    desired.add(all, &last);
}

/// The resources on which it depends what an app comes to: those to which its values refer.
pub(super) fn deciders(app: &Instance) -> BTreeSet<Address> {
    let mut all = BTreeSet::new();
    app.attributes.get("values").visit_references(&mut |reference| {
        all.insert(reference.address.clone());
    });
    all
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
            Err(fault) => return self.diagnostics.push(told(app, spans, &fault)),
        };
        for object in &mut unfolded.instances {
            needs_its_namespace(object, app, self.namespaces, &self.last);
            self.brought.precede(object);
        }
        warn_of_hooks(app, spans, &unfolded, self.diagnostics);
        refuse_unknown(app, spans, &unfolded, self.diagnostics);
        refuse_taken(app, spans.chart, &unfolded.instances, &mut self.taken, self.diagnostics);
        self.completions.extend(unfolded.completion.map(|completion| (app.address.clone(), completion)));
        self.last.insert(app.address.clone(), unfolded.last);
        self.all.extend(unfolded.instances);
    }
}

/// Why nobody can tell yet what an app comes to.
fn why_undecided(app: &Instance, fault: &RenderFault) -> UndecidedApp {
    let all = deciders(app);
    let said: Vec<Address> = all.iter().filter(|one| fault.what.contains(one.as_str())).cloned().collect();
    let by = if said.is_empty() { all.into_iter().collect() } else { said };
    let place = match (&fault.file, fault.line) {
        (Some(file), Some(line)) => format!(" (line {line} of {file})"),
        (Some(file), None) => format!(" ({file})"),
        _ => String::new(),
    };
    UndecidedApp {
        by,
        reason: format!("decides what the app comes to{place}, and is not there yet; apply again once it is"),
    }
}

/// What of a namespace other objects wait for: all of it.
fn parts_of_namespaces(desired: &Desired) -> HashMap<Address, Vec<Address>> {
    let mut parts: HashMap<Address, Vec<Address>> = HashMap::default();
    for object in desired.of_kind(kind::OBJECT.name) {
        if let Some(namespace) = object.address.parent().filter(|parent| parent.kind() == "namespace") {
            parts.entry(namespace).or_default().push(object.address.clone());
        }
    }
    parts
}

/// The apps of a spec with what they come to, and the definitions among that. An app that looks for the APIs of its cluster finds those
/// that other apps bring there. They are rendered one after the other, each over what all others come to by then: of two charts that
/// leave out a definition which is there, one keeps it.
fn unfolded_apps<'d>(desired: &'d Desired, charts: &mut Charts, base: &Path) -> (Vec<UnfoldedApp<'d>>, BroughtApis) {
    let (nothing, references) = (KnownOutputs::default(), OnceCell::new());
    let alone = RenderSurroundings { apis: &[], told: &nothing, references: &references };
    let mut apps: Vec<UnfoldedApp<'_>> =
        desired.apps().map(|(spans, app)| (spans, app, objects_of(app, desired, charts, base, &alone))).collect();
    let mut brought = BroughtApis::default();
    apps.iter().filter_map(|(.., unfolded)| unfolded.as_ref().ok()).for_each(|one| brought.add(&one.instances));
    if brought.is_empty() {
        return (apps, brought);
    }
    let lookers: Vec<usize> = (0..apps.len()).filter(|at| looks_at_apis(apps[*at].1, charts)).collect();
    let mut known: HashMap<usize, Vec<String>> = HashMap::default();
    for round in 0..=ROUNDS {
        let mut is_settled = true;
        for at in &lookers {
            let (_, app, unfolded) = &mut apps[*at];
            let Some(cluster) = cluster_of(&app.identity) else { continue };
            let found = brought.on(&cluster, &app.address);
            if known.get(at).map_or(found.is_empty(), |before| *before == found) {
                continue;
            }
            is_settled = false;
            brought.remove(&cluster, &app.address);
            *unfolded = match round {
                ROUNDS => Err(RenderFault::new(
                    "it looks for APIs that other apps bring, and they for its own, so that nobody can tell which of them are there; say \
                     `api_versions`, or give one of the charts a value that decides",
                )),
                _ => objects_of(app, desired, charts, base, &RenderSurroundings { apis: &found, ..alone }),
            };
            if let Ok(one) = unfolded {
                brought.add(&one.instances);
            }
            known.insert(*at, found);
        }
        if is_settled {
            break;
        }
    }
    (apps, brought)
}

/// What a namespace comes to by what the spec says of it.
fn objects_of_namespace(
    namespace: &Instance,
    desired: &Desired,
    taken: &mut HashMap<Identity, Address>,
    diagnostics: &mut Diagnostics,
) -> Unfolded {
    let objects = of_namespace(&namespace.attributes, namespace.object_name());
    let span = namespace.declaration.header;
    match objects::unfold(namespace, objects, &desired.kinds) {
        Ok(mut unfolded) => {
            // The spec makes all of it again, so what protects the namespace does not keep a right from being taken back. Whatever of it
            // another one declares too is the spec's, as everything is that a namespace says of itself.
            for object in &mut unfolded.instances {
                object.settings.protect = false;
                object.settings.fields.take_over = TakeOver::Everything;
            }
            refuse_taken(namespace, span, &unfolded.instances, taken, diagnostics);
            unfolded
        }
        Err(fault) => {
            let diagnostic = Diagnostic::error(&code::TWO_WITH_ONE_OBJECT, fault.to_string()).at(span);
            diagnostics.push(diagnostic.hint("give one of the two another name").of(&namespace.address));
            Unfolded::default()
        }
    }
}

/// The objects on clusters that resources stand for already, each with the resource. A namespace is an object as well.
fn taken_names(desired: &Desired) -> HashMap<Identity, Address> {
    let namespaces = desired.of_kind("namespace").filter_map(|one| {
        let cluster = one.identity.host()?;
        Some((cluster.object("Namespace", None, one.object_name()), one.address.clone()))
    });
    namespaces.collect()
}

/// Lets an object wait for the namespace of the spec that it is in, where that is not its app's.
fn needs_its_namespace(
    object: &mut Instance,
    app: &Instance,
    namespaces: &HashMap<Identity, Address>,
    last: &HashMap<Address, Vec<Address>>,
) {
    let namespace = object.attributes.get("namespace").as_str();
    let cluster = object.identity.host();
    let of =
        namespace.zip(cluster).and_then(|(name, cluster)| namespaces.get(&cluster.object("Namespace", None, name)));
    if let Some(namespace) = of.filter(|namespace| !app.hosts.contains(namespace)) {
        let span = object.declaration.header;
        for to in std::iter::once(namespace).chain(last.get(namespace).into_iter().flatten()).cloned() {
            object.references.push(Edge { to, attribute: "depends_on".into(), span, blocks: true });
        }
    }
}
