//! The spec as it was last applied, kept among the records with the files that it names: what the loop repairs drift back to, whatever
//! somebody is writing in the spec by now.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::error::{Refusal, RunError};
use super::files::SpecFiles;
use super::source::{Spec, SpecParts, SpecText};
use crate::address::Address;
use crate::charts::{ChartSurroundings, inside};
use crate::spec::{self, Inputs};
use crate::store::{Document, Store};
use crate::value::long_hash;

/// How many bytes the files of a spec may have to be kept.
const MOST: usize = 32 * 1024 * 1024;
/// How many files there may be.
const MOST_FILES: usize = 20_000;

/// A spec as it was last applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedSpec {
    /// Its environment.
    pub environment: String,
    /// The values of variables that were given besides it, by name, and where each came from.
    pub variables: BTreeMap<String, (String, String)>,
    /// Its text.
    pub text: String,
    /// The files that it names, by their paths from its folder.
    pub files: BTreeMap<String, KeptFile>,
    /// Whether all of it may be brought about: nobody stopped the run that applied it.
    pub approved: bool,
    /// What a later run of another spec changed: this one does not say any more how those are to be.
    pub moved_on: BTreeSet<Address>,
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeptFile {
    /// As text.
    Text(String),
    /// As base64 of its bytes.
    Bytes(String),
}

impl AppliedSpec {
    /// What is kept of a spec.
    ///
    /// # Errors
    /// When a file that it names can't be read, or they are too large.
    pub(super) fn gather(text: &str, environment: &str, parts: &SpecParts, base: &Path) -> io::Result<Self> {
        let mut files = Files { base, files: BTreeMap::new(), bytes: 0 };
        for name in &parts.files {
            files.add(name)?;
        }
        Ok(Self {
            environment: environment.to_owned(),
            variables: parts.variables.clone(),
            text: text.to_owned(),
            files: files.files,
            approved: true,
            moved_on: BTreeSet::new(),
        })
    }

    /// Reads it from the records; none when nothing was applied as a whole.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn read(store: &dyn Store) -> io::Result<Option<Self>> {
        let text = store.document(&Document::Applied)?;
        let invalid = |error: serde_json::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        text.map(|text| serde_json::from_str(&text).map_err(invalid)).transpose()
    }

    /// Changes what the records have of it.
    ///
    /// # Errors
    /// When the records can't be written.
    pub(super) fn change(store: &dyn Store, edit: impl Fn(Option<Self>) -> Option<Self>) -> io::Result<()> {
        let read = |text: &str| serde_json::from_str(text).ok();
        store.change_document(&Document::Applied, &mut |text| {
            let edited = edit(text.and_then(read))?;
            serde_json::to_string(&edited).ok()
        })
    }

    /// Whether another one says the same.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.text == other.text
            && self.files == other.files
            && self.environment == other.environment
            && self.variables == other.variables
    }

    /// A digest of what it says.
    #[must_use]
    pub fn digest(&self) -> String {
        let all = (&self.environment, &self.variables, &self.text, &self.files);
        long_hash(&serde_json::to_vec(&all).unwrap_or_default())
    }

    /// Compiles it, with the records and the surroundings of the spec that it was.
    ///
    /// # Errors
    /// When its files can't be written beside the spec, or this version refuses what it says.
    pub fn compile(&self, like: &Spec) -> Result<Spec, RunError> {
        let folder = like.local.applied(&like.desired.project, &self.environment);
        self.lay_out(like, &folder).map_err(|source| RunError::Unwritten { path: folder.clone(), source })?;
        let name = format!("{} as it was last applied", like.source.text().name);
        let source = SpecText::new(name, self.text.clone());
        let inputs = Inputs {
            environment: Some(self.environment.clone()).filter(|_| !like.desired.environments.is_empty()),
            variables: self.variables.clone(),
            kinds: like.desired.kinds.clone(),
        };
        let (desired, mut diagnostics) = spec::compile(&self.text, &inputs);
        let Some(mut desired) = desired else { return Err(RunError::refused(Refusal::Spec, source, diagnostics)) };
        let lock = like.charts.lock.file_name().map(|name| folder.join(name)).unwrap_or_default();
        let charts = ChartSurroundings { base: folder, lock, ..like.charts.clone() };
        SpecFiles::of(charts.clone()).attach(&mut desired, &mut diagnostics);
        diagnostics.finish();
        if diagnostics.has_errors() {
            return Err(RunError::refused(Refusal::Spec, source, diagnostics));
        }
        Ok(Spec {
            source,
            desired,
            store: like.store.clone(),
            local: like.local.clone(),
            warnings: diagnostics,
            variables: like.variables.clone(),
            hidden: like.hidden.clone(),
            base: like.base.clone(),
            charts,
            parts: SpecParts { is_applied: true, ..SpecParts::default() },
        })
    }

    /// Writes its files into a folder, unless they are there.
    fn lay_out(&self, like: &Spec, folder: &Path) -> io::Result<()> {
        let stamp = folder.join(".digest");
        let digest = self.digest();
        like.local.make(folder)?;
        if fs::read_to_string(&stamp).is_ok_and(|found| found == digest) {
            return Ok(());
        }
        fs::remove_dir_all(folder)?;
        like.local.make(folder)?;
        for (name, file) in &self.files {
            let bytes = match file {
                KeptFile::Text(text) => text.clone().into_bytes(),
                KeptFile::Bytes(text) => STANDARD.decode(text).map_err(io::Error::other)?,
            };
            like.local.write(&folder.join(plain(name)?), &bytes)?;
        }
        like.local.write(&stamp, digest.as_bytes())
    }
}

/// A path that a record has, if it leads nowhere else.
fn plain(name: &str) -> io::Result<&Path> {
    let path = Path::new(name);
    match path.components().all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(path),
        false => Err(io::Error::other(format!("`{name}` leads out of the folder of the spec"))),
    }
}

/// The files that were gathered so far.
struct Files<'a> {
    base: &'a Path,
    files: BTreeMap<String, KeptFile>,
    bytes: usize,
}

impl Files<'_> {
    /// Adds a file, or everything in a folder.
    fn add(&mut self, name: &Path) -> io::Result<()> {
        let mut open: Vec<PathBuf> = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", name.display()));
            let path = inside(self.base, &self.base.join(&name)).map_err(named)?;
            let found = fs::metadata(&path).map_err(named)?;
            if found.is_dir() {
                for entry in fs::read_dir(&path).map_err(named)? {
                    open.push(name.join(entry.map_err(named)?.file_name()));
                }
            } else if found.is_file() {
                self.file(&name, &path).map_err(named)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, name: &Path, path: &Path) -> io::Result<()> {
        let parts: Vec<_> = name.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let name = parts.iter().collect::<PathBuf>().to_string_lossy().into_owned();
        if self.files.contains_key(&name) {
            return Ok(());
        }
        let bytes = fs::read(path)?;
        self.bytes += bytes.len();
        if self.bytes > MOST || self.files.len() >= MOST_FILES {
            return Err(io::Error::other(format!(
                "the files of the spec have more than {MOST} bytes, or are too many"
            )));
        }
        let kept = match String::from_utf8(bytes) {
            Ok(text) => KeptFile::Text(text),
            Err(error) => KeptFile::Bytes(STANDARD.encode(error.as_bytes())),
        };
        self.files.insert(name, kept);
        Ok(())
    }
}
