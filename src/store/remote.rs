//! Records in S3, so that a team and its CI share one lock: `[project] records = "s3://bucket/prefix"`.
//!
//! Everything rests on conditional writes. The lock is one object, written only where it is as it was read
//! (`If-None-Match`, `If-Match`). The journal is a row of objects, each written only where there is none: whoever takes a
//! lease over first writes the object that its former holder would have written next, so that the former holder can't
//! write down any intent after that, and so can't act. Whose clock is right does not matter for that; the clocks of two
//! machines decide only about when a silent holder counts as gone.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use aws_config::{BehaviorVersion, retry::RetryConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::journal::Sink;
use super::lock::{Fence, Former, Held, Holder, Lease, LockError, holder, since_1970};
use crate::spec::RecordsUrl;

/// Records in a bucket.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    url: RecordsUrl,
    /// What stands before every key: the prefix, the project and the environment.
    prefix: String,
}

/// What the lock object says.
#[derive(Clone, Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    holder: Holder,
    /// When the lease was last renewed, in milliseconds since 1970.
    renewed: u64,
}

/// A bucket that is connected to. Its calls block, as those of a file do.
#[derive(Clone)]
struct Bucket {
    client: Client,
    name: String,
    prefix: String,
    handle: Handle,
}

/// A lease that is held in S3, and renewed until it is dropped.
struct RemoteLock {
    fence: Fence,
    bucket: Bucket,
    held: Arc<Mutex<(Note, String)>>,
    /// Ends the renewing when it is dropped.
    _renewing: mpsc::Sender<()>,
}

/// The journal's objects, of one holder.
struct Segments {
    bucket: Bucket,
    token: u64,
    next: usize,
}

/// Why a write did not happen.
enum Refused {
    /// The object is not as it was read.
    Moved,
    Failed(io::Error),
}

impl Remote {
    pub fn new(url: RecordsUrl, project: &str, environment: &str) -> Self {
        let parts = [url.prefix.as_str(), project, environment];
        let prefix = parts.iter().filter(|part| !part.is_empty()).map(|part| format!("{part}/")).collect();
        Self { url, prefix }
    }

    fn bucket(&self) -> Bucket {
        let handle = Handle::current();
        let client = blocking(&handle, connect(&self.url));
        Bucket { client, name: self.url.bucket.clone(), prefix: self.prefix.clone(), handle }
    }

    /// Takes the lock, at once or not at all.
    pub fn lock(&self, command: &str, lease: Duration) -> Result<Held<Box<dyn Lease>>, LockError> {
        let bucket = self.bucket();
        let known = bucket.get("lock").map_err(LockError::Disk)?;
        let known = known.map(|(text, tag)| (serde_json::from_str::<Note>(&text).ok(), tag));
        let before = known.as_ref().and_then(|(note, _)| note.clone());
        let mut former = None;
        if let Some(note) = before.clone().filter(|note| note.holder.pid != 0) {
            let silent = Duration::from_millis(since_1970().saturating_sub(note.renewed));
            if silent <= lease {
                return Err(LockError::Held(Some(note.holder)));
            }
            former = Some(Former::Silent(note.holder, silent));
        }
        let last = before.map_or(0, |note| note.holder.token);
        let note = Note { holder: holder(command, last), renewed: since_1970() };
        let token = note.holder.token;
        let tag = match bucket.put("lock", &text(&note), known.as_ref().map(|(_, tag)| tag.as_str())) {
            Ok(tag) => tag,
            // Somebody was quicker, and holds it now.
            Err(Refused::Moved) => {
                let now = bucket.get("lock").map_err(LockError::Disk)?;
                let now = now.and_then(|(text, _)| serde_json::from_str::<Note>(&text).ok());
                return Err(LockError::Held(now.map(|note| note.holder)));
            }
            Err(Refused::Failed(error)) => return Err(LockError::Disk(error)),
        };
        if last != 0 {
            bucket.fence_off(last).map_err(LockError::Disk)?;
        }
        let lost = Arc::new(AtomicBool::new(false));
        let held = Arc::new(Mutex::new((note, tag)));
        let renewing =
            renew(bucket.clone(), Arc::clone(&held), Arc::clone(&lost), lease / 4).map_err(LockError::Disk)?;
        let fence = Fence::flagged(lost, token);
        Ok(Held { lock: Box::new(RemoteLock { fence, bucket, held, _renewing: renewing }), former })
    }

    /// The lines of the journal of the last holder.
    pub fn journal(&self) -> io::Result<Vec<String>> {
        let bucket = self.bucket();
        let mut lines = Vec::new();
        for key in bucket.list("journal/")? {
            let segment = bucket.get(&key)?.map(|(text, _)| text).unwrap_or_default();
            lines.extend(segment.lines().map(str::to_owned));
        }
        Ok(lines)
    }

    /// Begins the journal of a holder with what is carried over, and removes those of holders before.
    pub fn begin(&self, token: u64, text: &str) -> io::Result<Box<dyn Sink>> {
        let bucket = self.bucket();
        let old = bucket.list("journal/")?;
        let mut segments = Segments { bucket: bucket.clone(), token, next: 0 };
        segments.append(text, true)?;
        let own = format!("journal/{token:020}/");
        old.iter().filter(|key| !key.starts_with(&own)).try_for_each(|key| bucket.remove(key))?;
        Ok(Box::new(segments))
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
        keys.iter().map(|key| Ok(bucket.get(key)?.map(|(text, _)| text).unwrap_or_default())).collect()
    }
}

