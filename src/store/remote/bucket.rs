//! A bucket, as records need it: its calls block, as those of a file do.

use std::io;

use aws_config::{BehaviorVersion, retry::RetryConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use tokio::runtime::Handle;

use crate::desired::RecordsUrl;

/// A bucket that is connected to.
#[derive(Clone)]
pub struct Bucket {
    client: Client,
    name: String,
    /// What stands before every key.
    prefix: String,
    handle: Handle,
}

/// Why a write did not happen.
pub enum Refused {
    /// The object is not as it was read; this is what it holds now.
    Moved(Option<String>),
    Failed(io::Error),
}

impl Bucket {
    /// The bucket of a URL, as far as a prefix goes.
    pub fn new(url: &RecordsUrl, prefix: &str) -> Self {
        let handle = Handle::current();
        let client = blocking(&handle, connect(url));
        Self { client, name: url.bucket.clone(), prefix: prefix.to_owned(), handle }
    }

    /// An object's text and its tag; none when it is not there.
    pub fn get(&self, key: &str) -> io::Result<Option<(String, String)>> {
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
        let error = match blocking(&self.handle, put.send()) {
            Ok(answer) => return Ok(answer.e_tag().unwrap_or_default().to_owned()),
            Err(error) => error,
        };
        match error.raw_response().map(|response| response.status().as_u16()) {
            Some(409 | 412) => match self.get(key).map_err(Refused::Failed)? {
                Some((now, tag)) if now == text => Ok(tag),
                now => Err(Refused::Moved(now.map(|(now, _)| now))),
            },
            _ => Err(Refused::Failed(failed("writing", key, &error))),
        }
    }

    /// The keys that begin so, in order, each with its size in bytes.
    pub fn list(&self, below: &str) -> io::Result<Vec<(String, u64)>> {
        let mut pages =
            self.client.list_objects_v2().bucket(&self.name).prefix(self.key(below)).into_paginator().send();
        blocking(&self.handle, async {
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| failed("listing", below, &error))?;
                let found = page.contents().iter().filter_map(|object| {
                    let size = u64::try_from(object.size().unwrap_or_default()).unwrap_or_default();
                    Some((object.key()?.strip_prefix(&self.prefix)?.to_owned(), size))
                });
                keys.extend(found);
            }
            Ok(keys)
        })
    }

    /// Removes an object.
    pub fn remove(&self, key: &str) -> io::Result<()> {
        let remove = self.client.delete_object().bucket(&self.name).key(self.key(key)).send();
        blocking(&self.handle, remove).map(drop).map_err(|error| failed("removing", key, &error))
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
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
