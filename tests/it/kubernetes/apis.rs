//! What charts see of their cluster, and definitions that one app brings and another one needs.

use super::harness::{self, Cluster};

/// A definition in a group that no other test has, and the group.
fn definition(of: &str) -> (String, String) {
    let group = format!("{of}{}.atlas.test", std::process::id());
    (harness::definition(&group), group)
}

fn app(name: &str) -> String {
    format!("[app.{name}]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nchart = \"{name}\"\n\n")
}

const NOTHING: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n";

#[test]
fn what_another_app_brings_is_found_waited_for_and_removed_in_order() {
    let (definition, group) = definition("a");
    let cluster = Cluster::new(&format!("{}{}", app("user"), app("bringer")));
    // The one that needs it comes first in every order of names.
    cluster.chart("bringer", &definition);
    cluster.chart(
        "user",
        &format!(
            "{NOTHING}{{{{ if .Capabilities.APIVersions.Has \"{group}/v1/Widget\" }}}}\n---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nspec: {{size: 3}}\n{{{{ end }}}}\n"
        ),
    );
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("app.user@dc/Widget/one"), "one plan from nothing has it\n{plan}");
    let told = cluster.converge();
    let at = |told: &str, what: &str| told.rfind(what).unwrap_or_else(|| panic!("{what}\n{told}"));
    let name = format!("app.bringer@dc/CustomResourceDefinition/widgets.{group}");
    assert!(at(&told, &format!("created {name}")) < at(&told, "created app.user@dc/Widget/one"));
    let rendered = cluster.place.expect(0, &["render", "app.user@dc"]);
    assert!(rendered.contains("kind: Widget"), "what is printed is what is planned\n{rendered}");
    let namespace = format!("namespace.{}@dc", cluster.namespace);
    let told =
        cluster.place.expect(0, &["destroy", "--yes", "--allow-loss", "app.bringer", "--allow-loss", &namespace]);
    assert!(at(&told, "deleted app.user@dc/Widget/one") < at(&told, &format!("deleted {name}")));
}

#[test]
fn what_a_chart_brings_itself_does_not_count() {
    let (definition, group) = definition("b");
    let cluster = Cluster::new(&app("web"));
    cluster.chart(
        "web",
        &format!(
            "{NOTHING}{{{{ if not (.Capabilities.APIVersions.Has \"{group}/v1\") }}}}\n---{definition}{{{{ end }}}}\n"
        ),
    );
    cluster.converge();
    assert!(cluster.get(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}")).is_some());
    cluster.is_converged();
    cluster.place.expect(0, &["destroy", "--yes"]);
}

#[test]
fn a_chain_of_charts_that_look_for_each_other_ends() {
    let cluster = Cluster::new(&(0..5).map(|at| app(&format!("a{at}"))).collect::<String>());
    let all: Vec<(String, String)> = (0..5).map(|at| definition(&format!("c{at}"))).collect();
    for (at, (definition, _)) in all.iter().enumerate() {
        // Each brings its own where the next one's is there; the last one always does.
        let text = match all.get(at + 1) {
            None => format!("{NOTHING}---{definition}"),
            Some((_, next)) => {
                format!(
                    "{NOTHING}{{{{ if .Capabilities.APIVersions.Has \"{next}/v1\" }}}}\n---{definition}{{{{ end }}}}\n"
                )
            }
        };
        cluster.chart(&format!("a{at}"), &text);
    }
    let plan = cluster.place.expect(0, &["plan"]);
    assert_eq!(plan.matches("CustomResourceDefinition/widgets").count(), 5, "{plan}");
    cluster.converge();
    cluster.place.expect(0, &["destroy", "--yes"]);
}

#[test]
fn charts_are_told_the_version_of_the_cluster_and_the_apis_that_the_spec_names() {
    let cluster = Cluster::new(&app("web"));
    cluster.chart(
        "web",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {version: {{ .Capabilities.KubeVersion.Version }}, has: {{ .Capabilities.APIVersions.Has \"monitoring.coreos.com/v1\" | quote }}}\n",
    );
    let rendered = |words: &[&str]| cluster.place.expect(0, &[&["render", "app.web@dc"], words].concat());
    assert!(rendered(&[]).contains("version: v1.33, has: \"false\""), "{}", rendered(&[]));
    cluster.place.edit("[cluster.dc]\n", "[cluster.dc]\nversion = \"1.31.2\"\n");
    cluster.place.edit("[app.web]\n", "[app.web]\napi_versions = [\"monitoring.coreos.com/v1\"]\n");
    assert!(rendered(&[]).contains("version: v1.31.2, has: \"true\""), "{}", rendered(&[]));
    assert!(rendered(&["--kube-version", "1.29"]).contains("version: v1.29, has: \"true\""));
    cluster.converge();
    let object = cluster.object("configmaps/web").expect("there");
    assert_eq!(object["data"]["version"], "v1.31.2");
}

#[test]
fn of_two_charts_that_leave_out_what_is_there_one_keeps_it() {
    let (definition, group) = definition("d");
    let text = |name: &str| {
        format!(
            "{NOTHING}{{{{ if not (.Capabilities.APIVersions.Has \"{group}/v1/Widget\") }}}}\n---{definition}{{{{ end }}}}\n---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: {name}}}\n"
        )
    };
    let cluster = Cluster::new(&app("one"));
    cluster.chart("one", &text("one"));
    cluster.chart("two", &text("two"));
    cluster.converge();
    let spec = cluster.place.read("atlas.toml");
    cluster.place.write("atlas.toml", &format!("{spec}{}", app("two").replace("NS", &cluster.namespace)));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(!plan.contains(&format!("- app.one@dc/CustomResourceDefinition/widgets.{group}")), "{plan}");
    cluster.converge();
    let there = cluster.get(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"));
    assert!(there.is_some(), "one of them keeps it");
    for name in ["one", "two"] {
        assert!(cluster.get(&format!("/apis/{group}/v1/namespaces/{}/widgets/{name}", cluster.namespace)).is_some());
    }
    let namespace = format!("namespace.{}@dc", cluster.namespace);
    let loss = ["--allow-loss", "app.one", "--allow-loss", "app.two", "--allow-loss", &namespace];
    cluster.place.expect(0, &[&["destroy", "--yes"], &loss[..]].concat());
}
