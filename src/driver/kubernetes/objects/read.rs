//! From what the API tells to objects as the engine knows them.

use serde_json::Value as Json;

use super::app;
use super::namespace::{self, GuardRails};
use super::state::ClusterState;
use super::{fields, given, manifest, mark};
use crate::driver::kubernetes::condition::condition;
use crate::identity::Identity;
use crate::kind::{self, KindRef, Outputs, Usage};
use crate::observed::{Condition, Mark, Object};
use crate::render::objects::OWNER_LABEL;
use crate::value::{Attributes, Value};

/// An object that was found, with its identity and its mark.
pub struct FoundObject {
    pub object: Json,
    pub identity: Identity,
    pub mark: Option<Mark>,
}

/// A namespace as the engine knows it. `said` is what the spec says of it.
pub fn namespace_object(state: &ClusterState, one: &Json, rails: &GuardRails, said: Option<&Attributes>) -> Object {
    let mut attributes = namespace::attributes(one, rails);
    let mark = mark::read(one, &state.cluster).map(|(mark, _)| mark);
    // The server writes amounts in a form of its own.
    let quota = said.map(|said| said.get("quota")).filter(|quota| !quota.is_null());
    if let Some((quota, mark)) = quota.zip(mark.as_ref())
        && mark.digest_of("quota") == Some(&*quota.digest())
        && rails.quota.as_ref().is_some_and(owns_limits)
    {
        attributes.set("quota", quota.clone());
    }
    let name = one["metadata"]["name"].as_str().unwrap_or_default();
    let identity = state.cluster.inside("namespace", name);
    object("namespace", identity, state.cluster.clone(), attributes, mark, condition(one, None))
}

/// Whether nobody changed a quota since Atlas applied it.
fn owns_limits(quota: &Json) -> bool {
    let hard = Value::from(serde_json::json!({ "spec": { "hard": quota["spec"]["hard"] } }));
    fields::has_all(fields::applied(quota), &hard)
}

/// An app as the engine knows it, from its record.
pub fn app_object(state: &ClusterState, record: &Json, identity: Identity) -> Option<Object> {
    let attributes = app::attributes(record, kind::get("app")?);
    let mark = mark::read(record, &state.cluster).map(|(mark, _)| mark);
    let host = identity.host().unwrap_or_else(|| state.cluster.clone());
    Some(object("app", identity, host, attributes, mark, Condition::Ready))
}

/// An object of an app as the engine knows it.
pub fn object_of(state: &ClusterState, live: Json, identity: Identity, mark: Option<Mark>, host: Identity) -> Object {
    // What ran and is gone has no identifier of the server.
    let is_gone = !live["metadata"]["uid"].is_string();
    let attributes = if is_gone { manifest::whole(&live) } else { manifest::attributes(&live, mark.as_ref()) };
    let is_found = mark.is_none() || live["metadata"]["labels"][OWNER_LABEL].is_string();
    let condition = match (is_gone, is_found) {
        (true, _) => Condition::Ready,
        // Nobody would find it any more once the spec does not have it.
        (false, false) => Condition::Degraded(format!("its label `{OWNER_LABEL}` is gone")),
        (false, true) => condition(&live, None),
    };
    let mut seen = object(kind::OBJECT.name, identity, host, attributes, mark, condition);
    let data = |path: &str| live.pointer(path).and_then(Json::as_str).unwrap_or_default();
    let bound = live["kind"] == "PersistentVolumeClaim" && !data("/spec/volumeName").is_empty();
    // The claims of such a set go with it, and are counted when that matters.
    if data("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted") != "Delete" {
        seen.usage.insert("volumes".into(), u64::from(bound).into());
    }
    if let Some(volumes) = given::volumes(&live) {
        seen.usage.insert("volumes".into(), volumes);
    }
    if live["kind"] != "CustomResourceDefinition" {
        seen.usage.insert("instances".into(), 0.into());
    }
    if live["kind"] != "Namespace" {
        seen.usage.insert("strangers".into(), 0.into());
    }
    state.learn_live(&seen.identity, live);
    seen
}

fn object(
    kind: &str,
    identity: Identity,
    host: Identity,
    attributes: Attributes,
    mark: Option<Mark>,
    condition: Condition,
) -> Object {
    let kind: KindRef = match kind::get(kind) {
        Some(kind) => kind.into(),
        None => (&kind::OBJECT).into(),
    };
    Object {
        kind,
        identity,
        hosts: vec![host],
        attributes,
        outputs: Outputs::new(),
        usage: Usage::new(),
        mark,
        external: false,
        unsaid: Vec::new(),
        condition,
    }
}
