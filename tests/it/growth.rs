//! What a spec costs grows with its size and not with the square of it, in every dimension.
//!
//! Each shape is compiled at one size and at four times that size. Where the time grows with the size it is about four times as
//! much, where it grows with the square sixteen times. What counts is the time that a processor worked, the best of some.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::io;
use std::process::Command;
use std::time::Duration;

use atlas::diagnostic::SourceText;
use atlas::plan::PlanJson;
use atlas::spec::{Inputs, compile, compile_others};

use crate::run::resident;
use crate::support::Engine;

/// A spec of a size, in one dimension.
type Shape = (&'static str, usize, fn(usize) -> String);

const HEAD: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n[region.a]\n";

/// Above this ratio the cost of four times as much has grown faster than its size.
const TOO_MUCH: f64 = 9.0;

const SHAPES: [Shape; 18] = [
    ("environments", 500, |n| each(n, |at| format!("[environment.e{at}]\nworld = \"sandbox\"\n"))),
    ("environments with a change", 500, |n| {
        each(n, |at| format!("[environment.e{at}.region.a]\nlocalstack = {{ port = {} }}\n", at % 60_000 + 1))
    }),
    // What is compiled is each resource in each environment, so the size counts those pairs.
    ("resources in all environments", 9_000, |n| environments_of(((n * 10) as f64).sqrt().round() as usize)),
    ("references in one text", 2_000, |n| {
        let holes: String = (0..n).map(|_| "${queue.q.arn} ").collect();
        format!("[queue.q]\nregions = [\"a\"]\n[queue.r]\nregions = [\"a\"]\ntags = {{ all = \"{holes}\" }}\n")
    }),
    ("wrong references in one text", 1_000, |n| {
        let holes: String = (0..n).map(|at| format!("${{queue.w{at}.arn}} ")).collect();
        format!("[queue.r]\nregions = [\"a\"]\ntags = {{ all = \"{holes}\" }}\n")
    }),
    ("wrong names", 1_000, |n| {
        each(n, |at| format!("[queue.orders-{at}]\nregions = [\"a\"]\ndepends_on = [\"queue.ordesr-{}\"]\n", at + 1))
    }),
    ("wrong variables", 1_000, |n| {
        each(n, |at| {
            format!(
                "[var.image-{at}]\ndefault = \"x\"\n[queue.q{at}]\nregions = [\"a\"]\ntags = {{ x = \"${{var.imgae-{at}}}\" }}\n"
            )
        })
    }),
    ("wrong overlays", 1_000, |n| {
        each(n, |at| {
            format!("[queue.orders-{at}]\nregions = [\"a\"]\n[environment.s.queue.ordesr-{at}]\nfifo = true\n")
        })
    }),
    ("edges into one resource", 2_000, |n| {
        let queues = each(n, |at| format!("[queue.q{at}]\nregions = [\"a\"]\ndepends_on = [\"queue.all\"]\n"));
        format!("[queue.all]\nregions = [\"a\"]\n{queues}")
    }),
    ("edges out of one resource", 2_000, |n| {
        let names: Vec<String> = (0..n).map(|at| format!("\"queue.q{at}\"")).collect();
        let queues = each(n, |at| format!("[queue.q{at}]\nregions = [\"a\"]\n"));
        format!("[queue.all]\nregions = [\"a\"]\ndepends_on = [{}]\n{queues}", names.join(", "))
    }),
    ("tables in one database", 1_000, |n| {
        let tables = each(n, |at| {
            format!(
                "[database.d.table.t{at}]\ncolumns = [{{ name = \"id\", type = \"UUID\" }}]\nprimary_key = [\"id\"]\n"
            )
        });
        format!("[database.d]\nregions = [\"a\"]\n{tables}")
    }),
    ("columns in one table", 1_000, |n| {
        let columns: String = (0..n).map(|at| format!("{{ name = \"c{at}\", type = \"UUID\" }},")).collect();
        format!(
            "[database.d]\nregions = [\"a\"]\n[database.d.table.t]\ncolumns = [{columns}]\nprimary_key = [\"c0\"]\n"
        )
    }),
    ("places of one resource", 1_000, |n| {
        let names: Vec<String> = (0..n).map(|at| format!("\"r{at}\"")).collect();
        let regions = each(n, |at| format!("[region.r{at}]\n"));
        format!("{regions}[queue.q]\nregions = [{}]\n[database.d]\nregions = [{0}]\n", names.join(", "))
    }),
    ("clusters that are near regions", 500, |n| {
        let names: Vec<String> = (0..n).map(|at| format!("\"c{at}\"")).collect();
        let clusters = each(n, |at| format!("[region.r{at}]\n[cluster.c{at}]\nregion = \"r{at}\"\n"));
        let queues = each(n, |at| format!("[queue.q{at}]\nregions = [\"r{at}\"]\ndepends_on = [\"namespace.n\"]\n"));
        format!("{clusters}[namespace.n]\nclusters = [{}]\n{queues}", names.join(", "))
    }),
    ("ports of regions", 1_000, |n| each(n, |at| format!("[region.r{at}]\nlocalstack = {{ port = {} }}\n", at + 1))),
    ("ports of containers", 1_000, |n| {
        each(n, |at| format!("[container.c{at}]\nimage = \"x\"\nports = [\"{}:80\"]\n", at + 1))
    }),
    ("replicated buckets", 500, |n| {
        let buckets = each(n, |at| {
            format!(
                "[bucket.b{at}]\nregions = [\"a\"]\nname = \"bucket-{at}\"\nversioning = true\nreplication = {{ to = \"bucket.copies\" }}\n"
            )
        });
        format!("{buckets}[bucket.copies]\nregions = [\"a\"]\nversioning = true\n")
    }),
    ("unknown kinds", 2_000, |n| each(n, |at| format!("[bukket{at}.x]\nregions = [\"a\"]\n"))),
];

fn each(n: usize, one: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut text, at| {
        let _ = write!(text, "{}", one(at));
        text
    })
}

