//! Folders that a spec names: what links in them lead to is a part of the spec, and nothing outside of the project is.
#![cfg(unix)]

use std::os::unix::fs::symlink;

use crate::support::{Place, Run};

const SPEC: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n[region.us-east-1]\n\
    [cluster.dc]\nregion = \"us-east-1\"\n[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"\n";

/// A spec with a chart whose templates are somewhere else in the project.
fn linked() -> Place {
    let place = Place::with(SPEC);
    for folder in ["charts/shop", "shared/templates"] {
        std::fs::create_dir_all(place.path(folder)).expect("made");
    }
    place.write("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\n");
    place.write("shared/templates/web.yaml", &object("Deployment", "web"));
    symlink("../../shared/templates", place.path("charts/shop/templates")).expect("linked");
    place
}

fn object(kind: &str, name: &str) -> String {
    format!("apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n")
}

fn refused(run: &Run, says: &[&str]) {
    assert_eq!(run.code, 1, "{run:?}");
    for text in says {
        assert!(run.stderr.contains(text), "`{text}` is missing: {run:?}");
    }
}

#[test]
fn an_edit_behind_a_link_is_a_change() {
    let place = linked();
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
    place.write("shared/templates/web.yaml", &object("StatefulSet", "web"));
    let plan = place.expect(2, &["plan", "--detailed-exitcode"]);
    assert!(plan.contains("chart: \"charts/shop@sha256:"), "{plan}");
    place.write("shared/templates/more.yaml", &object("DaemonSet", "more"));
    assert_ne!(place.expect(0, &["plan"]), plan, "a new file behind the link was not seen");
}

#[test]
fn links_out_of_the_project_and_in_circles_are_refused() {
    let elsewhere = tempfile::tempdir().expect("made");
    std::fs::write(elsewhere.path().join("values.yaml"), "a: 1\n").expect("written");
    let place = linked();
    symlink(elsewhere.path().join("values.yaml"), place.path("charts/shop/values.yaml")).expect("linked");
    let run = place.run(&["plan"]);
    refused(&run, &["error[A0212]", "`values.yaml` leads out of the folder of the spec", "--> atlas.toml:11:9"]);
    let place = linked();
    symlink("../templates", place.path("shared/templates/again")).expect("linked");
    refused(&place.run(&["validate"]), &["`templates/again` is a link to a folder that it is in"]);
    let place = Place::with(SPEC);
    std::fs::create_dir_all(place.path("charts")).expect("made");
    symlink(elsewhere.path(), place.path("charts/shop")).expect("linked");
    refused(&place.run(&["apply", "--yes"]), &["it leads out of the folder of the spec"]);
    assert!(!place.path(".atlas").exists(), "something was touched");
}

#[test]
fn what_is_too_large_or_no_file_is_refused_without_being_read() {
    let place = linked();
    let file = std::fs::File::create(place.path("charts/shop/disk.img")).expect("made");
    file.set_len(20 << 30).expect("sparse");
    let began = std::time::Instant::now();
    refused(&place.run(&["plan"]), &["bytes, with `disk.img`"]);
    assert!(began.elapsed().as_secs() < 20, "it was read");
    let place = linked();
    let _socket = std::os::unix::net::UnixListener::bind(place.path("charts/shop/socket")).expect("bound");
    refused(&place.run(&["plan"]), &["`socket` is neither a file nor a folder"]);
}

#[test]
fn a_chart_of_another_environment_is_looked_at_too() {
    let place = linked();
    place.write("atlas.toml", &format!("{SPEC}[environment.production.app.shop]\nchart = \"charts/gone\"\n"));
    refused(&place.run(&["validate"]), &["`charts/gone`", "another environment can't be used"]);
    place.expect(0, &["validate", "-e", "s"]);
}
