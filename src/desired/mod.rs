//! What a spec comes to, ready for the graph and the planner: its resources, its environments, its settings.
//!
//! It is made from text by [`crate::spec`], and knows nothing of how that was written but where each thing stands.

mod chart;
mod completion;
mod delivery;
mod instance;
mod reconcile;
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;

pub use chart::{ChartPin, ChartSource, PublishedChart};
pub use completion::{Completion, RENDERED};
pub use delivery::ArgoDelivery;
pub use instance::{Declaration, Edge, FieldRules, Instance, OnRemove, Settings, TakeOver};
pub use reconcile::{ReconcileMode, ReconcileSettings};
pub use records::RecordsUrl;

use crate::address::Address;
use crate::diagnostic::Span;
use crate::kind::{Catalog, Resource, View};
use crate::path::split;
use crate::value::{Text, Value};

/// The whole spec, for one environment, with everything that can be known from it.
#[derive(Debug, Default)]
pub struct Desired {
    /// The project's name: part of every ownership mark.
    pub project: String,
    /// The environment's name: part of every ownership mark.
    pub environment: String,
    /// The environments that the spec declares, this one among them.
    pub environments: Vec<String>,
    /// The world that the environment is in.
    pub world: WorldChoice,
    /// Where its records are, when not beside the spec.
    pub records: Option<RecordsUrl>,
    /// How the loop works that heals it, and within which limits.
    pub reconcile: ReconcileSettings,
    /// The kinds that it can use.
    pub kinds: Catalog,
    /// The values of its variables, for texts of other files.
    pub(crate) variables: BTreeMap<String, Value>,
    instances: Vec<Instance>,
    index: HashMap<Address, usize>,
    by_kind: BTreeMap<&'static str, Vec<usize>>,
    /// Where the charts of the apps and their values are said, in the order of the apps.
    pub(crate) chart_spans: Vec<ChartSpans>,
    /// Where the files of variables of the containers are named, in the order of the containers.
    pub(crate) env_files: Vec<Span>,
    /// The apps of which nobody can tell yet what they come to.
    pub(crate) undecided: BTreeMap<Address, UndecidedApp>,
    /// The apps that were undecided and are not any more, each with what decided.
    pub(crate) decided: BTreeMap<Address, Vec<Address>>,
    /// The apps of which some attributes are computed once their values are known.
    pub(crate) completions: Arc<HashMap<Address, Completion>>,
}

/// Why nobody can tell yet what an app comes to: it depends on what other resources tell once they are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecidedApp {
    /// The resources that have not told it yet; at least one.
    pub by: Vec<Address>,
    /// What depends on it, as a part of a sentence.
    pub reason: String,
}

/// Where an app's chart and its values stand.
#[derive(Clone, Debug)]
pub struct ChartSpans {
    /// The chart.
    pub chart: Span,
    /// What holds for some of its objects.
    pub objects: Span,
    /// How many clusters of the app stand before this one, in the order in which the spec says them.
    pub position: usize,
    /// Each value, by its path in the values: `image.tag`.
    pub values: BTreeMap<String, Span>,
}

/// Where resources are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorldChoice {
    /// By the drivers of the real world.
    #[default]
    Real,
    /// In the embedded world.
    Sandbox,
}

impl Desired {
    /// Takes the instances of a spec.
    #[must_use]
    pub fn new(project: String, environment: String, world: WorldChoice, mut instances: Vec<Instance>) -> Self {
        instances.sort_by(|a, b| a.address.cmp(&b.address));
        let (index, by_kind) = indexes(&instances);
        Self {
            project,
            environment,
            environments: Vec::new(),
            world,
            records: None,
            reconcile: ReconcileSettings::default(),
            kinds: Catalog::default(),
            variables: BTreeMap::new(),
            instances,
            index,
            by_kind,
            chart_spans: Vec::new(),
            env_files: Vec::new(),
            undecided: BTreeMap::new(),
            decided: BTreeMap::new(),
            completions: Arc::default(),
        }
    }

