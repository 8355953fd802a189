//! Objects from rendered files: parted, told from hooks, and put in the order in which they are installed.

use super::chart::Chart;
use super::request::{ChartHook, Manifest};
use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, Map, UnknownValue};
use crate::render::yaml;

/// The kinds that are installed in an order of their own. All others come after them, by the alphabet.
const ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The moments at which hooks run.
const EVENTS: [&str; 9] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];

/// The objects of rendered files, hooks apart.
#[derive(Debug, Default)]
pub(super) struct SortedManifests {
    pub objects: Vec<Manifest>,
    pub hooks: Vec<Manifest>,
    /// Hooks of moments that Helm does not know. Helm drops them without a word.
    pub strange: Vec<Manifest>,
}

/// Sorts the objects of rendered files, which come by their paths in the order of the alphabet.
pub(super) fn sort<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<SortedManifests, RenderFault> {
    let mut sorted = SortedManifests::default();
    for (path, text) in files {
        if path.rsplit('/').next().is_some_and(|name| name.starts_with('_')) {
            continue;
        }
        for document in split(text) {
            let manifest = manifest(path, document)?;
            match &manifest.hook {
                None => sorted.objects.push(manifest),
                Some(hook) if hook.strange.is_none() => sorted.hooks.push(manifest),
                Some(_) => sorted.strange.push(manifest),
            }
        }
    }
    for list in [&mut sorted.objects, &mut sorted.hooks] {
        list.sort_by(|one, other| rank(one).cmp(&rank(other)));
    }
    Ok(sorted)
}

/// The definitions of custom resources in the folders `crds`; a file with several stays one, as Helm prints it.
pub(super) fn crds(chart: &Chart) -> Result<Vec<Manifest>, RenderFault> {
    let all = chart.crds(&chart.metadata.name);
    let text = |path: &str, data: &[u8]| match std::str::from_utf8(data) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(in_file(RenderFault::new("the file is no text"), path)),
    };
    let crds = all.into_iter().map(|(path, data)| {
        let text = text(&path, &data)?;
        let first = split(&text).first().copied().unwrap_or_default();
        Ok(Manifest { text: text.clone(), ..manifest(&path, first)? })
    });
    crds.collect()
}

/// Parts a text at lines that begin with three dashes, whatever follows them.
pub(super) fn split(text: &str) -> Vec<&str> {
    let text = text.trim_start();
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            documents.push(&text[start..at]);
            start = at + 3 + rest.len() - rest.trim_start_matches([' ', '\t']).len();
        }
        at += line.len();
    }
    documents.push(&text[start..]);
    documents.into_iter().map(str::trim_start).filter(|document| !document.is_empty()).collect()
}

fn rank(manifest: &Manifest) -> (usize, &str) {
    let known = ORDER.iter().position(|kind| *kind == manifest.kind);
    known.map_or((ORDER.len(), manifest.kind.as_str()), |place| (place, ""))
}

