//! The ownership mark of an object: an annotation, and a label to find it by.
//!
//! Operators copy labels and annotations to what they make. So the mark says which object it is the mark of; on any other one it
//! counts for nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::identity::Identity;
use crate::observed::{Mark, Owner};
use crate::render::objects::{MARK_ANNOTATION, OWNER_LABEL, full_word};
use crate::value::hash;

/// A mark as it is written.
#[derive(Serialize, Deserialize)]
struct WrittenMark {
    /// The identity of the object within its cluster.
    object: String,
    #[serde(flatten)]
    mark: Mark,
}

/// The value of the label by which an owner finds what is his own. Names of projects may be longer than a label may be.
pub fn owner(owner: &Owner) -> String {
    hash(format!("{}/{}", owner.project, owner.environment).as_bytes())[..16].to_owned()
}

/// The labels that select what an owner has.
pub fn selector(of: &Owner) -> String {
    format!("{OWNER_LABEL}={}", owner(of))
}

/// Writes a mark into the metadata of an object.
pub fn put(object: &mut Json, mark: &Mark, identity: &Identity, cluster: &Identity) {
    let written = WrittenMark { object: within(identity, cluster).to_owned(), mark: mark.clone() };
    let text = serde_json::to_string(&written).unwrap_or_default();
    let of = Owner { project: mark.project.clone(), environment: mark.environment.clone() };
    entry(object, "annotations").insert(MARK_ANNOTATION.into(), text.into());
    entry(object, "labels").insert(OWNER_LABEL.into(), owner(&of).into());
}

/// Writes the mark that an object has into what it is to become, whatever that mark is.
pub fn keep(live: &Json, object: &mut Json) {
    for (part, name) in [("annotations", MARK_ANNOTATION), ("labels", OWNER_LABEL)] {
        if let Some(text) = live["metadata"][part][name].as_str() {
            entry(object, part).insert(name.into(), text.into());
        }
    }
}

/// What takes a mark away, as a part to merge into an object.
pub fn without() -> Json {
    serde_json::json!({ "metadata": {
        "annotations": { MARK_ANNOTATION: null },
        "labels": { OWNER_LABEL: null },
    } })
}

/// The mark on an object, and its identity; none where there is none, or it is a copy of another object's.
pub fn read(object: &Json, cluster: &Identity) -> Option<(Mark, Identity)> {
    let text = object["metadata"]["annotations"][MARK_ANNOTATION].as_str()?;
    let written: WrittenMark = serde_json::from_str(text).ok()?;
    let identity = Identity::from_text(format!("{cluster}/{}", written.object));
    let metadata = &object["metadata"];
    let own = identity.name() == metadata["name"].as_str().unwrap_or_default() || is_record_of(&identity, metadata);
    let namespace = identity.scope();
    let there = metadata["namespace"].as_str();
    let kind = object["kind"].as_str().unwrap_or_default();
    let fits = match identity.kind() {
        "namespace" => kind == "Namespace",
        "app" => kind == "ConfigMap" && namespace.as_deref() == there,
        word => {
            word == full_word(object["apiVersion"].as_str().unwrap_or_default(), kind)
                && (there.is_none() || namespace.as_deref() == there)
        }
    };
    (own && fits).then_some((written.mark, identity))
}

/// What stands before the name of an app in the name of its record.
pub const RECORD: &str = "atlas-app-";

fn is_record_of(app: &Identity, metadata: &Json) -> bool {
    let name = metadata["name"].as_str().and_then(|name| name.strip_prefix(RECORD));
    let rest = name.and_then(|name| name.strip_prefix(&*app.name()));
    // Its parts have a longer name.
    app.kind() == "app" && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The part of an identity behind its cluster.
fn within<'a>(identity: &'a Identity, cluster: &Identity) -> &'a str {
    identity.as_str().strip_prefix(cluster.as_str()).map_or(identity.as_str(), |rest| rest.trim_start_matches('/'))
}

fn entry<'a>(object: &'a mut Json, name: &str) -> &'a mut Map<String, Json> {
    let slot = &mut object["metadata"][name];
    if !slot.is_object() {
        *slot = Json::Object(Map::new());
    }
    match slot {
        Json::Object(map) => map,
        _ => unreachable!("it was made a moment ago"),
    }
}
