//! Creates, updates and applies: from a body to what is kept.

use serde_json::{Value, json};

use super::body::{Options, Target, Written, read};
use super::clock;
use super::decode::decode;
use super::defaults;
use super::failure::{Cause, Failure, Subject};
use super::items;
use super::json;
use super::keep::{keep, keep_new};
use super::kinds::Kind;
use super::managers::Managers;
use super::prepare;
use super::world::World;

/// Creates an object.
pub fn create(world: &mut World, target: &Target, body: &Value, options: &Options) -> Result<Written, Failure> {
    let mut warnings = Vec::new();
    let (mut object, _) = read(&target.kind, body, options, &mut warnings)?;
    if !json::text(&object, "metadata.resourceVersion").is_empty() {
        return Err(Failure::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    let mut target = target.clone();
    target.name = json::text(&object, "metadata.name").to_owned();
    let now = clock::now();
    let (version, ignored) = (target.kind.api_version(), target.kind.ignored(""));
    let mut managers = Managers::of(&object);
    json::remove(&mut object, "metadata.managedFields");
    fit_namespace(&target, &mut object)?;
    managers.update(&target.writing(&version, options, &ignored, &now), &prepare::empty(&target.kind), &object);
    managers.put(&mut object);
    keep_new(world, &target, object, options, warnings)
}

/// Puts the namespace of the path into the object, or refuses another one.
fn fit_namespace(target: &Target, object: &mut Value) -> Result<(), Failure> {
    let namespace = json::text(object, "metadata.namespace").to_owned();
    if !target.kind.namespaced {
        json::remove(object, "metadata.namespace");
        return Ok(());
    }
    if !namespace.is_empty() && namespace != target.namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    json::set(object, "metadata.namespace", target.namespace.clone());
    Ok(())
}

/// The live object of a target.
fn live(world: &World, target: &Target) -> Result<Value, Failure> {
    let missing = || Failure::not_found(&target.kind.subject(&target.name));
    let mut live = world.get(&target.key()).cloned().ok_or_else(missing)?;
    // It may be kept in another version.
    json::set(&mut live, "apiVersion", target.kind.api_version());
    Ok(live)
}

/// Puts a whole object in the place of the one that is there.
pub fn replace(world: &mut World, target: &Target, body: &Value, options: &Options) -> Result<Written, Failure> {
    let mut warnings = Vec::new();
    let (mut object, emptied) = read(&target.kind, body, options, &mut warnings)?;
    fit_namespace(target, &mut object)?;
    let name = json::text(&object, "metadata.name");
    if name != target.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    let live = match live(world, target) {
        Err(_) if target.subresource.is_empty() && target.kind.creates_on_update() => {
            return create(world, target, body, options);
        }
        live => live?,
    };
    let subject = target.kind.subject(&target.name);
    let uid = json::text(&object, "metadata.uid");
    if !uid.is_empty() && uid != json::text(&live, "metadata.uid") {
        let of = json::text(&live, "metadata.uid");
        let key = format!("/registry/{}/{}/{}", target.kind.plural, target.namespace, target.name);
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in \
             precondition: {uid}, UID in object meta: {of}"
        );
        return Err(Failure::conflict(&subject, &why));
    }
    if json::text(&object, "metadata.resourceVersion").is_empty() && !target.kind.updates_blindly() {
        let cause = Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        let subject = Subject { kind: target.kind.plural.clone(), ..subject };
        return Err(Failure::invalid(&subject, &[cause]));
    }
    update(world, target, &live, (object, emptied), options, warnings)
}

/// Changes the object that is there into what a function makes of it.
pub fn modify(
    world: &mut World,
    target: &Target,
    options: &Options,
    change: impl FnOnce(&Value) -> Result<Value, Failure>,
) -> Result<Written, Failure> {
    let live = live(world, target)?;
    let mut warnings = Vec::new();
    let changed = change(&live)?;
    let read =
        read(&target.kind, &changed, options, &mut warnings).map_err(|failure| unfit_patch(&changed, failure))?;
    fit(target, &read.0)?;
    update(world, target, &live, read, options, warnings)
}

/// What does not come out of a patch as an object is said of the patch.
fn unfit_patch(changed: &Value, failure: Failure) -> Failure {
    let message = json::text(&failure.body, "message");
    let Some((_, why)) = message.split_once(": ").filter(|_| failure.code == 400) else { return failure };
    let cause = Cause::invalid("patch", &json!(changed.to_string()), why);
    Failure::invalid(&Subject::default(), &[cause])
}

/// Refuses an object of another name, or in another namespace, than the path says.
fn fit(target: &Target, object: &Value) -> Result<(), Failure> {
    let namespace = json::text(object, "metadata.namespace");
    if target.kind.namespaced && !namespace.is_empty() && namespace != target.namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let name = json::text(object, "metadata.name");
    if !name.is_empty() && name != target.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    Ok(())
}

/// A write that is not an apply, once it is known what the object becomes.
fn update(
    world: &mut World,
    target: &Target,
    live: &Value,
    (mut object, emptied): (Value, bool),
    options: &Options,
    warnings: Vec<String>,
) -> Result<Written, Failure> {
    let now = clock::now();
    let (version, ignored) = (target.kind.api_version(), target.kind.ignored(&target.subresource));
    let given = object.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    let reset = given.and_then(Value::as_array).is_some_and(|all| all.is_empty() || all == &[json!({})]);
    let mut managers = Managers::of(&object);
    if managers.is_empty() && !reset || !target.subresource.is_empty() {
        managers = Managers::of(live);
    }
    if reset {
        managers = Managers::default();
    } else if !managers.is_empty() {
        let mut seen = object.clone();
        if target.subresource == "scale" && json::number(&seen, "spec.replicas") == Some(0) {
            // A scale of none says nothing, so that nobody owns it.
            json::remove(&mut seen, "spec.replicas");
        }
        managers.update(&target.writing(&version, options, &ignored, &now), live, &seen);
    }
    managers.put(&mut object);
    keep(world, target, live, (object, emptied), options, warnings)
}

/// Applies an object: creates it if it is not there.
pub fn apply(world: &mut World, target: &Target, body: &Value, options: &Options) -> Result<Written, Failure> {
    applicable(target, body, options)?;
    let live = live(world, target);
    if let Err(failure) = &live
        && !target.subresource.is_empty()
    {
        return Err(failure.clone());
    }
    let kind = &target.kind;
    let base = live.as_ref().map_or_else(|_| prepare::empty(kind), Value::clone);
    let mut applied = body.clone();
    json::set(&mut applied, "kind", kind.kind.clone());
    if live.is_ok() {
        json::default(&mut applied, "metadata.name", target.name.clone());
    }
    let problems = items::problems(&kind.shape, &applied, false);
    if !problems.is_empty() {
        return Err(untyped(kind, &applied, &problems));
    }
    if kind.namespaced {
        json::default(&mut applied, "metadata.namespace", target.namespace.clone());
    }
    let now = clock::now();
    let (version, ignored) = (kind.api_version(), kind.ignored(&target.subresource));
    let writing = target.writing(&version, options, &ignored, &now);
    let mut managers = Managers::of(&base);
    if managers.is_empty() {
        let before = Options { manager: "before-first-apply".to_owned(), ..Options::default() };
        managers.update(&target.writing(&version, &before, &ignored, &now), &prepare::empty(kind), &base);
    }
    let merged = managers.apply(&writing, &base, &applied, options.force)?;
    let mut emptied = false;
    let mut object = match merged {
        Some(merged) => {
            let decoded = decode(kind, &merged);
            if let Some(misfit) = decoded.misfit.filter(|_| !kind.custom) {
                let misfit = if decoded.fraction { "cannot convert float64 to int32" } else { &misfit };
                return Err(unfit(kind, body, misfit));
            }
            emptied = decoded.emptied;
            let mut object = decoded.object;
            defaults::fill(kind, &mut object);
            object
        }
        None => base.clone(),
    };
    managers.put(&mut object);
    match live {
        Ok(live) => keep(world, target, &live, (object, emptied), options, Vec::new()),
        Err(_) if json::text(&object, "metadata.name").is_empty() => Err(Failure::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        ))),
        Err(_) => {
            let subject = kind.subject(&target.name);
            let uid = json::text(&object, "metadata.uid");
            if !uid.is_empty() {
                let why =
                    format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
                return Err(Failure::conflict(&subject, &why));
            }
            keep_new(world, target, object, options, Vec::new())
        }
    }
}

