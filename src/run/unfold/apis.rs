//! Which APIs the definitions of custom resources in a spec bring to each cluster, and who waits for them.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use crate::address::Address;
use crate::desired::{Edge, Instance};
use crate::identity::Identity;
use crate::render::objects::group;
use crate::value::Value;

/// The definitions of custom resources on each cluster.
#[derive(Debug, Default)]
pub(super) struct BroughtApis {
    /// By cluster, group and kind.
    definitions: HashMap<(Identity, String, String), Address>,
    /// By cluster, as charts ask for them, `example.com/v1` and `example.com/v1/Widget`, each with the apps that bring it.
    by_cluster: HashMap<Identity, BTreeMap<String, BTreeSet<Address>>>,
}

impl BroughtApis {
    /// Adds those among some objects.
    pub fn add(&mut self, objects: &[Instance]) {
        for object in objects {
            let manifest = object.attributes.get("manifest");
            let text = |path: &str| manifest.at(path).and_then(Value::as_str);
            let is_definition = object.attributes.get("kind").as_str() == Some("CustomResourceDefinition");
            let (Some(cluster), Some(app), true) = (object.identity.host(), object.hosts.first(), is_definition) else {
                continue;
            };
            let Some((group, kind)) = text("spec.group").zip(text("spec.names.kind")) else { continue };
            let apis = self.by_cluster.entry(cluster.clone()).or_default();
            for version in manifest.at("spec.versions").map(Value::items).unwrap_or_default() {
                let is_served = version.at("served") != Some(&Value::Bool(false));
                if let Some(version) = version.at("name").and_then(Value::as_str).filter(|_| is_served) {
                    for api in [format!("{group}/{version}"), format!("{group}/{version}/{kind}")] {
                        apis.entry(api).or_default().insert(app.clone());
                    }
                }
            }
            self.definitions.insert((cluster, group.to_owned(), kind.to_owned()), object.address.clone());
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }

    /// Takes out those of an app.
    pub fn remove(&mut self, app: &Address) {
        self.definitions.retain(|_, definition| definition.parent().as_ref() != Some(app));
        for apis in self.by_cluster.values_mut() {
            for apps in apis.values_mut() {
                apps.remove(app);
            }
        }
    }

    /// What a chart finds on a cluster besides what every cluster has. What only the app itself brings does not count: a chart that leaves
    /// a definition out because it is there would let go of its own.
    pub fn on(&self, cluster: &Identity, app: &Address) -> Vec<String> {
        let all = self.by_cluster.get(cluster).into_iter().flatten();
        all.filter(|(_, apps)| apps.iter().any(|other| other != app)).map(|(api, _)| api.clone()).collect()
    }

    /// Lets a custom resource wait for its definition, where that belongs to another app.
    pub fn precede(&self, object: &mut Instance) {
        let text = |name: &str| object.attributes.get(name).as_str().unwrap_or_default().to_owned();
        let Some(cluster) = object.identity.host() else { return };
        let key = (cluster, group(&text("api_version")).to_owned(), text("kind"));
        let Some(definition) = self.definitions.get(&key) else { return };
        if definition.parent().as_ref() == object.hosts.first() {
            return;
        }
        let (to, span) = (definition.clone(), object.declaration.header);
        object.references.push(Edge { to, attribute: "depends_on".into(), span, blocks: true });
    }
}
