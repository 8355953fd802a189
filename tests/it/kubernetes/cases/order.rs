//! Order, waiting, and what an object's condition is.

use atlas::driver::kubernetes::condition::condition;
use atlas::observed::Condition;
use serde_json::{Value, json};

use super::super::harness::{Cluster, deployment};

/// A definition with a schema of its own.
fn definition(group: &str, fields: &str) -> String {
    format!(
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.{group}}}\nspec:\n  group: {group}\n  \
         scope: Namespaced\n  names: {{plural: widgets, singular: widget, kind: Widget}}\n  versions:\n  - name: v1\n    served: true\n    storage: \
         true\n    schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{{fields}}}}}}}}}}}\n"
    )
}

#[test]
fn a_field_that_is_new_in_a_definition_is_used_in_the_same_plan() {
    let group = format!("o{}.atlas.test", std::process::id());
    let instance =
        |spec: &str| format!("---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nspec: {{{spec}}}\n");
    let cluster =
        Cluster::with_chart(&format!("{}{}", definition(&group, "size: {type: integer}"), instance("size: 1")));
    cluster.converge();
    let fields = "size: {type: integer}, color: {type: string}";
    cluster.chart("web", &format!("{}{}", definition(&group, fields), instance("size: 1, color: red")));
    cluster.converge();
    let path = format!("/apis/{group}/v1/namespaces/{}/widgets/one", cluster.namespace);
    assert_eq!(cluster.get(&path).expect("there")["spec"]["color"], "red");
}

#[test]
fn webhooks_that_do_not_answer_yet_are_asked_again_until_a_deadline() {
    let webhook = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: NS}\nwebhooks:\n- name: \
                   check.atlas.test\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  failurePolicy: Fail\n  clientConfig: {service: {name: \
                   hook, namespace: NS}}\n  rules: [{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]\n  \
                   namespaceSelector: {matchLabels: {nobody: has}}\n";
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: hook}\nspec: {selector: {app: hook}, ports: [{port: 443}]}\n";
    let checked = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: checked, annotations: {argocd.argoproj.io/sync-wave: \"1\"}}\ndata: {a: b}\n";
    let cluster = Cluster::with_chart(&format!("{}{service}{webhook}{checked}", deployment("hook", 1, "nginx:1", "")));
    let Some(server) = &cluster.server else { return };
    let refused = "Internal error occurred: failed calling webhook \"check.atlas.test\": failed to call webhook: Post \"https://hook:443/\": dial \
                   tcp 10.0.0.9:443: connect: connection refused";
    let unknown = "Internal error occurred: failed calling webhook \"check.atlas.test\": failed to call webhook: Post \"https://hook:443/\": tls: \
                   failed to verify certificate: x509: certificate signed by unknown authority";
    server.fail_saying("PATCH", "configmaps/checked", 1, 500, refused);
    server.fail_saying("PATCH", "configmaps/checked", 1, 500, unknown);
    let told = cluster.converge();
    let at = |what: &str| told.rfind(&format!("created app.web@dc/{what}")).unwrap_or_else(|| panic!("{what}\n{told}"));
    let hook = at("ValidatingWebhookConfiguration/");
    assert!(at("Deployment/hook") < hook && at("Service/hook") < hook && hook < at("ConfigMap/checked"), "{told}");
    // One that never answers ends the step, in words of its own.
    cluster.place.edit("wait = \"applied\"", "wait = \"applied\"\ntimeout = \"4s\"");
    cluster.converge();
    cluster.chart("web", &cluster.place.read("web/templates/all.yaml").replace("{a: b}", "{a: c}"));
    server.fail_saying("PATCH", "configmaps/checked", 1000, 500, refused);
    let failed = cluster.place.run(&["apply", "--yes"]);
    assert!(
        failed.code != 0 && format!("{}{}", failed.stdout, failed.stderr).contains("connection refused"),
        "{failed:?}"
    );
    if cluster.server.is_none() {
        let path =
            format!("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{}", cluster.namespace);
        cluster.ask("DELETE", &path, None, "application/json").expect("it goes");
    }
}

