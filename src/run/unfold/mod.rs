//! Unfolding apps and namespaces: each app is rendered with its chart and its values, and what comes of it, and of what the spec says of
//! namespaces, becomes a part of what is desired.

mod apis;
mod findings;
mod rendering;

use std::path::Path;

use foldhash::HashMap;

use self::apis::BroughtApis;
use self::findings::{refuse_taken, refuse_unknown, told, warn_of_hooks};
use self::rendering::{looks_at_apis, objects_of};
use crate::address::Address;
use crate::charts::Charts;
use crate::desired::{ChartSpans, Desired, Edge, Instance, TakeOver};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::identity::Identity;
use crate::render::RenderFault;
use crate::render::objects::{self, Unfolded, cluster_of, of_namespace};

pub use self::rendering::{chart_request, plain_texts};

/// How often all apps that look for APIs are gone through: as often as a chain of charts is long of which each brings a definition
/// because another one does.
const ROUNDS: usize = 16;

/// An app of a spec, with what it comes to.
type UnfoldedApp<'d> = (&'d ChartSpans, &'d Instance, Result<Unfolded, RenderFault>);

/// Makes what the apps of a spec come to a part of it. `base` is the folder of the spec.
pub(super) fn unfold(desired: &mut Desired, charts: &mut Charts, base: &Path, diagnostics: &mut Diagnostics) {
    let (mut all, mut last) = (Vec::new(), HashMap::<Address, Vec<Address>>::default());
    let mut taken = taken_names(desired);
    let namespaces = taken.clone();
    for namespace in desired.of_kind("namespace") {
        let unfolded = objects_of_namespace(namespace, desired, &mut taken, diagnostics);
        if !unfolded.instances.is_empty() {
            last.insert(namespace.address.clone(), unfolded.last);
            all.extend(unfolded.instances);
        }
    }
    let (apps, brought) = unfolded_apps(desired, charts, base);
    for (spans, app, unfolded) in apps {
        match unfolded {
            Ok(mut unfolded) => {
                for object in &mut unfolded.instances {
                    needs_its_namespace(object, app, &namespaces, &last);
                    brought.precede(object);
                }
                warn_of_hooks(app, spans, &unfolded, diagnostics);
                refuse_unknown(app, spans, &unfolded, diagnostics);
                refuse_taken(app, spans.chart, &unfolded.instances, &mut taken, diagnostics);
                last.insert(app.address.clone(), unfolded.last);
                all.extend(unfolded.instances);
            }
            Err(fault) => diagnostics.push(told(app, spans, &fault)),
        }
    }
    desired.add(all, &last);
}

/// The apps of a spec with what they come to, and the definitions among that. An app that looks for the APIs of its cluster finds those
/// that other apps bring there. They are rendered one after the other, each over what all others come to by then: of two charts that
/// leave out a definition which is there, one keeps it.
fn unfolded_apps<'d>(desired: &'d Desired, charts: &mut Charts, base: &Path) -> (Vec<UnfoldedApp<'d>>, BroughtApis) {
    let mut apps: Vec<UnfoldedApp<'_>> =
        desired.apps().map(|(spans, app)| (spans, app, objects_of(app, desired, charts, base, &[]))).collect();
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
                _ => objects_of(app, desired, charts, base, &found),
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