/// Refuses what cannot be applied here.
fn applicable(target: &Target, body: &Value, options: &Options) -> Result<(), Failure> {
    if options.manager.is_empty() {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(Failure::options("PatchOptions", cause));
    }
    let api = json::text(body, "apiVersion");
    let wanted = target.kind.api_version();
    let name = json::text(body, "kind");
    if api != wanted || name != target.kind.kind {
        let api = if api.contains('/') { api.to_owned() } else { format!("/{api}") };
        return Err(Failure::bad_request(format!("invalid object type: {api}, Kind={name}")));
    }
    if json::at(body, "metadata.managedFields").is_some() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    fit(target, body)
}

fn untyped(kind: &Kind, applied: &Value, problems: &[String]) -> Failure {
    let what = match problems {
        [one] => one.clone(),
        all => format!("errors:\n  {}", all.join("\n  ")),
    };
    Failure::new(
        500,
        "",
        format!(
            "failed to create typed patch object ({}/{}; {}/{}, Kind={}): {what}",
            json::text(applied, "metadata.namespace"),
            json::text(applied, "metadata.name"),
            kind.group,
            kind.version,
            kind.kind
        ),
    )
}

fn unfit(kind: &Kind, applied: &Value, misfit: &str) -> Failure {
    let (api, name) = (kind.api_version(), &kind.kind);
    let place = format!("{}/{}", json::text(applied, "metadata.namespace"), json::text(applied, "metadata.name"));
    let message = format!(
        "failed to convert new object ({place}; {api}, Kind={name}) to proper version: unable to convert unstructured \
         object to {api}, Kind={name}: {misfit}"
    );
    Failure::new(500, "", message)
}
