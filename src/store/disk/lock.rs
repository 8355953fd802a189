//! The lock of an environment on disk: a lease that its holder renews, and that nobody has to unlock.
//!
//! The operating system lets go of it when its holder dies. A holder that lives and does not renew it, because it was
//! stopped or its machine slept, loses it after a while to whoever wants it. The file says who holds it, for people,
//! and a token that only grows: a holder that comes back finds a larger one and can't write any more (fencing). What the
//! file says decides nothing: where it can't be read, the operating system still knows whether somebody holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use super::guard::Guard;
use super::lock_file::{self, LockFile};
use crate::crash::point;
use crate::mutation::{Mutation, broken};
use crate::store::clock::this_moment;
use crate::store::folder::{at, open, open_known};
use crate::store::lease::{Fence, Former, Held, Holder, Lease, LockError, Watch};
use crate::store::thread;

/// A lease that is held, and renewed, until this is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    fence: Fence,
    /// Another lock that is held for as long as this one.
    also: Option<Box<Self>>,
    /// Ends the renewing when it is dropped.
    _renewing: mpsc::Sender<()>,
}

/// The file of a lock, and the token that it has to name.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    token: u64,
}

impl Lock {
    /// Takes the lock, at once or not at all. A lease that was not renewed for `lease` is taken over. Its token is larger
    /// than `last`, and larger than any that this lock had.
    ///
    /// # Errors
    /// When somebody alive holds it, or the disk fails.
    pub fn take(path: &Path, command: &str, lease: Duration, last: u64) -> Result<Held<Self>, LockError> {
        // Only one process at a time may look and decide; the guard is held for a moment only.
        let mut guard = Guard::take(path, command)?;
        let mut file = open_lock(path)?;
        let known = lock_file::read(&mut file).map_err(at(path))?;
        let last = last.max(guard.token).max(known.token()).max(written(&file, &known));
        let former = match file.try_lock() {
            Ok(()) => match known {
                LockFile::Holder(holder) => Some(holder).filter(|holder| !holder.is_nobody()).map(Former::Dead),
                LockFile::Unreadable(_) => Some(Former::Unreadable(None)),
                LockFile::Empty => None,
            },
            Err(TryLockError::Error(error)) => return Err(at(path)(error).into()),
            Err(TryLockError::WouldBlock) => {
                let gone = matches!(known, LockFile::Unreadable(_)) && broken(Mutation::TakeAnUnreadableLock);
                let unrenewed = unrenewed_for(&file).filter(|unrenewed| *unrenewed > lease || gone);
                let Some(unrenewed) = unrenewed else { return Err(LockError::Held(known.holder())) };
                // The former holder keeps its lock on the old file, which nobody will look at any more.
                std::fs::remove_file(path).map_err(at(path))?;
                file = open_lock(path)?;
                file.try_lock().map_err(|error| at(path)(error.into()))?;
                Some(match known {
                    LockFile::Holder(holder) => Former::Expired(holder, unrenewed),
                    _ => Former::Unreadable(Some(unrenewed)),
                })
            }
        };
        let holder = Holder::this_process(command, last);
        // A holder that can't renew the lease must not take it.
        let renewing = renew(file.try_clone().map_err(at(path))?, lease / 4)?;
        point("lock: before it is taken");
        write(&mut file, &holder).map_err(at(path))?;
        guard.token = holder.token;
        point("lock: after it was taken");
        let fence = Fence::new(holder.token, Watched { path: path.to_owned(), token: holder.token });
        let lock = Self { file, fence, also: None, _renewing: renewing };
        Ok(Held { lock, former, notes: Vec::new() })
    }

    /// The same lock, with another one that is held for as long.
    pub fn with(mut self, other: Self) -> Self {
        self.fence = self.fence.clone().and(&other.fence);
        self.also = Some(Box::new(other));
        self
    }
}

impl Lease for Lock {
    fn fence(&self) -> &Fence {
        &self.fence
    }
}

