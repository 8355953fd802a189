//! Every attribute of a cluster is said, changed and taken back on one that runs. Each time a second plan is empty, and nothing that
//! its nodes hold is lost, unless the kind's table says that it replaces the cluster. The cases follow from that table.

use std::time::Instant;

use atlas::kind::{self, Attribute, Type};
use serde_json::{Value, json};

use super::cluster_changes::Cluster;
use super::clusters::spec;
use super::{Engine, free_port};
use crate::support::Place;

/// Examples for stand-ins, in place of those in the table. A port stands for one that is free.
const EXAMPLES: &[(&str, [&str; 2])] = &[
    ("ports", ["[\"PORT1:80\"]", "[\"PORT2-PORT2:80-80@server:0\"]"]),
    ("k3d.api_port", ["PORT1", "PORT2"]),
    ("k3d.image", ["\"atlas-test/k3s:2\"", "\"atlas-test/k3s:1\""]),
    ("k3d.kubeconfig", ["\"file\"", "\"none\""]),
    ("k3d.token", ["{ env = \"LEDGER_TOKEN\" }", "{ file = \"token.txt\" }"]),
    ("k3d.binds", ["[BINDS, \"/srv:/images:ro\"]", "[BINDS, \"/srv:/srv\"]"]),
    ("k3d.subnet", ["\"10.198.0.0/24\"", "\"10.198.1.0/24\""]),
];

/// What stand-ins can't do, and why.
const LIMITS: &[(&str, &str)] = &[
    ("region", "there is one"),
    ("engine", "there is one"),
    ("kubeconfig", "it is a cluster that exists already, which `existing` tries"),
    ("eks", "it is a cluster that exists already, which `existing` tries"),
    ("version", "it chooses an image, and those of k3s can't be had here; `k3d.image` is tried"),
    ("k3d", "each attribute in it is tried"),
    ("k3d.loadbalancer_image", "there is one"),
    ("k3d.privileged", "an engine in a container that may not do everything can't allow it to others"),
];

/// The attributes of a cluster, those in `k3d` with their paths.
fn attributes() -> Vec<(String, &'static Attribute)> {
    let cluster = kind::get("cluster").expect("a kind");
    let mut all: Vec<(String, &'static Attribute)> = Vec::new();
    for attribute in cluster.attributes.iter() {
        all.push((attribute.name.to_owned(), attribute));
        if let (Type::Object(parts), "k3d") = (&attribute.ty, attribute.name) {
            all.extend(parts.iter().map(|part| (format!("k3d.{}", part.name), part)));
        }
    }
    all
}

/// A spec in which the cluster says one attribute more.
fn with(engine: &Engine, path: &str, value: &str) -> String {
    let whole = spec(engine, "matrix", "matrix", 0, "");
    let (above, k3d) = whole.split_once("[cluster.matrix.k3d]\n").expect("its layout");
    let (name, below) = path.strip_prefix("k3d.").map_or((path, false), |name| (name, true));
    let drop = |lines: &str| -> String {
        lines.lines().filter(|line| !line.starts_with(&format!("{name} = "))).map(|line| format!("{line}\n")).collect()
    };
    let binds = k3d.lines().find_map(|line| line.strip_prefix("binds = [")).expect("binds").trim_end_matches(']');
    let line = format!("{name} = {}\n", value.replace("BINDS", binds));
    let (above, k3d) =
        if below { (above.to_owned(), line + &drop(k3d)) } else { (drop(above) + &line, k3d.to_owned()) };
    format!(
        "{above}[cluster.matrix.k3d]\n{k3d}[network.shared]\nname = \"matrix-shared\"\n[network.more]\nname = \"matrix-more\"\n\
             [volume.data]\nname = \"matrix-data\"\n[volume.more]\nname = \"matrix-more\"\n"
    )
}

#[test]
fn every_attribute_of_a_cluster_comes_changes_and_goes_without_a_loss() {
    let Some(engine) = Engine::here() else { return };
    let cluster = Cluster { engine: &engine, name: "matrix" };
    let plain = with(&engine, "timeout", "\"3m\"");
    let place = Place::with(&plain);
    place.write("token.txt", "another-token-of-the-matrix");
    let ports = [free_port().to_string(), free_port().to_string()];
    engine.expect(&place, 0, &["apply", "--yes"]);
    let (mut mark, mut cells) = (0, 0);
    // What one attribute said last goes when the next one says its first.
    let mut may_replace = false;
    for (path, attribute) in attributes() {
        if let Some((_, why)) = LIMITS.iter().find(|(limit, _)| *limit == path) {
            println!("{path}: not tried, as {why}");
            continue;
        }
        let begun = Instant::now();
        let own = EXAMPLES.iter().find(|(of, _)| *of == path).map(|(_, examples)| examples.to_vec());
        let examples = own.unwrap_or_else(|| attribute.examples.iter().take(2).collect());
        let stages = examples
            .iter()
            .map(|example| with(&engine, &path, &example.replace("PORT1", &ports[0]).replace("PORT2", &ports[1])));
        may_replace |= attribute.replaces;
        for text in stages {
            mark += 1;
            cluster.write("server-0", &mark.to_string());
            place.write("atlas.toml", &text);
            let plan = engine.json(&place, 0, &["plan", "--json"]);
            let change = plan["changes"].as_array().expect("a list").iter().find(|one| one["kind"] == "cluster");
            let Some(change) = change else { continue };
            let replaced = change["action"] == "replace";
            assert!(!replaced || may_replace, "{path}: {change:#}");
            may_replace = attribute.replaces;
            assert!(replaced || change["risk"] == "safe" || change["risk"] == Value::Null, "{path}: {change:#}");
            engine.expect(&place, 0, &["apply", "--yes", "--allow-loss", "cluster.matrix"]);
            engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
            if !replaced {
                assert_eq!(cluster.data("server-0"), mark.to_string(), "{path}: what the server held is there");
            }
            cells += 1;
        }
        println!("{path}: good, in {:.1?}", begun.elapsed());
    }
    println!("{cells} changes of a cluster");
    assert!(cells > 35, "{cells}");
    let mut losses = vec!["destroy", "--yes", "--allow-loss", "cluster.matrix"];
    losses.extend(["--allow-loss", "volume.data", "--allow-loss", "volume.more"]);
    engine.expect(&place, 0, &losses);
    assert_eq!(json!(engine.docker(&["ps", "-aq", "--filter", "label=k3d.cluster=matrix"])), json!(""));
}
