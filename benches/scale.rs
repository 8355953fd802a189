//! How cost grows: every stage at 1,000, 10,000 and 100,000 resources, in time and memory, with the ratio to the size
//! before.
//!
//! `cargo bench` runs all of it, `cargo bench -- 1000 10000` only those sizes. Each measurement runs in a process of its
//! own, so that the peak of its memory is its own. The specs are those of `scripts/generate`: separate tables, layered ten
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
        println!("\n{shape:16} {:>9} {:>12} {:>10} {:>7} {:>7}", "resources", "time", "peak", "time", "memory");
        for stage in STAGES {
            let mut before: Option<(f64, f64)> = None;
            for size in &sizes {
                let (seconds, megabytes) = child(shape, stage, *size);
                let ratio =
                    |now: f64, then: Option<f64>| then.map_or(String::new(), |then| format!("×{:.1}", now / then));
                println!(
                    "{stage:16} {size:>9} {:>9.1} ms {megabytes:>7.0} MB {:>7} {:>7}",
                    seconds * 1_000.0,
                    ratio(seconds, before.map(|(time, _)| time)),
                    ratio(megabytes, before.map(|(_, memory)| memory)),
                );
                before = Some((seconds, megabytes));
            }
        }
    }
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
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
    println!("{} {}", elapsed.as_secs_f64(), peak.unwrap_or_default() / 1024.0);
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
