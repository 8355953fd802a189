//! Whether containers are in the networks that they should be in, whatever happened to either.

use atlas::plan::Options;
use serde_json::json;

use super::{Engine, container, head};

/// The networks that a container is in, with its address in each.
fn joined(engine: &Engine, container: &str) -> Vec<(String, String)> {
    let seen = engine.inspect("container", container);
    let all = seen["NetworkSettings"]["Networks"].as_object().cloned().unwrap_or_default();
    let connected = all.into_iter().filter(|(_, endpoint)| endpoint["EndpointID"] != "");
    connected.map(|(name, endpoint)| (name, endpoint["IPAddress"].as_str().unwrap_or_default().to_owned())).collect()
}

fn names(joined: &[(String, String)]) -> Vec<&str> {
    joined.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn a_container_that_lost_its_network_is_degraded_and_gets_it_back() {
    let Some(engine) = Engine::here() else { return };
    let spec = head("lost") + &container("lost", "");
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    let id = engine.id("lost");
    engine.docker(&["network", "disconnect", "bridge", "lost"]);
    let (plan, why) = engine.planned(&spec).await;
    assert_eq!(plan, json!({ "container.lost": "update" }), "{why}");
    assert!(why.contains("in no network"), "{why}");
    engine.converge(&spec, &Options::default(), &[]).await.expect("healed");
    assert_eq!((names(&joined(&engine, "lost")), engine.id("lost")), (vec!["bridge"], id));
    engine.clean("lost").await;
}

#[tokio::test]
async fn a_container_whose_networks_left_the_spec_is_in_the_engine_s_own() {
    let Some(engine) = Engine::here() else { return };
    let block = |networks: &str| head("left") + "[network.left]\n" + &container("left", networks);
    let spec = block("networks = [{ network = \"network.left\" }]\n");
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    let id = engine.id("left");
    assert_eq!(names(&joined(&engine, "left")), ["left"]);
    engine.converge(&block(""), &Options::default(), &[]).await.expect("changed");
    assert_eq!((names(&joined(&engine, "left")), engine.id("left")), (vec!["bridge"], id.clone()));
    engine.converge(&spec, &Options::default(), &[]).await.expect("and back");
    assert_eq!((names(&joined(&engine, "left")), engine.id("left")), (vec!["left"], id));
    engine.clean("left").await;
}

#[tokio::test]
async fn addresses_are_swapped() {
    let Some(engine) = Engine::here() else { return };
    let block = |a: u8, b: u8| {
        let one = |name: &str, last: u8| {
            let line = format!("networks = [{{ network = \"network.swap\", address = \"10.213.77.{last}\" }}]\n");
            container(name, &line)
        };
        let network = "[network.swap]\nsubnet = \"10.213.77.0/24\"\n\n";
        head("swap") + network + &one("swap-a", a) + &one("swap-b", b)
    };
    engine.converge(&block(5, 6), &Options::default(), &[]).await.expect("made");
    engine.converge(&block(6, 5), &Options::default(), &[]).await.expect("swapped");
    assert_eq!(joined(&engine, "swap-a"), [("swap".to_owned(), "10.213.77.6".to_owned())]);
    assert_eq!(joined(&engine, "swap-b"), [("swap".to_owned(), "10.213.77.5".to_owned())]);
    engine.clean("swap").await;
}

#[tokio::test]
async fn a_container_that_was_stopped_while_its_network_was_made_again_starts() {
    let Some(engine) = Engine::here() else { return };
    let lines = "networks = [{ network = \"network.again\", aliases = [\"store\"] }]\n";
    let spec = head("again") + "[network.again]\n" + &container("again", lines);
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    let id = engine.id("again");
    engine.docker(&["stop", "-t", "1", "again"]);
    engine.docker(&["network", "rm", "again"]);
    engine.converge(&spec, &Options::default(), &[]).await.expect("healed");
    assert_eq!((names(&joined(&engine, "again")), engine.id("again")), (vec!["again"], id));
    engine.clean("again").await;
}

#[tokio::test]
async fn a_network_in_use_is_replaced_with_what_is_in_it() {
    let Some(engine) = Engine::here() else { return };
    let block = |subnet: &str| {
        let lines = "networks = [{ network = \"network.moved\" }]\n";
        head("moved") + &format!("[network.moved]\nsubnet = \"{subnet}\"\n\n") + &container("moved", lines)
    };
    engine.converge(&block("10.213.78.0/24"), &Options::default(), &[]).await.expect("made");
    let id = engine.id("moved");
    let (plan, why) = engine.planned(&block("10.213.79.0/24")).await;
    // The plan says who is interrupted.
    assert_eq!(plan, json!({ "network.moved": "replace", "container.moved": "update" }), "{why}");
    // What somebody else put into it stays, and so does all of the network.
    engine.start("moved-theirs", &["--network", "moved"]);
    let refused = engine.converge(&block("10.213.79.0/24"), &Options::default(), &[]).await.expect_err("in use");
    assert!(refused.contains("the container `moved-theirs` is in it still"), "{refused}");
    assert_eq!(names(&joined(&engine, "moved")), ["moved"]);
    engine.docker(&["rm", "-f", "moved-theirs"]);
    engine.converge(&block("10.213.79.0/24"), &Options::default(), &[]).await.expect("replaced");
    let joined = joined(&engine, "moved");
    assert!(joined[0].1.starts_with("10.213.79."), "{joined:?}");
    assert_eq!(engine.id("moved"), id);
    engine.clean("moved").await;
}

#[tokio::test]
async fn a_volume_in_use_is_replaced_with_what_uses_it() {
    let Some(engine) = Engine::here() else { return };
    let block = |size: &str| {
        let options = format!("options = {{ type = \"tmpfs\", device = \"tmpfs\", o = \"size={size}\" }}\n");
        let lines = "volumes = [{ volume = \"volume.used\", to = \"/data\" }]\n";
        head("used") + "[volume.used]\n" + &options + "\n" + &container("used", lines)
    };
    engine.converge(&block("8m"), &Options::default(), &[]).await.expect("made");
    let (plan, why) = engine.planned(&block("9m")).await;
    assert_eq!(plan, json!({ "volume.used": "replace", "container.used": "replace" }), "{why}");
    engine.converge(&block("9m"), &Options::default(), &["volume.used"]).await.expect("replaced");
    assert_eq!(engine.inspect("volume", "used")["Options"]["o"], "size=9m");
    assert_eq!(engine.inspect("container", "used")["State"]["Running"], true);
    engine.clean("used").await;
}
