//! What the built-in kinds say when they do not say it.

use serde_json::{Value, json};

use super::custom;
use super::json;
use super::kinds::Kind;
use super::pod_defaults;

/// Fills in an object.
pub fn fill(kind: &Kind, object: &mut Value) {
    if kind.custom {
        return custom::defaults(&kind.schema, object);
    }
    match kind.kind.as_str() {
        "Pod" => {
            pod_defaults::spec(spec(object));
            pod_defaults::pod(object);
            json::default(object, "status.phase", "Pending");
        }
        "PodTemplate" => template(object),
        "Deployment" => deployment(spec(object)),
        "StatefulSet" => stateful_set(spec(object)),
        "DaemonSet" => {
            let note = "deprecated.daemonset.template.generation".to_owned();
            json::object(object, "metadata.annotations").entry(note).or_insert(json!("0"));
            daemon_set(spec(object));
        }
        "ReplicaSet" | "ReplicationController" => {
            json::default(spec(object), "replicas", 1);
            template(spec(object));
        }
        "Job" => job(object),
        "CronJob" => cron_job(spec(object)),
        "Service" => service(object),
        "Secret" => secret(object),
        "Namespace" => {
            let name = json::text(object, "metadata.name").to_owned();
            if !name.is_empty() {
                json::object(object, "metadata.labels").insert("kubernetes.io/metadata.name".to_owned(), json!(name));
            }
            json::default(object, "status.phase", "Active");
        }
        "PersistentVolumeClaim" => {
            json::default(object, "spec.volumeMode", "Filesystem");
            json::default(object, "status.phase", "Pending");
        }
        "PersistentVolume" => {
            json::default(object, "spec.volumeMode", "Filesystem");
            json::default(object, "spec.persistentVolumeReclaimPolicy", "Retain");
            json::default(object, "status.phase", "Pending");
        }
        _ => others(kind, object),
    }
}

fn others(kind: &Kind, object: &mut Value) {
    match kind.kind.as_str() {
        "RoleBinding" | "ClusterRoleBinding" => binding(object),
        "StorageClass" => {
            json::default(object, "reclaimPolicy", "Delete");
            json::default(object, "volumeBindingMode", "Immediate");
        }
        "NetworkPolicy" => network_policy(spec(object)),
        "HorizontalPodAutoscaler" => autoscaler(spec(object)),
        "CustomResourceDefinition" => definition(object),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => webhooks(kind, object),
        "LimitRange" => limits(spec(object)),
        "PriorityClass" => json::default(object, "preemptionPolicy", "PreemptLowerPriority"),
        "ValidatingAdmissionPolicy" => {
            json::default(object, "spec.failurePolicy", "Fail");
            match_resources(object, "spec.matchConstraints");
        }
        "ValidatingAdmissionPolicyBinding" => match_resources(object, "spec.matchResources"),
        "CSIDriver" => {
            for (name, value) in [
                ("attachRequired", true),
                ("podInfoOnMount", false),
                ("storageCapacity", false),
                ("requiresRepublish", false),
                ("seLinuxMount", false),
            ] {
                json::default(object, &format!("spec.{name}"), value);
            }
            json::default(object, "spec.fsGroupPolicy", "ReadWriteOnceWithFSType");
            json::default(object, "spec.volumeLifecycleModes", json!(["Persistent"]));
        }
        "APIService" if json::at(object, "spec.service").is_some() => {
            json::default(object, "spec.service.port", 443);
        }
        _ => {}
    }
}

fn spec(object: &mut Value) -> &mut Value {
    if !object.get("spec").is_some_and(Value::is_object) {
        json::set(object, "spec", json!({}));
    }
    object.get_mut("spec").expect("a spec that was just made")
}

fn template(spec: &mut Value) {
    if let Some(spec) = json::at_mut(spec, "template.spec") {
        pod_defaults::spec(spec);
    }
}

fn deployment(spec: &mut Value) {
    json::default(spec, "replicas", 1);
    json::default(spec, "strategy.type", "RollingUpdate");
    if json::text(spec, "strategy.type") == "RollingUpdate" {
        json::default(spec, "strategy.rollingUpdate.maxUnavailable", "25%");
        json::default(spec, "strategy.rollingUpdate.maxSurge", "25%");
    }
    json::default(spec, "revisionHistoryLimit", 10);
    json::default(spec, "progressDeadlineSeconds", 600);
    template(spec);
}

