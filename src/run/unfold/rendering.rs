//! Rendering apps: what a chart is asked for, and what comes of it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::path::Path;

use foldhash::HashMap;

use super::apis::BroughtApis;
use super::completion::{Rerendering, another_moment, capabilities};
use crate::address::Address;
use crate::charts::Charts;
use crate::desired::{ChartSource, Desired, Instance};
use crate::observed::Object;
use crate::plan::{Known, Resolved, Resolver as _};
use crate::render::RenderFault;
use crate::render::app::values_of;
use crate::render::helm::{Chart, RenderRequest, Rendered, render};
use crate::render::objects::{self, AppObject, Unfolded, cluster_of, computed_places, plain, tell_chance};
use crate::render::yaml;
use crate::run::manifests::{self, ManifestText};
use crate::run::moment::at_this_moment;
use crate::spec::OutsideReferences;
use crate::value::{Attributes, Value};

/// What resources are by now, by address.
pub type ToldObjects = HashMap<Address, Object>;

/// What in a template may give another text each time. To look for more than there is costs a second rendering and nothing
/// else.
const CHANCE: [&str; 8] = ["rand", "gen", "uuid", "now", "bcrypt", "htpasswd", "encryptAES", "shuffle"];

/// What an app finds besides what the spec says of it.
#[derive(Clone, Copy)]
pub(super) struct RenderSurroundings<'s, 'd> {
    /// The APIs that other apps bring to its cluster.
    pub apis: &'s [String],
    /// What resources tell, where that was asked for.
    pub told: &'s ToldObjects,
    /// What plain manifests may refer to, once one of them is there.
    pub references: &'s OnceCell<OutsideReferences<'d>>,
}

/// The objects of an app.
pub(super) fn objects_of<'d>(
    app: &Instance,
    desired: &'d Desired,
    charts: &mut Charts,
    base: &Path,
    finds: &RenderSurroundings<'_, 'd>,
) -> Result<Unfolded, RenderFault> {
    let Some(source) = ChartSource::of(&app.attributes) else {
        let (made, doubled) = plain_objects(app, desired, base, finds)?;
        return Ok(Unfolded { doubled, ..objects::unfold(app, made, &desired.kinds)? });
    };
    let loaded = charts.get(&source).map_err(|problem| RenderFault::new(problem.to_string()))?;
    let chart = &loaded.chart;
    let (mut request, attributes) = request_of(app, desired, finds);
    request.include_crds = true;
    at_this_moment(&mut request).map_err(|error| RenderFault::new(format!("there are no random numbers: {error}")))?;
    let first = render(chart, &request)?;
    let (mut made, left_out) = objects_in(&first, app, &attributes)?;
    let doubled = doubled_keys(&first);
    if made.is_empty() {
        return Err(empty());
    }
    let has_chance = mentions(chart, &CHANCE) || has_templates(attributes.get("values"));
    if has_chance {
        tell_by_chance(chart, request.clone(), app, &attributes, &mut made)?;
    }
    let completion = match made.iter().any(|object| !computed_places(object, &app.address).is_empty()) {
        true => {
            let again = Rerendering {
                pin: loaded.pin.clone(),
                source,
                surroundings: charts.surroundings().clone(),
                app: app.address.clone(),
                name: request.name.clone(),
                namespace: request.namespace.clone(),
                now: request.now,
                seed: request.seed,
                version: version_of(app, desired).map(str::to_owned),
                apis: all_apis(app, finds.apis),
            };
            if has_chance {
                again.tell_chance(attributes.get("values"), &mut made);
            }
            Some(again.completion(&made))
        }
        false => None,
    };
    Ok(Unfolded { left_out, doubled, completion, ..objects::unfold(app, made, &desired.kinds)? })
}

/// Whether the chart of an app asks what APIs its cluster has.
pub(super) fn looks_at_apis(app: &Instance, charts: &mut Charts) -> bool {
    let source = ChartSource::of(&app.attributes);
    let loaded = source.and_then(|source| charts.get(&source).ok());
    loaded.is_some_and(|loaded| mentions(&loaded.chart, &["APIVersions"]))
        || has_templates(app.attributes.get("values"))
}

