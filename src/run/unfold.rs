//! Unfolding apps and namespaces: each app is rendered with its chart and its values, and what comes of it, and of what the spec says of
//! namespaces, becomes a part of what is desired.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::path::Path;

use foldhash::HashMap;

use super::manifests::{self, ManifestText};
use super::moment::at_this_moment;
use crate::address::Address;
use crate::charts::Charts;
use crate::desired::{ChartSource, ChartSpans, Desired, Edge, Instance};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, code};
use crate::identity::Identity;
use crate::path::{join, split};
use crate::plan::{Known, Resolver as _};
use crate::render::RenderFault;
use crate::render::app::values_of;
use crate::render::helm::{Chart, RenderRequest, render};
use crate::render::objects::{self, AppObject, Unfolded, of_namespace, plain, tell_chance};
use crate::suggest::suggest;
use crate::value::{Attributes, Value};

/// What in a template may give another text each time. To look for more than there is costs a second rendering and nothing
/// else.
const CHANCE: [&str; 8] = ["rand", "gen", "uuid", "now", "bcrypt", "htpasswd", "encryptAES", "shuffle"];

/// Makes what the apps of a spec come to a part of it. `base` is the folder of the spec.
pub(super) fn unfold(desired: &mut Desired, charts: &mut Charts, base: &Path, diagnostics: &mut Diagnostics) {
    let (mut all, mut last) = (Vec::new(), HashMap::<Address, Vec<Address>>::default());
    let mut taken = taken_names(desired);
    let namespaces = taken.clone();
    for namespace in desired.of_kind("namespace") {
        let unfolded = objects_of_namespace(namespace, desired, &mut taken, diagnostics);
        last.insert(namespace.address.clone(), unfolded.last);
        all.extend(unfolded.instances);
    }
    for (spans, app) in desired.apps() {
        match objects_of(app, desired, charts, base) {
            Ok(mut unfolded) => {
                let elsewhere = unfolded.instances.iter_mut();
                elsewhere.for_each(|object| needs_its_namespace(object, app, &namespaces, &last));
                warn_of_hooks(app, spans, &unfolded, diagnostics);
                refuse_unknown(app, spans, &unfolded, diagnostics);
                refuse_taken(app, spans.chart, &unfolded.instances, &mut taken, diagnostics);
                last.insert(app.address.clone(), unfolded.last);
                all.extend(unfolded.instances);
            }
            Err(fault) => diagnostics.push(told(app, spans, &fault)),
        }
    }
    desired.add(all, &last);
}

fn objects_of(app: &Instance, desired: &Desired, charts: &mut Charts, base: &Path) -> Result<Unfolded, RenderFault> {
    let Some(source) = ChartSource::of(&app.attributes) else {
        return objects::unfold(app, plain_objects(app, base)?, &desired.kinds);
    };
    let loaded = charts.get(&source).map_err(|problem| RenderFault::new(problem.to_string()))?;
    let chart = &loaded.chart;
    let (mut request, attributes) = chart_request(app, desired);
    request.include_crds = true;
    at_this_moment(&mut request).map_err(|error| RenderFault::new(format!("there are no random numbers: {error}")))?;
    let (mut made, left_out) = rendered(chart, &request, app, &attributes)?;
    if made.is_empty() {
        return Err(empty());
    }
    if mentions_chance(chart) || has_templates(attributes.get("values")) {
        tell_by_chance(chart, request, app, &attributes, &mut made)?;
    }
    Ok(Unfolded { left_out, ..objects::unfold(app, made, &desired.kinds)? })
}

