//! Secrets whose values are kept elsewhere: written to the cluster, found when they are others, and told to nobody.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::harness::{Cluster, deployment};
use crate::support::Run;

/// The values that nothing but the Secrets may ever hold.
const PLANTED: [&str; 5] =
    ["planted-one-111", "planted-two-222", "planted-three-333", "planted-four-444", "planted-cert-555"];

const SECRETS: &str = "secrets = { ledger-db = { password = { file = \"secrets/password\" }, ca.crt = { file = \"secrets/ca.crt\" } } }\n";

/// A cluster with an app whose pods use a Secret that the spec says.
fn with_app(more: &str) -> Cluster {
    let env = "        env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: ledger-db, key: password}}}]\n";
    let cluster = Cluster::with_chart(&deployment("web", 1, "nginx:1", env));
    std::fs::create_dir_all(cluster.place.path("secrets")).expect("made");
    write(&cluster, "password", &format!("{}\n", PLANTED[0]));
    write(&cluster, "ca.crt", &format!("-----BEGIN-----\n{}\n", PLANTED[4]));
    cluster.add(more);
    cluster
}

fn write(cluster: &Cluster, name: &str, value: &str) {
    cluster.place.write(&format!("secrets/{name}"), value);
}

fn data(cluster: &Cluster, secret: &str, key: &str) -> Option<String> {
    let live = cluster.object(&format!("secrets/{secret}"))?;
    let bytes = BASE64_STANDARD.decode(live["data"][key].as_str()?).expect("base64");
    Some(String::from_utf8(bytes).expect("a text"))
}

/// Whatever the program says, in every form that it has.
fn everything_said(cluster: &Cluster) -> String {
    let commands: [&[&str]; 9] = [
        &["-v", "plan"],
        &["plan", "--json", "--out", "saved.plan"],
        &["plan", "--format", "markdown"],
        &["drift"],
        &["drift", "--json"],
        &["status", "--json"],
        &["show", "app.web@dc/Secret/ledger-db"],
        &["graph", "--format", "json"],
        &["history", "--json"],
    ];
    commands.map(|command| format!("{:?}\n", cluster.place.run(command))).concat()
        + &std::fs::read_to_string(cluster.place.path("saved.plan")).unwrap_or_default()
}

/// Expects that no value is in any of these texts, in any record, or on the cluster outside of Secrets.
fn is_told_to_nobody(cluster: &Cluster, texts: &[&str]) {
    let mut all: Vec<(String, String)> = texts.iter().map(|text| ("output".to_owned(), (*text).to_owned())).collect();
    files(&cluster.place.path(".atlas"), &mut all);
    for plural in ["configmaps", "deployments", "serviceaccounts"] {
        let listed = cluster.object(plural).unwrap_or_default();
        all.push((plural.to_owned(), listed.to_string()));
    }
    let namespace = cluster.get(&format!("/api/v1/namespaces/{}", cluster.namespace)).unwrap_or_default();
    all.push(("namespace".to_owned(), namespace.to_string()));
    let metadata = cluster.object("secrets").unwrap_or_default()["items"].as_array().cloned().unwrap_or_default();
    all.extend(metadata.iter().map(|one| ("metadata of a Secret".to_owned(), one["metadata"].to_string())));
    assert!(all.iter().any(|(place, _)| place.contains("journal")), "there are no records");
    // What is kept of the spec as it was applied is a copy of the project's own files, and says what they say.
    let mut own: Vec<(String, String)> = Vec::new();
    files(&cluster.place.path("web"), &mut own);
    for value in PLANTED {
        let is_own = own.iter().any(|(_, text)| text.contains(value));
        for form in [value.to_owned(), BASE64_STANDARD.encode(value).trim_end_matches('=').to_owned()] {
            let is_copy = |place: &str| is_own && (place.contains("/applied.json") || place.contains("/applied/"));
            let found = all.iter().find(|(place, text)| !is_copy(place) && text.contains(&form[..form.len() - 1]));
            assert!(found.is_none(), "`{form}` is in {found:?}");
        }
    }
}

