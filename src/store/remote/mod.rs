//! Records in S3, so that a team and its CI share one lock: `[project] records = "s3://bucket/prefix"`.
//!
//! Everything rests on conditional writes. The lock is one object, written only where it is as it was read
//! (`If-None-Match`, `If-Match`). The journal is a row of objects, each written only where there is none: whoever takes a
//! lease over first writes the object that its silent holder would have written next, an empty one that stays, so that the
//! former holder can't write down any intent after that, and so can't act. Whose clock is right does not matter for that;
//! the clocks of two machines decide only about when a silent holder counts as gone.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

mod bucket;
mod journal;
mod lease;

use std::io;
use std::time::Duration;

use bucket::Bucket;
pub(super) use lease::Renewal;

use super::journal::Sink;
use super::lock::{Held, Lease, LockError, since_1970};
use crate::desired::RecordsUrl;

/// Records in a bucket.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    url: RecordsUrl,
    /// What stands before every key: the prefix, the project and the environment.
    prefix: String,
}

impl Remote {
    pub fn new(url: RecordsUrl, project: &str, environment: &str) -> Self {
        let parts = [url.prefix.as_str(), project, environment];
        let prefix = parts.iter().filter(|part| !part.is_empty()).map(|part| format!("{part}/")).collect();
        Self { url, prefix }
    }

    fn bucket(&self) -> Bucket {
        Bucket::new(&self.url, &self.prefix)
    }

    /// Takes the lock, at once or not at all.
    pub fn lock(&self, command: &str, lease: Duration) -> Result<Held<Box<dyn Lease>>, LockError> {
        lease::take(self.bucket(), command, lease)
    }

    /// The text of the journal of the last holder.
    pub fn journal(&self) -> io::Result<Vec<u8>> {
        journal::read(&self.bucket())
    }

    /// Begins the journal of a holder with what is carried over.
    pub fn begin(&self, token: u64, text: &str, damaged: bool) -> io::Result<Box<dyn Sink>> {
        let bucket = self.bucket();
        lease::check(&bucket, token)?;
        journal::begin(bucket, token, text, damaged)
    }

    /// The text of the inventory.
    pub fn inventory(&self) -> io::Result<String> {
        Ok(self.bucket().get("inventory.txt")?.map(|(text, _)| text).unwrap_or_default())
    }

    /// Writes the text of the inventory.
    pub fn keep(&self, text: &str) -> io::Result<()> {
        let bucket = self.bucket();
        let tag = bucket.get("inventory.txt")?.map(|(_, tag)| tag);
        bucket.put("inventory.txt", text, tag.as_deref())?;
        Ok(())
    }

    /// Adds the line of a finished run to the history.
    pub fn remember(&self, began: &str, line: &str) -> io::Result<()> {
        let key = format!("history/{began}-{:020}.json", since_1970());
        match self.bucket().put(&key, line, None) {
            Ok(_) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    /// The lines of the runs before, the oldest first.
    pub fn history(&self) -> io::Result<Vec<String>> {
        let bucket = self.bucket();
        let keys = bucket.list("history/")?;
        keys.iter().map(|(key, _)| Ok(bucket.get(key)?.map(|(text, _)| text).unwrap_or_default())).collect()
    }
}
