//! The journal of the run that is going on, as a file of JSON lines.
//!
//! Many steps share one fsync: a thread of its own takes all the lines that wait, writes them, and syncs once. The
//! invariants of the file: an intent is on disk before its effect begins; every line is whole, except that the last
//! one may be cut off by a crash and then counts as not written; an intent without an outcome means that its effect
//! may have happened.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::mpsc;

use async_trait::async_trait;
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
}

struct Job {
    line: String,
    /// Who waits for the line to be on disk; nobody waits for an outcome.
    done: Option<oneshot::Sender<io::Result<()>>>,
}

/// The journal of a run, in a file.
pub struct FileJournal {
    jobs: mpsc::Sender<Job>,
}

impl FileJournal {
    /// Begins the journal of a run, in place of the one before. What earlier runs left open is carried over.
    ///
    /// # Errors
    /// When the disk does not let us.
    pub fn begin(path: &Path, run: &Run, open: &Recorded, fence: Fence) -> io::Result<Self> {
        let mut text = serde_json::to_string(&Line::Run(run.clone()))? + "\n";
        for (identity, address) in &open.pending {
            let entry = Entry::new(usize::MAX, address, Verb::Create, identity);
            text.push_str(&(serde_json::to_string(&Line::Intent(entry))? + "\n"));
        }
        // The new journal takes the place of the old one at once, so that no crash can lose what is carried over.
        let part = path.with_extension("part");
        let mut options = OpenOptions::new();
        let mut file = super::open_private(options.create(true).write(true).truncate(true), &part)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        point("journal: before it begins");
        std::fs::rename(&part, path)?;
        point("journal: after it began");
        let (jobs, waiting) = mpsc::channel();
        std::thread::Builder::new().name("journal".into()).spawn(move || write_all(file, &waiting, &fence))?;
        Ok(Self { jobs })
    }

    fn send(&self, line: &Line, done: Option<oneshot::Sender<io::Result<()>>>) -> io::Result<()> {
        let line = serde_json::to_string(line)? + "\n";
        self.jobs.send(Job { line, done }).map_err(|_| io::Error::other("the journal's writer is gone"))
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn intend(&self, entry: Entry) -> io::Result<()> {
        let (done, written) = oneshot::channel();
        self.send(&Line::Intent(entry), Some(done))?;
        written.await.map_err(|_| io::Error::other("the journal's writer is gone"))?
    }

    async fn conclude(&self, entry: Entry, outcome: Outcome) -> io::Result<()> {
        self.send(&Line::Outcome { entry, outcome }, None)
    }
}

/// What runs before left open.
pub(super) fn recover(path: &Path) -> Recorded {
    let Ok(file) = File::open(path) else { return Recorded::default() };
    let mut pending: BTreeMap<String, Address> = BTreeMap::new();
    for line in BufReader::new(file).lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str::<Line>(&line) {
            Ok(Line::Intent(entry)) if entry.verb == "create" || entry.verb == "adopt" => {
                pending.insert(entry.identity, entry.address);
            }
            Ok(Line::Outcome { entry, outcome }) if outcome.settles() => {
                pending.remove(&entry.identity);
            }
            _ => {}
        }
    }
    Recorded { pending }
}

fn write_all(mut file: File, waiting: &mpsc::Receiver<Job>, fence: &Fence) {
    const BATCH: usize = 1_024;
    while let Ok(first) = waiting.recv() {
        let mut text = first.line;
        let mut done: Vec<_> = first.done.into_iter().collect();
        for job in waiting.try_iter().take(BATCH) {
            text.push_str(&job.line);
            done.extend(job.done);
        }
        point("journal: before a write");
        // Whoever lost the lease must not write, and so must not act: somebody else is at work already.
        let mut result = fence.check().and_then(|()| file.write_all(text.as_bytes()));
        point("journal: after a write, before its fsync");
        if result.is_ok() && !done.is_empty() {
            result = file.sync_data();
        }
        point("journal: after an fsync");
        for one in done {
            let copy = match &result {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // Whoever stopped waiting does not need to know.
            let _ = one.send(copy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FileJournal, recover};
    use crate::address::Address;
    use crate::execute::{Entry, Journal as _, Outcome};
    use crate::plan::Verb;
    use crate::recorded::Recorded;
    use crate::store::{Lock, Run};

    #[tokio::test]
    async fn an_intent_without_an_outcome_is_recovered() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let run = Run::now("apply", "f".into());
        let lease = std::time::Duration::from_secs(60);
        let held = Lock::take(&folder.path().join("lock"), "atlas apply", lease).expect("free");
        let address = |name: &str| Address::new("bucket", name, None);
        let entry = |step, name: &str| Entry::new(step, &address(name), Verb::Create, name);
        let journal = FileJournal::begin(&path, &run, &Recorded::default(), held.lock.fence().clone()).expect("begun");
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
        let journal =
            FileJournal::begin(&path, &Run::now("apply", "g".into()), &open, held.lock.fence().clone()).expect("begun");
        journal.intend(entry(0, "c")).await.expect("written");
        assert_eq!(recover(&path).pending.len(), 2);
        journal.conclude(entry(7, "b"), Outcome::Done).await.expect("written");
        journal.intend(entry(8, "d")).await.expect("written");
        assert!(!recover(&path).intended("b"));
    }
}
