//! Which sub-charts are used, under which names, and which of their values their parents take over.

use std::rc::Rc;

use super::chart::Chart;
use super::metadata::{Dependency, Import};
use super::tables::{Nothing, ValueTable, at, complete, copy_table, empty, get};
use super::values::coalesce;
use crate::render::fault::RenderFault;
use crate::render::template::semver::fits;
use crate::render::value::{ChartValue, UnknownValue};

impl Chart {
    /// The dependencies that the chart does not have in itself.
    #[must_use]
    pub fn lacking(&self) -> Vec<&Dependency> {
        let has = |dependency: &Dependency| self.charts.iter().any(|sub| sub.metadata.name == dependency.name);
        self.metadata.dependencies.iter().filter(|dependency| !has(dependency)).collect()
    }
}

/// Checks that every dependency lies in the chart.
pub(super) fn check(chart: &Chart) -> Result<(), RenderFault> {
    let missing: Vec<&str> = chart.lacking().iter().map(|dependency| dependency.name.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(RenderFault::new(format!(
        "the chart {} depends on charts that are not in its folder charts: {}",
        chart.metadata.name,
        missing.join(", ")
    )))
}

/// Leaves of a chart's dependencies those that are used, and takes over what they export.
pub(super) fn process(chart: &mut Chart, asked: &ValueTable) -> Result<(), RenderFault> {
    choose(chart, asked, "")?;
    import(chart)
}

fn choose(chart: &mut Chart, asked: &ValueTable, path: &str) -> Result<(), RenderFault> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let used = |chart: &Chart, wanted: &Dependency| {
        chart.metadata.name == wanted.name && fits(&wanted.version, &chart.metadata.version)
    };
    let mut charts: Vec<Chart> = (chart.charts.iter())
        .filter(|sub| !chart.metadata.dependencies.iter().any(|wanted| used(sub, wanted)))
        .cloned()
        .collect();
    for wanted in &mut chart.metadata.dependencies {
        if let Some(found) = chart.charts.iter().find(|sub| used(sub, wanted)) {
            let mut found = found.clone();
            if !wanted.alias.is_empty() {
                found.metadata.name.clone_from(&wanted.alias);
            }
            charts.push(found);
        }
        if !wanted.alias.is_empty() {
            wanted.name.clone_from(&wanted.alias);
        }
        wanted.enabled = true;
    }
    chart.charts = charts;
    let values = coalesce(chart, asked, Nothing::Removes)?;
    for dependency in &mut chart.metadata.dependencies {
        by_tags(dependency, &values)?;
        by_condition(dependency, &values, path)?;
    }
    let off: Vec<String> =
        chart.metadata.dependencies.iter().filter(|one| !one.enabled).map(|one| one.name.clone()).collect();
    chart.charts.retain(|sub| !off.contains(&sub.metadata.name));
    chart.metadata.dependencies.retain(|one| !off.contains(&one.name));
    for sub in &mut chart.charts {
        let path = format!("{path}{}.", sub.metadata.name);
        choose(sub, &values, &path)?;
    }
    Ok(())
}

fn by_tags(dependency: &mut Dependency, values: &ValueTable) -> Result<(), RenderFault> {
    if let Some(unknown) = get(values, "tags").as_ref().and_then(unknown).filter(|_| !dependency.tags.is_empty()) {
        return Err(undecided(&dependency.name, &unknown));
    }
    let Some(tags) = at(values, ["tags"]) else { return Ok(()) };
    let found: Vec<Option<ChartValue>> = dependency.tags.iter().map(|tag| get(&tags, tag)).collect();
    let said = |yes: bool| found.iter().any(|value| matches!(value, Some(ChartValue::Bool(found)) if *found == yes));
    if let (false, Some(unknown)) = (said(true), found.iter().flatten().find_map(unknown)) {
        return Err(undecided(&dependency.name, &unknown));
    }
    dependency.enabled = said(true) || !said(false);
    Ok(())
}

/// The first path of a condition that leads to true or false decides.
fn by_condition(dependency: &mut Dependency, values: &ValueTable, path: &str) -> Result<(), RenderFault> {
    for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
        let full = format!("{path}{condition}");
        let (tables, key) = full.rsplit_once('.').map_or((None, full.as_str()), |(tables, key)| (Some(tables), key));
        if let Some(unknown) = unknown_above(values, &full) {
            return Err(undecided(&dependency.name, &unknown));
        }
        let found = at(values, tables.into_iter().flat_map(|tables| tables.split('.')));
        match found.and_then(|found| get(&found, key)) {
            Some(ChartValue::Bool(yes)) => {
                dependency.enabled = yes;
                return Ok(());
            }
            Some(ChartValue::Unknown(unknown)) => return Err(undecided(&dependency.name, &unknown)),
            _ => {}
        }
    }
    Ok(())
}

/// The table on the way to a value that is not known yet itself.
fn unknown_above(values: &ValueTable, path: &str) -> Option<Rc<UnknownValue>> {
    let mut table = Rc::clone(values);
    for part in path.split('.') {
        match get(&table, part)? {
            ChartValue::Map(inner) => table = inner,
            ChartValue::Unknown(unknown) => return Some(unknown),
            _ => return None,
        }
    }
    None
}

fn unknown(value: &ChartValue) -> Option<Rc<UnknownValue>> {
    if let ChartValue::Unknown(unknown) = value { Some(Rc::clone(unknown)) } else { None }
}

fn undecided(name: &str, unknown: &UnknownValue) -> RenderFault {
    let mut fault = RenderFault::new(format!("{} is not known yet, and decides whether {name} is used", unknown.of));
    fault.unknown = true;
    fault
}

fn import(chart: &mut Chart) -> Result<(), RenderFault> {
    for sub in &mut chart.charts {
        import(sub)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let values = coalesce(chart, &empty(), Nothing::Stays)?;
    let taken = empty();
    for dependency in &chart.metadata.dependencies {
        for Import { child, parent } in &dependency.imports {
            let path = dependency.name.split('.').chain(child.split('.'));
            let Some(found) = at(&values, path) else { continue };
            let found = if parent == "." { found } else { nested(parent, found) };
            complete(&taken, &copy_table(&found), Nothing::Stays);
        }
    }
    let values = copy_table(&values);
    complete(&values, &taken, Nothing::Stays);
    chart.values = values;
    Ok(())
}

/// A table that holds another one at a path.
fn nested(path: &str, inner: ValueTable) -> ValueTable {
    path.rsplit('.').fold(inner, |inner, key| {
        let outer = empty();
        super::tables::put(&outer, key, ChartValue::Map(inner));
        outer
    })
}