/// Whether the chart of an app may have definitions of custom resources.
pub(super) fn may_bring_apis(app: &Instance, charts: &mut Charts) -> bool {
    let source = ChartSource::of(&app.attributes);
    let loaded = source.and_then(|source| charts.get(&source).ok());
    loaded.is_some_and(|loaded| has_definitions(&loaded.chart)) || has_templates(app.attributes.get("values"))
}

fn has_definitions(chart: &Chart) -> bool {
    let is_one = |data: &[u8]| String::from_utf8_lossy(data).contains("CustomResourceDefinition");
    mentions(chart, &["CustomResourceDefinition"])
        || chart.files.iter().any(|file| file.name.contains("crds/") && is_one(&file.data))
        || chart.charts.iter().any(has_definitions)
}

/// The manifests of an app that has no chart, as they are.
///
/// # Errors
/// When they can't be read or built.
pub fn plain_texts(app: &Instance, base: &Path) -> Result<Vec<ManifestText>, String> {
    match app.attributes.get("kustomize").as_str() {
        Some(folder) => manifests::build(base, folder),
        None => {
            let patterns: Vec<&str> =
                app.attributes.get("manifests").items().iter().filter_map(Value::as_str).collect();
            manifests::read(base, &patterns)
        }
    }
}

fn plain_objects<'d>(
    app: &Instance,
    desired: &'d Desired,
    base: &Path,
    finds: &RenderSurroundings<'_, 'd>,
) -> Result<(Vec<AppObject>, Vec<String>), RenderFault> {
    let namespace = app.attributes.get("namespace").as_str().unwrap_or("default");
    let references = finds.references.get_or_init(|| OutsideReferences::of(desired));
    let has_references = app.attributes.get("kustomize").is_null();
    let read = |value: Value| match has_references {
        true => references.read(value, app).map(|value| with_names(value, desired)).map_err(|fault| fault.to_string()),
        false => Ok(value),
    };
    let (mut objects, mut doubled) = (Vec::new(), Vec::new());
    for ManifestText { name, text } in plain_texts(app, base).map_err(RenderFault::new)? {
        let text = if has_references { references.with_numbers(&text) } else { text };
        doubled.extend(yaml::doubled(&text).into_iter().map(|path| format!("`{path}` in {name}")));
        objects.extend(plain(&name, &text, namespace, &read)?);
    }
    if objects.is_empty() { Err(empty()) } else { Ok((objects, doubled)) }
}

/// A manifest in which everything that names its object is completed, as far as the spec alone tells it.
fn with_names(mut manifest: Value, desired: &Desired) -> Value {
    let mut known = Known::default();
    learn_referred(&mut known, &manifest, desired, &ToldObjects::default());
    for path in [&["apiVersion"][..], &["kind"], &["metadata", "name"], &["metadata", "namespace"]] {
        if let Some(open) = manifest.at(&path.join(".")).filter(|value| !value.is_known()) {
            let complete = known.complete(open);
            manifest = manifest.with(path, complete);
        }
    }
    manifest
}

fn empty() -> RenderFault {
    RenderFault::new("it gives no object at all")
}

/// What the chart of an app is asked for, and the attributes of the app, with what the spec alone tells of what they refer to.
#[must_use]
pub fn chart_request(app: &Instance, desired: &Desired) -> (RenderRequest, Attributes) {
    let mut brought = BroughtApis::default();
    brought.add(desired.instances());
    let apis = cluster_of(&app.identity).map(|cluster| brought.on(&cluster, &app.address));
    let (apis, told, references) = (apis.unwrap_or_default(), ToldObjects::default(), OnceCell::new());
    request_of(app, desired, &RenderSurroundings { apis: &apis, told: &told, references: &references })
}

/// The attributes of an app, with what the spec alone tells of what they refer to, and what was told of it besides.
pub(super) fn resolved(app: &Instance, desired: &Desired, told: &ToldObjects) -> Attributes {
    let mut known = Known::default();
    app.attributes.iter().for_each(|(_, value)| learn_referred(&mut known, value, desired, told));
    known.resolve(&app.kind, &app.attributes).into_owned()
}

