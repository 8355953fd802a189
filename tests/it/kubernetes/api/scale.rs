//! The scale of a workload.

use serde_json::{Value, json};

use super::failure::Failure;
use super::json;
use super::kinds::Kind;

/// The scale of an object.
pub fn of(kind: &Kind, object: &Value) -> Result<Value, Failure> {
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        json::copy(object.get("metadata").unwrap_or(&Value::Null), &mut metadata, field);
    }
    let labels: Vec<String> = json::members(object, "spec.selector.matchLabels")
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let replicas = json::number(object, "spec.replicas").unwrap_or(1);
    if kind.custom && json::at(object, "spec.replicas").is_none() {
        let message = "the spec replicas field \".spec.replicas\" does not exist";
        return Err(Failure::internal(message));
    }
    let spec = if replicas == 0 { json!({}) } else { json!({ "replicas": replicas }) };
    Ok(json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec,
        "status": { "replicas": json::number(object, "status.replicas").unwrap_or(0), "selector": labels.join(",") },
    }))
}

/// An object with another scale.
pub fn put(object: &Value, scale: &Value) -> Value {
    let mut object = object.clone();
    json::set(&mut object, "spec.replicas", json::number(scale, "spec.replicas").unwrap_or(0));
    let version = json::text(scale, "metadata.resourceVersion");
    if !version.is_empty() {
        json::set(&mut object, "metadata.resourceVersion", version);
    }
    object
}
