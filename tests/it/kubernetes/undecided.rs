//! Apps that depend on what other resources tell once they are there: they are planned once somebody can, and until then what they came
//! to before stays.

use base64::Engine as _;

use super::harness::{Cluster, definition};
use crate::support::Place;

const SPEC: &str = r#"
[project]
name = "t"
[environment.sandbox]
world = "sandbox"
[region.a]
[queue.jobs]
regions = ["a"]
[cluster.dc]
region = "a"
[namespace.shop]
clusters = ["dc"]
[app.web]
clusters = ["dc"]
namespace = "shop"
chart = "web"
values = { url = "${queue.jobs.url}" }
[app.after]
clusters = ["dc"]
namespace = "shop"
chart = "after"
depends_on = ["app.web"]
"#;

fn config_map(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n")
}

/// A spec in the sandbox with an app `web` of one template, and an app `after` that waits for it.
fn place(template: &str) -> Place {
    let place = Place::with(SPEC);
    for (chart, text) in [("web", template), ("after", &config_map("after", "a: b"))] {
        std::fs::create_dir_all(place.path(&format!("{chart}/templates"))).expect("made");
        place.write(&format!("{chart}/Chart.yaml"), &format!("apiVersion: v2\nname: {chart}\nversion: 0.1.0\n"));
        place.write(&format!("{chart}/templates/all.yaml"), text);
    }
    place
}

fn run(place: &Place, code: i32, args: &[&str]) -> String {
    let args: Vec<&str> = args.iter().copied().chain(["-e", "sandbox"]).collect();
    place.expect(code, &args)
}

const DECIDES: &str = "{{ if contains \"jobs\" .Values.url }}
apiVersion: v1
kind: ConfigMap
metadata: {name: found}
data: {a: b}
{{ end }}
---
";

