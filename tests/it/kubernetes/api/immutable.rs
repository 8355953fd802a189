//! What can never change in an object of a built-in kind.

use serde_json::{Value, json};

use super::failure::Cause;
use super::json;
use super::kinds::Kind;

const IMMUTABLE: &str = "field is immutable";

/// What is wrong with a change.
pub fn check(kind: &Kind, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    match kind.kind.as_str() {
        "Deployment" | "DaemonSet" | "ReplicaSet" => same(old, new, "spec.selector", causes),
        "StatefulSet" => stateful_set(old, new, causes),
        "Job" => job(old, new, causes),
        "Service" => service(old, new, causes),
        "ConfigMap" | "Secret" => immutable_data(kind, old, new, causes),
        "PersistentVolumeClaim" => claim(old, new, causes),
        "RoleBinding" | "ClusterRoleBinding" if json::at(old, "roleRef") != json::at(new, "roleRef") => {
            let word = |name: &str| json::text(new, &format!("roleRef.{name}")).to_owned();
            let role = json!({ "APIGroup": word("apiGroup"), "Kind": word("kind"), "Name": word("name") });
            causes.push(Cause::invalid("roleRef", &role, "cannot change roleRef"));
        }
        "StorageClass" => storage_class(old, new, causes),
        "PriorityClass" => priority_class(old, new, causes),
        "CustomResourceDefinition" => {
            for field in ["spec.group", "spec.scope", "spec.names.plural", "spec.names.kind"] {
                same(old, new, field, causes);
            }
        }
        _ => {}
    }
}

fn same(old: &Value, new: &Value, path: &str, causes: &mut Vec<Cause>) {
    if json::at(old, path) != json::at(new, path) {
        let value = json::at(new, path).cloned().unwrap_or_default();
        causes.push(Cause::invalid(path, &value, IMMUTABLE));
    }
}

fn without(value: &Value, paths: &[&str]) -> Value {
    let mut value = value.get("spec").cloned().unwrap_or_default();
    for path in paths {
        json::remove(&mut value, path);
    }
    value
}

fn stateful_set(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let free = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    if without(old, &free) != without(new, &free) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                      'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                      'minReadySeconds' are forbidden";
        causes.push(Cause::forbidden("spec", detail));
    }
}

fn job(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let suspended = |job: &Value| json::at(job, "spec.suspend") == Some(&Value::Bool(true));
    let idle = suspended(old) && json::at(old, "status.startTime").is_none();
    let indexed = json::text(new, "spec.completionMode") == "Indexed";
    let scaled = indexed && json::at(new, "spec.completions") == json::at(new, "spec.parallelism");
    if !scaled {
        same(old, new, "spec.completions", causes);
    }
    same(old, new, "spec.selector", causes);
    if !idle {
        same(old, new, "spec.template", causes);
    }
    same(old, new, "spec.completionMode", causes);
    same(old, new, "spec.podFailurePolicy", causes);
    same(old, new, "spec.backoffLimitPerIndex", causes);
}

fn service(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let external = |service: &Value| json::text(service, "spec.type") == "ExternalName";
    if external(old) || external(new) {
        return;
    }
    let before = json::text(old, "spec.clusterIP");
    if !before.is_empty() && before != json::text(new, "spec.clusterIP") {
        let value = json::list(new, "spec.clusterIPs").to_vec();
        let detail = "may not change once set";
        causes.push(Cause::invalid("spec.clusterIPs[0]", &value.into(), detail));
    }
}

fn immutable_data(kind: &Kind, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if kind.kind == "Secret" {
        same(old, new, "type", causes);
    }
    if json::at(old, "immutable") != Some(&Value::Bool(true)) {
        return;
    }
    let detail = "field is immutable when `immutable` is set";
    if json::at(new, "immutable") != Some(&Value::Bool(true)) {
        causes.push(Cause::forbidden("immutable", detail));
    }
    for field in ["data", "binaryData"] {
        if json::at(old, field) != json::at(new, field) {
            causes.push(Cause::forbidden(field, detail));
        }
    }
}

fn claim(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let free = ["resources.requests", "volumeAttributesClassName", "volumeName"];
    let bound = json::at(old, "spec.volumeName").is_some();
    let named = bound && json::at(old, "spec.volumeName") != json::at(new, "spec.volumeName");
    let size = |claim: &Value| json::at(claim, "spec.resources.requests.storage").cloned();
    let unbound = json::text(old, "status.phase") != "Bound" && size(old) != size(new);
    if without(old, &free) != without(new, &free) || named || unbound {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound \
                      claims";
        causes.push(Cause::forbidden("spec", detail));
    }
}

fn storage_class(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    same(old, new, "parameters", causes);
    same(old, new, "provisioner", causes);
    same(old, new, "reclaimPolicy", causes);
    same(old, new, "volumeBindingMode", causes);
}

fn priority_class(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if json::number(old, "value").unwrap_or(0) != json::number(new, "value").unwrap_or(0) {
        let detail = "may not be changed in an update.";
        causes.push(Cause::forbidden("value", detail));
    }
    same(old, new, "preemptionPolicy", causes);
}
