//! Reading what the spec is made of: the spec itself, and the folders that it names.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use crate::desired::Desired;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// The largest spec that is read: more than a hundred thousand resources take.
const LARGEST_SPEC: u64 = 256 * 1024 * 1024;
/// The largest chart, and the most files in one.
const LARGEST_FOLDER: u64 = 64 * 1024 * 1024;
const MOST_FILES: usize = 10_000;

/// Reads a text file that may be a spec or a plan.
pub fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    let name = path.display();
    let failed = |error: io::Error| {
        let failure = Failure::new(format!("{what} `{name}` can't be read"));
        if error.kind() == io::ErrorKind::NotFound && what == "the spec" {
            return failure
                .because("there is no such file")
                .hint("write one with `atlas init`, or name it with `-f FILE`");
        }
        failure.because(error.to_string())
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        let flag = if what == "the spec" { "-f " } else { "" };
        return Err(Failure::new(format!("{what} `{name}` is a folder"))
            .hint(format!("name the file in it, such as `{flag}{}`", path.join("atlas.toml").display())));
    }
    if metadata.len() > LARGEST_SPEC {
        return Err(Failure::new(format!(
            "{what} `{name}` has {} bytes; at most {LARGEST_SPEC} are read",
            metadata.len()
        )));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    fs::File::open(path).and_then(|file| file.take(LARGEST_SPEC + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_SPEC {
        return Err(Failure::new(format!("{what} `{name}` has no end; at most {LARGEST_SPEC} bytes are read")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let text = String::from_utf8_lossy(valid);
        let line = text.matches('\n').count() + 1;
        let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Failure::new(format!("{what} `{name}` is not UTF-8 text: line {line}, column {column}"))
            .hint(if what == "the spec" { "save it as UTF-8" } else { "name a file that `atlas plan --out` wrote" })
    })
}

/// Makes the content of the folders that a spec names part of it.
pub fn attach_folders(base: &Path, desired: &mut Desired, diagnostics: &mut Diagnostics) {
    let mut digests: BTreeMap<String, String> = BTreeMap::new();
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    for (folder, span, instance) in desired.folders() {
        if digests.contains_key(folder) {
            continue;
        }
        if !failed.contains_key(folder) {
            match digest(&base.join(folder)) {
                Ok(found) => {
                    digests.insert(folder.to_owned(), found);
                    continue;
                }
                Err(error) => failed.insert(folder.to_owned(), error.to_string()),
            };
        }
        diagnostics.push(
            Diagnostic::error("chart that can't be read", format!("`{folder}`: {}", failed[folder]))
                .at(span)
                .hint("name a folder with a Chart.yaml, relative to the spec")
                .of(&instance.address),
        );
    }
    desired.attach(&digests);
}

/// What tells the content of a folder from any other: names and bytes of its files.
fn digest(folder: &Path) -> io::Result<String> {
    if !folder.join("Chart.yaml").is_file() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no Chart.yaml"));
    }
    let mut files = Vec::new();
    list(folder, "", &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    let mut room = LARGEST_FOLDER;
    for name in files {
        let bytes = fs::read(folder.join(&name))?;
        room = room
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| io::Error::other(format!("it is larger than {LARGEST_FOLDER} bytes")))?;
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(&bytes);
    }
    let bytes = hash.finalize();
    Ok(bytes[..6].iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Lists the files of a folder. Links are not followed: they could lead out of the project.
fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| io::Error::other("a file's name is not UTF-8"))?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            return Err(io::Error::other(format!("it has more than {MOST_FILES} files")));
        }
    }
    Ok(())
}
