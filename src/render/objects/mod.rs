//! What an app comes to: the objects of its chart as resources of their own, with addresses, identities and edges.

mod application;
mod declared;
mod manifest;
mod namespace;
mod needs;
mod order;
mod policies;
mod scopes;
mod settings;
mod twice;
mod words;

pub use application::{
    ARGO_API, CASCADE, DELIVERS_ANNOTATION, DeliveredApp, application, application_set, is_delivery,
};
pub use declared::secrets;
pub use manifest::{AppObject, FAILED_ANNOTATION, MARK_ANNOTATION, OWNER_LABEL, READY_ANNOTATION, WAIT_ANNOTATION};
pub use namespace::of_namespace;
pub use settings::{UNAWAITED, is_awaited};
pub use words::{full_word, group, is_own as is_own_group};

use std::rc::Rc;

use foldhash::{HashMap, HashSet};

use super::fault::RenderFault;
use super::helm::{Manifest, Rendered};
use super::value::UnknownValue;
use super::yaml;
use crate::address::Address;
use crate::desired::{Completion, Edge, Instance, OnRemove, Settings};
use crate::identity::Identity;
use crate::kind::{self, Catalog};
use crate::value::{Attributes, Reference, Value};
use manifest::References;

/// The objects of an app as resources.
#[derive(Debug, Default)]
pub struct Unfolded {
    /// In the order of their addresses.
    pub instances: Vec<Instance>,
    /// Those for which no other one waits: whoever waits for these waits for the whole app.
    pub last: Vec<Address>,
    /// Hooks of moments at which nothing is run, each with its moments.
    pub left_out: Vec<String>,
    /// Keys that stand twice in a manifest, each with the object.
    pub doubled: Vec<String>,
    /// What the app says of objects that it does not have.
    pub of_none: Vec<String>,
    /// What completes the app, where something of its objects is computed once its values are known.
    pub completion: Option<Completion>,
}

/// The attribute paths of an object at which its app computes something once all is known.
#[must_use]
pub fn computed_places(object: &AppObject, app: &Address) -> Vec<String> {
    let mut found = Vec::new();
    for (attribute, value) in [("manifest", &object.manifest), ("data", &object.data)] {
        references_in(attribute, value, &mut |path, reference| {
            if reference.address == *app {
                found.push(path.to_owned());
            }
        });
    }
    found
}

