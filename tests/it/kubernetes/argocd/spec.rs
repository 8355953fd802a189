//! What `validate` says of apps that an Argo CD delivers, without a cluster.

use serde_json::Value;

use super::{Delivered, GIT, HUB, ONE};
use crate::charts::ChartServer;

/// The objects that a plan in the sandbox would make, by address.
fn manifest(one: &Delivered, address: &str) -> Value {
    let plan = one.place.json(&["-e", "try", "plan", "--json"]);
    let changes = plan["changes"].as_array().expect("a list");
    let change = changes.iter().find(|change| change["address"] == address).unwrap_or_else(|| panic!("{plan}"));
    let attributes = change["attributes"].as_array().expect("a list");
    attributes.iter().find(|one| one["path"] == "manifest").expect("a manifest")["after"].clone()
}

#[test]
fn what_does_not_go_with_an_argo_cd_is_an_error_at_its_place() {
    for (from, to, says) in [
        ("argocd = { GIT }", "argocd = {}", "it needs `repository`"),
        ("argocd = { GIT }", "argocd = { repository = \"https://git.example.com/a\" }", "it needs `revision`"),
        ("{ argocd = { GIT } }", "\"argocd\"", "an Argo CD reads it from Git"),
        ("{ argocd = { GIT } }", "\"argo\"", "did you mean `argocd`?"),
        ("{ argocd = { GIT } }", "{}", "says nobody who delivers"),
        ("{ argocd = {", "{ argo = {", "did you mean `argocd`?"),
        ("argocd = { ", "argocd = { huub = \"dc\", ", "did you mean `hub`?"),
        ("argocd = { ", "argocd = { hub = \"dx\", ", "did you mean `dc`?"),
        ("argocd = { ", "argocd = { destinations = { dc = \"x\" }, ", "say `hub`"),
        ("argocd = { ", "argocd = { hub = \"dc\", destinations = { dd = \"x\" }, ", "did you mean `dc`?"),
        ("https://git", "https://me:secret@git", "no credentials in it"),
        ("revision = \"main\"", "revision = \"{{ main }}\"", "a space or a brace"),
        ("timeout", "rollout = { max_clusters = 1 }\ntimeout", "nothing holds it back"),
        ("timeout", "api_versions = [\"a/v1\"]\ntimeout", "asks the cluster itself"),
        (
            "timeout",
            "objects = { \"Deployment/web\" = { ready = \"true\" } }\ntimeout",
            "has no object `Deployment/web`",
        ),
        ("chart = \"web\"", "manifests = [\"a/*.yaml\", \"b/*.yaml\"]", "an Application has one"),
        ("chart = \"web\"", "chart = \"web\"\nrepository = \"https://charts.example.com\"", "about a Git repository"),
    ] {
        let one = Delivered::new(&["dc"], ONE);
        one.edit(from, to);
        let refused = one.place.run(&["validate"]);
        assert!(refused.code == 1 && refused.stderr.contains(says), "{to}: {}", refused.stderr);
        assert!(refused.stderr.contains("^"), "{}", refused.stderr);
    }
}

#[test]
fn two_apps_of_one_name_in_one_argo_cd_are_told_apart_by_a_word() {
    let one = Delivered::new(&["dc"], ONE);
    let spec = one.place.read("atlas.toml");
    let more = format!(
        "\n[namespace.shop]\nclusters = [\"dc\"]\n\n[app.more]\nname = \"web\"\nclusters = [\"dc\"]\nnamespace = \"shop\"\nchart = \"web\"\ndeliver = {{ argocd = {{ {GIT} }} }}\n"
    );
    one.place.write("atlas.toml", &format!("{spec}{more}"));
    let refused = one.place.run(&["validate"]);
    assert!(refused.code == 1 && refused.stderr.contains("application = "), "{}", refused.stderr);
    let head = one.place.read("atlas.toml");
    let (first, last) = head.rsplit_once("argocd = { ").expect("two");
    one.place.write("atlas.toml", &format!("{first}argocd = {{ application = \"shop-web\", {last}"));
    one.place.expect(0, &["validate"]);
    let shown = one.place.expect(0, &["render", "app.more@dc"]);
    assert!(shown.contains("name: shop-web") && shown.contains("releaseName: web"), "{shown}");
}

#[test]
fn applications_of_two_sets_that_would_have_one_name_are_told() {
    let hub = Delivered::new(&["mgmt", "dc-us", "dc-eu", "eu"], HUB);
    hub.place.expect(0, &["validate"]);
    let more = format!(
        "\n[app.web-dc]\nclusters = [\"eu\"]\nchart = \"web\"\ndeliver = {{ argocd = {{ hub = \"mgmt\", {GIT} }} }}\n"
    );
    let spec = hub.place.read("atlas.toml");
    hub.place.write("atlas.toml", &format!("{spec}{more}"));
    let refused = hub.place.run(&["validate"]);
    assert!(refused.code == 1 && refused.stderr.contains("argocd:web-dc-eu"), "{}", refused.stderr);
}

#[test]
fn kustomizations_and_manifests_are_found_in_git() {
    let git = format!("argocd = {{ {GIT}, folder = \"platform/shop\" }}");
    for (source, path, include) in [
        ("kustomize = \"overlays/prod\"", "platform/shop/overlays/prod", Value::Null),
        ("manifests = [\"k8s/*.yaml\"]", "platform/shop/k8s", "*.yaml".into()),
        ("manifests = [\"k8s/a.yaml\", \"k8s/b.yaml\"]", "platform/shop/k8s", "{a.yaml,b.yaml}".into()),
        ("manifests = [\"a.yaml\"]", "platform/shop", "a.yaml".into()),
        ("chart = \"./web/\"", "platform/shop/web", Value::Null),
    ] {
        let one = Delivered::new(&["dc"], ONE);
        one.edit("argocd = { GIT }", &git);
        one.edit("chart = \"web\"", source);
        if !source.starts_with("chart") {
            one.edit("values = { replicas = 2 }\n", "");
        }
        let manifest = manifest(&one, "app.web@dc/Application/web");
        assert_eq!(manifest["spec"]["source"]["path"], path, "{source}");
        assert_eq!(manifest["spec"]["source"]["directory"]["include"], include, "{source}");
        assert_eq!(manifest["spec"]["source"]["helm"].is_null(), !source.starts_with("chart"), "{source}");
    }
}

