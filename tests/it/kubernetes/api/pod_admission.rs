//! What the admission of a real server adds to pods: the service account's token, tolerations, a priority.

use serde_json::{Value, json};

use super::clock;
use super::json;

const MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Adds it to a new pod.
pub fn admit(pod: &mut Value) {
    let Some(spec) = pod.get_mut("spec") else { return };
    json::default(spec, "serviceAccountName", "default");
    let account = spec["serviceAccountName"].clone();
    json::set(spec, "serviceAccount", account);
    json::default(spec, "priority", 0);
    json::default(spec, "preemptionPolicy", "PreemptLowerPriority");
    tolerate(spec);
    if json::at(spec, "automountServiceAccountToken") != Some(&json!(false)) {
        mount(spec);
    }
}

fn tolerate(spec: &mut Value) {
    let mut all: Vec<Value> = json::list(spec, "tolerations").to_vec();
    for name in ["not-ready", "unreachable"] {
        let key = format!("node.kubernetes.io/{name}");
        let known = |one: &Value| {
            let (other, operator) = (json::text(one, "key"), json::text(one, "operator"));
            other == key || other.is_empty() && operator == "Exists"
        };
        if !all.iter().any(known) {
            all.push(json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }));
        }
    }
    json::set(spec, "tolerations", all);
}

fn mount(spec: &mut Value) {
    let has = |one: &Value| json::list(one, "volumeMounts").iter().any(|mount| json::text(mount, "mountPath") == MOUNT);
    let name = format!("kube-api-access-{}", clock::suffix());
    let mut used = false;
    for list in ["initContainers", "containers"] {
        for one in json::items(spec, list).filter(|one| !has(one)) {
            used = true;
            let mut mounts = json::list(one, "volumeMounts").to_vec();
            mounts.push(json!({ "name": name, "readOnly": true, "mountPath": MOUNT }));
            json::set(one, "volumeMounts", mounts);
        }
    }
    if used {
        let field = json!({ "apiVersion": "v1", "fieldPath": "metadata.namespace" });
        let sources = json!([
            { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": field }] } },
        ]);
        let mut volumes = json::list(spec, "volumes").to_vec();
        volumes.push(json!({ "name": name, "projected": { "sources": sources, "defaultMode": 420 } }));
        json::set(spec, "volumes", volumes);
    }
}