fn request_of(app: &Instance, desired: &Desired, finds: &RenderSurroundings<'_, '_>) -> (RenderRequest, Attributes) {
    let attributes = resolved(app, desired, finds.told);
    let namespace = attributes.get("namespace").as_str().unwrap_or("default");
    let mut request = RenderRequest::new(app.object_name(), namespace);
    (request.values, request.unknowns) = values_of(attributes.get("values"));
    request.capabilities = capabilities(version_of(app, desired), &all_apis(app, finds.apis));
    (request, attributes)
}

/// Learns what the spec alone tells of everything to which a value refers, and what was told of it besides.
fn learn_referred<'d>(known: &mut Known<'d>, value: &Value, desired: &'d Desired, told: &ToldObjects) {
    value.visit_references(&mut |reference| {
        if let Some(other) = desired.get(&reference.address) {
            let mut outputs = other.foretold(None);
            let mut attributes = Cow::Borrowed(&other.attributes);
            if let Some(object) = told.get(&other.address) {
                outputs.extend(object.outputs.clone());
                for (name, _) in other.attributes.iter().filter(|(_, value)| !value.is_known()) {
                    attributes.to_mut().set(name, object.attributes.get(name).clone());
                }
            }
            known.learn(other.address.clone(), Resolved { attributes, outputs: Cow::Owned(outputs) });
        }
    });
}

fn objects_in(
    rendered: &Rendered,
    app: &Instance,
    attributes: &Attributes,
) -> Result<(Vec<AppObject>, Vec<String>), RenderFault> {
    let namespace = app.attributes.get("namespace").as_str().unwrap_or("default");
    objects::objects(rendered, attributes.get("values"), namespace, &app.address)
}

/// The keys that stand twice in what a chart came to.
fn doubled_keys(rendered: &Rendered) -> Vec<String> {
    let manifests = rendered.objects.iter().chain(&rendered.hooks);
    let told = manifests.flat_map(|one| {
        yaml::doubled(&one.text).into_iter().map(|path| format!("`{path}` of {}/{}", one.kind, one.name))
    });
    told.collect()
}

/// Tells what another rendering makes otherwise. What was made by chance stays what it was made first.
fn tell_by_chance(
    chart: &Chart,
    mut request: RenderRequest,
    app: &Instance,
    attributes: &Attributes,
    made: &mut [AppObject],
) -> Result<(), RenderFault> {
    (request.now, request.seed) = another_moment(request.now, request.seed);
    let (again, _) = objects_in(&render(chart, &request)?, app, attributes)?;
    match tell_chance(made, &again) {
        true => Ok(()),
        false => Err(RenderFault::new("the names of its objects are made by chance, so nobody could tell them again")),
    }
}

/// Whether a value is a template itself, which a chart may have rendered.
fn has_templates(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::List(items) => items.iter().any(has_templates),
        Value::Map(entries) => entries.values().any(has_templates),
        _ => false,
    }
}

/// What the spec says of the version of an app's cluster.
fn version_of<'d>(app: &Instance, desired: &'d Desired) -> Option<&'d str> {
    let cluster = app.place().and_then(|place| desired.get(&Address::new("cluster", place, None)));
    cluster.and_then(|cluster| cluster.attributes.get("version").as_str())
}

/// The APIs that the app says, and those that other apps bring.
fn all_apis(app: &Instance, brought: &[String]) -> Vec<String> {
    let said = app.attributes.get("api_versions").items().iter().filter_map(Value::as_str).map(str::to_owned);
    said.chain(brought.iter().cloned()).collect()
}

/// Whether any template of a chart has one of some words.
fn mentions(chart: &Chart, words: &[&str]) -> bool {
    let own = chart.templates.iter().any(|template| {
        let text = String::from_utf8_lossy(&template.data);
        words.iter().any(|word| text.contains(word))
    });
    own || chart.charts.iter().any(|chart| mentions(chart, words))
}
