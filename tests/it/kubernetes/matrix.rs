//! The cases that all drivers share, for objects of twenty kinds: each is made, changed, replaced where it can't be changed, drifts
//! and is healed, is made again, left alone and adopted, let go, protected, removed, and left alone while nobody answers. The result is
//! a matrix of kind and case. It runs on the double, and on a cluster that is given.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::Cluster;
use super::twenty::{Row, twenty};

/// What came of each case, by kind.
#[derive(Default)]
struct Matrix(Vec<(String, &'static str, Result<(), String>)>);

/// A change of a plan: what is done and why, or that it is blocked.
type Planned = BTreeMap<String, (String, String)>;

#[test]
fn twenty_kinds_conform() {
    let mut matrix = Matrix::default();
    let (cluster, rows) = stand();
    made_changed_and_healed(&cluster, &rows, &mut matrix);
    replaced(&cluster, &rows, &mut matrix);
    unreachable(&cluster, &rows, &mut matrix);
    protected(&cluster, &rows, &mut matrix);
    forgotten_and_adopted(&cluster, &rows, &mut matrix);
    removed(&cluster, &rows, &mut matrix);
    matrix.told(rows.len());
}

fn stand() -> (Cluster, Vec<Row>) {
    let cluster = Cluster::with_chart("");
    let rows = twenty(&cluster.namespace);
    assert_eq!(rows.len(), 20);
    (cluster, rows)
}

impl Matrix {
    fn put(&mut self, case: &'static str, row: &Row, is_good: bool, otherwise: impl FnOnce() -> String) {
        self.0.push((row.kind.to_owned(), case, if is_good { Ok(()) } else { Err(otherwise()) }));
    }

    /// Whether a plan has exactly these changes: the row's own cell tells what is wrong with it.
    fn planned(&mut self, case: &'static str, rows: &[&Row], plan: &Planned, action: &str, cause: &str) {
        for row in rows {
            let found = plan.get(&row.address());
            let is_good = found.is_some_and(|(did, why)| did == action && (cause.is_empty() || why == cause));
            self.put(case, row, is_good, || format!("planned {found:?}, not {action}"));
        }
        let known = |address: &String| {
            ["app.web@dc", "ConfigMap/first"].contains(&address.as_str())
                || rows.iter().any(|row| row.address() == **address)
        };
        let more: Vec<&String> = plan.keys().filter(|address| !known(address)).collect();
        assert!(more.is_empty(), "{case}: also planned {more:?}");
    }

    /// Prints every cell, and fails where one is bad.
    fn told(self, kinds: usize) {
        let mut bad = Vec::new();
        for (kind, case, outcome) in &self.0 {
            let word = outcome.as_ref().map_or_else(|why| format!("FAILED: {why}"), |()| "ok".to_owned());
            println!("kubernetes   {kind:24} {case:24} {word}");
            bad.extend(outcome.is_err().then(|| format!("{kind}.{case}: {word}")));
        }
        println!("{} cells", self.0.len());
        assert!(bad.is_empty(), "{} of {} cells\n{}", bad.len(), self.0.len(), bad.join("\n"));
        assert!(self.0.len() >= kinds * 13, "only {} cells", self.0.len());
    }
}

/// Writes a chart of these objects.
fn say(cluster: &Cluster, objects: impl Iterator<Item = Value>) {
    let all: Vec<String> = objects.map(|one| format!("---\n{one}\n")).collect();
    cluster.chart("web", &all.concat());
}

/// The changes that a command tells, under the name that it has for them.
fn planned(cluster: &Cluster, command: &str, part: &str) -> Planned {
    let plan = cluster.place.json(&[command, "--json"]);
    let changes = plan[part].as_array().unwrap_or_else(|| panic!("{plan}")).clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let named = changes.iter().map(|change| {
        let address = text(&change["address"]);
        let short = address.strip_prefix("app.web@dc/").unwrap_or(&address).to_owned();
        let action = if change["blocked"].is_null() { text(&change["action"]) } else { "blocked".to_owned() };
        (short, (action, text(&change["cause"])))
    });
    named.collect()
}

fn live(cluster: &Cluster, row: &Row) -> Value {
    cluster.object(&row.object).unwrap_or_default()
}

fn uids(cluster: &Cluster, rows: &[Row]) -> Vec<Value> {
    rows.iter().map(|row| live(cluster, row)["metadata"]["uid"].clone()).collect()
}

/// Applies, and expects that nothing is left to do.
fn converge(cluster: &Cluster) {
    cluster.place.expect(0, &["apply", "--yes", "--allow-loss", "app.web"]);
    cluster.is_converged();
}

fn made_changed_and_healed(cluster: &Cluster, rows: &[Row], matrix: &mut Matrix) {
    let all: Vec<&Row> = rows.iter().collect();
    // The namespace first: nothing can be in one that is not there.
    cluster.chart("web", "{apiVersion: v1, kind: ConfigMap, metadata: {name: first}}");
    converge(cluster);
    say(cluster, rows.iter().map(|row| row.manifest.clone()).chain([first()]));
    matrix.planned("create", &all, &planned(cluster, "plan", "changes"), "create", "");
    converge(cluster);
    for row in rows {
        let seen = live(cluster, row);
        let is_marked = seen["metadata"]["annotations"]["atlas/mark"].is_string();
        let is_good = is_marked && seen.pointer(row.field) == Some(&row.first());
        matrix.put("created", row, is_good, || format!("there is {seen}"));
    }
    say(cluster, rows.iter().map(Row::changed).chain([first()]));
    matrix.planned("change", &all, &planned(cluster, "plan", "changes"), "update", "spec");
    let before = uids(cluster, rows);
    converge(cluster);
    for (row, uid) in rows.iter().zip(&before) {
        let seen = live(cluster, row);
        let is_good = seen.pointer(row.field) == Some(&row.other) && seen["metadata"]["uid"] == *uid;
        matrix.put("changed", row, is_good, || format!("there is {seen}"));
    }
    for row in rows {
        let patch = json!([{ "op": "replace", "path": row.field, "value": row.first() }]);
        let path = format!("{}?fieldManager=somebody", cluster.path(&row.object));
        cluster.ask("PATCH", &path, Some(&patch), "application/json-patch+json").expect("it is taken");
    }
    matrix.planned("drift", &all, &planned(cluster, "plan", "changes"), "update", "drift");
    converge(cluster);
    for row in rows {
        let seen = live(cluster, row);
        matrix.put("healed", row, seen.pointer(row.field) == Some(&row.other), || format!("there is {seen}"));
    }
    rows.iter().for_each(|row| remove(cluster, row));
    matrix.planned("missing", &all, &planned(cluster, "plan", "changes"), "create", "");
    matrix.planned("told as missing", &all, &planned(cluster, "drift", "drift"), "", "missing");
    converge(cluster);
    for row in rows {
        let seen = live(cluster, row);
        matrix.put("made again", row, seen.pointer(row.field) == Some(&row.other), || format!("there is {seen}"));
    }
}

/// An object beside the twenty, so that a chart without them still gives something.
fn first() -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "first" } })
}

