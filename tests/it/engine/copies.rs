//! Marks that were copied: by an image that brings them along, by hand, or by whoever names a container otherwise. An object is
//! Atlas's own only if its name, its id and its mark agree, and where nobody can tell, nothing is deleted.

use atlas::plan::{Options, Plan};
use serde_json::{Value, json};

use super::{Engine, container, head};
use crate::support::{actions, execute, summary};

/// A spec with nothing in it but its project.
async fn without(engine: &Engine, project: &str) -> Plan {
    engine.plan(&head(project), &Options::default()).await.1
}

/// The labels of an object as options of Docker's own command line.
fn label_options(labels: &Value) -> Vec<String> {
    let all = labels.as_object().into_iter().flatten();
    all.flat_map(|(key, value)| ["--label".to_owned(), format!("{key}={}", value.as_str().unwrap_or_default())])
        .collect()
}

/// Starts a copy of a container, with the same labels.
fn copy(engine: &Engine, container: &str, name: &str) {
    let labels = label_options(&engine.inspect("container", container)["Config"]["Labels"]);
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    engine.start(name, &labels);
}

/// Starts a container from an image that somebody made.
fn start_from(engine: &Engine, image: &str, name: &str) {
    let binds = ["/usr", "/lib", "/lib64", "/bin"].map(|folder| format!("{folder}:{folder}:ro"));
    let binds = binds.iter().flat_map(|bind| ["-v", bind]);
    let all: Vec<&str> = ["run", "-d", "--name", name].into_iter().chain(binds).chain([image]).collect();
    engine.docker(&all);
}

/// Why something is blocked, or can't be looked at.
fn reasons(plan: &Plan) -> String {
    format!("{:?} {:?}", plan.changes.iter().map(|change| &change.blocked).collect::<Vec<_>>(), plan.diagnostics)
}

#[tokio::test]
async fn a_container_of_an_image_that_was_made_from_another_one_is_nobody_s() {
    let Some(engine) = Engine::here() else { return };
    let spec = head("committed") + &container("committed", "");
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    engine.docker(&["commit", "committed", "atlas-test/committed:1"]);
    start_from(&engine, "atlas-test/committed:1", "committed-copy");
    let copy = engine.id("committed-copy");
    // The copy is not seen, and nothing changes about the original.
    let (_, plan) = engine.plan(&spec, &Options::default()).await;
    assert!(plan.is_empty(), "{}", summary(&plan));
    let plan = without(&engine, "committed").await;
    assert_eq!(json!(actions(&plan)), json!({ "container.committed": "delete" }), "{}", summary(&plan));
    engine.converge(&head("committed"), &Options::default(), &[]).await.expect("the original goes");
    assert!(engine.inspect("container", "committed").is_null());
    assert_eq!(engine.id("committed-copy"), copy);
    // Under the name of the original, the copy still belongs to somebody else.
    engine.docker(&["rename", "committed-copy", "committed"]);
    assert!(without(&engine, "committed").await.is_empty());
    let (pipeline, plan) = engine.plan(&spec, &Options::default()).await;
    assert!(reasons(&plan).contains("nobody that Atlas knows"), "{}", reasons(&plan));
    execute(&pipeline, plan, &[]).await;
    assert_eq!(engine.id("committed"), copy, "nothing was done to it");
    engine.docker(&["rm", "--force", "committed"]);
    // A container that Atlas makes from that image is Atlas's own.
    let spec = head("committed") + &container("committed", "image = \"atlas-test/committed:1\"\n");
    engine.converge(&spec, &Options::default(), &[]).await.expect("made from it");
    engine.converge(&head("committed"), &Options::default(), &[]).await.expect("it goes");
    assert!(engine.inspect("container", "committed").is_null());
    engine.docker(&["image", "rm", "atlas-test/committed:1"]);
}

#[tokio::test]
async fn labels_of_an_image_say_nothing_about_containers_of_atlas() {
    let Some(engine) = Engine::here() else { return };
    engine.converge(&(head("labelled") + &container("labelled", "")), &Options::default(), &[]).await.expect("made");
    // An image that claims to be protected, forgotten, another project's, and the node of a cluster.
    let claims = [
        "LABEL atlas.project=victim atlas.environment=default atlas.address=container.victim atlas.needs=",
        "LABEL atlas.identity=container/victim atlas.protect=true atlas.forgotten=true atlas.on-remove=forget",
        "LABEL app=k3d k3d.cluster=victim k3d.role=server",
        r#"LABEL atlas.secrets="{\"TOKEN\":{\"env\":\"X\"}}" atlas.keys.labels=team team=theirs"#,
    ];
    let changes = claims.iter().flat_map(|claim| ["--change", claim]);
    let all: Vec<&str> = ["commit"].into_iter().chain(changes).chain(["labelled", "atlas-test/labelled:1"]).collect();
    engine.docker(&all);
    let spec = head("labelled") + &container("labelled", "image = \"atlas-test/labelled:1\"\n");
    engine.converge(&spec, &Options::default(), &[]).await.expect("it is made anew");
    assert_eq!(engine.inspect("container", "labelled")["Config"]["Image"], "atlas-test/labelled:1");
    // A container that somebody starts from it is neither that project's nor a node of that cluster.
    start_from(&engine, "atlas-test/labelled:1", "victim");
    for project in ["victim", "labelled-other"] {
        assert!(without(&engine, project).await.is_empty());
    }
    engine.converge(&head("labelled"), &Options::default(), &[]).await.expect("it goes");
    assert!(engine.inspect("container", "labelled").is_null());
    assert!(!engine.inspect("container", "victim").is_null());
    engine.docker(&["rm", "--force", "victim"]);
    engine.docker(&["image", "rm", "atlas-test/labelled:1"]);
}

