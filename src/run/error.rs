//! Why a run does not go on, and what is worth saying of one that does.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use super::source::SpecText;
use crate::address::Address;
use crate::charts::ChartProblem;
use crate::diagnostic::Diagnostics;
use crate::driver::{Class, DriverError};
use crate::store::{Former, LockError};

/// Why a run does not go on. Nothing was done then.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file can't be used: the spec, or a saved plan.
    #[error("`{}` can't be read", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: FileError,
    },
    /// A file can't be written.
    #[error("`{}` can't be written", path.display())]
    Unwritten {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Charts can't be locked, whatever they are.
    #[error("the charts can't be locked")]
    Locking(#[source] ChartProblem),
    /// The spec, the plan, or what was asked of it has errors.
    #[error("{}", .0.why)]
    Refused(Box<Rejection>),
    /// The records can't be reached by this build.
    #[error("the records can't be reached")]
    NoStore(#[source] io::Error),
    /// The sandbox's world can't be opened.
    #[error("the sandbox's world in `{}` can't be opened", folder.display())]
    World {
        /// Where it is.
        folder: PathBuf,
        /// Why.
        source: DriverError,
    },
    /// Somebody else is at work, or the lock can't be taken.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The records can't be read.
    #[error("the records can't be read")]
    Records(#[source] io::Error),
    /// The inventory is there and can't be read.
    #[error("the inventory can't be read")]
    Inventory(#[source] io::Error),
    /// The journal can't be written.
    #[error("the journal can't be written")]
    Journal(#[source] io::Error),
    /// The world can't be observed at all.
    #[error("the world can't be observed")]
    Driver(#[from] DriverError),
    /// All of a saved plan has moved since it was saved.
    #[error("all of this plan has moved since it was saved")]
    Moved {
        /// What moved, and how.
        moved: BTreeMap<Address, String>,
        /// What would be done now and was never approved.
        unapproved: BTreeSet<Address>,
    },
}

/// Errors among diagnostics, with the text that they point into.
#[derive(Debug)]
pub struct Rejection {
    /// What it is that has errors.
    pub why: Refusal,
    /// The spec.
    pub source: SpecText,
    /// What is wrong, and what is worth a look beside it.
    pub diagnostics: Diagnostics,
}

/// What it is that has errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The spec itself.
    #[error("the spec can't be used")]
    Spec,
    /// What needs what, and who can make it.
    #[error("the spec can't be planned")]
    Graph,
    /// The plan.
    #[error("this plan can't be applied")]
    Plan,
    /// It would lose data that nobody allowed to be lost, or was allowed what does not exist.
    #[error("nothing was done")]
    Loss,
}

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there.
    #[error("there is no such file")]
    Missing,
    /// It is a folder.
    #[error("it is a folder")]
    Folder,
    /// It is too large.
    #[error("it has {bytes} bytes; at most {most} are read")]
    TooLarge {
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        most: u64,
    },
    /// It goes on and on, as a device does.
    #[error("it has no end; at most {0} bytes are read")]
    Endless(u64),
    /// It is not text.
    #[error("it is not UTF-8 text: line {line}, column {column}")]
    NotText {
        /// Where it stops being text.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// The disk fails.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// Something worth saying that stops nothing.
#[derive(Debug)]
pub enum Notice {
    /// The lock was taken over.
    TookOver(Former),
    /// What the records say of how they were opened, in a whole sentence.
    Records(String),
    /// The journal ends in half a line, as after a crash. Nothing is lost by that.
    JournalTorn,
    /// Lines of the journal can't be read.
    JournalDamaged {
        /// How many.
        lines: usize,
        /// Where the next run sets the journal aside.
        aside: String,
    },
    /// What is there now could not be written down.
    InventoryNotWritten(io::Error),
    /// The spec could not be kept as it was applied, so that the loop can't repair drift back to it.
    AppliedNotKept(io::Error),
    /// The plan of the run could not be kept.
    PlanNotKept(io::Error),
    /// The run could not be added to the history.
    HistoryNotWritten(io::Error),
}

impl RunError {
    /// Errors among diagnostics as the reason why a run does not go on.
    pub(super) fn refused(why: Refusal, source: SpecText, diagnostics: Diagnostics) -> Self {
        Self::Refused(Box::new(Rejection { why, source, diagnostics }))
    }

    /// The class of the driver's error that it comes from, if it comes from one.
    #[must_use]
    pub const fn class(&self) -> Option<Class> {
        match self {
            Self::Driver(error) | Self::World { source: error, .. } => Some(error.class),
            _ => None,
        }
    }
}
