//! One object of an app, parted into what tells where it is and what it says.

use foldhash::HashMap;

use super::words;
use crate::address::Address;
use crate::desired::RENDERED;
use crate::path::join;
use crate::render::fault::RenderFault;
use crate::render::helm::{ChartHook, Manifest};
use crate::render::value::{ChartValue, UnknownValue};
use crate::value::{Part, Reference, Template, Text, Value};

/// The label by which Atlas finds what is its own on a cluster.
pub const OWNER_LABEL: &str = "atlas/owner";
/// The annotation that is the ownership mark.
pub const MARK_ANNOTATION: &str = "atlas/mark";

/// The annotation by which an object says that nobody waits until it is ready.
pub const WAIT_ANNOTATION: &str = "atlas/wait";

/// The annotation by which an object says when it is ready, as an expression in CEL over `object`.
pub const READY_ANNOTATION: &str = "atlas/ready";
/// The annotation by which an object says when it has failed.
pub const FAILED_ANNOTATION: &str = "atlas/failed";

/// What the server keeps of an object, and no manifest has a say in.
const OF_THE_SERVER: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// An object of an app.
#[derive(Debug)]
pub struct AppObject {
    /// The file of the chart that it came from.
    pub file: String,
    /// The version of the API, with its group.
    pub api_version: String,
    /// What Kubernetes calls its kind.
    pub kind: String,
    /// None where it is in no namespace.
    pub namespace: Option<String>,
    /// Its name there.
    pub name: String,
    /// What else it says, without its name.
    pub manifest: Value,
    /// The data of a Secret.
    pub data: Value,
    /// The data of a Secret whose values are kept elsewhere, as references to them.
    pub secrets: Value,
    /// What sort of hook it is, where it is one.
    pub hook: Option<ChartHook>,
    /// The attribute paths of what is made by chance, or by the clock.
    pub by_chance: Vec<String>,
}

impl AppObject {
    /// What tells it from all other objects of its app.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}/{}/{}", self.api_version, self.kind, self.namespace.as_deref().unwrap_or_default(), self.name)
    }
}

/// The references that marks in texts stand for, by number. A value that was computed from an unknown one has none.
pub struct References<'a> {
    /// What each unknown value is, by number.
    pub unknowns: &'a [std::rc::Rc<UnknownValue>],
    /// The references of the app's values, by what they are called there.
    pub known: &'a HashMap<String, Reference>,
    /// What completes a whole manifest with what stands in it as text.
    pub read: &'a dyn Fn(Value) -> Result<Value, String>,
    /// The app that tells what is computed from values that are not known yet; without one nothing can be.
    pub app: Option<&'a Address>,
}

/// The objects of a manifest: one, or those of a list.
///
/// # Errors
/// Where it is no object, or something in it was computed from what is not known yet.
pub fn objects_of(
    manifest: &Manifest,
    references: &References<'_>,
    namespace: &str,
) -> Result<Vec<AppObject>, RenderFault> {
    let fault = |what: String| RenderFault { file: Some(manifest.file.clone()), ..RenderFault::new(what) };
    let value = converted(&manifest.value, references).map_err(|what| RenderFault { unknown: true, ..fault(what) })?;
    let value = (references.read)(value).map_err(fault)?;
    let mut found = Vec::new();
    let kind = value.at("kind").and_then(Value::as_str).unwrap_or_default();
    let is_list = kind.ends_with("List") && matches!(value.at("items"), Some(Value::List(_)));
    let items =
        if is_list { value.at("items").map(Value::items).unwrap_or_default() } else { std::slice::from_ref(&value) };
    for item in items.iter().filter(|item| !item.is_null()) {
        let steering = STEERING.iter().map(|name| join("metadata.annotations", name));
        let mut paths = NAMES.into_iter().map(str::to_owned).chain(steering);
        if let Some(path) = paths.find(|path| matches!(item.at(path), Some(Value::Template(_)))) {
            let what = format!("{path} of an object in it depends on what is not known yet");
            return Err(RenderFault { unknown: references.app.is_some(), ..fault(what) });
        }
        let mut object = object(item, manifest, namespace, references.app).map_err(fault)?;
        let place = join(RENDERED, &object.key());
        object.manifest = placed(object.manifest, &join(&place, "manifest"));
        object.data = placed(object.data, &join(&place, "data"));
        found.push(object);
    }
    Ok(found)
}

/// What an object is called by, which has to be known before anything is made.
const NAMES: [&str; 4] = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
/// The annotations that steer Atlas about an object, which have to be known as well.
const STEERING: [&str; 6] = [
    FAILED_ANNOTATION,
    READY_ANNOTATION,
    WAIT_ANNOTATION,
    "argocd.argoproj.io/sync-wave",
    "helm.sh/hook-weight",
    "helm.sh/resource-policy",
];

