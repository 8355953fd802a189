//! The guard of a lock: only one process at a time looks at the lock and decides.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::lock_file::{self, LockFile};
use crate::store::folder::{at, open};
use crate::store::lease::{Holder, LockError};

/// Keeps everybody else from taking a lock over, for as long as it lives, which is a moment only.
#[derive(Debug)]
pub struct Guard {
    file: File,
    /// The largest token that is known of. It stays in the guard's file, should the lock's become unreadable.
    pub token: u64,
}

impl Guard {
    /// Takes the guard of a lock.
    ///
    /// # Errors
    /// When somebody else keeps it for longer than a moment, or the disk fails.
    pub fn take(lock: &Path, command: &str) -> Result<Self, LockError> {
        let path = path(lock);
        let mut file = open(OpenOptions::new().read(true).write(true).create(true).truncate(false), &path)?;
        for _ in 0..TIMEOUT.as_millis() / PAUSE.as_millis() {
            match file.try_lock() {
                Ok(()) => {
                    let token = lock_file::read(&mut file).map_err(at(&path))?.token();
                    let holder = Holder { token, ..Holder::this_process(command, token) };
                    lock_file::put(&mut file, &holder).map_err(at(&path))?;
                    return Ok(Self { file, token });
                }
                Err(TryLockError::Error(error)) => return Err(at(&path)(error).into()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
        Err(LockError::Stuck(lock_file::read(&mut file).ok().and_then(LockFile::holder)))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The guard is free from now on. If this can't be written, the next holder overwrites the name.
        let _ = lock_file::put(&mut self.file, &Holder::nobody(self.token));
    }
}

/// How long a guard is waited for. Whoever has it does no more than to write a small file to the disk.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How often a guard is looked at.
const PAUSE: Duration = Duration::from_millis(10);

fn path(lock: &Path) -> PathBuf {
    lock.with_extension("guard")
}
