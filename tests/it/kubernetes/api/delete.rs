//! Deletions: finalizers, grace periods, dependents.

use serde_json::{Value, json};

use super::admission;
use super::clock;
use super::failure::Failure;
use super::json;
use super::kinds::Kind;
use super::world::{Key, World};

/// What a deletion answers.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The object, or a status.
    pub answer: Value,
}

/// Deletes an object, as `DeleteOptions` say.
pub fn delete(world: &mut World, kind: &Kind, key: &Key, options: &Value, dry_run: bool) -> Result<Deleted, Failure> {
    let subject = kind.subject(&key.name);
    let mut object = world.get(key).cloned().ok_or_else(|| Failure::not_found(&subject))?;
    preconditions(kind, &object, options)?;
    admission::validate(world, "DELETE", &object)?;
    if kind.is("Namespace") && ["default", "kube-system", "kube-public"].contains(&key.name.as_str()) {
        return Err(Failure::forbidden(&subject, "this namespace may not be deleted"));
    }
    let before = object.clone();
    policy(kind, &mut object, options);
    if kind.is("CustomResourceDefinition") {
        hold_definition(&mut object);
    }
    let held = !json::list(&object, "metadata.finalizers").is_empty() || kind.is("Namespace");
    let asked = json::number(options, "gracePeriodSeconds");
    let grace = if kind.is("Pod") && !json::text(&object, "spec.nodeName").is_empty() {
        asked.or_else(|| json::number(&object, "spec.terminationGracePeriodSeconds")).unwrap_or(0)
    } else {
        0
    };
    if !held && grace == 0 {
        let last = if dry_run { before.clone() } else { world.take(key).unwrap_or(before) };
        let answer = if kind.returns_deleted() { last } else { status(kind, &last) };
        return Ok(Deleted { answer });
    }
    mark(kind, &mut object, grace);
    if object != before && !dry_run {
        object = world.put(key, object);
    }
    Ok(Deleted { answer: object })
}

fn mark(kind: &Kind, object: &mut Value, grace: i64) {
    if json::at(object, "metadata.deletionTimestamp").is_none() {
        json::set(object, "metadata.deletionTimestamp", clock::now());
        json::set(object, "metadata.deletionGracePeriodSeconds", grace);
        if kind.is("CustomResourceDefinition") {
            json::remove(object, "metadata.deletionGracePeriodSeconds");
        } else if let Some(generation) = json::number(object, "metadata.generation") {
            json::set(object, "metadata.generation", generation + 1);
        }
    }
    if kind.is("Namespace") {
        json::set(object, "status.phase", "Terminating");
        json::remove(object, "metadata.deletionGracePeriodSeconds");
    }
}

/// A definition stays until its objects are gone.
fn hold_definition(object: &mut Value) {
    let name = json!("customresourcecleanup.apiextensions.k8s.io");
    let mut finalizers: Vec<Value> = json::list(object, "metadata.finalizers").to_vec();
    if json::at(object, "metadata.deletionTimestamp").is_some() || finalizers.contains(&name) {
        return;
    }
    finalizers.push(name);
    json::set(object, "metadata.finalizers", finalizers);
    let mut conditions: Vec<Value> = json::list(object, "status.conditions").to_vec();
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    conditions.push(World::condition("Terminating", true, "InstanceDeletionPending", message, &clock::now()));
    json::set(object, "status.conditions", conditions);
}

/// The finalizer that a propagation policy asks for, and no other one of its sort.
fn policy(kind: &Kind, object: &mut Value, options: &Value) {
    let orphan = match json::at(options, "orphanDependents") {
        Some(Value::Bool(true)) => "Orphan",
        _ => json::text(options, "propagationPolicy"),
    };
    if orphan.is_empty() {
        return;
    }
    let mut finalizers: Vec<Value> = json::list(object, "metadata.finalizers").to_vec();
    finalizers.retain(|one| one != "foregroundDeletion" && one != "orphan");
    match orphan {
        "Foreground" if !kind.is("Namespace") => finalizers.push(json!("foregroundDeletion")),
        "Orphan" if !kind.is("Namespace") => finalizers.push(json!("orphan")),
        _ => {}
    }
    if finalizers.is_empty() {
        json::remove(object, "metadata.finalizers");
    } else {
        json::set(object, "metadata.finalizers", finalizers);
    }
}

fn preconditions(kind: &Kind, object: &Value, options: &Value) -> Result<(), Failure> {
    let mut subject = kind.subject(json::text(object, "metadata.name"));
    subject.resource.clone_from(&kind.kind);
    for (field, name, about) in [
        ("uid", "UID", "The object might have been deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "The object might have been modified"),
    ] {
        let wanted = json::text(options, &format!("preconditions.{field}"));
        let actual = json::text(object, &format!("metadata.{field}"));
        if !wanted.is_empty() && wanted != actual {
            let why = format!(
                "the {name} in the precondition ({wanted}) does not match the {name} in record ({actual}). {about}"
            );
            return Err(Failure::conflict(&subject, &why));
        }
    }
    Ok(())
}

fn status(kind: &Kind, object: &Value) -> Value {
    let mut details = json!({ "name": json::text(object, "metadata.name") });
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    details["kind"] = json!(kind.plural);
    details["uid"] = json!(json::text(object, "metadata.uid"));
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
