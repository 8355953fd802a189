//! Which object of an app goes before which: what one names before it, definitions before their instances, guards of a namespace
//! before what makes pods, hooks at their moment, waves one after the other.

use foldhash::{HashMap, HashSet};

use super::manifest::AppObject;
use super::needs::{NamedObject, named_by, pod_labels};
use super::words::{WORKLOADS, group, is_own};
use crate::value::Value;

/// The annotation by which charts for Argo CD say in which wave an object is applied:
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/>.
const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// What has to be in order before a pod is made in a namespace, or it would be made without.
const GUARDS: [&str; 3] = ["LimitRange", "NetworkPolicy", "ResourceQuota"];

/// Workloads that run all the time.
const OPERATORS: [&str; 2] = ["Deployment", "StatefulSet"];

/// When an object is applied: in Helm's words, and then by waves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The Secrets that the spec says. They wait for nothing, and what makes pods, a hook as well, waits for them.
    Secrets,
    Before(i64),
    Main(i64),
    After(i64),
}

/// For each object the positions of those that go before it.
pub fn needs(objects: &[AppObject]) -> Vec<Vec<usize>> {
    let index = ObjectIndex::of(objects);
    let phases: Vec<Phase> = objects.iter().map(phase).collect();
    let mut needs: Vec<HashSet<usize>> = objects.iter().map(|_| HashSet::default()).collect();
    for (at, object) in objects.iter().enumerate() {
        // What goes first by its phase can't wait for what comes later.
        let mut add = |other: usize| {
            if other != at && phases[other] <= phases[at] && !needs[other].contains(&at) {
                needs[at].insert(other);
            }
        };
        for named in named_by(object) {
            index.by_name.get(&named).into_iter().for_each(|other| add(*other));
            if ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService"]
                .contains(&object.kind.as_str())
            {
                index.behind(objects, &named).into_iter().for_each(&mut add);
            }
        }
        if let Some(definition) = index.definitions.get(&(group(&object.api_version), object.kind.as_str())) {
            add(*definition);
            // What comes with the definition is most often the operator. Its resources are made while it runs, and are gone before
            // it is: nobody else would take their finalizers away.
            index.operators.iter().copied().for_each(&mut add);
        }
        if WORKLOADS.contains(&object.kind.as_str()) {
            let guards = index.guards.get(object.namespace.as_deref().unwrap_or_default());
            guards.into_iter().flatten().for_each(|other| add(*other));
        }
        // And the definitions are there before it runs, and after it is gone.
        if OPERATORS.contains(&object.kind.as_str()) {
            index.definitions.values().copied().for_each(&mut add);
        }
        if WORKLOADS.contains(&object.kind.as_str()) || object.hook.is_some() {
            index.secrets.iter().copied().for_each(&mut add);
        }
    }
    follow_phases(objects, &phases, &mut needs);
    needs.into_iter().map(sorted).collect()
}

/// The positions of the objects for which no other one waits: whoever waits for them waits for all.
pub fn last(needs: &[Vec<usize>]) -> Vec<usize> {
    let waited_for: HashSet<usize> = needs.iter().flatten().copied().collect();
    (0..needs.len()).filter(|at| !waited_for.contains(at)).collect()
}

/// Each phase waits for the whole one before it. Helm runs what comes after an installation once everything was applied, and not
/// once all pods run: many a database is ready only after such a hook has set it up.
fn follow_phases(objects: &[AppObject], phases: &[Phase], needs: &mut [HashSet<usize>]) {
    let mut by_phase: Vec<(Phase, Vec<usize>)> = Vec::new();
    let mut order: Vec<usize> = (0..objects.len()).filter(|at| phases[*at] != Phase::Secrets).collect();
    order.sort_by_key(|at| phases[*at]);
    for at in order {
        match by_phase.last_mut().filter(|(phase, _)| *phase == phases[at]) {
            Some((_, members)) => members.push(at),
            None => by_phase.push((phases[at], vec![at])),
        }
    }
    for pair in by_phase.windows(2) {
        let [(before, earlier), (after, later)] = pair else { continue };
        let makes_pods = |at: &&usize| WORKLOADS.contains(&objects[**at].kind.as_str());
        let hooks_follow = matches!((before, after), (Phase::Main(_), Phase::After(_)));
        let waited: HashSet<usize> = earlier.iter().flat_map(|at| needs[*at].iter().copied()).collect();
        let ends: Vec<usize> = earlier
            .iter()
            .filter(|at| hooks_follow || !waited.contains(at))
            .filter(|at| !(hooks_follow && makes_pods(at)))
            .copied()
            .collect();
        for at in later {
            needs[*at].extend(ends.iter().copied());
        }
    }
}

