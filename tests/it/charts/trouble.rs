//! Whoever publishes charts is away, slow, wrong, or has changed what was there.

use super::{ChartServer, converges, of_registry, of_repository, place};
use crate::support::Place;

/// Both places of the same chart.
fn both(server: &ChartServer, version: &str) -> [String; 2] {
    [of_repository(server, "web", version), of_registry(server, "web", version)]
}

fn refused(place: &Place, args: &[&str], words: &[&str]) -> String {
    let run = place.run(args);
    assert_eq!(run.code, 1, "{args:?}\n{}", run.stderr);
    words.iter().for_each(|word| assert!(run.stderr.contains(word), "{args:?} {word}\n{}", run.stderr));
    run.stderr
}

#[test]
fn what_was_published_again_with_other_content_is_refused() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    for lines in both(&server, "1.0.0") {
        server.publish_simple("web", "1.0.0");
        let place = place(&[&lines]);
        place.expect(0, &["lock"]);
        converges(&place);
        let lock = place.read("atlas.lock");
        server.publish(
            "web",
            "1.0.0",
            &[("templates/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: evil }\n")],
        );
        // Who has the archive goes on with it.
        place.expect(0, &["plan", "--detailed-exitcode"]);
        std::fs::remove_dir_all(place.path(".atlas/charts")).expect("removed");
        refused(&place, &["plan"], &["A0219"]);
        refused(&place, &["lock"], &["A0219"]);
        assert_eq!(place.read("atlas.lock"), lock, "what is locked stays");
        place.expect(0, &["lock", "--upgrade"]);
        place.expect(2, &["plan", "--detailed-exitcode"]);
    }
}

#[test]
fn an_archive_that_was_damaged_on_disk_is_pulled_again() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    for lines in both(&server, "1.x") {
        let place = place(&[&lines]);
        place.expect(0, &["lock"]);
        converges(&place);
        for entry in std::fs::read_dir(place.path(".atlas/charts")).expect("there") {
            let path = entry.expect("readable").path();
            std::fs::write(&path, b"damaged").expect("written");
        }
        place.expect(0, &["plan", "--detailed-exitcode"]);
    }
}

#[test]
fn nobody_there_is_said_and_stops_only_who_needs_it() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    // Nobody listens on port 1.
    for (lines, gone) in [
        (of_repository(&server, "web", "1.x"), "repository = \"http://127.0.0.1:1/repo\""),
        (of_registry(&server, "web", "1.x"), "oci://127.0.0.1:1/charts"),
    ] {
        let there = if gone.starts_with("oci") {
            server.registry()
        } else {
            format!("repository = \"{}\"", server.repository())
        };
        let place = place(&[&lines]);
        place.expect(0, &["lock"]);
        let (spec, lock) = (place.read("atlas.toml"), place.read("atlas.lock"));
        place.write("atlas.toml", &spec.replace(&there, gone));
        refused(&place, &["lock"], &["A0219", "refused"]);
        assert_eq!(place.read("atlas.lock"), lock, "what is locked stays");
        // Locked with a place at which nobody is any more: the archive is here.
        place.write("atlas.lock", &lock.replace(&there, gone));
        place.expect(0, &["plan"]);
        std::fs::remove_dir_all(place.path(".atlas/charts")).expect("removed");
        let lock = lock.replace(&server.repository(), "http://127.0.0.1:1/repo");
        place.write("atlas.lock", &lock.replace(&there, gone));
        refused(&place, &["plan"], &["A0219", "refused"]);
    }
}

#[test]
fn an_overload_passes_and_an_absence_does_not() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    let place = place(&[&of_repository(&server, "web", "1.x")]);
    server.fail(&[503, 429]);
    place.expect(0, &["lock"]);
    std::fs::remove_file(place.path("atlas.lock")).expect("removed");
    std::fs::remove_dir_all(place.path(".atlas")).expect("removed");
    server.fail(&[503, 503, 503]);
    refused(&place, &["lock"], &["503"]);
    assert!(!place.path("atlas.lock").exists());
    server.fail(&[404]);
    refused(&place, &["lock"], &["404"]);
}

#[test]
fn what_is_not_published_is_said_with_what_is() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    for (lines, words) in [
        (of_repository(&server, "wep", "1.x"), ["no such chart", "did you mean `web`"]),
        (of_repository(&server, "web", "2.x"), ["no version of it is 2.x", "1.0.0"]),
        (of_registry(&server, "web", "2.x"), ["no version of it is 2.x", "1.0.0"]),
        (of_registry(&server, "web", "2.0.0"), ["A0219", "no such version"]),
        (of_registry(&server, "wep", "1.x"), ["A0219", "there is no version of it"]),
    ] {
        refused(&place(&[&lines]), &["lock"], &words);
    }
}

#[test]
fn an_index_that_is_none_and_an_archive_that_is_none_are_refused() {
    let server = ChartServer::start();
    for index in [
        "entries: 3",
        "<html>Not a repository</html>",
        "entries: {web: [{version: 1.0.0, urls: [\"file:///etc/passwd\"]}]}",
        &"[".repeat(100_000),
    ] {
        server.say(index);
        refused(&place(&[&of_repository(&server, "web", "1.x")]), &["lock"], &["A0219"]);
    }
    let server = ChartServer::start();
    server.hide_digests();
    server.publish("web", "1.0.0", &[("Chart.yaml", "name: [")]);
    refused(&place(&[&of_repository(&server, "web", "1.x")]), &["lock"], &["A0212", "Chart.yaml"]);
}

