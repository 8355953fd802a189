//! Images that are pulled, from a stand-in for a registry that asks for credentials.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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
    /// What the engine sends to say who asks: the name and the password, in base64.
    credentials: String,
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
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let mut line = || lines.next().expect("a line").expect("readable");
        let (digest, header) = (line(), line());
        let credentials = header.trim_start_matches("Basic ").to_owned();
        Some(Self { process, port, digest, credentials })
    }

    /// Moves the tag to another image, and gives its digest.
    fn move_tag(&self) -> String {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.write_all(b"GET /move HTTP/1.0\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer.rsplit('\n').next().expect("a digest").to_owned()
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
    // An engine that is busy does not tell the bytes of a small layer before it has all of them.
    assert!(busy.last().is_some_and(|amount| amount.starts_with("2 of 2 layers, ")), "{events:#?}");
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

#[test]
fn a_tag_that_moved_is_seen_where_the_image_is_always_pulled() {
    let (Some(engine), Some(registry)) = (Engine::here(), Registry::start()) else { return };
    let block = |pull: &str| {
        head("moved-tag") + &container("moved-tag", &format!("image = \"{}:1\"\npull = \"{pull}\"\n", registry.image()))
    };
    let place = Place::with(&block("always"));
    let answer = serde_json::json!({ "Username": "ada", "Secret": PASSWORD });
    place.program("docker-credential-planted", &format!("cat > /dev/null\necho '{answer}'"));
    let server = format!("127.0.0.1:{}", registry.port);
    configure(&place, &serde_json::json!({ "credHelpers": { server.as_str(): "planted" } }));
    let expect = |code: i32, arguments: &[&str]| {
        let run = run(&engine, &place, arguments);
        assert_eq!(run.code, code, "{arguments:?} {run:?}");
        run.stdout
    };
    expect(0, &["apply", "--yes"]);
    expect(0, &["plan", "--detailed-exitcode"]);
    let now = registry.move_tag();
    // Who pulls only what is missing does not ask.
    place.write("atlas.toml", &block("missing"));
    expect(0, &["plan", "--detailed-exitcode"]);
    place.write("atlas.toml", &block("always"));
    let plan = expect(2, &["plan", "--detailed-exitcode"]).split_whitespace().collect::<String>();
    assert!(plan.contains(&format!("thetagleadsto{now}bynow")) && plan.contains("1toreplace"), "{plan}");
    expect(0, &["apply", "--yes"]);
    expect(0, &["plan", "--detailed-exitcode"]);
    assert!(expect(0, &["show", "container.moved-tag", "--json"]).contains(&now));
    // A registry that does not answer replaces nothing.
    let image = format!("{}:1", registry.image());
    drop(registry);
    expect(0, &["plan", "--detailed-exitcode"]);
    expect(0, &["destroy", "--yes"]);
    engine.docker(&["image", "rm", "--force", &image]);
}

#[test]
fn a_registry_that_repeats_credentials_gives_nothing_away() {
    let (Some(engine), Some(registry)) = (Engine::here(), Registry::start()) else { return };
    let image = format!("127.0.0.1:{}/atlas-test/echo:1", registry.port);
    let place = Place::with(&format!("{}{}", head("echoed"), container("echoed", &format!("image = \"{image}\"\n"))));
    let answer = serde_json::json!({ "Username": "ada", "Secret": PASSWORD });
    place.program("docker-credential-planted", &format!("cat > /dev/null\necho '{answer}'"));
    let server = format!("127.0.0.1:{}", registry.port);
    configure(&place, &serde_json::json!({ "credHelpers": { server.as_str(): "planted" } }));
    let mut texts = Vec::new();
    for arguments in [&["apply", "--yes"][..], &["apply", "--yes", "--json"], &["apply", "--yes", "-vv"], &["history"]]
    {
        let run = run(&engine, &place, arguments);
        assert_eq!(run.code, if arguments[0] == "apply" { 3 } else { 0 }, "{arguments:?}: {run:?}");
        texts.push((format!("{arguments:?}"), run.stdout + &run.stderr));
    }
    // The engine passes on what the registry said, so there was something to keep back.
    assert!(texts[0].1.contains("you said Authorization"), "{}", texts[0].1);
    let helper = place.path("bin/docker-credential-planted");
    for file in crate::cloud::trouble::files(&place.path("")).into_iter().filter(|file| *file != helper) {
        let bytes = std::fs::read(&file).expect("readable");
        texts.push((file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    assert!(texts.iter().any(|(what, _)| what.ends_with("journal.jsonl")), "the journal was looked at");
    for (what, text) in texts {
        // People read it in lines of a limited width.
        let text: String = text.split_whitespace().collect();
        assert!(!text.contains(PASSWORD) && !text.contains(&registry.credentials), "{what}: {text}");
    }
}
