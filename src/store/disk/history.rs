//! The history in a file.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::crash::point;
use crate::store::folder::{at, open, open_known};
use crate::store::history::{RunSummary, parse};

/// Adds a run.
pub fn append(path: &Path, summary: &RunSummary) -> io::Result<()> {
    let mut file = open(OpenOptions::new().create(true).read(true).append(true), path)?;
    // A line that a crash cut off must not swallow this one.
    let torn = if file.metadata()?.len() == 0 {
        false
    } else {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        last != *b"\n"
    };
    let line = [if torn { "\n" } else { "" }, &serde_json::to_string(summary)?, "\n"].concat();
    point("history: before a write");
    file.write_all(line.as_bytes())?;
    point("history: after a write");
    file.sync_data()
}

/// The runs, the oldest first.
pub fn read(path: &Path) -> io::Result<Vec<RunSummary>> {
    let mut text = Vec::new();
    let Some(mut file) = open_known(path)? else { return Ok(Vec::new()) };
    file.read_to_end(&mut text).map_err(at(path))?;
    Ok(parse(String::from_utf8_lossy(&text).lines()))
}
