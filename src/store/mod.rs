//! Where records live: `.atlas/records/<project>/<environment>/` beside the spec, or in S3 where the spec says so.
//!
//! [`Store`] is what a keeper of records can do, [`Disk`] and [`S3`] are the two that keep them, and [`open`] chooses
//! once. Records are a cache and a journal, never the truth: all of them may be deleted at any time, and the next plan is
//! the same.

mod cache;
mod clock;
mod disk;
mod document;
mod folder;
mod history;
mod inventory;
mod journal;
mod keeper;
mod lease;
#[cfg(feature = "aws")]
mod s3;
mod thread;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use cache::CacheFolder;
pub use clock::since_1970;
pub use disk::Disk;
pub use document::Document;
pub use folder::LocalFolder;
pub use history::{Run, RunSummary};
pub use keeper::Store;
pub use lease::{Fence, Former, Held, Holder, Lease, LockError, Watch};
#[cfg(feature = "aws")]
pub use s3::S3;

use crate::desired::{Desired, RecordsUrl};

/// The records of a spec: in S3 where it says so, otherwise beside it. Nothing is read, asked or made yet.
///
/// # Errors
/// When the records are in S3 and this build leaves AWS out.
pub fn open(spec: &Path, desired: &Desired) -> io::Result<Arc<dyn Store>> {
    match &desired.records {
        Some(url) => shared(url, desired),
        None => Ok(Arc::new(Disk::open(LocalFolder::beside(spec), desired))),
    }
}

#[cfg(feature = "aws")]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as without AWS")]
fn shared(url: &RecordsUrl, desired: &Desired) -> io::Result<Arc<dyn Store>> {
    Ok(Arc::new(S3::new(url.clone(), &desired.project, &desired.environment)))
}

#[cfg(not(feature = "aws"))]
fn shared(_: &RecordsUrl, _: &Desired) -> io::Result<Arc<dyn Store>> {
    Err(io::Error::other("this build of Atlas leaves AWS out, and the records are in S3"))
}
