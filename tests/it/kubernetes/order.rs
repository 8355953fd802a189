//! In which order objects are made and removed.

use super::harness::{Cluster, definition, deployment};

#[test]
fn a_definition_and_its_instance_are_one_plan_and_one_apply() {
    // Two tests on one cluster would have the same definition.
    let group = format!("t{}.atlas.test", std::process::id());
    let definition = definition(&group);
    let instance = format!(
        "---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nspec: {{size: 3, image: nginx:1}}\n"
    );
    let cluster = Cluster::with_chart(&format!("{definition}{instance}"));
    let told = cluster.converge();
    let at = |what: &str| told.rfind(what).unwrap_or_else(|| panic!("{what}\n{told}"));
    assert!(
        at(&format!("created app.web@dc/CustomResourceDefinition/widgets.{group}"))
            < at("created app.web@dc/Widget/one")
    );
    cluster.chart("web", &format!("{definition}{}", instance.replace("nginx:1", "nginx:2")));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("spec.image: \"nginx:1\" -> \"nginx:2\""), "{plan}");
    cluster.converge();
    // A definition with instances is lost with them, and says so.
    let spec = cluster.place.read("atlas.toml");
    cluster.spec(spec.split_once("[app.web]").expect("an app").0);
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("1 custom resource"), "{plan}");
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let told = cluster.place.expect(0, &["apply", "--yes", "--allow-loss", "app.web"]);
    let at = |what: &str| told.rfind(what).unwrap_or_else(|| panic!("{what}\n{told}"));
    assert!(
        at("deleted app.web@dc/Widget/one")
            < at(&format!("deleted app.web@dc/CustomResourceDefinition/widgets.{group}"))
    );
    cluster.is_converged();
}

#[test]
fn hooks_run_at_their_moment_and_what_is_named_goes_first() {
    let job = |name: &str, moment: &str, weight: i32| {
        format!(
            "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations: {{helm.sh/hook: {moment}, helm.sh/hook-weight: \
             \"{weight}\"}}\nspec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: app, image: nginx:1}}]}}}}}}\n"
        )
    };
    let more = "        envFrom: [{configMapRef: {name: z-settings}}]\n";
    let text = [
        deployment("a-web", 1, "nginx:1", more),
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: z-settings}\ndata: {a: b}\n".to_owned(),
        job("second", "pre-install", 5),
        job("first", "pre-install,pre-upgrade", -5),
        job("last", "post-install", 0),
        job("tested", "test", 0),
    ];
    let cluster = Cluster::with_chart(&text.concat());
    let told = cluster.converge();
    let at =
        |what: &str| told.rfind(&format!("created app.web@dc/{what} ")).unwrap_or_else(|| panic!("{what}\n{told}"));
    let order = [at("Job/first"), at("Job/second"), at("ConfigMap/z-settings"), at("Deployment/a-web")];
    assert!(order.is_sorted(), "{told}");
    assert!(at("ConfigMap/z-settings") < at("Job/last"), "{told}");
    assert!(!told.contains("Job/tested"), "{told}");
}

#[test]
fn whatever_needs_an_app_waits_for_all_of_it() {
    let cluster = Cluster::with_chart(&deployment("web", 1, "nginx:1", ""));
    cluster.add("[app.later]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nchart = \"later\"\nwait = \"applied\"\ndepends_on = [\"app.web@dc\"]\n");
    cluster.chart("later", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: later}\ndata: {a: b}\n");
    let told = cluster.converge();
    let at = |what: &str| told.rfind(&format!("created {what} ")).unwrap_or_else(|| panic!("{what}\n{told}"));
    assert!(at("app.web@dc/Deployment/web") < at("app.later@dc"), "{told}");
}

#[test]
fn a_job_that_ran_and_went_by_its_own_clock_is_not_run_again() {
    let job = |name: &str, image: &str, more: &str, spec: &str| {
        format!(
            "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n{more}spec:\n{spec}  template: {{spec: {{restartPolicy: Never, \
             containers: [{{name: app, image: {image}}}]}}}}\n"
        )
    };
    let hook = "  annotations: {helm.sh/hook: post-install, helm.sh/hook-delete-policy: hook-succeeded}\n";
    let text = |image: &str| {
        format!("{}{}", job("clock", image, "", "  ttlSecondsAfterFinished: 0\n"), job("hook", image, hook, ""))
    };
    let cluster = Cluster::with_chart(&text("nginx:1"));
    cluster.converge();
    let wait_until_gone = |object: &str| {
        if cluster.object(object).is_some() {
            cluster.delete(object);
        }
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while cluster.object(object).is_some() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    wait_until_gone("jobs/clock");
    wait_until_gone("jobs/hook");
    for _ in 0..3 {
        cluster.is_converged();
    }
    cluster.chart("web", &text("nginx:2"));
    assert_eq!(cluster.changes(), ["update app.web@dc", "replace Job/clock", "replace Job/hook"]);
    cluster.converge();
}
