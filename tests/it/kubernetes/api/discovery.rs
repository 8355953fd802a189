//! What the server says that it serves.

use serde_json::{Value, json};

use super::kinds::Kind;
use super::world::World;

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const SOME_VERBS: [&str; 3] = ["get", "patch", "update"];

/// `/version`.
pub fn version() -> Value {
    json!({
        "major": "1", "minor": "33", "emulationMajor": "1", "emulationMinor": "33", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "32", "gitVersion": "v1.33.0",
        "gitCommit": "60a317eadfcb839692a68eab88b2096f4d708f4f", "gitTreeState": "clean",
        "buildDate": "2025-04-23T13:00:00Z", "goVersion": "go1.24.2", "compiler": "gc", "platform": "linux/amd64",
    })
}

/// `/api`.
pub fn core() -> Value {
    json!({ "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443" }] })
}

/// The groups beside the core, each with its versions.
fn groups(world: &World) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for kind in world.kinds().iter().filter(|kind| !kind.group.is_empty()) {
        match groups.iter_mut().find(|(group, _)| *group == kind.group) {
            Some((_, versions)) if versions.contains(&kind.version) => {}
            Some((_, versions)) => versions.push(kind.version.clone()),
            None => groups.push((kind.group.clone(), vec![kind.version.clone()])),
        }
    }
    groups
}

fn described(group: &str, versions: &[String]) -> Value {
    let all: Vec<Value> = versions
        .iter()
        .map(|version| json!({ "groupVersion": format!("{group}/{version}"), "version": version }))
        .collect();
    json!({ "name": group, "versions": all, "preferredVersion": all.first() })
}

/// `/apis`.
pub fn apis(world: &World) -> Value {
    let all: Vec<Value> = groups(world).iter().map(|(group, versions)| described(group, versions)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": all })
}

/// `/apis/<group>`.
pub fn group(world: &World, name: &str) -> Option<Value> {
    let (group, versions) = groups(world).into_iter().find(|(group, _)| group == name)?;
    let mut answer = json!({ "kind": "APIGroup", "apiVersion": "v1" });
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), described(&group, &versions)) {
        answer.extend(more);
    }
    Some(answer)
}

/// `/api/v1` and `/apis/<group>/<version>`.
pub fn resources(world: &World, group: &str, version: &str) -> Option<Value> {
    let kinds: Vec<&Kind> =
        world.kinds().iter().filter(|kind| kind.group == group && kind.version == version).collect();
    let first = kinds.first()?;
    let all: Vec<Value> = kinds.iter().flat_map(|kind| listed(kind)).collect();
    let api = first.api_version();
    let mut answer = json!({ "kind": "APIResourceList", "groupVersion": api, "resources": all });
    if !group.is_empty() {
        answer["apiVersion"] = json!("v1");
    }
    Some(answer)
}

fn listed(kind: &Kind) -> Vec<Value> {
    let mut own = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": VERBS,
    });
    add_words(&mut own, kind);
    if kind.custom {
        own["verbs"] = json!(["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]);
    }
    let mut all = vec![own];
    if kind.status {
        all.push(json!({ "name": format!("{}/status", kind.plural), "singularName": "",
            "namespaced": kind.namespaced, "kind": kind.kind, "verbs": SOME_VERBS }));
    }
    if kind.scale {
        all.push(json!({ "name": format!("{}/scale", kind.plural), "singularName": "", "namespaced": kind.namespaced,
            "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": SOME_VERBS }));
    }
    if kind.is("Pod") {
        all.push(
            json!({ "name": "pods/log", "singularName": "", "namespaced": true, "kind": "Pod", "verbs": ["get"] }),
        );
    }
    all
}

/// Adds what both ways of telling a kind say only where it is so.
fn add_words(own: &mut Value, kind: &Kind) {
    if !kind.short.is_empty() {
        own["shortNames"] = json!(kind.short);
    }
    if !kind.categories.is_empty() {
        own["categories"] = json!(kind.categories);
    }
    if kind.is("Namespace") {
        own["verbs"] = json!(["create", "delete", "get", "list", "patch", "update", "watch"]);
    }
}

/// `/api` or `/apis` with all resources in it.
pub fn aggregated(world: &World, core: bool) -> Value {
    let all = if core { vec![(String::new(), vec!["v1".to_owned()])] } else { groups(world) };
    let group = |(group, versions): &(String, Vec<String>)| {
        let versions: Vec<Value> = versions
            .iter()
            .map(|version| {
                let kinds = world.kinds().iter().filter(|kind| kind.group == *group && kind.version == *version);
                json!({ "version": version, "resources": kinds.map(described_whole).collect::<Value>(),
                    "freshness": "Current" })
            })
            .collect();
        let mut one = json!({ "metadata": { "name": group }, "versions": versions });
        if group.is_empty() {
            one["metadata"] = json!({});
        }
        one
    };
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": all.iter().map(group).collect::<Value>() })
}

fn described_whole(kind: &Kind) -> Value {
    // Built-in kinds leave out what is the same as that of the list.
    let (group, version) = if kind.custom { (&*kind.group, &*kind.version) } else { ("", "") };
    let response = json!({ "group": group, "version": version, "kind": kind.kind });
    let mut own = json!({
        "resource": kind.plural, "responseKind": response,
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": kind.singular,
        "verbs": VERBS,
    });
    add_words(&mut own, kind);
    let mut more = Vec::new();
    if kind.scale {
        let scale = json!({ "group": "autoscaling", "version": "v1", "kind": "Scale" });
        more.push(json!({ "subresource": "scale", "responseKind": scale, "verbs": SOME_VERBS }));
    }
    if kind.status {
        more.push(json!({ "subresource": "status", "responseKind": response, "verbs": SOME_VERBS }));
    }
    if !more.is_empty() {
        own["subresources"] = json!(more);
    }
    own
}
