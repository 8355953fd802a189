//! The names of the files.

use std::path::{Path, PathBuf};

/// Where the records are that a folder holds.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The folder.
    pub folder: PathBuf,
    pub lock: PathBuf,
    /// The lock of the loop that leads.
    pub lead: PathBuf,
    pub journal: PathBuf,
    pub inventory: PathBuf,
    pub history: PathBuf,
}

impl Paths {
    /// Those in this folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            lock: folder.join("lock"),
            lead: folder.join("lead"),
            journal: folder.join("journal.jsonl"),
            inventory: folder.join("inventory.txt"),
            history: folder.join("history.jsonl"),
        }
    }
}
