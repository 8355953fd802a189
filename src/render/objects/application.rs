//! What an Argo CD is given to deliver an app: an Application for one cluster, or an ApplicationSet for all of them.
//!
//! <https://argo-cd.readthedocs.io/en/stable/user-guide/application-specification/>,
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/applicationset-specification/>

use serde_json::json;

use super::declared;
use super::manifest::AppObject;
use crate::address::Address;
use crate::desired::{ArgoDelivery, ChartSource, PublishedChart};
use crate::render::fault::RenderFault;
use crate::value::{Attributes, Value};

/// The annotation by which an Application says which app it delivers.
pub const DELIVERS_ANNOTATION: &str = "atlas/delivers";
/// The API that Applications and ApplicationSets are written for.
pub const ARGO_API: &str = "argoproj.io/v1alpha1";
/// What lets an Application take along what it delivered when it is deleted.
pub const CASCADE: &str = "resources-finalizer.argocd.argoproj.io";

/// An app on one cluster, as an Argo CD is told of it.
pub struct DeliveredApp<'a> {
    /// Its address.
    pub address: &'a Address,
    /// What its release is called.
    pub release: &'a str,
    /// Its attributes, with what the spec alone tells of what they refer to.
    pub attributes: Attributes,
}

/// A text that an Application says: where it stands in the `spec`, what an element of a list calls it, and the text.
type SaidText = (&'static [&'static str], &'static str, String);

/// What the Argo CD of a cluster is given for an app on that cluster.
///
/// # Errors
/// Where the chart is not pinned.
#[must_use = "it is to be delivered"]
pub fn application(app: &DeliveredApp<'_>, delivery: &ArgoDelivery) -> Result<AppObject, RenderFault> {
    let mut spec = common(delivery).with(&["destination", "server"], "https://kubernetes.default.svc".into());
    for (path, _, text) in texts(app, delivery)? {
        spec = spec.with(path, text.as_str().into());
    }
    let values = app.attributes.get("values");
    if app.attributes.get("chart").as_str().is_some() && !values.is_null() {
        spec = spec.with(&["source", "helm", "valuesObject"], values.clone());
    }
    let metadata = json!({ "annotations": { DELIVERS_ANNOTATION: app.address.as_str() }, "finalizers": [CASCADE] });
    let manifest = Value::from(json!({ "metadata": metadata })).with(&["spec"], spec);
    let name = delivery.application.as_deref().unwrap_or(app.release);
    Ok(declared::object((ARGO_API, "Application"), name, &delivery.namespace, manifest))
}

/// What the Argo CD of a hub is given for an app on all of its clusters: one element for each of them. `carrier` is the app on the hub.
///
/// # Errors
/// Where the chart is not pinned, or a text could be taken for a template.
pub fn application_set(
    name: &str,
    carrier: &Address,
    apps: &[DeliveredApp<'_>],
    delivery: &ArgoDelivery,
) -> Result<AppObject, RenderFault> {
    let mut names: Vec<String> = apps.iter().map(|app| called(name, app.address.place().unwrap_or_default())).collect();
    names.sort();
    // A label holds it as well.
    if let Some(long) = names.iter().find(|name| name.len() > 63) {
        let what = format!("`{long}` is too long for the name of an Application; say a shorter `application`");
        return Err(RenderFault::new(what));
    }
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(RenderFault::new(format!("the Applications of two of its clusters would both be `{}`", twice[0])));
    }
    let said: Vec<Vec<SaidText>> = apps.iter().map(|app| texts(app, delivery)).collect::<Result<_, _>>()?;
    let has_values = apps.iter().any(|app| !app.attributes.get("values").is_null());
    let is_chart = apps.iter().any(|app| app.attributes.get("chart").as_str().is_some());
    let mut elements: Vec<Value> = apps
        .iter()
        .map(|app| {
            let cluster = app.address.place().unwrap_or_default();
            let (application, destination) = (called(name, cluster), delivery.destination(cluster));
            Value::from(json!({ "cluster": cluster, "application": application, "destination": destination }))
        })
        .collect();
    let mut spec = common(delivery).with(&["destination", "name"], "{{ .destination }}".into());
    for (at, (path, key, text)) in said.first().into_iter().flatten().enumerate() {
        let is_same = said.iter().all(|all| all.get(at).is_some_and(|(_, _, other)| other == text));
        let word = if is_same { text.clone() } else { format!("{{{{ .{key} }}}}") };
        if is_same && text.contains("{{") {
            return Err(RenderFault::new(format!("`{text}` would be taken for a template by the Argo CD of the hub")));
        }
        spec = spec.with(path, word.as_str().into());
        if !is_same {
            let texts = said.iter().map(|all| all.get(at).map_or("", |(_, _, own)| own.as_str()));
            elements = elements.into_iter().zip(texts).map(|(one, own)| one.with(&[key], own.into())).collect();
        }
    }
    if is_chart && has_values {
        spec = spec.with(&["source", "helm", "values"], "{{ toJson .values }}".into());
        let values = apps.iter().map(|app| match app.attributes.get("values") {
            Value::Null => Value::map(litemap::LiteMap::default()),
            values => values.clone(),
        });
        elements = elements.into_iter().zip(values).map(|(one, own)| one.with(&["values"], own)).collect();
    }
    let block = carrier.as_str().split('@').next().unwrap_or_default();
    // Its Applications get the finalizer of their controller, as long as what they deliver is not to be kept.
    let template =
        json!({ "metadata": { "annotations": { DELIVERS_ANNOTATION: format!("{block}@{{{{ .cluster }}}}") } } });
    let template = Value::from(template).with(&["metadata", "name"], "{{ .application }}".into()).with(&["spec"], spec);
    let list = Value::List(vec![Value::default().with(&["list", "elements"], Value::List(elements))]);
    let manifest = Value::from(json!({
        "metadata": { "annotations": { DELIVERS_ANNOTATION: carrier.as_str() } },
        "spec": {
            "goTemplate": true,
            "goTemplateOptions": ["missingkey=error"],
            "syncPolicy": { "preserveResourcesOnDeletion": false },
        },
    }));
    let manifest = manifest.with(&["spec", "generators"], list).with(&["spec", "template"], template);
    Ok(declared::object((ARGO_API, "ApplicationSet"), name, &delivery.namespace, manifest))
}

