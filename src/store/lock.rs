//! The lock of an environment: a lease that its holder renews, and that nobody has to unlock.
//!
//! The operating system lets go of it when its holder dies. A holder that lives and does not renew it, because it was
//! stopped or its machine slept, loses it after a while to whoever wants it. The file says who holds it, for people,
//! and a token that only grows: a holder that comes back finds a larger one and can't write any more (fencing).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

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
    /// Larger than the token of every holder before.
    #[serde(default)]
    pub token: u64,
}

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody alive holds it.
    #[error("{}", held(.0))]
    Held(Option<Holder>),
    /// Somebody alive was about to take it, and did not get on with it: most likely it was stopped just then.
    #[error("{}", stuck(.0))]
    Stuck(Option<Holder>),
    /// The disk does not let us.
    #[error("the records can't be locked")]
    Disk(#[source] io::Error),
}

/// A lease that is held, and renewed, until this is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    fence: Fence,
    /// Ends the renewing when it is dropped.
    _renewing: mpsc::Sender<()>,
}

/// A lease that is held until it is dropped.
pub trait Lease: Send {
    /// What tells whether it is still held.
    fn fence(&self) -> &Fence;
}

/// Tells whether a lease is still held. Cheap to copy and to ask.
#[derive(Clone, Debug)]
pub struct Fence {
    sign: Sign,
    token: u64,
}

/// By what a lost lease is known.
#[derive(Clone, Debug)]
enum Sign {
    /// The lock's file names another token.
    File(PathBuf),
    /// What the thread that renews the lease tells.
    #[cfg(feature = "aws")]
    Renewal(super::remote::Renewal),
}

/// A lock just taken.
#[derive(Debug)]
pub struct Held<L = Box<dyn Lease>> {
    /// The lock itself.
    pub lock: L,
    /// The holder that it was taken over from, if there was one.
    pub former: Option<Former>,
}

/// A holder that lost its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Former {
    /// It died.
    Dead(Holder),
    /// It lives, and did not renew its lease for this long.
    Silent(Holder, Duration),
}

impl Lock {
    /// Takes the lock, at once or not at all. A lease that was not renewed for `lease` is taken over.
    ///
    /// # Errors
    /// When somebody alive holds it, or the disk does not let us.
    pub fn take(path: &Path, command: &str, lease: Duration) -> Result<Held<Self>, LockError> {
        // Only one process at a time may look and decide; the guard is held for a moment only.
        let _guard = Guard::take(path, command)?;
        let mut file = open(path).map_err(LockError::Disk)?;
        let known = read(&mut file);
        let former = match file.try_lock() {
            Ok(()) => known.clone().filter(|holder| holder.pid != 0).map(Former::Dead),
            Err(TryLockError::Error(error)) => return Err(LockError::Disk(error)),
            Err(TryLockError::WouldBlock) => {
                let silent = silence(&file).filter(|silent| *silent > lease);
                let (Some(holder), Some(silent)) = (known.clone(), silent) else { return Err(LockError::Held(known)) };
                // The silent holder keeps its lock on the old file, which nobody will look at any more.
                std::fs::remove_file(path).map_err(LockError::Disk)?;
                file = open(path).map_err(LockError::Disk)?;
                file.try_lock().map_err(|error| LockError::Disk(error.into()))?;
                Some(Former::Silent(holder, silent))
            }
        };
        let holder = holder(command, known.map_or(0, |holder| holder.token));
        point("lock: before it is taken");
        write(&mut file, &holder).map_err(LockError::Disk)?;
        point("lock: after it was taken");
        let fence = Fence { sign: Sign::File(path.to_owned()), token: holder.token };
        let renewing = renew(file.try_clone().map_err(LockError::Disk)?, lease / 4).map_err(LockError::Disk)?;
        Ok(Held { lock: Self { file, fence, _renewing: renewing }, former })
    }
}

impl Lease for Lock {
    fn fence(&self) -> &Fence {
        &self.fence
    }
}

impl Fence {
    /// A fence that falls when a lease is lost or runs out.
    #[cfg(feature = "aws")]
    pub(super) const fn renewed(renewal: super::remote::Renewal, token: u64) -> Self {
        Self { sign: Sign::Renewal(renewal), token }
    }

    /// The token of the lease.
    #[must_use]
    pub const fn token(&self) -> u64 {
        self.token
    }