#[test]
fn a_published_chart_is_taken_in_the_version_that_is_locked() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.2.0");
    for (lines, repository) in [
        (format!("chart = \"web\"\nrepository = \"{}\"\nversion = \"^1.0\"", server.repository()), server.repository()),
        (format!("chart = \"{}/web\"", server.registry()), server.registry().trim_start_matches("oci://").to_owned()),
    ] {
        let one = Delivered::new(&["dc"], ONE);
        one.edit("chart = \"web\"", &lines);
        one.edit("{ argocd = { GIT } }", "\"argocd\"");
        one.place.expect(0, &["lock"]);
        let manifest = manifest(&one, "app.web@dc/Application/web");
        let source = &manifest["spec"]["source"];
        assert_eq!((&source["chart"], &source["targetRevision"]), (&"web".into(), &"1.2.0".into()), "{source}");
        assert_eq!(source["repoURL"], repository.as_str());
    }
}

#[test]
fn a_value_that_is_known_later_is_completed_then() {
    let one = Delivered::new(&["dc"], ONE);
    one.edit("replicas = 2", "replicas = 2, at = \"${cluster.dc.endpoint}\"");
    let shown = one.place.expect(0, &["render", "app.web@dc"]);
    assert!(shown.contains("at: ${cluster.dc.endpoint}"), "{shown}");
    one.converge();
    let given = one.given("dc", "Application", "web").expect("there");
    let at = given["spec"]["source"]["helm"]["valuesObject"]["at"].as_str().expect("a text").to_owned();
    assert!(at.starts_with("http://127.0.0.1:"), "{at}");
}

#[test]
fn the_app_that_brings_argo_cd_is_there_before_and_goes_after() {
    let one = Delivered::new(&["dc"], ONE);
    let spec = one.place.read("atlas.toml");
    let more = "\n[namespace.argocd]\nclusters = [\"dc\"]\n\n[app.argo]\nclusters = [\"dc\"]\nnamespace = \"argocd\"\nmanifests = [\"argo.yaml\"]\n";
    one.place.write("atlas.toml", &format!("{spec}{more}"));
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: applications.argoproj.io}\nspec:\n  group: argoproj.io\n  scope: Namespaced\n  names: {kind: Application, plural: applications, singular: application}\n  versions: [{name: v1alpha1, served: true, storage: true}]\n";
    let controller = crate::kubernetes::harness::deployment("argocd-controller", 1, "argocd:3", "");
    one.place.write("argo.yaml", &format!("{definition}---\n{controller}"));
    let plan = one.place.json(&["-e", "try", "plan", "--json"]);
    let changes = plan["changes"].as_array().expect("a list");
    let given = changes.iter().find(|one| one["address"] == "app.web@dc/Application/web").expect("it is planned");
    let needs: Vec<&str> = given["depends_on"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for need in [
        "app.argo@dc",
        "app.argo@dc/CustomResourceDefinition/applications.argoproj.io",
        "app.argo@dc/Deployment/argocd-controller",
        "namespace.argocd@dc",
    ] {
        assert!(needs.contains(&need), "{need} is not among {needs:?}");
    }
    one.place.expect(0, &["-e", "try", "apply", "--yes"]);
    one.place.expect(0, &["-e", "try", "destroy", "--yes"]);
}

#[test]
fn clusters_of_odd_names_give_applications_of_good_ones() {
    let one = Delivered::new(&["dc", "dc_2"], &ONE.replace("[\"dc\"]", "[\"dc\", \"dc_2\"]"));
    one.edit("argocd = { ", "argocd = { hub = \"dc\", ");
    let shown = one.place.expect(0, &["render", "app.web@dc_2"]);
    assert!(shown.contains("application: web-dc-2") && shown.contains("destination: dc_2"), "{shown}");
    // Where the app has a name of its own on each cluster, the set is called as its block is.
    one.edit("chart = \"web\"", "chart = \"web\"\nname = \"w${cluster}\"");
    one.edit("\"dc_2\"", "\"dc-2\"");
    one.edit("[cluster.dc_2]", "[cluster.dc-2]");
    let shown = one.place.expect(0, &["render", "app.web@dc-2"]);
    assert!(shown.contains("application: web-dc-2") && shown.contains("release: wdc-2"), "{shown}");
    let name = "w".repeat(62);
    one.edit("argocd = { ", &format!("argocd = {{ application = \"{name}\", "));
    let refused = one.place.run(&["validate"]);
    assert!(refused.code == 1 && refused.stderr.contains("say a shorter `application`"), "{}", refused.stderr);
}

#[test]
fn the_sandbox_takes_it_as_well() {
    let one = Delivered::new(&["dc"], ONE);
    one.place.expect(0, &["-e", "try", "apply", "--yes"]);
    one.place.expect(0, &["-e", "try", "plan", "--detailed-exitcode"]);
    one.edit("argocd = { ", "argocd = { hub = \"dc\", ");
    one.place.expect(0, &["-e", "try", "apply", "--yes"]);
    one.place.expect(0, &["-e", "try", "plan", "--detailed-exitcode"]);
    one.place.expect(0, &["-e", "try", "destroy", "--yes"]);
}
