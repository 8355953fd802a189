//! A compose file on a real engine: imported, planned, applied, and planned without a difference; what compose made, taken over.

use serde_json::json;

use super::Engine;
use crate::support::{Place, root};

/// Imports a file of `tests/compose` as a project; gives what the spec says.
fn imported(engine: &Engine, place: &Place, file: &str, project: &str) -> String {
    let text = std::fs::read_to_string(root().join(format!("tests/compose/{file}.yaml"))).expect("readable");
    place.write("compose.yaml", &text);
    place.write(".env", &format!("BROKER_PORT={}\n", super::free_port()));
    engine.expect(place, 0, &["import", "compose.yaml", "--name", project, "--write"]);
    place.read("atlas.toml")
}

#[test]
fn a_broker_with_its_workers_is_imported_applied_and_left_alone() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::empty();
    let spec = imported(&engine, &place, "broker", "imported");
    assert!(spec.contains("wait = \"healthy\"") && spec.contains("run = \"once\""), "{spec}");
    engine.expect(&place, 0, &["validate"]);
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    assert_eq!(plan["summary"]["create"], 6, "{plan:#}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    let broker = engine.inspect("container", "imported-broker-1");
    assert_eq!(broker["State"]["Health"]["Status"], "healthy", "{broker:#}");
    let aliases = &broker["NetworkSettings"]["Networks"]["imported_messages"]["Aliases"];
    let has = |alias: &str| aliases.as_array().is_some_and(|all| all.contains(&json!(alias)));
    assert!(["broker", "queue", "broker_1"].iter().all(|alias| has(alias)), "{aliases}");
    let worker = engine.inspect("container", "imported-worker-1");
    assert_eq!((&worker["State"]["Running"], &worker["HostConfig"]["Memory"]), (&json!(true), &json!(67_108_864)));
    let topology = engine.inspect("container", "imported-topology-1");
    assert_eq!((&topology["State"]["Status"], &topology["State"]["ExitCode"]), (&json!("exited"), &json!(0)));
    assert!(!engine.inspect("volume", "imported_broker").is_null());
    // The volume holds what the broker wrote.
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "volume.broker"]);
}

/// A file of a service with two containers, each with a port of a range.
fn two_of_one(engine: &Engine, project: &str) -> (Place, u16) {
    let place = Place::empty();
    // Two ports beside each other that nobody has.
    let port =
        (0..100).map(|_| super::free_port()).find(|port| std::net::TcpListener::bind(("0.0.0.0", port + 1)).is_ok());
    let port = port.expect("two ports beside each other");
    place.write(
        "compose.yaml",
        &format!(
            "services:\n  web:\n    image: atlas-test/empty:1\n    command: /bin/sh -c \"trap 'exit 0' TERM; sleep 1d & wait\"\n    \
             volumes: [\"/usr:/usr:ro\", \"/lib:/lib:ro\", \"/lib64:/lib64:ro\", \"/bin:/bin:ro\"]\n    \
             ports: [\"{port}-{}:80\"]\n    deploy: {{ replicas: 2 }}\n",
            port + 1
        ),
    );
    engine.expect(&place, 0, &["import", "compose.yaml", "--name", project, "--write"]);
    (place, port)
}

#[test]
fn a_service_of_two_containers_runs_twice() {
    let Some(engine) = Engine::here() else { return };
    let (place, port) = two_of_one(&engine, "twice");
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    for (at, container) in [(0, "twice-web-1"), (1, "twice-web-2")] {
        let seen = engine.inspect("container", container);
        assert_eq!(seen["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"], (port + at).to_string());
        let aliases = seen["NetworkSettings"]["Networks"]["twice_default"]["Aliases"].to_string();
        assert!(seen["State"]["Running"] == true && aliases.contains("\"web\""), "{seen:#}");
    }
    engine.expect(&place, 0, &["destroy", "--yes"]);
}

#[test]
fn what_compose_made_of_a_service_of_two_containers_is_adopted() {
    let Some(engine) = Engine::here() else { return };
    let (place, port) = two_of_one(&engine, "both");
    engine.docker(&["network", "create", "both_default"]);
    let binds = ["/usr", "/lib", "/lib64", "/bin"].map(|folder| format!("{folder}:{folder}:ro"));
    let names = ["both-web-1", "both-web-2"];
    for (at, name) in (0..).zip(names) {
        let publish = format!("{}:80", port + at);
        let mut run =
            vec!["run", "-d", "--name", name, "--network", "both_default", "--network-alias", "web", "-p", &publish];
        binds.iter().for_each(|bind| run.extend(["-v", bind]));
        run.extend(["atlas-test/empty:1", "/bin/sh", "-c", "trap 'exit 0' TERM; sleep 1d & wait"]);
        engine.docker(&run);
    }
    let ids = names.map(|name| engine.id(name));
    for address in ["network.default", "container.web-1", "container.web-2"] {
        engine.expect(&place, 0, &["adopt", address, "--yes"]);
    }
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(names.map(|name| engine.id(name)), ids, "nothing was made anew");
    engine.expect(&place, 0, &["destroy", "--yes"]);
}

/// The names are those of compose, so what compose made is taken over by them, and nothing is made anew.
#[test]
fn what_compose_made_of_a_file_is_adopted_by_what_is_imported_of_it() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::empty();
    place.write(
        "compose.yaml",
        "services:\n  web:\n    image: atlas-test/empty:1\n    command: /bin/sh -c \"trap 'exit 0' TERM; sleep 1d & wait\"\n    \
         volumes: [\"/usr:/usr:ro\", \"/lib:/lib:ro\", \"/lib64:/lib64:ro\", \"/bin:/bin:ro\", \"data:/data\"]\nvolumes: { data: }\n",
    );
    let label = ["--label", "com.docker.compose.project=imported-web"];
    engine.docker(&[&["network", "create"][..], &label, &["imported-web_default"]].concat());
    engine.docker(&[&["volume", "create"][..], &label, &["imported-web_data"]].concat());
    let binds = ["/usr", "/lib", "/lib64", "/bin"].map(|folder| format!("{folder}:{folder}:ro"));
    let mut run = vec!["run", "-d", "--name", "imported-web-web-1", "--network", "imported-web_default"];
    run.extend(["--network-alias", "web", "--label", "com.docker.compose.service=web"]);
    binds.iter().for_each(|bind| run.extend(["-v", bind]));
    run.extend([
        "-v",
        "imported-web_data:/data",
        "atlas-test/empty:1",
        "/bin/sh",
        "-c",
        "trap 'exit 0' TERM; sleep 1d & wait",
    ]);
    engine.docker(&run);
    let id = engine.id("imported-web-web-1");
    engine.expect(&place, 0, &["import", "compose.yaml", "--name", "imported-web", "--write"]);
    for address in ["network.default", "volume.data", "container.web"] {
        engine.expect(&place, 0, &["adopt", address, "--yes"]);
    }
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(engine.id("imported-web-web-1"), id, "nothing was made anew");
    engine.expect(&place, 0, &["destroy", "--yes"]);
}
