//! Before a host is deleted to be made anew, its image is fetched: where that fails, the host and all that lives in it stay.

use serde_json::Value;

use super::regions::{Regions, stable};
use super::{Engine, clusters};
use crate::support::Place;

const NOWHERE: &str = "127.0.0.1:1/nobody/nothing:9";

/// Applies, and expects that it fails since an image can't be had; everything that it said.
fn fails(engine: &Engine, place: &Place, arguments: &[&str]) -> String {
    let run = engine.run(place, &[&["apply", "--yes"], arguments].concat());
    let said = (run.stdout.clone() + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(run.code, 3, "{said}");
    assert!(said.contains(NOWHERE) && said.contains("can't be pulled"), "{said}");
    said
}

#[test]
fn a_region_whose_new_image_can_t_be_had_keeps_what_it_holds() {
    let Some(regions) = Regions::new("prepared-region", 1) else { return };
    regions.run(0, &["apply", "--yes"]);
    let (container, contents) = (regions.container("us-east-1"), regions.contents("us-east-1"));
    let id = regions.engine.id(&container);
    let before = regions.place.read("atlas.toml");
    regions.place.edit("atlas-test/empty:1", NOWHERE);
    assert!(regions.plan().iter().all(|change| change["action"] == "replace"), "{:#?}", regions.plan());
    let said = fails(&regions.engine, &regions.place, &[]);
    assert!(said.contains("nothing was deleted, as region.us-east-1 around it can't be made"), "{said}");
    let seen = regions.engine.inspect("container", &container);
    assert_eq!((&seen["Id"], &seen["State"]["Running"]), (&Value::from(id), &Value::from(true)));
    assert_eq!(regions.contents("us-east-1"), contents);
    regions.place.write("atlas.toml", &before);
    regions.run(0, &["plan", "--detailed-exitcode"]);
    // What can be fetched replaces it, with all that lives in it.
    regions.place.edit("atlas-test/empty:1", "atlas-test/empty:2");
    regions.run(0, &["apply", "--yes"]);
    assert_eq!(stable(regions.contents("us-east-1")), stable(contents));
    regions.run(0, &["destroy", "--yes"]);
}

#[test]
fn a_cluster_whose_new_image_can_t_be_had_stays() {
    let Some(engine) = Engine::here() else { return };
    let before = clusters::spec(&engine, "prepared", "prepared", 1, "");
    let place = Place::with(&before);
    engine.expect(&place, 0, &["apply", "--yes"]);
    let ids = || clusters::nodes(&engine, "prepared").iter().map(|node| engine.id(node)).collect::<Vec<_>>();
    let born = || engine.docker(&["exec", "k3d-prepared-server-0", "/bin/cat", "/var/lib/rancher/k3s/born"]);
    let (made, data) = (ids(), born());
    assert_eq!(made.len(), 3);
    place.edit("atlas-test/k3s:1", NOWHERE);
    fails(&engine, &place, &["--allow-loss", "cluster.prepared"]);
    assert_eq!((ids(), born()), (made, data));
    place.write("atlas.toml", &before);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.prepared"]);
}
