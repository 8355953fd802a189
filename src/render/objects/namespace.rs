//! The objects of a namespace: service accounts with their rights, limits, and the credentials of registries.

use super::declared::{map, object, secret};
use super::manifest::AppObject;
use super::policies::policies;
use crate::kind::ROLE_ARN;
use crate::value::{Attributes, Text, Value};

const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_VERSION: &str = "rbac.authorization.k8s.io/v1";
/// The type of a Secret with credentials of a registry, and the key that it has them under:
/// <https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets>.
const DOCKER_CONFIG: (&str, &str) = ("kubernetes.io/dockerconfigjson", ".dockerconfigjson");
/// What the limits of a namespace are called.
const LIMITS: &str = "atlas-limits";

/// The objects that a namespace has by what the spec says of it, but for those that it has by being one.
#[must_use]
pub fn of_namespace(attributes: &Attributes, namespace: &str) -> Vec<AppObject> {
    let mut all = Vec::new();
    let registries = entries(attributes.get("image_pull_secrets"));
    for (name, registry) in registries {
        let keys = Value::default().with(&[DOCKER_CONFIG.1], registry.clone());
        all.push(secret(name, namespace, DOCKER_CONFIG.0, keys));
    }
    let pulls: Vec<Value> =
        registries.iter().map(|(name, _)| Value::default().with(&["name"], name.as_str().into())).collect();
    for (name, account) in entries(attributes.get("service_accounts")) {
        all.push(service_account(name, account, namespace, &pulls));
        all.extend(rights(name, account, namespace));
    }
    all.extend(limits(attributes.get("limits"), namespace));
    all.extend(policies(attributes.get("allow").items(), namespace));
    all
}

fn entries(value: &Value) -> &[(Text, Value)] {
    match value {
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    }
}

fn service_account(name: &str, account: &Value, namespace: &str, pulls: &[Value]) -> AppObject {
    let said = |part: &str| account.at(part).filter(|value| !value.is_null()).cloned();
    let mut manifest = Value::default();
    if let Some(annotations) = said("annotations") {
        manifest = manifest.with(&["metadata", "annotations"], annotations);
    }
    if let Some(role) = said("role") {
        manifest = manifest.with(&["metadata", "annotations", ROLE_ARN], role);
    }
    if !pulls.is_empty() {
        manifest = manifest.with(&["imagePullSecrets"], Value::List(pulls.to_vec()));
    }
    object(("v1", "ServiceAccount"), name, namespace, manifest)
}

/// What a service account may ask the API for: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>.
fn rights(name: &str, account: &Value, namespace: &str) -> Vec<AppObject> {
    let rules = account.at("rules").map(Value::items).unwrap_or_default();
    if rules.is_empty() {
        return Vec::new();
    }
    const WORDS: [(&str, &str); 4] =
        [("groups", "apiGroups"), ("resources", "resources"), ("names", "resourceNames"), ("verbs", "verbs")];
    let rule = |said: &Value| {
        let parts = WORDS.iter().filter_map(|(own, of_api)| Some((of_api, said.at(own)?)));
        parts.fold(Value::default(), |rule, (of_api, part)| rule.with(&[of_api], part.clone()))
    };
    let rules = Value::List(rules.iter().map(rule).collect());
    let role = map(&[("apiGroup", RBAC.into()), ("kind", "Role".into()), ("name", name.into())]);
    let subject = map(&[("kind", "ServiceAccount".into()), ("name", name.into()), ("namespace", namespace.into())]);
    let binding = map(&[("roleRef", role), ("subjects", Value::List(vec![subject]))]);
    vec![
        object((RBAC_VERSION, "Role"), name, namespace, map(&[("rules", rules)])),
        object((RBAC_VERSION, "RoleBinding"), name, namespace, binding),
    ]
}

/// The limits of containers: <https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/limit-range-v1/>.
fn limits(said: &Value, namespace: &str) -> Option<AppObject> {
    const WORDS: [(&str, &str); 4] =
        [("default", "default"), ("request", "defaultRequest"), ("min", "min"), ("max", "max")];
    const AMOUNTS: [(&str, &str); 3] = [("cpu", "cpu"), ("memory", "memory"), ("storage", "ephemeral-storage")];
    let mut limit = Value::default();
    for (own, of_api) in WORDS {
        for (amount, resource) in AMOUNTS {
            if let Some(value) = said.at(own).and_then(|amounts| amounts.at(amount)) {
                limit = limit.with(&[of_api, resource], value.clone());
            }
        }
    }
    if limit.is_null() {
        return None;
    }
    let limit = limit.with(&["type"], "Container".into());
    let spec = map(&[("limits", Value::List(vec![limit]))]);
    Some(object(("v1", "LimitRange"), LIMITS, namespace, map(&[("spec", spec)])))
}