impl Watch for Watched {
    fn check(&self) -> io::Result<()> {
        let lost = |why: String| Err(io::Error::other(format!("{why}, so this run stops")));
        let known = match open_known(&self.path) {
            Ok(Some(mut file)) => lock_file::read(&mut file).unwrap_or(LockFile::Empty),
            _ => LockFile::Empty,
        };
        match known {
            LockFile::Holder(holder) if holder.token == self.token => Ok(()),
            LockFile::Holder(holder) => lost(format!("the lease was lost to {holder}")),
            LockFile::Unreadable(_) => lost("the lock can't be read any more, so the lease may be lost".into()),
            LockFile::Empty => lost("the lease is gone".into()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        point("lock: before it is let go");
        if self.fence.check().is_ok() {
            // The token stays, so that it only grows.
            let _ = write(&mut self.file, &Holder::nobody(self.fence.token()));
        }
        let _ = self.file.unlock();
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)
}

/// Renews the lease of a file until the sender is dropped.
fn renew(file: File, every: Duration) -> Result<mpsc::Sender<()>, LockError> {
    let (sender, ended) = mpsc::channel();
    thread::start("lease", move || {
        while ended.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
            // A lease that can't be renewed is lost in time, and the fence notices.
            let _ = file.set_modified(this_moment());
        }
    })?;
    Ok(sender)
}

/// For how long a lease was not renewed; none when it was renewed just now, or nobody can tell.
fn unrenewed_for(file: &File) -> Option<Duration> {
    let now = this_moment();
    match now.duration_since(file.metadata().ok()?.modified().ok()?) {
        Ok(unrenewed) => Some(unrenewed),
        Err(ahead) => {
            // The file's time is in the future, so a clock was wrong. The lease counts from now on; a holder that lives
            // renews it soon.
            if ahead.duration() > Duration::from_secs(1) {
                let _ = file.set_modified(now);
            }
            None
        }
    }
}

/// When an unreadable lock was written, as a token: its holder's was no larger.
fn written(file: &File, known: &LockFile) -> u64 {
    if !matches!(known, LockFile::Unreadable(_)) {
        return 0;
    }
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    let since = modified.ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
    let token = u64::try_from(since.as_millis()).unwrap_or_default();
    if Holder::nobody(token).is_sound() { token } else { 0 }
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    lock_file::put(file, holder)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Former, Guard, Lease as _, Lock, LockError, this_moment};

    const LEASE: Duration = Duration::from_secs(60);

    /// What somebody or something else may have put where a note belongs.
    const GARBAGE: [&[u8]; 7] = [
        b"",
        b"\xff\xfe\x00 no text",
        &[0; 501],
        b"{\"pid\":1,\"host\":\"h",
        b"{\"intent\":[]}\n",
        b"[]",
        b"{\"pid\":1,\"host\":\"h\",\"command\":\"c\",\"since\":\"s\",\"token\":18446744073709551615}",
    ];

    fn take(path: &std::path::Path) -> Result<super::Held<Lock>, LockError> {
        Lock::take(path, "atlas apply", LEASE, 0)
    }

    #[test]
    fn a_lock_that_can_not_be_read_is_held_while_its_holder_lives() {
        for garbage in GARBAGE {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("lock");
            let first = take(&path).expect("free");
            std::fs::write(&path, garbage).expect("written");
            assert!(matches!(take(&path), Err(LockError::Held(None))), "{garbage:?}");
            // The holder does nothing more, because it can't tell whether it still holds the lock.
            first.lock.fence().check().expect_err("nobody can say");
            // The operating system knows when it is gone.
            let token = first.lock.fence().token();
            drop(first);
            let next = take(&path).expect("its holder is gone");
            assert_eq!(next.former.is_some(), !garbage.is_empty(), "{garbage:?}");
            assert!(next.lock.fence().token() > token, "{garbage:?}");
            next.lock.fence().check().expect("it is held");
        }
    }

    #[test]
    fn an_unreadable_lock_that_is_not_renewed_is_taken_over_in_time() {
        for garbage in GARBAGE {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("lock");
            let slow = take(&path).expect("free").lock;
            std::fs::write(&path, garbage).expect("written");
            slow.file.set_modified(this_moment() - LEASE - Duration::from_secs(1)).expect("set");
            let quick = take(&path).expect("the lease ran out");
            assert!(matches!(quick.former, Some(Former::Unreadable(Some(_)))), "{quick:?}");
            slow.fence().check().expect_err("it was lost");
        }
    }

