//! Apps that are delivered otherwise than before: nothing that runs is made anew, and nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{Delivered, HUB, ONE};

#[test]
fn an_app_goes_to_argo_cd_and_back_without_a_restart() {
    let one = Delivered::new(&["dc"], &ONE.replace("deliver = { argocd = { GIT } }\n", ""));
    one.converge();
    let life = one.life("dc");
    one.edit("timeout = ", "deliver = { argocd = { GIT } }\ntimeout = ");
    let plan = one.place.expect(0, &["plan"]);
    assert!(plan.contains("Argo CD delivers it from now on, and it stays") && !plan.contains("  - "), "{plan}");
    one.converge();
    assert_eq!(one.life("dc"), life);
    assert!(one.runs("dc").expect("it runs")["metadata"]["annotations"]["atlas/mark"].is_null());
    // And back.
    one.edit("deliver = { argocd = { GIT } }\n", "");
    let plan = one.place.expect(0, &["plan"]);
    assert!(
        plan.contains("what Argo CD delivered by it stays") && plan.contains("Argo CD delivered it until now"),
        "{plan}"
    );
    one.converge();
    assert_eq!(one.life("dc"), life);
    let live = one.runs("dc").expect("it runs");
    assert!(live["metadata"]["annotations"]["atlas/mark"].is_string());
    assert_eq!(one.given("dc", "Application", "web"), None);
    // It is Atlas's own again, whatever is changed.
    one.edit("replicas = 2", "replicas = 4");
    one.converge();
    assert_eq!(one.runs("dc").expect("it runs")["spec"]["replicas"], 4);
}

#[test]
fn the_clusters_of_a_hub_go_back_to_atlas_without_a_restart() {
    let hub = Delivered::new(&["mgmt", "dc-us", "dc-eu"], HUB);
    hub.converge();
    let lives = ["dc-us", "dc-eu"].map(|cluster| hub.life(cluster));
    let spec = hub.place.read("atlas.toml");
    let line = spec.lines().find(|line| line.starts_with("deliver")).expect("it is said");
    hub.edit(&format!("{line}\n"), "");
    hub.converge();
    assert_eq!(["dc-us", "dc-eu"].map(|cluster| hub.life(cluster)), lives);
    assert_eq!(hub.given("mgmt", "ApplicationSet", "web"), None);
    assert_eq!(hub.given("mgmt", "Application", "web-dc-us"), None);
    // From one Argo CD for all to one for each, and each keeps what it runs.
    hub.edit("timeout = ", "deliver = { argocd = { hub = \"mgmt\", GIT } }\ntimeout = ");
    hub.converge();
    hub.edit("hub = \"mgmt\", ", "");
    hub.converge();
    assert_eq!(["dc-us", "dc-eu"].map(|cluster| hub.life(cluster)), lives);
    assert!(hub.given("dc-us", "Application", "web").is_some() && hub.given("mgmt", "ApplicationSet", "web").is_none());
}

#[test]
fn an_application_that_is_called_otherwise_keeps_what_runs() {
    let one = Delivered::new(&["dc"], ONE);
    one.converge();
    let life = one.life("dc");
    one.edit("argocd = { ", "argocd = { application = \"shop-web\", ");
    one.converge();
    assert_eq!(one.life("dc"), life);
    assert_eq!(one.given("dc", "Application", "web"), None);
    assert!(one.given("dc", "Application", "shop-web").is_some());
}

#[test]
fn an_application_that_was_there_before_is_adopted_without_a_restart() {
    let one = Delivered::new(&["dc"], ONE);
    one.servers["dc"].create(
        "kubectl-create",
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": { "name": "web", "namespace": "argocd" },
            "spec": {
                "project": "default",
                "source": { "repoURL": "https://git.example.com/shop.git", "targetRevision": "old", "path": "web",
                    "helm": { "releaseName": "web", "valuesObject": { "replicas": 2 } } },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": "default" },
                "syncPolicy": { "automated": { "selfHeal": true } },
            },
        }),
    );
    while one.runs("dc").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let life = one.life("dc");
    let refused = one.place.run(&["apply", "--yes"]);
    assert!(refused.code == 3 && refused.stderr.contains("atlas adopt app.web@dc/Application/web"), "{refused:?}");
    one.place.expect(0, &["adopt", "--yes", "app.web@dc/Application/web"]);
    one.converge();
    assert_eq!(one.life("dc"), life);
    assert_eq!(one.given("dc", "Application", "web").expect("there")["spec"]["source"]["targetRevision"], "main");
}

#[test]
fn a_handover_that_was_interrupted_goes_on() {
    let one = Delivered::new(&["dc"], ONE);
    one.converge();
    let life = one.life("dc");
    one.edit("deliver = { argocd = { GIT } }\n", "");
    // The objects are taken back, and the Application can't go yet.
    let is_refused = Arc::new(AtomicBool::new(true));
    let refuses = Arc::clone(&is_refused);
    one.servers["dc"].validate(move |_, object| {
        let lets_go = object["kind"] == "Application" && object["metadata"]["finalizers"].is_null();
        match lets_go && refuses.load(Ordering::Relaxed) {
            true => Err("nobody takes finalizers off now".to_owned()),
            false => Ok(()),
        }
    });
    let told = one.place.run(&["apply", "--yes"]);
    assert_eq!(told.code, 3, "{told:?}");
    assert!(one.given("dc", "Application", "web").is_some() && one.runs("dc").is_some());
    is_refused.store(false, Ordering::Relaxed);
    one.converge();
    assert_eq!((one.given("dc", "Application", "web"), one.life("dc")), (None, life));
}