fn files(folder: &Path, all: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => files(&path, all),
            false => {
                let bytes = std::fs::read(&path).expect("readable");
                all.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
}

#[test]
fn a_secret_is_kept_by_reference_and_its_values_are_told_to_nobody() {
    let cluster = with_app(SECRETS);
    let plan = cluster.place.json(&["plan", "--json"]);
    let changes = plan["changes"].as_array().expect("a list");
    let change =
        |end: &str| changes.iter().find(|one| one["address"].as_str().is_some_and(|address| address.ends_with(end)));
    let secret = change("/Secret/ledger-db").expect("it is planned");
    assert!(secret.to_string().contains("secrets/password"), "{secret}");
    // Pods wait for it.
    let needs = change("/Deployment/web").expect("it is planned")["depends_on"].clone();
    assert!(needs.as_array().expect("a list").contains(&json!("app.web@dc/Secret/ledger-db")), "{needs}");
    let mut said = vec![cluster.converge(), everything_said(&cluster)];
    assert_eq!(data(&cluster, "ledger-db", "password").as_deref(), Some(PLANTED[0]));
    assert_eq!(data(&cluster, "ledger-db", "ca.crt"), Some(format!("-----BEGIN-----\n{}\n", PLANTED[4])));
    assert_eq!(cluster.object("secrets/ledger-db").expect("there")["type"], "Opaque");
    // Another value behind the reference is a change, and nobody's break-in.
    write(&cluster, "password", PLANTED[1]);
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("secrets.password: \"(another value)\" -> "), "{plan}");
    assert_eq!(cluster.changes(), ["update Secret/ledger-db"]);
    assert_eq!(cluster.place.run(&["drift"]).code, 0);
    said.extend([plan, everything_said(&cluster), cluster.converge()]);
    assert_eq!(data(&cluster, "ledger-db", "password").as_deref(), Some(PLANTED[1]));
    // What somebody else writes is drift: another value, a key that is gone, and all of it.
    let theirs = BASE64_STANDARD.encode(PLANTED[2]);
    for edit in [json!({ "data": { "password": theirs } }), json!({ "data": { "ca.crt": null } })] {
        cluster.edit("kubectl-edit", "secrets/ledger-db", &edit);
        said.push(everything_said(&cluster));
        let drift = cluster.place.run(&["drift"]);
        assert_eq!(drift.code, 2, "{drift:?}");
        assert_eq!(cluster.changes(), ["update Secret/ledger-db"]);
        said.extend([drift.stdout, cluster.converge()]);
    }
    cluster.delete("secrets/ledger-db");
    said.push(cluster.converge());
    assert_eq!(data(&cluster, "ledger-db", "password").as_deref(), Some(PLANTED[1]));
    // Another reference, and a key that leaves.
    write(&cluster, "other", PLANTED[3]);
    cluster.place.edit(SECRETS, "secrets = { ledger-db = { password = { file = \"secrets/other\" } } }\n");
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("secrets.\"ca.crt\"") && plan.contains("secrets.password"), "{plan}");
    said.extend([plan, cluster.converge(), everything_said(&cluster)]);
    let live = cluster.object("secrets/ledger-db").expect("there")["data"].clone();
    assert_eq!(live, json!({ "password": BASE64_STANDARD.encode(PLANTED[3]) }));
    // Without its entry it is gone, also for somebody who has no record of it.
    std::fs::remove_dir_all(cluster.place.path(".atlas")).expect("records");
    cluster.place.edit("secrets = { ledger-db = { password = { file = \"secrets/other\" } } }\n", "");
    said.extend([everything_said(&cluster), cluster.converge()]);
    assert_eq!(cluster.object("secrets/ledger-db"), None);
    is_told_to_nobody(&cluster, &said.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_reference_that_leads_nowhere_is_told_before_anything_is_touched() {
    let cluster = with_app("secrets = { ledger-db = { password = { env = \"ATLAS_TEST_PLANTED\" } } }\n");
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("the secret in $ATLAS_TEST_PLANTED is not set in this environment"), "{refused:?}");
    assert!(refused.stderr.contains("app.web@dc/Secret/ledger-db"), "{refused:?}");
    assert_eq!(cluster.get(&format!("/api/v1/namespaces/{}", cluster.namespace)), None);
    let with_it = |args: &[&str]| {
        Run::of(cluster.place.command(args).env("ATLAS_TEST_PLANTED", PLANTED[0]).output().expect("it runs"))
    };
    let applied = with_it(&["apply", "--yes"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    assert_eq!(with_it(&["plan", "--detailed-exitcode"]).code, 0);
    // Where it is not set, nobody can say whether the Secret is as it should be.
    let unknown = cluster.place.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(unknown.code, 4, "{unknown:?}");
    assert!(unknown.stderr.contains("$ATLAS_TEST_PLANTED"), "{unknown:?}");
    // What is to be written can't be.
    cluster.place.edit("ATLAS_TEST_PLANTED", "ATLAS_TEST_OTHER");
    let refused = with_it(&["apply", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("$ATLAS_TEST_OTHER"), "{refused:?}");
    assert_eq!(data(&cluster, "ledger-db", "password").as_deref(), Some(PLANTED[0]));
    is_told_to_nobody(&cluster, &[&format!("{applied:?}{unknown:?}{refused:?}")]);
}

#[test]
fn two_that_would_be_one_secret_are_both_named() {
    let cluster = with_app(SECRETS);
    let chart = cluster.place.read("web/templates/all.yaml");
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: ledger-db}\nstringData: {a: b}\n";
    cluster.chart("web", &format!("{chart}{secret}"));
    let refused = cluster.place.run(&["validate"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("templates/all.yaml") && refused.stderr.contains("`secrets`"),
        "{}",
        refused.stderr
    );
    cluster.chart("web", &chart);
    cluster.place.edit("network = \"open\"\n", &format!("network = \"open\"\n{SECRETS}"));
    let refused = cluster.place.run(&["validate"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let namespace = format!("namespace.{}@dc/Secret/ledger-db", cluster.namespace);
    assert!(
        refused.stderr.contains(&namespace) && refused.stderr.contains("app.web@dc/Secret/ledger-db"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_strangers_secret_is_left_alone_until_it_is_adopted() {
    let cluster = with_app("");
    cluster.converge();
    let theirs = BASE64_STANDARD.encode(PLANTED[2]);
    cluster.create("kubectl-create", &json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "ledger-db" }, "data": { "password": theirs, "old": theirs },
    }));
    cluster.add(SECRETS);
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(data(&cluster, "ledger-db", "password").as_deref(), Some(PLANTED[2]));
    let adopted = cluster.place.run(&["adopt", "--yes", "app.web@dc/Secret/ledger-db", "--json"]);
    assert_eq!(adopted.code, 0, "{adopted:?}");
    let told = cluster.converge();
    let live = cluster.object("secrets/ledger-db").expect("there")["data"].clone();
    assert!(live["ca.crt"].is_string() && live["old"].is_null(), "{live}");
    assert_eq!(data(&cluster, "ledger-db", "password").as_deref(), Some(PLANTED[0]));
    is_told_to_nobody(&cluster, &[&format!("{refused:?}{adopted:?}{told}"), &everything_said(&cluster)]);
}

#[test]
fn a_secret_that_a_chart_made_goes_on_as_one_by_reference() {
    let cluster = with_app("");
    let chart = cluster.place.read("web/templates/all.yaml");
    let secret = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: ledger-db}}\nstringData: {{password: {}}}\n",
        PLANTED[3]
    );
    cluster.chart("web", &format!("{chart}{secret}"));
    cluster.converge();
    let uid = || cluster.object("secrets/ledger-db").expect("there")["metadata"]["uid"].clone();
    let before = uid();
    cluster.chart("web", &chart);
    cluster.add("secrets = { ledger-db = { password = { file = \"secrets/password\" } } }\n");
    let said = everything_said(&cluster);
    cluster.converge();
    assert_eq!((uid(), data(&cluster, "ledger-db", "password").as_deref()), (before, Some(PLANTED[0])));
    // And back.
    cluster.place.edit("secrets = { ledger-db = { password = { file = \"secrets/password\" } } }\n", "");
    cluster.chart("web", &format!("{chart}{secret}"));
    let back = everything_said(&cluster);
    cluster.converge();
    assert_eq!(data(&cluster, "ledger-db", "password").as_deref(), Some(PLANTED[3]));
    is_told_to_nobody(&cluster, &[&said, &back]);
}

#[test]
fn what_is_left_to_others_in_a_secret_stays() {
    let cluster = with_app(SECRETS);
    cluster.add("[app.web.objects]\n\"Secret/ledger-db\" = { ignore = [\"/data/password\"] }\n");
    cluster.converge();
    cluster.edit(
        "rotation",
        "secrets/ledger-db",
        &json!({ "data": { "password": BASE64_STANDARD.encode(PLANTED[2]) } }),
    );
    for _ in 0..2 {
        cluster.is_converged();
    }
    write(&cluster, "ca.crt", PLANTED[1]);
    assert_eq!(cluster.changes(), ["update Secret/ledger-db"]);
    cluster.converge();
    assert_eq!(data(&cluster, "ledger-db", "password").as_deref(), Some(PLANTED[2]));
    assert_eq!(data(&cluster, "ledger-db", "ca.crt").as_deref(), Some(PLANTED[1]));
}

#[test]
fn what_a_server_repeats_of_a_secret_is_not_told() {
    let cluster = with_app(SECRETS);
    let Some(server) = &cluster.server else { return };
    server.validate(|_, object| match object["kind"] == "Secret" {
        true => Err(format!("it takes no {}, which is {}", object["data"], PLANTED[0])),
        false => Ok(()),
    });
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert!(refused.code == 3 && refused.stderr.contains("(secret)"), "{refused:?}");
    is_told_to_nobody(&cluster, &[&format!("{refused:?}"), &everything_said(&cluster)]);
}

#[test]
fn hooks_of_a_chart_have_the_secrets_of_their_app() {
    let hook = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: nginx:1}]}}}\n";
    let cluster = with_app(SECRETS);
    let chart = cluster.place.read("web/templates/all.yaml");
    cluster.chart("web", &format!("{chart}{hook}"));
    let plan = cluster.place.json(&["plan", "--json"]);
    let changes = plan["changes"].as_array().expect("a list");
    let job = changes.iter().find(|one| one["address"] == "app.web@dc/Job/migrate").expect("it is planned");
    assert!(job["depends_on"].to_string().contains("Secret/ledger-db"), "{job}");
    cluster.converge();
    // One more Secret concerns who waits for it, and nothing else of the app.
    cluster.add("[app.web.secrets.more]\ntoken = { file = \"secrets/password\" }\n");
    cluster.place.edit(SECRETS, "[app.web.secrets.ledger-db]\npassword = { file = \"secrets/password\" }\n");
    let text = cluster.place.expect(0, &["plan"]);
    assert!(text.contains("+ app.web@dc/Secret/more") && !text.contains("only named here"), "{text}");
    cluster.converge();
}