fn phase(object: &AppObject) -> Phase {
    if !object.secrets.is_null() {
        return Phase::Secrets;
    }
    let Some(hook) = &object.hook else {
        let wave = object.manifest.at("metadata.annotations").and_then(|all| match all {
            Value::Map(entries) => entries.get(WAVE)?.as_str()?.trim().parse().ok(),
            _ => None,
        });
        return Phase::Main(wave.unwrap_or(0));
    };
    match hook.events.iter().any(|event| event == "pre-install" || event == "pre-upgrade") {
        true => Phase::Before(hook.weight),
        false => Phase::After(hook.weight),
    }
}

fn sorted(set: HashSet<usize>) -> Vec<usize> {
    let mut all: Vec<usize> = set.into_iter().collect();
    all.sort_unstable();
    all
}

/// The objects of an app by what others know them by.
struct ObjectIndex<'a> {
    by_name: HashMap<NamedObject, usize>,
    /// The definitions of custom resources, by group and kind.
    definitions: HashMap<(&'a str, &'a str), usize>,
    /// By namespace.
    guards: HashMap<&'a str, Vec<usize>>,
    workloads: Vec<usize>,
    /// The Secrets that the spec says.
    secrets: Vec<usize>,
    /// Those of the workloads that run all the time.
    operators: Vec<usize>,
}

impl<'a> ObjectIndex<'a> {
    fn of(objects: &'a [AppObject]) -> Self {
        let mut index = Self {
            by_name: HashMap::default(),
            definitions: HashMap::default(),
            guards: HashMap::default(),
            workloads: Vec::new(),
            secrets: (0..objects.len()).filter(|at| !objects[*at].secrets.is_null()).collect(),
            operators: Vec::new(),
        };
        for (at, object) in objects.iter().enumerate().filter(|(_, object)| is_own(group(&object.api_version))) {
            let (kind, namespace) = (object.kind.clone(), object.namespace.clone());
            index.by_name.insert(NamedObject { kind, namespace, name: object.name.clone() }, at);
            let text = |path: &str| object.manifest.at(path).and_then(Value::as_str);
            match object.kind.as_str() {
                "CustomResourceDefinition" => {
                    if let Some((group, kind)) = text("spec.group").zip(text("spec.names.kind")) {
                        index.definitions.insert((group, kind), at);
                    }
                }
                kind if GUARDS.contains(&kind) => {
                    index.guards.entry(object.namespace.as_deref().unwrap_or_default()).or_default().push(at);
                }
                kind if WORKLOADS.contains(&kind) => {
                    index.workloads.push(at);
                    index.operators.extend(OPERATORS.contains(&kind).then_some(at));
                }
                _ => {}
            }
        }
        index
    }

    /// The workloads whose pods answer for a Service.
    fn behind(&self, objects: &[AppObject], service: &NamedObject) -> Vec<usize> {
        let selector = self.by_name.get(service).filter(|_| service.kind == "Service");
        let Some(Value::Map(selector)) = selector.and_then(|at| objects[*at].manifest.at("spec.selector")) else {
            return Vec::new();
        };
        let answers = |at: &&usize| {
            let object = &objects[**at];
            let Some(Value::Map(labels)) = pod_labels(&object.kind, &object.manifest) else { return false };
            object.namespace == service.namespace && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        self.workloads.iter().filter(answers).copied().collect()
    }
}