#[test]
fn while_one_namespace_is_being_removed_another_one_goes_on() {
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n";
    let cluster = Cluster::with_chart(settings);
    cluster.converge();
    cluster.edit("somebody", "configmaps/web", &json!({ "metadata": { "finalizers": ["atlas.test/held"] } }));
    let path = format!("/api/v1/namespaces/{}", cluster.namespace);
    cluster.ask("DELETE", &path, None, "application/json").expect("it begins");
    let second = format!("{}-second", cluster.namespace);
    cluster.add(&format!(
        "[namespace.second]\nname = \"{second}\"\nclusters = [\"dc\"]\n[app.more]\nclusters = [\"dc\"]\nnamespace = \"{second}\"\nchart = \
         \"more\"\nwait = \"applied\"\n"
    ));
    cluster.chart("more", settings);
    let other = format!("/api/v1/namespaces/{second}/configmaps/web");
    let (run, went_on, still) = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while cluster.get(&other).is_none() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let went_on = cluster.get(&other).is_some();
        let still = cluster.get(&path).is_some_and(|live| live["metadata"]["deletionTimestamp"].is_string());
        let _ = cluster.ask(
            "PATCH",
            &cluster.path("configmaps/web"),
            Some(&json!({ "metadata": { "finalizers": null } })),
            "application/merge-patch+json",
        );
        (applied.join().expect("it ran"), went_on, still)
    });
    assert!(went_on && still, "the second namespace waited for the first one: {went_on} {still} {run:?}");
    assert!([0, 3].contains(&run.code), "{run:?}");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while cluster.place.run(&["apply", "--yes"]).code != 0 && std::time::Instant::now() < end {}
    cluster.is_converged();
    assert!(cluster.object("configmaps/web").is_some());
    let _ = cluster.ask("DELETE", &format!("/api/v1/namespaces/{second}"), None, "application/json");
}

/// A Job that is a hook.
fn hook(name: &str, weight: i32, policy: &str) -> String {
    let policy = if policy.is_empty() { String::new() } else { format!(", helm.sh/hook-delete-policy: \"{policy}\"") };
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations: {{helm.sh/hook: pre-install, helm.sh/hook-weight: \
         \"{weight}\"{policy}}}\nspec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: app, image: nginx:1}}]}}}}}}\n"
    )
}

/// Lets a Job be seen as ended, once it is there.
fn end_job(cluster: &Cluster, name: &str, how: &str) {
    let (ended, patch) = (std::time::Instant::now() + std::time::Duration::from_secs(20), how.to_owned());
    let status = json!({ "conditions": [
        { "type": if patch == "Failed" { "FailureTarget" } else { "SuccessCriteriaMet" }, "status": "True" },
        { "type": patch, "status": "True", "reason": "BackoffLimitExceeded", "message": "it ended so" },
    ] });
    while std::time::Instant::now() < ended {
        if let (Some(server), Some(_)) = (&cluster.server, cluster.object(&format!("jobs/{name}"))) {
            server.set_status("Job", Some(&cluster.namespace), name, status);
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn when_a_second_hook_fails_the_first_is_cleaned_up_by_its_policy_and_the_failed_one_by_its_own() {
    std::thread::scope(|scope| {
        let all = [("", true), ("hook-succeeded,hook-failed", false)];
        let all = all.map(|(policy, stays)| scope.spawn(move || second_hook_fails(policy, stays)));
        all.into_iter().for_each(|one| one.join().expect("it holds"));
    });
}

/// Three hooks, of which the last one with this policy fails at first.
fn second_hook_fails(policy: &str, stays: bool) {
    let texts = [
        hook("first", 1, "hook-succeeded"),
        hook("kept", 2, ""),
        hook("second", 3, policy),
        deployment("web", 1, "nginx:1", ""),
    ];
    let cluster = Cluster::with_chart(&texts.join("---\n").replace("---\n---\n", "---\n"));
    cluster.place.edit("wait = \"applied\"", "timeout = \"30s\"");
    let Some(server) = &cluster.server else { return };
    // So that the account of the namespace is there, and nothing works by itself any more.
    let first = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\n";
    let whole = cluster.place.read("web/templates/all.yaml");
    cluster.chart("web", first);
    cluster.converge();
    server.controllers(false);
    cluster.place.write("web/templates/all.yaml", &format!("{first}---\n{whole}"));
    let run = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
        end_job(&cluster, "first", "Complete");
        end_job(&cluster, "kept", "Complete");
        end_job(&cluster, "second", "Failed");
        applied.join().expect("it ran")
    });
    let told = format!("{}{}", run.stdout, run.stderr);
    assert!(run.code == 3 && told.contains("it ended so"), "{told}");
    assert_eq!(cluster.object("jobs/first"), None, "it succeeded, and was to go");
    assert!(cluster.object("jobs/kept").is_some(), "nothing says that it is to go");
    assert_eq!(cluster.object("jobs/second").is_some(), stays, "{policy}");
    assert_eq!(cluster.object("deployments/web"), None, "what comes behind a hook that failed");
    // The next run carries on: what succeeded is not run again, and what failed is.
    let uid = cluster.object("jobs/second").map(|live| live["metadata"]["uid"].clone());
    let run = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let is_new = |live: &Value| Some(&live["metadata"]["uid"]) != uid.as_ref();
        while !cluster.object("jobs/second").is_some_and(|live| is_new(&live)) && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        end_job(&cluster, "second", "Complete");
        server.controllers(true);
        applied.join().expect("it ran")
    });
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(cluster.object("jobs/first"), None);
    assert!(cluster.object("deployments/web").is_some());
}

