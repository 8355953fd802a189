//! The objects that a spec says itself, without a chart: Secrets of apps and namespaces, as references to their values.

use super::manifest::AppObject;
use crate::desired::Instance;
use crate::value::{Attributes, Value};

/// The Secrets that an app or a namespace says.
#[must_use]
pub fn secrets(attributes: &Attributes, namespace: &str) -> Vec<AppObject> {
    let Value::Map(all) = attributes.get("secrets") else { return Vec::new() };
    let made = all.iter().map(|(name, keys)| secret(name, namespace, "Opaque", keys.clone()));
    made.collect()
}

/// A Secret of a type, with references to what it holds: <https://kubernetes.io/docs/concepts/configuration/secret/#secret-types>.
pub(super) fn secret(name: &str, namespace: &str, of_type: &str, keys: Value) -> AppObject {
    let manifest = Value::default().with(&["type"], of_type.into());
    AppObject { secrets: keys, ..object(("v1", "Secret"), name, namespace, manifest) }
}

/// An object that is made of what a spec says.
pub(super) fn object((api_version, kind): (&str, &str), name: &str, namespace: &str, manifest: Value) -> AppObject {
    AppObject {
        file: SPEC.to_owned(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
        manifest,
        data: Value::Null,
        secrets: Value::Null,
        hook: None,
        by_chance: Vec::new(),
    }
}

/// The namespace that the objects of an app are in where they say no other one; that of a namespace is the namespace itself.
pub(super) fn namespace_of(instance: &Instance) -> &str {
    match instance.kind.name {
        "namespace" => instance.object_name(),
        _ => instance.attributes.get("namespace").as_str().unwrap_or_default(),
    }
}

/// Where such an object comes from, in the place of a file.
pub(super) const SPEC: &str = "the spec";

/// A map of a few entries. One without any stays one, as it says something to the API.
pub(super) fn map(entries: &[(&str, Value)]) -> Value {
    Value::map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
}