impl Bucket {
    /// An object's text and its tag; none when it is not there.
    fn get(&self, key: &str) -> io::Result<Option<(String, String)>> {
        let ask = self.client.get_object().bucket(&self.name).key(self.key(key));
        blocking(&self.handle, async {
            let answer = match ask.send().await {
                Ok(answer) => answer,
                Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
                Err(error) => return Err(failed("reading", key, &error)),
            };
            let tag = answer.e_tag().unwrap_or_default().to_owned();
            let bytes = answer.body.collect().await.map_err(io::Error::other)?.into_bytes();
            Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), tag)))
        })
    }

    /// Writes an object where there is none, or where it still has this tag; gives its new tag.
    fn put(&self, key: &str, text: &str, tag: Option<&str>) -> Result<String, Refused> {
        let put = self.client.put_object().bucket(&self.name).key(self.key(key));
        let put = match tag {
            Some(tag) => put.if_match(tag),
            None => put.if_none_match("*"),
        };
        let put = put.body(ByteStream::from(text.as_bytes().to_vec()));
        match blocking(&self.handle, put.send()) {
            Ok(answer) => Ok(answer.e_tag().unwrap_or_default().to_owned()),
            Err(error) => {
                let status = error.raw_response().map(|response| response.status().as_u16());
                match status {
                    Some(409 | 412) => Err(Refused::Moved),
                    _ => Err(Refused::Failed(failed("writing", key, &error))),
                }
            }
        }
    }

    fn list(&self, below: &str) -> io::Result<Vec<String>> {
        let mut pages =
            self.client.list_objects_v2().bucket(&self.name).prefix(self.key(below)).into_paginator().send();
        blocking(&self.handle, async {
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| failed("listing", below, &error))?;
                let found = page.contents().iter().filter_map(|object| object.key()?.strip_prefix(&self.prefix));
                keys.extend(found.map(str::to_owned));
            }
            Ok(keys)
        })
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        let remove = self.client.delete_object().bucket(&self.name).key(self.key(key)).send();
        blocking(&self.handle, remove).map(drop).map_err(|error| failed("removing", key, &error))
    }

    /// Writes the journal's object that a former holder would write next, so that it can't.
    fn fence_off(&self, token: u64) -> io::Result<()> {
        loop {
            let next = self.list(&format!("journal/{token:020}/"))?.len();
            match self.put(&segment(token, next), "", None) {
                Ok(_) => return Ok(()),
                // It wrote one just now; the one after that is ours.
                Err(Refused::Moved) => {}
                Err(Refused::Failed(error)) => return Err(error),
            }
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
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

impl Sink for Segments {
    fn append(&mut self, text: &str, _: bool) -> io::Result<()> {
        match self.bucket.put(&segment(self.token, self.next), text, None) {
            Ok(_) => {
                self.next += 1;
                Ok(())
            }
            Err(Refused::Moved) => {
                Err(io::Error::other("the lease was lost to a later run, so nothing more is done here"))
            }
            Err(Refused::Failed(error)) => Err(error),
        }
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Moved => Self::other("the records were changed by somebody else meanwhile"),
            Refused::Failed(error) => error,
        }
    }
}

/// Renews a lease until the sender is dropped.
fn renew(
    bucket: Bucket,
    held: Arc<Mutex<(Note, String)>>,
    lost: Arc<AtomicBool>,
    every: Duration,
) -> io::Result<mpsc::Sender<()>> {
    let (sender, ended) = mpsc::channel();
    std::thread::Builder::new().name("lease".into()).spawn(move || {
        while ended.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let note = Note { renewed: since_1970(), ..held.0.clone() };
            match bucket.put("lock", &text(&note), Some(&held.1)) {
                Ok(tag) => *held = (note, tag),
                Err(Refused::Moved) => {
                    lost.store(true, Ordering::Relaxed);
                    return;
                }
                // A lease that can't be renewed is lost in time, and then the journal can't be written.
                Err(Refused::Failed(_)) => {}
            }
        }
    })?;
    Ok(sender)
}

fn segment(token: u64, number: usize) -> String {
    format!("journal/{token:020}/{number:010}.jsonl")
}

fn text(note: &Note) -> String {
    serde_json::to_string(note).unwrap_or_default()
}

async fn connect(url: &RecordsUrl) -> Client {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).retry_config(RetryConfig::standard());
    if let Some(region) = &url.region {
        loader = loader.region(aws_config::Region::new(region.clone()));
    }
    if let Some(endpoint) = &url.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(profile) = &url.profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    let style = config.endpoint_url().is_some();
    Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(style).build())
}

/// Waits for a call, in a task of the runtime as well as in a thread beside it.
fn blocking<T>(handle: &Handle, call: impl Future<Output = T>) -> T {
    match Handle::try_current() {
        Ok(_) => tokio::task::block_in_place(|| handle.block_on(call)),
        Err(_) => handle.block_on(call),
    }
}

fn failed<E: ProvideErrorMetadata + std::error::Error + 'static, R: std::fmt::Debug>(
    what: &str,
    key: &str,
    error: &SdkError<E, R>,
) -> io::Error {
    let said = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => {
            let mut last: &dyn std::error::Error = error;
            while let Some(next) = last.source() {
                last = next;
            }
            last.to_string()
        }
    };
    io::Error::other(format!("{what} `{key}` in S3: {said}"))
}
