//! Writing a journal: many steps share one fsync.
//!
//! A thread of its own takes all the lines that wait, writes them, and syncs once. What the lines mean, and what is so of
//! them at any moment, stands at [`recover`](super::line::recover).

use std::io;
use std::sync::mpsc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use foldhash::HashSet;
use tokio::sync::oneshot;

use super::line::{Line, Turn};
use crate::crash::point;
use crate::execute::{Entry, Journal, Outcome};
use crate::recorded::{Intent, Recorded};
use crate::store::lease::{Fence, LockError};
use crate::store::thread;

struct PendingLine {
    line: String,
    /// What it opens or settles.
    turn: Option<Turn>,
    /// Who waits for the line to be on disk; nobody waits for an outcome.
    done: Option<oneshot::Sender<io::Result<()>>>,
}

/// Where the lines go.
pub trait Sink: Send {
    /// Writes some whole lines; when they have to be `durable`, they survive a crash of the machine once this returns.
    fn append(&mut self, text: &str, durable: bool) -> io::Result<()>;
}

/// The journal of a run. When it is dropped, all of it is where its lines go.
pub struct RunJournal {
    jobs: Option<mpsc::Sender<PendingLine>>,
    writer: Option<JoinHandle<()>>,
    fence: Fence,
}

impl RunJournal {
    /// Begins the journal of a run with its first lines in place already.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(in crate::store) fn over(sink: Box<dyn Sink>, open: &Recorded, fence: Fence) -> Result<Self, LockError> {
        let (jobs, waiting) = mpsc::channel();
        let open = open.pending.keys().cloned().collect();
        let own = fence.clone();
        let write = move || write_all(sink, &waiting, &own, open);
        let writer = thread::start("journal", write)?;
        Ok(Self { jobs: Some(jobs), writer: Some(writer), fence })
    }

    fn send(&self, line: &Line, done: Option<oneshot::Sender<io::Result<()>>>) -> io::Result<()> {
        let gone = || io::Error::other("the journal's writer is gone");
        let job = PendingLine { line: line.text()?, turn: line.turn(), done };
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

    fn check(&self) -> io::Result<()> {
        self.fence.check()
    }
}

fn write_all(mut sink: Box<dyn Sink>, waiting: &mpsc::Receiver<PendingLine>, fence: &Fence, mut open: HashSet<Intent>) {
    const BATCH: usize = 1_024;
    let mut sound = true;
    while let Ok(first) = waiting.recv() {
        let mut text = String::new();
        let mut done = Vec::new();
        for job in std::iter::once(first).chain(waiting.try_iter().take(BATCH)) {
            text.push_str(&job.line);
            done.extend(job.done);
            match job.turn {
                Some(Turn::Opens(intent, _)) => drop(open.insert(intent)),
                Some(Turn::Settles(intent)) => drop(open.remove(&intent)),
                None => {}
            }
        }
        point("journal: before a write");
        // A holder that lost the lease must not write, and so must not act: somebody else is at work already.
        let result = fence.check().and_then(|()| sink.append(&text, !done.is_empty()));
        point("journal: after an fsync");
        sound &= result.is_ok();
        for one in done {
            let copy = match &result {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // A waiter that stopped waiting does not need the result.
            let _ = one.send(copy);
        }
    }
    if sound && open.is_empty() && fence.check().is_ok() {
        point("journal: before it is settled");
        // Without this line the next run reads the whole file, and finds the same.
        let _ = Line::Settled {}.text().and_then(|line| sink.append(&line, false));
    }
}