#[test]
fn where_no_digest_is_said_what_is_there_is_locked() {
    let server = ChartServer::start();
    server.hide_digests();
    server.publish_simple("web", "1.0.0");
    let place = place(&[&of_repository(&server, "web", "1.x")]);
    place.expect(0, &["lock"]);
    converges(&place);
}

#[test]
fn archives_that_moved_are_found_where_the_index_says() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    let place = place(&[&of_repository(&server, "web", "1.x")]);
    place.expect(0, &["lock"]);
    let lock = place.read("atlas.lock");
    place.write("atlas.lock", &lock.replace("/repo/web-1.0.0.tgz", "/repo/old/web-1.0.0.tgz"));
    std::fs::remove_dir_all(place.path(".atlas/charts")).expect("removed");
    place.expect(0, &["plan"]);
}

#[test]
fn credentials_are_shown_to_their_host_alone_and_stand_nowhere() {
    let (server, other) = (ChartServer::start(), ChartServer::start());
    server.ask_for("me", "hunter-2-secret");
    server.publish_simple("web", "1.0.0");
    other.publish_simple("web", "1.0.0");
    for (at, lines) in both(&server, "1.x").into_iter().enumerate() {
        let place = place(&[&lines]);
        refused(&place, &["lock"], &["A0219", "docker login"]);
        use base64::Engine as _;
        let pair = base64::prelude::BASE64_STANDARD.encode("me:hunter-2-secret");
        let config = serde_json::json!({ "auths": { server.host(): { "auth": pair } } });
        place.write("config.json", &config.to_string());
        let run = |args: &[&str]| {
            let output = place.command(args).env("DOCKER_CONFIG", place.path("")).output().expect("it runs");
            crate::support::Run::of(output)
        };
        if at == 0 {
            server.move_archives(&other.repository());
        }
        let locked = run(&["lock", "-vv"]);
        assert_eq!(locked.code, 0, "{}", locked.stderr);
        let planned = run(&["plan", "-vv"]);
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        for text in [&locked.stdout, &locked.stderr, &planned.stdout, &planned.stderr, &place.read("atlas.lock")] {
            assert!(!text.contains("hunter") && !text.contains(&pair) && !text.contains("the-token"), "{text}");
        }
        let shown: Vec<String> = other.asked().into_iter().filter(|path| path.ends_with('!')).collect();
        assert!(shown.is_empty(), "another host was shown credentials: {shown:?}");
    }
}

#[test]
fn a_lock_that_is_none_is_said() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    let place = place(&[&of_repository(&server, "web", "1.x")]);
    for (text, why) in [
        ("version = 2\n", "form 2"),
        ("<<<<<<< HEAD\n", "line 1"),
        ("version = 1\n[[chart]]\nname = \"a\"\n", "missing field"),
    ] {
        place.write("atlas.lock", text);
        for args in [&["plan"][..], &["lock"]] {
            refused(&place, args, &["atlas.lock", why]);
        }
        assert_eq!(place.read("atlas.lock"), text);
    }
}

#[test]
fn credentials_go_to_no_token_service_without_tls() {
    let server = ChartServer::start();
    server.ask_for("me", "hunter-2-secret");
    server.publish_simple("web", "1.0.0");
    server.move_tokens("http://192.0.2.1/token");
    let place = place(&[&of_registry(&server, "web", "1.x")]);
    refused(&place, &["lock"], &["A0219", "without TLS"]);
}

#[test]
fn who_never_answers_holds_nobody_else_up() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    // It takes connections, and says nothing.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = format!("chart = \"x\"\nrepository = \"http://{}\"", mute.local_addr().expect("an address"));
    let place = place(&[&gone, &of_repository(&server, "web", "1.x")]);
    let said = refused(&place, &["lock"], &["A0219"]);
    assert!(!said.contains(&server.repository()), "{said}");
}

#[test]
fn what_says_of_itself_that_it_is_another_version_is_refused() {
    let server = ChartServer::start();
    server.publish("web", "1.0.0", &[("Chart.yaml", "apiVersion: v2\nname: web\nversion: 2.0.0\n")]);
    refused(&place(&[&of_repository(&server, "web", "1.x")]), &["lock"], &["published as 1.0.0", "2.0.0"]);
}

#[test]
fn urls_with_secrets_stand_in_no_lock() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    let place = place(&[&of_repository(&server, "web", "1.x")]);
    server.say(&format!(
        "entries: {{web: [{{version: 1.0.0, urls: [\"http://me:hunter2@{}/repo/web-1.0.0.tgz\"]}}]}}",
        server.host()
    ));
    let said = refused(&place, &["lock"], &["A0219", "credentials"]);
    assert!(!said.contains("hunter2"), "{said}");
    server.say("entries: {web: [{version: 1.0.0, urls: [\"web-1.0.0.tgz?signature=hunter2\"]}]}");
    let said = refused(&place, &["lock"], &["404"]);
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_lock_that_is_a_link_is_written_where_it_leads() {
    let server = ChartServer::start();
    server.publish_simple("web", "1.0.0");
    let place = place(&[&of_repository(&server, "web", "1.x")]);
    place.write("shared.lock", "version = 1\n");
    std::os::unix::fs::symlink("shared.lock", place.path("atlas.lock")).expect("linked");
    place.expect(0, &["lock"]);
    assert!(place.read("shared.lock").contains("[[chart]]"));
    assert!(std::fs::symlink_metadata(place.path("atlas.lock")).expect("there").is_symlink());
    converges(&place);
}
