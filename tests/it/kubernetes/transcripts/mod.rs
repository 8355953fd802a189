//! The double is held to transcripts: what a real API server answered to a list of requests, recorded once, the double answers as well.
//!
//! Each line of a `.jsonl` file here is a request with the answer that kube-apiserver 1.36 gave. `random.jsonl` was made by chance, from
//! one seed: applies, forced ones, dry runs, patches, updates and deletions by three managers on seventeen kinds. To record the answers
//! anew, with a server whose controllers do not run: `ATLAS_TEST_KUBECONFIG=… cargo test --test it record_the_transcripts -- --ignored`.

mod normal;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use self::normal::normal;
use super::harness::Cluster;
use crate::support::root;

/// The transcripts.
const ALL: [&str; 7] = ["core", "edge", "lists", "more", "random", "rest", "work"];

#[test]
fn the_double_answers_as_a_real_server_does() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for name in ALL {
        let cluster = Cluster::new("");
        let Some(server) = &cluster.server else { return };
        server.controllers(false);
        let mut run = Run::new(&cluster, &format!("transcript-{name}"));
        for (at, line) in lines(name).into_iter().enumerate() {
            if let Some(on) = line["controllers"].as_bool() {
                server.controllers(on);
            }
            let Some((code, answer)) = run.send(&line) else { continue };
            count += 1;
            if json!(code) != line["code"] || answer != line["answer"] {
                let differs = difference(&line["answer"], &answer, String::new());
                wrong.push(format!(
                    "{name}:{} {} {} is {code}, not {}: {differs}",
                    at + 1,
                    line["m"],
                    line["p"],
                    line["code"]
                ));
            }
        }
    }
    println!("{} of {count} answers are the same", count - wrong.len());
    assert!(wrong.is_empty(), "{} of {count} answers differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 400, "only {count} requests");
}

/// Sends every request to the server that is given, and writes down its answers.
#[test]
#[ignore = "it writes the transcripts, with a server that is given"]
fn record_the_transcripts() {
    let cluster = Cluster::new("");
    assert!(cluster.server.is_none(), "say with `ATLAS_TEST_KUBECONFIG` which server is to be recorded");
    for name in ALL {
        let mut run = Run::new(&cluster, &format!("t{}-{name}", std::process::id()));
        let mut text = String::new();
        for mut line in lines(name) {
            if let Some(pause) = line["pause"].as_u64() {
                std::thread::sleep(Duration::from_millis(pause));
            }
            if let Some((code, answer)) = run.send(&line) {
                line["code"] = json!(code);
                line["answer"] = answer;
            }
            text.push_str(&format!("{line}\n"));
        }
        std::fs::write(file(name), text).expect("written");
    }
}

fn file(name: &str) -> PathBuf {
    root().join(format!("tests/it/kubernetes/transcripts/{name}.jsonl"))
}

fn lines(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(file(name)).expect("it is there");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}"))).collect()
}

/// Requests to one server, in a namespace of their own, and what was kept of its answers.
struct Run<'a> {
    cluster: &'a Cluster,
    namespace: String,
    kept: BTreeMap<String, String>,
}

impl<'a> Run<'a> {
    fn new(cluster: &'a Cluster, namespace: &str) -> Self {
        Self { cluster, namespace: namespace.to_owned(), kept: BTreeMap::new() }
    }

    /// Sends the request of a line; none where the line has none.
    fn send(&mut self, line: &Value) -> Option<(u16, Value)> {
        let method = line["m"].as_str()?;
        let path = self.filled(line["p"].as_str()?);
        let body = line.get("b").map(|body| self.filled(&body.to_string()));
        let sort = match line["t"].as_str() {
            Some("apply") => "application/apply-patch+yaml",
            Some("merge") => "application/merge-patch+json",
            Some("strategic") => "application/strategic-merge-patch+json",
            Some("json-patch") => "application/json-patch+json",
            _ => "application/json",
        };
        let (code, text) = self.cluster.raw(method, &path, body, sort);
        let whole = read(&text);
        for (name, at) in line["keep"].as_object().into_iter().flatten() {
            let value = whole.pointer(at.as_str().unwrap_or_default()).and_then(Value::as_str).unwrap_or_default();
            self.kept.insert(name.clone(), value.to_owned());
        }
        Some((code, normal(whole, &self.namespace)))
    }

    fn filled(&self, text: &str) -> String {
        let named = text.replace("NS", &self.namespace);
        self.kept.iter().fold(named, |text, (name, value)| text.replace(&format!("${name}"), value))
    }
}

/// An answer: one value, or the events of a watch.
fn read(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) if text.starts_with('{') => {
            text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect()
        }
        Err(_) => text.into(),
    }
}

/// Where two values differ first.
fn difference(wanted: &Value, found: &Value, at: String) -> String {
    match (wanted, found) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            let null = Value::Null;
            let differs = |key: &&String| left.get(*key) != right.get(*key);
            keys.filter(differs)
                .map(|key| {
                    difference(left.get(key).unwrap_or(&null), right.get(key).unwrap_or(&null), format!("{at}/{key}"))
                })
                .collect::<Vec<_>>()
                .join("; ")
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate().filter(|(_, (left, right))| left != right);
            pairs
                .map(|(place, (left, right))| difference(left, right, format!("{at}/{place}")))
                .collect::<Vec<_>>()
                .join("; ")
        }
        _ => format!("{at} is {found}, not {wanted}"),
    }
}

#[test]
fn a_transcript_that_is_not_kept_to_is_told() {
    let wanted = json!({ "a": [1, { "b": "x" }] });
    assert_eq!(difference(&wanted, &json!({ "a": [1, { "b": "y" }] }), String::new()), "/a/1/b is \"y\", not \"x\"");
}
