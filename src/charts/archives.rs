//! Archives of charts by the digest of their bytes, in the folder `.atlas`. They only save the way to whoever publishes them.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::store::LocalFolder;

/// The largest archive that is read.
pub const LARGEST: u64 = 20 << 20;

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
        read(&path).ok().filter(|bytes| digest_of(bytes) == digest)
    }

    /// Keeps an archive. Where that can't be done, it is pulled again the next time.
    pub fn put(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        self.local.write(&self.path(digest), bytes)
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
    fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

/// The SHA-256 of an archive, in hexadecimal digits.
pub fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// That an archive is larger than archives of charts are.
pub fn too_large() -> io::Error {
    io::Error::other(format!("it has more than {LARGEST} bytes"))
}
