//! A journal in a file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::crash::point;
use crate::recorded::Recorded;
use crate::store::folder::{at, open_anew, open_known};
use crate::store::journal::Sink;
use crate::store::journal::line::{Line, recover};

/// A file that only ever holds whole lines and, after a crash, a part of one at its end.
struct JournalFile<F> {
    file: F,
    /// How many bytes of it are whole lines.
    whole: u64,
    /// Why nothing more can be written.
    broken: Option<String>,
}

/// What a journal needs of a file.
pub trait Medium: Send {
    fn write(&mut self, text: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    /// Takes back what was written behind this many bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// Begins a journal. It takes the place of the old one at once, so that no crash can lose what is carried over; an old one
/// that is damaged is set aside.
pub fn begin(path: &Path, text: &[u8], damaged: bool) -> io::Result<Box<dyn Sink>> {
    let part = path.with_extension("part");
    let mut file = open_anew(&part)?;
    file.write_all(text).and_then(|()| file.sync_data()).map_err(at(&part))?;
    if damaged && let Some(mut old) = open_known(path)? {
        let aside = aside(path);
        io::copy(&mut old, &mut open_anew(&aside)?).map_err(at(&aside))?;
    }
    point("journal: before it begins");
    std::fs::rename(&part, path).map_err(at(path))?;
    // The name survives a crash of the machine only once its folder is on the disk as well.
    #[cfg(unix)]
    File::open(path.parent().unwrap_or(path))?.sync_all()?;
    point("journal: after it began");
    Ok(over(file, text.len() as u64))
}

/// A journal in a medium that holds so many bytes of it already.
pub fn over(file: impl Medium + 'static, whole: u64) -> Box<dyn Sink> {
    Box::new(JournalFile { file, whole, broken: None })
}

/// Where a damaged journal is set aside.
pub fn aside(path: &Path) -> PathBuf {
    path.with_extension("damaged.jsonl")
}

/// What runs before left open.
///
/// # Errors
/// When the file is there and can't be read.
pub fn read(path: &Path) -> io::Result<Recorded> {
    let Some(mut file) = open_known(path)? else { return Ok(Recorded::default()) };
    if is_settled(&mut file).map_err(at(path))? {
        return Ok(Recorded::default());
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(at(path))?;
    Ok(recover(&text))
}

/// Whether the file ends with the line of a run that left nothing open: then the rest of it need not be read, which for
/// a large run would take longer than to plan. Leaves the file at its beginning.
fn is_settled(file: &mut File) -> io::Result<bool> {
    let last = Line::Settled {}.text()?;
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(last.len() as u64 + 1);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    file.rewind()?;
    Ok(tail == format!("\n{last}").as_bytes())
}

impl Medium for File {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.write_all(text)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}

impl<F: Medium> Sink for JournalFile<F> {
    /// Invariant: whatever fails, the next line begins where a line begins, or nothing is written any more.
    fn append(&mut self, text: &str, durable: bool) -> io::Result<()> {
        if let Some(why) = &self.broken {
            return Err(io::Error::other(format!("it could not be written before: {why}")));
        }
        if let Err(error) = self.file.write(text.as_bytes()) {
            if let Err(worse) = self.file.cut(self.whole) {
                self.broken = Some(worse.to_string());
            }
            return Err(error);
        }
        point("journal: after a write, before its fsync");
        if durable && let Err(error) = self.file.sync() {
            // After a failed fsync nobody knows what is on the disk, and a later one that succeeds does not tell.
            self.broken = Some(error.to_string());
            return Err(error);
        }
        self.whole += text.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Waker};

    use futures_util::future::join_all;

    use super::{Medium, begin, over, read};
    use crate::action::Verb;
    use crate::address::Address;
    use crate::execute::{Entry, Journal as _, Outcome};
    use crate::recorded::Recorded;
    use crate::store::history::Run;
    use crate::store::journal::RunJournal;
    use crate::store::journal::line::{opening, recover};
    use crate::store::lease::{Fence, Watch};

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

    /// A lease that nobody can lose.
    #[derive(Debug)]
    struct Safe;

    impl Watch for Safe {
        fn check(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn fence() -> Fence {
        Fence::new(1, Safe)
    }

    fn entry(step: usize, name: &str) -> Entry {
        Entry::new(step, &Address::new("bucket", name, None), Verb::Create, name)
    }

    #[tokio::test]
    async fn an_intent_without_an_outcome_is_recovered() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let run = Run::now("apply", "f".into());
        let begun = |run: &Run, open: &Recorded| {
            let sink = begin(&path, opening(run, open).expect("written").as_bytes(), false).expect("begun");
            RunJournal::over(sink, open, fence()).expect("begun")
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
        let disk = Disk::default();
        let journal = RunJournal::over(over(disk.clone(), 0), &Recorded::default(), fence());
        let journal = journal.expect("begun");
        journal.intend(entry(0, "a")).await.expect("written");
        disk.fail("write");
        journal.intend(entry(1, "b")).await.expect_err("the disk is full");
        journal.intend(entry(2, "c")).await.expect("there is room again");
        let known = recover(&disk.text());
        assert_eq!(known.pending.keys().map(|intent| intent.identity.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(known.damage.lines, 0);
        // Nobody knows what a disk holds that failed to sync, so nothing is begun after that.
        disk.fail("sync");
        journal.intend(entry(3, "d")).await.expect_err("the disk fails");
        let error = journal.intend(entry(4, "e")).await.expect_err("and stays so");
        assert!(error.to_string().contains("could not be written before"), "{error}");
    }

    #[tokio::test]
    async fn many_steps_share_one_fsync() {
        let disk = Disk::default();
        let journal = RunJournal::over(over(disk.clone(), 0), &Recorded::default(), fence());
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
}
