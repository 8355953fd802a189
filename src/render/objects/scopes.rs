//! Which custom resources are in a namespace, by the definitions that come along with them.

use super::manifest::AppObject;
use super::words::group;
use crate::value::Value;

/// Puts custom resources where the definitions that come along with them say: into no namespace, or into the app's.
pub fn place(objects: &mut [AppObject], namespace: &str) {
    let text = |object: &AppObject, path: &str| object.manifest.at(path).and_then(Value::as_str).map(str::to_owned);
    let definitions = objects.iter().filter(|object| object.kind == "CustomResourceDefinition");
    let scopes: Vec<(String, String, bool)> = definitions
        .filter_map(|one| {
            let is_namespaced = text(one, "spec.scope")? == "Namespaced";
            Some((text(one, "spec.group")?, text(one, "spec.names.kind")?, is_namespaced))
        })
        .collect();
    for object in objects {
        let of = |scope: &&(String, String, bool)| scope.0 == group(&object.api_version) && scope.1 == object.kind;
        match scopes.iter().find(of) {
            Some((_, _, true)) if object.namespace.is_none() => object.namespace = Some(namespace.to_owned()),
            Some((_, _, false)) => object.namespace = None,
            _ => {}
        }
    }
}
