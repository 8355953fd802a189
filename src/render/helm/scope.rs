//! What each template of a chart and its sub-charts sees: the values that are its chart's, its files, the release.

use std::rc::Rc;

use super::chart::Chart;
use super::files::ChartFiles;
use super::request::RenderRequest;
use super::tables::{ValueTable, at, empty, get, put, table};
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;

/// A template, and what it sees.
#[derive(Debug)]
pub(super) struct Page {
    /// The path by which Helm names it.
    pub path: String,
    pub text: String,
    /// What it sees. All templates of one chart see one and the same, so that what one sets the next ones find.
    pub scope: ValueTable,
    folder: String,
}

impl Page {
    /// Whether it is only there for other templates to call.
    pub(super) fn is_partial(&self) -> bool {
        is_partial(&self.path)
    }

    /// What `.Template` is.
    pub(super) fn template(&self) -> ChartValue {
        let parts = [("Name", &self.path), ("BasePath", &self.folder)];
        ChartValue::map(parts.into_iter().map(|(name, text)| (name.into(), ChartValue::text(text.as_str()))).collect())
    }
}

fn is_partial(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with('_'))
}

/// All templates, the deepest first, and of one depth the last of the alphabet first: what comes later redefines what came before.
pub(super) fn pages(chart: &Chart, values: ValueTable, request: &RenderRequest) -> Result<Vec<Page>, RenderFault> {
    let release = empty();
    put(&release, "Name", ChartValue::text(request.name.as_str()));
    put(&release, "Namespace", ChartValue::text(request.namespace.as_str()));
    put(&release, "IsUpgrade", ChartValue::Bool(request.is_upgrade));
    put(&release, "IsInstall", ChartValue::Bool(!request.is_upgrade));
    put(&release, "Revision", ChartValue::Int(request.revision));
    put(&release, "Service", ChartValue::text("Helm"));
    let above = empty();
    put(&above, "Release", ChartValue::Map(release));
    put(&above, "Capabilities", ChartValue::Object(Rc::new(request.capabilities.clone())));
    put(&above, "Values", ChartValue::Map(values));
    let mut pages = Vec::new();
    add(chart, &above, None, &mut pages)?;
    pages.sort_by(|one, other| {
        let depth = |page: &Page| page.path.matches('/').count();
        depth(other).cmp(&depth(one)).then_with(|| other.path.cmp(&one.path))
    });
    Ok(pages)
}

fn add(
    chart: &Chart,
    above: &ValueTable,
    parent: Option<&str>,
    pages: &mut Vec<Page>,
) -> Result<ChartValue, RenderFault> {
    let name = &chart.metadata.name;
    let path = parent.map_or_else(|| name.clone(), |parent| format!("{parent}/charts/{name}"));
    let scope = empty();
    put(&scope, "Chart", chart.metadata.value(parent.is_none()));
    put(&scope, "Files", ChartValue::Object(Rc::new(ChartFiles::new(&chart.files))));
    for key in ["Release", "Capabilities"] {
        put(&scope, key, get(above, key).unwrap_or_default());
    }
    let values = get(above, "Values").as_ref().and_then(table).unwrap_or_default();
    let own = if parent.is_none() { values } else { at(&values, name.split('.')).unwrap_or_default() };
    put(&scope, "Values", ChartValue::Map(own));
    let charts = empty();
    for sub in &chart.charts {
        let value = add(sub, &scope, Some(&path), pages)?;
        put(&charts, &sub.metadata.name, value);
    }
    put(&scope, "Subcharts", ChartValue::Map(charts));
    for file in &chart.templates {
        if chart.metadata.is_library() && !is_partial(&file.name) {
            continue;
        }
        let full = format!("{path}/{}", file.name);
        let Ok(text) = std::str::from_utf8(&file.data) else {
            let mut fault = RenderFault::new("the template is no text");
            fault.file = Some(full);
            return Err(fault);
        };
        let page =
            Page { text: text.to_owned(), scope: Rc::clone(&scope), folder: format!("{path}/templates"), path: full };
        pages.push(page);
    }
    Ok(ChartValue::Map(scope))
}
