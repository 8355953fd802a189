//! What the tests share: an engine over a world in memory, and the program itself in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use async_trait::async_trait;
use atlas::address::Address;
use atlas::desired::{ChartPin, ChartSource};
use atlas::diagnostic::Diagnostics;
use atlas::driver::sandbox::{Sandbox, World};
use atlas::driver::{Driver, Registry};
use atlas::execute::{Entry, Execution, Journal, Outcome, Report};
use atlas::observed::Object;
use atlas::plan::{Options, Plan, Selector};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use tokio::sync::{mpsc, watch};

/// An engine over a world in memory.
pub struct Engine {
    pub sandbox: Arc<Sandbox>,
}

/// A journal that nobody reads.
struct Nowhere;

#[async_trait]
impl Journal for Nowhere {
    async fn intend(&self, _: Entry) -> std::io::Result<()> {
        Ok(())
    }

    async fn conclude(&self, _: Entry, _: Outcome) -> std::io::Result<()> {
        Ok(())
    }
}

impl Engine {
    pub fn new() -> Self {
        Self { sandbox: Arc::new(Sandbox::new(World::in_memory().expect("a world"))) }
    }

    pub fn world(&self) -> &World {
        self.sandbox.world()
    }

    /// Compiles a spec; every chart has the same made-up content.
    pub fn pipeline(&self, spec: &str) -> Result<Pipeline, Diagnostics> {
        let (desired, diagnostics) = compile(spec, &Inputs::default());
        let Some(mut desired) = desired else { return Err(diagnostics) };
        let pin = || ChartPin { version: None, digest: "c0ffee".to_owned() };
        let charts: BTreeMap<ChartSource, ChartPin> = desired.charts().map(|(chart, ..)| (chart, pin())).collect();
        desired.attach(&charts);
        Pipeline::new(desired, Registry::new([self.sandbox.clone() as Arc<dyn Driver>]))
    }

    pub async fn plan_with(&self, spec: &str, options: &Options) -> Plan {
        let pipeline = self.pipeline(spec).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{spec}"));
        let observed = pipeline.observe(&Recorded::default()).await.expect("observed");
        pipeline.plan(&Recorded::default(), &observed, options)
    }

    pub async fn plan(&self, spec: &str) -> Plan {
        self.plan_with(spec, &Options::default()).await
    }

    pub async fn apply_with(&self, spec: &str, options: &Options, allow_loss: &[&str]) -> Report {
        let pipeline = self.pipeline(spec).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{spec}"));
        let observed = pipeline.observe(&Recorded::default()).await.expect("observed");
        let plan = pipeline.plan(&Recorded::default(), &observed, options);
        assert!(!plan.diagnostics.has_errors(), "{:#?}", plan.diagnostics);
        self.execute(&pipeline, plan, allow_loss).await
    }

    pub async fn execute(&self, pipeline: &Pipeline, plan: Plan, allow_loss: &[&str]) -> Report {
        execute(pipeline, plan, allow_loss).await
    }

    pub async fn apply(&self, spec: &str) -> Report {
        self.apply_with(spec, &Options::default(), &[]).await
    }

    /// Applies, and asserts that everything then is as the spec says.
    pub async fn converge(&self, spec: &str) -> Report {
        let report = self.apply(spec).await;
        assert!(report.failed.is_empty() && report.skipped.is_empty(), "{report:#?}\n{spec}");
        let left = self.plan(spec).await;
        assert!(left.is_empty(), "{:#?}\n{spec}", left.changes);
        report
    }

    pub fn object(&self, address: &str) -> Option<Object> {
        self.world().find("t", "default", &self::address(address)).expect("readable")
    }
}

/// Carries out a plan, without a journal that anybody reads.
pub async fn execute(pipeline: &Pipeline, plan: Plan, allow_loss: &[&str]) -> Report {
    let (events, _) = mpsc::unbounded_channel();
    let (_stop, stopped) = watch::channel(false);
    let execution = Execution {
        journal: Arc::new(Nowhere),
        parallelism: 8,
        allow_loss: allow_loss.iter().map(|text| selector(text)).collect(),
        approved: None,
        events,
        stop: stopped,
    };
    pipeline.apply(plan, execution).await
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub fn selector(text: &str) -> Selector {
    Selector::new(address(text))
}

/// The actions of a plan, by address.
pub fn actions(plan: &Plan) -> BTreeMap<String, String> {
    plan.changes
        .iter()
        .map(|change| {
            let word = if change.blocked.is_some() { "blocked" } else { change.action.word() };
            (change.address.to_string(), word.to_owned())
        })
        .collect()
}

/// What a plan would change, in one line.
pub fn summary(plan: &Plan) -> String {
    let changes = plan.changes.iter().map(|change| {
        let attributes: Vec<String> =
            change.attributes.iter().map(|one| format!("{}: {:?} -> {:?}", one.path, one.before, one.after)).collect();
        let blocked = change.blocked.as_ref().map(|blocked| blocked.reason.clone()).unwrap_or_default();
        format!("{} {} {blocked} [{}]", change.address, change.action.word(), attributes.join(", "))
    });
    changes.collect::<Vec<_>>().join("; ")
}

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The program in a folder of its own.
pub struct Place {
    folder: tempfile::TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// An empty folder in another one.
    pub fn within(folder: &Path) -> Self {
        Self { folder: tempfile::tempdir_in(folder).expect("a folder") }
    }

    /// A folder with this spec.
    pub fn with(spec: &str) -> Self {
        let place = Self::empty();
        place.write("atlas.toml", spec);
        place
    }

    /// A folder with the flagship.
    pub fn flagship() -> Self {
        let place = Self::with(&std::fs::read_to_string(root().join("atlas.toml")).expect("the flagship"));
        copy(&root().join("charts"), &place.path("charts"));
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("readable")
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// Puts a shell script into `bin`.
    pub fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        std::fs::create_dir_all(self.path("bin")).expect("made");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("executable");
    }

    /// A search path that begins with `bin`.
    pub fn search_path(&self) -> String {
        format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap_or_default())
    }

    /// Replaces a text in the spec; it has to be there.
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.read("atlas.toml");
        assert!(text.contains(from), "the spec has no `{from}`");
        self.write("atlas.toml", &text.replace(from, to));
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
        command.args(args).current_dir(self.folder.path()).env("NO_COLOR", "1").env("COLUMNS", "100");
        command.env_remove("CLICOLOR_FORCE").stdin(std::process::Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().expect("it runs"))
    }

    /// Runs the program and expects an exit code; gives what it wrote to standard output.
    pub fn expect(&self, code: i32, args: &[&str]) -> String {
        let run = self.run(args);
        // The error stands at the end of a long output, and logs are cut in their middle.
        let lines: Vec<_> = run.stdout.lines().collect();
        let end = lines[lines.len().saturating_sub(40)..].join("\n");
        assert_eq!(run.code, code, "atlas {}\n{}\n{end}", args.join(" "), run.stderr);
        run.stdout
    }

    /// Applies, and expects that the plan is empty after that.
    pub fn converge(&self) -> String {
        let told = self.expect(0, &["apply", "--yes"]);
        self.is_converged();
        told
    }

    /// Expects an empty plan.
    pub fn is_converged(&self) {
        let plan = self.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(plan.code, 0, "{}\n{}", plan.stdout, plan.stderr);
    }

    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let run = self.run(args);
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("readable").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
