//! Rendering all apps, until each has seen the APIs that the others bring.

use std::cell::OnceCell;
use std::path::Path;

use foldhash::HashMap;

use super::apis::BroughtApis;
use super::delivery;
use super::rendering::{RenderSurroundings, ToldObjects, looks_at_apis, objects_of};
use crate::charts::Charts;
use crate::desired::{ArgoDelivery, ChartSpans, Desired, Instance};
use crate::render::RenderFault;
use crate::render::objects::{self, Unfolded, cluster_of};

/// How often all apps that look for APIs are gone through: as often as a chain of charts is long of which each brings a definition
/// because another one does.
const ROUNDS: usize = 16;

/// An app of a spec, with what it comes to.
pub(super) type UnfoldedApp<'d> = (&'d ChartSpans, &'d Instance, Result<Unfolded, RenderFault>);

/// Some apps with what they come to, which adds the definitions among that to `brought`. An app that looks for the APIs of its cluster
/// finds those that other apps bring there. They are rendered one after the other, each over what all others come to by then: of two
/// charts that leave out a definition which is there, one keeps it.
pub(super) fn unfolded_apps<'d>(
    all: impl Iterator<Item = (&'d ChartSpans, &'d Instance)>,
    brought: &mut BroughtApis,
    (desired, told): (&'d Desired, &ToldObjects),
    charts: &mut Charts,
    base: &Path,
) -> Vec<UnfoldedApp<'d>> {
    let references = OnceCell::new();
    let alone = RenderSurroundings { apis: &[], told, references: &references };
    let mut apps: Vec<UnfoldedApp<'_>> =
        all.map(|(spans, app)| (spans, app, contents(app, desired, charts, base, &alone))).collect();
    apps.iter().filter_map(|(.., unfolded)| unfolded.as_ref().ok()).for_each(|one| brought.add(&one.instances));
    if brought.is_empty() {
        return apps;
    }
    let lookers: Vec<usize> =
        (0..apps.len()).filter(|at| is_rendered(apps[*at].1) && looks_at_apis(apps[*at].1, charts)).collect();
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
                _ => contents(app, desired, charts, base, &RenderSurroundings { apis: &found, ..alone }),
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
    apps
}

/// What an app comes to: the objects of its chart, or what an Argo CD is given in their place.
fn contents<'d>(
    app: &Instance,
    desired: &'d Desired,
    charts: &mut Charts,
    base: &Path,
    finds: &RenderSurroundings<'_, 'd>,
) -> Result<Unfolded, RenderFault> {
    match ArgoDelivery::of(&app.attributes) {
        Some(argo) => objects::unfold(app, delivery::given(app, &argo, desired)?, &desired.kinds),
        None => objects_of(app, desired, charts, base, finds),
    }
}

/// Whether the chart of an app is rendered here.
fn is_rendered(app: &Instance) -> bool {
    ArgoDelivery::of(&app.attributes).is_none()
}
