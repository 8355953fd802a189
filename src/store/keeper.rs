//! What every keeper of records can do.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::document::Document;
use super::history::{Run, RunSummary};
use super::lease::{Fence, Held, LockError};
use crate::execute::Journal;
use crate::recorded::{Inventory, Recorded};

/// The records of one project in one environment: journal, lock, inventory and history.
///
/// Records are a cache and a journal, never the truth: all of them may be deleted at any time, and the next plan is the same.
pub trait Store: fmt::Debug + Send + Sync {
    /// Takes the lock, at once or not at all, as a lease that is lost when it is not renewed for so long.
    ///
    /// # Errors
    /// When somebody holds it, or the disk or the network fails.
    fn lock(&self, command: &str, lease: Duration) -> Result<Held, LockError>;

    /// Takes the lead among loops, at once or not at all, as a lease like that of the lock. Who leads still takes the lock for
    /// each pass that changes something.
    ///
    /// # Errors
    /// When somebody leads, or the disk or the network fails.
    fn lead(&self, command: &str, lease: Duration) -> Result<Held, LockError>;

    /// A record that is kept whole; none when it is not there.
    ///
    /// # Errors
    /// When it is there and can't be read.
    fn document(&self, document: &Document) -> io::Result<Option<String>>;

    /// Writes a record that is kept whole.
    ///
    /// # Errors
    /// When the disk or the network fails.
    fn keep_document(&self, document: &Document, text: &str) -> io::Result<()>;

    /// Changes a record that is kept whole; nobody else changes it in between. Where it comes to nothing it is removed.
    ///
    /// # Errors
    /// When the disk or the network fails, or others keep changing it.
    fn change_document(
        &self,
        document: &Document,
        edit: &mut dyn FnMut(Option<&str>) -> Option<String>,
    ) -> io::Result<()>;

    /// What earlier runs recorded. What was deleted is as good as never written: records are no truth.
    ///
    /// # Errors
    /// When there are records and they can't be read. What they say is not known then, and to go on would lose it.
    fn recorded(&self) -> io::Result<Recorded>;

    /// Where the next run sets a damaged journal aside.
    fn aside(&self) -> String;

    /// Begins the journal of a run; what earlier runs left open is carried over.
    ///
    /// # Errors
    /// When the lease was lost, when another process stopped while it was about to begin, or the disk or the network
    /// fails.
    fn journal(&self, run: &Run, open: &Recorded, fence: Fence) -> Result<Arc<dyn Journal>, LockError>;

    /// What was there after the last run.
    ///
    /// # Errors
    /// When it is there and can't be read. To write another one then would lose it.
    fn inventory(&self) -> io::Result<Inventory>;

    /// Writes down what is there after a run.
    ///
    /// # Errors
    /// When the disk or the network fails.
    fn keep(&self, inventory: &Inventory) -> io::Result<()>;

    /// Adds a finished run to the history.
    ///
    /// # Errors
    /// When the disk or the network fails.
    fn remember(&self, summary: &RunSummary) -> io::Result<()>;

    /// The runs before, the oldest first.
    ///
    /// # Errors
    /// When they are there and can't be read.
    fn history(&self) -> io::Result<Vec<RunSummary>>;
}