/// A value in which whatever is computed by the app refers to where it will stand in what the app tells.
fn placed(value: Value, path: &str) -> Value {
    match value {
        Value::Template(template) => match template.0.as_slice() {
            [Part::Reference(reference)] if reference.path.as_str() == RENDERED => {
                let reference = Reference { path: path.into(), ..reference.clone() };
                Value::Template(Box::new(Template(vec![Part::Reference(reference)])))
            }
            _ => Value::Template(template),
        },
        Value::List(items) => Value::List(
            items.into_iter().enumerate().map(|(at, item)| placed(item, &join(path, &at.to_string()))).collect(),
        ),
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, item)| {
                let path = join(path, &key);
                (key, placed(item, &path))
            });
            Value::Map(entries.collect())
        }
        other => other,
    }
}

fn object(value: &Value, from: &Manifest, namespace: &str, app: Option<&Address>) -> Result<AppObject, String> {
    let text = |path: &str| match value.at(path) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.to_string()),
        Some(Value::Template(template)) => Err(format!("its {path} is {template}, which is not known yet")),
        _ => Err(format!("an object in it has no {path}")),
    };
    let (api_version, kind) = (text("apiVersion")?, text("kind")?);
    let name = text("metadata.name").map_err(|why| match value.at("metadata.generateName") {
        Some(_) => "an object in it leaves its name to the server, so nobody could tell it again".to_owned(),
        None => why,
    })?;
    if !kind.starts_with(|first: char| first.is_ascii_uppercase()) {
        return Err(format!("`{kind}` can't be the kind of an object: kinds begin with a capital letter"));
    }
    let own = match value.at("metadata.namespace") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(_) => Some(text("metadata.namespace")?),
    };
    let namespace = match words::is_cluster_wide(&api_version, &kind) {
        true => None,
        false => Some(own.unwrap_or_else(|| namespace.to_owned())),
    };
    if kind == "ConfigMap" && name.starts_with("atlas-app-") {
        return Err(format!("`{name}` is what Atlas calls the record of an app"));
    }
    let Value::Map(entries) = value else { return Err("what it holds is no object".to_owned()) };
    let is_secret = kind == "Secret" && words::is_own(words::group(&api_version));
    let left = |key: &str| !(["apiVersion", "kind", "status"].contains(&key) || is_secret && SECRET.contains(&key));
    let said = entries.iter().filter(|(key, _)| left(key));
    let said = said.map(|(key, item)| (key.clone(), if key == "metadata" { metadata(item) } else { item.clone() }));
    let manifest = without_nulls(Value::Map(said.collect()));
    let data = if is_secret { secret_data(value, app)? } else { Value::Null };
    let (file, hook) = (from.file.clone(), from.hook.clone());
    let (secrets, by_chance) = (Value::Null, Vec::new());
    Ok(AppObject { file, api_version, kind, namespace, name, manifest, data, secrets, hook, by_chance })
}

/// The keys of a Secret that hold what it keeps secret.
const SECRET: [&str; 2] = ["data", "stringData"];

/// What a Secret holds, in the one form in which the server keeps it. The server would never forget a key that was once
/// written as `stringData`: <https://github.com/kubernetes/kubernetes/issues/108008>.
fn secret_data(value: &Value, app: Option<&Address>) -> Result<Value, String> {
    use base64::Engine as _;
    let mut all: Vec<(Text, Value)> = Vec::new();
    match value.at("data") {
        Some(Value::Map(data)) => {
            // The server repeats a value that it does not take, so what is no text does not get that far.
            let odd =
                data.iter().find(|(_, item)| !matches!(item, Value::String(_) | Value::Template(_) | Value::Null));
            if let Some((key, _)) = odd {
                return Err(format!("`{key}` of its data is no text"));
            }
            all.extend(data.iter().map(|(key, item)| (key.clone(), item.clone())));
        }
        None | Some(Value::Null) => {}
        Some(_) => return Err("its data is no table".to_owned()),
    }
    if value.at("stringData").is_some_and(|texts| !matches!(texts, Value::Map(_) | Value::Null)) {
        return Err("its stringData is no table".to_owned());
    }
    if let Some(Value::Map(texts)) = value.at("stringData") {
        for (key, item) in texts.iter() {
            let encoded = match item {
                Value::String(text) => Value::from(&*base64::engine::general_purpose::STANDARD.encode(text)),
                Value::Null => Value::Null,
                // As data it is another text, which the app tells.
                Value::Template(template) => match app {
                    Some(app) => {
                        let reference = Reference { address: app.clone(), path: RENDERED.into() };
                        Value::Template(Box::new(Template(vec![Part::Reference(reference)])))
                    }
                    None => {
                        return Err(format!(
                            "its stringData holds {template}, which is not known yet; write it as data"
                        ));
                    }
                },
                _ => return Err(format!("`{key}` of its stringData is no text")),
            };
            all.retain(|(known, _)| known != key);
            all.push((key.clone(), encoded));
        }
    }
    Ok(if all.is_empty() { Value::Null } else { without_nulls(Value::Map(all.into_iter().collect())) })
}