const NAMES: &str = "
---
apiVersion: v1
kind: ConfigMap
metadata: {name: \"m{{ .Values.url | sha256sum | trunc 8 }}\"}
data: {a: b}
";

const COMPUTES: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {url: {{ .Values.url | quote }}, upper: \"{{ .Values.url | upper }}/x\", short: {{ .Values.url | trunc 3 | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {encoded: {{ .Values.url | b64enc }}}
stringData: {plain: \"{{ .Values.url }}\"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: w}
spec:
  replicas: {{ .Values.url | replace .Values.url \"3\" | int }}
  selector: {matchLabels: {app: w}}
  template:
    metadata: {labels: {app: w}, annotations: {checksum/config: {{ .Values.url | sha256sum }}}}
    spec: {containers: [{name: w, image: i}]}
";

#[test]
fn what_is_computed_of_a_value_is_completed_in_the_same_apply() {
    let place = place(COMPUTES);
    let plan = run(&place, 0, &["plan"]);
    assert!(plan.contains("+ app.web@dc/Secret/keys") && !plan.contains("blocked"), "{plan}");
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
    let show = |what: &str| -> serde_json::Value {
        let shown = run(&place, 0, &["show", what, "--json"]);
        serde_json::from_str::<serde_json::Value>(&shown).expect("JSON")["observed"].clone()
    };
    let url = show("queue.jobs@a")["outputs"]["url"].as_str().expect("a text").to_owned();
    let settings = show("app.web@dc/ConfigMap/settings")["attributes"]["manifest"]["data"].clone();
    assert_eq!(settings["url"], url);
    assert_eq!(settings["upper"], format!("{}/x", url.to_uppercase()));
    let replicas = &show("app.web@dc/Deployment/w")["attributes"]["manifest"]["spec"]["replicas"];
    assert_eq!(*replicas, 3);
    // What drifted of it comes back, and an edit of the values changes what follows from them.
    run(&place, 0, &["sandbox", "set", "app.web@dc/ConfigMap/settings", "manifest={data={upper=\"moved\"}}"]);
    let plan = run(&place, 0, &["plan"]);
    assert!(plan.contains("~ app.web@dc/ConfigMap/settings"), "{plan}");
    run(&place, 0, &["apply", "--yes"]);
    // The queue goes and comes back, as another one would.
    run(&place, 0, &["sandbox", "delete", "queue.jobs@a"]);
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
    place.edit("values = { url = \"${queue.jobs.url}\" }", "values = { url = \"${queue.jobs.url}/more\" }");
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
    let settings = show("app.web@dc/ConfigMap/settings")["attributes"]["manifest"]["data"].clone();
    assert_eq!(settings["upper"], format!("{}/MORE/x", url.to_uppercase()));
    // A new queue together with an edit: the old address is nowhere afterwards.
    place.edit("[queue.jobs]\n", "[queue.jobs]\nname = \"others\"\n");
    run(&place, 0, &["apply", "--yes", "--allow-loss", "queue.jobs@a"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
    let settings = show("app.web@dc/ConfigMap/settings")["attributes"]["manifest"]["data"].clone();
    assert!(settings["upper"].as_str().is_some_and(|upper| upper.contains("OTHERS")), "{settings}");
}

#[test]
fn what_can_not_be_computed_with_the_value_fails_its_app_alone() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ index (splitList \"/\" .Values.url) 40 | quote }}}\n";
    let place = place(text);
    let failed = place.run(&["apply", "--yes", "-e", "sandbox"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    assert!(failed.stderr.contains("app.web@dc") && failed.stderr.contains("web/templates/all.yaml:4"), "{failed:?}");
    let refused = place.run(&["plan", "-e", "sandbox"]);
    assert!(refused.code == 1 && refused.stderr.contains("A0214"), "{refused:?}");
}

#[test]
fn what_a_template_decides_or_computes_by_a_value_is_planned_once_that_is_there() {
    for (template, object) in [(DECIDES, "ConfigMap/found"), (NAMES, "ConfigMap/m")] {
        let place = place(template);
        run(&place, 0, &["validate"]);
        let plan = run(&place, 0, &["plan"]);
        let why = "queue.jobs@a decides what the app comes to (";
        assert!(plan.contains("app.web@dc") && plan.contains(why), "{plan}");
        assert!(!plan.contains(object) && plan.contains("3 blocked"), "{plan}");
        let told = run(&place, 3, &["apply", "--yes"]);
        assert!(told.contains("3 blocked"), "{told}");
        let plan = run(&place, 0, &["plan"]);
        assert!(plan.contains(&format!("+ app.web@dc/{object}")) && !plan.contains("blocked"), "{plan}");
        run(&place, 0, &["apply", "--yes"]);
        run(&place, 0, &["plan", "--detailed-exitcode"]);
        assert!(run(&place, 0, &["status"]).contains(object));
        run(&place, 0, &["drift"]);
    }
}

#[test]
fn what_an_undecided_app_came_to_before_stays_until_somebody_can_decide() {
    let place = place(DECIDES);
    run(&place, 3, &["apply", "--yes"]);
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["sandbox", "delete", "queue.jobs@a"]);
    let plan = run(&place, 0, &["plan"]);
    assert!(plan.contains("! app.web@dc") && !plan.contains("- app.web@dc/ConfigMap/found"), "{plan}");
    run(&place, 3, &["apply", "--yes"]);
    assert!(run(&place, 0, &["show", "app.web@dc/ConfigMap/found"]).contains("observed:"));
    run(&place, 0, &["plan", "--detailed-exitcode"]);
    // The region of the queue does not answer: that is the reason then, and nothing goes.
    run(&place, 0, &["sandbox", "outage", "a"]);
    let plan = run(&place, 4, &["plan", "--detailed-exitcode"]);
    assert!(plan.contains("region.a does not answer") && !plan.contains("decides what"), "{plan}");
    run(&place, 0, &["sandbox", "outage", "a", "--end"]);
    // Everything can be destroyed while it is undecided.
    run(&place, 0, &["sandbox", "delete", "queue.jobs@a"]);
    run(&place, 0, &["destroy", "--yes", "--allow-loss", "namespace.shop@dc"]);
    assert!(!run(&place, 4, &["status"]).contains("ready"));
}

#[test]
fn a_fault_that_only_the_value_brings_out_is_said_before_anything_is_done() {
    let place = place("{{ if contains \"jobs\" .Values.url }}{{ fail \"no queues here\" }}{{ end }}\n");
    run(&place, 3, &["apply", "--yes"]);
    let refused = place.run(&["plan", "-e", "sandbox"]);
    assert!(refused.code == 1 && refused.stderr.contains("no queues here"), "{refused:?}");
    assert!(refused.stderr.contains("A0214") && refused.stderr.contains("chart = \"web\""), "{refused:?}");
}

#[test]
fn a_cluster_that_exists_tells_what_decides_in_the_first_plan() {
    let cluster = Cluster::new(
        "[app.web]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nchart = \"web\"\nwait = \"applied\"\nvalues = { api = \"${cluster.dc.endpoint}\" }\n",
    );
    let text = "{{ if hasPrefix \"http\" .Values.api }}\n".to_owned() + &config_map("found", "a: b") + "{{ end }}\n";
    cluster.chart("web", &text);
    cluster.converge();
    assert!(cluster.object("configmaps/found").is_some());
    cluster.chart("web", &text.replace("a: b", "a: c"));
    cluster.converge();
    assert_eq!(cluster.object("configmaps/found").expect("there")["data"]["a"], "c");
}

#[test]
fn plain_manifests_refer_to_variables_and_resources() {
    let spec =
        SPEC.replace("chart = \"web\"\nvalues = { url = \"${queue.jobs.url}\" }", "manifests = [\"k8s/*.yaml\"]");
    let place = place(DECIDES);
    place.write("atlas.toml", &format!("{spec}[var.replicas]\ndefault = 3\n[var.tag]\ndefault = \"1.2\"\n"));
    std::fs::create_dir_all(place.path("k8s")).expect("made");
    let text = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: \"${queue.jobs.name}-worker\"}
spec:
  replicas: ${var.replicas}
  selector: {matchLabels: {app: w}}
  template:
    metadata: {labels: {app: w}}
    spec:
      containers:
      - name: w
        image: worker:${var.tag}
        env: [{name: URL, value: \"${queue.jobs.url}\"}, {name: COUNT, value: \"${var.replicas}\"}]
        command: [sh, -c, 'echo ${name:-x} $${var.tag} ${HOME}']
";
    place.write("k8s/worker.yaml", text);
    let plan: serde_json::Value = serde_json::from_str(&run(&place, 0, &["plan", "--json"])).expect("JSON");
    let changes = plan["changes"].as_array().expect("changes");
    let deployment = changes.iter().find(|one| one["address"] == "app.web@dc/Deployment/jobs-worker").expect("planned");
    let needs = deployment["depends_on"].to_string();
    assert!(needs.contains("queue.jobs@a"), "{deployment}");
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
    let shown = run(&place, 0, &["show", "app.web@dc/Deployment/jobs-worker", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let spec = &shown["observed"]["attributes"]["manifest"]["spec"];
    assert_eq!(spec["replicas"], 3);
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "worker:1.2");
    assert_eq!(container["env"][1]["value"], "3");
    assert_eq!(container["command"][2], "echo ${name:-x} ${var.tag} ${HOME}");
    assert!(container["env"][0]["value"].as_str().is_some_and(|url| url.contains("jobs") && !url.contains("${")));
    assert!(run(&place, 0, &["render", "app.web@dc"]).contains("replicas: 3"));
    place.write("k8s/worker.yaml", &text.replace("queue.jobs.url", "queue.job.url"));
    let refused = place.run(&["validate", "-e", "sandbox"]);
    assert!(refused.code == 1 && refused.stderr.contains("the spec declares no queue `job`"), "{refused:?}");
    assert!(refused.stderr.contains("k8s/worker.yaml") && refused.stderr.contains("A0214"), "{refused:?}");
}

/// The spec with more blocks, and the charts of those.
fn with(place: &Place, more: &str, charts: &[(&str, &str)]) {
    place.write("atlas.toml", &format!("{}\n{more}", place.read("atlas.toml")));
    for (chart, text) in charts {
        std::fs::create_dir_all(place.path(&format!("{chart}/templates"))).expect("made");
        place.write(&format!("{chart}/Chart.yaml"), &format!("apiVersion: v2\nname: {chart}\nversion: 0.1.0\n"));
        place.write(&format!("{chart}/templates/all.yaml"), text);
    }
}

#[test]
fn charts_that_look_for_apis_wait_for_an_app_that_may_bring_some() {
    let place = place(&format!("{{{{ if contains \"jobs\" .Values.url }}}}{}{{{{ end }}}}", definition("x.test")));
    let looks = "{{ if .Capabilities.APIVersions.Has \"x.test/v1\" }}\napiVersion: x.test/v1\nkind: Widget\nmetadata: {name: w}\n{{ end }}\n---\n"
        .to_owned()
        + &config_map("always", "a: b");
    with(
        &place,
        "[app.looker]\nclusters = [\"dc\"]\nnamespace = \"shop\"\nchart = \"looker\"\n",
        &[("looker", &looks)],
    );
    place.edit("${queue.jobs.url}", "the-jobs");
    run(&place, 0, &["apply", "--yes"]);
    place.edit("the-jobs", "${queue.jobs.url}");
    let plan = run(&place, 0, &["plan"]);
    assert!(!plan.contains("- app.looker@dc/Widget/w"), "{plan}");
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
    run(&place, 0, &["sandbox", "delete", "queue.jobs@a"]);
    let plan = run(&place, 0, &["plan"]);
    assert!(plan.contains("! app.looker@dc") && !plan.contains("- app.looker@dc/Widget/w"), "{plan}");
    run(&place, 3, &["apply", "--yes"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn what_is_computed_waits_for_a_region_that_does_not_answer() {
    let place = place(COMPUTES);
    place.edit("[region.a]", "[region.a]\n[region.b]");
    place.edit("regions = [\"a\"]", "regions = [\"b\"]");
    place.edit("queue.jobs.url", "queue.jobs@b.url");
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["sandbox", "outage", "b"]);
    let plan = run(&place, 4, &["plan", "--detailed-exitcode"]);
    assert!(plan.contains("! app.web@dc") && plan.contains("region.b does not answer"), "{plan}");
    run(&place, 0, &["sandbox", "outage", "b", "--end"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn what_is_computed_of_something_made_by_chance_stays_as_it_was_made() {
    let text = "{{ $p := randAlphaNum 8 }}
apiVersion: v1
kind: ConfigMap
metadata: {name: keys}
data:
  password: {{ $p | quote }}
  dsn: {{ printf \"db://%s@%s\" $p .Values.url | b64enc | quote }}
  plain: {{ .Values.url | upper | quote }}
";
    let place = place(text);
    run(&place, 0, &["apply", "--yes"]);
    for _ in 0..2 {
        run(&place, 0, &["plan", "--detailed-exitcode"]);
    }
    let shown = run(&place, 0, &["show", "app.web@dc/ConfigMap/keys", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let data = &shown["observed"]["attributes"]["manifest"]["data"];
    let text = |key: &str| data[key].as_str().expect("a text").to_owned();
    let dsn = base64::engine::general_purpose::STANDARD.decode(text("dsn")).expect("encoded");
    assert!(String::from_utf8(dsn).expect("a text").contains(&text("password")), "{data}");
}

#[test]
fn a_computed_value_that_changes_the_form_of_an_object_fails_its_app() {
    for args in [
        "{{ .Values.url | replace .Values.url \"a,b\" | printf \"[%s]\" }}",
        "[{{ .Values.url | replace .Values.url \"a,b\" }}, last]",
        "{{ .Values.url | trunc 0 }}",
    ] {
        let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\nextra: {args}\ndata: {{a: b}}\n");
        let place = place(&text);
        let failed = place.run(&["apply", "--yes", "-e", "sandbox"]);
        assert!(failed.code == 3 && failed.stderr.contains("comes to something else than was planned"), "{failed:?}");
        let refused = place.run(&["plan", "-e", "sandbox"]);
        assert!(refused.code == 1 && refused.stderr.contains("A0214"), "{refused:?}");
    }
}

#[test]
fn what_decides_can_be_replaced_and_the_app_is_planned_after_that() {
    let place = place(DECIDES);
    run(&place, 3, &["apply", "--yes"]);
    run(&place, 0, &["apply", "--yes"]);
    place.edit("[queue.jobs]\n", "[queue.jobs]\nname = \"other-jobs\"\n");
    let plan = run(&place, 0, &["plan"]);
    assert!(plan.contains("+/- queue.jobs@a") && plan.contains("! app.web@dc/ConfigMap/found"), "{plan}");
    run(&place, 3, &["apply", "--yes"]);
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn an_object_that_an_undecided_app_may_come_to_is_not_deleted() {
    let place = place(DECIDES);
    run(&place, 3, &["apply", "--yes"]);
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["sandbox", "delete", "queue.jobs@a"]);
    let spec = place.read("atlas.toml").replace("app.web", "app.shop");
    for more in ["", "renamed_from = \"app.web\"\n"] {
        place.write("atlas.toml", &spec.replace("[app.shop]\n", &format!("[app.shop]\n{more}")));
        let plan = run(&place, 0, &["plan"]);
        assert!(plan.contains("! app.web@dc/ConfigMap/found"), "{plan}");
    }
    run(&place, 3, &["apply", "--yes"]);
    let plan = run(&place, 0, &["plan"]);
    assert!(plan.contains("app.shop@dc/ConfigMap/found") && !plan.contains("- app."), "{plan}");
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_value_that_another_app_is_told_decides_as_well() {
    let place = place("{{ if contains \"jobs\" .Values.url }}{{ end }}".to_owned().as_str());
    with(
        &place,
        "[app.second]\nclusters = [\"dc\"]\nnamespace = \"shop\"\nchart = \"second\"\nvalues = { u = \"${app.after.values.u}\" }\n",
        &[(
            "second",
            &("{{ if contains \"jobs\" .Values.u }}\n".to_owned() + &config_map("second", "a: b") + "{{ end }}\n"),
        )],
    );
    place.edit("depends_on = [\"app.web\"]", "values = { u = \"${queue.jobs.url}\" }");
    place.write("web/templates/all.yaml", &config_map("web", "a: b"));
    run(&place, 3, &["apply", "--yes"]);
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["show", "app.second@dc/ConfigMap/second"]);
    run(&place, 0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn an_undecided_app_can_be_forgotten_with_all_that_it_came_to() {
    let place = place(DECIDES);
    run(&place, 3, &["apply", "--yes"]);
    run(&place, 0, &["apply", "--yes"]);
    run(&place, 0, &["sandbox", "delete", "queue.jobs@a"]);
    let told = run(&place, 0, &["forget", "--yes", "app.web@dc"]);
    assert!(told.contains("2 forgotten"), "{told}");
    run(&place, 3, &["apply", "--yes"]);
    let plan = run(&place, 0, &["plan"]);
    assert!(plan.contains("! app.web@dc  blocked, exists and belongs to nobody"), "{plan}");
}
