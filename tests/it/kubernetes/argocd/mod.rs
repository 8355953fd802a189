//! Apps that an Argo CD delivers, from an Application to an ApplicationSet, and back to Atlas without a restart.

mod controller;
mod handing_over;
mod spec;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::controller::{Argo, Behaviour};
use super::api::ApiServer;
use super::harness::deployment;
use crate::support::Place;

/// Where the folder of the spec is in Git.
const GIT: &str = "repository = \"https://git.example.com/shop.git\", revision = \"main\"";

/// Clusters with an Argo CD each, and one app.
struct Delivered {
    place: Place,
    servers: BTreeMap<&'static str, Arc<ApiServer>>,
    argo: Argo,
}

impl Delivered {
    /// Clusters, and an app of one Deployment with some lines more. `GIT` stands for where its folder is in Git.
    fn new(clusters: &[&'static str], app: &str) -> Self {
        let place = Place::empty();
        let mut spec = "[project]\nname = \"delivered\"\nenvironment = \"here\"\n\n[environment.here]\n\n[environment.try]\nworld = \"sandbox\"\n".to_owned();
        let mut servers = BTreeMap::new();
        for name in clusters {
            let server = ApiServer::start();
            place.write(&format!("{name}.yaml"), &server.kubeconfig(name));
            spec.push_str(&format!(
                "\n[cluster.{name}]\nkubeconfig = {{ file = \"{name}.yaml\", context = \"{name}\" }}\n"
            ));
            servers.insert(*name, Arc::new(server));
        }
        place.write("atlas.toml", &format!("{spec}\n[app.web]\nchart = \"web\"\n{}", app.replace("GIT", GIT)));
        std::fs::create_dir_all(place.path("web/templates")).expect("made");
        place.write("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
        place.write("web/values.yaml", "replicas: 1\n");
        let text = deployment("web", 1, "nginx:1", "").replace("replicas: 1", "replicas: {{ .Values.replicas }}");
        place.write("web/templates/all.yaml", &text);
        let argo = Argo::start(&servers);
        Self { place, servers, argo }
    }

    /// Says something in the spec, with `GIT` for where its folder is in Git.
    fn edit(&self, from: &str, to: &str) {
        self.place.edit(&from.replace("GIT", GIT), &to.replace("GIT", GIT));
    }

    fn converge(&self) -> String {
        self.place.converge()
    }

    /// What the Argo CD of a cluster was given.
    fn given(&self, cluster: &str, kind: &str, name: &str) -> Option<Value> {
        self.servers[cluster].object(kind, Some("argocd"), name)
    }

    /// The Deployment on a cluster.
    fn runs(&self, cluster: &str) -> Option<Value> {
        self.servers[cluster].object("Deployment", Some("default"), "web")
    }

    /// What tells whether the Deployment on a cluster was made anew, or its pods were started again.
    fn life(&self, cluster: &str) -> (Value, Value) {
        let live = self.runs(cluster).expect("it runs");
        // A mark is an annotation, and those of a Deployment make a generation as well.
        (live["metadata"]["uid"].clone(), live["spec"]["template"].clone())
    }
}

const ONE: &str = "clusters = [\"dc\"]\nvalues = { replicas = 2 }\ndeliver = { argocd = { GIT } }\ntimeout = \"20s\"\n";

#[test]
fn an_app_is_delivered_by_the_argo_cd_of_its_cluster() {
    let one = Delivered::new(&["dc"], ONE);
    let told = one.converge();
    assert!(told.contains("app.web@dc/Application/web"), "{told}");
    let given = one.given("dc", "Application", "web").expect("there");
    assert_eq!(
        given["spec"],
        json!({
            "project": "default",
            "source": {
                "repoURL": "https://git.example.com/shop.git", "targetRevision": "main", "path": "web",
                "helm": { "releaseName": "web", "valuesObject": { "replicas": 2 } },
            },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": "default" },
            "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
        })
    );
    assert_eq!(given["metadata"]["finalizers"], json!(["resources-finalizer.argocd.argoproj.io"]));
    assert_eq!(one.runs("dc").expect("it runs")["spec"]["replicas"], 2);
    // A change of the values is waited for.
    one.edit("replicas = 2", "replicas = 3");
    one.converge();
    assert_eq!(one.runs("dc").expect("it runs")["spec"]["replicas"], 3);
    // What somebody else changed of it comes back.
    let patch = json!({ "spec": { "syncPolicy": { "automated": { "prune": false } } } });
    one.servers["dc"].edit("kubectl-edit", "Application", Some("argocd"), "web", patch);
    let drift = one.place.run(&["drift"]);
    assert!(drift.code == 2 && drift.stdout.contains("app.web@dc/Application/web"), "{drift:?}");
    one.converge();
    let given = one.given("dc", "Application", "web").expect("there");
    assert_eq!(given["spec"]["syncPolicy"]["automated"]["prune"], true);
    let shown = one.place.expect(0, &["render", "app.web@dc"]);
    assert!(shown.contains("kind: Application\n") && shown.contains("releaseName: web"), "{shown}");
    // Without the app nothing of it is left.
    let spec = one.place.read("atlas.toml");
    one.place.write("atlas.toml", spec.split_once("[app.web]").expect("an app").0);
    one.converge();
    assert_eq!((one.given("dc", "Application", "web"), one.runs("dc")), (None, None));
}

#[test]
fn what_argo_cd_says_of_what_was_before_does_not_count() {
    let one = Delivered::new(&["dc"], ONE);
    one.converge();
    one.argo.be(Behaviour { is_paused: true, ..Behaviour::default() });
    one.edit("replicas = 2", "replicas = 3");
    one.edit("timeout = \"20s\"", "timeout = \"5s\"");
    let told = one.place.run(&["apply", "--yes"]);
    let text = format!("{}{}", told.stdout, told.stderr);
    assert!(told.code == 3 && text.contains("Argo CD has not looked yet at what is wanted now"), "{text}");
    one.argo.be(Behaviour::default());
    one.converge();
    assert_eq!(one.runs("dc").expect("it runs")["spec"]["replicas"], 3);
}

#[test]
fn what_argo_cd_can_t_deliver_ends_the_step_early_with_its_words() {
    for (behaviour, says) in [
        (Behaviour { fails: Some("no such chart".into()), ..Behaviour::default() }, "ComparisonError: no such chart"),
        (Behaviour { health: Some("Degraded"), ..Behaviour::default() }, "Deployment/web: says the stand-in"),
    ] {
        let one = Delivered::new(&["dc"], &ONE.replace("20s", "5m"));
        one.argo.be(behaviour);
        let began = Instant::now();
        let told = one.place.run(&["apply", "--yes"]);
        let text = format!("{}{}", told.stdout, told.stderr);
        assert!(told.code == 3 && text.contains(says), "{text}");
        assert!(began.elapsed() < Duration::from_secs(60), "it was waited for");
        one.argo.be(Behaviour::default());
        one.converge();
    }
}

#[test]
fn claims_that_would_go_along_are_said_before() {
    let one = Delivered::new(&["dc"], ONE);
    one.converge();
    one.argo.be(Behaviour { is_paused: true, ..Behaviour::default() });
    std::thread::sleep(Duration::from_millis(200));
    let claim = json!({ "version": "v1", "kind": "PersistentVolumeClaim", "namespace": "default", "name": "data" });
    let resources = json!([one.given("dc", "Application", "web").expect("there")["status"]["resources"][0], claim]);
    let patch = json!({ "status": { "resources": resources } });
    one.servers["dc"].edit("argocd-application-controller", "Application", Some("argocd"), "web", patch);
    let spec = one.place.read("atlas.toml");
    one.place.write("atlas.toml", spec.split_once("[app.web]").expect("an app").0);
    let refused = one.place.run(&["apply", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("1 volume"), "{refused:?}");
    // What it delivered stays where the app does, so that loses nothing.
    one.place.write("atlas.toml", &spec.replace(&format!("deliver = {{ argocd = {{ {GIT} }} }}\n"), ""));
    one.converge();
    assert!(one.runs("dc").is_some());
}

/// A hub without the app, and two clusters with it.
const HUB: &str = "clusters = [\"dc-us\", \"dc-eu\"]\nvalues = { replicas = 2, at = \"${cluster}\" }\nnamespace = \"default\"\ndeliver = { argocd = { hub = \"mgmt\", GIT, destinations = { dc-eu = \"dc-eu\" } } }\ntimeout = \"20s\"\n";

#[test]
fn a_hub_delivers_to_all_clusters_by_one_application_set() {
    let hub = Delivered::new(&["mgmt", "dc-us", "dc-eu"], HUB);
    let told = hub.converge();
    assert!(told.contains("app.web@mgmt/ApplicationSet/web"), "{told}");
    let set = hub.given("mgmt", "ApplicationSet", "web").expect("there");
    assert_eq!(
        set["spec"]["generators"],
        json!([{ "list": { "elements": [
            { "cluster": "dc-eu", "application": "web-dc-eu", "destination": "dc-eu", "values": { "replicas": 2, "at": "dc-eu" } },
            { "cluster": "dc-us", "application": "web-dc-us", "destination": "dc-us", "values": { "replicas": 2, "at": "dc-us" } },
        ] } }])
    );
    for cluster in ["dc-us", "dc-eu"] {
        assert_eq!(hub.runs(cluster).expect("it runs")["spec"]["replicas"], 2);
        assert_eq!(hub.given(cluster, "Application", "web"), None);
    }
    assert_eq!(hub.runs("mgmt"), None);
    // A cluster that leaves the app is cleared, and nobody else is touched.
    let before = hub.life("dc-us");
    hub.edit("clusters = [\"dc-us\", \"dc-eu\"]", "clusters = [\"dc-us\"]");
    hub.edit(", destinations = { dc-eu = \"dc-eu\" }", "");
    let refused = hub.place.run(&["apply", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("Argo CD removes web-dc-eu"), "{refused:?}");
    hub.place.expect(0, &["apply", "--yes", "--allow-loss", "app.web@mgmt/ApplicationSet/web"]);
    let end = Instant::now() + Duration::from_secs(10);
    while hub.runs("dc-eu").is_some() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!((hub.runs("dc-eu"), hub.life("dc-us")), (None, before));
    let shown = hub.place.expect(0, &["render", "app.web@dc-us"]);
    assert!(shown.contains("kind: ApplicationSet") && shown.contains("web-dc-us"), "{shown}");
    // Without the app nothing of it is left on any cluster.
    let spec = hub.place.read("atlas.toml");
    hub.place.write("atlas.toml", spec.split_once("[app.web]").expect("an app").0);
    hub.converge();
    assert_eq!((hub.given("mgmt", "ApplicationSet", "web"), hub.runs("dc-us")), (None, None));
    assert_eq!(hub.given("mgmt", "Application", "web-dc-us"), None);
}

#[test]
fn a_hub_may_be_one_of_the_clusters_of_the_app() {
    let hub = Delivered::new(&["dc-us", "dc-eu"], &HUB.replace("hub = \"mgmt\"", "hub = \"dc-us\""));
    let told = hub.converge();
    assert!(told.contains("app.web@dc-us/ApplicationSet/web"), "{told}");
    let set = hub.given("dc-us", "ApplicationSet", "web").expect("there");
    assert_eq!(set["spec"]["generators"][0]["list"]["elements"][1]["destination"], "in-cluster");
    assert!(hub.runs("dc-us").is_some() && hub.runs("dc-eu").is_some());
    // The health of the worst cluster is that of the app.
    hub.argo.be(Behaviour { health: Some("Degraded"), ..Behaviour::default() });
    let end = Instant::now() + Duration::from_secs(10);
    let mut status = String::new();
    while !status.contains("says the stand-in") && Instant::now() < end {
        status = hub.place.run(&["plan"]).stdout;
    }
    assert!(status.contains("web-dc-eu: Argo CD says `Degraded`"), "{status}");
}
