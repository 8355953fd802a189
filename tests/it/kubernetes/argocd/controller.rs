//! A stand-in for Argo CD: it makes Applications of ApplicationSets, delivers what they say, and tells of it as Argo CD does.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::kubernetes::api::ApiServer;

/// What lets an Application take along what it delivered.
const CASCADE: &str = "resources-finalizer.argocd.argoproj.io";

/// How the stand-in behaves.
#[derive(Clone, Default)]
pub struct Behaviour {
    /// It looks at nothing.
    pub is_paused: bool,
    /// It can't compare anything, and why.
    pub fails: Option<String>,
    /// What it says of health; `Healthy` otherwise.
    pub health: Option<&'static str>,
}

/// Argo CDs on some clusters, in a thread of their own.
pub struct Argo {
    pub behaviour: Arc<Mutex<Behaviour>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

type Servers = BTreeMap<&'static str, Arc<ApiServer>>;

impl Argo {
    /// Installs Argo CD on clusters, which reach each other by their names.
    pub fn start(servers: &Servers) -> Self {
        for server in servers.values() {
            for (kind, plural) in [("Application", "applications"), ("ApplicationSet", "applicationsets")] {
                server.create("argocd", definition(kind, plural));
            }
            server
                .create("argocd", json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "argocd" } }));
        }
        let (behaviour, stop) = (Arc::new(Mutex::new(Behaviour::default())), Arc::new(AtomicBool::new(false)));
        let (servers, now, end) = (servers.clone(), Arc::clone(&behaviour), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let behaviour = now.lock().expect("nobody panics with it").clone();
                if !behaviour.is_paused {
                    for (name, server) in &servers {
                        // What goes while it is looked at is looked at again.
                        drop(catch_unwind(AssertUnwindSafe(|| work(name, server, &servers, &behaviour))));
                    }
                }
                std::thread::sleep(Duration::from_millis(40));
            }
        });
        Self { behaviour, stop, thread: Some(thread) }
    }

    /// Behaves otherwise from now on.
    pub fn be(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("nobody panics with it") = behaviour;
    }
}

