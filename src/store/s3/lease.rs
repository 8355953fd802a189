//! The lease of records in S3: one object, written only where it is as it was read.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, Refused};
use super::journal::{fence_off, latest};
use crate::store::clock::{Moment, since_1970};
use crate::store::lease::{Fence, Former, Held, Holder, Lease, LockError, Watch};
use crate::store::thread;

/// What the lock object says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LockObject {
    #[serde(flatten)]
    holder: Holder,
    /// When the lease was last renewed, in milliseconds since 1970 by its holder's clock: for versions that judge by it.
    renewed: u64,
}

/// One of the leases that records have.
pub struct LeaseKind {
    /// Its object.
    key: &'static str,
    /// Whether it keeps a former holder from writing the journal.
    fences: bool,
}

/// The lock of an environment.
pub const LOCK: LeaseKind = LeaseKind { key: "lock", fences: true };
/// The lead among the loops. Who leads takes the lock as well before it changes anything.
pub const LEAD: LeaseKind = LeaseKind { key: "lead", fences: false };

/// What is held: the note that stands in the lock object, and the object's tag. None before it is taken.
type Own = Arc<Mutex<Option<(LockObject, String)>>>;

/// A lease that is held in S3, and renewed until it is dropped.
struct SharedLock {
    fence: Fence,
    bucket: Bucket,
    key: &'static str,
    own: Own,
    /// Ends the renewing when it is dropped.
    _renewing: mpsc::Sender<()>,
}

/// What the thread that renews a lease tells.
#[derive(Clone, Debug)]
struct Renewal {
    /// Somebody else has it.
    lost: Arc<AtomicBool>,
    /// When it was last renewed.
    renewed: Arc<Mutex<Moment>>,
    /// For how long it is good.
    good: Duration,
}

/// Takes the lock, at once or not at all.
///
/// A lock that can't be read is held by somebody for as long as a lease may last since it was written, by S3's clock. Whoever
/// had the journal before is fenced off, so that nobody holds the lock while a former holder can still act.
pub fn take(bucket: &Bucket, of: &LeaseKind, command: &str, lease: Duration) -> Result<Held, LockError> {
    let known = bucket.get(of.key)?;
    let note = known.as_ref().and_then(|found| LockObject::read(&found.text));
    let mut former = None;
    if let Some(found) = &known
        && !note.as_ref().is_some_and(LockObject::is_free)
    {
        former = match (note.clone(), found.age.filter(|unrenewed| *unrenewed > lease)) {
            (Some(note), Some(unrenewed)) => Some(Former::Expired(note.holder, unrenewed)),
            (None, Some(unrenewed)) => Some(Former::Unreadable(Some(unrenewed))),
            (Some(note), None) => return Err(LockError::Held(Some(note.holder))),
            (None, None) => return Err(LockError::Unreadable(lease)),
        };
    }
    let last = match &note {
        Some(note) => {
            if former.is_some() && of.fences {
                fence_off(bucket, note.holder.token)?;
            }
            note.holder.token
        }
        None if !of.fences => 0,
        // Who had it, if anybody had, is known from the journal only.
        None => match latest(bucket)? {
            Some(token) => {
                fence_off(bucket, token)?;
                token
            }
            None => 0,
        },
    };
    let own = Own::default();
    let renewal = Renewal { lost: Arc::default(), renewed: Arc::new(Mutex::new(Moment::now())), good: lease };
    // A holder that can't renew the lease must not take it.
    let renewing = renew(bucket.clone(), of.key, Arc::clone(&own), renewal.clone(), lease / 4)?;
    let note = LockObject { holder: Holder::this_process(command, last), renewed: since_1970() };
    let token = note.holder.token;
    match bucket.put(of.key, &note.text(), known.as_ref().map(|found| found.tag.as_str())) {
        Ok(tag) => *locked(&own) = Some((note, tag)),
        // Somebody was quicker, and holds it now.
        Err(Refused::Moved(now)) => {
            return Err(LockError::Held(now.as_deref().and_then(LockObject::read).map(|note| note.holder)));
        }
        Err(Refused::Failed(error)) => return Err(error.into()),
    }
    let (fence, bucket) = (Fence::new(token, renewal), bucket.clone());
    let lock = SharedLock { fence, bucket, key: of.key, own, _renewing: renewing };
    Ok(Held { lock: Box::new(lock), former, notes: Vec::new() })
}

/// Whether the lock object still names the holder of this token.
pub fn check(bucket: &Bucket, token: u64) -> io::Result<()> {
    let found = bucket.get("lock")?;
    match found.as_ref().map(|found| LockObject::read(&found.text)) {
        Some(Some(note)) if note.holder.token == token => Ok(()),
        Some(Some(note)) => lost(&format!("the lease was lost to {}", note.holder)),
        Some(None) => lost("the lock can't be read any more, so the lease may be lost"),
        None => lost("the lease is gone"),
    }
}

impl LockObject {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text).ok().filter(|note| note.holder.is_sound())
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    const fn is_free(&self) -> bool {
        self.holder.is_nobody()
    }
}

impl Lease for SharedLock {
    fn fence(&self) -> &Fence {
        &self.fence
    }
}

impl Drop for SharedLock {
    fn drop(&mut self) {
        let Some((note, tag)) = locked(&self.own).clone() else { return };
        // The token stays, so that it only grows.
        let note = LockObject { holder: Holder { pid: 0, ..note.holder }, ..note };
        // A later holder has written another tag, so its lock stays.
        let _ = self.bucket.put(self.key, &note.text(), Some(&tag));
    }
}

impl Watch for Renewal {
    /// Whether the lease is still good, as far as can be known without asking anybody. One that was not renewed for so
    /// long that somebody else may have it is not, for example after the machine slept.
    fn check(&self) -> io::Result<()> {
        if self.lost.load(Ordering::Relaxed) {
            return lost("the lease was lost to a later run");
        }
        let unrenewed = locked(&self.renewed).elapsed();
        if unrenewed > self.good {
            return lost(&format!("the lease could not be renewed for {} s", unrenewed.as_secs()));
        }
        Ok(())
    }
}

/// Renews a lease until the sender is dropped.
fn renew(
    bucket: Bucket,
    key: &'static str,
    own: Own,
    renewal: Renewal,
    every: Duration,
) -> Result<mpsc::Sender<()>, LockError> {
    let (sender, ended) = mpsc::channel();
    thread::start("lease", move || {
        while ended.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
            let mut own = locked(&own);
            let Some((note, tag)) = own.as_ref() else { continue };
            let asked = Moment::now();
            let note = LockObject { renewed: since_1970(), ..note.clone() };
            match bucket.put(key, &note.text(), Some(tag)) {
                Ok(tag) => {
                    *locked(&renewal.renewed) = asked;
                    *own = Some((note, tag));
                }
                Err(Refused::Moved(now)) => {
                    // A renewal whose answer was lost is no loss of the lease.
                    let ours = now.as_deref().and_then(LockObject::read).filter(|now| now.holder == note.holder);
                    let tag = bucket.get(key).ok().flatten().map(|found| found.tag);
                    let (Some(note), Some(tag)) = (ours, tag) else {
                        renewal.lost.store(true, Ordering::Relaxed);
                        return;
                    };
                    *locked(&renewal.renewed) = asked;
                    *own = Some((note, tag));
                }
                // A lease that can't be renewed runs out, and then the fence refuses to write.
                Err(Refused::Failed(_)) => {}
            }
        }
    })?;
    Ok(sender)
}

fn lost(why: &str) -> io::Result<()> {
    Err(io::Error::other(format!("{why}, so this run stops")))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
