//! A journal in S3: a row of objects for each holder, each written only where there is none.

use std::io;

use super::bucket::{Bucket, Refused};
use crate::store::journal::Sink;
use crate::store::lease::Holder;

/// The objects of one holder.
struct Segments {
    bucket: Bucket,
    token: u64,
    next: usize,
    /// What was to be written next when a call failed; it may be there all the same.
    unsure: Option<String>,
}

/// The text of the journal.
pub fn read(bucket: &Bucket) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for (key, _) in bucket.list("journal/")?.into_iter().filter(|(_, size)| *size > 0) {
        text.extend(bucket.get(&key)?.map(|found| found.text).unwrap_or_default().into_bytes());
        // Objects are written whole. A damaged one must not take in the first line of the next.
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
    }
    Ok(text)
}

/// The token of the last holder that began a journal.
pub fn latest(bucket: &Bucket) -> io::Result<Option<u64>> {
    let token = |key: &str| key.strip_prefix("journal/")?.split('/').next()?.parse().ok();
    let tokens = bucket.list("journal/")?.into_iter().filter_map(|(key, _)| token(&key));
    Ok(tokens.filter(|token| Holder::nobody(*token).is_sound()).max())
}

/// Begins the journal of a holder with what is carried over, and removes those of holders before; one that is damaged is
/// set aside.
pub fn begin(bucket: Bucket, token: u64, text: &str, damaged: bool) -> io::Result<Box<dyn Sink>> {
    let old = bucket.list("journal/")?;
    let mut segments = Segments { bucket, token, next: 0, unsure: None };
    segments.append(text, true)?;
    let own = folder(token);
    // What is empty fences a former holder off, and has to stay for as long as that one may come back.
    for (key, _) in old.iter().filter(|(key, size)| *size > 0 && !key.starts_with(&own)) {
        if damaged && let Some(found) = segments.bucket.get(key)? {
            segments.bucket.put(&key.replacen("journal/", "journal-damaged/", 1), &found.text, None)?;
        }
        segments.bucket.remove(key)?;
    }
    Ok(Box::new(segments))
}

/// Writes the object that a former holder would write next, so that it can't: an empty one.
pub fn fence_off(bucket: &Bucket, token: u64) -> io::Result<()> {
    loop {
        let keys = bucket.list(&folder(token))?;
        let next = match keys.last() {
            Some((_, 0)) => return Ok(()),
            Some((key, _)) => number(key).map_or(keys.len(), |last| last + 1),
            None => 0,
        };
        match bucket.put(&segment(token, next), "", None) {
            Ok(_) => return Ok(()),
            // The former holder wrote one just now, so the next number is tried.
            Err(Refused::Moved(_)) => {}
            Err(Refused::Failed(error)) => return Err(error),
        }
    }
}

impl Sink for Segments {
    fn append(&mut self, text: &str, _: bool) -> io::Result<()> {
        loop {
            match self.bucket.put(&segment(self.token, self.next), text, None) {
                Ok(_) => {
                    self.next += 1;
                    self.unsure = None;
                    return Ok(());
                }
                // What seemed to have failed before was written: this one comes behind it.
                Err(Refused::Moved(found)) if found.is_some() && found == self.unsure => {
                    self.next += 1;
                    self.unsure = None;
                }
                Err(Refused::Moved(_)) => {
                    return Err(io::Error::other("the lease was lost to a later run, so this run stops"));
                }
                Err(Refused::Failed(error)) => {
                    self.unsure = Some(text.to_owned());
                    return Err(error);
                }
            }
        }
    }
}

fn folder(token: u64) -> String {
    format!("journal/{token:020}/")
}

fn segment(token: u64, number: usize) -> String {
    format!("{}{number:010}.jsonl", folder(token))
}

fn number(key: &str) -> Option<usize> {
    key.rsplit('/').next()?.strip_suffix(".jsonl")?.parse().ok()
}