#[test]
fn a_hook_that_runs_is_waited_for_and_one_that_went_by_its_own_clock_is_done() {
    let quick = hook("quick", 2, "").replace("spec: {template", "spec: {ttlSecondsAfterFinished: 0, template");
    let cluster = Cluster::with_chart(&format!(
        "{}{quick}{}",
        hook("slow", 1, ""),
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
    ));
    cluster.place.edit("wait = \"applied\"", "timeout = \"30s\"");
    let Some(server) = &cluster.server else { return };
    server.controllers(false);
    let run = std::thread::scope(|scope| {
        let applied = scope.spawn(|| cluster.place.run(&["apply", "--yes"]));
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while cluster.object("jobs/slow").is_none() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        // A pod of it is still going: it runs, which is not the end.
        server.set_status("Job", Some(&cluster.namespace), "slow", json!({ "active": 1, "ready": 1 }));
        std::thread::sleep(std::time::Duration::from_millis(600));
        let waited = cluster.object("jobs/quick").is_none() && cluster.object("configmaps/web").is_none();
        end_job(&cluster, "slow", "Complete");
        while cluster.object("jobs/quick").is_none() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        // Its own clock takes it away before anybody saw that it ended.
        cluster.delete("jobs/quick");
        assert!(waited, "nobody waited for the hook");
        applied.join().expect("it ran")
    });
    assert_eq!(run.code, 0, "{run:?}");
    assert!(cluster.object("configmaps/web").is_some());
    for _ in 0..2 {
        cluster.is_converged();
    }
}

#[test]
fn what_is_paused_or_suspended_blocks_nothing_and_an_old_failure_is_on_its_way() {
    let paused = deployment("web", 1, "nginx:1", "").replace("  replicas: 1", "  paused: true\n  replicas: 1");
    let job = hook("once", 0, "").replace("spec: {template", "spec: {suspend: true, template");
    let job = job.replace("  annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: \"0\"}\n", "");
    let nightly = "---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec:\n  schedule: \"0 3 * * *\"\n  suspend: true\n  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: nginx:1}]}}}}\n";
    let after = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, annotations: {argocd.argoproj.io/sync-wave: \"5\"}}\n";
    let cluster = Cluster::with_chart(&format!("{paused}{job}{nightly}{after}"));
    cluster.place.edit("wait = \"applied\"", "timeout = \"20s\"");
    if let Some(server) = &cluster.server {
        server.controllers(false);
    }
    let began = std::time::Instant::now();
    cluster.place.expect(0, &["apply", "--yes"]);
    assert!(began.elapsed().as_secs() < 15, "somebody waited for it");
    cluster.is_converged();
    assert!(cluster.object("configmaps/after").is_some());
    // What an older generation failed at is no failure of this one.
    let old = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "generation": 2 }, "spec": { "replicas": 1 },
        "status": { "observedGeneration": 1, "conditions": [
            { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "it took too long" },
        ] },
    });
    assert!(matches!(condition(&old, None), Condition::Progressing(_)), "{:?}", condition(&old, None));
}

#[test]
fn custom_resources_of_all_shapes_are_judged() {
    let widget = |generation: u64, status: Value| json!({ "apiVersion": "example.org/v1", "kind": "Widget", "metadata": { "generation": generation }, "status": status });
    let mut bare = widget(1, Value::Null);
    if let Some(bare) = bare.as_object_mut() {
        bare.remove("status");
    }
    assert!(matches!(condition(&bare, Some(0)), Condition::Progressing(_)), "a grace at first");
    assert_eq!(condition(&bare, Some(600)), Condition::Ready, "ready after that");
    let inside = |observed: u64| json!({ "conditions": [{ "type": "Ready", "status": "True", "observedGeneration": observed }] });
    assert!(matches!(condition(&widget(2, inside(1)), None), Condition::Progressing(_)));
    assert_eq!(condition(&widget(2, inside(2)), None), Condition::Ready);
    let no_error =
        json!({ "conditions": [{ "type": "Error", "status": "False" }, { "type": "Ready", "status": "True" }] });
    assert_eq!(condition(&widget(1, no_error), None), Condition::Ready);
    assert_eq!(
        condition(&widget(1, json!({ "conditions": [{ "type": "Error", "status": "False" }] })), None),
        Condition::Ready
    );
    for odd in
        [json!({ "conditions": { "Ready": "True" } }), json!({ "conditions": { "Ready": { "status": "False" } } })]
    {
        assert!(matches!(condition(&widget(1, odd.clone()), None), Condition::Unknown(_)), "{odd}");
    }
}
