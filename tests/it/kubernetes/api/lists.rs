//! Lists of objects: selected, in pieces, with metadata only.

use serde_json::{Value, json};

use super::asked::{Asked, Place};
use super::failure::Failure;
use super::json;
use super::kinds::Kind;
use super::selector::Selector;
use super::world::{Key, World};

/// The selector of a request.
pub fn selector(asked: &Asked, place: &Place) -> Result<Selector, Failure> {
    let mut fields = asked.word("fieldSelector").to_owned();
    if !place.name.is_empty() {
        fields = format!("metadata.name={}", place.name);
    }
    Selector::parse(asked.word("labelSelector"), &fields).map_err(Failure::bad_request)
}

/// Refuses a field selector that a kind does not know.
fn known_fields(kind: &Kind, asked: &Asked) -> Result<(), Failure> {
    let more = match kind.kind.as_str() {
        _ if kind.custom => "",
        "Pod" => {
            "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork \
                  status.phase status.podIP status.podIPs status.nominatedNodeName"
        }
        "Namespace" => "status.phase",
        "Secret" => "type",
        "Job" => "status.successful",
        "Service" => "spec.clusterIP spec.type",
        "Node" => "spec.unschedulable",
        "ReplicaSet" | "ReplicationController" => "status.replicas",
        "Event" => {
            "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid \
                    involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath reason \
                    reportingComponent source type regarding.kind regarding.namespace regarding.name regarding.uid"
        }
        _ => "",
    };
    for text in asked.word("fieldSelector").split(',').filter(|text| !text.is_empty()) {
        let field = text.split(['=', '!']).next().unwrap_or_default();
        if field != "metadata.name" && field != "metadata.namespace" && !more.split_whitespace().any(|one| one == field)
        {
            return Err(Failure::bad_request(if kind.custom {
                format!("field label not supported: {field}")
            } else {
                format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
            }));
        }
    }
    Ok(())
}

/// Whether the client wants metadata only.
pub fn only_metadata(asked: &Asked) -> bool {
    asked.accept.split(',').next().unwrap_or_default().contains("as=PartialObjectMetadata")
}

/// An object in the version of a kind, with metadata only if that is wanted.
pub fn shown(kind: &Kind, object: &Value, metadata: bool) -> Value {
    if metadata {
        return json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": object.get("metadata") });
    }
    let mut object = object.clone();
    object["apiVersion"] = json!(kind.api_version());
    object
}

/// A list of objects.
pub fn list(world: &World, kind: &Kind, place: &Place, asked: &Asked) -> Result<Value, Failure> {
    known_fields(kind, asked)?;
    let selector = selector(asked, place)?;
    let metadata = only_metadata(asked);
    let (after, version) = begin(world, asked)?;
    let all: Vec<(&Key, &Value)> =
        world.list(kind, &place.namespace).into_iter().filter(|(key, _)| spot(key) > after).collect();
    let found: Vec<(&Key, &Value)> = all.iter().copied().filter(|(_, object)| selector.fits(object)).collect();
    let limit: usize = asked.word("limit").parse().unwrap_or(0);
    let end = if limit == 0 { found.len() } else { found.len().min(limit) };
    let mut about = json!({ "resourceVersion": version.to_string() });
    if kind.custom && !metadata {
        about["continue"] = json!("");
    }
    // What is behind the last item may be selected or not: that is not looked at.
    let is_cut = |last: &&Key| end == limit && all.iter().any(|(key, _)| spot(key) > spot(last));
    if let Some(last) = found[..end].last().map(|(key, _)| *key).filter(is_cut) {
        let (namespace, name) = spot(last);
        about["continue"] = json!(format!("{version}/{namespace}/{name}"));
        if asked.word("labelSelector").is_empty() && asked.word("fieldSelector").is_empty() {
            about["remainingItemCount"] = json!(found.len() - end);
        }
    }
    let item = |(_, object): &(&Key, &Value)| {
        let mut object = shown(kind, object, metadata);
        if !kind.custom && !metadata {
            json::remove(&mut object, "kind");
            json::remove(&mut object, "apiVersion");
        }
        object
    };
    let items: Vec<Value> = found[..end].iter().map(item).collect();
    let (name, api) = if metadata {
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
    } else {
        (format!("{}List", kind.kind), kind.api_version())
    };
    Ok(json!({ "kind": name, "apiVersion": api, "metadata": about, "items": items }))
}

fn spot(key: &Key) -> (String, String) {
    (key.namespace.clone(), key.name.clone())
}

/// What is wrong with a token that is none: it is JSON in base64.
fn unread(token: &str) -> String {
    use base64::Engine as _;
    let whole = format!("{token:A<width$}", width = token.len().next_multiple_of(4));
    let read = base64::prelude::BASE64_URL_SAFE.decode(whole).unwrap_or_default();
    let first = read.first().map_or_else(String::new, |byte| char::from(*byte).to_string());
    format!("invalid character '{first}' looking for beginning of value")
}

/// What a list goes on after, and the version that it is of.
fn begin(world: &World, asked: &Asked) -> Result<((String, String), u64), Failure> {
    let token = asked.word("continue");
    let wanted = asked.word("resourceVersion");
    if !wanted.is_empty() && wanted.parse::<u64>().is_err() {
        let why = format!(
            "resourceVersion: Invalid value: {wanted:?}: strconv.ParseUint: parsing {wanted:?}: invalid syntax"
        );
        return Err(Failure::bad_request(format!("invalid resource version: {why}")));
    }
    if token.is_empty() {
        return Ok(((String::new(), String::new()), world.version()));
    }
    let parts: Vec<&str> = token.split('/').collect();
    let parts = match parts.as_slice() {
        [version, namespace, name] => version.parse().ok().map(|version: u64| (version, *namespace, *name)),
        _ => None,
    };
    let (version, namespace, name) = parts.ok_or_else(|| {
        Failure::bad_request(format!("invalid continue token: continue key is not valid: {}", unread(token)))
    })?;
    if version < world.oldest {
        return Err(Failure::gone(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list \
             without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
             results. Continuing with the provided token results in an inconsistent list - objects that were created, \
             modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        ));
    }
    Ok(((namespace.to_owned(), name.to_owned()), version))
}
