//! A namespace with its guard rails: the level of pod security as labels, and a network policy and a quota in it.

use serde_json::{Map, Value as Json, json};

use super::api::{ApplyMode, CallError, ClusterApi, ObjectPlace, Served};
use super::{fields, mark, pulls, said};
use crate::driver::{DriverError, Request};
use crate::identity::Identity;
use crate::render::objects::{MARK_ANNOTATION, OWNER_LABEL};
use crate::value::{Attributes, Text, Value};

/// The label that enforces a level: <https://kubernetes.io/docs/concepts/security/pod-security-admission/>.
const POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";
/// The label that the server gives every namespace.
const NAME: &str = "kubernetes.io/metadata.name";
/// What Atlas's own policy and quota in a namespace are called.
const DENY: &str = "atlas-default-deny";
const QUOTA: &str = "atlas-quota";

/// Namespaces as the API serves them.
pub fn served() -> Served {
    Served::always("v1", "Namespace", "namespaces", false)
}

/// Where a namespace is.
pub fn place(name: &str) -> ObjectPlace {
    ObjectPlace { served: served(), namespace: None, name: name.to_owned() }
}

/// Whether an object of a namespace is called as Atlas's own policy or quota is.
pub fn is_guard(kind: &str, name: &str) -> bool {
    matches!((kind, name), ("NetworkPolicy", DENY) | ("ResourceQuota", QUOTA))
}

/// What a namespace has besides itself.
#[derive(Default)]
pub struct GuardRails {
    pub policy: Option<Json>,
    pub quota: Option<Json>,
    /// The credentials of registries that its service account `default` has, where it is to have some.
    pub attached: Vec<String>,
}

impl GuardRails {
    /// Those of a namespace that are Atlas's own.
    pub async fn read(api: &ClusterApi, namespace: &Json) -> Result<Self, DriverError> {
        let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
        let [policy, quota] = guards(name);
        let (policy, quota) = futures_util::future::join(api.get(&policy), api.get(&quota)).await;
        let own = |object: &Json| fields::applied(object).is_some();
        let attached = if pulled(namespace).is_empty() { Vec::new() } else { pulls::attached(api, name).await? };
        Ok(Self { policy: policy?.filter(own), quota: quota?.filter(own), attached })
    }
}

/// The attributes of a namespace that is there.
pub fn attributes(namespace: &Json, rails: &GuardRails) -> Attributes {
    let metadata = &namespace["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let level = metadata["labels"][POD_SECURITY].as_str();
    let owned = fields::applied(namespace).and_then(|fields| fields.get("f:metadata"));
    let own = |part: &str, but: &[&str]| {
        let keys = owned.and_then(|fields| fields[format!("f:{part}")].as_object()).into_iter().flatten();
        let keys = keys.filter_map(|(key, _)| key.strip_prefix("f:")).filter(|key| !but.contains(key));
        let pairs = keys.filter_map(|key| Some((Text::from(key), Value::from(metadata[part][key].as_str()?))));
        let all: litemap::LiteMap<Text, Value> = pairs.collect();
        if all.is_empty() { Value::Null } else { Value::map(all) }
    };
    let is_closed = rails.policy.as_ref().is_some_and(|policy| policy["spec"] == denial());
    let network = if is_closed {
        "default-deny"
    } else if rails.policy.is_some() {
        "changed"
    } else {
        "open"
    };
    let parts = said::parts(namespace).into_iter().map(|(part, value)| match part {
        "image_pull_secrets" => (part, pulls::compare(&value, &rails.attached)),
        _ => (part, value),
    });
    let own = [
        ("name", Value::from(name)),
        ("pod_security", Value::from(level.unwrap_or("privileged"))),
        ("network", Value::from(network)),
        ("quota", rails.quota.as_ref().map_or(Value::Null, quota_of)),
        ("labels", own("labels", &[POD_SECURITY, OWNER_LABEL, NAME])),
        ("annotations", own("annotations", &[MARK_ANNOTATION, said::ANNOTATION])),
    ];
    own.into_iter().chain(parts).collect()
}

/// The names of the credentials of registries that a namespace has, or was to have.
fn pulled(namespace: &Json) -> Vec<String> {
    let parts = said::parts(namespace);
    names(parts.iter().find(|(part, _)| *part == "image_pull_secrets").map_or(&Value::Null, |(_, value)| value))
}

fn names(of: &Value) -> Vec<String> {
    match of {
        Value::Map(all) => all.keys().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// Makes a namespace what is wanted of it, with its guard rails before anything can be made in it.
pub async fn apply(
    api: &ClusterApi,
    want: &Request<'_>,
    cluster: &Identity,
    live: Option<&Json>,
) -> Result<(), DriverError> {
    let name = want.attributes.get("name").as_str().unwrap_or_default();
    let mode = ApplyMode { takes_over: true, is_trial: false };
    let (credentials, former) =
        (names(want.attributes.get("image_pull_secrets")), live.map(pulled).unwrap_or_default());
    if live.is_some() {
        // Before nobody knows any more which ones were there.
        pulls::attach(api, name, &credentials, &former).await?;
    }
    api.apply(&place(name), &manifest(want, cluster, live), mode).await?;
    if live.is_none() {
        pulls::attach(api, name, &credentials, &former).await?;
    }
    let [policy, quota] = guards(name);
    let denies = want.attributes.get("network").as_str() == Some("default-deny");
    let denial = denies.then(|| body(&policy, denial()));
    keep(api, &policy, denial).await?;
    let limits = want.attributes.get("quota");
    let hard = (!limits.is_null()).then(|| body(&quota, json!({ "hard": hard_of(limits) })));
    keep(api, &quota, hard).await
}

fn manifest(want: &Request<'_>, cluster: &Identity, live: Option<&Json>) -> Json {
    let attributes = want.attributes;
    let mut labels = texts(attributes.get("labels"));
    labels.insert(POD_SECURITY.into(), attributes.get("pod_security").as_str().unwrap_or("restricted").into());
    let mut annotations = texts(attributes.get("annotations"));
    annotations.extend(said::annotation(attributes, live).map(|said| (said::ANNOTATION.to_owned(), said.into())));
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": attributes.get("name").as_str(),
            "labels": labels,
            "annotations": annotations,
        },
    });
    mark::put(&mut object, want.mark, want.identity, cluster);
    object
}

