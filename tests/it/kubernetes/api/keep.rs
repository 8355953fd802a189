//! Keeps what was written: admission, validation, what the server adds.

use serde_json::Value;

use super::admission;
use super::body::{Options, Target, Written};
use super::check;
use super::clock;
use super::decode::{self, decode};
use super::defaults;
use super::failure::Failure;
use super::immutable;
use super::json;
use super::kinds::Kind;
use super::meta_checks;
use super::prepare;
use super::world::{Key, World};

/// Keeps an object that is new.
pub fn keep_new(
    world: &mut World,
    target: &Target,
    mut object: Value,
    options: &Options,
    warnings: Vec<String>,
) -> Result<Written, Failure> {
    let kind = &target.kind;
    admission::namespace(world, target.kind.namespaced, &kind.subject(&target.name), &target.namespace)?;
    object = admitted(world, kind, object);
    let start = json::text(&object, "metadata.generateName").to_owned();
    if json::text(&object, "metadata.name").is_empty() && !start.is_empty() {
        let start: String = start.chars().take(58).collect();
        json::set(&mut object, "metadata.name", format!("{start}{}", clock::suffix()));
    }
    prepare::new(world, kind, &mut object);
    decode::settle(kind, &mut object);
    let name = json::text(&object, "metadata.name").to_owned();
    let subject = kind.subject(&name);
    let causes = check::object(kind, &object);
    if !causes.is_empty() {
        return Err(Failure::invalid(&subject, &causes));
    }
    admission::validate(world, "CREATE", &object)?;
    let key = Key::of(kind, &target.namespace, &name);
    if let Some(found) = world.get(&key) {
        let leaving = json::at(found, "metadata.deletionTimestamp").is_some();
        return Err(Failure::exists(&subject, leaving));
    }
    if !options.dry_run {
        object = world.put(&key, object);
    }
    Ok(Written { object, created: true, warnings })
}

/// The object as mutating admission leaves it.
fn admitted(world: &World, kind: &Kind, object: Value) -> Value {
    if world.mutate.is_empty() {
        return object;
    }
    let mut changed = object.clone();
    for mutate in &world.mutate {
        mutate(&kind.kind, &mut changed);
    }
    if changed == object {
        return object;
    }
    let mut object = decode(kind, &changed).object;
    defaults::fill(kind, &mut object);
    object
}

/// Keeps an object in the place of the one that was there.
pub fn keep(
    world: &mut World,
    target: &Target,
    live: &Value,
    (mut object, emptied): (Value, bool),
    options: &Options,
    warnings: Vec<String>,
) -> Result<Written, Failure> {
    let kind = &target.kind;
    let subject = kind.subject(&target.name);
    object = admitted(world, kind, object);
    let version = json::text(&object, "metadata.resourceVersion");
    if !version.is_empty() && version != json::text(live, "metadata.resourceVersion") {
        return Err(Failure::modified(&subject));
    }
    prepare::changed(world, kind, &target.subresource, live, &mut object);
    decode::settle(kind, &mut object);
    // The server compares the specs of network policies so that an empty list is another one than none.
    let generation = json::number(live, "metadata.generation").unwrap_or(0);
    if kind.is("NetworkPolicy") && emptied {
        json::set(&mut object, "metadata.generation", generation + 1);
    }
    let mut fixed = Vec::new();
    if !kind.custom {
        immutable::check(kind, live, &object, &mut fixed);
    }
    // The order is the server's.
    let own = check::object(kind, &object);
    let rest = if kind.group == "apps" && kind.kind != "DaemonSet" { [own, fixed] } else { [fixed, own] }.concat();
    let causes = [meta_checks::change(live, &object), rest].concat();
    if !causes.is_empty() {
        return Err(Failure::invalid(&subject, &causes));
    }
    admission::validate(world, "UPDATE", &object)?;
    let key = target.key();
    let finalized = json::list(&object, "metadata.finalizers").is_empty()
        && json::at(&object, "metadata.deletionTimestamp").is_some()
        && json::number(&object, "metadata.deletionGracePeriodSeconds").unwrap_or(0) == 0
        && (!kind.is("Namespace") || json::list(&object, "spec.finalizers").is_empty());
    if same(live, &object) && !finalized {
        return Ok(Written { object: live.clone(), created: false, warnings });
    }
    if options.dry_run {
        json::copy(live, &mut object, "metadata.resourceVersion");
        return Ok(Written { object, created: false, warnings });
    }
    if finalized {
        json::copy(live, &mut object, "metadata.resourceVersion");
        world.take(&key);
        return Ok(Written { object, created: false, warnings });
    }
    let kept = world.put(&key, object);
    Ok(Written { object: kept, created: false, warnings })
}

/// Whether nothing changed but the times of managers.
fn same(old: &Value, new: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        json::remove(&mut object, "metadata.resourceVersion");
        if let Some(metadata) = object.get_mut("metadata") {
            json::items(metadata, "managedFields").for_each(|entry| drop(json::remove(entry, "time")));
        }
        object
    };
    bare(old) == bare(new)
}
