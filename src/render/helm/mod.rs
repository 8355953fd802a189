//! Helm's charts: what is in them, which values they get, and the objects that come of both.

mod archive;
mod capabilities;
mod chart;
mod dependencies;
mod entry;
mod fields;
mod files;
mod ignore;
mod manifests;
mod metadata;
mod patterns;
mod printed;
mod randomness;
mod request;
mod schema;
mod scope;
pub mod set;
pub mod tables;
pub mod values;
pub mod values_file;

pub use capabilities::{Capabilities, KubernetesVersion};
pub use chart::Chart;
pub use entry::ChartEntry;
pub use metadata::{ChartMetadata, Dependency, Import};
pub use request::{ChartHook, Manifest, RenderRequest, Rendered};

use std::collections::BTreeMap;
use std::rc::Rc;

pub use printed::printed;

use super::fault::RenderFault;
use super::template::{RenderSettings, Templates};
use super::value::{ChartValue, UnknownValue};
use tables::Nothing;

/// Renders a chart.
///
/// # Errors
/// Where the chart asks for what is not there, the values do not fit it, a template fails or what it gives is no YAML, or where a
/// value that is not known yet decides what the objects are.
pub fn render(chart: &Chart, request: &RenderRequest) -> Result<Rendered, RenderFault> {
    if chart.metadata.is_library() {
        return Err(RenderFault::new(format!(
            "the chart {} is a library, which cannot be installed",
            chart.metadata.name
        )));
    }
    dependencies::check(chart)?;
    let mut chart = chart.clone();
    dependencies::process(&mut chart, &request.values)?;
    let values = values::coalesce(&chart, &request.values, Nothing::Removes)?;
    if request.check_schema {
        schema::check(&chart, &values)?;
    }
    let range = &chart.metadata.kube_version;
    if !range.is_empty() && !request.capabilities.fits(range) {
        let version = request.capabilities.kubernetes.full();
        let name = &chart.metadata.name;
        return Err(RenderFault::new(format!(
            "the chart {name} asks for Kubernetes {range}, and the cluster has {version}"
        )));
    }
    let executed = execute(&chart, values, request)?;
    let files = executed.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let sorted = manifests::sort(files.filter(|(path, _)| !path.ends_with("NOTES.txt")))?;
    let crds = if request.include_crds { manifests::crds(&chart)? } else { Vec::new() };
    Ok(Rendered {
        objects: sorted.objects,
        hooks: sorted.hooks,
        strange: sorted.strange,
        crds,
        unknowns: executed.unknowns,
    })
}

/// What the templates come to.
struct Executed {
    /// The texts by the paths of their templates.
    texts: BTreeMap<String, String>,
    unknowns: Vec<Rc<UnknownValue>>,
}

fn execute(chart: &Chart, values: tables::ValueTable, request: &RenderRequest) -> Result<Executed, RenderFault> {
    let pages = scope::pages(chart, values, request)?;
    let mut templates = Templates::new();
    for page in &pages {
        templates.add(&page.path, &page.text)?;
    }
    let settings = RenderSettings::new(request.now, randomness::from_seed(request.seed));
    settings.unknowns.borrow_mut().clone_from(&request.unknowns);
    let mut texts = BTreeMap::new();
    for page in pages.iter().filter(|page| !page.is_partial()) {
        tables::put(&page.scope, "Template", page.template());
        match templates.render(&page.path, &ChartValue::Map(Rc::clone(&page.scope)), &settings) {
            Ok(text) => drop(texts.insert(page.path.clone(), text)),
            // Nobody reads the notes, so what they depend on does not matter.
            Err(fault) if fault.unknown && page.path.ends_with("NOTES.txt") => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Executed { texts, unknowns: settings.unknowns.into_inner() })
}