/// What a manifest may say about itself: not where it is, nothing that the server keeps, and nothing that Atlas does.
fn metadata(value: &Value) -> Value {
    let Value::Map(entries) = value else { return value.clone() };
    let of_atlas = |key: &str| key == OWNER_LABEL || key == MARK_ANNOTATION;
    let kept = entries.iter().filter(|(key, _)| {
        let key = key.as_str();
        key != "name" && key != "namespace" && key != "generateName" && !OF_THE_SERVER.contains(&key)
    });
    let kept = kept.map(|(key, item)| match item {
        Value::Map(inner) if key == "labels" || key == "annotations" => {
            let inner = inner.iter().filter(|(key, _)| !of_atlas(key));
            (key.clone(), Value::Map(inner.map(|(key, item)| (key.clone(), item.clone())).collect()))
        }
        item => (key.clone(), item.clone()),
    });
    Value::Map(kept.collect())
}

/// A value without what says nothing: the server drops it, and an apply that has it would differ for ever.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Map(entries) => {
            let kept = entries.into_iter().filter(|(_, item)| !item.is_null());
            let kept = kept.map(|(key, item)| (key, without_nulls(item)));
            Value::map(
                kept.filter(|(key, item)| key != "metadata" || !matches!(item, Value::Map(map) if map.is_empty()))
                    .collect(),
            )
        }
        Value::List(items) => Value::List(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// A value of a template as one of a spec.
fn converted(value: &ChartValue, references: &References<'_>) -> Result<Value, String> {
    Ok(match value {
        ChartValue::Nil => Value::Null,
        ChartValue::Bool(yes) => Value::Bool(*yes),
        ChartValue::Int(number) | ChartValue::Int64(number) => Value::Int(*number),
        ChartValue::Float(number) => whole(*number).map_or(Value::Float(*number), Value::Int),
        ChartValue::Text(text) => references.text(text)?,
        ChartValue::List(items) => {
            let items = items.iter().map(|item| converted(item, references));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        ChartValue::Map(map) => {
            let mut entries = Vec::new();
            for (key, item) in map.borrow().iter() {
                let Value::String(key) = references.text(key)? else {
                    return Err("a key in it is not known yet".to_owned());
                };
                entries.push((key, converted(item, references)?));
            }
            Value::Map(entries.into_iter().collect())
        }
        ChartValue::Object(object) => converted(&object.value(), references)?,
        ChartValue::Unknown(unknown) => match references.of(&unknown.of) {
            Some(reference) => Value::Template(Box::new(Template(vec![Part::Reference(reference.clone())]))),
            None => references.computed(&unknown.of)?,
        },
    })
}

/// A number without a fraction as a whole one: JSON tells no difference, and a server takes no `1.0` for a port.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the range is checked before")]
fn whole(number: f64) -> Option<i64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= LARGEST).then_some(number as i64)
}

impl References<'_> {
    fn of(&self, called: &str) -> Option<&Reference> {
        self.known.get(called)
    }

    /// What stands in the place of a value that is computed once all is known. Where that is follows when the object is known.
    fn computed(&self, called: &str) -> Result<Value, String> {
        let what = || format!("it holds {called}, which is computed from what is not known yet");
        let reference = Reference { address: self.app.ok_or_else(what)?.clone(), path: RENDERED.into() };
        Ok(Value::Template(Box::new(Template(vec![Part::Reference(reference)]))))
    }

    /// A text, with a reference for each mark in it.
    fn text(&self, text: &str) -> Result<Value, String> {
        if !text.contains(UnknownValue::START) {
            return Ok(Value::from(text));
        }
        let mut parts = Vec::new();
        let mut pieces = text.split(UnknownValue::START);
        let mut literal = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (id, rest) = piece.split_once(UnknownValue::END).unwrap_or(("", piece));
            let unknown = id.parse::<usize>().ok().and_then(|id| self.unknowns.get(id));
            let unknown = unknown.ok_or_else(|| "it holds a value that is not known yet".to_owned())?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal).into()));
            }
            let Some(reference) = self.of(&unknown.of) else { return self.computed(&unknown.of) };
            parts.push(Part::Reference(reference.clone()));
            literal.push_str(rest);
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        Ok(Value::Template(Box::new(Template(parts))))
    }
}