    /// Every resource, ordered by address.
    #[must_use]
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// Every resource that stands for an object, ordered by address.
    pub fn objects(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|instance| instance.kind.object)
    }

    /// The resource with this address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Instance> {
        self.index.get(address).map(|at| &self.instances[*at])
    }

    /// The resources of one kind, ordered by address.
    pub fn of_kind<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a Instance> + use<'a> {
        self.by_kind.get(kind).into_iter().flatten().map(|at| &self.instances[*at])
    }

    /// The charts whose content belongs to the spec, with where each is named.
    pub fn charts(&self) -> impl Iterator<Item = (ChartSource, &ChartSpans, &Instance)> {
        self.apps().filter_map(|(spans, app)| Some((ChartSource::of(&app.attributes)?, spans, app)))
    }

    /// Every app, with where what it is made of stands.
    pub fn apps(&self) -> impl Iterator<Item = (&ChartSpans, &Instance)> {
        self.of_kind("app").zip(&self.chart_spans).map(|(app, spans)| (spans, app))
    }

    /// Why nobody can tell yet what an app comes to, where that is so.
    #[must_use]
    pub fn undecided(&self, app: &Address) -> Option<&UndecidedApp> {
        self.undecided.get(app)
    }

    /// By what it was decided what an app comes to, where that is not told by the spec alone.
    #[must_use]
    pub fn decided_by(&self, app: &Address) -> &[Address] {
        self.decided.get(app).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every app that is undecided, with why.
    pub fn all_undecided(&self) -> impl Iterator<Item = (&Instance, &UndecidedApp)> {
        self.undecided.iter().filter_map(|(app, why)| Some((self.get(app)?, why)))
    }

    /// What completes some of the apps.
    #[must_use]
    pub fn completions(&self) -> &Arc<HashMap<Address, Completion>> {
        &self.completions
    }

    /// Takes what apps and namespaces come to. Whatever needs one of them needs all of that too: `last` has what no other part of it
    /// waits for, by app and namespace.
    pub fn add(&mut self, objects: Vec<Instance>, last: &HashMap<Address, Vec<Address>>) {
        // Most specs have no apps, and some have a hundred thousand resources.
        if objects.is_empty() {
            return;
        }
        for instance in &mut self.instances {
            let (span, blocks) = (instance.declaration.header, instance.hosts.len() < 2);
            // Any one of several hosts will do.
            let part_of_host = |(host, to): (&Address, &Address)| {
                let attribute = if host.kind() == "namespace" { "namespace" } else { "server" };
                Edge { to: to.clone(), attribute: attribute.into(), span, blocks }
            };
            let hosts = instance.hosts.iter().filter_map(|host| Some((host, last.get(host)?)));
            let of_hosts = hosts.flat_map(|(host, parts)| parts.iter().map(move |to| (host, to))).map(part_of_host);
            let of_others = instance.references.iter().filter_map(|edge| Some((edge, last.get(&edge.to)?)));
            let of_others =
                of_others.flat_map(|(edge, parts)| parts.iter().map(|to| Edge { to: to.clone(), ..edge.clone() }));
            let more: Vec<Edge> = of_hosts.chain(of_others).collect();
            instance.references.extend(more);
        }
        self.instances.extend(objects);
        self.instances.sort_by(|a, b| a.address.cmp(&b.address));
        (self.index, self.by_kind) = indexes(&self.instances);
    }

    /// Takes an app on one more cluster than its block says: the one whose Argo CD delivers it.
    pub(crate) fn add_app(&mut self, app: Instance, spans: ChartSpans) {
        let before = self.of_kind("app").take_while(|other| other.address < app.address).count();
        self.chart_spans.insert(before, spans);
        self.instances.push(app);
        self.instances.sort_by(|a, b| a.address.cmp(&b.address));
        (self.index, self.by_kind) = indexes(&self.instances);
    }

    /// Makes the content of charts part of the spec: `charts/ledger-app` becomes `charts/ledger-app@sha256:…`, so
    /// that an edited chart is a change like any other.
    pub fn attach(&mut self, pins: &BTreeMap<ChartSource, ChartPin>) {
        for at in self.by_kind.get("app").into_iter().flatten() {
            let attributes = &mut self.instances[*at].attributes;
            let Some(source) = ChartSource::of(attributes) else { continue };
            if let Some(pin) = pins.get(&source) {
                attributes.set("chart", Value::String(source.pinned(pin).into()));
            }
        }
    }

    /// The files of variables that containers name, each with where that is.
    pub fn env_files(&self) -> impl Iterator<Item = (&str, Span, &Instance)> {
        let containers = self.of_kind("container").zip(&self.env_files);
        containers.flat_map(|(container, span)| {
            let files = container.attributes.get("env_file").items().iter().filter_map(Value::as_str);
            files.map(move |file| (file, *span, container))
        })
    }

    /// Makes what is in files of variables part of the spec: it is what `environment` says, where that says nothing itself.
    pub fn attach_variables(&mut self, files: &BTreeMap<String, BTreeMap<String, String>>) {
        for at in self.by_kind.get("container").into_iter().flatten() {
            let attributes = &mut self.instances[*at].attributes;
            let named = attributes.get("env_file").items().iter().filter_map(Value::as_str);
            let mut all: BTreeMap<Text, Value> = BTreeMap::new();
            for (name, value) in named.filter_map(|file| files.get(file)).flatten() {
                all.insert(name.as_str().into(), value.as_str().into());
            }
            if all.is_empty() {
                continue;
            }
            if let Value::Map(own) = attributes.get("environment") {
                all.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            attributes.set("environment", Value::map(all.into_iter().collect()));
        }
    }

    /// Leaves more attributes of some resources to others, as if their blocks said so in `ignore`.
    pub fn leave(&mut self, paths: &BTreeMap<Address, Vec<String>>) {
        for (address, paths) in paths {
            let Some(at) = self.index.get(address) else { continue };
            let Instance { kind, settings, .. } = &mut self.instances[*at];
            // What is no attribute, such as an object's condition, can't be left to others.
            let is_attribute = |path: &&String| split(path).first().is_some_and(|name| kind.attribute(name).is_some());
            settings.ignore.extend(paths.iter().filter(is_attribute).cloned());
        }
    }

    /// The same spec without its resources: its project, environment, settings and kinds.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self {
            project: self.project.clone(),
            environment: self.environment.clone(),
            environments: self.environments.clone(),
            world: self.world,
            records: self.records.clone(),
            reconcile: self.reconcile.clone(),
            kinds: self.kinds.clone(),
            ..Self::default()
        }
    }

    /// Every resource, to be completed by what only all of them together tell.
    pub(crate) fn instances_mut(&mut self) -> &mut [Instance] {
        &mut self.instances
    }
}

/// Where among some resources each is, by its address and by its kind.
type Indexes = (HashMap<Address, usize>, BTreeMap<&'static str, Vec<usize>>);

fn indexes(instances: &[Instance]) -> Indexes {
    let mut by_kind: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    for (at, instance) in instances.iter().enumerate() {
        by_kind.entry(instance.kind.name).or_default().push(at);
    }
    (instances.iter().enumerate().map(|(at, instance)| (instance.address.clone(), at)).collect(), by_kind)
}

impl View for Desired {
    fn get(&self, address: &Address) -> Option<Resource<'_>> {
        self.get(address).map(Instance::as_resource)
    }

    fn of_kind(&self, kind: &str) -> Box<dyn Iterator<Item = Resource<'_>> + '_> {
        Box::new(self.of_kind(kind).map(Instance::as_resource))
    }
}
