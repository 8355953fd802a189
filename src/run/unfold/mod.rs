//! Unfolding apps and namespaces: each app is rendered with its chart and its values, and what comes of it, and of what the spec says of
//! namespaces, becomes a part of what is desired.

mod apis;
mod findings;
mod rendering;

use std::path::Path;

use foldhash::HashMap;

use self::apis::BroughtApis;
use self::findings::{refuse_taken, refuse_unknown, told, warn_of_hooks};
use self::rendering::{cluster, looks_at_apis, objects_of};
use crate::address::Address;
use crate::charts::Charts;
use crate::desired::{ChartSpans, Desired, Edge, Instance};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::identity::Identity;
use crate::render::RenderFault;
use crate::render::objects::{self, Unfolded, of_namespace};

pub use self::rendering::{chart_request, plain_texts};

/// How often apps are rendered again because others bring definitions that they look for. Each time takes a chart that brings a
/// definition because another one does.
const ROUNDS: usize = 8;

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
/// that other apps bring there.
fn unfolded_apps<'d>(desired: &'d Desired, charts: &mut Charts, base: &Path) -> (Vec<UnfoldedApp<'d>>, BroughtApis) {
    let mut apps: Vec<UnfoldedApp<'_>> =
        desired.apps().map(|(spans, app)| (spans, app, objects_of(app, desired, charts, base, &[]))).collect();
    let mut brought = BroughtApis::default();
    for _ in 0..ROUNDS {
        let mut now = brought.clone();
        apps.iter().filter_map(|(.., unfolded)| unfolded.as_ref().ok()).for_each(|one| now.add(&one.instances));
        let before = std::mem::replace(&mut brought, now);
        if before == brought {
            break;
        }
        for (_, app, unfolded) in &mut apps {
            let Some(cluster) = cluster(app) else { continue };
            let found = brought.on(&cluster, &app.address);
            if found != before.on(&cluster, &app.address) && looks_at_apis(app, charts) {
                *unfolded = objects_of(app, desired, charts, base, &found);
            }
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
        Ok(unfolded) => {
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
