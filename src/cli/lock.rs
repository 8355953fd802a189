//! `atlas lock`: pins the charts that others publish.

use std::fmt::Write as _;

use super::args::{Global, LockArgs};
use super::failure::Failure;
use super::ui::Ui;
use super::{End, load};
use crate::charts::{ChartLock, LockedChart};
use crate::desired::PublishedChart;
use crate::run::{self, LockedCharts};
use crate::style::{Role, harmless};

pub fn run(global: &Global, args: &LockArgs, ui: &Ui) -> Result<End, Failure> {
    let LockedCharts { file, former, lock } = run::lock(&load::setup(global), args.upgrade)?;
    if ui.json() {
        let charts: Vec<serde_json::Value> =
            lock.iter().map(|(chart, locked)| json(chart, locked, former.get(chart))).collect();
        let removed: Vec<serde_json::Value> =
            gone(&former, &lock).map(|(chart, locked)| json(chart, locked, Some(locked))).collect();
        ui.out_pretty(&serde_json::json!({ "file": file.display().to_string(), "charts": charts, "removed": removed }));
        return Ok(End::Good);
    }
    let palette = ui.palette();
    let mut text = String::new();
    for (chart, locked) in lock.iter() {
        let version = palette.paint(Role::Strong, &harmless(&locked.version));
        let _ = match former.get(chart) {
            None => writeln!(text, "  {} {}  {version}", palette.paint(Role::Create, "+"), harmless(&name(chart))),
            Some(before) if before == locked => continue,
            Some(before) => writeln!(
                text,
                "  {} {}  {} -> {version}",
                palette.paint(Role::Update, "~"),
                harmless(&name(chart)),
                harmless(&before.version)
            ),
        };
    }
    for (chart, locked) in gone(&former, &lock) {
        let sign = palette.paint(Role::Delete, "-");
        let _ = writeln!(text, "  {sign} {}  {}", harmless(&name(chart)), harmless(&locked.version));
    }
    ui.out(&text);
    let count = lock.iter().count();
    let name = file.display();
    ui.note(&match (count, text.is_empty()) {
        (0, true) => "No chart of this spec is published elsewhere, so there is nothing to lock.\n".to_owned(),
        (_, true) => format!("`{name}` stays as it is: {}.\n", charts(count)),
        _ => format!("Wrote `{name}`: {}. Keep it under version control.\n", charts(count)),
    });
    Ok(End::Good)
}

/// What was locked and is not any more.
fn gone<'l>(former: &'l ChartLock, lock: &'l ChartLock) -> impl Iterator<Item = (&'l PublishedChart, &'l LockedChart)> {
    former.iter().filter(|(chart, _)| lock.get(chart).is_none())
}

fn charts(count: usize) -> String {
    if count == 1 { "1 chart is locked".to_owned() } else { format!("{count} charts are locked") }
}

/// A chart, and which of its versions will do.
fn name(chart: &PublishedChart) -> String {
    let of = chart.repository.as_ref().map_or_else(String::new, |repository| format!(" of {repository}"));
    let wanted = if chart.wanted.is_empty() { String::new() } else { format!(" ({})", chart.wanted) };
    format!("{}{of}{wanted}", chart.chart)
}

fn json(chart: &PublishedChart, locked: &LockedChart, before: Option<&LockedChart>) -> serde_json::Value {
    serde_json::json!({
        "name": chart.chart,
        "repository": chart.repository,
        "wanted": chart.wanted,
        "version": locked.version,
        "digest": format!("sha256:{}", locked.digest),
        "before": before.map(|before| &before.version),
    })
}
