//! Reading what the spec is made of: the spec itself, and the folders that it names.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::folder;
use crate::desired::Desired;
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// The largest spec that is read: more than a hundred thousand resources take.
const LARGEST_SPEC: u64 = 256 * 1024 * 1024;

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

/// The folders that specs name, each looked at once, also where many environments name it.
pub struct Folders {
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
