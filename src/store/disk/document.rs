//! Records that are kept whole, each in a file.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::SystemTime;

use crate::crash::point;
use crate::store::document::KEPT_PLANS;
use crate::store::folder::{at, open_anew, open_known};

/// Reads one; none when it is not there.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let Some(mut file) = open_known(path)? else { return Ok(None) };
    file.read_to_end(&mut bytes).map_err(at(path))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writes one, whole or not at all.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let mut file = open_anew(&part)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(at(&part))?;
    point("document: before it is in place");
    fs::rename(&part, path).map_err(at(path))
}

/// Removes one, if it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(at(path)),
    }
}

/// Removes the oldest files of a folder beyond as many as are kept.
pub fn prune(folder: &Path) -> io::Result<()> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let written = entry.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        all.push((written, entry.path()));
    }
    let surplus = all.len().saturating_sub(KEPT_PLANS);
    if surplus > 0 {
        all.sort();
        all.iter().take(surplus).try_for_each(|(_, path)| remove(path))?;
    }
    Ok(())
}
