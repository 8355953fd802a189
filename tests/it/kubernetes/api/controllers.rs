//! What controllers do: workloads become ready, claims are bound, what is deleted goes away with all that belongs to it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::body::{Options, Target};
use super::clock;
use super::delete::delete;
use super::json;
use super::kinds::Kind;
use super::statuses;
use super::world::{Key, World};
use super::write::{create, modify};

const MANAGER: &str = "kube-controller-manager";

/// Does all that is to be done now.
pub fn settle(world: &mut World) {
    if !world.controllers {
        return;
    }
    // Each round does one step for each object; whatever does not come to rest is left as it is.
    for _ in 0..50 {
        let before = world.version();
        if before == world.settled {
            return;
        }
        for key in due(world) {
            step(world, &key);
        }
        world.settled = before;
    }
    world.settled = world.version();
}

/// The objects that may have something to do: those that changed, those on their way out, and those that may have lost what
/// they belong to.
fn due(world: &World) -> BTreeSet<Key> {
    let happened = world.since(world.settled);
    let mut keys: BTreeSet<Key> = happened.iter().map(|happening| happening.key.clone()).collect();
    keys.extend(world.leaving().iter().cloned());
    if happened.iter().any(|happening| happening.new.is_none()) {
        keys.extend(world.owned().iter().cloned());
        let namespaces = world.all().map(|(key, _)| key).filter(|key| key.plural == "namespaces");
        keys.extend(namespaces.cloned().collect::<Vec<_>>());
    }
    keys
}

fn kind_at(world: &World, key: &Key) -> Option<Kind> {
    let fits = |kind: &&Kind| kind.group == key.group && kind.plural == key.plural;
    world.kinds().iter().find(fits).cloned()
}

fn step(world: &mut World, key: &Key) {
    let Some(object) = world.get(key).cloned() else { return };
    let Some(kind) = world.kind_of(&object).or_else(|| kind_at(world, key)) else { return };
    if json::at(&object, "metadata.deletionTimestamp").is_some() {
        return leaving(world, &kind, key, &object);
    }
    if orphaned(world, &object) {
        // Nobody refuses what the collector does here; a refusal leaves the object for the next round.
        drop(delete(world, &kind, key, &json!({ "propagationPolicy": "Background" }), false));
        return;
    }
    if kind.is("Namespace") {
        fill_namespace(world, &key.name);
    }
    if kind.is("PersistentVolumeClaim") {
        bind(world, &kind, key, &object);
    }
    let Some(status) = statuses::wanted(&kind, &object, &clock::now()) else { return };
    let write = |object: &Value| {
        let mut object = object.clone();
        if kind.is("Deployment") {
            statuses::count_revision(&mut object, &status);
        }
        json::set(&mut object, "status", status.clone());
        Ok(object)
    };
    change(world, &kind, key, "status", write);
}

fn change(
    world: &mut World,
    kind: &Kind,
    key: &Key,
    subresource: &str,
    write: impl FnOnce(&Value) -> Result<Value, super::failure::Failure>,
) {
    let target = Target {
        kind: kind.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        subresource: subresource.to_owned(),
    };
    // Definitions are the server's own business.
    let manager = if kind.is("CustomResourceDefinition") { "kube-apiserver" } else { MANAGER };
    let options = Options { manager: manager.to_owned(), ..Options::default() };
    // What hooks refuse stays as it is.
    drop(modify(world, &target, &options, write));
}

/// Whether all owners of an object are gone.
fn orphaned(world: &World, object: &Value) -> bool {
    let owners = json::list(object, "metadata.ownerReferences");
    let there = |owner: &Value| {
        let uid = json::text(owner, "uid");
        world.all().any(|(_, object)| json::text(object, "metadata.uid") == uid)
    };
    !owners.is_empty() && !owners.iter().any(there)
}

/// All objects that an object owns.
fn dependents(world: &World, uid: &str) -> Vec<Key> {
    let owned = |key: &&Key| {
        let owners = world.get(key).map(|object| json::list(object, "metadata.ownerReferences")).unwrap_or_default();
        owners.iter().any(|owner| json::text(owner, "uid") == uid)
    };
    world.owned().iter().filter(owned).cloned().collect()
}

