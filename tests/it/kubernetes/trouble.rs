//! Servers that are busy, deny, or do not answer, and objects that never become ready.

use serde_json::json;

use super::harness::{Cluster, deployment};

const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n";

#[test]
fn a_busy_server_is_asked_again() {
    let cluster = Cluster::with_chart(SETTINGS);
    let Some(server) = &cluster.server else { return };
    server.fail("PATCH", "configmaps/web", 2, 429, Some(1));
    server.fail("GET", "/configmaps", 1, 429, None);
    server.fail("PATCH", "configmaps/atlas-app-web", 1, 503, None);
    server.fail("GET", "configmaps/web", 1, 0, None);
    cluster.converge();
}

#[test]
fn a_server_that_is_gone_leaves_everything_unknown_and_nothing_is_made_again() {
    let mut cluster = Cluster::with_chart(SETTINGS);
    if cluster.server.is_none() {
        return;
    }
    cluster.converge();
    drop(cluster.server.take());
    let plan = cluster.place.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 4, "{}\n{}", plan.stdout, plan.stderr);
    assert!(plan.stdout.contains("blocked") && !plan.stdout.contains("to create"), "{}", plan.stdout);
}

#[test]
fn a_denied_object_fails_alone_and_says_who_denies_it() {
    let text = format!("{SETTINGS}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: denied}}\ndata: {{a: b}}\n");
    let cluster = Cluster::with_chart(&text);
    let Some(server) = &cluster.server else { return };
    server.validate(|_, object| match object["metadata"]["name"].as_str() {
        Some("denied") => Err("no such names here".to_owned()),
        _ => Ok(()),
    });
    let applied = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(applied.code, 3, "{}\n{}", applied.stdout, applied.stderr);
    let told = format!("{}{}", applied.stdout, applied.stderr);
    assert!(told.contains("no such names here") && told.contains("app.web@dc/ConfigMap/denied"), "{told}");
    assert!(cluster.object("configmaps/web").is_some());
}

#[test]
fn what_a_workload_waits_for_is_said_and_it_is_not_disturbed() {
    let cluster = Cluster::with_chart(&deployment("web", 1, "nginx:1", ""));
    let Some(server) = &cluster.server else { return };
    server.controllers(false);
    cluster.place.edit("wait = \"applied\"", "wait = \"ready\"\ntimeout = \"5s\"");
    let applied = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(applied.code, 3, "{}\n{}", applied.stdout, applied.stderr);
    let told = format!("{}{}", applied.stdout, applied.stderr);
    assert!(told.contains("it did not become ready in time"), "{told}");
    // A rollout under way is no drift.
    cluster.is_converged();
    server.set_status("Deployment", Some(&cluster.namespace), "web", json!({
        "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1,
        "conditions": [{
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "it took too long",
        }],
    }));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("ProgressDeadlineExceeded"), "{plan}");
}
