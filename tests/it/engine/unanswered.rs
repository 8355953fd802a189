//! Regions that do not answer, and regions that the spec looks for elsewhere: nothing of them is deleted without a word.

use serde_json::{Value, json};

use super::free_port;
use super::regions::Regions;
use crate::support::Run;

/// All that a run said, in one line.
fn said(run: &Run) -> String {
    (run.stdout.clone() + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A region with a volume of its own, and an object in its bucket.
fn made(project: &'static str) -> Option<Regions> {
    let regions = Regions::new(project, 1)?;
    regions.place.edit("localstack = {", "localstack = { persist = true,");
    regions.run(0, &["apply", "--yes"]);
    let bucket = format!("us-east-1-{project}");
    regions.cloud.ask("us-east-1", "put", json!([bucket, "entry", "a transaction"])).expect("put");
    Some(regions)
}

/// What the engine itself calls the container of the region, and its volume.
fn ids(regions: &Regions) -> (String, Vec<Value>) {
    let container = regions.container("us-east-1");
    let seen = regions.engine.inspect("container", &container);
    let mounts = seen["Mounts"].as_array().expect("a list").iter();
    let volumes: Vec<String> = mounts.filter_map(|mount| mount["Name"].as_str().map(str::to_owned)).collect();
    assert_eq!(volumes.len(), 1, "{seen:#}");
    let born = volumes.iter().map(|name| regions.engine.inspect("volume", name)["CreatedAt"].clone()).collect();
    (regions.engine.id(&container), born)
}

#[test]
fn a_region_whose_process_is_stopped_is_not_deleted() {
    let Some(regions) = made("frozen-region") else { return };
    let (before, container) = (ids(&regions), regions.container("us-east-1"));
    let contents = regions.contents("us-east-1");
    // The container runs, and nobody in it answers any more.
    regions.engine.docker(&["kill", "--signal", "STOP", &container]);
    for arguments in [&["destroy", "--yes"][..], &["destroy", "--yes", "--allow-loss", "bucket.logs@us-east-1"]] {
        let run = regions.engine.run(&regions.place, arguments);
        let said = said(&run);
        assert!([1, 3].contains(&run.code), "{arguments:?} {}: {said}", run.code);
        assert!(said.contains("region.us-east-1") && said.contains("does not answer"), "{arguments:?}: {said}");
        assert_eq!(ids(&regions), before, "{arguments:?}: {said}");
    }
    // The block is gone: what the region holds is as unknown as before.
    let spec = regions.place.read("atlas.toml");
    let (head, _) = spec.split_once("[region.us-east-1]").expect("the region");
    regions.place.write("atlas.toml", head);
    let run = regions.engine.run(&regions.place, &["apply", "--yes"]);
    assert!([1, 3].contains(&run.code), "{run:?}");
    assert_eq!(ids(&regions), before, "{run:?}");
    regions.place.write("atlas.toml", &spec);
    regions.engine.docker(&["kill", "--signal", "CONT", &container]);
    assert_eq!(regions.contents("us-east-1"), contents);
    regions.run(0, &["plan", "--detailed-exitcode"]);
    let refused = regions.engine.run(&regions.place, &["destroy", "--yes"]);
    assert!(refused.code == 1 && said(&refused).contains("the bucket holds 1 object"), "{refused:?}");
    assert_eq!(ids(&regions), before);
}

#[test]
fn an_edited_port_hides_nothing_from_destroy() {
    let Some(regions) = made("moved-port") else { return };
    let (before, contents) = (ids(&regions), regions.contents("us-east-1"));
    let spec = regions.place.read("atlas.toml");
    let port = spec.split_once("port = ").and_then(|(_, rest)| rest.split_once(',')).expect("a port").0.to_owned();
    regions.place.edit(&format!("port = {port}"), &format!("port = {}", free_port()));
    // The region is looked at where it is, and not where the spec would have it.
    let refused = regions.engine.run(&regions.place, &["destroy", "--yes"]);
    let text = said(&refused);
    assert_eq!(refused.code, 1, "{text}");
    assert!(text.contains("the bucket holds 1 object") && text.contains("--allow-loss"), "{text}");
    assert_eq!(ids(&regions), before, "{text}");
    assert_eq!(regions.contents("us-east-1"), contents, "{text}");
    regions.place.write("atlas.toml", &spec);
    regions.run(0, &["plan", "--detailed-exitcode"]);
}