/// What a namespace comes to by what the spec says of it.
fn objects_of_namespace(
    namespace: &Instance,
    desired: &Desired,
    taken: &mut HashMap<Identity, Address>,
    diagnostics: &mut Diagnostics,
) -> Unfolded {
    let objects = of_namespace(&namespace.attributes, namespace.object_name());
    let span = namespace.declaration.header;
    match objects::unfold(namespace, objects, &desired.kinds) {
        Ok(unfolded) => {
            refuse_taken(namespace, span, &unfolded.instances, taken, diagnostics);
            unfolded
        }
        Err(fault) => {
            let diagnostic = Diagnostic::error(&code::TWO_WITH_ONE_OBJECT, fault.to_string()).at(span);
            diagnostics.push(diagnostic.hint("give one of the two another name").of(&namespace.address));
            Unfolded::default()
        }
    }
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

fn plain_objects(app: &Instance, base: &Path) -> Result<Vec<AppObject>, RenderFault> {
    let namespace = app.attributes.get("namespace").as_str().unwrap_or("default");
    let mut objects = Vec::new();
    for ManifestText { name, text } in plain_texts(app, base).map_err(RenderFault::new)? {
        objects.extend(plain(&name, &text, namespace)?);
    }
    if objects.is_empty() { Err(empty()) } else { Ok(objects) }
}

fn empty() -> RenderFault {
    RenderFault::new("it gives no object at all")
}

/// What the chart of an app is asked for, and the attributes of the app, with what the spec alone tells of what they refer to.
#[must_use]
pub fn chart_request(app: &Instance, desired: &Desired) -> (RenderRequest, Attributes) {
    let mut known = Known::default();
    let edges = app.names.iter().chain(&app.references);
    known.learn_targets(edges, desired, |other| Cow::Owned(other.foretold(None)));
    let attributes = known.resolve(&app.kind, &app.attributes).into_owned();
    let namespace = attributes.get("namespace").as_str().unwrap_or("default");
    let mut request = RenderRequest::new(app.object_name(), namespace);
    (request.values, request.unknowns) = values_of(attributes.get("values"));
    (request, attributes)
}

fn rendered(
    chart: &Chart,
    request: &RenderRequest,
    app: &Instance,
    attributes: &Attributes,
) -> Result<(Vec<AppObject>, Vec<String>), RenderFault> {
    let namespace = app.attributes.get("namespace").as_str().unwrap_or("default");
    objects::objects(&render(chart, request)?, attributes.get("values"), namespace)
}

/// Tells what another rendering makes otherwise. What was made by chance stays what it was made first.
fn tell_by_chance(
    chart: &Chart,
    mut request: RenderRequest,
    app: &Instance,
    attributes: &Attributes,
    made: &mut [AppObject],
) -> Result<(), RenderFault> {
    request.seed.iter_mut().for_each(|byte| *byte = !*byte);
    // A day and an hour later, so that no part of the date is the same.
    request.now += 90_061_000_000_000;
    let (again, _) = rendered(chart, &request, app, attributes)?;
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

fn mentions_chance(chart: &Chart) -> bool {
    let own = chart.templates.iter().any(|template| {
        let text = String::from_utf8_lossy(&template.data);
        CHANCE.iter().any(|word| text.contains(word))
    });
    own || chart.charts.iter().any(mentions_chance)
}

fn warn_of_hooks(app: &Instance, spans: &ChartSpans, unfolded: &Unfolded, diagnostics: &mut Diagnostics) {
    if !unfolded.left_out.is_empty() {
        let detail = format!("the chart of {} has {}", app.address, unfolded.left_out.join(", "));
        let warning = Diagnostic::warning(&code::HOOKS_LEFT_OUT, detail).at(spans.chart);
        diagnostics.push(warning.hint("Atlas runs hooks of installations and upgrades only").of(&app.address));
    }
}

/// Reports what an app says of objects that it does not have.
fn refuse_unknown(app: &Instance, spans: &ChartSpans, unfolded: &Unfolded, diagnostics: &mut Diagnostics) {
    let start = app.address.as_str().len() + 1;
    let known: Vec<&str> = unfolded.instances.iter().filter_map(|one| one.address.as_str().get(start..)).collect();
    for pattern in &unfolded.of_none {
        let detail = format!("{} has no object `{pattern}`", app.address);
        let hint = suggest(pattern, &known).unwrap_or_else(|| format!("it has {}", known.join(", ")));
        diagnostics
            .push(Diagnostic::error(&code::NO_SUCH_OBJECT, detail).at(spans.objects).hint(hint).of(&app.address));
    }
}

/// The objects on clusters that resources stand for already, each with the resource. A namespace is an object as well.
fn taken_names(desired: &Desired) -> HashMap<Identity, Address> {
    let namespaces = desired.of_kind("namespace").filter_map(|one| {
        let cluster = one.identity.host()?;
        Some((cluster.object("Namespace", None, one.object_name()), one.address.clone()))
    });
    namespaces.collect()
}

/// Lets an object wait for the namespace of the spec that it is in, where that is not its app's.
fn needs_its_namespace(
    object: &mut Instance,
    app: &Instance,
    namespaces: &HashMap<Identity, Address>,
    last: &HashMap<Address, Vec<Address>>,
) {
    let namespace = object.attributes.get("namespace").as_str();
    let cluster = object.identity.host();
    let of =
        namespace.zip(cluster).and_then(|(name, cluster)| namespaces.get(&cluster.object("Namespace", None, name)));
    if let Some(namespace) = of.filter(|namespace| !app.hosts.contains(namespace)) {
        let span = object.declaration.header;
        for to in std::iter::once(namespace).chain(last.get(namespace).into_iter().flatten()).cloned() {
            object.references.push(Edge { to, attribute: "depends_on".into(), span, blocks: true });
        }
    }
}

/// Reports objects that another app, or a namespace of the spec, stands for already.
fn refuse_taken(
    app: &Instance,
    span: Span,
    objects: &[Instance],
    taken: &mut HashMap<Identity, Address>,
    diagnostics: &mut Diagnostics,
) {
    for object in objects {
        match taken.entry(object.identity.clone()) {
            Entry::Vacant(free) => drop(free.insert(object.address.clone())),
            Entry::Occupied(other) => {
                let detail = format!("{} and {} would both be `{}`", other.get(), object.address, object.identity);
                let hint = match other.get().parent().as_ref().map_or(other.get().kind(), Address::kind) {
                    "namespace" => "leave it out of the chart, or out of the namespace's block".to_owned(),
                    _ => "leave it out of one of the charts, by its values for example".to_owned(),
                };
                let diagnostic = Diagnostic::error(&code::TWO_WITH_ONE_OBJECT, detail).at(span);
                diagnostics.push(diagnostic.hint(hint).of(&app.address));
            }
        }
    }
}

/// Why an app gives no objects, at the value that is to blame where one is.
fn told(app: &Instance, spans: &ChartSpans, fault: &RenderFault) -> Diagnostic {
    let chart = ChartSource::of(&app.attributes);
    let kustomization = app.attributes.get("kustomize").as_str();
    let source = chart.as_ref().map(ChartSource::chart).or(kustomization).unwrap_or("manifests");
    let code: &'static Code = &code::CHART_FAULT;
    let at = fault.value.as_deref().and_then(|value| nearest(value, spans));
    let diagnostic = Diagnostic::error(code, format!("`{source}`: {fault}"));
    let hint = match &fault.value {
        _ if fault.unknown => "give the chart a value that is known before anything is made".to_owned(),
        Some(value) if at.is_none() && !value.is_empty() => {
            format!("the value `{value}` is the chart's own; say another one in `values`")
        }
        Some(value) if !value.is_empty() => format!("mend `{value}` here"),
        _ => format!("`atlas render {}` shows more", app.address),
    };
    diagnostic.at(at.unwrap_or(spans.chart)).hint(hint).of(&app.address)
}

/// Where a value stands in the spec, or the nearest table that would hold it.
fn nearest(value: &str, spans: &ChartSpans) -> Option<Span> {
    let mut parts = split(value);
    while !parts.is_empty() {
        let path = parts.iter().fold(String::new(), |path, part| join(&path, part));
        if let Some(span) = spans.values.get(&path) {
            return Some(*span);
        }
        parts.pop();
    }
    None
}
