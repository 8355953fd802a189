//! From a request to its answer.

use serde_json::{Value, json};

use super::asked::{Asked, Place};
use super::body::{Options, Target, Unknown, Written};
use super::delete::delete;
use super::discovery;
use super::failure::{Cause, Failure};
use super::json;
use super::kinds::Kind;
use super::lists;
use super::patch;
use super::scale;
use super::watching::Watch;
use super::world::{Key, World};
use super::write;

/// What a request is answered with.
pub enum Answer {
    /// JSON, with what it warns of.
    Json(u16, Value, Vec<String>),
    /// Plain text.
    Text(u16, String),
    /// A stream of events, and the first ones.
    Watch(Box<Watch>, Vec<Value>),
}

/// Answers a request.
pub fn answer(world: &mut World, asked: &Asked) -> Result<Answer, Failure> {
    if let Some(answer) = about_the_server(world, asked) {
        return Ok(answer);
    }
    if asked.body.len() > 3_145_728 {
        return Err(Failure::new(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"));
    }
    let nowhere = || Ok(Answer::Text(404, "404 page not found\n".to_owned()));
    let Some(place) = asked.place() else { return nowhere() };
    if place.plural.is_empty() {
        return match discovery::resources(world, &place.group, &place.version) {
            Some(list) => Ok(Answer::Json(200, list, Vec::new())),
            None if known(world, &place.group) => Err(Failure::no_such_path()),
            None => nowhere(),
        };
    }
    let Some(kind) = world.kind(&place.group, &place.version, &place.plural) else {
        if known(world, &place.group) {
            return Err(Failure::no_such_path());
        }
        return nowhere();
    };
    if !place.namespace.is_empty() && !kind.namespaced {
        if kind.custom {
            return nowhere();
        }
        return Err(Failure::no_such_path());
    }
    match place.subresource.as_str() {
        "" => object(world, &kind, &place, asked),
        "status" if kind.status => subresource(world, &kind, &place, asked),
        "scale" if kind.scale => scaled(world, &kind, &place, asked),
        "finalize" if kind.is("Namespace") => finalize(world, &kind, &place, asked),
        "log" if kind.is("Pod") => log(world, &kind, &place),
        _ if kind.custom => Err(Failure::not_found(&kind.subject(&place.name))),
        _ => Err(Failure::no_such_path()),
    }
}

fn known(world: &World, group: &str) -> bool {
    // A group of definitions answers as the web server does.
    world.kinds().iter().any(|kind| kind.group == group && !kind.custom)
}

fn about_the_server(world: &World, asked: &Asked) -> Option<Answer> {
    let whole = asked.accept.contains("as=APIGroupDiscoveryList");
    let path = asked.path.trim_end_matches('/');
    let body = match path {
        "/readyz" | "/livez" | "/healthz" => return Some(Answer::Text(200, "ok".to_owned())),
        "/version" => discovery::version(),
        "/api" if whole => discovery::aggregated(world, true),
        "/apis" if whole => discovery::aggregated(world, false),
        "/api" => discovery::core(),
        "/apis" => discovery::apis(world),
        _ => {
            let group = path.strip_prefix("/apis/").filter(|rest| !rest.contains('/'))?;
            discovery::group(world, group)?
        }
    };
    Some(Answer::Json(200, body, Vec::new()))
}

/// How a write is to be done.
fn options(asked: &Asked) -> Result<Options, Failure> {
    let dry_run = match asked.word("dryRun") {
        "" => false,
        "All" => true,
        other => {
            let mut cause = Cause::unsupported("dryRun", other, &["All"]);
            cause.message = format!("Unsupported value: [{other:?}]: supported values: \"All\"");
            let kind = if asked.method == "PATCH" { "PatchOptions" } else { "CreateOptions" };
            return Err(Failure::options(kind, cause));
        }
    };
    let apply = asked.content_type.contains("apply-patch");
    let manager = match asked.word("fieldManager") {
        "" if apply => "",
        "" => asked.agent.split('/').next().unwrap_or_default(),
        manager => manager,
    };
    if asked.says("force") && !apply {
        let cause = Cause::forbidden("force", "may not be specified for non-apply patch");
        return Err(Failure::options("PatchOptions", cause));
    }
    let unknown = match asked.word("fieldValidation") {
        "Ignore" => Unknown::Ignore,
        "Strict" => Unknown::Refuse,
        _ => Unknown::Warn,
    };
    Ok(Options { manager: manager.to_owned(), force: asked.says("force"), dry_run, unknown })
}

fn target(kind: &Kind, place: &Place) -> Target {
    Target {
        kind: kind.clone(),
        namespace: place.namespace.clone(),
        name: place.name.clone(),
        subresource: place.subresource.clone(),
    }
}

fn body(asked: &Asked) -> Result<Value, Failure> {
    if asked.content_type.contains("protobuf") || asked.content_type.contains("cbor") {
        let message =
            "the body of the request was in an unknown format - accepted media types include: application/json";
        return Err(Failure::new(415, "UnsupportedMediaType", message));
    }
    asked.json().map_err(|error| Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}")))
}

fn written(asked: &Asked, kind: &Kind, written: Result<Written, Failure>) -> Result<Answer, Failure> {
    let written = written?;
    let code = if written.created { 201 } else { 200 };
    let object = lists::shown(kind, &written.object, lists::only_metadata(asked));
    Ok(Answer::Json(code, object, written.warnings))
}

/// A request for a list, or for an object itself.
fn object(world: &mut World, kind: &Kind, place: &Place, asked: &Asked) -> Result<Answer, Failure> {
    let key = Key::of(kind, &place.namespace, &place.name);
    let whole = place.name.is_empty();
    match asked.method.as_str() {
        "GET" if asked.says("watch") && whole => {
            let (watch, first) = Watch::begin(world, kind, place, asked)?;
            Ok(Answer::Watch(Box::new(watch), first))
        }
        "GET" if whole => Ok(Answer::Json(200, lists::list(world, kind, place, asked)?, Vec::new())),
        "GET" => {
            let found = world.get(&key).ok_or_else(|| Failure::not_found(&kind.subject(&place.name)))?;
            Ok(Answer::Json(200, lists::shown(kind, found, lists::only_metadata(asked)), Vec::new()))
        }
        "POST" if whole => {
            if kind.namespaced && place.namespace.is_empty() {
                if kind.custom {
                    return Ok(Answer::Text(404, "404 page not found\n".to_owned()));
                }
                return Err(Failure::not_allowed());
            }
            let made = write::create(world, &target(kind, place), &body(asked)?, &options(asked)?);
            written(asked, kind, made)
        }
        "PUT" if !whole => {
            let made = write::replace(world, &target(kind, place), &body(asked)?, &options(asked)?);
            written(asked, kind, made)
        }
        "PATCH" if !whole => written(asked, kind, patched(world, &target(kind, place), asked)),
        "DELETE" if whole => delete_all(world, kind, place, asked),
        "DELETE" => {
            let (how, dry_run) = deletion(asked)?;
            let deleted = delete(world, kind, &key, &how, dry_run)?;
            Ok(Answer::Json(200, deleted.answer, Vec::new()))
        }
        "PUT" | "PATCH" if kind.custom => Err(Failure::bad_request("name must be provided")),
        _ => Err(Failure::not_allowed()),
    }
}

fn deletion(asked: &Asked) -> Result<(Value, bool), Failure> {
    let mut how = if asked.body.is_empty() { json!({}) } else { body(asked)? };
    for name in ["propagationPolicy", "orphanDependents"] {
        if !asked.word(name).is_empty() {
            json::set(&mut how, name, asked.word(name));
        }
    }
    if let Ok(seconds) = asked.word("gracePeriodSeconds").parse::<i64>() {
        json::set(&mut how, "gracePeriodSeconds", seconds);
    }
    let policy = json::text(&how, "propagationPolicy");
    if !["", "Foreground", "Background", "Orphan"].contains(&policy) {
        let cause = Cause::unsupported("propagationPolicy", policy, &["Foreground", "Background", "Orphan", "nil"]);
        return Err(Failure::options("DeleteOptions", cause));
    }
    let dry_run = asked.word("dryRun") == "All" || json::list(&how, "dryRun").iter().any(|word| word == "All");
    Ok((how, dry_run))
}

fn delete_all(world: &mut World, kind: &Kind, place: &Place, asked: &Asked) -> Result<Answer, Failure> {
    if kind.is("Namespace") || kind.namespaced && place.namespace.is_empty() {
        return Err(Failure::not_allowed());
    }
    let list = lists::list(world, kind, place, asked)?;
    let (how, dry_run) = deletion(asked)?;
    for object in json::list(&list, "items") {
        let key = Key::of(kind, &place.namespace, json::text(object, "metadata.name"));
        delete(world, kind, &key, &how, dry_run)?;
    }
    Ok(Answer::Json(200, list, Vec::new()))
}

/// What a strategic patch that does not fit is told: it is shown as Go prints it.
fn misfit(failure: Failure, patch: &Value) -> Failure {
    let cause = json::list(&failure.body, "details.causes").first().cloned().unwrap_or_default();
    if json::text(&cause, "field") != "patch" || !json::text(&cause, "message").contains("of type int32") {
        return failure;
    }
    let told = format!("Invalid value: {:?}: unrecognized type: int32", printed(patch));
    let mut failure = failure;
    json::set(&mut failure.body, "message", json!(format!(" \"\" is invalid: patch: {told}")));
    failure.body["details"]["causes"][0]["message"] = json!(told);
    failure
}

/// A value as Go prints it.
fn printed(value: &Value) -> String {
    match value {
        Value::Object(all) => {
            let mut parts: Vec<String> = all.iter().map(|(key, value)| format!("{key}:{}", printed(value))).collect();
            parts.sort();
            format!("map[{}]", parts.join(" "))
        }
        Value::Array(all) => format!("[{}]", all.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

fn patched(world: &mut World, target: &Target, asked: &Asked) -> Result<Written, Failure> {
    let options = options(asked)?;
    let sort = asked.content_type.split(';').next().unwrap_or_default().trim();
    let patch = body(asked)?;
    match sort {
        "application/apply-patch+yaml" => write::apply(world, target, &patch, &options),
        "application/merge-patch+json" | "application/strategic-merge-patch+json" if !patch.is_object() => {
            Err(Failure::bad_request(
                "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
            ))
        }
        "application/merge-patch+json" => write::modify(world, target, &options, |live| {
            let mut object = live.clone();
            patch::merge(&mut object, &patch);
            Ok(object)
        }),
        "application/strategic-merge-patch+json" if !target.kind.custom => {
            write::modify(world, target, &options, |live| {
                let mut object = live.clone();
                patch::strategic(&target.kind.shape, &mut object, &patch);
                Ok(object)
            })
            .map_err(|failure| misfit(failure, &patch))
        }
        "application/json-patch+json" if !patch.is_array() => Err(Failure::bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        )),
        "application/json-patch+json" => write::modify(world, target, &options, |live| {
            let mut object = live.clone();
            patch::operations(&mut object, &patch).map_err(|_| Failure::unfit())?;
            Ok(object)
        }),
        _ => {
            if target.kind.custom {
                let message = "the body of the request was in an unknown format - accepted media types include: \
                               application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
                return Err(Failure::new(415, "UnsupportedMediaType", message));
            }
            Err(Failure::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").details(json!({})))
        }
    }
}

/// A request for the status of an object.
fn subresource(world: &mut World, kind: &Kind, place: &Place, asked: &Asked) -> Result<Answer, Failure> {
    let target = target(kind, place);
    match asked.method.as_str() {
        "GET" => {
            let found = world.get(&target.key()).ok_or_else(|| Failure::not_found(&kind.subject(&place.name)))?;
            Ok(Answer::Json(200, lists::shown(kind, found, lists::only_metadata(asked)), Vec::new()))
        }
        "PUT" => {
            let made = write::replace(world, &target, &body(asked)?, &options(asked)?);
            written(asked, kind, made)
        }
        "PATCH" => written(asked, kind, patched(world, &target, asked)),
        _ => Err(Failure::not_allowed()),
    }
}

fn scaled(world: &mut World, kind: &Kind, place: &Place, asked: &Asked) -> Result<Answer, Failure> {
    let target = target(kind, place);
    let found = world.get(&target.key()).cloned().ok_or_else(|| Failure::not_found(&kind.subject(&place.name)))?;
    let mut wanted = scale::of(kind, &found)?;
    match asked.method.as_str() {
        "GET" => return Ok(Answer::Json(200, wanted, Vec::new())),
        "PUT" => wanted = body(asked)?,
        "PATCH" => patch::merge(&mut wanted, &body(asked)?),
        _ => return Err(Failure::not_allowed()),
    }
    let made = write::modify(world, &target, &options(asked)?, |live| Ok(scale::put(live, &wanted)))?;
    Ok(Answer::Json(200, scale::of(kind, &made.object)?, Vec::new()))
}

fn finalize(world: &mut World, kind: &Kind, place: &Place, asked: &Asked) -> Result<Answer, Failure> {
    if asked.method != "PUT" {
        return Err(Failure::not_allowed());
    }
    let wanted = body(asked)?;
    let target = target(kind, place);
    let made = write::modify(world, &target, &options(asked)?, |live| {
        let mut object = live.clone();
        json::copy(&wanted, &mut object, "spec.finalizers");
        Ok(object)
    });
    written(asked, kind, made)
}

fn log(world: &World, kind: &Kind, place: &Place) -> Result<Answer, Failure> {
    let key = Key::of(kind, &place.namespace, &place.name);
    if world.get(&key).is_none() {
        return Err(Failure::not_found(&kind.subject(&place.name)));
    }
    let text = world.logs.get(&(place.namespace.clone(), place.name.clone())).cloned().unwrap_or_default();
    Ok(Answer::Text(200, text))
}
