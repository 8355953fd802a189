//! Killed at any write to the cluster while objects of twenty kinds are made, changed, replaced and removed: the next run carries on.

use std::path::Path;

use serde_json::Value;

use super::harness::Cluster;
use super::twenty::{Row, twenty};

/// Of how many crash points one is tried, but where all are asked for by `ATLAS_TEST_EVERY_POINT`.
const STRIDE: usize = 5;

#[test]
fn killed_while_twenty_kinds_are_made_the_next_run_carries_on() {
    killed_at_each_point(0, |_| {}, |row| Some(row.manifest.clone()));
}

#[test]
fn killed_while_twenty_kinds_are_changed_and_replaced_the_next_run_carries_on() {
    let then = |row: &Row| Some(if row.fixed.is_empty() { row.changed() } else { row.refused() });
    killed_at_each_point(2, is_there, then);
}

#[test]
fn killed_while_twenty_kinds_are_removed_the_next_run_carries_on() {
    killed_at_each_point(4, is_there, |_| None);
}

/// The twenty are there as they are at first.
fn is_there(cluster: &Cluster) {
    say(cluster, |row| Some(row.manifest.clone()));
    cluster.place.expect(0, &["apply", "--yes"]);
}

/// Dies at each write in turn, before it and after it, and each time carries on.
fn killed_at_each_point(start: usize, before: impl Fn(&Cluster), then: impl Fn(&Row) -> Option<Value>) {
    let points = {
        let cluster = begin(&before, &then);
        let names = run_until(&cluster, usize::MAX).1;
        names
            .iter()
            .enumerate()
            .filter(|(_, name)| name.contains("a write to a cluster"))
            .map(|(at, _)| at + 1)
            .collect::<Vec<_>>()
    };
    assert!(points.len() >= 40, "only {} writes", points.len() / 2);
    let stride = if std::env::var("ATLAS_TEST_EVERY_POINT").is_ok() { 1 } else { STRIDE };
    let tried: Vec<usize> = points.iter().copied().skip(start % stride).step_by(stride).collect();
    let mut past = 0;
    for point in &tried {
        let cluster = begin(&before, &then);
        let (is_dead, names) = run_until(&cluster, *point);
        let name = names.last().cloned().unwrap_or_default();
        // How many points a run passes varies by a few, so the last ones may not be reached.
        past += usize::from(!is_dead);
        let carried = cluster.place.run(&["apply", "--yes", "--allow-loss", "app.web"]);
        assert_eq!(carried.code, 0, "after dying at {name}: {carried:?}");
        let left = cluster.place.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(left.code, 0, "after dying at {name}: {left:?}");
        for row in twenty(&cluster.namespace) {
            let (seen, wanted) = (cluster.object(&row.object), then(&row));
            assert_eq!(seen.is_some(), wanted.is_some(), "{} after dying at {name}", row.object);
            if let (Some(seen), Some(wanted)) = (seen, wanted) {
                let all = std::iter::once(row.field).chain(row.fixed.iter().map(|(at, _)| *at));
                let all = all.filter(|at| wanted.pointer(at).is_some());
                all.for_each(|at| assert_eq!(seen.pointer(at), wanted.pointer(at), "{at} after dying at {name}"));
            }
        }
    }
    assert!(past * 10 <= tried.len(), "it died at {} of {} points only", tried.len() - past, tried.len());
    println!("died at {} of {} points around writes, and carried on", tried.len() - past, points.len());
}

fn begin(before: &impl Fn(&Cluster), then: &impl Fn(&Row) -> Option<Value>) -> Cluster {
    let cluster = Cluster::with_chart("");
    before(&cluster);
    say(&cluster, then);
    cluster
}

fn say(cluster: &Cluster, object: impl Fn(&Row) -> Option<Value>) {
    let rows = twenty(&cluster.namespace);
    let first = "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: first}}\n".to_owned();
    let all = rows.iter().filter_map(object).map(|one| format!("---\n{one}\n"));
    cluster.chart("web", &all.chain([first]).collect::<String>());
}

/// Applies, and dies at a point; gives whether it did, and the points that it passed.
fn run_until(cluster: &Cluster, point: usize) -> (bool, Vec<String>) {
    let log = cluster.place.path("points");
    let _ = std::fs::remove_file(&log);
    let mut command = cluster.place.command(&["apply", "--yes", "--parallelism", "1", "--allow-loss", "app.web"]);
    let run = command.env("ATLAS_CRASH_AT", point.to_string()).env("ATLAS_CRASH_LOG", &log).output().expect("it runs");
    (run.status.code().is_none(), lines(&log))
}

fn lines(log: &Path) -> Vec<String> {
    std::fs::read_to_string(log).unwrap_or_default().lines().map(str::to_owned).collect()
}