fn manifest(path: &str, text: &str) -> Result<Manifest, RenderFault> {
    let value = yaml::read_as(text, yaml::Numbers::Whole).map_err(|fault| no_yaml(&fault, path))?;
    let mut manifest = Manifest {
        file: path.to_owned(),
        text: text.to_owned(),
        kind: String::new(),
        name: String::new(),
        hook: None,
        value: value.clone(),
    };
    let map = match &value {
        ChartValue::Nil => return Ok(manifest),
        ChartValue::Map(map) => map.borrow(),
        _ => return Err(in_file(RenderFault::new("an object is no map"), path)),
    };
    let wrong = |field: &str| in_file(RenderFault::new(format!("{field} of an object is of the wrong kind")), path);
    let text_at = |map: &Map, key: &str| match map.get(key) {
        None => Some(String::new()),
        Some(value) => super::fields::text_of(value),
    };
    manifest.kind = text_at(&map, "kind").ok_or_else(|| wrong("kind"))?;
    known("the kind of an object", &manifest.kind, path)?;
    let metadata = match map.get("metadata") {
        None | Some(ChartValue::Nil) => return Ok(manifest),
        Some(ChartValue::Map(metadata)) => metadata.borrow(),
        Some(_) => return Err(wrong("metadata")),
    };
    manifest.name = text_at(&metadata, "name").ok_or_else(|| wrong("metadata.name"))?;
    let annotations = match metadata.get("annotations") {
        None | Some(ChartValue::Nil) => return Ok(manifest),
        Some(ChartValue::Map(annotations)) => annotations.borrow(),
        Some(_) => return Err(wrong("metadata.annotations")),
    };
    if annotations.values().any(|value| super::fields::text_of(value).is_none()) {
        return Err(wrong("metadata.annotations"));
    }
    manifest.hook = hook(&annotations);
    if manifest.hook.is_some() {
        let texts = annotations.iter().filter(|(key, _)| key.starts_with("helm.sh/hook"));
        for text in texts.filter_map(|(_, value)| super::fields::text_of(value)) {
            known("what sort of hook an object is", &text, path)?;
        }
    }
    Ok(manifest)
}

/// Refuses a text that decides something, and is not known yet or not in full.
fn known(what: &str, text: &str, path: &str) -> Result<(), RenderFault> {
    if !text.contains(UnknownValue::START) {
        return Ok(());
    }
    let mut fault = in_file(RenderFault::new(format!("{what} is not known yet")), path);
    fault.unknown = true;
    Err(fault)
}

fn hook(annotations: &Map) -> Option<ChartHook> {
    let text = |name: &str| annotations.get(name).and_then(super::fields::text_of);
    let list = |name: &str| -> Vec<String> {
        text(name).map(|text| text.split(',').map(|part| part.trim().to_lowercase()).collect()).unwrap_or_default()
    };
    text("helm.sh/hook")?;
    let mut events = list("helm.sh/hook");
    for event in &mut events {
        if event == "test-success" {
            "test".clone_into(event);
        }
    }
    let strange = events.iter().find(|event| !EVENTS.contains(&event.as_str())).cloned();
    Some(ChartHook {
        events,
        weight: text("helm.sh/hook-weight").and_then(|text| text.parse().ok()).unwrap_or(0),
        delete_policies: list("helm.sh/hook-delete-policy"),
        log_policies: list("helm.sh/hook-output-log-policy"),
        strange,
    })
}

/// The line is one of the text that a template came to, so that it says nothing about the template.
fn no_yaml(fault: &RenderFault, path: &str) -> RenderFault {
    let line = fault.line.map(|line| format!(" in its line {line}")).unwrap_or_default();
    in_file(RenderFault::new(format!("an object that the template comes to is no YAML{line}: {}", fault.what)), path)
}

fn in_file(mut fault: RenderFault, file: &str) -> RenderFault {
    fault.file = Some(file.to_owned());
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parted_even_where_something_is_glued_to_the_dashes() {
        assert_eq!(split("\n---\na: 1\n---b: 2\n---  \n\n  ---\nc: 3"), ["a: 1\n", "b: 2\n", "---\nc: 3"]);
    }

    #[test]
    fn hooks_and_order() {
        let text = "kind: Zebra\n---\nkind: Deployment\n---\nkind: Service\n---\nkind: Alpha\n---\nkind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: pre-install, Post-Upgrade\n    helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-delete-policy: hook-succeeded\n---\nkind: Job\nmetadata: {annotations: {helm.sh/hook: never}}\n";
        let sorted = sort([("a/templates/x.yaml", text)]).unwrap();
        let kinds: Vec<&str> = sorted.objects.iter().map(|object| object.kind.as_str()).collect();
        assert_eq!(kinds, ["Service", "Deployment", "Alpha", "Zebra"]);
        let hook = sorted.hooks[0].hook.as_ref().unwrap();
        assert_eq!((hook.weight, hook.events.len()), (-5, 2));
        assert_eq!(sorted.strange.len(), 1);
    }
}
