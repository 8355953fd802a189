//! What is locked, what stays so, and what an upgrade does.

use super::{ChartServer, converges, of_registry, of_repository, place};

/// The lock and the plan of a chart from either place, from the first lock to an upgrade.
fn from_lock_to_upgrade(server: &ChartServer, lines: &str) {
    let place = place(&[lines]);
    let unlocked = place.run(&["validate"]);
    assert_eq!(unlocked.code, 1);
    assert!(
        unlocked.stderr.contains("A0218") && unlocked.stderr.contains("`atlas lock` pins it"),
        "{}",
        unlocked.stderr
    );
    assert!(server.asked().is_empty(), "to validate asks nobody what there is");

    let said = place.expect(0, &["lock"]);
    assert!(said.contains("+ ") && said.contains("1.2.0"), "{said}");
    let lock = place.read("atlas.lock");
    assert!(lock.contains("version = \"1.2.0\"") && lock.contains("digest = \"sha256:"), "{lock}");
    server.asked();
    converges(&place);
    assert!(server.asked().is_empty(), "what was pulled is not pulled again");
    let shown = place.expect(0, &["show", "app.a0@dc/ConfigMap/a0-web"]);
    assert!(shown.contains("1.2.0"), "{shown}");

    // What is published later changes nothing before somebody says so.
    server.publish_simple("web", "1.3.0");
    server.publish_simple("web", "2.0.0");
    assert_eq!(place.expect(0, &["lock", "-q"]), "");
    assert_eq!(place.read("atlas.lock"), lock);
    place.expect(0, &["plan", "--detailed-exitcode"]);
    let said = place.expect(0, &["lock", "--upgrade"]);
    assert!(said.contains("1.2.0 -> 1.3.0"), "{said}");
    let plan = place.expect(2, &["plan", "--detailed-exitcode"]);
    assert!(plan.contains(":1.2.0@sha256:") && plan.contains(":1.3.0@sha256:"), "{plan}");
    converges(&place);

    // A clean checkout has the lock and no archive.
    std::fs::remove_dir_all(place.path(".atlas/charts")).expect("removed");
    server.asked();
    place.expect(0, &["plan", "--detailed-exitcode"]);
    assert_eq!(server.asked().iter().filter(|path| path.contains("tgz") || path.contains("blobs")).count(), 1);
    place.expect(0, &["destroy", "--yes"]);
}

#[test]
fn a_chart_of_a_repository_is_locked_and_upgraded() {
    let server = ChartServer::start();
    ["1.0.0", "1.2.0", "1.3.0-rc.1", "0.9.0"].iter().for_each(|version| server.publish_simple("web", version));
    from_lock_to_upgrade(&server, &of_repository(&server, "web", "^1.0"));
}

#[test]
fn a_chart_of_a_registry_is_locked_and_upgraded() {
    let server = ChartServer::start();
    ["1.0.0", "1.2.0", "1.3.0-rc.1", "0.9.0"].iter().for_each(|version| server.publish_simple("web", version));
    from_lock_to_upgrade(&server, &of_registry(&server, "web", "^1.0"));
}

#[test]
fn a_whole_version_needs_no_list_and_may_have_a_plus() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0+build.7");
    let place = place(&[&of_registry(&server, "web", "1.0.0+build.7")]);
    place.expect(0, &["lock"]);
    assert!(!server.asked().iter().any(|path| path.contains("tags")));
    converges(&place);
}

#[test]
fn more_tags_than_one_page_has_are_all_looked_at() {
    let server = ChartServer::start();
    (0..2_050).for_each(|patch| server.publish_simple("web", &format!("1.0.{patch}")));
    let place = place(&[&of_registry(&server, "web", "~1.0")]);
    let said = place.expect(0, &["lock"]);
    assert!(said.contains("1.0.2049"), "{said}");
    server.give_pages_of(100);
    server.asked();
    assert_eq!(place.expect(0, &["lock", "--upgrade", "-q"]), "", "nothing newer is there");
    assert_eq!(server.asked().iter().filter(|path| path.contains("tags")).count(), 21);
}

