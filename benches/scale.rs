//! How cost grows: every stage at 1,000, 10,000 and 100,000 resources, in time and memory, with the ratio to the size
//! before.
//!
//! `cargo bench` runs all of it, `cargo bench -- 1000 10000` only those sizes. Each measurement runs in a process of its
//! own, so that the peak of its memory is its own. Last come the commands as a person runs them, whole processes with the
//! journal on. The specs are those of `scripts/generate`: separate tables, layered ten
//! deep with up to three edges each; and few tables with many places. These machines are noisy: compare ratios within one
//! run.
#![allow(clippy::disallowed_macros, reason = "a bench prints what it measured")]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use atlas::execute::{Entry, Execution, Journal, Outcome};
use atlas::pipeline::Pipeline;
use atlas::plan::Options;
use atlas::provider::Registry;
use atlas::provider::sandbox::{Sandbox, World};
use atlas::recorded::Recorded;
use atlas::spec::{Inputs, World as Where, compile};
use tokio::sync::{mpsc, watch};

const STAGES: [&str; 7] = ["parse", "graph", "plan create", "apply", "plan no-op", "plan one change", "destroy"];

const COMMANDS: [(&str, &[&str]); 4] = [
    ("plan, nothing there yet", &["plan"]),
    ("apply", &["apply", "--yes", "-q"]),
    ("plan, nothing to do", &["plan"]),
    ("plan after one edit", &["plan"]),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [one, shape, stage, size] = arguments.as_slice()
        && one == "--one"
    {
        let size = size.parse().expect("a number");
        measure(&spec(shape, size), stage);
        return;
    }
    let mut sizes: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000, 100_000];
    }
    for shape in ["tables", "places"] {
        stages(shape, &sizes);
        commands(shape, &sizes);
    }
}

fn head(title: &str) {
    println!("\n{title:24} {:>9} {:>12} {:>10} {:>7} {:>7}", "resources", "time", "peak", "time", "memory");
}

/// Prints one measurement, and how it grew since the size before.
fn row(what: &str, size: usize, now: (f64, f64), before: Option<(f64, f64)>) {
    let ratio = |now: f64, then: Option<f64>| then.map_or(String::new(), |then| format!("×{:.1}", now / then));
    let (seconds, megabytes) = now;
    println!(
        "{what:24} {size:>9} {:>9.1} ms {megabytes:>7.0} MB {:>7} {:>7}",
        seconds * 1_000.0,
        ratio(seconds, before.map(|(time, _)| time)),
        ratio(megabytes, before.map(|(_, memory)| memory)),
    );
}

/// Every stage by itself.
fn stages(shape: &str, sizes: &[usize]) {
    head(shape);
    for stage in STAGES {
        let mut before = None;
        for size in sizes {
            let now = child(shape, stage, *size);
            row(stage, *size, now, before);
            before = Some(now);
        }
    }
}

