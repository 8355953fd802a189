//! The journal of the run that is going on, as JSON lines: in a file, or in S3.
//!
//! Many steps share one fsync: a thread of its own takes all the lines that wait, writes them, and syncs once. The
//! invariants of the file: an intent is on disk before its effect begins; every line is whole, except that the last
//! one may be cut off by a crash and then counts as not written; an intent without an outcome means that its effect
//! may have happened.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use foldhash::HashSet;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::history::Run;
use super::lock::Fence;
use crate::address::Address;
use crate::crash::point;
use crate::execute::{Entry, Journal, Outcome};
use crate::plan::Verb;
use crate::recorded::Recorded;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Run(Run),
    Intent(Entry),
    Outcome {
        #[serde(flatten)]
        entry: Entry,
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// The last line of a run that left nothing open.
    Settled {},
}

struct Job {
    line: String,
    /// What it opens or settles, by identity.
    turn: Option<Turn>,
    /// Who waits for the line to be on disk; nobody waits for an outcome.
    done: Option<oneshot::Sender<io::Result<()>>>,
}

/// Where the lines go.
pub(super) trait Sink: Send {
    /// Writes some whole lines; when they have to be `durable`, they survive a crash of the machine once this returns.
    fn append(&mut self, text: &str, durable: bool) -> io::Result<()>;
}

/// What a line means for the objects that a crash may leave without a mark.
enum Turn {
    Opens(String),
    Settles(String),
}

impl Line {
    fn turn(&self) -> Option<Turn> {
        match self {
            Self::Intent(entry) if entry.verb == "create" || entry.verb == "adopt" => {
                Some(Turn::Opens(entry.identity.clone()))
            }
            Self::Outcome { entry, outcome } if outcome.settles() => Some(Turn::Settles(entry.identity.clone())),
            _ => None,
        }
    }
}

/// The journal of a run, in a file. When it is dropped, all of it is in the file.
pub struct RunJournal {
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl RunJournal {
    /// Begins the journal of a run with its first lines in place already.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn over(sink: Box<dyn Sink>, open: &Recorded, fence: Fence) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        let open = open.pending.keys().cloned().collect();
        let write = move || write_all(sink, &waiting, &fence, open);
        let writer = std::thread::Builder::new().name("journal".into()).spawn(write)?;
        Ok(Self { jobs: Some(jobs), writer: Some(writer) })
    }

    fn send(&self, line: &Line, done: Option<oneshot::Sender<io::Result<()>>>) -> io::Result<()> {
        let gone = || io::Error::other("the journal's writer is gone");
        let job = Job { line: serde_json::to_string(line)? + "\n", turn: line.turn(), done };
        self.jobs.as_ref().ok_or_else(gone)?.send(job).map_err(|_| gone())
    }
}

impl Drop for RunJournal {
    fn drop(&mut self) {
        // Without a sender the writer comes to its end.
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so, and what it did not write is found out by observation.
            let _ = writer.join();
        }
    }
}

#[async_trait]
impl Journal for RunJournal {
    async fn intend(&self, entry: Entry) -> io::Result<()> {
        let (done, written) = oneshot::channel();
        self.send(&Line::Intent(entry), Some(done))?;
        written.await.map_err(|_| io::Error::other("the journal's writer is gone"))?
    }

    async fn conclude(&self, entry: Entry, outcome: Outcome) -> io::Result<()> {
        self.send(&Line::Outcome { entry, outcome }, None)
    }
}

/// The first lines of a journal: its run, and what earlier runs left open.
pub(super) fn opening(run: &Run, open: &Recorded) -> io::Result<String> {
    let mut text = serde_json::to_string(&Line::Run(run.clone()))? + "\n";
    for (identity, address) in &open.pending {
        let entry = Entry::new(usize::MAX, address, Verb::Create, identity);
        text.push_str(&(serde_json::to_string(&Line::Intent(entry))? + "\n"));
    }
    Ok(text)
}

/// A new journal in a file. It takes the place of the old one at once, so that no crash can lose what is carried over.
pub(super) fn file(path: &Path, text: &str) -> io::Result<Box<dyn Sink>> {
    let part = path.with_extension("part");
    let mut options = OpenOptions::new();
    let mut file = super::open_private(options.create(true).write(true).truncate(true), &part)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    point("journal: before it begins");
    std::fs::rename(&part, path)?;
    point("journal: after it began");
    Ok(Box::new(file))
}

impl Sink for File {
    fn append(&mut self, text: &str, durable: bool) -> io::Result<()> {
        self.write_all(text.as_bytes())?;
        point("journal: after a write, before its fsync");
        if durable { self.sync_data() } else { Ok(()) }
    }
}