#[test]
fn what_is_changed_in_the_edit_that_takes_an_app_back_stays_so() {
    let one = Delivered::new(&["dc"], ONE);
    one.converge();
    let uid = one.life("dc").0;
    one.edit("deliver = { argocd = { GIT } }\n", "");
    one.edit("replicas = 2", "replicas = 5");
    one.converge();
    let live = one.runs("dc").expect("it runs");
    assert_eq!((&live["metadata"]["uid"], &live["spec"]["replicas"]), (&uid, &json!(5)));
}

#[test]
fn the_sandbox_takes_an_app_back_too() {
    let one = Delivered::new(&["dc"], ONE);
    let converge = || {
        one.place.expect(0, &["-e", "try", "apply", "--yes"]);
        one.place.expect(0, &["-e", "try", "plan", "--detailed-exitcode"]);
    };
    one.edit("deliver = { argocd = { GIT } }\n", "");
    converge();
    one.edit("timeout = ", "deliver = { argocd = { GIT } }\ntimeout = ");
    converge();
    one.edit("deliver = { argocd = { GIT } }\n", "");
    converge();
    one.edit("timeout = ", "on_remove = \"forget\"\ntimeout = ");
    converge();
}

#[test]
fn what_the_argo_cd_did_not_deliver_is_a_strangers_still() {
    let one = Delivered::new(&["dc"], ONE);
    one.converge();
    let more = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs}\ndata: {a: b}\n";
    let chart = one.place.read("web/templates/all.yaml");
    one.place.write("web/templates/all.yaml", &format!("{chart}\n{more}"));
    one.servers["dc"].create("helm", json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs", "namespace": "default" }, "data": { "a": "x" },
    }));
    one.edit("deliver = { argocd = { GIT } }\n", "");
    let told = one.place.run(&["apply", "--yes"]);
    assert!(told.code == 3 && told.stderr.contains("atlas adopt app.web@dc/ConfigMap/theirs"), "{told:?}");
    let theirs = one.servers["dc"].object("ConfigMap", Some("default"), "theirs").expect("there");
    assert_eq!(theirs["data"]["a"], "x");
    assert!(one.runs("dc").expect("it runs")["metadata"]["annotations"]["atlas/mark"].is_string());
}

#[test]
fn secrets_of_the_spec_stay_atlas_s_own_whoever_delivers() {
    let one = Delivered::new(&["dc"], &format!("{ONE}secrets = {{ keys = {{ a = {{ file = \"key\" }} }} }}\n"));
    one.place.write("key", "planted-3");
    let told = one.converge();
    assert!(told.contains("app.web@dc/Secret/keys"), "{told}");
    let secret = || one.servers["dc"].object("Secret", Some("default"), "keys");
    assert_eq!(secret().expect("there")["data"]["a"], "cGxhbnRlZC0z");
    let given = one.given("dc", "Application", "web").expect("there").to_string();
    assert!(!given.contains("planted-3") && !given.contains("cGxhbnRlZC0z"), "{given}");
    one.edit("secrets = { keys = { a = { file = \"key\" } } }\n", "");
    one.converge();
    assert_eq!(secret(), None);
    assert!(one.runs("dc").is_some());
}

#[test]
fn an_app_that_is_renamed_in_the_same_edit_keeps_what_runs() {
    let one = Delivered::new(&["dc"], &ONE.replace("[app.web]\n", "[app.web]\nname = \"web\"\n"));
    one.converge();
    let life = one.life("dc");
    one.edit("[app.web]\n", "[app.site]\nrenamed_from = \"app.web\"\n");
    one.edit("deliver = { argocd = { GIT } }\n", "");
    let plan = one.place.expect(0, &["plan"]);
    assert!(plan.contains("what Argo CD delivered by it stays"), "{plan}");
    one.converge();
    assert_eq!(one.life("dc"), life);
    assert_eq!(one.given("dc", "Application", "web"), None);
}

#[test]
fn what_would_be_removed_without_being_asked_for_needs_a_word() {
    let one = Delivered::new(&["dc"], ONE);
    one.converge();
    // Argo CD takes along what it delivered when its Application goes to another namespace.
    one.edit("argocd = { ", "argocd = { namespace = \"other-argo\", ");
    let plan = one.place.expect(0, &["plan"]);
    assert!(plan.contains("-/+ app.web@dc/Application/web") && plan.contains("lossy: Argo CD removes all"), "{plan}");
    let refused = one.place.run(&["apply", "--yes"]);
    assert!(refused.code == 1 && one.runs("dc").is_some(), "{refused:?}");
}

#[test]
fn objects_stay_atlas_s_while_no_argo_cd_is_given_their_app() {
    let one = Delivered::new(&["dc"], &ONE.replace("deliver = { argocd = { GIT } }\n", ""));
    one.converge();
    let mark = one.runs("dc").expect("it runs")["metadata"]["annotations"]["atlas/mark"].clone();
    one.servers["dc"].create(
        "kubectl",
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": { "name": "web", "namespace": "argocd" },
            "spec": { "project": "default", "source": { "repoURL": "https://git.example.com/other.git", "path": "x" },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": "elsewhere" } },
        }),
    );
    one.edit("timeout = ", "deliver = { argocd = { GIT } }\ntimeout = ");
    let plan = one.place.run(&["plan"]);
    assert!(!plan.stdout.contains("  < "), "{plan:?}");
    one.place.run(&["apply", "--yes"]);
    assert_eq!(one.runs("dc").expect("it runs")["metadata"]["annotations"]["atlas/mark"], mark);
}