/// The commands as a person runs them, one after the other in one folder for each size.
fn commands(shape: &str, sizes: &[usize]) {
    head(&format!("{shape}, whole process"));
    let mut rows: Vec<Vec<(f64, f64)>> = Vec::new();
    for size in sizes {
        let folder = std::env::temp_dir().join(format!("atlas-bench-{}-{size}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("atlas.toml");
        let text = spec(shape, *size);
        std::fs::write(&path, &text).expect("written");
        let mut measured = Vec::new();
        for (what, args) in COMMANDS {
            if what.contains("edit") {
                let edited = text.replacen("visibility_timeout = \"7s\"", "visibility_timeout = \"8s\"", 1);
                std::fs::write(&path, edited).expect("written");
            }
            measured.push(process(&folder, args));
        }
        rows.push(measured);
        // What is left behind in the temporary folder is of no use to anyone.
        let _ = std::fs::remove_dir_all(&folder);
    }
    for (at, (what, _)) in COMMANDS.iter().enumerate() {
        let mut before = None;
        for (size, measured) in sizes.iter().zip(&rows) {
            row(what, *size, measured[at], before);
            before = Some(measured[at]);
        }
    }
}

/// Runs the program in a folder: seconds, and megabytes at the peak. A command that only looks is run five times, and the
/// median told.
fn process(folder: &std::path::Path, args: &[&str]) -> (f64, f64) {
    let rounds = if args[0] == "plan" { 5 } else { 1 };
    let mut all: Vec<(f64, f64)> = (0..rounds).map(|_| once(folder, args)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all[rounds / 2]
}

fn once(folder: &std::path::Path, args: &[&str]) -> (f64, f64) {
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
    let mut child =
        command.args(args).current_dir(folder).stdout(std::process::Stdio::null()).spawn().expect("it runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    loop {
        // The kernel tells the peak so far; what is asked for last is told shortly before the end.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        peak = peak.max(high_water(&text));
        if let Some(code) = child.try_wait().expect("known") {
            assert!(code.success(), "{args:?}: {code}");
            return (begun.elapsed().as_secs_f64(), peak);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The peak of a process in megabytes, by its status in `/proc`.
fn high_water(status: &str) -> f64 {
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    peak.unwrap_or(0.0) / 1024.0
}

/// Measures in a process of its own: seconds, and megabytes at the peak.
fn child(shape: &str, stage: &str, size: usize) -> (f64, f64) {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(["--one", shape, stage, &size.to_string()]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().map(|word| word.parse::<f64>().expect("a number"));
    let mut next = || numbers.next().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (next(), next())
}

/// The spec that `scripts/generate` writes.
fn spec(shape: &str, size: usize) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/generate");
    let mut command = Command::new("python3");
    command.args([script, &size.to_string()]);
    if shape == "places" {
        command.args(["--places", "100"]);
    }
    String::from_utf8(command.output().expect("python3").stdout).expect("UTF-8")
}

fn measure(text: &str, stage: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let elapsed = runtime.block_on(run(text, stage));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{} {}", elapsed.as_secs_f64(), high_water(&status));
}

/// Everything up to a stage, and how long that stage itself took.
async fn run(text: &str, stage: &str) -> Duration {
    let begun = Instant::now();
    let (desired, _) = compile(text, &Inputs::default());
    let desired = desired.expect("a good spec");
    if stage == "parse" {
        return begun.elapsed();
    }
    let folder = std::env::temp_dir().join(format!("atlas-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let sandbox = Arc::new(Sandbox::new(World::open(&folder).expect("a world")));
    let begun = Instant::now();
    let pipeline = Pipeline::new(desired, Registry::new(Where::Sandbox, Some(sandbox))).expect("a good spec");
    let mut elapsed = begun.elapsed();
    if stage != "graph" {
        elapsed = later(&pipeline, text, stage).await;
    }
    // What is left behind in the temporary folder is of no use to anyone.
    let _ = std::fs::remove_dir_all(&folder);
    elapsed
}

async fn later(pipeline: &Pipeline, text: &str, stage: &str) -> Duration {
    let begun = Instant::now();
    let plan = plan(pipeline, &Options::default()).await;
    if stage == "plan create" {
        return begun.elapsed();
    }
    let begun = Instant::now();
    apply(pipeline, plan).await;
    match stage {
        "apply" => begun.elapsed(),
        "plan no-op" => {
            let begun = Instant::now();
            assert!(self::plan(pipeline, &Options::default()).await.is_empty());
            begun.elapsed()
        }
        "plan one change" => {
            let edited = text.replacen("visibility_timeout = \"7s\"", "visibility_timeout = \"8s\"", 1);
            let (desired, _) = compile(&edited, &Inputs::default());
            let edited = Pipeline::new(desired.expect("a good spec"), pipeline.registry.clone()).expect("a good spec");
            let begun = Instant::now();
            assert!(!self::plan(&edited, &Options::default()).await.is_empty());
            begun.elapsed()
        }
        _ => {
            let plan = self::plan(pipeline, &Options { destroy: true, ..Options::default() }).await;
            let begun = Instant::now();
            apply(pipeline, plan).await;
            begun.elapsed()
        }
    }
}

async fn plan(pipeline: &Pipeline, options: &Options) -> atlas::plan::Plan {
    let observed = pipeline.observe(&Recorded::default()).await.expect("observed");
    let plan = pipeline.plan(&Recorded::default(), &observed, options);
    assert!(!plan.diagnostics.has_errors(), "{:?}", plan.diagnostics);
    plan
}

async fn apply(pipeline: &Pipeline, plan: atlas::plan::Plan) {
    let (events, _) = mpsc::unbounded_channel();
    let (_stop, stopped) = watch::channel(false);
    let execution = Execution {
        journal: Arc::new(Nowhere),
        parallelism: 16,
        allow_loss: Vec::new(),
        approved: None,
        events,
        stop: stopped,
    };
    let report = pipeline.apply(plan, execution).await;
    assert!(report.is_complete(), "{:?}", report.failed.first());
}

/// No journal: what its fsync costs depends on the disk alone. `atlas apply` has one.
struct Nowhere;

#[async_trait::async_trait]
impl Journal for Nowhere {
    async fn intend(&self, _: Entry) -> std::io::Result<()> {
        Ok(())
    }

    async fn conclude(&self, _: Entry, _: Outcome) -> std::io::Result<()> {
        Ok(())
    }
}