/// Applies an object of a namespace, or removes the one that Atlas made.
async fn keep(api: &ClusterApi, place: &ObjectPlace, wanted: Option<Json>) -> Result<(), DriverError> {
    if let Some(wanted) = wanted {
        let mode = ApplyMode { takes_over: true, is_trial: false };
        return Ok(api.apply(place, &wanted, mode).await.map(drop)?);
    }
    let there = api.get(place).await?.filter(|object| fields::applied(object).is_some());
    match there.as_ref().and_then(|object| object["metadata"]["uid"].as_str()) {
        Some(uid) => api.delete(place, uid).await.map_err(CallError::into),
        None => Ok(()),
    }
}

fn body(place: &ObjectPlace, spec: Json) -> Json {
    json!({
        "apiVersion": place.served.api_version,
        "kind": place.served.kind,
        "metadata": { "name": place.name, "namespace": place.namespace },
        "spec": spec,
    })
}

/// Where the policy and the quota of a namespace are.
fn guards(namespace: &str) -> [ObjectPlace; 2] {
    [
        (Served::always("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true), DENY),
        (Served::always("v1", "ResourceQuota", "resourcequotas", true), QUOTA),
    ]
    .map(|(served, name)| ObjectPlace { served, namespace: Some(namespace.to_owned()), name: name.to_owned() })
}

/// Nothing in, and nothing out but questions about names: without those no policy that names a host could be kept.
fn denial() -> Json {
    json!({
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{
            "to": [{ "namespaceSelector": { "matchLabels": { NAME: "kube-system" } } }],
            "ports": [{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }],
        }],
    })
}

/// The limits of a quota as the API calls them.
fn hard_of(quota: &Value) -> Map<String, Json> {
    let mut hard = Map::new();
    let said = |name: &str| quota.at(name).filter(|value| !value.is_null());
    for name in ["cpu", "memory"] {
        if let Some(amount) = said(name).and_then(Value::as_str) {
            hard.insert(format!("requests.{name}"), amount.into());
            hard.insert(format!("limits.{name}"), amount.into());
        }
    }
    if let Some(pods) = said("pods").and_then(Value::as_int) {
        hard.insert("pods".into(), pods.to_string().into());
    }
    hard
}

/// A quota as a spec says it.
fn quota_of(quota: &Json) -> Value {
    let hard = &quota["spec"]["hard"];
    let text = |name: &str| hard[name].as_str();
    let mut all: Vec<(Text, Value)> = Vec::new();
    for name in ["cpu", "memory"] {
        let (request, limit) = (text(&format!("requests.{name}")), text(&format!("limits.{name}")));
        match (request, limit) {
            (Some(request), Some(limit)) if request == limit => all.push((name.into(), request.into())),
            (None, None) => {}
            (request, limit) => {
                let said = format!("{} requested, {} at most", request.unwrap_or("any"), limit.unwrap_or("any"));
                all.push((name.into(), Value::String(said.into())));
            }
        }
    }
    all.extend(text("pods").and_then(|pods| Some(("pods".into(), Value::Int(pods.parse().ok()?)))));
    if all.is_empty() { Value::Null } else { Value::map(all.into_iter().collect()) }
}

fn texts(value: &Value) -> Map<String, Json> {
    let Value::Map(entries) = value else { return Map::new() };
    entries.iter().map(|(key, item)| (key.to_string(), item.to_json())).collect()
}