/// One step of an object on its way out.
fn leaving(world: &mut World, kind: &Kind, key: &Key, object: &Value) {
    match kind.kind.as_str() {
        "Namespace" if !kind.custom => return end_namespace(world, kind, key),
        "CustomResourceDefinition" if !kind.custom => end_definition(world, object),
        "PersistentVolumeClaim" if !kind.custom => release(world, kind, key, "kubernetes.io/pvc-protection"),
        "PersistentVolume" if !kind.custom => release(world, kind, key, "kubernetes.io/pv-protection"),
        "Pod" if !kind.custom => drop(delete(world, kind, key, &json!({ "gracePeriodSeconds": 0 }), false)),
        _ => {}
    }
    let uid = json::text(object, "metadata.uid");
    let has = |name: &str| json::list(object, "metadata.finalizers").iter().any(|one| one == name);
    if has("orphan") {
        for other in dependents(world, uid) {
            let Some(kind) = kind_at(world, &other) else { continue };
            change(world, &kind, &other, "", |object| {
                let mut object = object.clone();
                let left: Vec<Value> = json::list(&object, "metadata.ownerReferences")
                    .iter()
                    .filter(|owner| json::text(owner, "uid") != uid)
                    .cloned()
                    .collect();
                json::set(&mut object, "metadata.ownerReferences", left);
                Ok(object)
            });
        }
        release(world, kind, key, "orphan");
    } else if has("foregroundDeletion") {
        let all = dependents(world, uid);
        for other in &all {
            let Some(kind) = kind_at(world, other) else { continue };
            drop(delete(world, &kind, other, &json!({ "propagationPolicy": "Foreground" }), false));
        }
        if dependents(world, uid).is_empty() {
            release(world, kind, key, "foregroundDeletion");
        }
    }
}

/// Takes a finalizer off an object.
fn release(world: &mut World, kind: &Kind, key: &Key, finalizer: &str) {
    change(world, kind, key, "", |object| {
        let mut object = object.clone();
        let left: Vec<Value> =
            json::list(&object, "metadata.finalizers").iter().filter(|one| *one != finalizer).cloned().collect();
        json::set(&mut object, "metadata.finalizers", left);
        Ok(object)
    });
}

fn end_definition(world: &mut World, object: &Value) {
    let (group, plural) = (json::text(object, "spec.group"), json::text(object, "spec.names.plural"));
    let all: Vec<Key> =
        world.all().map(|(key, _)| key.clone()).filter(|key| key.group == group && key.plural == plural).collect();
    for key in &all {
        if let Some(kind) = kind_at(world, key) {
            drop(delete(world, &kind, key, &json!({}), false));
        }
    }
    let left = world.all().any(|(key, _)| key.group == group && key.plural == plural);
    let name = json::text(object, "metadata.name");
    let key = Key {
        group: "apiextensions.k8s.io".to_owned(),
        plural: "customresourcedefinitions".to_owned(),
        name: name.to_owned(),
        ..Key::default()
    };
    if let Some(kind) = kind_at(world, &key).filter(|_| !left) {
        release(world, &kind, &key, "customresourcecleanup.apiextensions.k8s.io");
    }
}

fn end_namespace(world: &mut World, kind: &Kind, key: &Key) {
    let inside = |world: &World| -> Vec<Key> {
        world.all().map(|(key, _)| key.clone()).filter(|other| other.namespace == key.name).collect()
    };
    for other in inside(world) {
        let gone = world.get(&other).is_none_or(|object| json::at(object, "metadata.deletionTimestamp").is_some());
        if let Some(kind) = kind_at(world, &other).filter(|_| !gone) {
            drop(delete(world, &kind, &other, &json!({ "propagationPolicy": "Background" }), false));
        }
    }
    if inside(world).is_empty() {
        let Some(mut object) = world.get(key).cloned() else { return };
        let held = json::list(&object, "metadata.finalizers").len();
        json::remove(&mut object, "spec.finalizers");
        if held == 0 {
            world.take(key);
        } else if json::list(world.get(key).unwrap_or(&Value::Null), "spec.finalizers").len() == 1 {
            json::set(&mut object, "spec", json!({}));
            world.put(key, object);
        }
    }
    let _ = kind;
}

/// What each namespace has of its own.
fn fill_namespace(world: &mut World, namespace: &str) {
    let certificate = json!({ "ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" });
    let note = json!({ "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver \
        when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is \
        guaranteed across distributions of Kubernetes clusters." });
    let own = [
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" } }),
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": certificate,
            "metadata": { "name": "kube-root-ca.crt", "annotations": note } }),
    ];
    for object in own {
        let Some(kind) = world.kind_of(&object) else { continue };
        let name = json::text(&object, "metadata.name").to_owned();
        if world.get(&Key::of(&kind, namespace, &name)).is_none() {
            let target = Target { kind, namespace: namespace.to_owned(), name, subresource: String::new() };
            let options = Options { manager: MANAGER.to_owned(), ..Options::default() };
            drop(create(world, &target, &object, &options));
        }
    }
}

/// Gives a claim its volume.
fn bind(world: &mut World, kind: &Kind, key: &Key, object: &Value) {
    if json::at(object, "spec.volumeName").is_some() {
        return;
    }
    let volume = format!("pvc-{}", json::text(object, "metadata.uid"));
    change(world, kind, key, "", |object| {
        let mut object = object.clone();
        json::set(&mut object, "spec.volumeName", volume);
        let notes = json::object(&mut object, "metadata.annotations");
        for note in ["bind-completed", "bound-by-controller"] {
            notes.insert(format!("pv.kubernetes.io/{note}"), json!("yes"));
        }
        Ok(object)
    });
}
