//! What an object of an app names in its manifest, and so needs to be there before it.

use super::manifest::AppObject;
use super::words::{WORKLOADS, group, is_own};
use crate::value::Value;

/// An object as another one names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedObject {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
}

/// The objects that one names, whether they are of the same app or not.
pub fn named_by(object: &AppObject) -> Vec<NamedObject> {
    let mut found = NamedObjects { namespace: object.namespace.as_deref(), all: Vec::new() };
    if let Some(namespace) = &object.namespace {
        found.all.push(NamedObject { kind: "Namespace".to_owned(), namespace: None, name: namespace.clone() });
    }
    if !is_own(group(&object.api_version)) {
        return found.all;
    }
    let manifest = &object.manifest;
    if WORKLOADS.contains(&object.kind.as_str())
        && let Some(pod) = pod_spec(&object.kind, manifest)
    {
        found.of_pod(pod);
    }
    match object.kind.as_str() {
        "RoleBinding" | "ClusterRoleBinding" => {
            if let Some(role) = manifest.at("roleRef") {
                found.by_kind(role);
            }
            for subject in list(manifest, "subjects").iter().filter(|one| text(one, "kind") == Some("ServiceAccount")) {
                let namespace = text(subject, "namespace").or(found.namespace).map(str::to_owned);
                found.push("ServiceAccount", namespace, text(subject, "name"));
            }
        }
        "HorizontalPodAutoscaler" => {
            manifest.at("spec.scaleTargetRef").into_iter().for_each(|target| found.by_kind(target))
        }
        "StatefulSet" => found.here("Service", text(manifest, "spec.serviceName")),
        "Ingress" => found.of_ingress(manifest),
        "PersistentVolumeClaim" => found.push("StorageClass", None, text(manifest, "spec.storageClassName")),
        "ServiceAccount" => {
            for secret in list(manifest, "imagePullSecrets") {
                found.here("Secret", text(secret, "name"));
            }
        }
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            for webhook in list(manifest, "webhooks") {
                found.service(webhook.at("clientConfig.service"));
            }
        }
        "APIService" => found.service(manifest.at("spec.service")),
        "CustomResourceDefinition" => found.service(manifest.at("spec.conversion.webhook.clientConfig.service")),
        _ => {}
    }
    found.all
}

/// The part of a workload that says what its pods are.
pub fn pod_spec<'a>(kind: &str, manifest: &'a Value) -> Option<&'a Value> {
    manifest.at(match kind {
        "Pod" => "spec",
        "CronJob" => "spec.jobTemplate.spec.template.spec",
        _ => "spec.template.spec",
    })
}

/// The labels of the pods of a workload.
pub fn pod_labels<'a>(kind: &str, manifest: &'a Value) -> Option<&'a Value> {
    manifest.at(match kind {
        "Pod" => "metadata.labels",
        "CronJob" => "spec.jobTemplate.spec.template.metadata.labels",
        _ => "spec.template.metadata.labels",
    })
}

struct NamedObjects<'a> {
    namespace: Option<&'a str>,
    all: Vec<NamedObject>,
}

impl NamedObjects<'_> {
    fn push(&mut self, kind: &str, namespace: Option<String>, name: Option<&str>) {
        let named = name.map(|name| NamedObject { kind: kind.to_owned(), namespace, name: name.to_owned() });
        self.all.extend(named.filter(|named| !self.all.contains(named)));
    }

    /// Something in the same namespace.
    fn here(&mut self, kind: &str, name: Option<&str>) {
        self.push(kind, self.namespace.map(str::to_owned), name);
    }

    /// What a reference with a kind and a name means. Roles of a cluster and classes are in no namespace.
    fn by_kind(&mut self, reference: &Value) {
        let Some(kind) = text(reference, "kind") else { return };
        let namespace = self.namespace.filter(|_| kind != "ClusterRole").map(str::to_owned);
        self.push(kind, namespace, text(reference, "name"));
    }

    fn service(&mut self, service: Option<&Value>) {
        let Some(service) = service else { return };
        self.push("Service", text(service, "namespace").map(str::to_owned), text(service, "name"));
    }

    fn of_pod(&mut self, pod: &Value) {
        self.here("ServiceAccount", text(pod, "serviceAccountName"));
        self.push("PriorityClass", None, text(pod, "priorityClassName"));
        self.push("RuntimeClass", None, text(pod, "runtimeClassName"));
        for secret in list(pod, "imagePullSecrets") {
            self.here("Secret", text(secret, "name"));
        }
        for volume in list(pod, "volumes") {
            self.of_volume(volume);
            for source in list(volume, "projected.sources") {
                self.here("ConfigMap", text(source, "configMap.name"));
                self.here("Secret", text(source, "secret.name"));
            }
        }
        let containers = ["initContainers", "containers"].into_iter().flat_map(|key| list(pod, key));
        for container in containers {
            for from in list(container, "envFrom") {
                self.here("ConfigMap", text(from, "configMapRef.name"));
                self.here("Secret", text(from, "secretRef.name"));
            }
            for variable in list(container, "env") {
                self.here("ConfigMap", text(variable, "valueFrom.configMapKeyRef.name"));
                self.here("Secret", text(variable, "valueFrom.secretKeyRef.name"));
            }
        }
    }

    fn of_volume(&mut self, volume: &Value) {
        self.here("ConfigMap", text(volume, "configMap.name"));
        self.here("Secret", text(volume, "secret.secretName"));
        self.here("PersistentVolumeClaim", text(volume, "persistentVolumeClaim.claimName"));
    }

    fn of_ingress(&mut self, manifest: &Value) {
        self.push("IngressClass", None, text(manifest, "spec.ingressClassName"));
        self.here("Service", text(manifest, "spec.defaultBackend.service.name"));
        for rule in list(manifest, "spec.rules") {
            for path in list(rule, "http.paths") {
                self.here("Service", text(path, "backend.service.name"));
            }
        }
        for tls in list(manifest, "spec.tls") {
            self.here("Secret", text(tls, "secretName"));
        }
    }
}

/// The list at a path; an empty one where there is none.
pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.at(path).map(Value::items).unwrap_or_default()
}

fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.at(path).and_then(Value::as_str)
}
