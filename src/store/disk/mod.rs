//! Records on disk, in a folder of their own for each project and environment.

mod document;
mod guard;
mod history;
mod inventory;
mod journal;
mod lock;
mod lock_file;
mod older;
mod paths;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use guard::Guard;
use lock::Lock;
use older::Older;
use paths::Paths;

use super::document::{Document, PLANS};
use super::folder::LocalFolder;
use super::history::{Run, RunSummary};
use super::journal::RunJournal;
use super::journal::line::opening;
use super::keeper::Store;
use super::lease::{Fence, Held, Lease as _, LockError};
use crate::desired::Desired;
use crate::execute::Journal;
use crate::recorded::{Inventory, Recorded};

/// Records in `.atlas/records/<project>/<environment>/`.
#[derive(Debug)]
pub struct Disk {
    local: LocalFolder,
    paths: Paths,
    /// What a version left that did not tell projects apart.
    older: Option<Older>,
}

impl Disk {
    /// The records of a project in an environment. What older versions left is not looked at.
    #[must_use]
    pub fn new(local: LocalFolder, project: &str, environment: &str) -> Self {
        let paths = Paths::in_folder(&local.records(project, environment));
        Self { local, paths, older: None }
    }

    /// The records of a spec, with what an older version left.
    #[must_use]
    pub fn open(local: LocalFolder, desired: &Desired) -> Self {
        let older = Older::find(&local, desired);
        Self { older, ..Self::new(local, &desired.project, &desired.environment) }
    }

    /// The folder that the records are in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.paths.folder
    }

    /// The old records, where nothing newer stands at this path.
    fn older_than(&self, path: &Path) -> io::Result<Option<&Older>> {
        self.local.refuse_links(&self.paths.folder)?;
        Ok(self.older.as_ref().filter(|older| older.is_new() && path.symlink_metadata().is_err()))
    }
}

impl Store for Disk {
    fn lock(&self, command: &str, lease: Duration) -> Result<Held, LockError> {
        self.local.make(&self.paths.folder)?;
        let older = self.older.as_ref().map(|older| older.lock(command, lease)).transpose()?;
        let last = older.as_ref().map_or(0, |held| held.lock.fence().token());
        let Held { mut lock, mut former, mut notes } = Lock::take(&self.paths.lock, command, lease, last)?;
        if let Some(held) = older {
            lock = lock.with(held.lock);
            former = former.or(held.former);
        }
        if let Some(older) = &self.older {
            notes.extend(older.take_over(&self.paths)?);
        }
        Ok(Held { lock: Box::new(lock), former, notes })
    }

    fn lead(&self, command: &str, lease: Duration) -> Result<Held, LockError> {
        self.local.make(&self.paths.folder)?;
        let Held { lock, former, notes } = Lock::take(&self.paths.lead, command, lease, 0)?;
        Ok(Held { lock: Box::new(lock), former, notes })
    }

    fn document(&self, document: &Document) -> io::Result<Option<String>> {
        self.local.refuse_links(&self.paths.folder)?;
        document::read(&self.paths.folder.join(document.name()))
    }

    fn keep_document(&self, document: &Document, text: &str) -> io::Result<()> {
        let path = self.paths.folder.join(document.name());
        self.local.make(path.parent().unwrap_or(&self.paths.folder))?;
        document::write(&path, text)?;
        match document {
            Document::Plan(_) => document::prune(&self.paths.folder.join(PLANS)),
            _ => Ok(()),
        }
    }

    fn change_document(
        &self,
        document: &Document,
        edit: &mut dyn FnMut(Option<&str>) -> Option<String>,
    ) -> io::Result<()> {
        let path = self.paths.folder.join(document.name());
        self.local.make(&self.paths.folder)?;
        let _guard = Guard::take(&path, "atlas").map_err(io::Error::other)?;
        match edit(document::read(&path)?.as_deref()) {
            Some(text) => document::write(&path, &text),
            None => document::remove(&path),
        }
    }

    fn recorded(&self) -> io::Result<Recorded> {
        match self.older_than(&self.paths.journal)? {
            Some(older) => older.recorded().map(|(own, _)| own),
            None => journal::read(&self.paths.journal),
        }
    }

    fn aside(&self) -> String {
        journal::aside(&self.paths.journal).display().to_string()
    }

    fn journal(&self, run: &Run, open: &Recorded, fence: Fence) -> Result<Arc<dyn Journal>, LockError> {
        let text = opening(run, open)?;
        self.local.make(&self.paths.folder)?;
        // While the guard is held, no other process can take the lease over, and so none can begin a journal.
        let _guard = Guard::take(&self.paths.lock, &format!("atlas {}", run.command))?;
        fence.check()?;
        let sink = journal::begin(&self.paths.journal, text.as_bytes(), open.damage.lines > 0)?;
        Ok(Arc::new(RunJournal::over(sink, open, fence)?))
    }

    fn inventory(&self) -> io::Result<Inventory> {
        match self.older_than(&self.paths.inventory)? {
            Some(older) => older.inventory(),
            None => inventory::read(&self.paths.inventory),
        }
    }

    fn keep(&self, inventory: &Inventory) -> io::Result<()> {
        self.local.make(&self.paths.folder)?;
        inventory::write(&self.paths.inventory, inventory)
    }

    fn remember(&self, summary: &RunSummary) -> io::Result<()> {
        self.local.make(&self.paths.folder)?;
        history::append(&self.paths.history, summary)
    }

    fn history(&self) -> io::Result<Vec<RunSummary>> {
        match self.older_than(&self.paths.history)? {
            Some(older) => older.history(),
            None => history::read(&self.paths.history),
        }
    }
}
