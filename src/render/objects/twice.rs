//! What stands twice in an object although the server tells its parts by it: it would refuse the whole of it.

use super::manifest::AppObject;
use super::needs::{list, pod_spec};
use super::words::{WORKLOADS, group, is_own};
use crate::value::Value;

/// What in the containers of pods is told by which key.
const TOLD_BY: [(&str, &[&str]); 4] = [
    ("env", &["name"]),
    ("ports", &["containerPort", "protocol"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
];

/// What stands twice in an object, in words; none where nothing does.
pub fn said_twice(object: &AppObject) -> Option<String> {
    if !is_own(group(&object.api_version)) {
        return None;
    }
    if object.kind == "Service" {
        let again = again(list(&object.manifest, "spec.ports"), &["port", "protocol"])?;
        return Some(format!("the port {again} twice"));
    }
    let pod = WORKLOADS.contains(&object.kind.as_str()).then(|| pod_spec(&object.kind, &object.manifest))??;
    if let Some(name) = again(list(pod, "volumes"), &["name"]) {
        return Some(format!("the volume `{name}` twice"));
    }
    for containers in ["initContainers", "containers"] {
        if let Some(name) = again(list(pod, containers), &["name"]) {
            return Some(format!("the container `{name}` twice"));
        }
        for container in list(pod, containers) {
            let name = container.at("name").and_then(Value::as_str).unwrap_or_default();
            let twice = TOLD_BY.iter().find_map(|(key, told_by)| Some((key, again(list(container, key), told_by)?)));
            if let Some((key, again)) = twice {
                return Some(format!("`{again}` twice in `{key}` of the container `{name}`"));
            }
        }
    }
    None
}

/// The first item that has the keys of one before it. A protocol that is not said is TCP.
fn again(items: &[Value], told_by: &[&str]) -> Option<String> {
    let mut seen: Vec<Vec<String>> = Vec::new();
    for item in items {
        let key: Vec<String> = told_by.iter().map(|name| text(item, name)).collect();
        if seen.contains(&key) && !key[0].is_empty() {
            return Some(key[0].clone());
        }
        seen.push(key);
    }
    None
}

fn text(item: &Value, name: &str) -> String {
    match item.at(name) {
        Some(Value::String(text)) => text.to_string(),
        Some(Value::Int(number)) => number.to_string(),
        _ if name == "protocol" => "TCP".to_owned(),
        _ => String::new(),
    }
}
