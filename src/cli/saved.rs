//! Writing a saved plan: whole or not at all, closed to others, and over nothing that is not a saved plan.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::failure::Failure;

/// How every saved plan begins, whichever version wrote it.
const BEGINNING: &str = "{\n  \"atlas_plan\":";

/// Whether a plan may be written to a path: nothing is there, or an older plan. Asked before the world is looked at, so that
/// nobody waits for an answer that does not depend on it.
pub fn may_write(path: &Path, spec: &Path) -> Result<(), Failure> {
    let refused = |why: &str| {
        Err(Failure::new(format!("the plan can't be written to `{}`", path.display()))
            .because(why)
            .hint("name a file that does not exist yet, or one that `atlas plan --out` wrote"))
    };
    let same = |other: &Path| fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(other).is_ok_and(|o| o == path));
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return refused(&error.to_string()),
        Ok(metadata) => metadata,
    };
    match metadata.file_type() {
        _ if same(spec) => refused("it is the spec"),
        kind if kind.is_symlink() => refused("it is a link, and what it leads to would be overwritten"),
        kind if kind.is_dir() => refused("it is a folder"),
        kind if !kind.is_file() => refused("it is no file"),
        // A file that `mktemp` made holds nothing that could be lost.
        _ if metadata.len() == 0 => Ok(()),
        _ => match begins_as_plan(path) {
            Ok(true) => Ok(()),
            Ok(false) => refused("it is no saved plan, and would be overwritten"),
            Err(error) => refused(&error.to_string()),
        },
    }
}

/// Writes a saved plan.
pub fn write(path: &Path, spec: &Path, text: &str) -> Result<(), Failure> {
    may_write(path, spec)?;
    let part = part_of(path);
    let mut options = OpenOptions::new();
    // What somebody else put there in the meantime is neither followed nor overwritten.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| {
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
            // The half-written file is of no use to anyone; if it can't be removed either, the first error says why.
            let _ = fs::remove_file(&part);
        })
    });
    written.map_err(|error| {
        Failure::new(format!("the plan can't be written to `{}`", path.display())).because(error.to_string())
    })
}

/// Where a plan is written before it is put in its place.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    path.with_file_name(name)
}

fn begins_as_plan(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::with_capacity(BEGINNING.len());
    fs::File::open(path)?.take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning == BEGINNING.as_bytes())
}
