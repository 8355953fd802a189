//! Networks, volumes, containers and LocalStack regions on a real container engine. `scripts/servers` starts it.

mod brownfield;
mod claims;
mod cluster_addresses;
#[cfg(feature = "kubernetes")]
mod cluster_apps;
mod cluster_changes;
mod cluster_drift;
mod cluster_matrix;
mod cluster_nodes;
mod clusters;
mod conformance;
mod connected;
mod containers;
mod copies;
mod ends;
mod env_files;
mod existing;
mod images;
mod imported;
mod killed;
mod links;
mod pace;
mod prepared;
mod prepared_hosts;
mod regions;
mod relay;
mod remote;
mod trouble;
mod two_engines;
mod unanswered;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use atlas::driver::docker::Docker;
use atlas::driver::{Driver, Registry, Variables};
use atlas::execute::Report;
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use serde_json::{Value, json};

use crate::cloud::variable;
use crate::support::{Place, Run, actions, execute, root, summary};

/// An engine, as Atlas reaches it and as its own command line does, which knows nothing of Atlas.
pub struct Engine {
    pub host: String,
    /// The image of the containers that the suite makes.
    pub image: &'static str,
    folder: tempfile::TempDir,
}

/// The lines of a container that runs, ends when it is told to, and has the programs of this machine in it.
pub const RUNS: [(&str, &str); 3] = [
    ("image", "\"atlas-test/empty:1\""),
    ("command", "[\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; echo ready; sleep 1d & wait\"]"),
    ("binds", "[\"/usr:/usr:ro\", \"/lib:/lib:ro\", \"/lib64:/lib64:ro\", \"/bin:/bin:ro\"]"),
];

/// What the `env` secrets of the specs hold.
const SECRET: (&str, &str) = ("LEDGER_TOKEN", "planted-token-of-the-ledger-0001");

impl Engine {
    /// The engine of this run. None where none was started, which in CI is a failure.
    pub fn here() -> Option<Self> {
        variable("ATLAS_TEST_DOCKER").map(|host| Self::at(&host))
    }

