//! Records of a version that did not tell projects apart: `.atlas/records/<environment>/`.
//!
//! Several projects may have written there, and nothing in them names one. So what is taken over is what this spec declares
//! itself, and the old files stay as they are for whoever else they belong to
//! (`docs/decisions/0016-records-of-a-project.md`).

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use foldhash::HashMap;

use super::lock::Lock;
use super::paths::Paths;
use super::{history, inventory, journal};
use crate::address::Address;
use crate::crash::point;
use crate::desired::Desired;
use crate::recorded::{Inventory, Recorded};
use crate::store::folder::{LocalFolder, at, open_anew, open_known};
use crate::store::history::{Run, RunSummary};
use crate::store::journal::line::{opening, unreadable};
use crate::store::lease::{Held, LockError};

/// The old records of an environment.
#[derive(Debug)]
pub struct Older {
    local: LocalFolder,
    paths: Paths,
    /// The file that says that this project took them over.
    taken: PathBuf,
    /// What the spec declares, by identity; none when the records were taken over before.
    declared: HashMap<String, Address>,
}

impl Older {
    /// The old records of a spec's environment, if there are some.
    pub fn find(local: &LocalFolder, desired: &Desired) -> Option<Self> {
        let folder = local.older_records(&desired.environment);
        let paths = Paths::in_folder(&folder);
        // A project may be called like the environment; what it keeps stands one folder further down.
        if ![&paths.lock, &paths.journal, &paths.inventory, &paths.history].into_iter().any(|path| may_be_file(path)) {
            return None;
        }
        let taken = folder.join(format!("taken-over-by-{}", desired.project));
        let mut declared = HashMap::default();
        if !taken.exists() {
            declared.extend(desired.objects().map(|one| (one.identity.to_string(), one.address.clone())));
        }
        Some(Self { local: local.clone(), paths, taken, declared })
    }

    /// Whether they were not taken over yet.
    pub fn is_new(&self) -> bool {
        !self.taken.exists()
    }

    /// Takes their lock, so that no older version is at work meanwhile.
    pub fn lock(&self, command: &str, lease: Duration) -> Result<Held<Lock>, LockError> {
        self.local.refuse_links(&self.paths.folder)?;
        Lock::take(&self.paths.lock, command, lease, 0)
    }

    /// What they leave open of what the spec declares, and of what else.
    pub fn recorded(&self) -> io::Result<(Recorded, BTreeSet<Address>)> {
        self.local.refuse_links(&self.paths.folder)?;
        let mut known = journal::read(&self.paths.journal)?;
        let foreign = self.is_foreign()?;
        let mut others = BTreeSet::new();
        known.pending.retain(|intent, address| {
            let own = !foreign && self.declared.get(intent.identity.as_str()).is_some_and(|known| known == address);
            if !own {
                others.insert(address.clone());
            }
            own
        });
        Ok((known, others))
    }

    /// What was there of what the spec declares.
    pub fn inventory(&self) -> io::Result<Inventory> {
        self.local.refuse_links(&self.paths.folder)?;
        let mut known = inventory::read(&self.paths.inventory)?;
        let declared: BTreeSet<&Address> = self.declared.values().collect();
        known.made.retain(|address| declared.contains(address));
        Ok(known)
    }

    /// The runs, unless they were another project's.
    pub fn history(&self) -> io::Result<Vec<RunSummary>> {
        if self.is_foreign()? { Ok(Vec::new()) } else { history::read(&self.paths.history) }
    }

    /// Takes over what belongs to this project, once; whatever is there already is newer. Says what came of it.
    ///
    /// A crash at any moment leaves some of it undone, and the next run does that.
    pub fn take_over(&self, into: &Paths) -> io::Result<Option<String>> {
        if !self.is_new() {
            return Ok(None);
        }
        let (open, others) = self.recorded()?;
        if !into.journal.exists() {
            let run = Run::now("take over", String::new());
            let mut text = opening(&run, &open)?.into_bytes();
            // What can't be read may be ours: it is said, and set aside, by the run that follows.
            let mut old = Vec::new();
            if let Some(mut file) = open_known(&self.paths.journal)? {
                file.read_to_end(&mut old).map_err(at(&self.paths.journal))?;
            }
            unreadable(&old).for_each(|line| text.extend_from_slice(line));
            drop(journal::begin(&into.journal, &text, false)?);
        }
        if !into.inventory.exists() {
            inventory::write(&into.inventory, &self.inventory()?)?;
        }
        if !into.history.exists() {
            let part = into.history.with_extension("part");
            let mut file = open_anew(&part)?;
            for run in self.history()? {
                writeln!(file, "{}", serde_json::to_string(&run)?).map_err(at(&part))?;
            }
            std::fs::rename(&part, &into.history).map_err(at(&into.history))?;
        }
        point("records: before they are taken over");
        open_anew(&self.taken)?;
        let folder = self.taken.parent().unwrap_or(Path::new("")).display().to_string();
        let mut said = format!("Took over what is this project's of the records in {folder}.");
        if !others.is_empty() {
            let all: Vec<&str> = others.iter().map(Address::as_str).collect();
            said.push_str(&format!(
                " An interrupted run was about to make what this spec does not declare, so it may be another project's: {}. \
                 `atlas adopt ADDRESS` takes it once it is declared.",
                all.join(", ")
            ));
        }
        Ok(Some(said))
    }

    /// Whether they are certainly another project's: of all that was there after the last run, this spec declares nothing.
    fn is_foreign(&self) -> io::Result<bool> {
        let all = inventory::read(&self.paths.inventory)?;
        Ok(!all.made.is_empty() && self.inventory()?.made.is_empty())
    }
}

/// Whether something is at a path that may be a file: what can't be looked at may be one.
fn may_be_file(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(found) => !found.is_dir(),
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}
