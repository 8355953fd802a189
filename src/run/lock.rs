//! Locking charts: every published one that any environment of a spec names is pinned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::error::{Refusal, RunError};
use super::files::{problem_of_chart, read_text, replace_text};
use super::open::{Setup, chart_surroundings};
use super::source::SpecText;
use crate::address::Address;
use crate::charts::{ChartLock, Charts, Resolution, resolve};
use crate::desired::{ChartSource, ChartSpans, Desired};
use crate::diagnostic::Diagnostics;
use crate::spec;

/// What was locked.
#[derive(Debug)]
pub struct LockedCharts {
    /// The file of locked charts.
    pub file: PathBuf,
    /// What was in it before.
    pub former: ChartLock,
    /// What is in it now.
    pub lock: ChartLock,
}

/// Pins every published chart of a spec, with all that they depend on, in the file beside it. What is pinned already stays as it
/// is, unless everything is to be `anew`. Where one can't be had, the file stays as it is.
///
/// # Errors
/// When the spec can't be used, a chart can't be had, or the file can't be written.
pub fn lock(setup: &Setup, anew: bool) -> Result<LockedCharts, RunError> {
    let source = SpecText::new(setup.file.display().to_string(), read_text(&setup.file)?);
    let refused = |diagnostics| RunError::refused(Refusal::Spec, source.clone(), diagnostics);
    let (named, wrong) = named_charts(setup, source.text().text);
    if wrong.has_errors() {
        return Err(refused(wrong));
    }
    let surroundings = chart_surroundings(setup);
    let charts: BTreeSet<ChartSource> = named.keys().cloned().collect();
    let resolved = resolve(charts, &surroundings, anew).map_err(RunError::Locking)?;
    let Resolution { former, lock, problems } = resolved;
    let mut diagnostics = Diagnostics::default();
    for (chart, problem) in problems {
        if let Some((spans, address)) = named.get(&chart) {
            diagnostics.push(problem_of_chart(&chart, &problem, spans).of(address));
        }
    }
    // What can't be used with it is said before it is written.
    let mut charts = Charts::with_lock(surroundings.clone(), lock.clone());
    let is_resolved = !diagnostics.has_errors();
    for (chart, (spans, address)) in named.iter().filter(|_| is_resolved) {
        if let Err(problem) = charts.get(chart) {
            diagnostics.push(problem_of_chart(chart, &problem, spans).of(address));
        }
    }
    diagnostics.finish();
    if diagnostics.has_errors() {
        return Err(refused(diagnostics));
    }
    if lock != former || (!lock.is_empty() && !surroundings.lock.exists()) {
        replace_text(&surroundings.lock, &lock.text())?;
    }
    Ok(LockedCharts { file: surroundings.lock, former, lock })
}

/// The charts that a spec names in any environment, each with where one app does, and what is wrong with the spec.
fn named_charts(setup: &Setup, text: &str) -> (BTreeMap<ChartSource, (ChartSpans, Address)>, Diagnostics) {
    let mut named = BTreeMap::new();
    let mut wrong = Diagnostics::default();
    let mut take = |desired: Option<Desired>, diagnostics: Diagnostics| {
        for (chart, spans, app) in desired.iter().flat_map(Desired::charts) {
            named.entry(chart).or_insert_with(|| (spans.clone(), app.address.clone()));
        }
        if diagnostics.has_errors() {
            wrong.append(diagnostics);
        }
        desired.map(|desired| desired.environment)
    };
    let (desired, diagnostics) = spec::compile(text, &setup.inputs);
    if let Some(environment) = take(desired, diagnostics) {
        spec::compile_others(text, &setup.inputs, &environment, |desired, diagnostics| {
            take(desired, diagnostics);
        });
    }
    wrong.finish();
    (named, wrong)
}
