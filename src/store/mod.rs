//! Where records live: `.atlas/records/<environment>/` beside the spec.
//!
//! Records are a cache and a journal, never the truth: all of them may be deleted at any time, and the next plan is
//! the same.

mod history;
mod journal;
mod lock;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use history::{Run, RunSummary};
pub use journal::FileJournal;
pub use lock::{Fence, Former, Held, Holder, Lock, LockError};

use crate::recorded::Recorded;

/// The records of one project, and its sandbox.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    environment: String,
}

impl Store {
    /// The store beside a spec.
    #[must_use]
    pub fn beside(spec: &Path, environment: &str) -> Self {
        let folder = spec.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Self { root: folder.join(".atlas"), environment: environment.to_owned() }
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
        let folder = self.records();
        self.make(&folder).map_err(LockError::Disk)?;
        Lock::take(&folder.join("lock"), command, lease)
    }

    /// What earlier runs recorded. What can't be read is as good as not there: records are no truth.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        journal::recover(&self.records().join("journal.jsonl"))
    }

    /// Begins the journal of a run; what earlier runs left open is carried over.
    ///
    /// # Errors
    /// When the disk does not let us.
    pub fn journal(&self, run: &Run, open: &Recorded, fence: Fence) -> io::Result<FileJournal> {
        let folder = self.records();
        self.make(&folder)?;
        FileJournal::begin(&folder.join("journal.jsonl"), run, open, fence)
    }

    /// Adds a finished run to the history.
    ///
    /// # Errors
    /// When the disk does not let us.
    pub fn remember(&self, summary: &RunSummary) -> io::Result<()> {
        history::append(&self.records().join("history.jsonl"), summary)
    }

    /// The runs before, the oldest first.
    ///
    /// # Errors
    /// When the file is there and can't be read.
    pub fn history(&self) -> io::Result<Vec<RunSummary>> {
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
