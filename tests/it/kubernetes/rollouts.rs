//! Apps that go from cluster to cluster, and clusters that are chosen by their labels.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::api::ApiServer;
use super::harness::deployment;
use crate::support::Place;

/// Several clusters with one app on them, each a server of its own.
struct Fleet {
    place: Place,
    servers: BTreeMap<&'static str, ApiServer>,
}

impl Fleet {
    /// Clusters with some lines of their own, and an app of one Deployment, with some lines more.
    fn new(clusters: &[(&'static str, &str)], app: &str) -> Self {
        let place = Place::empty();
        let mut spec = "[project]\nname = \"fleet\"\nenvironment = \"here\"\n\n[environment.here]\n\n[environment.try]\nworld = \"sandbox\"\n".to_owned();
        let mut servers = BTreeMap::new();
        for (name, more) in clusters {
            let server = ApiServer::start();
            place.write(&format!("{name}.yaml"), &server.kubeconfig(name));
            spec.push_str(&format!(
                "\n[cluster.{name}]\nkubeconfig = {{ file = \"{name}.yaml\", context = \"{name}\" }}\n{more}"
            ));
            servers.insert(*name, server);
        }
        place.write("atlas.toml", &format!("{spec}\n[app.web]\nchart = \"web\"\n{app}"));
        let fleet = Self { place, servers };
        std::fs::create_dir_all(fleet.place.path("web/templates")).expect("made");
        fleet.place.write("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
        fleet.image("nginx:1");
        fleet
    }

    /// Gives the app another image.
    fn image(&self, image: &str) {
        let settings = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n";
        self.place.write("web/templates/all.yaml", &format!("{}{settings}", deployment("web", 1, image, "")));
    }

    /// The image that runs on a cluster.
    fn runs(&self, cluster: &str) -> Option<String> {
        let live = self.servers[cluster].object("Deployment", Some("default"), "web")?;
        live["spec"]["template"]["spec"]["containers"][0]["image"].as_str().map(str::to_owned)
    }

    fn converge(&self) -> String {
        self.place.converge()
    }

    /// Lets the controllers of a cluster say that the Deployment fails.
    fn fails_on(&self, cluster: &str) {
        let server = &self.servers[cluster];
        let generation =
            server.object("Deployment", Some("default"), "web").expect("there")["metadata"]["generation"].clone();
        server.controllers(false);
        server.set_status("Deployment", Some("default"), "web", json!({
            "observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1,
            "conditions": [{
                "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "it took too long",
            }],
        }));
    }
}

impl Fleet {
    /// Lets the Deployment be well again.
    fn recovers_on(&self, cluster: &str) {
        let server = &self.servers[cluster];
        let generation =
            server.object("Deployment", Some("default"), "web").expect("there")["metadata"]["generation"].clone();
        server.set_status(
            "Deployment",
            Some("default"),
            "web",
            json!({
                "observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
                "conditions": [
                    { "type": "Available", "status": "True" },
                    { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" },
                ],
            }),
        );
        server.controllers(true);
    }
}

const THREE: [(&str, &str); 3] = [("dc-us", ""), ("dc-eu", ""), ("dc-ap", "")];
const CLUSTERS: &str = "clusters = [\"dc-us\", \"dc-eu\", \"dc-ap\"]\n";

/// Whether all that was done on one cluster was told before anything on another one.
fn follows(told: &str, earlier: &str, later: &str) -> bool {
    let of = |cluster: &str| -> Vec<usize> {
        let lines = told.lines().enumerate();
        let done = |line: &str| ["created app.web@", "updated app.web@"].iter().any(|words| line.contains(words));
        let here = format!("app.web@{cluster}");
        lines.filter(|(_, line)| done(line) && line.contains(&here)).map(|(at, _)| at).collect()
    };
    of(earlier).last().expect("told of") < of(later).first().expect("told of")
}

#[test]
fn an_app_goes_from_cluster_to_cluster_in_the_order_of_the_spec() {
    let fleet = Fleet::new(&THREE, &format!("{CLUSTERS}rollout = {{ max_clusters = 1 }}\n"));
    let plan = fleet.place.expect(0, &["plan"]);
    assert!(plan.contains("app.web goes on to dc-eu once it is ready on dc-us."), "{plan}");
    let told = fleet.converge();
    assert!(follows(&told, "dc-us", "dc-eu") && follows(&told, "dc-eu", "dc-ap"), "{told}");
    fleet.image("nginx:2");
    let told = fleet.converge();
    assert!(follows(&told, "dc-us", "dc-eu") && follows(&told, "dc-eu", "dc-ap"), "{told}");
    fleet.place.edit("max_clusters = 1", "max_clusters = 2");
    fleet.image("nginx:3");
    let told = fleet.converge();
    assert!(follows(&told, "dc-us", "dc-ap") && follows(&told, "dc-eu", "dc-ap"), "{told}");
    // Deleting needs no order.
    let spec = fleet.place.read("atlas.toml");
    fleet.place.write("atlas.toml", spec.split_once("[app.web]").expect("an app").0);
    fleet.converge();
    assert_eq!(fleet.runs("dc-us"), None);
}

#[test]
fn a_failure_on_the_first_cluster_leaves_the_others_alone_also_in_the_next_run() {
    let fleet = Fleet::new(&THREE, &format!("{CLUSTERS}rollout = {{ max_clusters = 1 }}\ntimeout = \"5s\"\n"));
    fleet.converge();
    fleet.servers["dc-us"].controllers(false);
    fleet.image("nginx:2");
    let failed = fleet.place.run(&["apply", "--yes"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    assert_eq!((fleet.runs("dc-us").as_deref(), fleet.runs("dc-eu").as_deref()), (Some("nginx:2"), Some("nginx:1")));
    // On the first cluster nothing is to be done any more, and it is still not ready.
    let failed = fleet.place.run(&["apply", "--yes"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    let told = format!("{}{}", failed.stdout, failed.stderr);
    assert!(told.contains("so nothing is done on dc-eu: app.web@dc-us/Deployment/web"), "{told}");
    assert_eq!(fleet.runs("dc-eu").as_deref(), Some("nginx:1"));
    fleet.servers["dc-us"].controllers(true);
    fleet.converge();
    assert_eq!(fleet.runs("dc-ap").as_deref(), Some("nginx:2"));
}

#[test]
fn a_pause_is_waited_for_only_where_something_comes_after_it() {
    let fleet = Fleet::new(&THREE[..2], "clusters = [\"dc-us\", \"dc-eu\"]\nrollout = { pause = \"3s\" }\n");
    let plan = fleet.place.expect(0, &["plan"]);
    assert!(plan.contains("app.web goes on to dc-eu once it is ready on dc-us, and has been for 3s."), "{plan}");
    let began = Instant::now();
    fleet.converge();
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(fleet.place.json(&["plan", "--json"])["rollouts"].as_array().is_none_or(Vec::is_empty));
    let scale = || {
        let replicas = json!({ "spec": { "replicas": 4 } });
        fleet.servers["dc-eu"].edit("kubectl-edit", "Deployment", Some("default"), "web", replicas);
    };
    // What drifted comes back at once.
    scale();
    fleet.servers["dc-eu"].delete("ConfigMap", Some("default"), "web");
    let plan = fleet.place.json(&["plan", "--json"]);
    assert!(plan["rollouts"].as_array().is_none_or(Vec::is_empty), "{plan}");
    fleet.converge();
    // What drifted and is to become something new besides is new, and waits.
    scale();
    fleet.image("nginx:2");
    let plan = fleet.place.expect(0, &["plan"]);
    assert!(plan.contains("app.web goes on to dc-eu once it is ready on dc-us"), "{plan}");
    fleet.converge();
}

#[test]
fn what_fails_during_the_pause_ends_the_rollout() {
    let fleet = Fleet::new(
        &THREE[..2],
        "clusters = [\"dc-us\", \"dc-eu\"]\nrollout = { pause = \"60s\" }\ntimeout = \"60s\"\n",
    );
    fleet.place.edit("pause = \"60s\"", "pause = \"1s\"");
    fleet.converge();
    fleet.place.edit("pause = \"1s\"", "pause = \"60s\"");
    fleet.image("nginx:2");
    let began = Instant::now();
    let failed = std::thread::scope(|scope| {
        let applied = scope.spawn(|| fleet.place.run(&["apply", "--yes"]));
        let end = Instant::now() + Duration::from_secs(20);
        while fleet.runs("dc-us").as_deref() != Some("nginx:2") && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
        // Its step is over by then.
        std::thread::sleep(Duration::from_secs(2));
        fleet.fails_on("dc-us");
        applied.join().expect("it ran")
    });
    assert_eq!(failed.code, 3, "{failed:?}");
    assert!(began.elapsed() < Duration::from_secs(58), "it was watched to the end");
    let told = format!("{}{}", failed.stdout, failed.stderr);
    assert!(told.contains("it does not stay ready") && told.contains("ProgressDeadlineExceeded"), "{told}");
    assert_eq!(fleet.runs("dc-eu").as_deref(), Some("nginx:1"));
    fleet.recovers_on("dc-us");
    fleet.place.edit("pause = \"60s\"", "pause = \"1s\"");
    fleet.converge();
}

#[test]
fn asked_to_stop_the_pause_ends_at_once() {
    let fleet = Fleet::new(&THREE[..2], "clusters = [\"dc-us\", \"dc-eu\"]\nrollout = { pause = \"10m\" }\n");
    let mut command = fleet.place.command(&["apply", "--yes"]);
    let child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("it runs");
    let end = Instant::now() + Duration::from_secs(20);
    while fleet.runs("dc-us").is_none() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(2));
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let began = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.code().is_some_and(|code| code != 0), "{told}");
    assert!(told.contains("asked to stop") && !told.contains("failed to"), "{told}");
    assert_eq!(fleet.runs("dc-eu"), None);
    fleet.place.edit("pause = \"10m\"", "pause = \"1s\"");
    fleet.converge();
}

#[test]
fn while_a_cluster_does_not_answer_those_behind_it_wait_and_what_drifted_there_comes_back() {
    let mut fleet = Fleet::new(&THREE, &format!("{CLUSTERS}rollout = {{ max_clusters = 1 }}\n"));
    fleet.converge();
    drop(fleet.servers.remove("dc-us"));
    fleet.servers["dc-eu"].edit("kubectl-edit", "ConfigMap", Some("default"), "web", json!({ "data": { "a": "c" } }));
    let applied = fleet.place.run(&["apply", "--yes"]);
    assert_ne!(applied.code, 1, "{applied:?}");
    let settings = fleet.servers["dc-eu"].object("ConfigMap", Some("default"), "web").expect("there");
    assert_eq!(settings["data"]["a"], "b");
    fleet.image("nginx:2");
    let plan = fleet.place.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 4, "{plan:?}");
    fleet.place.run(&["apply", "--yes"]);
    assert_eq!((fleet.runs("dc-eu").as_deref(), fleet.runs("dc-ap").as_deref()), (Some("nginx:1"), Some("nginx:1")));
    // One that is asked for by itself does not wait.
    fleet.place.run(&["apply", "--yes", "--target", "app.web@dc-ap"]);
    assert_eq!(fleet.runs("dc-ap").as_deref(), Some("nginx:2"));
}

#[test]
fn clusters_are_chosen_by_their_labels() {
    let labels = |tier: &str| format!("labels = {{ tier = \"{tier}\", area = \"${{var.area}}\" }}\n");
    let (edge, core) = (labels("edge"), labels("core"));
    let clusters: [(&str, &str); 3] = [("dc-us", &edge), ("dc-eu", &core), ("dc-ap", &edge)];
    let fleet = Fleet::new(&clusters, "clusters = { labels = { tier = \"edge\" } }\nrollout = { max_clusters = 1 }\n");
    let spec = fleet.place.read("atlas.toml");
    let more = "\n[var.area]\ndefault = \"west\"\n\n[namespace.shop]\nclusters = { labels = { tier = \"${var.tier}\", area = \"west\" } }\nname = \"shop-${cluster}\"\n\n[var.tier]\ndefault = \"core\"\n";
    fleet.place.write("atlas.toml", &format!("{spec}{more}"));
    let told = fleet.converge();
    assert!(follows(&told, "dc-us", "dc-ap"), "{told}");
    assert_eq!(fleet.runs("dc-eu"), None);
    assert!(fleet.servers["dc-eu"].object("Namespace", None, "shop-dc-eu").is_some());
    // An environment chooses others.
    let spec = fleet.place.read("atlas.toml");
    fleet.place.write(
        "atlas.toml",
        &format!("{spec}\n[environment.eu.app.web]\nclusters = {{ labels = {{ tier = \"core\" }} }}\n"),
    );
    let plan = fleet.place.expect(0, &["-e", "eu", "plan"]);
    assert!(plan.contains("app.web@dc-eu") && !plan.contains("app.web@dc-us"), "{plan}");
    // The sandbox takes the same spec, in the same order.
    let told = fleet.place.expect(0, &["-e", "try", "apply", "--yes"]);
    assert!(follows(&told, "dc-us", "dc-ap"), "{told}");
    let plan = fleet.place.run(&["-e", "try", "plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{plan:?}");
}

#[test]
fn labels_that_no_cluster_has_are_an_error_with_those_that_are_there() {
    for (clusters, code, says) in [
        ("{ labels = { tier = \"egde\" } }", "A0120", "dc-us has tier=edge"),
        ("{ labels = {} }", "A0120", "says no label"),
        ("{}", "A0120", "says no label"),
        ("{ label = { tier = \"edge\" } }", "A0102", "did you mean `labels`?"),
        ("{ labels = { tier = 1 } }", "A0103", ""),
        ("{ labels = [\"edge\"] }", "A0103", "a table of texts"),
    ] {
        let fleet = Fleet::new(&[("dc-us", "labels = { tier = \"edge\" }\n")], &format!("clusters = {clusters}\n"));
        let refused = fleet.place.run(&["validate"]);
        assert_eq!(refused.code, 1, "{clusters}: {refused:?}");
        let is_told = refused.stderr.contains(&format!("error[{code}]")) && refused.stderr.contains(says);
        assert!(is_told, "{clusters}: {}", refused.stderr);
    }
}
