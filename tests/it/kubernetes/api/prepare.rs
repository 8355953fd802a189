//! What the server itself puts into objects before it keeps them: generations, addresses, the labels of jobs.

use serde_json::{Value, json};

use super::clock;
use super::decode::decode;
use super::defaults;
use super::json;
use super::kinds::Kind;
use super::pod_admission;
use super::service;
use super::world::World;

/// An object without anything in it, with its fields that are always there.
pub fn empty(kind: &Kind) -> Value {
    if kind.custom {
        return json!({ "apiVersion": kind.api_version(), "kind": kind.kind });
    }
    decode(kind, &json!({})).object
}

/// Makes a new object ready to be kept.
pub fn new(world: &mut World, kind: &Kind, object: &mut Value) {
    if kind.status {
        let mut fresh = empty(kind);
        if !kind.custom {
            defaults::fill(kind, &mut fresh);
        }
        json::copy(&fresh, object, "status");
    }
    json::set(object, "metadata.uid", clock::uid());
    json::set(object, "metadata.creationTimestamp", clock::now());
    json::remove(object, "metadata.deletionTimestamp");
    json::remove(object, "metadata.deletionGracePeriodSeconds");
    json::remove(object, "metadata.resourceVersion");
    json::remove(object, "metadata.selfLink");
    if kind.counts_generations() {
        json::set(object, "metadata.generation", 1);
    } else {
        json::remove(object, "metadata.generation");
    }
    if kind.custom {
        return;
    }
    match kind.kind.as_str() {
        "Job" => job(object),
        "DaemonSet" => template_generation(object, 1),
        "Service" => service::allocate(world, object, None),
        "Namespace" => json::default(object, "spec.finalizers", json!(["kubernetes"])),
        "Pod" => pod(object),
        "PersistentVolumeClaim" => protect(object, "kubernetes.io/pvc-protection"),
        "PersistentVolume" => protect(object, "kubernetes.io/pv-protection"),
        "CustomResourceDefinition" => {
            let versions: Vec<Value> = json::list(object, "spec.versions")
                .iter()
                .filter(|version| version.get("storage") == Some(&json!(true)))
                .map(|version| version.get("name").cloned().unwrap_or_default())
                .collect();
            json::set(object, "status.storedVersions", versions);
        }
        _ => {}
    }
}

/// Makes an object ready to take the place of the one before it.
pub fn changed(world: &mut World, kind: &Kind, subresource: &str, old: &Value, new: &mut Value) {
    json::copy(old, new, "metadata.creationTimestamp");
    json::copy(old, new, "metadata.selfLink");
    for field in ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let path = format!("metadata.{field}");
        if json::at(new, &path).is_none() {
            json::copy(old, new, &path);
        }
    }
    json::copy(old, new, "metadata.generation");
    match subresource {
        "status" => keep_all_but_status(kind, old, new),
        _ if kind.status => json::copy(old, new, "status"),
        _ => {}
    }
    if kind.is("Service") && subresource != "status" {
        service::allocate(world, new, Some(old));
    }
    if kind.is("DaemonSet") && subresource.is_empty() {
        let notes = json::at(old, "metadata.annotations");
        let before = notes.and_then(|notes| notes.get(TEMPLATE_GENERATION)).and_then(Value::as_str);
        let before: i64 = before.and_then(|text| text.parse().ok()).unwrap_or(1);
        let same = json::at(old, "spec.template") == json::at(new, "spec.template");
        template_generation(new, if same { before } else { before + 1 });
    }
    if kind.is("Namespace") && subresource.is_empty() {
        json::copy(old, new, "spec.finalizers");
    }
    if kind.counts_generations() && subresource != "status" && differs(kind, old, new) {
        let generation = json::number(old, "metadata.generation").unwrap_or(0);
        json::set(new, "metadata.generation", generation + 1);
    }
}

fn keep_all_but_status(kind: &Kind, old: &Value, new: &mut Value) {
    if kind.custom {
        let managers = json::at(new, "metadata.managedFields").cloned();
        let status = new.get("status").cloned();
        *new = old.clone();
        match status {
            Some(status) => json::set(new, "status", status),
            None => drop(json::remove(new, "status")),
        }
        if let Some(managers) = managers {
            json::set(new, "metadata.managedFields", managers);
        }
        return;
    }
    json::copy(old, new, "spec");
    if kind.group == "apps" {
        json::copy(old, new, "metadata.labels");
    }
}

/// Whether anything differs that counts as a change of an object.
fn differs(kind: &Kind, old: &Value, new: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        json::remove(&mut object, "metadata");
        if kind.status || !kind.custom {
            json::remove(&mut object, "status");
        }
        object
    };
    let notes = |object: &Value| json::at(object, "metadata.annotations").cloned();
    bare(old) != bare(new) || kind.is("Deployment") && notes(old) != notes(new)
}

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn template_generation(object: &mut Value, generation: i64) {
    json::object(object, "metadata.annotations").insert(TEMPLATE_GENERATION.to_owned(), json!(generation.to_string()));
}

fn protect(object: &mut Value, finalizer: &str) {
    let mut finalizers: Vec<Value> = json::list(object, "metadata.finalizers").to_vec();
    if !finalizers.iter().any(|one| one == finalizer) {
        finalizers.push(json!(finalizer));
        json::set(object, "metadata.finalizers", finalizers);
    }
}

fn job(object: &mut Value) {
    if json::at(object, "spec.manualSelector") == Some(&json!(true)) {
        return;
    }
    let uid = json::text(object, "metadata.uid").to_owned();
    let name = json::text(object, "metadata.name").to_owned();
    json::set(object, "spec.selector.matchLabels", json!({ "batch.kubernetes.io/controller-uid": uid }));
    let of = |object: &Value, path: &str| json::at(object, path).cloned().unwrap_or_else(|| json!({}));
    let same = of(object, "metadata.labels") == of(object, "spec.template.metadata.labels");
    let labels = json::object(object, "spec.template.metadata.labels");
    for (label, value) in [("controller-uid", &uid), ("job-name", &name)] {
        labels.insert(format!("batch.kubernetes.io/{label}"), json!(value));
        labels.insert(label.to_owned(), json!(value));
    }
    let labels = labels.clone();
    // Where a job has its labels from its template, it has all of them.
    if same || json::members(object, "metadata.labels").next().is_none() {
        json::set(object, "metadata.labels", labels);
    }
}

fn pod(object: &mut Value) {
    pod_admission::admit(object);
    json::set(object, "status.phase", "Pending");
    let amounts = |list: &str| {
        json::list(object, &format!("spec.{list}"))
            .iter()
            .map(|one| (json::at(one, "resources.requests").cloned(), json::at(one, "resources.limits").cloned()))
            .collect::<Vec<_>>()
    };
    let all = [amounts("containers"), amounts("initContainers")].concat();
    let none = all.iter().all(|(requests, limits)| requests.is_none() && limits.is_none());
    let whole = |limits: &Option<Value>| {
        limits.as_ref().is_some_and(|limits| limits.get("cpu").is_some() && limits.get("memory").is_some())
    };
    let guaranteed = all.iter().all(|(requests, limits)| whole(limits) && requests == limits);
    let class = if none {
        "BestEffort"
    } else if guaranteed {
        "Guaranteed"
    } else {
        "Burstable"
    };
    json::set(object, "status.qosClass", class);
}
