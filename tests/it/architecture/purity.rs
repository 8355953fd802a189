//! What pure code must not name: files, clocks, the environment, the terminal, threads, and state that outlives a call.

use super::imports::Crate;
use super::parse::tokens;
use super::source::SourceFile;

/// Words that are an effect wherever they stand. One that ends with `*` stands for all words that begin so.
const WORDS: &[&str] = &[
    // Waiting.
    "async",
    "await",
    // Threads.
    "spawn",
    "thread_local",
    "rayon",
    "ThreadPool*",
    "JoinHandle",
    // State that can change behind a shared reference, or that outlives whoever made it.
    "Mutex",
    "RwLock",
    "Condvar",
    "Barrier",
    "Atomic*",
    "OnceLock",
    "LazyLock",
    "OnceCell",
    "LazyCell",
    "Cell",
    "RefCell",
    "UnsafeCell",
    // The clock.
    "SystemTime",
    "Instant",
    "Timestamp",
    // The terminal.
    "println",
    "eprintln",
    "print",
    "eprint",
    "dbg",
    "stdout",
    "stderr",
    "stdin",
];

/// Where effects come from: paths, and everything below them.
const PATHS: &[&str] = &[
    "std::fs",
    "std::io",
    "std::env",
    "std::net::Tcp*",
    "std::net::Udp*",
    "std::net::ToSocketAddrs",
    "std::os",
    "std::process",
    "std::thread",
    "thread",
    "std::sync::Once",
    "std::sync::mpsc",
    "std::sync::atomic",
    "tokio",
    "futures_util",
    "jiff",
    "rusqlite",
    "bollard",
    "kube",
    "getrandom",
    "crossbeam*",
    "parking_lot",
    // Only a test calls this, to break the engine; the engine itself only asks whether it is broken.
    "crate::mutation::arm",
    "crate::crash",
];

/// Something in a pure file that is not pure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    pub path: String,
    pub what: String,
    pub line: usize,
}

/// Everything in a file that is not pure.
pub fn effects(source: &SourceFile, all: &Crate) -> Vec<Effect> {
    let mut found = Vec::new();
    let effect = |what: &str, line| Effect { path: source.path.clone(), what: what.to_owned(), line };
    let tokens = tokens(&source.code);
    for (at, token) in tokens.iter().enumerate() {
        if let Some(word) = WORDS.iter().find(|word| is(word, &token.text)) {
            found.push(effect(word, token.line));
        }
        if token.text == "static" && tokens.get(at + 1).is_some_and(|next| next.text == "mut") {
            found.push(effect("static mut", token.line));
        }
    }
    for (path, line) in all.outside(&source.path) {
        let below = |outer: &&&str| {
            let (parts, outer): (Vec<&str>, Vec<&str>) = (path.split("::").collect(), outer.split("::").collect());
            parts.len() >= outer.len() && outer.iter().zip(&parts).all(|(outer, part)| is(outer, part))
        };
        if let Some(outer) = PATHS.iter().find(below) {
            found.push(effect(outer, line));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn is(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}
