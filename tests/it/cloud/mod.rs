//! AWS, against real servers: two LocalStack regions and moto. `scripts/servers` starts them.

mod assumed;
mod brownfield;
mod conformance;
mod counts;
mod denied;
mod external_names;
mod flagship;
mod identities;
mod matrix;
mod names;
mod prepared;
mod proxy;
mod races;
mod records;
mod requests;
mod sessions;
mod statements;
pub mod trouble;
mod whole;
mod whole_bucket;
mod words;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use atlas::driver::aws::Aws;
use atlas::driver::{Driver, Registry};
use atlas::execute::Report;
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use serde_json::{Value, json};

use crate::support::{execute, root, summary};

/// What moto's tag search finds. LocalStack has none for what its other services keep, so tags are read one by one there.
pub const SEARCH: &str = ", tag_search = [\"bucket\", \"queue\"]";

/// Two regions of one sort of server, and a client that knows nothing of Atlas.
pub struct Cloud {
    pub name: &'static str,
    pub us: String,
    pub eu: String,
    client: Mutex<Client>,
}

/// A process that speaks one JSON request a line.
struct Client {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Cloud {
    /// Two LocalStack regions. None where no servers were started, which in CI is a failure.
    pub fn localstack() -> Option<Self> {
        let endpoints = variable("ATLAS_TEST_LOCALSTACK")?;
        let (us, eu) = endpoints.split_once(' ').expect("two endpoints");
        Some(Self::new("localstack", us, eu))
    }

    /// One moto server, which keeps its regions apart by what requests are signed for.
    pub fn moto() -> Option<Self> {
        let endpoint = variable("ATLAS_TEST_MOTO")?;
        Some(Self::new("moto", &endpoint, &endpoint))
    }

    pub fn new(name: &'static str, us: &str, eu: &str) -> Self {
        let mut process = Command::new(variable("ATLAS_TEST_PYTHON").expect("set with the others"))
            .arg(root().join("tests/it/cloud/client.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let requests = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        let client = Mutex::new(Client { process, requests, answers });
        Self { name, us: us.to_owned(), eu: eu.to_owned(), client }
    }

    /// The head of a spec for these regions.
    pub fn head(&self, project: &str) -> String {
        let Self { us, eu, .. } = self;
        let search = if self.name == "moto" { SEARCH } else { "" };
        format!(
            "[project]\nname = \"{project}\"\n\n[region.us-east-1]\naws = {{ endpoint = \"{us}\"{search} }}\n\n[region.eu-central-1]\naws = {{ endpoint = \"{eu}\"{search} }}\n\n"
        )
    }

    /// Asks the independent client, in a region.
    pub fn ask(&self, region: &str, op: &str, arguments: Value) -> Result<Value, String> {
        let endpoint = if region == "us-east-1" { &self.us } else { &self.eu };
        let request = json!({ "op": op, "endpoint": endpoint, "region": region, "arguments": arguments });
        let mut client = self.client.lock().expect("sound");
        writeln!(client.requests, "{request}").expect("it listens");
        let mut line = String::new();
        client.answers.read_line(&mut line).expect("it answers");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match answer.get("ok") {
            Some(answer) => Ok(answer.clone()),
            None => Err(answer["error"].as_str().unwrap_or_default().to_owned()),
        }
    }

    /// An object as the independent client sees it; null when it is not there.
    pub fn describe(&self, region: &str, kind: &str, name: &str) -> Value {
        self.ask(region, "describe", json!([kind, name])).unwrap_or_else(|error| panic!("{kind} {name}: {error}"))
    }

    pub fn pipeline(spec: &str) -> Pipeline {
        let (desired, diagnostics) = compile(spec, &Inputs::default());
        let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}\n{spec}"));
        let registry = Registry::new([Arc::new(Aws::new()) as Arc<dyn Driver>]);
        Pipeline::new(desired, registry).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{spec}"))
    }

    pub async fn plan(spec: &str, options: &Options) -> (Pipeline, Plan) {
        let pipeline = Self::pipeline(spec);
        let (_, plan) = pipeline.look_and_plan(&Recorded::default(), options).await.expect("observed");
        (pipeline, plan)
    }

    /// Applies, and says what is wrong if the world is not as the spec says then.
    pub async fn converge(spec: &str, options: &Options, allow_loss: &[&str]) -> Result<Report, String> {
        let (pipeline, plan) = Self::plan(spec, options).await;
        if plan.diagnostics.has_errors() {
            return Err(format!("{:?}", plan.diagnostics));
        }
        let report = execute(&pipeline, plan, allow_loss).await;
        if !report.is_complete() {
            return Err(format!("failed: {:?}", report.failed));
        }
        let (_, left) = Self::plan(spec, &Options::default()).await;
        if left.is_empty() { Ok(report) } else { Err(format!("still differs: {}", summary(&left))) }
    }
}

/// A variable that `scripts/servers` sets.
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    assert!(
        value.is_some() || std::env::var("CI").is_err(),
        "CI runs the tests with scripts/servers, which sets {name}"
    );
    if value.is_none() {
        eprintln!("skipped: run the tests with scripts/servers, which sets {name}");
    }
    value
}

impl Drop for Client {
    fn drop(&mut self) {
        // It ends by itself once nobody can ask it any more; a test that failed need not wait for that.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