    pub fn at(host: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("token.txt"), "another-token\n").expect("written");
        Self { host: host.to_owned(), image: "atlas-test/empty:1", folder }
    }

    /// What the engine's own command line says; its message when it fails.
    pub fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("docker");
        command.arg("-H").arg(&self.host).args(arguments).stdin(Stdio::null());
        let run = Run::of(command.output().expect("docker runs"));
        if run.code == 0 { Ok(run.stdout.trim().to_owned()) } else { Err(run.stderr) }
    }

    pub fn docker(&self, arguments: &[&str]) -> String {
        self.ask(arguments).unwrap_or_else(|error| panic!("docker {arguments:?}: {error}"))
    }

    /// All that the engine says of an object; null when it is not there.
    pub fn inspect(&self, kind: &str, name: &str) -> Value {
        let Ok(text) = self.ask(&[kind, "inspect", name]) else { return Value::Null };
        let mut seen = serde_json::from_str::<Value>(&text).expect("JSON")[0].take();
        // The engine lists them in another order each time.
        if let Some(mounts) = seen["Mounts"].as_array_mut() {
            mounts.sort_by_key(|mount| mount["Destination"].to_string());
        }
        seen
    }

    /// The engine's own name of a container, which is another one once the container was made anew.
    pub fn id(&self, container: &str) -> String {
        self.docker(&["container", "inspect", "-f", "{{.Id}}", container])
    }

    /// Starts a container that Atlas knows nothing of, made the way that `RUNS` says.
    pub fn start(&self, name: &str, options: &[&str]) -> String {
        let binds = ["/usr", "/lib", "/lib64", "/bin"].map(|folder| format!("{folder}:{folder}:ro"));
        let binds = binds.iter().flat_map(|bind| ["-v", bind]);
        let all: Vec<&str> =
            ["run", "-d", "--name", name].into_iter().chain(binds).chain(options.iter().copied()).collect();
        let script = "trap 'exit 0' TERM; echo ready; sleep 1d & wait";
        self.docker(&[all.as_slice(), &[self.image, "/bin/sh", "-c", script]].concat())
    }

    fn variables(&self) -> Variables {
        let all = HashMap::from([("DOCKER_HOST".to_owned(), self.host.clone()), (SECRET.0.into(), SECRET.1.into())]);
        Arc::new(move |name| all.get(name).cloned())
    }

    pub fn pipeline(&self, spec: &str) -> Pipeline {
        let (desired, diagnostics) = compile(spec, &Inputs::default());
        let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}\n{spec}"));
        let docker: Arc<dyn Driver> =
            Arc::new(Docker::new(self.folder.path().to_owned(), &self.variables(), Arc::default()));
        let registry = Registry::new([docker]);
        Pipeline::new(desired, registry).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{spec}"))
    }

    pub async fn plan(&self, spec: &str, options: &Options) -> (Pipeline, Plan) {
        let pipeline = self.pipeline(spec);
        let (_, plan) = pipeline.look_and_plan(&Recorded::default(), options).await.expect("observed");
        (pipeline, plan)
    }

    /// What a plan would do, by address, and all of it in words.
    pub async fn planned(&self, spec: &str) -> (Value, String) {
        let (_, plan) = self.plan(spec, &Options::default()).await;
        (json!(actions(&plan)), summary(&plan))
    }

    /// Applies, and says what is wrong if the world is not as the spec says then.
    pub async fn converge(&self, spec: &str, options: &Options, loss: &[&str]) -> Result<(Plan, Report), String> {
        let (pipeline, plan) = self.plan(spec, options).await;
        if plan.diagnostics.has_errors() {
            return Err(format!("{:?}", plan.diagnostics));
        }
        let report = execute(&pipeline, plan.clone(), loss).await;
        if !report.is_complete() {
            return Err(format!("failed: {:?} {:?}", report.failed, report.skipped));
        }
        let (_, left) = self.plan(spec, &Options::default()).await;
        if left.is_empty() { Ok((plan, report)) } else { Err(format!("still differs: {}", summary(&left))) }
    }

    /// Takes away all that a project has on this engine.
    pub async fn clean(&self, project: &str) {
        let spec = head(project);
        let (pipeline, plan) = self.plan(&spec, &Options { destroy: true, ..Options::default() }).await;
        let all: Vec<String> = plan.changes.iter().map(|change| change.address.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let report = execute(&pipeline, plan, &all).await;
        assert!(report.is_complete(), "{:?}", report.failed);
    }

    /// The program, with this engine in its environment variables.
    pub fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.command(arguments);
        command.env("DOCKER_HOST", &self.host).env(SECRET.0, SECRET.1).env_remove("DOCKER_CONTEXT");
        command
    }

    pub fn run(&self, place: &Place, arguments: &[&str]) -> Run {
        Run::of(self.command(place, arguments).output().expect("it runs"))
    }

    /// Runs the program and expects an exit code; gives what it wrote to standard output.
    pub fn expect(&self, place: &Place, code: i32, arguments: &[&str]) -> String {
        let run = self.run(place, arguments);
        assert_eq!(run.code, code, "atlas {}\n{}\n{}", arguments.join(" "), run.stdout, run.stderr);
        run.stdout
    }

    pub fn json(&self, place: &Place, code: i32, arguments: &[&str]) -> Value {
        let text = self.expect(place, code, arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

pub fn head(project: &str) -> String {
    format!("[project]\nname = \"{project}\"\n\n")
}

/// A block of a container that runs, with these lines besides.
pub fn container(name: &str, more: &str) -> String {
    let lines = RUNS.iter().filter(|(key, _)| !more.lines().any(|line| line.starts_with(&format!("{key} = "))));
    let lines: String = lines.map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("[container.{name}]\n{lines}{more}\n")
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Waits until something is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Where `scripts/servers` is.
pub fn servers() -> PathBuf {
    root().join("scripts/servers")
}