/// What objects say, by what tells each of them.
#[must_use]
pub fn told_by(objects: Vec<AppObject>) -> Value {
    let told = objects.into_iter().map(|object| {
        let key = object.key();
        let said = [("manifest", object.manifest), ("data", object.data)];
        (key.into(), Value::Map(said.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    });
    Value::Map(told.collect())
}

/// The objects that a rendering gives. Each is declared where its app is.
///
/// # Errors
/// Where what was rendered is no object, two are one, or something was computed from what is not known yet.
pub fn objects(
    rendered: &Rendered,
    values: &Value,
    namespace: &str,
    app: &Address,
) -> Result<(Vec<AppObject>, Vec<String>), RenderFault> {
    let mut known: HashMap<String, Reference> = HashMap::default();
    values.visit_references(&mut |reference| {
        known.insert(format!("{}.{}", reference.address, reference.path), reference.clone());
    });
    let unknowns: &[Rc<UnknownValue>] = &rendered.unknowns;
    let references = References { unknowns, known: &known, read: &Ok, app: Some(app) };
    let (mut objects, mut left_out) = (Vec::new(), Vec::new());
    for manifest in &rendered.crds {
        // Such a file may hold several documents, and Helm takes it as it is.
        let fault = |fault: RenderFault| RenderFault { file: Some(manifest.file.clone()), ..fault };
        for value in yaml::read_all(&manifest.text, yaml::Numbers::Whole).map_err(fault)? {
            let one = Manifest { value, ..manifest.clone() };
            objects.extend(manifest::objects_of(&one, &references, namespace)?);
        }
    }
    for manifest in rendered.objects.iter().chain(&rendered.hooks) {
        if let Some(hook) = manifest.hook.as_ref().filter(|hook| !hook.events.iter().any(|event| is_run(event))) {
            // Tests are there to be asked for.
            if hook.events.iter().any(|event| !event.starts_with("test")) {
                left_out.push(format!("{}/{} ({})", manifest.kind, manifest.name, hook.events.join(", ")));
            }
            continue;
        }
        objects.extend(manifest::objects_of(manifest, &references, namespace)?);
    }
    for manifest in &rendered.strange {
        let event = manifest.hook.as_ref().and_then(|hook| hook.strange.as_deref()).unwrap_or_default();
        left_out.push(format!("{}/{} ({event}, which nobody knows)", manifest.kind, manifest.name));
    }
    Ok((objects, left_out))
}

/// The objects of a text with manifests in YAML, each of whose values `read` completes.
///
/// # Errors
/// Where it is no YAML, something in it is no object, or a value can't be completed.
pub fn plain(
    file: &str,
    text: &str,
    namespace: &str,
    read: &dyn Fn(Value) -> Result<Value, String>,
) -> Result<Vec<AppObject>, RenderFault> {
    let fault = |fault: RenderFault| RenderFault { file: Some(file.to_owned()), ..fault };
    let known = HashMap::default();
    let references = References { unknowns: &[], known: &known, read, app: None };
    let mut objects = Vec::new();
    for value in yaml::read_all(text, yaml::Numbers::Whole).map_err(fault)? {
        let (file, text, kind, name) = (file.to_owned(), String::new(), String::new(), String::new());
        let manifest = Manifest { file, text, kind, name, hook: None, value };
        objects.extend(manifest::objects_of(&manifest, &references, namespace)?);
    }
    Ok(objects)
}

/// Makes resources of the objects of an app or a namespace, and of the Secrets that it says.
///
/// # Errors
/// Where two of them are one object.
pub fn unfold(app: &Instance, mut objects: Vec<AppObject>, kinds: &Catalog) -> Result<Unfolded, RenderFault> {
    let namespace = declared::namespace_of(app);
    objects.extend(declared::secrets(&app.attributes, namespace));
    scopes::place(&mut objects, namespace);
    let Some(cluster) = cluster_of(&app.identity) else { return Ok(Unfolded::default()) };
    for object in &objects {
        if let Some(what) = twice::said_twice(object) {
            let what = format!("{} `{}` has {what}", object.kind, object.name);
            return Err(RenderFault { file: Some(object.file.clone()), ..RenderFault::new(what) });
        }
    }
    let needs = order::needs(&objects);
    let last = order::last(&needs);
    let several = kinds_of_several_groups(&objects);
    let word = |object: &AppObject| match several.contains(&object.kind) || words::is_taken(&object.kind) {
        true => words::full_word(&object.api_version, &object.kind),
        false => object.kind.clone(),
    };
    // What an Argo CD is given lies in its namespace, and is what the app has.
    let is_elsewhere = |object: &AppObject| !(object.file == declared::SPEC && object.api_version == ARGO_API);
    let other = |object: &AppObject| object.namespace.clone().filter(|own| own != namespace && is_elsewhere(object));
    let address = |object: &AppObject| match other(object) {
        Some(other) => app.address.child(&word(object), &format!("{other}:{}", object.name)),
        None => app.address.child(&word(object), &object.name),
    };
    let addresses: Vec<Address> = objects.iter().map(address).collect();
    let mut seen: HashMap<Address, String> = HashMap::default();
    let mut instances = Vec::with_capacity(objects.len());
    for (at, object) in objects.into_iter().enumerate() {
        if let Some(other) = seen.insert(addresses[at].clone(), object.file.clone()) {
            let what = match object.file.as_str() {
                declared::SPEC => format!("{other} makes {}, and so does `secrets` of the spec", addresses[at]),
                _ => format!("{} is in {other} as well; two can't be one object", addresses[at]),
            };
            return Err(RenderFault { file: Some(object.file), ..RenderFault::new(what) });
        }
        let before = needs[at].iter().map(|other| addresses[*other].clone()).collect();
        instances.push(instance(app, &cluster, addresses[at].clone(), object, before, kinds));
    }
    instances.sort_by(|one, other| one.address.cmp(&other.address));
    let last = last.into_iter().map(|at| addresses[at].clone()).collect();
    let of_none = settings::lay_over(app, &mut instances);
    Ok(Unfolded { instances, last, left_out: Vec::new(), doubled: Vec::new(), of_none, completion: None })
}

/// Tells what of the objects of a chart is made by chance, or by the clock: where another rendering differs. Whether it has the same
/// objects.
#[must_use]
pub fn tell_chance(objects: &mut [AppObject], again: &[AppObject]) -> bool {
    objects.len() == again.len() && objects.iter_mut().zip(again).all(|(one, other)| tell_chance_of(one, other))
}

fn tell_chance_of(one: &mut AppObject, other: &AppObject) -> bool {
    differ("manifest", &one.manifest, &other.manifest, &mut one.by_chance);
    differ("data", &one.data, &other.data, &mut one.by_chance);
    (&one.kind, &one.namespace, &one.name) == (&other.kind, &other.namespace, &other.name)
}

fn differ(path: &str, one: &Value, other: &Value, paths: &mut Vec<String>) {
    match (one, other) {
        (one, other) if one == other => {}
        (Value::Map(a), Value::Map(b)) if a.keys().eq(b.keys()) => {
            for (key, item) in a.iter() {
                differ(&crate::path::join(path, key), item, b.get(key).unwrap_or(&Value::Null), paths);
            }
        }
        (Value::List(a), Value::List(b)) if a.len() == b.len() => {
            for (at, (one, other)) in a.iter().zip(b).enumerate() {
                // By its name where it has one of its own: others may come before it later.
                let name = one.at("name").and_then(Value::as_str);
                let alone = name.filter(|name| {
                    a.iter().filter(|item| item.at("name").and_then(Value::as_str) == Some(name)).count() == 1
                });
                let part = alone.map_or_else(|| at.to_string(), |name| format!("name={name}"));
                differ(&crate::path::join(path, &part), one, other, paths);
            }
        }
        _ => paths.push(path.to_owned()),
    }
}

fn is_run(event: &str) -> bool {
    ["pre-install", "pre-upgrade", "post-install", "post-upgrade"].contains(&event)
}

/// The kinds of which an app has objects of several groups.
fn kinds_of_several_groups(objects: &[AppObject]) -> HashSet<String> {
    let mut groups: HashMap<&str, &str> = HashMap::default();
    let mut several = HashSet::default();
    for object in objects {
        let group = words::group(&object.api_version);
        if *groups.entry(&object.kind).or_insert(group) != group {
            several.insert(object.kind.clone());
        }
    }
    several
}

/// The identity of the cluster on which an app is.
#[must_use]
pub fn cluster_of(app: &Identity) -> Option<Identity> {
    let mut host = app.host()?;
    while host.kind() != "cluster" {
        host = host.host()?;
    }
    Some(host)
}

fn instance(
    app: &Instance,
    cluster: &Identity,
    address: Address,
    object: AppObject,
    before: Vec<Address>,
    kinds: &Catalog,
) -> Instance {
    let span = app.declaration.header;
    let word = words::full_word(&object.api_version, &object.kind);
    let identity = cluster.object(&word, object.namespace.as_deref(), &object.name);
    let mut references: Vec<Edge> = Vec::new();
    for (attribute, value) in [("manifest", &object.manifest), ("data", &object.data), ("secrets", &object.secrets)] {
        references_in(attribute, value, &mut |path, reference| {
            // It lives in its app, and so comes after it in any case. It waits for what the app computes it of.
            if reference.address == app.address {
                let of = app.references.iter().filter(|edge| edge.attribute.starts_with("values"));
                let new = of.filter(|edge| !references.iter().any(|one| one.to == edge.to)).cloned();
                let new: Vec<Edge> = new.collect();
                references.extend(new);
                return;
            }
            let new = !references.iter().any(|edge| edge.to == reference.address && edge.attribute == path);
            references.extend(new.then(|| Edge {
                to: reference.address.clone(),
                attribute: path.into(),
                span,
                blocks: true,
            }));
        });
    }
    references.extend(before.into_iter().map(|to| Edge { to, attribute: "depends_on".into(), span, blocks: true }));
    let manifest = match app.attributes.get("wait").as_str() {
        Some("applied") => object.manifest.with(&["metadata", "annotations", WAIT_ANNOTATION], "applied".into()),
        _ => object.manifest,
    };
    // Helm's word for what stays when its release does not have it any more.
    let policy = manifest.at("metadata.annotations.\"helm.sh/resource-policy\"").and_then(Value::as_str);
    let on_remove = if policy == Some("keep") { OnRemove::Forget } else { app.settings.on_remove };
    let namespace = object.namespace.map_or(Value::Null, |namespace| Value::String(namespace.into()));
    let attributes = Attributes::from_iter([
        ("api_version", Value::String(object.api_version.into())),
        ("kind", Value::String(object.kind.into())),
        ("namespace", namespace),
        ("name", Value::String(object.name.into())),
        ("manifest", manifest),
        ("data", object.data),
        ("secrets", object.secrets),
    ]);
    let (ignore, kept, renamed_from, keeps_name) = (Vec::new(), object.by_chance, None, false);
    let settings = Settings { ignore, kept, renamed_from, keeps_name, on_remove, ..app.settings.clone() };
    Instance {
        address,
        kind: kinds.get(kind::OBJECT.name).cloned().unwrap_or_else(|| (&kind::OBJECT).into()),
        declaration: std::sync::Arc::clone(&app.declaration),
        attributes,
        identity,
        hosts: vec![app.address.clone()],
        references,
        names: Vec::new(),
        settings,
    }
}

fn references_in(path: &str, value: &Value, visit: &mut impl FnMut(&str, &Reference)) {
    match value {
        Value::Template(template) => template.references().for_each(|reference| visit(path, reference)),
        Value::Map(entries) => {
            entries.iter().for_each(|(key, item)| references_in(&crate::path::join(path, key), item, visit));
        }
        Value::List(items) => {
            items.iter().enumerate().for_each(|(at, item)| references_in(&format!("{path}.{at}"), item, visit));
        }
        _ => {}
    }
}
