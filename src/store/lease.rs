//! Leases: who holds the records, why they can't be had, and how a holder that lost them is kept from writing.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock;
use crate::style::harmless;

/// No token is larger. Tokens are milliseconds since 1970 or little more, so that a larger number is garbage.
const LARGEST: u64 = 1 << 53;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process. Process 0 is nobody: the last holder ended in good order.
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

/// Why the records can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody alive holds them.
    #[error("{}", held(.0))]
    Held(Option<Holder>),
    /// The lock can't be read. Somebody may hold it for as long as this since it was last written.
    #[error("the lock can't be read, so somebody may hold it; it is free once nobody has renewed it for {} s", .0.as_secs())]
    Unreadable(Duration),
    /// Somebody alive was about to take them, and did not get on with it: most likely it was stopped just then.
    #[error("{}", stuck(.0))]
    Stuck(Option<Holder>),
    /// The disk or the network fails.
    #[error("the records can't be used")]
    Disk(#[from] io::Error),
    /// The system gives no thread, and a lease can't be renewed without one.
    #[error("no thread can be started: the system's limit of threads or of memory is reached")]
    Thread(#[source] io::Error),
}

/// A lock just taken.
pub struct Held<L = Box<dyn Lease>> {
    /// The lock itself.
    pub lock: L,
    /// The holder that it was taken over from, if there was one.
    pub former: Option<Former>,
    /// What else is worth saying, in whole sentences.
    pub notes: Vec<String>,
}

/// A holder that lost its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Former {
    /// It died.
    Dead(Holder),
    /// It lives, and did not renew its lease for this long.
    Expired(Holder, Duration),
    /// Its lock could not be read. No process holds it, or it was not renewed for this long.
    Unreadable(Option<Duration>),
}

/// A lease that is held until it is dropped.
pub trait Lease: Send {
    /// What tells whether it is still held.
    fn fence(&self) -> &Fence;
}

/// Looks whether a lease is still held.
pub trait Watch: fmt::Debug + Send + Sync {
    /// Whether it is.
    ///
    /// # Errors
    /// When it is not, and who has it.
    fn check(&self) -> io::Result<()>;
}

/// Tells whether a lease is still held. Cheap to copy and to ask.
#[derive(Clone, Debug)]
pub struct Fence {
    token: u64,
    watches: Vec<Arc<dyn Watch>>,
}

impl Holder {
    /// This process, after a holder with this token.
    pub(super) fn this_process(command: &str, last: u64) -> Self {
        Self {
            pid: std::process::id(),
            host: host_name(),
            command: command.to_owned(),
            since: clock::now(),
            token: next_token(last),
        }
    }

    /// Nobody, after a holder with this token.
    pub(super) fn nobody(token: u64) -> Self {
        Self { pid: 0, host: String::new(), command: String::new(), since: String::new(), token }
    }

    /// Whether this is nobody.
    #[must_use]
    pub const fn is_nobody(&self) -> bool {
        self.pid == 0
    }

    /// Whether a holder's token can be one. With a larger one nobody could come after it.
    pub(super) const fn is_sound(&self) -> bool {
        self.token < LARGEST
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, harmless(&self.host))
    }
}

impl fmt::Display for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dead(holder) => write!(f, "Took over the lock of {holder}, which died while it ran."),
            Self::Expired(holder, unrenewed) => {
                let seconds = unrenewed.as_secs();
                write!(f, "Took over the lease of {holder}, which was silent for {seconds} s. It can't write any more.")
            }
            Self::Unreadable(None) => f.write_str("Took over a lock that could not be read: no process holds it."),
            Self::Unreadable(Some(unrenewed)) => {
                let seconds = unrenewed.as_secs();
                write!(f, "Took over a lock that could not be read: nobody renewed it for {seconds} s.")
            }
        }
    }
}

impl LockError {
    /// Whether somebody else is at work, or may be; otherwise the problem is the disk, the network or the system.
    #[must_use]
    pub const fn is_somebody(&self) -> bool {
        matches!(self, Self::Held(_) | Self::Unreadable(_) | Self::Stuck(_))
    }
}

impl<L> fmt::Debug for Held<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("former", &self.former).field("notes", &self.notes).finish_non_exhaustive()
    }
}

impl Fence {
    /// The fence of a lease with this token.
    #[must_use]
    pub fn new(token: u64, watch: impl Watch + 'static) -> Self {
        Self { token, watches: vec![Arc::new(watch)] }
    }

    /// A fence that also refuses when another one does.
    #[must_use]
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.watches.extend(other.watches.iter().cloned());
        self
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
        self.watches.iter().try_for_each(|watch| watch.check())
    }
}

/// A token larger than the last one, and larger than any before it although the records may have been deleted since:
/// milliseconds since 1970, unless the clock was set back.
fn next_token(last: u64) -> u64 {
    clock::since_1970().max(last.saturating_add(1))
}

fn held(holder: &Option<Holder>) -> String {
    match holder {
        Some(holder) if !holder.is_nobody() => {
            let (command, since) = (harmless(&holder.command), harmless(&holder.since));
            format!("`{command}` is running since {since}: {holder}")
        }
        _ => "another Atlas is running here".into(),
    }
}

fn stuck(holder: &Option<Holder>) -> String {
    let who = match holder {
        Some(holder) if !holder.is_nobody() => format!("`{}`, {holder},", harmless(&holder.command)),
        _ => "another Atlas".into(),
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

    use super::{Former, Holder, LockError};

    #[test]
    fn nothing_that_a_record_says_reaches_the_terminal_raw() {
        let evil = "\u{1b}]0;gone\u{7}\u{1b}[2J\r\u{202e}x";
        let holder = Holder { pid: 7, host: evil.into(), command: evil.into(), since: evil.into(), token: 1 };
        let said = [
            LockError::Held(Some(holder.clone())).to_string(),
            LockError::Stuck(Some(holder.clone())).to_string(),
            Former::Dead(holder.clone()).to_string(),
            Former::Expired(holder, Duration::from_secs(3)).to_string(),
        ];
        for text in said {
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
            assert!(text.contains("\\u{1b}"), "what was there can still be told: {text}");
        }
    }
}