impl Drop for Argo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn definition(kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.argoproj.io") },
        "spec": {
            "group": "argoproj.io",
            "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    })
}

fn work(name: &str, server: &ApiServer, servers: &Servers, behaviour: &Behaviour) {
    for set in server.objects("ApplicationSet") {
        generate(server, &set);
    }
    for application in server.objects("Application") {
        deliver(name, server, servers, &application, behaviour);
    }
}

/// Makes the Applications of a set, and takes away those that it does not have any more.
fn generate(server: &ApiServer, set: &Value) {
    if set["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    let keeps = set["spec"]["syncPolicy"]["preserveResourcesOnDeletion"] == true;
    let template = &set["spec"]["template"];
    let mut wanted = Vec::new();
    for element in set["spec"]["generators"][0]["list"]["elements"].as_array().into_iter().flatten() {
        let mut one = completed(template, element);
        let name = one["metadata"]["name"].as_str().expect("a name").to_owned();
        let finalizers = if keeps { Value::Null } else { json!([CASCADE]) };
        match server.object("Application", Some("argocd"), &name) {
            Some(there) => {
                let same = there["spec"] == one["spec"] && there["metadata"]["finalizers"] == finalizers;
                if !same && !there["metadata"]["deletionTimestamp"].is_string() {
                    let patch = json!({ "metadata": { "finalizers": finalizers }, "spec": one["spec"] });
                    server.edit("argocd-applicationset-controller", "Application", Some("argocd"), &name, patch);
                }
            }
            None => {
                one["apiVersion"] = "argoproj.io/v1alpha1".into();
                one["kind"] = "Application".into();
                one["metadata"]["namespace"] = "argocd".into();
                one["metadata"]["finalizers"] = finalizers;
                one["metadata"]["ownerReferences"] = json!([{
                    "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": set["metadata"]["name"],
                    "uid": set["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
                }]);
                server.create("argocd-applicationset-controller", one);
            }
        }
        wanted.push(name);
    }
    for one in server.objects("Application") {
        let name = one["metadata"]["name"].as_str().expect("a name");
        let owned = one["metadata"]["ownerReferences"][0]["uid"] == set["metadata"]["uid"];
        if owned && !wanted.iter().any(|wanted| wanted == name) {
            server.delete("Application", Some("argocd"), name);
        }
    }
    if set["status"]["conditions"].is_null() {
        let conditions = json!([{ "type": "ResourcesUpToDate", "status": "True" }]);
        let name = set["metadata"]["name"].as_str().expect("a name");
        let patch = json!({ "status": { "conditions": conditions } });
        server.edit("argocd-applicationset-controller", "ApplicationSet", Some("argocd"), name, patch);
    }
}

/// A template with what an element says.
fn completed(template: &Value, element: &Value) -> Value {
    match template {
        Value::Object(entries) => entries.iter().map(|(key, item)| (key.clone(), completed(item, element))).collect(),
        Value::Array(items) => items.iter().map(|item| completed(item, element)).collect(),
        Value::String(text) => {
            let mut text = text.replace("{{ toJson .values }}", &element["values"].to_string());
            for (key, value) in element.as_object().expect("an object") {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text = text.replace(&format!("{{{{ .{key} }}}}"), &value);
            }
            assert!(!text.contains("{{ ."), "missingkey=error: {text}");
            text.into()
        }
        other => other.clone(),
    }
}

fn deliver(home: &str, server: &ApiServer, servers: &Servers, application: &Value, behaviour: &Behaviour) {
    let (metadata, spec) = (&application["metadata"], &application["spec"]);
    let name = metadata["name"].as_str().expect("a name");
    let tell = |patch: Value| server.edit("argocd-application-controller", "Application", Some("argocd"), name, patch);
    let there = match spec["destination"]["name"].as_str() {
        Some("in-cluster") | None => home,
        Some(other) => other,
    };
    let there = &servers[there];
    let namespace = spec["destination"]["namespace"].as_str().expect("a namespace");
    if metadata["deletionTimestamp"].is_string() {
        let finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
        if finalizers.contains(&CASCADE.into()) {
            for part in application["status"]["resources"].as_array().into_iter().flatten() {
                let (kind, name) = (part["kind"].as_str().expect("a kind"), part["name"].as_str().expect("a name"));
                if there.object(kind, Some(namespace), name).is_some() {
                    there.delete(kind, Some(namespace), name);
                }
            }
            let rest: Vec<Value> = finalizers.into_iter().filter(|one| one != CASCADE).collect();
            tell(json!({ "metadata": { "finalizers": rest } }));
        }
        return;
    }
    let compared = json!({ "source": spec["source"], "destination": spec["destination"] });
    let status = match &behaviour.fails {
        Some(why) => json!({
            "sync": { "status": "Unknown", "comparedTo": compared },
            "health": { "status": "Unknown" },
            "conditions": [{ "type": "ComparisonError", "message": why }],
        }),
        None => {
            let release = spec["source"]["helm"]["releaseName"].as_str().unwrap_or("web");
            if spec["syncPolicy"]["automated"]["selfHeal"] == true {
                apply(there, namespace, release, &spec["source"]);
            }
            json!({
                "sync": { "status": "Synced", "comparedTo": compared, "revision": spec["source"]["targetRevision"] },
                "health": { "status": behaviour.health.unwrap_or("Healthy") },
                "conditions": null,
                "operationState": { "phase": "Succeeded", "syncResult": { "source": spec["source"] } },
                "resources": [{
                    "group": "apps", "version": "v1", "kind": "Deployment", "namespace": namespace, "name": release,
                    "status": "Synced", "health": { "status": behaviour.health.unwrap_or("Healthy"), "message": "says the stand-in" },
                }],
            })
        }
    };
    if let Value::Object(fields) = &status
        && fields.iter().any(|(key, value)| application["status"][key] != *value)
    {
        let mut status = status.clone();
        // A merge patch would leave what was compared before.
        for part in ["source", "destination"] {
            let before = application["status"]["sync"]["comparedTo"][part].as_object().into_iter().flatten();
            for (key, _) in before.filter(|(key, _)| compared[part][key.as_str()].is_null()) {
                status["sync"]["comparedTo"][part][key.as_str()] = Value::Null;
            }
        }
        tell(json!({ "status": status }));
    }
}

/// Applies the one Deployment of the chart, as `kubectl apply` would.
fn apply(server: &ApiServer, namespace: &str, release: &str, source: &Value) {
    let helm = &source["helm"];
    let text: Option<Value> = helm["values"].as_str().and_then(|text| serde_json::from_str(text).ok());
    let values = text.unwrap_or_else(|| helm["valuesObject"].clone());
    let replicas = values["replicas"].as_i64().unwrap_or(1);
    match server.object("Deployment", Some(namespace), release) {
        Some(there) if there["spec"]["replicas"] == replicas => {}
        Some(_) => {
            let patch = json!({ "spec": { "replicas": replicas } });
            server.edit("argocd-controller", "Deployment", Some(namespace), release, patch);
        }
        None => server.create(
            "argocd-controller",
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": { "name": release, "namespace": namespace },
                "spec": {
                    "replicas": replicas,
                    "selector": { "matchLabels": { "app": release } },
                    "template": {
                        "metadata": { "labels": { "app": release } },
                        "spec": { "containers": [{ "name": "app", "image": "nginx:1" }] },
                    },
                },
            }),
        ),
    }
}
