//! What an app says of some of its objects: what of them is left to others, which are protected, and when they are ready.

use super::manifest::{FAILED_ANNOTATION, READY_ANNOTATION, WAIT_ANNOTATION};
use super::words;
use crate::desired::{Instance, TakeOver};
use crate::path::join;
use crate::value::{Attributes, Value};

/// Lays what an app says of some of its objects over them. Gives what it says of none.
pub fn lay_over(app: &Instance, objects: &mut [Instance]) -> Vec<String> {
    let Value::Map(all) = app.attributes.get("objects") else { return Vec::new() };
    let mut of_none = Vec::new();
    for (pattern, said) in all.iter() {
        let mut found = false;
        for object in objects.iter_mut().filter(|object| fits(pattern, app, object)) {
            found = true;
            let pointers = said.at("ignore").map(Value::items).unwrap_or_default().iter().filter_map(Value::as_str);
            let paths: Vec<String> = pointers.map(|pointer| path(pointer, object)).collect();
            object.settings.ignore.extend(paths);
            if let Some(Value::Bool(protect)) = said.at("protect") {
                object.settings.protect = *protect;
            }
            match said.at("take_over") {
                Some(Value::Bool(true)) => object.settings.fields.take_over = TakeOver::Everything,
                Some(Value::List(pointers)) => {
                    let pointers = pointers.iter().filter_map(Value::as_str).map(str::to_owned);
                    object.settings.fields.take_over = TakeOver::Fields(pointers.collect());
                }
                _ => {}
            }
            let managers = said.at("ignore_managers").map(Value::items).unwrap_or_default();
            object.settings.fields.left_to.extend(managers.iter().filter_map(Value::as_str).map(str::to_owned));
            for (name, annotation) in [("ready", READY_ANNOTATION), ("failed", FAILED_ANNOTATION)] {
                if let Some(rule) = said.at(name) {
                    // It is on the object, so that whoever looks at it later judges it by the same rule.
                    let manifest = object.attributes.get("manifest").clone();
                    object
                        .attributes
                        .set("manifest", manifest.with(&["metadata", "annotations", annotation], rule.clone()));
                }
            }
        }
        if !found {
            of_none.push(pattern.to_string());
        }
    }
    of_none
}

/// What nobody waits for: many a claim is bound only once a pod asks for it, and its pods wait for it themselves; an autoscaler has
/// something to do once its pods have run for a while.
pub const UNAWAITED: [&str; 2] = ["HorizontalPodAutoscaler", "PersistentVolumeClaim"];

/// Whether anybody waits for an object with these attributes. What its app has a rule for is waited for whatever its kind is.
#[must_use]
pub fn is_awaited(attributes: &Attributes) -> bool {
    let annotations = attributes.at("manifest.metadata.annotations");
    let said = |name: &str| match annotations {
        Some(Value::Map(entries)) => entries.get(name).and_then(Value::as_str),
        _ => None,
    };
    let kind = attributes.get("kind").as_str().unwrap_or_default();
    said(WAIT_ANNOTATION) != Some("applied") && (said(READY_ANNOTATION).is_some() || !UNAWAITED.contains(&kind))
}

/// Whether a pattern such as `Deployment/web` or `Deployment/*` means an object.
fn fits(pattern: &str, app: &Instance, object: &Instance) -> bool {
    let Some(rest) = object.address.as_str().strip_prefix(app.address.as_str()) else { return false };
    let rest = rest.trim_start_matches('/');
    match pattern.strip_suffix('*') {
        Some(start) => rest.starts_with(start),
        None => rest == pattern,
    }
}

/// The path of an attribute that a JSON pointer into an object means.
fn path(pointer: &str, object: &Instance) -> String {
    let text = |name: &str| object.attributes.get(name).as_str().unwrap_or_default();
    let is_secret = text("kind") == "Secret" && words::is_own(words::group(text("api_version")));
    let mut parts =
        pointer.trim_start_matches('/').split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).peekable();
    let root = match parts.peek().map(String::as_str) {
        Some("data") if !object.attributes.get("secrets").is_null() => {
            parts.next();
            "secrets"
        }
        Some("data") if is_secret => "",
        _ => "manifest",
    };
    parts.fold(root.to_owned(), |path, part| join(&path, &part))
}