    /// Whether the lease is still held.
    ///
    /// # Errors
    /// When somebody else has it, and who.
    pub fn check(&self) -> io::Result<()> {
        let path = match &self.sign {
            Sign::File(path) => path,
            #[cfg(feature = "aws")]
            Sign::Renewal(renewal) => return renewal.check(),
        };
        let holder = File::open(path).ok().and_then(|mut file| read(&mut file));
        match holder {
            Some(holder) if holder.token == self.token => Ok(()),
            Some(holder) => {
                let who = format!("process {} on {}", holder.pid, holder.host);
                Err(io::Error::other(format!("the lease was lost to {who}, so nothing more is done here")))
            }
            None => Err(io::Error::other("the lease is gone, so nothing more is done here")),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        point("lock: before it is let go");
        if self.fence.check().is_ok() {
            // Process 0 is nobody: the last holder ended in good order. The token stays, so that it only grows.
            let nobody = Holder {
                pid: 0,
                host: String::new(),
                command: String::new(),
                since: String::new(),
                token: self.fence.token,
            };
            let _ = write(&mut self.file, &nobody);
        }
        let _ = self.file.unlock();
    }
}

/// Keeps everybody else from taking a lock over, for as long as it lives, which is a moment only.
#[derive(Debug)]
pub(super) struct Guard(File);

impl Guard {
    /// Takes the guard of a lock.
    ///
    /// # Errors
    /// When somebody else keeps it for longer than a moment, or the disk does not let us.
    pub fn take(path: &Path, command: &str) -> Result<Self, LockError> {
        let mut file = open(&path.with_extension("guard")).map_err(LockError::Disk)?;
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            match file.try_lock() {
                Ok(()) => {
                    put(&mut file, &holder(command, 0)).map_err(LockError::Disk)?;
                    return Ok(Self(file));
                }
                Err(TryLockError::Error(error)) => return Err(LockError::Disk(error)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
        Err(LockError::Stuck(read(&mut file)))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody has it from now on. Should that stay unsaid, the next one to have it says its own name first.
        let _ = self.0.set_len(0);
    }
}

/// How long a guard is waited for. Whoever has it does no more than to write a small file to the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a guard is looked at.
const PAUSE: Duration = Duration::from_millis(10);

fn open(path: &Path) -> io::Result<File> {
    super::open_private(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)
}

/// Renews the lease of a file until the sender is dropped.
fn renew(file: File, every: Duration) -> io::Result<mpsc::Sender<()>> {
    let (sender, ended) = mpsc::channel();
    std::thread::Builder::new().name("lease".into()).spawn(move || {
        while ended.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
            // A lease that can't be renewed is lost in time, and the fence notices.
            let _ = file.set_modified(this_moment());
        }
    })?;
    Ok(sender)
}

/// This process as a holder, after one with this token.
pub(super) fn holder(command: &str, last: u64) -> Holder {
    Holder {
        pid: std::process::id(),
        host: host_name(),
        command: command.to_owned(),
        since: super::history::now(),
        token: next_token(last),
    }
}

/// A token larger than the last one, and larger than any before it although the records may have been deleted since:
/// milliseconds since 1970, unless the clock was set back.
fn next_token(last: u64) -> u64 {
    since_1970().max(last.saturating_add(1))
}

/// Milliseconds since 1970.
pub(super) fn since_1970() -> u64 {
    let now = this_moment().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// For how long a lease was not renewed.
fn silence(file: &File) -> Option<Duration> {
    this_moment().duration_since(file.metadata().ok()?.modified().ok()?).ok()
}

#[allow(clippy::disallowed_methods, reason = "a lease is about time, and this is where it is looked at")]
fn this_moment() -> SystemTime {
    SystemTime::now()
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.seek(io::SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(text.trim_end()).ok()
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    put(file, holder)?;
    file.sync_data()
}

fn put(file: &mut File, holder: &Holder) -> io::Result<()> {
    // One write, padded to one length, so that no reader sees half of it.
    let text = format!("{:<500}\n", serde_json::to_string(holder)?);
    file.seek(io::SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

fn held(holder: &Option<Holder>) -> String {
    match holder {
        Some(holder) if holder.pid != 0 => {
            let Holder { command, since, pid, host, .. } = holder;
            format!("`{command}` is running since {since}: process {pid} on {host}")
        }
        _ => "another Atlas is running here".into(),
    }
}

fn stuck(holder: &Option<Holder>) -> String {
    let who = match holder {
        Some(Holder { command, pid, host, .. }) => format!("`{command}`, process {pid} on {host},"),
        None => "another Atlas".into(),
    };
    format!("{who} was about to begin and does not get on with it")
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this machine".into(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Former, Lease as _, Lock, LockError};

    const LEASE: Duration = Duration::from_secs(60);

    #[test]
    fn one_holder_at_a_time_and_its_name_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = Lock::take(&path, "atlas apply", LEASE).expect("free");
        assert!(held.former.is_none());
        match Lock::take(&path, "atlas apply", LEASE) {
            Err(LockError::Held(Some(holder))) => assert_eq!(holder.pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        let first = held.lock.fence().token();
        drop(held);
        let again = Lock::take(&path, "atlas apply", LEASE).expect("free again");
        assert!(again.former.is_none());
        assert!(again.lock.fence().token() > first);
    }

    #[test]
    fn who_stands_still_with_the_guard_is_named_and_holds_nobody_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let guard = super::Guard::take(&path, "atlas destroy").expect("free");
        match Lock::take(&path, "atlas apply", LEASE) {
            Err(error @ LockError::Stuck(Some(_))) => {
                let who = format!("`atlas destroy`, process {} on ", std::process::id());
                assert!(error.to_string().starts_with(&who), "{error}");
            }
            other => panic!("{other:?}"),
        }
        drop(guard);
        Lock::take(&path, "atlas apply", LEASE).expect("free again");
    }

    #[test]
    fn a_dead_holder_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let text = r#"{"pid":1,"host":"elsewhere","command":"atlas apply","since":"2026-01-01T00:00:00Z"}"#;
        std::fs::write(&path, text).expect("written");
        let held = Lock::take(&path, "atlas apply", LEASE).expect("its holder is dead");
        assert!(matches!(held.former, Some(Former::Dead(holder)) if holder.host == "elsewhere"));
    }

    #[test]
    fn a_silent_holder_loses_its_lease_and_is_fenced_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let slow = Lock::take(&path, "atlas apply", LEASE).expect("free").lock;
        assert!(slow.fence().check().is_ok());
        let past = std::time::UNIX_EPOCH + Duration::from_secs(1);
        slow.file.set_modified(past).expect("set");
        let quick = Lock::take(&path, "atlas apply", LEASE).expect("the lease ran out");
        assert!(matches!(quick.former, Some(Former::Silent(..))));
        let lost = slow.fence().check().expect_err("it was lost");
        assert!(lost.to_string().contains("the lease was lost to process"), "{lost}");
        drop(slow);
        assert!(quick.lock.fence().check().is_ok(), "a late holder that ends takes nothing along");
    }
}
