//! Apps that an Argo CD delivers: what it is given, on which cluster that is, and what has to be there before.

use foldhash::HashMap;

use super::apis::BroughtApis;
use super::rendering::{ToldObjects, resolved};
use crate::address::Address;
use crate::desired::{ArgoDelivery, ChartSpans, Desired, Edge, Instance};
use crate::kind;
use crate::render::RenderFault;
use crate::render::objects::{AppObject, DeliveredApp, application, application_set, is_delivery};
use crate::value::Attributes;

/// Adds each app on the hub that delivers it, where its block does not say that cluster: the ApplicationSet is an object of it.
pub(super) fn add_carriers(desired: &mut Desired) {
    let mut missing: Vec<(Instance, ChartSpans)> = Vec::new();
    for (spans, app) in desired.apps() {
        let Some((delivery, hub)) = ArgoDelivery::of(&app.attributes).and_then(|one| Some((one.clone(), one.hub?)))
        else {
            continue;
        };
        let address = Address::new(app.address.kind(), app.address.name(), Some(&hub));
        let is_known = missing.iter().any(|(other, _)| other.address == address);
        if desired.get(&address).is_none() && !is_known {
            missing.extend(carrier(app, address, &delivery, desired).map(|carrier| (carrier, spans.clone())));
        }
    }
    missing.into_iter().for_each(|(app, spans)| desired.add_app(app, spans));
}

/// An app on the hub alone: it has nothing there but what the Argo CD is given.
fn carrier(app: &Instance, address: Address, delivery: &ArgoDelivery, desired: &Desired) -> Option<Instance> {
    let cluster = desired.get(&Address::new("cluster", delivery.hub.as_deref()?, None))?;
    let mut namespaces = desired.of_kind("namespace").filter(|one| one.place() == delivery.hub.as_deref());
    let namespace = namespaces.find(|one| one.object_name() == delivery.namespace);
    let host = namespace.unwrap_or(cluster);
    let siblings = desired.of_kind("app").filter(|other| other.declaration.block == app.declaration.block);
    let name = name_of_set(&siblings.collect::<Vec<_>>(), delivery);
    let said = ["deliver", "objects", "wait"].map(|name| (name, app.attributes.get(name).clone()));
    let own = [("name", name.as_str().into()), ("namespace", delivery.namespace.as_str().into())];
    let mut settings = app.settings.clone();
    let former = settings.renamed_from.take();
    settings.renamed_from = former.map(|old| Address::new(old.kind(), old.name(), delivery.hub.as_deref()));
    settings.keeps_name = false;
    Some(Instance {
        identity: host.identity.scoped(app.kind.name, &delivery.namespace, &name),
        address,
        kind: app.kind.clone(),
        declaration: std::sync::Arc::clone(&app.declaration),
        attributes: own.into_iter().chain(said).collect::<Attributes>(),
        hosts: vec![host.address.clone()],
        references: Vec::new(),
        names: Vec::new(),
        settings,
    })
}

/// What the Argo CD on the cluster of an app is given.
pub(super) fn given(app: &Instance, delivery: &ArgoDelivery, desired: &Desired) -> Result<Vec<AppObject>, RenderFault> {
    let told = |app: &Instance| resolved(app, desired, &ToldObjects::default());
    if delivery.hub.is_none() {
        let one = DeliveredApp { address: &app.address, release: app.object_name(), attributes: told(app) };
        return Ok(vec![application(&one, delivery)?]);
    }
    let served = served_from(app, desired);
    let [first, ..] = served.as_slice() else { return Ok(Vec::new()) };
    let all: Vec<DeliveredApp<'_>> = served
        .iter()
        .map(|one| DeliveredApp { address: &one.address, release: one.object_name(), attributes: told(one) })
        .collect();
    let delivery = ArgoDelivery::of(&first.attributes).unwrap_or_else(|| delivery.clone());
    let name = name_of_set(&served, &delivery);
    Ok(vec![application_set(&name, &app.address, &all, &delivery)?])
}

/// What an ApplicationSet is called: as the app is on all clusters, or as its block is, where it is called otherwise on each.
fn name_of_set(apps: &[&Instance], delivery: &ArgoDelivery) -> String {
    let first = apps.first().map_or("", |app| app.object_name());
    let block = apps.first().map_or("", |app| app.address.name());
    match &delivery.application {
        Some(said) => said.clone(),
        None if apps.iter().all(|app| app.object_name() == first) => first.to_owned(),
        None => block.replace('_', "-"),
    }
}

/// The app on each of the clusters to which the Argo CD of this one delivers it.
fn served_from<'d>(carrier: &Instance, desired: &'d Desired) -> Vec<&'d Instance> {
    let is_served = |app: &&Instance| {
        let says = kind::SOURCES.iter().any(|name| !app.attributes.get(name).is_null());
        let hub = ArgoDelivery::of(&app.attributes).and_then(|delivery| delivery.hub);
        app.declaration.block == carrier.declaration.block && says && hub.as_deref() == carrier.place()
    };
    desired.of_kind("app").filter(is_served).collect()
}

/// Lets what an Argo CD is given wait for the Secrets of the app, for the app on all clusters that it goes to, and for all of the Argo CD,
/// where another app of the spec brings that. Whoever needs the app waits for it.
pub(super) fn order(
    all: &mut [Instance],
    last: &mut HashMap<Address, Vec<Address>>,
    desired: &Desired,
    brought: &BroughtApis,
) {
    let given: Vec<usize> = (0..all.len()).filter(|at| is_delivery(&all[*at].attributes)).collect();
    if given.is_empty() {
        return;
    }
    let mut parts: HashMap<Address, Vec<Address>> = HashMap::default();
    for object in all.iter().filter(|object| !is_delivery(&object.attributes)) {
        let host = object.hosts.first().filter(|host| host.kind() == "app");
        host.into_iter().for_each(|host| parts.entry(host.clone()).or_default().push(object.address.clone()));
    }
    for at in given {
        let Some(carrier) = all[at].hosts.first().and_then(|host| desired.get(host)) else { continue };
        let served =
            served_from(carrier, desired).into_iter().map(|app| &app.address).filter(|app| **app != carrier.address);
        let served: Vec<&Address> = served.collect();
        let span = all[at].declaration.header;
        let mut edges: Vec<Edge> = Vec::new();
        let mut needs = |to: &Address, blocks: bool| {
            edges.push(Edge { to: to.clone(), attribute: "depends_on".into(), span, blocks });
        };
        parts.get(&carrier.address).into_iter().flatten().for_each(|part| needs(part, true));
        for app in &served {
            // One cluster that does not answer holds back nobody else.
            needs(app, false);
            parts.get(*app).into_iter().flatten().for_each(|part| needs(part, false));
        }
        // What takes the finalizers of Applications away has to be there as long as they are.
        if let Some(argo) = brought.bringer(&all[at]).filter(|argo| *argo != carrier.address) {
            needs(&argo, true);
            last.get(&argo).into_iter().flatten().for_each(|part| needs(part, true));
        }
        let known: Vec<Address> = all[at].references.iter().map(|edge| edge.to.clone()).collect();
        edges.retain(|edge| !known.contains(&edge.to));
        let own = all[at].address.clone();
        for app in served.into_iter().chain([&carrier.address]) {
            last.insert(app.clone(), vec![own.clone()]);
        }
        all[at].references.extend(edges);
    }
}
