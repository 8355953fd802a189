//! What a spec costs grows with its size and not with the square of it, in every dimension.
//!
//! Each shape is compiled at one size and at four times that size. Where the time grows with the size it is about four times as
//! much, where it grows with the square sixteen times. What counts is the time that a processor worked, the best of some.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::time::Duration;

use atlas::spec::{Inputs, compile, compile_others};

/// A spec of a size, in one dimension.
type Shape = (&'static str, usize, fn(usize) -> String);

const HEAD: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n[region.a]\n";

const SHAPES: [Shape; 17] = [
    ("environments", 500, |n| each(n, |at| format!("[environment.e{at}]\nworld = \"sandbox\"\n"))),
    ("environments with a change", 500, |n| {
        each(n, |at| format!("[environment.e{at}.region.a]\nlocalstack = {{ port = {} }}\n", at % 60_000 + 1))
    }),
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

/// Compiles as `atlas validate` does: for every environment, with the graph and with what a person reads of it.
fn validate(text: &str) -> Duration {
    let began = worked();
    let (desired, diagnostics) = compile(text, &Inputs::default());
    compile_others(text, &Inputs::default(), "s", |_, _| {});
    if let Some(desired) = desired {
        let _ = atlas::graph::build(&desired);
    }
    let _ = atlas::diagnostic::SourceText { name: "t", text }.to_json(&diagnostics);
    worked().saturating_sub(began)
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
        let best = |size: usize| {
            let text = format!("{HEAD}{}", shape(size));
            (0..3).map(|_| validate(&text)).min().unwrap_or_default()
        };
        let (small, large) = (best(size), best(4 * size));
        let ratio = large.as_secs_f64() / small.as_secs_f64().max(0.000_1);
        println!("{what:32} {size:>6} {small:>10.1?}   {:>6} {large:>10.1?}   ×{ratio:.1}", 4 * size);
        if ratio > 9.0 {
            slow.push(format!("{what}: ×{ratio:.1}"));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}
