//! Archives of charts by the digest of their bytes, in the folder `.atlas`. They only save the way to whoever publishes them.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::found::LARGEST_ARCHIVE;
use super::lock::LockedChart;
use super::network::Network;
use crate::desired::PublishedChart;
use crate::store::LocalFolder;
use crate::value::long_hash;

/// The archives that were pulled before.
pub struct Archives {
    local: LocalFolder,
}

impl Archives {
    /// Those in a folder.
    pub const fn new(local: LocalFolder) -> Self {
        Self { local }
    }

    /// The archive with a digest; none when it is not there, or is not what it should be.
    pub fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.path(digest);
        self.local.refuse_links(&path).ok()?;
        read(&path).ok().filter(|bytes| long_hash(bytes) == digest)
    }

    /// Pulls the archive that is locked, and keeps it.
    ///
    /// # Errors
    /// When whoever publishes it does not give it, or gives something else.
    pub async fn pull(
        &self,
        network: &Network,
        chart: &PublishedChart,
        locked: &LockedChart,
    ) -> Result<Vec<u8>, String> {
        let bytes = network.pull(chart, locked).await?;
        let digest = long_hash(&bytes);
        if digest != locked.digest {
            return Err(format!(
                "what is published as {} has another content than what is locked: its SHA-256 is {digest}, and not {}",
                locked.version, locked.digest
            ));
        }
        self.keep(&digest, &bytes);
        Ok(bytes)
    }

    /// Keeps an archive. Where that can't be done, it is pulled again the next time.
    pub fn keep(&self, digest: &str, bytes: &[u8]) {
        let _ = self.local.write(&self.path(digest), bytes);
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.local.charts().join(format!("{digest}.tgz"))
    }
}

/// The bytes of an archive.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is neither a file nor a folder"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST_ARCHIVE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST_ARCHIVE {
        true => Err(io::Error::other(format!("it has more than {LARGEST_ARCHIVE} bytes"))),
        false => Ok(bytes),
    }
}
