//! The tables of what is there and what is not, beside other tools: every attribute is in them, and nothing that does not exist.

use std::collections::BTreeSet;

use atlas::kind::{self, Type};

use crate::support::root;

/// The rows of a document's tables behind a heading: what the other tool says, what Atlas says, and what is not there.
fn rows(document: &str, heading: &str) -> Vec<[String; 3]> {
    let text = std::fs::read_to_string(root().join(document)).expect("readable");
    let section = text.split(&format!("\n## {heading}\n")).nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = |line: &str| -> Option<[String; 3]> {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().ok()
    };
    section.lines().filter(|line| line.starts_with("| `")).map(|line| cells(line).expect("three cells")).collect()
}

/// The names between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn holds(document: &str, heading: &str, kinds: &[&str], elsewhere: &[&str]) {
    let rows = rows(document, heading);
    let mut said = BTreeSet::new();
    let mut theirs = BTreeSet::new();
    for [other, own, missing] in &rows {
        assert!(theirs.insert(other), "{document}: {other} stands there twice");
        assert!(own != "–" || missing != "–", "{document}: nothing is said of {other}");
        for name in names(own) {
            let (kind, attribute) = name.split_once('.').unwrap_or_default();
            let known = kind::get(kind).and_then(|kind| kind.attribute(attribute));
            assert!(known.is_some(), "{document}: there is no `{name}`");
            said.insert(name);
        }
    }
    for name in kinds {
        let kind = kind::get(name).expect("a kind");
        for attribute in kind.attributes.iter() {
            let path = format!("{name}.{}", attribute.name);
            let known = said.contains(path.as_str()) || elsewhere.contains(&attribute.name);
            assert!(known, "{document}: `{path}` is in no row");
        }
    }
}

#[test]
fn what_terraform_has_is_told_beside_what_atlas_has() {
    let kinds = ["bucket", "queue", "role", "policy", "instance_profile", "oidc_provider", "group", "user"];
    holds("docs/aws.md", "Beside Terraform's provider", &kinds, &[]);
}

/// The options of `k3d cluster create` 5.8.
const K3D_OPTIONS: &str = "agents agents-memory api-port config enforce-registry-port-match env gpus host-alias host-pid-mode image \
    k3s-arg k3s-node-label kubeconfig-switch-context kubeconfig-update-default lb-config-override network no-image-volume no-lb \
    no-rollback port registry-config registry-create registry-use runtime-label runtime-ulimit servers servers-memory subnet timeout \
    token volume wait";

/// The words of `k3d` that have no option there.
const OWN_WORDS: [&str; 4] = ["loadbalancer_image", "drain", "taints", "privileged"];

#[test]
fn what_k3d_has_is_told_beside_what_atlas_has() {
    let rows = rows("docs/docker.md", "Beside the options of k3d cluster create");
    let options: Vec<&str> =
        rows.iter().flat_map(|[other, ..]| names(other)).map(|name| name.trim_start_matches("--")).collect();
    let mut told = options.clone();
    told.sort_unstable();
    assert_eq!(told, K3D_OPTIONS.split_whitespace().collect::<Vec<_>>(), "each option stands there once");
    let cluster = kind::get("cluster").expect("a kind");
    let k3d = cluster.attribute("k3d").expect("its layout");
    let Type::Object(parts) = &k3d.ty else { panic!("it is a table") };
    let mut said = BTreeSet::new();
    for [other, own, missing] in &rows {
        assert!(own != "–" || missing != "–", "nothing is said of {other}");
        for name in names(own) {
            let path = name.strip_prefix("cluster.").expect("an attribute of a cluster");
            let known = match path.strip_prefix("k3d.") {
                Some(part) => parts.iter().any(|one| one.name == part),
                None => cluster.attribute(path).is_some(),
            };
            assert!(known, "there is no `{name}`");
            said.insert(path);
        }
    }
    for part in parts.iter().filter(|part| !OWN_WORDS.contains(&part.name)) {
        assert!(said.contains(format!("k3d.{}", part.name).as_str()), "`{}` is in no row", part.name);
    }
}

#[test]
fn what_compose_has_is_told_beside_what_atlas_has() {
    holds("docs/docker.md", "Beside the compose specification", &["container", "network", "volume"], &["engine"]);
}
