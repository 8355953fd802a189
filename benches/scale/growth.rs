//! How time and memory grow from one size to the next.

use std::process::Command;
use std::time::Duration;

use crate::commands::{COMMANDS, Folder};

/// Asks this program for the peak of one stage, in a process of its own.
pub const PEAK: &str = "--peak";

/// Everything that was measured.
#[derive(Default)]
pub struct Growth(Vec<Row>);

struct Row {
    shape: String,
    what: String,
    size: usize,
    seconds: f64,
    megabytes: f64,
}

impl Growth {
    /// Adds what something took, and looks how much memory it takes.
    pub fn add(&mut self, shape: &str, what: &str, size: usize, mut times: Vec<Duration>) {
        times.sort_unstable();
        let seconds = times[times.len() / 2].as_secs_f64();
        let command = COMMANDS.iter().any(|(name, ..)| *name == what);
        let megabytes =
            if command { Folder::new(what, &crate::spec(shape, size)).peak() } else { peak(shape, what, size) };
        self.0.push(Row { shape: shape.to_owned(), what: what.to_owned(), size, seconds, megabytes });
    }

    /// Prints the median time and the peak of everything, and both against the size before.
    pub fn print(&self) {
        println!("\n{:42} {:>9} {:>12} {:>9} {:>7} {:>7}", "what", "resources", "median", "peak", "time", "memory");
        for (at, row) in self.0.iter().enumerate() {
            let Row { shape, what, size, seconds, megabytes } = row;
            let before = at.checked_sub(1).map(|at| &self.0[at]).filter(|one| (&one.shape, &one.what) == (shape, what));
            let ratio = |now: f64, then: Option<f64>| then.map_or(String::new(), |then| format!("×{:.1}", now / then));
            println!(
                "{:42} {size:>9} {:>9.1} ms {megabytes:>6.0} MB {:>7} {:>7}",
                format!("{shape}/{what}"),
                seconds * 1_000.0,
                ratio(*seconds, before.map(|one| one.seconds)),
                ratio(*megabytes, before.map(|one| one.megabytes)),
            );
        }
    }
}

/// The peak of this process so far, in megabytes.
pub fn own_peak() -> f64 {
    high_water(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

/// The peak of a process in megabytes, by its status in `/proc`.
pub fn high_water(status: &str) -> f64 {
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    peak.unwrap_or(0.0) / 1024.0
}

fn peak(shape: &str, stage: &str, size: usize) -> f64 {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args([PEAK, shape, stage, &size.to_string()]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim().parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}
