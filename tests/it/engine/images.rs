//! Images that are pulled, from a stand-in for a registry that asks for credentials.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::{Engine, container, free_port, head};
use crate::cloud::variable;
use crate::support::{Place, Run, root};

const PASSWORD: &str = "planted-password-of-the-registry-0001";

/// A registry with one image.
struct Registry {
    process: Child,
    port: u16,
    digest: String,
}

impl Registry {
    fn start() -> Option<Self> {
        let home = variable("ATLAS_TEST_LOCALSTACK_HOME")?;
        let port = free_port();
        let mut process = Command::new(format!("{home}/bin/python"))
            .arg(root().join("tests/it/engine/registry.py"))
            .args([&port.to_string(), "atlas-test/pulled", "ada", PASSWORD])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut digest = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut digest).expect("it says its digest");
        Some(Self { process, port, digest: digest.trim().to_owned() })
    }

    fn image(&self) -> String {
        format!("127.0.0.1:{}/atlas-test/pulled", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

fn run(engine: &Engine, place: &Place, arguments: &[&str]) -> Run {
    let mut command = engine.command(place, arguments);
    command.env("PATH", place.search_path()).env("DOCKER_CONFIG", place.path("docker"));
    let run = Run::of(command.output().expect("it runs"));
    assert!(!(run.stdout.clone() + &run.stderr).contains(PASSWORD), "{run:?}");
    run
}

fn configure(place: &Place, config: &serde_json::Value) {
    std::fs::create_dir_all(place.path("docker")).expect("made");
    place.write("docker/config.json", &config.to_string());
}

#[test]
fn an_image_is_pulled_with_docker_s_own_credentials_and_its_progress_told() {
    let (Some(engine), Some(registry)) = (Engine::here(), Registry::start()) else { return };
    let image = registry.image();
    let block = |image: &str| container("pulled", &format!("image = \"{image}\"\n"));
    let place = Place::with(&format!("{}{}", head("pulled"), block(&format!("{image}:1"))));
    // Without credentials the registry refuses the pull.
    configure(&place, &serde_json::json!({}));
    let refused = run(&engine, &place, &["apply", "--yes"]);
    assert!(refused.code == 3 && refused.stdout.contains("denied: the image"), "{refused:?}");
    assert!(refused.stdout.contains(&format!("docker login 127.0.0.1:{}", registry.port)), "{refused:?}");
    // A credential helper knows them, as `docker login` leaves them.
    let answer = serde_json::json!({ "Username": "ada", "Secret": PASSWORD });
    place.program("docker-credential-planted", &format!("cat > /dev/null\necho '{answer}'"));
    let server = format!("127.0.0.1:{}", registry.port);
    configure(&place, &serde_json::json!({ "credHelpers": { server.as_str(): "planted" } }));
    let applied = run(&engine, &place, &["apply", "--yes", "--json"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let events: Vec<serde_json::Value> =
        applied.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let pulling = format!("pulling {image}:1");
    let busy: Vec<&str> = events
        .iter()
        .filter(|event| event["event"] == "busy" && event["doing"] == pulling.as_str())
        .filter_map(|event| event["amount"].as_str())
        .collect();
    assert_eq!(busy.last().copied(), Some("2 of 2 layers, 1.3 of 1.3 MB"), "{events:#?}");
    // The digest of the pulled image is an output, and pins the image from then on.
    let shown = run(&engine, &place, &["show", "container.pulled", "--json"]);
    assert!(shown.stdout.contains(&registry.digest), "{shown:?}");
    place.write("atlas.toml", &format!("{}{}", head("pulled"), block(&format!("{image}@{}", registry.digest))));
    for arguments in [&["apply", "--yes"][..], &["plan", "--detailed-exitcode"], &["destroy", "--yes"]] {
        let run = run(&engine, &place, arguments);
        assert_eq!(run.code, 0, "{arguments:?} {run:?}");
    }
    engine.docker(&["image", "rm", "--force", &format!("{image}:1")]);
}
