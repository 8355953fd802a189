//! The lease of records in S3: one object, written only where it is as it was read.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, Refused};
use super::journal::fence_off;
use crate::store::lock::{Fence, Former, Held, Holder, Lease, LockError, holder, since_1970};

/// What the lock object says.
#[derive(Clone, Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    holder: Holder,
    /// When the lease was last renewed, in milliseconds since 1970.
    renewed: u64,
}

/// A lease that is held in S3, and renewed until it is dropped.
struct RemoteLock {
    fence: Fence,
    bucket: Bucket,
    held: Arc<Mutex<(Note, String)>>,
    /// Ends the renewing when it is dropped.
    _renewing: mpsc::Sender<()>,
}

/// What the thread that renews a lease tells.
#[derive(Clone, Debug, Default)]
pub struct Renewal {
    /// Somebody else has it.
    pub lost: Arc<AtomicBool>,
    /// When it was last renewed, in milliseconds since 1970.
    pub renewed: Arc<AtomicU64>,
    /// For how many milliseconds it is good.
    pub good: u64,
}

/// Takes the lock, at once or not at all.
pub fn take(bucket: Bucket, command: &str, lease: Duration) -> Result<Held<Box<dyn Lease>>, LockError> {
    let known = bucket.get("lock").map_err(LockError::Disk)?;
    let known = known.map(|(text, tag)| (serde_json::from_str::<Note>(&text).ok(), tag));
    let before = known.as_ref().and_then(|(note, _)| note.clone());
    let last = before.as_ref().map_or(0, |note| note.holder.token);
    let mut former = None;
    if let Some(note) = before.filter(|note| note.holder.pid != 0) {
        let silent = Duration::from_millis(since_1970().saturating_sub(note.renewed));
        if silent <= lease {
            return Err(LockError::Held(Some(note.holder)));
        }
        // First of all it is fenced off, so that nobody holds the lock while a former holder can still act.
        fence_off(&bucket, last).map_err(LockError::Disk)?;
        former = Some(Former::Silent(note.holder, silent));
    }
    let note = Note { holder: holder(command, last), renewed: since_1970() };
    let token = note.holder.token;
    let tag = match bucket.put("lock", &text(&note), known.as_ref().map(|(_, tag)| tag.as_str())) {
        Ok(tag) => tag,
        // Somebody was quicker, and holds it now.
        Err(Refused::Moved(now)) => {
            let now = now.and_then(|text| serde_json::from_str::<Note>(&text).ok());
            return Err(LockError::Held(now.map(|note| note.holder)));
        }
        Err(Refused::Failed(error)) => return Err(LockError::Disk(error)),
    };
    let good = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
    let renewal = Renewal { renewed: Arc::new(AtomicU64::new(note.renewed)), good, ..Renewal::default() };
    let held = Arc::new(Mutex::new((note, tag)));
    let renewing = renew(bucket.clone(), Arc::clone(&held), renewal.clone(), lease / 4).map_err(LockError::Disk)?;
    let fence = Fence::renewed(renewal, token);
    Ok(Held { lock: Box::new(RemoteLock { fence, bucket, held, _renewing: renewing }), former })
}

/// Whether the lock object still names the holder of this token.
pub fn check(bucket: &Bucket, token: u64) -> io::Result<()> {
    let note = bucket.get("lock")?.and_then(|(text, _)| serde_json::from_str::<Note>(&text).ok());
    match note {
        Some(note) if note.holder.token == token => Ok(()),
        Some(Note { holder: Holder { pid, host, .. }, .. }) => {
            Err(io::Error::other(format!("the lease was lost to process {pid} on {host}, so nothing is done here")))
        }
        None => Err(io::Error::other("the lease is gone, so nothing is done here")),
    }
}

impl Lease for RemoteLock {
    fn fence(&self) -> &Fence {
        &self.fence
    }
}

impl Drop for RemoteLock {
    fn drop(&mut self) {
        let (note, tag) = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Process 0 is nobody: the last holder ended in good order. The token stays, so that it only grows.
        let holder = Holder { pid: 0, ..note.holder };
        // Whoever took the lease over has another tag, and keeps it.
        let _ = self.bucket.put("lock", &text(&Note { holder, ..note }), Some(&tag));
    }
}

impl Renewal {
    /// Whether the lease is still good, as far as can be known without asking anybody.
    ///
    /// # Errors
    /// When it is lost, or could not be renewed for so long that somebody else may have it: a machine that slept wakes up
    /// like that.
    pub fn check(&self) -> io::Result<()> {
        if self.lost.load(Ordering::Relaxed) {
            return Err(io::Error::other("the lease was lost to a later run, so nothing more is done here"));
        }
        let silent = since_1970().saturating_sub(self.renewed.load(Ordering::Relaxed));
        if silent > self.good {
            let seconds = silent / 1_000;
            return Err(io::Error::other(format!(
                "the lease could not be renewed for {seconds} s, so nothing is done"
            )));
        }
        Ok(())
    }
}

/// Renews a lease until the sender is dropped.
fn renew(
    bucket: Bucket,
    held: Arc<Mutex<(Note, String)>>,
    renewal: Renewal,
    every: Duration,
) -> io::Result<mpsc::Sender<()>> {
    let (sender, ended) = mpsc::channel();
    std::thread::Builder::new().name("lease".into()).spawn(move || {
        while ended.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let note = Note { renewed: since_1970(), ..held.0.clone() };
            match bucket.put("lock", &text(&note), Some(&held.1)) {
                Ok(tag) => {
                    renewal.renewed.store(note.renewed, Ordering::Relaxed);
                    *held = (note, tag);
                }
                Err(Refused::Moved(now)) => {
                    // A renewal whose answer was lost is no loss of the lease.
                    let ours = now.and_then(|text| serde_json::from_str::<Note>(&text).ok());
                    let ours = ours.filter(|now| now.holder == held.0.holder);
                    let tag = bucket.get("lock").ok().flatten().map(|(_, tag)| tag);
                    if let (Some(note), Some(tag)) = (ours, tag) {
                        renewal.renewed.store(note.renewed, Ordering::Relaxed);
                        *held = (note, tag);
                        continue;
                    }
                    renewal.lost.store(true, Ordering::Relaxed);
                    return;
                }
                // A lease that can't be renewed runs out, and then the fence falls.
                Err(Refused::Failed(_)) => {}
            }
        }
    })?;
    Ok(sender)
}

fn text(note: &Note) -> String {
    serde_json::to_string(note).unwrap_or_default()
}
