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
pub(super) struct BroughtApis(HashMap<Identity, ClusterApis>);

/// Those on one cluster.
#[derive(Debug, Default)]
struct ClusterApis {
    /// By group and kind.
    definitions: HashMap<(String, String), Address>,
    /// As charts ask for them, `example.com/v1` and `example.com/v1/Widget`, each with the apps that bring it.
    apis: BTreeMap<String, BTreeSet<Address>>,
}

impl BroughtApis {
    /// Adds those among some objects.
    pub fn add<'o>(&mut self, objects: impl IntoIterator<Item = &'o Instance>) {
        for object in objects {
            let manifest = object.attributes.get("manifest");
            let text = |path: &str| manifest.at(path).and_then(Value::as_str);
            let is_definition = object.attributes.get("kind").as_str() == Some("CustomResourceDefinition");
            let (Some(cluster), Some(app), true) = (object.identity.host(), object.hosts.first(), is_definition) else {
                continue;
            };
            let Some((group, kind)) = text("spec.group").zip(text("spec.names.kind")) else { continue };
            let here = self.0.entry(cluster).or_default();
            for version in manifest.at("spec.versions").map(Value::items).unwrap_or_default() {
                let is_served = version.at("served") != Some(&Value::Bool(false));
                if let Some(version) = version.at("name").and_then(Value::as_str).filter(|_| is_served) {
                    for api in [format!("{group}/{version}"), format!("{group}/{version}/{kind}")] {
                        here.apis.entry(api).or_default().insert(app.clone());
                    }
                }
            }
            here.definitions.insert((group.to_owned(), kind.to_owned()), object.address.clone());
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out those of an app.
    pub fn remove(&mut self, cluster: &Identity, app: &Address) {
        let Some(here) = self.0.get_mut(cluster) else { return };
        here.definitions.retain(|_, definition| definition.parent().as_ref() != Some(app));
        for apps in here.apis.values_mut() {
            apps.remove(app);
        }
    }

    /// What a chart finds on a cluster besides what every cluster has. What only the app itself brings does not count: a chart that leaves
    /// a definition out because it is there would let go of its own.
    pub fn on(&self, cluster: &Identity, app: &Address) -> Vec<String> {
        let all = self.0.get(cluster).into_iter().flat_map(|here| &here.apis);
        all.filter(|(_, apps)| apps.iter().any(|other| other != app)).map(|(api, _)| api.clone()).collect()
    }

    /// The app that brings the definition of a custom resource to its cluster, where one does.
    pub fn bringer(&self, object: &Instance) -> Option<Address> {
        self.definition_of(object)?.parent()
    }

    /// Lets a custom resource wait for its definition, where that belongs to another app.
    pub fn precede(&self, object: &mut Instance) {
        let Some(definition) = self.definition_of(object) else { return };
        if definition.parent().as_ref() == object.hosts.first() {
            return;
        }
        let (to, span) = (definition.clone(), object.declaration.header);
        object.references.push(Edge { to, attribute: "depends_on".into(), span, blocks: true });
    }

    fn definition_of(&self, object: &Instance) -> Option<&Address> {
        let here = self.0.get(&object.identity.host()?)?;
        let text = |name: &str| object.attributes.get(name).as_str().unwrap_or_default();
        here.definitions.get(&(group(text("api_version")).to_owned(), text("kind").to_owned()))
    }
}
