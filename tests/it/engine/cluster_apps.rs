//! A cluster with what runs on it: one plan from nothing, one apply, and nothing that turns out other than shown.

use serde_json::Value;

use super::clusters::spec;
use super::{Engine, free_port};
use crate::kubernetes::api::ApiServer;
use crate::kubernetes::harness::deployment;
use crate::support::Place;

#[test]
fn a_cluster_and_its_apps_are_one_plan_from_nothing_and_one_apply() {
    let Some(engine) = Engine::here() else { return };
    // What the stand-in for k3s knows nothing of, it hands on to this server, at the address of the machine.
    let server = ApiServer::start_at("0.0.0.0:0");
    let api = server.url().rsplit(':').next().expect("a port").to_owned();
    let more = format!(
        "api_port = {}\nnetwork = \"network.apps\"\nkubeconfig = \"none\"\nenvironment = {{ STAND_IN_API = \"{api}\" }}\n\
         [namespace.shop]\nclusters = [\"apps\"]\n[app.web]\nclusters = [\"apps\"]\nnamespace = \"shop\"\nchart = \"web\"\n\
         values = {{ network = \"${{network.apps.name}}\" }}\n",
        free_port()
    );
    let place = Place::with(&spec(&engine, "apps", "apps", 0, &more));
    std::fs::create_dir_all(place.path("web/templates")).expect("made");
    place.write("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
    let settings =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {network: {{ .Values.network | quote }}}\n---\n";
    let web = deployment("web", 2, "nginx:1", "        envFrom: [{configMapRef: {name: web}}]\n");
    place.write("web/templates/all.yaml", &format!("{settings}{web}"));
    let plan: Value = serde_json::from_str(&engine.expect(&place, 0, &["plan", "--json"])).expect("JSON");
    let changes = plan["changes"].as_array().expect("a list");
    let shown = changes.iter().find(|one| one["address"] == "app.web@apps/Deployment/web").expect("it is planned");
    assert_eq!((&shown["action"], &shown["deferred"]), (&"create".into(), &true.into()));
    let made = engine.expect(&place, 0, &["apply", "--yes"]);
    assert!(made.contains("created app.web@apps/Deployment/web"), "{made}");
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let live = server.object("Deployment", Some("shop"), "web").expect("it is there");
    assert_eq!(live["spec"]["replicas"], 2);
    assert_eq!(server.object("ConfigMap", Some("shop"), "web").expect("it is there")["data"]["network"], "apps");
    // What was planned is what is there, attribute by attribute.
    let manifest = shown["attributes"].as_array().expect("a list").iter().find(|one| one["path"] == "manifest");
    let manifest = &manifest.expect("it has one")["after"];
    assert_eq!(manifest["spec"]["selector"], live["spec"]["selector"]);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.apps"]);
}