/// Whether an object is what an Argo CD is given, and not one that a chart has.
#[must_use]
pub fn is_delivery(attributes: &Attributes) -> bool {
    let annotations = attributes.at("manifest.metadata.annotations");
    let delivers = matches!(annotations, Some(Value::Map(all)) if all.get(DELIVERS_ANNOTATION).is_some());
    delivers && attributes.get("api_version").as_str() == Some(ARGO_API)
}

/// What the Application for one cluster is called. A name of Kubernetes has no underscore.
fn called(set: &str, cluster: &str) -> String {
    format!("{set}-{}", cluster.replace('_', "-"))
}

/// What does not depend on the app.
fn common(delivery: &ArgoDelivery) -> Value {
    let spec = Value::from(json!({
        "project": delivery.project,
        "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
    }));
    let options = &delivery.sync_options;
    if options.is_empty() { spec } else { spec.with(&["syncPolicy", "syncOptions"], json!(options).into()) }
}

/// Where the app is found, and where it goes.
fn texts(app: &DeliveredApp<'_>, delivery: &ArgoDelivery) -> Result<Vec<SaidText>, RenderFault> {
    let attributes = &app.attributes;
    let chart = ChartSource::of(attributes);
    let mut all: Vec<SaidText> = match &chart {
        Some(ChartSource::Published(published)) => of_published(published, attributes)?,
        _ => of_git(attributes, delivery),
    };
    if chart.is_some() {
        all.push((&["source", "helm", "releaseName"], "release", app.release.to_owned()));
    }
    let namespace = attributes.get("namespace").as_str().unwrap_or("default");
    all.push((&["destination", "namespace"], "namespace", namespace.to_owned()));
    Ok(all)
}

/// A chart in a repository, or in a registry: Argo CD says no `oci://` of one.
fn of_published(published: &PublishedChart, attributes: &Attributes) -> Result<Vec<SaidText>, RenderFault> {
    let version = ChartSource::version_of(attributes);
    let version = version.ok_or_else(|| RenderFault::new("its chart is not pinned; `atlas lock` does that"))?;
    let (repository, chart) = match &published.repository {
        Some(repository) => (repository.as_str(), published.chart.as_str()),
        None => {
            let place = published.chart.strip_prefix("oci://").unwrap_or(&published.chart);
            place.rsplit_once('/').unwrap_or(("", place))
        }
    };
    Ok(vec![
        (&["source", "repoURL"], "repository", repository.to_owned()),
        (&["source", "chart"], "chart", chart.to_owned()),
        (&["source", "targetRevision"], "version", version.to_owned()),
    ])
}

/// What lies in the folder of the spec, as a Git repository has it.
fn of_git(attributes: &Attributes, delivery: &ArgoDelivery) -> Vec<SaidText> {
    let mut all: Vec<SaidText> = vec![
        (&["source", "repoURL"], "repository", delivery.repository.clone().unwrap_or_default()),
        (&["source", "targetRevision"], "revision", delivery.revision.clone().unwrap_or_default()),
    ];
    let below = |path: &str| {
        let parts = delivery.folder.iter().flat_map(|folder| folder.split('/')).chain(path.split('/'));
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
    };
    let patterns: Vec<&str> = attributes.get("manifests").items().iter().filter_map(Value::as_str).collect();
    let chart = ChartSource::of(attributes);
    let folder = chart.as_ref().map(ChartSource::chart).or_else(|| attributes.get("kustomize").as_str());
    match (folder, patterns.as_slice()) {
        (Some(folder), _) => all.push((&["source", "path"], "path", below(folder))),
        (None, patterns) => {
            let first = patterns.first().and_then(|one| one.rsplit_once('/')).map_or("", |(folder, _)| folder);
            let names: Vec<&str> =
                patterns.iter().map(|one| one.rsplit_once('/').map_or(*one, |(_, name)| name)).collect();
            let include =
                if let [one] = names.as_slice() { (*one).to_owned() } else { format!("{{{}}}", names.join(",")) };
            all.push((&["source", "path"], "path", below(first)));
            all.push((&["source", "directory", "include"], "include", include));
        }
    }
    all
}
