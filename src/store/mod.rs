//! Where records live: `.atlas/records/<environment>/` beside the spec, or in S3 where the spec says so.
//!
//! Records are a cache and a journal, never the truth: all of them may be deleted at any time, and the next plan is
//! the same.

mod history;
mod inventory;
mod journal;
mod lock;
#[cfg(feature = "aws")]
mod remote;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use history::{Run, RunSummary};
pub use journal::RunJournal;
use lock::Guard;
pub use lock::{Fence, Former, Held, Holder, Lease, Lock, LockError};

use crate::recorded::{Inventory, Recorded};

/// The records of one project, and its sandbox.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    environment: String,
    #[cfg(feature = "aws")]
    remote: Option<remote::Remote>,
}

impl Store {
    /// The store beside a spec.
    #[must_use]
    pub fn beside(spec: &Path, environment: &str) -> Self {
        let folder = spec.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Self {
            root: folder.join(".atlas"),
            environment: environment.to_owned(),
            #[cfg(feature = "aws")]
            remote: None,
        }
    }

    /// The same store with its records in S3, where the spec says so.
    ///
    /// # Errors
    /// When this build leaves AWS out.
    #[cfg(feature = "aws")]
    pub fn sharing(mut self, desired: &crate::desired::Desired) -> io::Result<Self> {
        let url = desired.records.clone();
        self.remote = url.map(|url| remote::Remote::new(url, &desired.project, &desired.environment));
        Ok(self)
    }

    /// The same store with its records in S3, where the spec says so.
    ///
    /// # Errors
    /// When this build leaves AWS out.
    #[cfg(not(feature = "aws"))]
    pub fn sharing(self, desired: &crate::desired::Desired) -> io::Result<Self> {
        match desired.records {
            None => Ok(self),
            Some(_) => Err(io::Error::other("this build of Atlas leaves AWS out, and the records are in S3")),
        }
    }

    /// Where this environment's records are.
    #[must_use]
    pub fn records(&self) -> PathBuf {
        self.root.join("records").join(&self.environment)
    }

    /// Where the sandbox's world is: each environment has one of its own, as it would have an account of its own.
    #[must_use]
    pub fn world(&self) -> PathBuf {
        self.root.join("world").join(&self.environment)
    }

    /// Makes a folder of the store, closed to others, and keeps it out of version control.
    ///
    /// # Errors
    /// When the disk does not let us.
    pub fn make(&self, folder: &Path) -> io::Result<()> {
        private_folder(&self.root)?;
        private_folder(folder)?;
        let ignore = self.root.join(".gitignore");
        if !ignore.exists() {
            fs::write(ignore, "*\n")?;
        }
        Ok(())
    }

    /// Takes the lock of this environment, as a lease that is lost when it is not renewed for so long.
    ///
    /// # Errors
    /// When somebody alive holds it, or the disk does not let us.
    pub fn lock(&self, command: &str, lease: Duration) -> Result<Held, LockError> {
        #[cfg(feature = "aws")]
        if let Some(remote) = &self.remote {
            return remote.lock(command, lease);
        }
        let folder = self.records();
        self.make(&folder).map_err(LockError::Disk)?;
        let Held { lock, former } = Lock::take(&folder.join("lock"), command, lease)?;
        Ok(Held { lock: Box::new(lock), former })
    }

    /// What earlier runs recorded. What was deleted is as good as never written: records are no truth.
    ///
    /// # Errors
    /// When there are records and they can't be read. What they say is not known then, and to go on would lose it.
    pub fn recorded(&self) -> io::Result<Recorded> {
        #[cfg(feature = "aws")]
        if let Some(remote) = &self.remote {
            return Ok(journal::recover(&remote.journal()?));
        }
        journal::read(&self.records().join("journal.jsonl"))
    }

    /// Where the next run sets a damaged journal aside.
    #[must_use]
    pub fn aside(&self) -> String {
        #[cfg(feature = "aws")]
        if self.remote.is_some() {
            return "journal-damaged/".to_owned();
        }
        journal::aside(&self.records().join("journal.jsonl")).display().to_string()
    }

    /// Begins the journal of a run; what earlier runs left open is carried over.
    ///
    /// # Errors
    /// When the disk does not let us; [`io::ErrorKind::WouldBlock`] when somebody stands still who is about to begin.
    pub fn journal(&self, run: &Run, open: &Recorded, fence: Fence) -> io::Result<RunJournal> {
        let text = journal::opening(run, open)?;
        #[cfg(feature = "aws")]
        if let Some(remote) = &self.remote {
            return RunJournal::over(remote.begin(fence.token(), &text, open.damage.lines > 0)?, open, fence);
        }
        let folder = self.records();
        self.make(&folder)?;
        // While this is so nobody can take the lease over, and so nobody else can begin a journal.
        let command = format!("atlas {}", run.command);
        let _guard = Guard::take(&folder.join("lock"), &command).map_err(|error| match error {
            LockError::Disk(source) => source,
            stuck => io::Error::new(io::ErrorKind::WouldBlock, stuck.to_string()),
        })?;
        fence.check()?;
        RunJournal::over(journal::begin(&folder.join("journal.jsonl"), &text, open.damage.lines > 0)?, open, fence)
    }

    /// What was there after the last run. What can't be read is as good as not there.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        #[cfg(feature = "aws")]
        if let Some(remote) = &self.remote {
            return remote.inventory().map(|text| inventory::parse(&text)).unwrap_or_default();
        }
        fs::read_to_string(self.records().join("inventory.txt")).map(|text| inventory::parse(&text)).unwrap_or_default()
    }

    /// Writes down what is there after a run.
    ///
    /// # Errors
    /// When the disk does not let us.
    pub fn keep(&self, inventory: &Inventory) -> io::Result<()> {
        let text = inventory::text(inventory);
        #[cfg(feature = "aws")]
        if let Some(remote) = &self.remote {
            return remote.keep(&text);
        }
        self.make(&self.records())?;
        inventory::write(&self.records().join("inventory.txt"), &text)
    }

    /// Adds a finished run to the history.
    ///
    /// # Errors
    /// When the disk does not let us.
    pub fn remember(&self, summary: &RunSummary) -> io::Result<()> {
        #[cfg(feature = "aws")]
        if let Some(remote) = &self.remote {
            return remote.remember(&summary.run.began, &serde_json::to_string(summary)?);
        }
        history::append(&self.records().join("history.jsonl"), summary)
    }

    /// The runs before, the oldest first.
    ///
    /// # Errors
    /// When the file is there and can't be read.
    pub fn history(&self) -> io::Result<Vec<RunSummary>> {
        #[cfg(feature = "aws")]
        if let Some(remote) = &self.remote {
            return Ok(history::parse(remote.history()?.iter().map(String::as_str)));
        }
        history::read(&self.records().join("history.jsonl"))
    }
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Opens a file of the store, closed to others.
fn open_private(options: &mut fs::OpenOptions, path: &Path) -> io::Result<fs::File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
