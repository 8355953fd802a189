//! How an Argo CD delivers an app, where one does.

use crate::kind::argo_settings;
use crate::value::{Attributes, Text, Value};

/// How an Argo CD delivers an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgoDelivery {
    /// The cluster whose Argo CD delivers to all clusters of the app; none where each has one of its own.
    pub hub: Option<String>,
    /// The namespace that the Argo CD is in.
    pub namespace: String,
    /// The project of the Argo CD that the app belongs to.
    pub project: String,
    /// What the Application or the ApplicationSet is called, where the spec says it.
    pub application: Option<String>,
    /// Where the Git repository is that the folder of the spec is in.
    pub repository: Option<String>,
    /// What of it is read.
    pub revision: Option<String>,
    /// The folder of the spec in it.
    pub folder: Option<String>,
    /// What the Argo CD of a hub calls some clusters.
    destinations: Vec<(Text, String)>,
    /// Options with which the Argo CD applies the objects.
    pub sync_options: Vec<String>,
}

/// What Argo CD calls the cluster that it runs on.
const OWN_CLUSTER: &str = "in-cluster";

impl ArgoDelivery {
    /// How an app is delivered by an Argo CD; none where Atlas delivers it itself.
    #[must_use]
    pub fn of(app: &Attributes) -> Option<Self> {
        let settings = argo_settings(app)?;
        let text = |name: &str| settings.at(name).and_then(Value::as_str).map(str::to_owned);
        let destinations = match settings.at("destinations") {
            Some(Value::Map(all)) => {
                all.iter().filter_map(|(cluster, name)| Some((cluster.clone(), name.as_str()?.to_owned()))).collect()
            }
            _ => Vec::new(),
        };
        let options = settings.at("sync_options").map(Value::items).unwrap_or_default();
        Some(Self {
            hub: text("hub"),
            namespace: text("namespace").unwrap_or_else(|| "argocd".to_owned()),
            project: text("project").unwrap_or_else(|| "default".to_owned()),
            application: text("application"),
            repository: text("repository"),
            revision: text("revision"),
            folder: text("folder"),
            destinations,
            sync_options: options.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// What the Argo CD of the hub calls a cluster.
    #[must_use]
    pub fn destination<'a>(&'a self, cluster: &'a str) -> &'a str {
        let said = self.destinations.iter().find(|(other, _)| other.as_str() == cluster).map(|(_, name)| name.as_str());
        let own = (self.hub.as_deref() == Some(cluster)).then_some(OWN_CLUSTER);
        said.or(own).unwrap_or(cluster)
    }
}