fn stateful_set(spec: &mut Value) {
    json::default(spec, "podManagementPolicy", "OrderedReady");
    if json::at(spec, "updateStrategy.type").is_none() {
        json::set(spec, "updateStrategy.type", "RollingUpdate");
        json::default(spec, "updateStrategy.rollingUpdate", json!({}));
    }
    if json::text(spec, "updateStrategy.type") == "RollingUpdate"
        && json::at(spec, "updateStrategy.rollingUpdate").is_some()
    {
        json::default(spec, "updateStrategy.rollingUpdate.partition", 0);
    }
    json::default(spec, "persistentVolumeClaimRetentionPolicy.whenDeleted", "Retain");
    json::default(spec, "persistentVolumeClaimRetentionPolicy.whenScaled", "Retain");
    json::default(spec, "replicas", 1);
    json::default(spec, "revisionHistoryLimit", 10);
    for claim in json::items(spec, "volumeClaimTemplates") {
        json::default(claim, "apiVersion", "v1");
        json::default(claim, "kind", "PersistentVolumeClaim");
        json::default(claim, "spec.volumeMode", "Filesystem");
        json::default(claim, "status.phase", "Pending");
    }
    template(spec);
}

fn daemon_set(spec: &mut Value) {
    json::default(spec, "updateStrategy.type", "RollingUpdate");
    if json::text(spec, "updateStrategy.type") == "RollingUpdate" {
        json::default(spec, "updateStrategy.rollingUpdate.maxUnavailable", 1);
        json::default(spec, "updateStrategy.rollingUpdate.maxSurge", 0);
    }
    json::default(spec, "revisionHistoryLimit", 10);
    template(spec);
}

fn job(object: &mut Value) {
    let labels = json::at(object, "spec.template.metadata.labels").cloned();
    if let Some(labels) = labels.filter(|_| json::members(object, "metadata.labels").next().is_none()) {
        json::set(object, "metadata.labels", labels);
    }
    job_spec(spec(object), true);
}

fn job_spec(spec: &mut Value, whole: bool) {
    if whole {
        if json::at(spec, "completions").is_none() && json::at(spec, "parallelism").is_none() {
            json::set(spec, "completions", 1);
        }
        json::default(spec, "parallelism", 1);
        let per_index = json::at(spec, "backoffLimitPerIndex").is_some();
        json::default(spec, "backoffLimit", if per_index { i32::MAX } else { 6 });
        json::default(spec, "completionMode", "NonIndexed");
        json::default(spec, "suspend", false);
        json::default(spec, "manualSelector", false);
        let failed = json::at(spec, "podFailurePolicy").is_some();
        json::default(spec, "podReplacementPolicy", if failed { "Failed" } else { "TerminatingOrFailed" });
    }
    template(spec);
}

fn cron_job(spec: &mut Value) {
    json::default(spec, "concurrencyPolicy", "Allow");
    json::default(spec, "suspend", false);
    json::default(spec, "successfulJobsHistoryLimit", 3);
    json::default(spec, "failedJobsHistoryLimit", 1);
    if let Some(spec) = json::at_mut(spec, "jobTemplate.spec") {
        job_spec(spec, false);
    }
}

fn service(object: &mut Value) {
    let spec = spec(object);
    json::default(spec, "sessionAffinity", "None");
    if json::text(spec, "sessionAffinity") == "ClientIP" {
        json::default(spec, "sessionAffinityConfig.clientIP.timeoutSeconds", 10800);
    } else {
        json::remove(spec, "sessionAffinityConfig");
    }
    json::default(spec, "type", "ClusterIP");
    for port in json::items(spec, "ports") {
        json::default(port, "protocol", "TCP");
        let target = json::at(port, "targetPort").filter(|target| **target != json!(0) && **target != json!(""));
        if target.is_none() {
            let number = port.get("port").cloned().unwrap_or_default();
            json::set(port, "targetPort", number);
        }
    }
    let kind = json::text(spec, "type").to_owned();
    if kind == "NodePort" || kind == "LoadBalancer" || !json::list(spec, "externalIPs").is_empty() {
        json::default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind != "ExternalName" {
        json::default(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        json::default(spec, "allocateLoadBalancerNodePorts", true);
    }
    if let Some(status) = json::at_mut(object, "status.loadBalancer") {
        for ingress in json::items(status, "ingress") {
            if kind == "LoadBalancer" && json::at(ingress, "ip").is_some() {
                json::default(ingress, "ipMode", "VIP");
            }
        }
    }
}

fn secret(object: &mut Value) {
    json::default(object, "type", "Opaque");
    if let Some(Value::Object(texts)) = json::remove(object, "stringData") {
        for (name, text) in texts {
            let data = base64(text.as_str().unwrap_or_default().as_bytes());
            json::object(object, "data").insert(name, json!(data));
        }
    }
}

/// Whether a text is base64.
pub fn is_base64(text: &str) -> bool {
    let text: String = text.chars().filter(|c| *c != '\n' && *c != '\r').collect();
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.chars().all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '/')
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0_u8; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from(word[0]) << 16 | u32::from(word[1]) << 8 | u32::from(word[2]);
        for place in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            text.push(if place <= chunk.len() { char::from(LETTERS[index]) } else { '=' });
        }
    }
    text
}

