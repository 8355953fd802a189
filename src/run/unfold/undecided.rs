//! Apps of which nobody can tell yet what they come to.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use super::rendering::{ToldObjects, looks_at_apis, may_bring_apis};
use super::rounds::UnfoldedApp;
use crate::address::Address;
use crate::charts::Charts;
use crate::desired::{ArgoDelivery, Instance, UndecidedApp};
use crate::identity::Identity;
use crate::render::RenderFault;
use crate::render::objects::cluster_of;

/// The resources on which it depends what an app comes to: those to which its values refer.
pub(in crate::run) fn deciders(app: &Instance) -> BTreeSet<Address> {
    let mut all = BTreeSet::new();
    app.attributes.get("values").visit_references(&mut |reference| {
        all.insert(reference.address.clone());
    });
    all
}

/// Those among some apps: the ones whose templates decide by what is not known, and, as long as one of them may bring definitions to a
/// cluster, those there that look for APIs.
pub(super) fn undecided_among(
    apps: &[UnfoldedApp<'_>],
    charts: &mut Charts,
    told: &ToldObjects,
) -> BTreeMap<Address, UndecidedApp> {
    let mut all = BTreeMap::new();
    let mut bringers: HashMap<Identity, UndecidedApp> = HashMap::default();
    for (_, app, unfolded) in apps {
        let Some(fault) = unfolded.as_ref().err().filter(|fault| fault.unknown) else { continue };
        let why = why_undecided(app, fault, told);
        if let Some(cluster) = cluster_of(&app.identity).filter(|_| may_bring_apis(app, charts)) {
            bringers.entry(cluster).or_insert_with(|| why.clone());
        }
        all.insert(app.address.clone(), why);
    }
    if bringers.is_empty() {
        return all;
    }
    for (_, app, _) in apps.iter().filter(|(_, _, unfolded)| unfolded.is_ok()) {
        let bringer = cluster_of(&app.identity).and_then(|cluster| bringers.get(&cluster));
        // What an Argo CD is given waits for all of that Argo CD, which may be what one of them brings.
        let looks = |charts: &mut Charts| match ArgoDelivery::of(&app.attributes) {
            Some(_) => true,
            None => looks_at_apis(app, charts),
        };
        if let Some(bringer) = bringer.filter(|_| looks(charts)) {
            let reason = "decides which APIs the app finds, and is not there yet; apply again once it is".to_owned();
            all.insert(app.address.clone(), UndecidedApp { by: bringer.by.clone(), reason });
        }
    }
    all
}

/// Why nobody can tell yet what an app comes to.
fn why_undecided(app: &Instance, fault: &RenderFault, told: &ToldObjects) -> UndecidedApp {
    let all = deciders(app);
    let said: Vec<Address> = all.iter().filter(|one| fault.what.contains(one.as_str())).cloned().collect();
    let by = if said.is_empty() { all.into_iter().collect() } else { said };
    let place = match (&fault.file, fault.line) {
        (Some(file), Some(line)) => format!(" (line {line} of {file})"),
        (Some(file), None) => format!(" ({file})"),
        _ => String::new(),
    };
    let lack = match by.iter().all(|one| told.contains_key(one)) {
        true => "is there without telling that",
        false => "is not there yet; apply again once it is",
    };
    UndecidedApp { by, reason: format!("decides what the app comes to{place}, and {lack}") }
}
