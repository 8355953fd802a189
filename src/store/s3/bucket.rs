//! A bucket, as records need it: its calls block, as those of a file do, and each ends within seconds.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, retry::RetryConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use tokio::runtime::Handle;

use super::time::ServerTime;
use crate::desired::RecordsUrl;
use crate::style::harmless;

/// How long a call may take, with all its attempts. Records are small, and whoever waits for them does nothing else.
const CALL_TIMEOUT: Duration = Duration::from_secs(12);

/// How long a call may take after one that had no answer.
const SHORT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one attempt of a call may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A bucket that is connected to.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
    /// What stands before every key.
    prefix: String,
    handle: Handle,
    time: ServerTime,
    /// Whether the last call had no answer. The next one waits for a shorter time then: a run that has to end asks
    /// several times.
    timed_out: Arc<AtomicBool>,
}

/// An object that was read.
pub struct Fetched {
    /// What it holds.
    pub text: String,
    /// Its tag, which stays the same until it is written.
    pub tag: String,
    /// For how long it was not written, by S3's own clock; none when S3 does not tell.
    pub age: Option<Duration>,
}

/// Why a write did not happen.
pub enum Refused {
    /// The object is not as it was read; this is what it holds now.
    Moved(Option<String>),
    Failed(io::Error),
}

impl Bucket {
    /// Connects to the bucket of a URL, as far as a prefix goes.
    pub fn connect(url: &RecordsUrl, prefix: &str) -> io::Result<Self> {
        let handle = Handle::try_current().map_err(io::Error::other)?;
        let time = ServerTime::default();
        let what = format!("connecting to `s3://{}`", url.bucket);
        let client = within(&handle, &what, CALL_TIMEOUT, async { Ok(connect(url, time.clone()).await) })?;
        let (name, prefix) = (url.bucket.clone(), prefix.to_owned());
        Ok(Self { client, name, prefix, handle, time, timed_out: Arc::default() })
    }

    /// An object; none when it is not there.
    pub fn get(&self, key: &str) -> io::Result<Option<Fetched>> {
        let ask = self.client.get_object().bucket(&self.name).key(self.key(key));
        let what = self.what("reading", key);
        self.within(&what, async {
            let answer = match ask.send().await {
                Ok(answer) => answer,
                Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
                Err(error) => return Err(failed(&what, &error)),
            };
            let tag = answer.e_tag().unwrap_or_default().to_owned();
            let age = answer.last_modified().and_then(|written| self.time.since(written));
            let bytes =
                answer.body.collect().await.map_err(|error| {
                    io::Error::other(format!("{what}: the answer breaks off: {}", innermost(&error)))
                })?;
            let bytes = bytes.into_bytes();
            Ok(Some(Fetched { text: String::from_utf8_lossy(&bytes).into_owned(), tag, age }))
        })
    }

    /// Writes an object where there is none, or where it still has this tag; gives its new tag.
    ///
    /// An answer may be lost on its way and the call made again: what stands there as it was to be written was written by
    /// this very call, as no two holders ever write the same text.
    pub fn put(&self, key: &str, text: &str, tag: Option<&str>) -> Result<String, Refused> {
        let put = self.client.put_object().bucket(&self.name).key(self.key(key));
        let put = match tag {
            Some(tag) => put.if_match(tag),
            None => put.if_none_match("*"),
        };
        let put = put.body(ByteStream::from(text.as_bytes().to_vec()));
        let what = self.what("writing", key);
        let written = self.within(&what, async {
            match put.send().await {
                Ok(answer) => Ok(Some(answer.e_tag().unwrap_or_default().to_owned())),
                Err(error) => match error.raw_response().map(|response| response.status().as_u16()) {
                    // With `If-Match` there is nothing to match where the object is gone.
                    Some(409 | 412) => Ok(None),
                    Some(404) if tag.is_some() && error.code() == Some("NoSuchKey") => Ok(None),
                    _ => Err(failed(&what, &error)),
                },
            }
        });
        if let Some(tag) = written.map_err(Refused::Failed)? {
            return Ok(tag);
        }
        match self.get(key).map_err(Refused::Failed)? {
            Some(now) if now.text == text => Ok(now.tag),
            now => Err(Refused::Moved(now.map(|now| now.text))),
        }
    }

    /// The keys with this beginning, in order, each with its size in bytes.
    pub fn list(&self, below: &str) -> io::Result<Vec<(String, u64)>> {
        let mut pages =
            self.client.list_objects_v2().bucket(&self.name).prefix(self.key(below)).into_paginator().send();
        let what = self.what("listing", below);
        let mut keys = Vec::new();
        // Each page is a call of its own.
        while let Some(page) =
            self.within(&what, async { pages.next().await.transpose().map_err(|error| failed(&what, &error)) })?
        {
            let found = page.contents().iter().filter_map(|object| {
                let size = u64::try_from(object.size().unwrap_or_default()).unwrap_or_default();
                Some((object.key()?.strip_prefix(&self.prefix)?.to_owned(), size))
            });
            keys.extend(found);
        }
        Ok(keys)
    }

    /// Removes an object.
    pub fn remove(&self, key: &str) -> io::Result<()> {
        let remove = self.client.delete_object().bucket(&self.name).key(self.key(key)).send();
        let what = self.what("removing", key);
        self.within(&what, async { remove.await.map(drop).map_err(|error| failed(&what, &error)) })
    }

    fn within<T>(&self, what: &str, call: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let limit = if self.timed_out.load(Ordering::Relaxed) { SHORT_TIMEOUT } else { CALL_TIMEOUT };
        let ended = within(&self.handle, what, limit, call);
        let timed_out = ended.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        self.timed_out.store(timed_out, Ordering::Relaxed);
        ended
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// What is done, in words.
    fn what(&self, verb: &str, key: &str) -> String {
        format!("{verb} `s3://{}/{}{}`", self.name, self.prefix, harmless(key))
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Moved(_) => Self::other("the records were changed by somebody else meanwhile"),
            Refused::Failed(error) => error,
        }
    }
}

async fn connect(url: &RecordsUrl, time: ServerTime) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts);
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
    let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(style).interceptor(time);
    Client::from_conf(config.build())
}

/// Waits for a call, in a task of the runtime as well as in a thread beside it, and no longer than is reasonable.
fn within<T>(handle: &Handle, what: &str, limit: Duration, call: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let limited = async { tokio::time::timeout(limit, call).await };
    let ended = match Handle::try_current() {
        Ok(_) => tokio::task::block_in_place(|| handle.block_on(limited)),
        Err(_) => handle.block_on(limited),
    };
    ended.unwrap_or_else(|_| Err(silence(what, limit)))
}

fn silence(what: &str, limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what}: no answer within {} s", limit.as_secs()))
}

fn failed<E: ProvideErrorMetadata + std::error::Error + 'static, R: std::fmt::Debug + 'static>(
    what: &str,
    error: &SdkError<E, R>,
) -> io::Error {
    let said = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ if matches!(error, SdkError::TimeoutError(_)) => return silence(what, CALL_TIMEOUT),
        _ => return io::Error::other(format!("{what}: {}", innermost(error))),
    };
    io::Error::other(format!("{what}: {}", harmless(&said)))
}

/// What an error comes down to.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    harmless(&last.to_string())
}