    #[test]
    fn a_token_never_goes_backwards_whatever_stands_in_the_lock() {
        for garbage in GARBAGE {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("lock");
            // A clock that was a year ahead, and was set right since.
            let ahead = crate::store::clock::since_1970() + 365 * 86_400_000;
            let first = Lock::take(&path, "atlas apply", LEASE, ahead).expect("free").lock.fence().token();
            assert!(first > ahead);
            std::fs::write(&path, garbage).expect("written");
            let next = take(&path).expect("free").lock.fence().token();
            assert!(next > first, "{garbage:?}");
            std::fs::remove_file(&path).expect("removed");
            assert!(take(&path).expect("free").lock.fence().token() > next);
        }
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_no_lock_longer_than_a_lease() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let slow = take(&path).expect("free").lock;
        slow.file.set_modified(this_moment() + Duration::from_secs(86_400)).expect("set");
        assert!(matches!(take(&path), Err(LockError::Held(Some(_)))));
        let renewed = slow.file.metadata().and_then(|metadata| metadata.modified()).expect("known");
        assert!(renewed <= this_moment(), "the lease counts from that look on");
        slow.file.set_modified(renewed - LEASE - Duration::from_secs(1)).expect("set");
        assert!(matches!(take(&path).expect("it ran out").former, Some(Former::Expired(..))));
    }

    #[test]
    fn what_stands_in_the_way_of_a_lock_is_said_with_its_path() {
        for name in ["lock", "lock.guard"] {
            let folder = tempfile::tempdir().expect("a folder");
            let (path, other) = (folder.path().join("lock"), folder.path().join("other"));
            let wrong = folder.path().join(name);
            std::fs::create_dir(&wrong).expect("made");
            let said = |error: LockError| std::error::Error::source(&error).expect("a reason").to_string();
            let error = said(take(&path).expect_err("a folder is in the way"));
            assert!(error.contains(&wrong.display().to_string()) && error.contains("a folder is where"), "{error}");
            std::fs::remove_dir(&wrong).expect("removed");
            #[cfg(unix)]
            for target in ["other", "nothing"] {
                std::fs::write(&other, "mine").expect("written");
                std::os::unix::fs::symlink(folder.path().join(target), &wrong).expect("linked");
                let error = said(take(&path).expect_err("a link is in the way"));
                assert!(error.contains(&wrong.display().to_string()) && error.contains("it is a link"), "{error}");
                assert_eq!(std::fs::read_to_string(&other).expect("there"), "mine");
                assert!(!folder.path().join("nothing").exists(), "nothing is made behind the link");
                std::fs::remove_file(&wrong).expect("removed");
            }
            take(&path).expect("free");
        }
    }

    #[test]
    fn one_holder_at_a_time_and_its_name_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = take(&path).expect("free");
        assert!(held.former.is_none());
        match take(&path) {
            Err(LockError::Held(Some(holder))) => assert_eq!(holder.pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        let first = held.lock.fence().token();
        drop(held);
        let again = take(&path).expect("free again");
        assert!(again.former.is_none());
        assert!(again.lock.fence().token() > first);
    }

    #[test]
    fn a_stopped_holder_of_the_guard_is_named_and_blocks_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let guard = Guard::take(&path, "atlas destroy").expect("free");
        match take(&path) {
            Err(error @ LockError::Stuck(Some(_))) => {
                let who = format!("`atlas destroy`, process {} on ", std::process::id());
                assert!(error.to_string().starts_with(&who), "{error}");
            }
            other => panic!("{other:?}"),
        }
        drop(guard);
        take(&path).expect("free again");
    }

    #[test]
    fn a_dead_holder_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let text = r#"{"pid":1,"host":"elsewhere","command":"atlas apply","since":"2026-01-01T00:00:00Z"}"#;
        std::fs::write(&path, text).expect("written");
        let held = take(&path).expect("its holder is dead");
        assert!(matches!(held.former, Some(Former::Dead(holder)) if holder.host == "elsewhere"));
    }

    #[test]
    fn a_holder_that_does_not_renew_loses_its_lease_and_is_fenced_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let slow = take(&path).expect("free").lock;
        assert!(slow.fence().check().is_ok());
        let past = std::time::UNIX_EPOCH + Duration::from_secs(1);
        slow.file.set_modified(past).expect("set");
        let quick = take(&path).expect("the lease ran out");
        assert!(matches!(quick.former, Some(Former::Expired(..))));
        let lost = slow.fence().check().expect_err("it was lost");
        assert!(lost.to_string().contains("the lease was lost to process"), "{lost}");
        drop(slow);
        assert!(quick.lock.fence().check().is_ok(), "a late holder that ends takes nothing along");
    }
}
