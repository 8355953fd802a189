//! What is wrong with what apps and namespaces come to, and what is worth a look.

use std::collections::hash_map::Entry;

use foldhash::HashMap;

use crate::address::Address;
use crate::desired::{ArgoDelivery, ChartSource, ChartSpans, Instance};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, code};
use crate::identity::Identity;
use crate::path::{join, split};
use crate::render::RenderFault;
use crate::render::objects::{Unfolded, is_delivery};
use crate::suggest::suggest;
use crate::value::Value;

/// Reports hooks that are not run.
pub(super) fn warn_of_hooks(app: &Instance, spans: &ChartSpans, unfolded: &Unfolded, diagnostics: &mut Diagnostics) {
    if !unfolded.left_out.is_empty() {
        let detail = format!("the chart of {} has {}", app.address, unfolded.left_out.join(", "));
        let warning = Diagnostic::warning(&code::HOOKS_LEFT_OUT, detail).at(spans.chart);
        diagnostics.push(warning.hint("Atlas runs hooks of installations and upgrades only").of(&app.address));
    }
}

/// Reports keys that stand twice in a manifest.
pub(super) fn warn_of_doubled(app: &Instance, spans: &ChartSpans, unfolded: &Unfolded, diagnostics: &mut Diagnostics) {
    for key in &unfolded.doubled {
        let detail = format!("{}: {key} stands there twice; the last one counts", app.address);
        let warning = Diagnostic::warning(&code::DOUBLED_KEY, detail).at(spans.chart);
        diagnostics.push(warning.hint("take one of the two out").of(&app.address));
    }
}

/// Reports what an app says of objects that it does not have.
pub(super) fn refuse_unknown(app: &Instance, spans: &ChartSpans, unfolded: &Unfolded, diagnostics: &mut Diagnostics) {
    let start = app.address.as_str().len() + 1;
    let known: Vec<&str> = unfolded.instances.iter().filter_map(|one| one.address.as_str().get(start..)).collect();
    for pattern in &unfolded.of_none {
        let detail = format!("{} has no object `{pattern}`", app.address);
        let hint = suggest(pattern, &known).unwrap_or_else(|| format!("it has {}", known.join(", ")));
        diagnostics
            .push(Diagnostic::error(&code::NO_SUCH_OBJECT, detail).at(spans.objects).hint(hint).of(&app.address));
    }
}

/// What an app says of its objects may hold for one that it has on another of its clusters, where a hub delivers it.
pub(super) fn forgive_siblings(apps: &mut [(&ChartSpans, &Instance, Result<Unfolded, RenderFault>)]) {
    let has_hub = |app: &Instance| ArgoDelivery::of(&app.attributes).is_some_and(|delivery| delivery.hub.is_some());
    let mut found: HashMap<usize, Vec<Vec<String>>> = HashMap::default();
    for (_, app, unfolded) in apps.iter().filter(|(_, app, _)| has_hub(app)) {
        let of_none = unfolded.as_ref().map(|one| one.of_none.clone()).unwrap_or_default();
        found.entry(app.declaration.block).or_default().push(of_none);
    }
    for (_, app, unfolded) in apps.iter_mut().filter(|(_, app, _)| has_hub(app)) {
        let all = found.get(&app.declaration.block).map(Vec::as_slice).unwrap_or_default();
        if let Ok(unfolded) = unfolded {
            unfolded.of_none.retain(|pattern| all.iter().all(|of_none| of_none.contains(pattern)));
        }
    }
}

/// Reports objects that another app, or a namespace of the spec, stands for already.
pub(super) fn refuse_taken(
    app: &Instance,
    span: Span,
    objects: &[Instance],
    taken: &mut HashMap<Identity, Address>,
    diagnostics: &mut Diagnostics,
) {
    for (identity, object) in objects.iter().flat_map(|object| identities(object).map(move |one| (one, object))) {
        match taken.entry(identity.clone()) {
            Entry::Vacant(free) => drop(free.insert(object.address.clone())),
            Entry::Occupied(other) => {
                let detail = format!("{} and {} would both be `{identity}`", other.get(), object.address);
                let hint = match other.get().parent().as_ref().map_or(other.get().kind(), Address::kind) {
                    "namespace" => "leave it out of the chart, or out of the namespace's block".to_owned(),
                    _ if is_delivery(&object.attributes) => {
                        "call one of them otherwise: `deliver = { argocd = { application = \"…\" } }`".to_owned()
                    }
                    _ => "leave it out of one of the charts, by its values for example".to_owned(),
                };
                let diagnostic = Diagnostic::error(&code::TWO_WITH_ONE_OBJECT, detail).at(span);
                diagnostics.push(diagnostic.hint(hint).of(&app.address));
            }
        }
    }
}

/// What an object is called on its cluster, and what those are called that it makes there: the Applications of an ApplicationSet.
fn identities(object: &Instance) -> impl Iterator<Item = Identity> {
    let elements =
        object.attributes.at("manifest.spec.generators.0.list.elements").filter(|_| is_delivery(&object.attributes));
    let (cluster, namespace) = (object.identity.host(), object.attributes.get("namespace").as_str());
    let made = elements.map(Value::items).unwrap_or_default().iter().filter_map(move |one| {
        let name = one.at("application").and_then(Value::as_str)?;
        Some(cluster.as_ref()?.object("Application.argoproj.io", namespace, name))
    });
    std::iter::once(object.identity.clone()).chain(made)
}

/// Why an app gives no objects, at the value that is to blame where one is.
pub(super) fn told(app: &Instance, spans: &ChartSpans, fault: &RenderFault) -> Diagnostic {
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
