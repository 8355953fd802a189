//! The journal of the run that is going on, as JSON lines: in a file, or in S3.
//!
//! Many steps share one fsync: a thread of its own takes all the lines that wait, writes them, and syncs once. What the
//! lines mean, and what is so of them at any moment, stands at [`line::recover`].

mod file;
mod line;

use std::io;
use std::sync::mpsc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use foldhash::HashSet;
use tokio::sync::oneshot;

pub(super) use file::{aside, begin, read};
pub(super) use line::opening;
#[cfg(feature = "aws")]
pub(super) use line::recover;
use line::{Line, Turn};

use super::lock::Fence;
use crate::crash::point;
use crate::execute::{Entry, Journal, Outcome};
use crate::recorded::Recorded;

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

/// The journal of a run, in a file. When it is dropped, all of it is in the file.
pub struct RunJournal {
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    fence: Fence,
}

impl RunJournal {
    /// Begins the journal of a run with its first lines in place already.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn over(sink: Box<dyn Sink>, open: &Recorded, fence: Fence) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        let open = open.pending.keys().cloned().collect();
        let own = fence.clone();
        let write = move || write_all(sink, &waiting, &own, open);
        let writer = std::thread::Builder::new().name("journal".into()).spawn(write)?;
        Ok(Self { jobs: Some(jobs), writer: Some(writer), fence })
    }

    fn send(&self, line: &Line, done: Option<oneshot::Sender<io::Result<()>>>) -> io::Result<()> {
        let gone = || io::Error::other("the journal's writer is gone");
        let job = Job { line: line.text()?, turn: line.turn(), done };
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
        let _ = Line::Settled {}.text().and_then(|line| sink.append(&line, false));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Waker};

    use futures_util::future::join_all;

    use super::file::{Medium, over};
    use super::line::recover;
    use super::{RunJournal, begin, opening, read};
    use crate::action::Verb;
    use crate::address::Address;
    use crate::execute::{Entry, Journal as _, Outcome};
    use crate::recorded::Recorded;
    use crate::store::{Held, Lease as _, Lock, Run};

    /// A medium whose next write or sync fails, as a disk does.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<Inner>>);

    #[derive(Default)]
    struct Inner {
        text: Vec<u8>,
        /// How much of it survives a crash of the machine.
        synced: usize,
        syncs: usize,
        fails: Option<&'static str>,
    }

    impl Disk {
        fn fail(&self, what: &'static str) {
            self.0.lock().expect("sound").fails = Some(what);
        }

        fn fails(&self, what: &str) -> io::Result<()> {
            let mut inner = self.0.lock().expect("sound");
            if inner.fails == Some(what) {
                inner.fails = None;
                return Err(io::Error::new(io::ErrorKind::StorageFull, "no room"));
            }
            Ok(())
        }

        fn text(&self) -> Vec<u8> {
            self.0.lock().expect("sound").text.clone()
        }

        /// What a crash of the machine would leave.
        fn survives(&self) -> Vec<u8> {
            let inner = self.0.lock().expect("sound");
            inner.text[..inner.synced].to_vec()
        }
    }

    impl Medium for Disk {
        fn write(&mut self, text: &[u8]) -> io::Result<()> {
            let result = self.fails("write");
            let written = if result.is_ok() { text } else { &text[..text.len() / 2] };
            self.0.lock().expect("sound").text.extend_from_slice(written);
            result
        }

        fn sync(&mut self) -> io::Result<()> {
            self.fails("sync")?;
            let mut inner = self.0.lock().expect("sound");
            inner.syncs += 1;
            inner.synced = inner.text.len();
            Ok(())
        }

        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.0.lock().expect("sound").text.truncate(usize::try_from(length).expect("small"));
            Ok(())
        }
    }

    fn held(folder: &tempfile::TempDir) -> Held<Lock> {
        let lease = std::time::Duration::from_secs(60);
        Lock::take(&folder.path().join("lock"), "atlas apply", lease).expect("free")
    }

    fn entry(step: usize, name: &str) -> Entry {
        Entry::new(step, &Address::new("bucket", name, None), Verb::Create, name)
    }

    #[tokio::test]
    async fn an_intent_without_an_outcome_is_recovered() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let run = Run::now("apply", "f".into());
        let held = held(&folder);
        let begun = |run: &Run, open: &Recorded| {
            let sink = begin(&path, &opening(run, open).expect("written"), false).expect("begun");
            RunJournal::over(sink, open, held.lock.fence().clone()).expect("begun")
        };
        let journal = begun(&run, &Recorded::default());
        journal.intend(entry(0, "a")).await.expect("written");
        journal.conclude(entry(0, "a"), Outcome::Done).await.expect("written");
        journal.intend(entry(1, "b")).await.expect("written");
        assert!(read(&path).expect("readable").intended("b"));
        assert!(!read(&path).expect("readable").intended("a"));
        // A crash in the middle of a line.
        let mut text = std::fs::read_to_string(&path).expect("there");
        text.push_str("{\"intent\":{\"step\":2,\"addr");
        std::fs::write(&path, text).expect("written");
        let open = read(&path).expect("readable");
        assert_eq!(open.pending.len(), 1);
        let journal = begun(&Run::now("apply", "g".into()), &open);
        journal.intend(entry(0, "c")).await.expect("written");
        assert_eq!(read(&path).expect("readable").pending.len(), 2);
        journal.conclude(entry(7, "b"), Outcome::Done).await.expect("written");
        journal.intend(entry(8, "d")).await.expect("written");
        assert!(!read(&path).expect("readable").intended("b"));
    }

    #[tokio::test]
    async fn a_line_that_was_written_by_half_is_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::default();
        let journal = RunJournal::over(over(disk.clone(), 0), &Recorded::default(), held(&folder).lock.fence().clone());
        let journal = journal.expect("begun");
        journal.intend(entry(0, "a")).await.expect("written");
        disk.fail("write");
        journal.intend(entry(1, "b")).await.expect_err("the disk is full");
        journal.intend(entry(2, "c")).await.expect("there is room again");
        let known = recover(&disk.text());
        assert_eq!(known.pending.keys().collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(known.damage.lines, 0);
        // Nobody knows what a disk holds that failed to sync, so nothing is begun after that.
        disk.fail("sync");
        journal.intend(entry(3, "d")).await.expect_err("the disk is ill");
        let error = journal.intend(entry(4, "e")).await.expect_err("and stays so");
        assert!(error.to_string().contains("could not be written before"), "{error}");
    }

    #[tokio::test]
    async fn many_steps_share_one_fsync() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::default();
        let journal = RunJournal::over(over(disk.clone(), 0), &Recorded::default(), held(&folder).lock.fence().clone());
        let journal = journal.expect("begun");
        let mut steps = Box::pin(join_all((0..500).map(|step| journal.intend(entry(step, &step.to_string())))));
        {
            // The disk is busy while they come, so that they wait together.
            let _busy = disk.0.lock().expect("sound");
            assert!(steps.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        steps.await.into_iter().for_each(|written| written.expect("written"));
        assert_eq!(recover(&disk.survives()).pending.len(), 500, "an intent survives once it is said to be written");
        let syncs = disk.0.lock().expect("sound").syncs;
        assert!(syncs <= 3, "{syncs} syncs for 500 steps");
    }

    #[test]
    fn a_damaged_line_is_passed_over_and_counted() {
        let mut open = Recorded::default();
        for name in ["a", "b", "c"] {
            open.pending.insert(name.into(), Address::new("bucket", name, None));
        }
        let whole = opening(&Run::now("apply", "f".into()), &open).expect("written").into_bytes();
        assert_eq!(recover(&whole), open);
        for at in 0..whole.len() {
            let mut one = whole.clone();
            one[at] ^= 0x80;
            let known = recover(&one);
            assert!(known.damage.lines > 0 || known.damage.torn, "a changed byte at {at} went unseen");
            assert!(known.pending.len() >= 2 || one[at] == b'\n' ^ 0x80, "byte {at} cost more than its line");
            let cut = recover(&whole[..at]);
            assert_eq!(cut.damage.torn, at > 0 && whole[at - 1] != b'\n');
            assert_eq!(cut.damage.lines, 0);
        }
    }
}
