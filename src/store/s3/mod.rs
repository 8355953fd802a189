//! Records in S3, so that a team and its CI share one lock: `[project] records = "s3://bucket/prefix"`.
//!
//! Everything rests on conditional writes. The lock is one object, written only where it is as it was read
//! (`If-None-Match`, `If-Match`). The journal is a row of objects, each written only where there is none: whoever takes a
//! lease over first writes the object that its former holder would have written next, an empty one that stays, so that the
//! former holder can't write down any intent after that, and so can't act. When a holder that renews nothing counts as gone is for S3's
//! own clock to say; no machine's clock matters.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

mod bucket;
mod journal;
mod lease;
mod time;

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bucket::{Bucket, Refused};

use super::clock::since_1970;
use super::document::{Document, KEPT_PLANS, PLANS};
use super::history::{Run, RunSummary};
use super::journal::RunJournal;
use super::journal::line::{opening, recover};
use super::keeper::Store;
use super::lease::{Fence, Held, LockError};
use super::{history, inventory};
use crate::desired::RecordsUrl;
use crate::execute::Journal;
use crate::recorded::{Inventory, Recorded};

/// Records in a bucket. It is connected to when it is asked for the first time, by a task of a runtime with several threads.
#[derive(Debug)]
pub struct S3 {
    url: RecordsUrl,
    /// What stands before every key: the prefix, the project and the environment.
    prefix: String,
    bucket: OnceLock<Bucket>,
}

impl S3 {
    /// Removes the oldest plans beyond as many as are kept. Keys do not tell their age, so that any go first; those are few.
    fn prune_plans(&self) -> io::Result<()> {
        let bucket = self.bucket()?;
        let all = bucket.list(PLANS)?;
        let surplus = all.len().saturating_sub(KEPT_PLANS);
        all.iter().take(surplus).try_for_each(|(key, _)| bucket.remove(key))
    }

    /// The records of a project in an environment.
    #[must_use]
    pub fn new(url: RecordsUrl, project: &str, environment: &str) -> Self {
        let parts = [url.prefix.as_str(), project, environment];
        let prefix = parts.iter().filter(|part| !part.is_empty()).map(|part| format!("{part}/")).collect();
        Self { url, prefix, bucket: OnceLock::new() }
    }

    fn bucket(&self) -> io::Result<&Bucket> {
        if let Some(bucket) = self.bucket.get() {
            return Ok(bucket);
        }
        let bucket = Bucket::connect(&self.url, &self.prefix)?;
        Ok(self.bucket.get_or_init(|| bucket))
    }
}

impl Store for S3 {
    fn lock(&self, command: &str, lease: Duration) -> Result<Held, LockError> {
        lease::take(self.bucket()?, &lease::LOCK, command, lease)
    }

    fn lead(&self, command: &str, lease: Duration) -> Result<Held, LockError> {
        lease::take(self.bucket()?, &lease::LEAD, command, lease)
    }

    fn document(&self, document: &Document) -> io::Result<Option<String>> {
        Ok(self.bucket()?.get(&document.name())?.map(|found| found.text).filter(|text| !text.is_empty()))
    }

    fn keep_document(&self, document: &Document, text: &str) -> io::Result<()> {
        self.change_document(document, &mut |_| Some(text.to_owned()))?;
        if matches!(document, Document::Plan(_)) {
            self.prune_plans()?;
        }
        Ok(())
    }

    fn change_document(
        &self,
        document: &Document,
        edit: &mut dyn FnMut(Option<&str>) -> Option<String>,
    ) -> io::Result<()> {
        const ATTEMPTS: usize = 10;
        let (bucket, name) = (self.bucket()?, document.name());
        for _ in 0..ATTEMPTS {
            let found = bucket.get(&name)?;
            let Some(text) = edit(found.as_ref().map(|found| found.text.as_str()).filter(|text| !text.is_empty()))
            else {
                // An empty one is as good as none, and nobody who writes it just now is overlooked.
                match found {
                    None => return Ok(()),
                    Some(found) if found.text.is_empty() => return Ok(()),
                    Some(found) => match bucket.put(&name, "", Some(&found.tag)) {
                        Ok(_) => return Ok(()),
                        Err(Refused::Moved(_)) => continue,
                        Err(refused) => return Err(refused.into()),
                    },
                }
            };
            match bucket.put(&name, &text, found.as_ref().map(|found| found.tag.as_str())) {
                Ok(_) => return Ok(()),
                Err(Refused::Moved(_)) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(io::Error::other(format!("`{name}` is changed by others all the time")))
    }

    fn recorded(&self) -> io::Result<Recorded> {
        Ok(recover(&journal::read(self.bucket()?)?))
    }

    fn aside(&self) -> String {
        format!("s3://{}/{}journal-damaged/", self.url.bucket, self.prefix)
    }

    fn journal(&self, run: &Run, open: &Recorded, fence: Fence) -> Result<Arc<dyn Journal>, LockError> {
        let text = opening(run, open)?;
        let bucket = self.bucket()?;
        lease::check(bucket, fence.token())?;
        let sink = journal::begin(bucket.clone(), fence.token(), &text, open.damage.lines > 0)?;
        Ok(Arc::new(RunJournal::over(sink, open, fence)?))
    }

    fn inventory(&self) -> io::Result<Inventory> {
        let found = self.bucket()?.get("inventory.txt")?;
        Ok(found.map(|found| inventory::parse(&found.text)).unwrap_or_default())
    }

    fn keep(&self, inventory: &Inventory) -> io::Result<()> {
        let bucket = self.bucket()?;
        let tag = bucket.get("inventory.txt")?.map(|found| found.tag);
        bucket.put("inventory.txt", &inventory::text(inventory), tag.as_deref())?;
        Ok(())
    }

    fn remember(&self, summary: &RunSummary) -> io::Result<()> {
        let key = format!("history/{}-{:020}.json", summary.run.began, since_1970());
        match self.bucket()?.put(&key, &serde_json::to_string(summary)?, None) {
            Ok(_) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    fn history(&self) -> io::Result<Vec<RunSummary>> {
        let bucket = self.bucket()?;
        let mut lines = Vec::new();
        for (key, _) in bucket.list("history/")? {
            lines.extend(bucket.get(&key)?.map(|found| found.text));
        }
        Ok(history::parse(lines.iter().map(String::as_str)))
    }
}
