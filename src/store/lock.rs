//! The lock of an environment: held by a living process, or by nobody.
//!
//! The operating system lets go of it when its holder dies, so there is no unlock command. The file says who holds it,
//! for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::crash::point;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// What it does.
    pub command: String,
    /// Since when, in UTC.
    pub since: String,
}

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody alive holds it.
    #[error("{}", held(.0))]
    Held(Option<Holder>),
    /// The disk does not let us.
    #[error("the records can't be locked")]
    Disk(#[source] io::Error),
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// A lock just taken.
#[derive(Debug)]
pub struct Held {
    /// The lock itself.
    pub lock: Lock,
    /// The holder that died with it, if there was one.
    pub dead: Option<Holder>,
}

impl Lock {
    /// Takes the lock, at once or not at all.
    ///
    /// # Errors
    /// When somebody alive holds it, or the disk does not let us.
    pub fn take(path: &Path, command: &str) -> Result<Held, LockError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = super::open_private(&mut options, path).map_err(LockError::Disk)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(read(&mut file))),
            Err(TryLockError::Error(error)) => return Err(LockError::Disk(error)),
        }
        let dead = read(&mut file);
        let holder = Holder {
            pid: std::process::id(),
            host: host_name(),
            command: command.to_owned(),
            since: super::history::now(),
        };
        point("lock: before it is taken");
        write(&mut file, Some(&holder)).map_err(LockError::Disk)?;
        point("lock: after it was taken");
        Ok(Held { lock: Self { file }, dead })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        point("lock: before it is let go");
        // An empty file says that its last holder ended in good order.
        let _ = write(&mut self.file, None);
        let _ = self.file.unlock();
    }
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.seek(io::SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(file: &mut File, holder: Option<&Holder>) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(io::SeekFrom::Start(0))?;
    if let Some(holder) = holder {
        file.write_all(serde_json::to_string(holder)?.as_bytes())?;
    }
    file.flush()
}

fn held(holder: &Option<Holder>) -> String {
    match holder {
        Some(holder) => {
            format!("`{}` is running since {}: process {} on {}", holder.command, holder.since, holder.pid, holder.host)
        }
        None => "another Atlas is running here".into(),
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this machine".into(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Lock, LockError};

    #[test]
    fn one_holder_at_a_time_and_its_name_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = Lock::take(&path, "atlas apply").expect("free");
        assert!(held.dead.is_none());
        match Lock::take(&path, "atlas apply") {
            Err(LockError::Held(Some(holder))) => assert_eq!(holder.pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        drop(held);
        assert!(Lock::take(&path, "atlas apply").expect("free again").dead.is_none());
    }

    #[test]
    fn a_dead_holder_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let text = r#"{"pid":1,"host":"elsewhere","command":"atlas apply","since":"2026-01-01T00:00:00Z"}"#;
        std::fs::write(&path, text).expect("written");
        let held = Lock::take(&path, "atlas apply").expect("its holder is dead");
        assert_eq!(held.dead.map(|holder| holder.host).as_deref(), Some("elsewhere"));
    }
}