/// What runs before left open.
pub(super) fn recover(path: &Path) -> Recorded {
    let Ok(mut file) = File::open(path) else { return Recorded::default() };
    if is_settled(&mut file).unwrap_or_default() {
        return Recorded::default();
    }
    recover_lines(BufReader::new(file).lines().map_while(Result::ok))
}

/// What the lines of a journal leave open.
pub(super) fn recover_lines(lines: impl Iterator<Item = String>) -> Recorded {
    let mut pending: BTreeMap<String, Address> = BTreeMap::new();
    for line in lines {
        let Ok(line) = serde_json::from_str::<Line>(&line) else { continue };
        match (line.turn(), line) {
            (Some(Turn::Opens(identity)), Line::Intent(entry)) => {
                pending.insert(identity, entry.address);
            }
            (Some(Turn::Settles(identity)), _) => {
                pending.remove(&identity);
            }
            _ => {}
        }
    }
    Recorded { pending }
}

/// Whether the file ends with the line of a run that left nothing open: then the rest of it need not be read, which for
/// a large run would take longer than to plan. Leaves the file at its beginning.
fn is_settled(file: &mut File) -> io::Result<bool> {
    let last = serde_json::to_string(&Line::Settled {})? + "\n";
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(last.len() as u64 + 1);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    file.rewind()?;
    Ok(tail == format!("\n{last}").as_bytes())
}

fn write_all(mut sink: Box<dyn Sink>, waiting: &mpsc::Receiver<Job>, fence: &Fence, mut open: HashSet<String>) {
    const BATCH: usize = 1_024;
    let mut sound = true;
    while let Ok(first) = waiting.recv() {
        let mut text = String::new();
        let mut done = Vec::new();
        for job in std::iter::once(first).chain(waiting.try_iter().take(BATCH)) {
            text.push_str(&job.line);
            done.extend(job.done);
            match job.turn {
                Some(Turn::Opens(identity)) => drop(open.insert(identity)),
                Some(Turn::Settles(identity)) => drop(open.remove(&identity)),
                None => {}
            }
        }
        point("journal: before a write");
        // Whoever lost the lease must not write, and so must not act: somebody else is at work already.
        let result = fence.check().and_then(|()| sink.append(&text, !done.is_empty()));
        point("journal: after an fsync");
        sound &= result.is_ok();
        for one in done {
            let copy = match &result {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // Whoever stopped waiting does not need to know.
            let _ = one.send(copy);
        }
    }
    if sound && open.is_empty() && fence.check().is_ok() {
        point("journal: before it is settled");
        // Without this line the next run reads the whole file, and finds the same.
        let line = serde_json::to_string(&Line::Settled {}).unwrap_or_default() + "\n";
        let _ = sink.append(&line, false);
    }
}

#[cfg(test)]
mod tests {
    use super::{RunJournal, file, opening, recover};
    use crate::address::Address;
    use crate::execute::{Entry, Journal as _, Outcome};
    use crate::plan::Verb;
    use crate::recorded::Recorded;
    use crate::store::{Lease as _, Lock, Run};

    #[tokio::test]
    async fn an_intent_without_an_outcome_is_recovered() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let run = Run::now("apply", "f".into());
        let lease = std::time::Duration::from_secs(60);
        let held = Lock::take(&folder.path().join("lock"), "atlas apply", lease).expect("free");
        let address = |name: &str| Address::new("bucket", name, None);
        let entry = |step, name: &str| Entry::new(step, &address(name), Verb::Create, name);
        let begin = |run: &Run, open: &Recorded| {
            let sink = file(&path, &opening(run, open).expect("written")).expect("begun");
            RunJournal::over(sink, open, held.lock.fence().clone()).expect("begun")
        };
        let journal = begin(&run, &Recorded::default());
        journal.intend(entry(0, "a")).await.expect("written");
        journal.conclude(entry(0, "a"), Outcome::Done).await.expect("written");
        journal.intend(entry(1, "b")).await.expect("written");
        assert!(recover(&path).intended("b"));
        assert!(!recover(&path).intended("a"));
        // A crash in the middle of a line.
        let mut text = std::fs::read_to_string(&path).expect("there");
        text.push_str("{\"intent\":{\"step\":2,\"addr");
        std::fs::write(&path, text).expect("written");
        let open = recover(&path);
        assert_eq!(open.pending.len(), 1);
        let journal = begin(&Run::now("apply", "g".into()), &open);
        journal.intend(entry(0, "c")).await.expect("written");
        assert_eq!(recover(&path).pending.len(), 2);
        journal.conclude(entry(7, "b"), Outcome::Done).await.expect("written");
        journal.intend(entry(8, "d")).await.expect("written");
        assert!(!recover(&path).intended("b"));
    }
}
