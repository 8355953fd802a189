//! Links in the folder where the kubeconfigs of clusters are kept.

use std::os::unix::fs::symlink;

use super::{Engine, clusters};
use crate::support::Place;

/// Behind a link, a kubeconfig would be written, or removed, somewhere else.
#[test]
fn no_link_is_followed_to_where_a_kubeconfig_is_kept() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&clusters::spec(&engine, "linked", "linked", 0, "kubeconfig = \"file\""));
    let elsewhere = Place::empty();
    let kept = |name: &str| std::fs::read_dir(elsewhere.path(name)).is_ok_and(|mut all| all.next().is_some());
    std::fs::create_dir_all(place.path(".atlas")).expect("made");
    symlink(elsewhere.path(""), place.path(".atlas/clusters")).expect("linked");
    let run = engine.run(&place, &["apply", "--yes"]);
    let said = (run.stdout.clone() + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(run.code, 3, "{said}");
    assert!(said.contains("is a link, and Atlas follows none in its own folder"), "{said}");
    assert!(!kept(""), "something was written behind the link");
    std::fs::remove_file(place.path(".atlas/clusters")).expect("removed");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert!(place.read(".atlas/clusters/linked/default/k3d-linked.yaml").contains("k3d-linked"));
    // The folder was moved away and a link was put there: what it leads to is not Atlas's to remove.
    std::fs::rename(place.path(".atlas/clusters"), elsewhere.path("moved")).expect("moved");
    symlink(elsewhere.path("moved"), place.path(".atlas/clusters")).expect("linked");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.linked"]);
    assert!(kept("moved/linked/default"), "something was removed behind the link");
}
