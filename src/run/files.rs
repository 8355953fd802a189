//! Reading what the spec is made of: the spec itself, and the folders that it names.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::error::{FileError, RunError};
use super::folder;
use crate::desired::Desired;
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// The largest spec that is read: more than a hundred thousand resources take.
const LARGEST_SPEC: u64 = 256 * 1024 * 1024;

/// Reads a text file that may be a spec or a plan.
///
/// # Errors
/// When it can't be read, is too large, or is no text.
pub fn read_text(path: &Path) -> Result<String, RunError> {
    text(path).map_err(|source| RunError::File { path: path.to_owned(), source })
}

/// Writes a spec, whole or not at all. A link is followed, so that the file that it leads to is written.
///
/// # Errors
/// When it can't be written.
pub fn set_text(path: &Path, whole: &str) -> Result<(), RunError> {
    let write = || {
        let real = fs::canonicalize(path)?;
        let part = real.with_extension(format!("part-{}", std::process::id()));
        fs::write(&part, whole)?;
        fs::set_permissions(&part, fs::metadata(&real)?.permissions())?;
        fs::rename(&part, &real)
    };
    write().map_err(|source| RunError::File { path: path.to_owned(), source: FileError::Disk(source) })
}

fn text(path: &Path) -> Result<String, FileError> {
    let metadata = fs::metadata(path).map_err(disk)?;
    if metadata.is_dir() {
        return Err(FileError::Folder);
    }
    if metadata.len() > LARGEST_SPEC {
        return Err(FileError::TooLarge { bytes: metadata.len(), most: LARGEST_SPEC });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    fs::File::open(path).and_then(|file| file.take(LARGEST_SPEC + 1).read_to_end(&mut bytes)).map_err(disk)?;
    if bytes.len() as u64 > LARGEST_SPEC {
        return Err(FileError::Endless(LARGEST_SPEC));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let text = String::from_utf8_lossy(valid);
        let line = text.matches('\n').count() + 1;
        let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        FileError::NotText { line, column }
    })
}

fn disk(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing,
        _ => FileError::Disk(error),
    }
}

/// The folders that specs name, each looked at once, also where many environments name it.
pub(super) struct Folders {
    /// The folder of the spec: where relative paths begin, and what nothing may lead out of.
    base: PathBuf,
    known: BTreeMap<String, Result<String, String>>,
}

impl Folders {
    /// The folders of a spec that is in this one.
    pub fn below(base: &Path) -> Self {
        Self { base: base.to_owned(), known: BTreeMap::new() }
    }

    /// Makes the content of the folders that a spec names part of it.
    pub fn attach(&mut self, desired: &mut Desired, diagnostics: &mut Diagnostics) {
        let mut digests: BTreeMap<String, String> = BTreeMap::new();
        for (folder, span, instance) in desired.folders() {
            if digests.contains_key(folder) {
                continue;
            }
            match self.digest(folder) {
                Ok(digest) => drop(digests.insert(folder.to_owned(), digest.clone())),
                Err(why) => diagnostics.push(
                    Diagnostic::error(&code::UNREADABLE_CHART, format!("`{folder}`: {why}"))
                        .at(span)
                        .hint("name a folder with a Chart.yaml, relative to the spec and within its folder")
                        .of(&instance.address),
                ),
            }
        }
        desired.attach(&digests);
    }

    fn digest(&mut self, name: &str) -> &Result<String, String> {
        let base = &self.base;
        self.known.entry(name.to_owned()).or_insert_with(|| {
            let found = std::fs::canonicalize(base).and_then(|project| folder::digest(&project, &base.join(name)));
            found.map_err(|error| error.to_string())
        })
    }
}
