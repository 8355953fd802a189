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

#[test]
fn what_the_server_would_refuse_stops_the_plan_before_anything_is_done() {
    let cluster = Cluster::with_chart(SETTINGS);
    cluster.converge();
    let wrong = deployment("shop", 1, "nginx:1", "").replace("matchLabels: {app: shop}", "matchLabels: {app: other}");
    cluster.chart("web", &format!("{}---\n{wrong}", SETTINGS.replace("a: b", "a: c")));
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("error[A0520]") && refused.stderr.contains("selector"), "{}", refused.stderr);
    assert_eq!(cluster.object("configmaps/web").expect("there")["data"]["a"], "b");
}

#[test]
fn a_name_that_stands_twice_in_a_container_is_said_with_both() {
    let cluster = Cluster::with_chart(&deployment(
        "web",
        1,
        "nginx:1",
        "        env: [{name: A, value: x}, {name: B}, {name: A, value: y}]\n",
    ));
    let refused = cluster.place.run(&["validate"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("has `A` twice in `env` of the container `app`"), "{}", refused.stderr);
}

#[test]
fn a_namespace_that_is_being_removed_is_waited_for_and_made_again() {
    let cluster = Cluster::with_chart(SETTINGS);
    cluster.converge();
    cluster.edit("somebody", "configmaps/web", &json!({ "metadata": { "finalizers": ["atlas.test/held"] } }));
    let path = format!("/api/v1/namespaces/{}", cluster.namespace);
    cluster.ask("DELETE", &path, None, "application/json").expect("it begins");
    let waiting = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
        std::thread::sleep(std::time::Duration::from_millis(700));
        let _ = cluster.ask(
            "PATCH",
            &cluster.path("configmaps/web"),
            Some(&json!({ "metadata": { "finalizers": null } })),
            "application/merge-patch+json",
        );
        applied.join().expect("it ran")
    });
    assert!([0, 3].contains(&waiting.code), "{waiting:?}");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while cluster.get(&path).is_some_and(|live| live["metadata"]["deletionTimestamp"].is_string())
        && std::time::Instant::now() < end
    {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    cluster.converge();
    assert!(cluster.object("configmaps/web").is_some());
}

#[test]
fn credentials_that_ended_are_no_reason_to_make_anything_again() {
    let cluster = Cluster::with_chart(SETTINGS);
    let Some(server) = &cluster.server else { return };
    cluster.converge();
    server.fail("GET", "/", 100, 401, None);
    let plan = cluster.place.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 4, "{}\n{}", plan.stdout, plan.stderr);
    assert!(plan.stdout.contains("blocked") && !plan.stdout.contains("to create"), "{}", plan.stdout);
}

/// At every write to the cluster in turn, before it and after it.
#[cfg(feature = "crash-points")]
#[test]
fn killed_at_any_write_the_next_run_carries_on() {
    let text = format!("{SETTINGS}---\n{}", deployment("web", 1, "nginx:1", ""));
    let mut point = 0;
    let mut past = 0;
    while past < 2 {
        point += 1;
        let cluster = Cluster::with_chart(&text);
        let log = cluster.place.path("points");
        let mut command = cluster.place.command(&["apply", "--yes", "--parallelism", "1"]);
        let run =
            command.env("ATLAS_CRASH_AT", point.to_string()).env("ATLAS_CRASH_LOG", &log).output().expect("it runs");
        if run.status.code() == Some(0) {
            past += 1;
            continue;
        }
        past = 0;
        let points = std::fs::read_to_string(&log).unwrap_or_default();
        let name = points.lines().last().unwrap_or_default().to_owned();
        assert_eq!(run.status.code(), None, "at {name}");
        if name.contains("a write to a cluster") {
            cluster.converge();
            cluster.spec(cluster.place.read("atlas.toml").split_once("[app.web]").expect("an app").0);
            cluster.place.expect(0, &["apply", "--yes"]);
            assert_eq!(
                (cluster.object("configmaps/web"), cluster.object("deployments/web")),
                (None, None),
                "at {name}"
            );
        }
    }
    assert!(point > 20, "only {point} points");
}

#[test]
fn nobody_waits_for_a_claim_that_its_pods_wait_for() {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: web}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
    let cluster = Cluster::with_chart(claim);
    let Some(server) = &cluster.server else { return };
    server.controllers(false);
    cluster.place.edit("wait = \"applied\"", "wait = \"ready\"\ntimeout = \"20s\"");
    let began = std::time::Instant::now();
    cluster.converge();
    assert!(began.elapsed().as_secs() < 10, "it was waited for");
    assert!(cluster.place.expect(0, &["status"]).contains("progressing"));
}