#[test]
fn the_newest_release_is_taken_where_no_version_is_said() {
    let server = ChartServer::start();
    ["1.0.0", "1.10.0", "2.0.0-rc.1"].iter().for_each(|version| server.publish_simple("web", version));
    let line = format!("chart = \"web\"\nrepository = \"{}/\"", server.repository());
    let said = place(&[&line]).expect(0, &["lock"]);
    assert!(said.contains("1.10.0"), "{said}");
}

#[test]
fn a_lock_holds_for_every_environment_and_drops_what_nobody_names() {
    let server = ChartServer::start();
    ["1.0.0", "2.0.0"].iter().for_each(|version| server.publish_simple("web", version));
    server.publish_simple("other", "3.0.0");
    let place = place(&[&of_repository(&server, "web", "1.x"), &of_repository(&server, "other", "3.x")]);
    let spec = place.read("atlas.toml");
    place.write(
        "atlas.toml",
        &format!("{spec}\n[environment.next]\nworld = \"sandbox\"\n\n[environment.next.app.a0]\nversion = \"2.x\"\n"),
    );
    place.expect(0, &["lock"]);
    place.expect(0, &["validate"]);
    place.expect(0, &["plan", "-e", "next"]);
    place.edit(&of_repository(&server, "other", "3.x"), &of_repository(&server, "web", "1.x"));
    let said = place.expect(0, &["lock"]);
    assert!(said.contains("- other") && !said.contains("web"), "{said}");
    let lock = place.read("atlas.lock");
    assert!(!lock.contains("other") && lock.matches("[[chart]]").count() == 2, "{lock}");
}

#[test]
fn locking_as_json_says_what_was_there_before() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    let place = place(&[&of_repository(&server, "web", "1.x")]);
    let first = place.json(&["lock", "--json"]);
    assert_eq!(first["charts"][0]["version"], "1.0.0");
    assert!(first["charts"][0]["before"].is_null());
    server.publish_simple("web", "1.1.0");
    let second = place.json(&["lock", "--upgrade", "--json"]);
    assert_eq!((&second["charts"][0]["before"], &second["charts"][0]["version"]), (&"1.0.0".into(), &"1.1.0".into()));
}

#[test]
fn there_is_nothing_to_lock_without_published_charts() {
    let place = super::place(&[]);
    assert!(place.expect(0, &["lock"]).contains("nothing to lock"));
    assert!(!place.path("atlas.lock").exists());
}

#[test]
fn an_archive_below_the_spec_is_a_chart() {
    let place = place(&["chart = \"charts/web-1.0.0.tgz\""]);
    std::fs::create_dir(place.path("charts")).expect("made");
    let template = ("templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n");
    let files = [("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"), template];
    std::fs::write(place.path("charts/web-1.0.0.tgz"), super::server::archive("web", &files)).expect("written");
    converges(&place);
    assert!(place.expect(0, &["render", "app.a0@dc"]).contains("name: a"));
}

#[test]
fn what_belongs_to_another_place_is_refused() {
    for (lines, why) in [
        ("chart = \"charts/web\"\nversion = \"1\"", "lies in the folder of the spec"),
        ("chart = \"a/web\"\nrepository = \"https://a.example.com\"", "no name of a chart in a repository"),
        ("chart = \"oci://a.example.com/web\"\nrepository = \"https://a.example.com\"", "says the registry"),
        ("chart = \"https://a.example.com/web.tgz\"", "is no chart"),
        ("chart = \"web\"\nrepository = \"https://me:secret@a.example.com\"", "no credentials"),
        ("chart = \"oci://a.example.com/web:1.2\"", "not behind a colon"),
    ] {
        let run = place(&[lines]).run(&["validate"]);
        assert!(run.code == 1 && run.stderr.contains(why), "{lines}\n{}", run.stderr);
    }
}