/// So many queues, and for every ten of them an environment that changes one.
fn environments_of(queues: usize) -> String {
    let overlays = each(queues / 10, |at| {
        format!("[environment.e{at}]\nworld = \"sandbox\"\n[environment.e{at}.queue.q{at}]\nretention = \"1d\"\n")
    });
    format!("{}{overlays}", queues_of(queues))
}

fn queues_of(count: usize) -> String {
    each(count, |at| format!("[queue.q{at}]\nregions = [\"a\"]\n"))
}

/// Compiles as `atlas validate` does: for every environment, with the graph and with what a person reads of it.
fn validate(text: &str) -> Duration {
    timed(|| {
        let (desired, diagnostics) = compile(text, &Inputs::default());
        compile_others(text, &Inputs::default(), "s", |_, _| {});
        if let Some(desired) = desired {
            let _ = atlas::graph::build(&desired);
        }
        SourceText { name: "t", text }.to_json(&diagnostics)
    })
}

/// How long all threads of this process have worked so far. How busy others keep the machine plays no part in it.
fn worked() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").filter_map(Result::ok);
    let texts = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
    Duration::from_nanos(texts.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok()).sum())
}

#[test]
#[ignore = "it is timed, so it runs alone"]
fn four_times_as_much_takes_about_four_times_as_long() {
    let mut slow = Vec::new();
    for (what, size, shape) in SHAPES {
        slow.extend(grows(what, size, |size| {
            let text = format!("{HEAD}{}", shape(size));
            move || validate(&text)
        }));
    }
    // A run compiles one environment, whatever else the spec declares.
    slow.extend(grows("environments and resources", 2_000, |size| {
        let text = format!("{HEAD}{}", environments_of(size));
        move || timed(|| compile(&text, &Inputs::default()))
    }));
    assert!(slow.is_empty(), "{slow:?}");
}

/// In a process of its own, because what other tests do would be counted as well.
#[test]
fn the_json_of_a_plan_costs_what_its_size_does_and_is_never_held_as_a_whole() {
    let this = std::env::current_exe().expect("a path");
    let args = ["--exact", "growth::plans_as_json", "--ignored", "--nocapture"];
    let output = Command::new(this).args(args).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "it measures its process; the_json_of_a_plan_costs_what_its_size_does begins it"]
async fn plans_as_json() {
    let mut best = Vec::new();
    for size in [5_000, 20_000] {
        let text = format!("{HEAD}{}", queues_of(size));
        let plan = Engine::new().plan(&text).await;
        assert_eq!(plan.summary().create, size + 1);
        let source = SourceText { name: "atlas.toml", text: &text };
        let json = PlanJson { plan: &plan, diagnostics: &plan.diagnostics, source };
        let mut counted = Counted::default();
        // The first time memory is watched, and the others time is taken.
        serde_json::to_writer_pretty(io::BufWriter::with_capacity(1 << 16, &mut counted), &json).expect("written");
        let grown = counted.most.saturating_sub(counted.before);
        println!("{size} creations: {} bytes of JSON, {grown} more bytes of memory", counted.bytes);
        assert!(counted.bytes > 500 * size, "{} bytes are no plan", counted.bytes);
        assert!(grown < counted.bytes / 2, "{grown} bytes of memory for {} of JSON", counted.bytes);
        let write = || timed(|| serde_json::to_writer_pretty(io::sink(), &json).expect("written"));
        best.push((0..3).map(|_| write()).min().unwrap_or_default());
    }
    let ratio = best[1].as_secs_f64() / best[0].as_secs_f64().max(0.000_1);
    println!("{best:?} ×{ratio:.1}");
    assert!(ratio < TOO_MUCH, "{best:?} ×{ratio:.1}");
}

/// What a shape costs at a size and at four times that size; a complaint when that is too much.
fn grows<W: Fn() -> Duration>(what: &str, size: usize, work: impl Fn(usize) -> W) -> Option<String> {
    let best = |size: usize| {
        let work = work(size);
        (0..3).map(|_| work()).min().unwrap_or_default()
    };
    let (small, large) = (best(size), best(4 * size));
    let ratio = large.as_secs_f64() / small.as_secs_f64().max(0.000_1);
    println!("{what:32} {size:>6} {small:>10.1?}   {:>6} {large:>10.1?}   ×{ratio:.1}", 4 * size);
    // What takes less time for more was not measured.
    (!(1.0..TOO_MUCH).contains(&ratio)).then(|| format!("{what}: ×{ratio:.1}"))
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = worked();
    drop(work());
    worked().saturating_sub(began)
}

/// Counts what is written, and how much memory the process has meanwhile.
struct Counted {
    bytes: usize,
    before: usize,
    most: usize,
}

impl Default for Counted {
    fn default() -> Self {
        Self { bytes: 0, before: resident(), most: 0 }
    }
}

impl io::Write for Counted {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.bytes += text.len();
        self.most = self.most.max(resident());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
