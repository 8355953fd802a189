//! How cost grows: every stage, and every command as a person runs it, at 1,000, 10,000 and 100,000 resources.
//!
//! criterion measures the times, and compares them with those of the run before. The peak of the memory is that of a process
//! of its own, as one process keeps what its earlier work took. At the end stands how both grow from one size to the next.
//!
//! `cargo bench --bench scale` measures all of it, which takes most of an hour; behind `--` stands a pattern for a part of
//! it: `'tables/plan no-op'` is one row, `'/10000$'` one size. The specs are those of `scripts/generate`: separate tables, layered ten deep with up
//! to three edges each; and few tables with many places. Machines are noisy: compare ratios within one run.
#![allow(clippy::disallowed_macros, reason = "a bench prints what it measured")]

mod commands;
mod growth;
mod stages;

use std::process::Command;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};

use commands::{COMMANDS, Folder};
use growth::Growth;
use stages::{STAGES, Stage};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SHAPES: [&str; 2] = ["tables", "places"];
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, shape, stage, size] = arguments.as_slice()
        && flag == growth::PEAK
    {
        let mut stage = Stage::new(stage, &spec(shape, size.parse().expect("a number")));
        stage.measure();
        println!("{}", growth::own_peak());
        return;
    }
    // Ten samples are the fewest that criterion takes, and enough for what takes seconds.
    let settings = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500));
    let mut criterion = settings.measurement_time(Duration::from_secs(3)).configure_from_args();
    let mut growth = Growth::default();
    for shape in SHAPES {
        for stage in STAGES {
            bench(&mut criterion, &mut growth, (shape, stage), |size| {
                let mut stage = Stage::new(stage, &spec(shape, size));
                Box::new(move || stage.measure())
            });
        }
        for (what, ..) in COMMANDS {
            bench(&mut criterion, &mut growth, (shape, what), |size| {
                let folder = Folder::new(what, &spec(shape, size));
                Box::new(move || folder.measure())
            });
        }
    }
    criterion.final_summary();
    growth.print();
}

/// Measures one thing at every size. It is made ready only where it is asked for.
fn bench(
    criterion: &mut Criterion,
    growth: &mut Growth,
    (shape, what): (&str, &str),
    ready: impl Fn(usize) -> Box<dyn FnMut() -> Duration>,
) {
    let mut group = criterion.benchmark_group(format!("{shape}/{what}"));
    group.sampling_mode(SamplingMode::Flat);
    for size in SIZES {
        let mut times: Vec<Duration> = Vec::new();
        let mut measure = None;
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            let measure = measure.get_or_insert_with(|| ready(size));
            bencher.iter_custom(|count| {
                let from = times.len();
                times.extend((0..count).map(|_| measure()));
                times[from..].iter().sum()
            });
        });
        drop(measure);
        if !times.is_empty() {
            growth.add(shape, what, size, times);
        }
    }
    group.finish();
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

/// The same spec with one value changed.
fn edited(text: &str) -> String {
    text.replacen("visibility_timeout = \"7s\"", "visibility_timeout = \"8s\"", 1)
}
