//! What a pod says when it does not say it.

use serde_json::{Value, json};

use super::json;

/// Fills in a pod's spec, of a template too.
pub fn spec(spec: &mut Value) {
    json::default(spec, "restartPolicy", "Always");
    json::default(spec, "terminationGracePeriodSeconds", 30);
    json::default(spec, "dnsPolicy", "ClusterFirst");
    json::default(spec, "schedulerName", "default-scheduler");
    json::default(spec, "securityContext", json!({}));
    if let Some(account) = json::at(spec, "serviceAccountName").cloned() {
        json::set(spec, "serviceAccount", account);
    } else if let Some(account) = json::at(spec, "serviceAccount").cloned() {
        json::set(spec, "serviceAccountName", account);
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for one in json::items(spec, list) {
            container(one);
        }
    }
    json::items(spec, "volumes").for_each(volume);
}

/// Fills in a pod itself, beside its spec.
pub fn pod(pod: &mut Value) {
    json::default(pod, "spec.enableServiceLinks", true);
    let Some(spec) = pod.get_mut("spec") else { return };
    let host_network = json::at(spec, "hostNetwork") == Some(&json!(true));
    for list in ["containers", "initContainers"] {
        for one in json::items(spec, list) {
            for port in json::items(one, "ports").filter(|_| host_network) {
                let number = port.get("containerPort").cloned().unwrap_or_default();
                json::default(port, "hostPort", number);
            }
            let limits: Vec<(String, Value)> =
                json::members(one, "resources.limits").map(|(name, value)| (name.clone(), value.clone())).collect();
            for (name, value) in limits {
                let requests = json::object(one, "resources.requests");
                requests.entry(name).or_insert(value);
            }
        }
    }
}

fn container(one: &mut Value) {
    json::default(one, "terminationMessagePath", "/dev/termination-log");
    json::default(one, "terminationMessagePolicy", "File");
    let policy = pull_policy(json::text(one, "image"));
    json::default(one, "imagePullPolicy", policy);
    for port in json::items(one, "ports") {
        json::default(port, "protocol", "TCP");
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = one.get_mut(probe).filter(|probe| probe.is_object()) {
            json::default(probe, "timeoutSeconds", 1);
            json::default(probe, "periodSeconds", 10);
            json::default(probe, "successThreshold", 1);
            json::default(probe, "failureThreshold", 3);
            http(probe);
            if json::at(probe, "grpc").is_some() {
                json::default(probe, "grpc.service", "");
            }
        }
    }
    for hook in ["lifecycle.postStart", "lifecycle.preStop"] {
        if let Some(hook) = json::at_mut(one, hook) {
            http(hook);
        }
    }
    for variable in json::items(one, "env") {
        if json::at(variable, "valueFrom.fieldRef").is_some() {
            json::default(variable, "valueFrom.fieldRef.apiVersion", "v1");
        }
        if json::at(variable, "valueFrom.resourceFieldRef").is_some() {
            json::default(variable, "valueFrom.resourceFieldRef.divisor", "0");
        }
    }
}

fn http(action: &mut Value) {
    if json::at(action, "httpGet").is_some() {
        json::default(action, "httpGet.path", "/");
        json::default(action, "httpGet.scheme", "HTTP");
    }
}

fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains('@') {
        return "IfNotPresent";
    }
    match name.split_once(':') {
        Some((_, tag)) if tag != "latest" => "IfNotPresent",
        _ => "Always",
    }
}

fn volume(volume: &mut Value) {
    let sources = volume.as_object().map_or(0, |fields| fields.keys().filter(|name| *name != "name").count());
    if sources == 0 {
        json::set(volume, "emptyDir", json!({}));
    }
    for kind in ["configMap", "secret", "downwardAPI", "projected"] {
        if json::at(volume, kind).is_some() {
            json::default(volume, &format!("{kind}.defaultMode"), 420);
        }
    }
    if json::at(volume, "hostPath").is_some() {
        json::default(volume, "hostPath.type", "");
    }
    if let Some(claim) = json::at_mut(volume, "ephemeral.volumeClaimTemplate") {
        json::default(claim, "spec.volumeMode", "Filesystem");
    }
    let references = |files: &mut Value| {
        for item in json::items(files, "items") {
            if json::at(item, "fieldRef").is_some() {
                json::default(item, "fieldRef.apiVersion", "v1");
            }
        }
    };
    if let Some(files) = json::at_mut(volume, "downwardAPI") {
        references(files);
    }
    let Some(projected) = json::at_mut(volume, "projected") else { return };
    for source in json::items(projected, "sources") {
        if json::at(source, "serviceAccountToken").is_some() {
            json::default(source, "serviceAccountToken.expirationSeconds", 3600);
        }
        if let Some(files) = json::at_mut(source, "downwardAPI") {
            references(files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn only_latest_is_always_pulled() {
        assert_eq!(pull_policy("nginx"), "Always");
        assert_eq!(pull_policy("localhost:5000/nginx"), "Always");
        assert_eq!(pull_policy("nginx:latest"), "Always");
        assert_eq!(pull_policy("nginx:1.27"), "IfNotPresent");
        assert_eq!(pull_policy("nginx@sha256:abc"), "IfNotPresent");
    }
}
