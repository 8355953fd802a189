//! Reading a chart from where it lies: a folder, or an archive as `helm package` writes it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::folder;
use crate::render::RenderFault;
use crate::render::helm::{Chart, RenderRequest};
use crate::store::since_1970;

/// The largest archive that is read.
const LARGEST_ARCHIVE: u64 = 20 * 1024 * 1024;

/// Why a chart can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// Its files can't be read.
    #[error("{0}")]
    Files(io::Error),
    /// What is in its files is no chart.
    #[error("{0}")]
    Content(RenderFault),
}

/// Reads a chart. Where it is a folder, nothing in it may lead out of `project`; without one, out of the folder itself.
///
/// # Errors
/// When there is none, or it can't be read.
pub fn chart(path: &Path, project: Option<&Path>) -> Result<Chart, ChartError> {
    let found = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ChartError::Files(io::Error::new(error.kind(), "there is no such file or folder")),
        _ => ChartError::Files(error),
    })?;
    if !found.is_dir() {
        let archive = archive(path).map_err(ChartError::Files)?;
        return Chart::unpack(&archive).map_err(ChartError::Content);
    }
    let files = fs::canonicalize(project.unwrap_or(path)).and_then(|project: PathBuf| folder::read(&project, path));
    Chart::read(&files.map_err(ChartError::Files)?).map_err(ChartError::Content)
}

/// Tells a rendering the time of day, and gives it the randomness of which passwords and keys are made.
///
/// # Errors
/// When this machine gives no random numbers.
pub fn at_this_moment(request: &mut RenderRequest) -> io::Result<()> {
    request.now = i128::from(since_1970()) * 1_000_000;
    getrandom::fill(&mut request.seed).map_err(io::Error::other)
}

fn archive(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_ARCHIVE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_ARCHIVE {
        return Err(io::Error::other(format!("it has more than {LARGEST_ARCHIVE} bytes")));
    }
    Ok(bytes)
}