/// Deletes an object, and waits until it is gone.
fn remove(cluster: &Cluster, row: &Row) {
    cluster.delete(&row.object);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while cluster.object(&row.object).is_some() {
        assert!(std::time::Instant::now() < end, "{} is still there", row.object);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn replaced(cluster: &Cluster, rows: &[Row], matrix: &mut Matrix) {
    say(cluster, rows.iter().map(|row| row.manifest.clone()).chain([first()]));
    converge(cluster);
    let fixed: Vec<&Row> = rows.iter().filter(|row| !row.fixed.is_empty()).collect();
    let before = uids(cluster, rows);
    say(cluster, rows.iter().map(Row::refused).chain([first()]));
    matrix.planned("replace", &fixed, &planned(cluster, "plan", "changes"), "replace", "spec");
    converge(cluster);
    for (row, uid) in rows.iter().zip(&before).filter(|(row, _)| !row.fixed.is_empty()) {
        let seen = live(cluster, row);
        let is = |(at, value): &(&str, Value)| seen.pointer(at) == Some(value);
        let is_good = seen["metadata"]["uid"] != *uid && row.fixed.iter().all(is);
        matrix.put("replaced", row, is_good, || format!("there is {seen}"));
    }
    say(cluster, rows.iter().map(|row| row.manifest.clone()).chain([first()]));
    converge(cluster);
}

/// While nobody answers, nothing is made again, changed or removed.
fn unreachable(cluster: &Cluster, rows: &[Row], matrix: &mut Matrix) {
    let before = uids(cluster, rows);
    say(cluster, rows.iter().map(Row::changed).chain([first()]));
    cluster.cut_off(true);
    let plan = planned(cluster, "plan", "changes");
    let code = cluster.place.run(&["plan", "--detailed-exitcode"]).code;
    cluster.place.run(&["apply", "--yes"]);
    cluster.cut_off(false);
    let after = uids(cluster, rows);
    for (at, row) in rows.iter().enumerate() {
        let is_alone = plan.get(&row.address()).is_none_or(|(action, _)| action == "blocked");
        let is_good = code == 4
            && is_alone
            && before[at] == after[at]
            && live(cluster, row).pointer(row.field) == Some(&row.first());
        matrix.put("unreachable", row, is_good, || format!("exit code {code}, {:?}", plan.get(&row.address())));
    }
    say(cluster, rows.iter().map(|row| row.manifest.clone()).chain([first()]));
    cluster.is_converged();
}

fn protected(cluster: &Cluster, rows: &[Row], matrix: &mut Matrix) {
    cluster.add("protect = true\n");
    converge(cluster);
    say(cluster, [first()].into_iter());
    let refused = cluster.place.run(&["apply", "--yes", "--allow-loss", "app.web"]);
    let destroyed = cluster.place.run(&["destroy", "--yes", "--allow-loss", "app.web"]);
    for row in rows {
        let says = refused.stderr.contains(&row.address()) && refused.stderr.contains("protected");
        let is_good = refused.code == 1 && destroyed.code == 1 && says && live(cluster, row).is_object();
        matrix.put("protected", row, is_good, || format!("{refused:?}"));
    }
    cluster.place.edit("protect = true\n", "");
    say(cluster, rows.iter().map(|row| row.manifest.clone()).chain([first()]));
    converge(cluster);
}

fn forgotten_and_adopted(cluster: &Cluster, rows: &[Row], matrix: &mut Matrix) {
    let all: Vec<&Row> = rows.iter().collect();
    let before = uids(cluster, rows);
    cluster.add("on_remove = \"forget\"\n");
    converge(cluster);
    say(cluster, [first()].into_iter());
    matrix.planned("forget", &all, &planned(cluster, "plan", "changes"), "forget", "");
    converge(cluster);
    for (row, uid) in rows.iter().zip(&before) {
        let seen = live(cluster, row);
        let is_good = seen["metadata"]["uid"] == *uid && seen["metadata"]["annotations"]["atlas/mark"].is_null();
        matrix.put("forgotten", row, is_good, || format!("there is {seen}"));
    }
    // Nobody's now. What somebody else set stays as it is until it is adopted.
    cluster.place.edit("on_remove = \"forget\"\n", "");
    say(cluster, rows.iter().map(Row::changed).chain([first()]));
    matrix.planned("foreign", &all, &planned(cluster, "plan", "changes"), "blocked", "");
    let versions = |rows: &[Row]| -> Vec<Value> {
        rows.iter().map(|row| live(cluster, row).pointer(row.field).cloned().unwrap_or_default()).collect()
    };
    let untouched = versions(rows);
    cluster.place.run(&["apply", "--yes"]);
    for (at, (row, now)) in rows.iter().zip(versions(rows)).enumerate() {
        matrix.put("left alone", row, now == untouched[at], || format!("it has {now}"));
    }
    cluster.place.expect(0, &["adopt", "--yes", "app.web@dc"]);
    converge(cluster);
    for (row, uid) in rows.iter().zip(&before) {
        let seen = live(cluster, row);
        let is_good = seen["metadata"]["uid"] == *uid && seen.pointer(row.field) == Some(&row.other);
        matrix.put("adopted", row, is_good, || format!("there is {seen}"));
    }
}

fn removed(cluster: &Cluster, rows: &[Row], matrix: &mut Matrix) {
    let all: Vec<&Row> = rows.iter().collect();
    say(cluster, [first()].into_iter());
    matrix.planned("orphan", &all, &planned(cluster, "plan", "changes"), "delete", "orphan");
    converge(cluster);
    for row in rows {
        let seen = live(cluster, row);
        matrix.put("removed", row, seen.is_null(), || format!("there is still {seen}"));
    }
}