#[tokio::test]
async fn two_containers_with_one_mark_stop_with_both_named() {
    let Some(engine) = Engine::here() else { return };
    let with = head("doubled") + &container("doubled", "");
    engine.converge(&with, &Options::default(), &[]).await.expect("made");
    let changed = head("doubled") + &container("doubled", "restart = \"always\"\n");
    copy(&engine, "doubled", "doubled-copy");
    let ids = [engine.id("doubled"), engine.id("doubled-copy")];
    let destroy = Options { destroy: true, ..Options::default() };
    for (spec, options) in [
        (head("doubled"), Options::default()),
        (with.clone(), Options::default()),
        (changed, Options::default()),
        (with.clone(), destroy),
    ] {
        let (pipeline, plan) = engine.plan(&spec, &options).await;
        let reasons = reasons(&plan);
        assert!(reasons.contains("`doubled`") && reasons.contains("`doubled-copy`"), "{reasons}");
        execute(&pipeline, plan, &["container.doubled"]).await;
        assert_eq!([engine.id("doubled"), engine.id("doubled-copy")], ids, "nothing was done to either");
    }
    engine.docker(&["rm", "--force", "doubled-copy"]);
    let (_, plan) = engine.plan(&with, &Options::default()).await;
    assert!(plan.is_empty(), "{}", summary(&plan));
    engine.clean("doubled").await;
}

#[tokio::test]
async fn a_copied_mark_on_a_volume_or_a_network_is_none() {
    let Some(engine) = Engine::here() else { return };
    let spec = head("lent") + "[volume.lent]\nname = \"lent-data\"\n[network.lent]\nname = \"lent-net\"\n";
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    for (kind, name) in [("volume", "lent-data"), ("network", "lent-net")] {
        let labels = label_options(&engine.inspect(kind, name)["Labels"]);
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        engine.docker(&[&[kind, "create"], labels.as_slice(), &[&format!("{name}-copy")]].concat());
    }
    let (_, plan) = engine.plan(&spec, &Options::default()).await;
    assert!(plan.is_empty(), "{}", summary(&plan));
    engine.converge(&head("lent"), &Options::default(), &[]).await.expect("the originals go");
    for (kind, name) in [("volume", "lent-data"), ("network", "lent-net")] {
        assert!(engine.inspect(kind, name).is_null(), "{name}");
        let copy = format!("{name}-copy");
        assert!(!engine.inspect(kind, &copy).is_null(), "{copy}");
        engine.docker(&[kind, "rm", &copy]);
    }
}

#[tokio::test]
async fn what_was_renamed_is_not_removed_before_it_is_known() {
    let Some(engine) = Engine::here() else { return };
    let spec = head("renamed") + &container("renamed", "restart = \"no\"\n");
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    engine.docker(&["rename", "renamed", "renamed-by-hand"]);
    let id = engine.id("renamed-by-hand");
    // It may be a copy of a container that is gone by now.
    let (pipeline, plan) = engine.plan(&head("renamed"), &Options::default()).await;
    let said = reasons(&plan);
    assert!(said.contains("docker rename renamed-by-hand renamed"), "{said}");
    execute(&pipeline, plan, &[]).await;
    let other = spec.replace("trap 'exit 0' TERM", "trap 'exit 1' TERM");
    let (pipeline, plan) = engine.plan(&other, &Options::default()).await;
    execute(&pipeline, plan, &[]).await;
    assert_eq!(engine.id("renamed-by-hand"), id, "nothing was deleted");
    // A container with a note about it is known by its id, whatever its name.
    engine.docker(&["rename", "renamed-by-hand", "renamed"]);
    let noted = spec.replace("\"no\"", "\"always\"");
    engine.converge(&noted, &Options::default(), &[]).await.expect("changed in place");
    assert_eq!(engine.id("renamed"), id);
    engine.docker(&["rename", "renamed", "renamed-by-hand"]);
    engine.converge(&head("renamed"), &Options::default(), &[]).await.expect("it goes");
    assert!(engine.inspect("container", "renamed-by-hand").is_null());
}
