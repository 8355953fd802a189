//! What drivers keep between runs, in `.atlas/cache/<project>/<environment>/`.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use super::clock;
use super::folder::{LocalFolder, at, open_anew, open_known};
use crate::desired::Desired;
use crate::driver::Cache;

/// The largest file that is read: what is larger was not written by Atlas.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A folder of small files. Only a run that may change the world writes into it.
#[derive(Debug)]
pub struct CacheFolder {
    local: LocalFolder,
    folder: PathBuf,
    writes: bool,
}

impl CacheFolder {
    /// The folder of a spec's project and environment.
    #[must_use]
    pub fn new(local: &LocalFolder, desired: &Desired, writes: bool) -> Self {
        Self { local: local.clone(), folder: local.cache(&desired.project, &desired.environment), writes }
    }

    fn read(&self, name: &str) -> std::io::Result<Option<String>> {
        let path = self.folder.join(name);
        self.local.refuse_links(&path)?;
        let mut text = String::new();
        let Some(file) = open_known(&path)? else { return Ok(None) };
        file.take(LARGEST).read_to_string(&mut text)?;
        Ok(Some(text))
    }

    /// Writes a file whole or not at all. It is not synced: losing it costs some questions.
    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        let path = self.folder.join(name);
        self.local.make(&self.folder)?;
        let part = path.with_extension(format!("part-{}", std::process::id()));
        open_anew(&part)?.write_all(text.as_bytes()).map_err(at(&part))?;
        std::fs::rename(&part, &path).map_err(at(&path))
    }
}

impl Cache for CacheFolder {
    fn recall(&self, name: &str) -> Option<String> {
        let read = self.read(name);
        read.inspect_err(|error| tracing::debug!(%error, name, "a cache can't be read")).ok().flatten()
    }

    fn keep(&self, name: &str, text: &str) {
        if let Err(error) = if self.writes { self.write(name, text) } else { Ok(()) } {
            tracing::debug!(%error, name, "a cache can't be written");
        }
    }

    fn now(&self) -> u64 {
        clock::since_1970() / 1_000
    }
}