fn binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    if json::text(object, "roleRef.apiGroup").is_empty() {
        json::set(object, "roleRef.apiGroup", GROUP);
    }
    for subject in json::items(object, "subjects") {
        if json::text(subject, "kind") != "ServiceAccount" {
            json::default(subject, "apiGroup", GROUP);
        }
    }
}

fn network_policy(spec: &mut Value) {
    if json::list(spec, "policyTypes").is_empty() {
        let egress = !json::list(spec, "egress").is_empty();
        json::set(spec, "policyTypes", if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
    }
    for side in ["ingress", "egress"] {
        for rule in json::items(spec, side) {
            json::items(rule, "ports").for_each(|port| json::default(port, "protocol", "TCP"));
        }
    }
}

fn autoscaler(spec: &mut Value) {
    json::default(spec, "minReplicas", 1);
    if json::list(spec, "metrics").is_empty() {
        let target = json!({ "type": "Utilization", "averageUtilization": 80 });
        json::set(spec, "metrics", json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]));
    }
    if json::at(spec, "behavior").is_none() {
        return;
    }
    let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
    let pods = json!({ "type": "Pods", "value": 4, "periodSeconds": 15 });
    for (side, policies) in [("scaleUp", json!([pods, percent])), ("scaleDown", json!([percent]))] {
        if side == "scaleUp" {
            json::default(spec, "behavior.scaleUp.stabilizationWindowSeconds", 0);
        }
        json::default(spec, &format!("behavior.{side}.selectPolicy"), "Max");
        json::default(spec, &format!("behavior.{side}.policies"), policies);
    }
}

fn definition(object: &mut Value) {
    let kind = json::text(object, "spec.names.kind").to_owned();
    json::default(object, "spec.names.singular", kind.to_lowercase());
    json::default(object, "spec.names.listKind", format!("{kind}List"));
    json::default(object, "spec.conversion", json!({ "strategy": "None" }));
    let stored: Vec<Value> = json::list(object, "spec.versions")
        .iter()
        .filter(|version| version.get("storage") == Some(&json!(true)))
        .map(|version| version.get("name").cloned().unwrap_or_default())
        .collect();
    if json::list(object, "status.storedVersions").is_empty() {
        json::set(object, "status.storedVersions", stored);
    }
}

fn limits(spec: &mut Value) {
    for limit in json::items(spec, "limits").filter(|limit| json::text(limit, "type") == "Container") {
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            let amounts: Vec<(String, Value)> =
                json::members(limit, from).map(|(name, value)| (name.clone(), value.clone())).collect();
            for (name, value) in amounts {
                json::object(limit, to).entry(name).or_insert(value);
            }
        }
    }
}

fn match_resources(object: &mut Value, path: &str) {
    let Some(all) = json::at_mut(object, path) else { return };
    json::default(all, "matchPolicy", "Equivalent");
    json::default(all, "namespaceSelector", json!({}));
    json::default(all, "objectSelector", json!({}));
    for list in ["resourceRules", "excludeResourceRules"] {
        json::items(all, list).for_each(|rule| json::default(rule, "scope", "*"));
    }
}

fn webhooks(kind: &Kind, object: &mut Value) {
    for hook in json::items(object, "webhooks") {
        json::default(hook, "failurePolicy", "Fail");
        json::default(hook, "matchPolicy", "Equivalent");
        json::default(hook, "namespaceSelector", json!({}));
        json::default(hook, "objectSelector", json!({}));
        json::default(hook, "timeoutSeconds", 10);
        if kind.kind.starts_with("Mutating") {
            json::default(hook, "reinvocationPolicy", "Never");
        }
        if json::at(hook, "clientConfig.service").is_some() {
            json::default(hook, "clientConfig.service.port", 443);
        }
        json::items(hook, "rules").for_each(|rule| json::default(rule, "scope", "*"));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_become_base64() {
        assert_eq!(super::base64(b"a"), "YQ==");
        assert_eq!(super::base64(b"ab"), "YWI=");
        assert_eq!(super::base64(b"hello"), "aGVsbG8=");
    }
}
