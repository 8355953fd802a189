//! What a bucket holds: counting it, and removing it.
//!
//! Every version of every object counts, and every mark that one was deleted. A count with a bound says that there are at
//! least so many; one without goes to the end, a thousand to a call, as the removal does.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::super::error::unbuildable;
use super::object_lock;
use crate::driver::aws::error::{done, found};
use crate::driver::aws::object::Description;
use crate::driver::aws::region::Region;
use crate::driver::{Class, DriverError};
use crate::kind::{Count, Usage, counted};

/// Counts the versions and the bytes of a bucket, no further than so many pages where there is a bound. What may not be
/// listed is unknown.
pub async fn count(region: &Region, described: &mut Description, bound: Option<usize>) -> Result<(), DriverError> {
    let s3 = region.s3().await;
    let (mut objects, mut bytes, mut newest) = (0, 0, None);
    let (mut key, mut version) = (None, None);
    let mut pages = 0;
    let to_the_end = loop {
        let ask = s3.list_object_versions().bucket(&described.key).set_key_marker(key).set_version_id_marker(version);
        let page = match found("counting the objects of a bucket", ask.send().await) {
            Ok(Some(page)) => page,
            Ok(None) => break true,
            Err(error) if error.class == Class::Denied => {
                described.usage = usage(Count::Unknown, Count::Unknown);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        objects += (page.versions().len() + page.delete_markers().len()) as u64;
        bytes += page.versions().iter().filter_map(|one| u64::try_from(one.size()?).ok()).sum::<u64>();
        newest = newest.max(written(&page));
        pages += 1;
        if page.is_truncated() != Some(true) {
            break true;
        }
        if bound.is_some_and(|most| pages >= most) {
            break false;
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    };
    let as_counted = if to_the_end { Count::Exactly } else { Count::AtLeast };
    described.usage = usage(as_counted(objects), as_counted(bytes));
    described.newest = newest.filter(|_| to_the_end);
    Ok(())
}

/// Removes every version of every object, a thousand at a time: no more than were counted, and none that was written
/// since, where they were counted.
pub async fn remove(region: &Region, described: &Description) -> Result<(), DriverError> {
    let s3 = region.s3().await;
    let most = match counted(&described.usage, "objects") {
        Count::Exactly(most) => Some(most),
        _ => None,
    };
    let mut removed = 0;
    loop {
        let page = s3.list_object_versions().bucket(&described.key).send().await;
        let Some(page) = found("listing the objects of the bucket", page)? else { return Ok(()) };
        let objects = identifiers(&page)?;
        if objects.is_empty() {
            return Ok(());
        }
        removed += objects.len() as u64;
        let newer = described.newest.is_some_and(|newest| written(&page) > Some(newest));
        if newer || most.is_some_and(|most| removed > most) {
            return Err(DriverError::new(Class::Conflict, "it holds more than when it was looked at"));
        }
        let wanted = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(unbuildable)?;
        let removal = s3.delete_objects().bucket(&described.key).delete(wanted).send().await;
        let removal = done("removing the objects of the bucket", removal)?;
        if let Some(left) = removal.errors().first() {
            let (key, why) = (left.key().unwrap_or_default(), left.message().unwrap_or_default());
            return Err(DriverError::new(Class::Denied, format!("`{key}` can't be removed: {why}")));
        }
    }
}

/// Refuses to empty a bucket that may hold locked objects, before anything of it goes: S3 would keep those, and the others would
/// be lost for nothing.
pub async fn refuse_locked(region: &Region, described: &Description) -> Result<(), DriverError> {
    if object_lock::lock(region, &described.key).await?.is_none() {
        return Ok(());
    }
    let page = region.s3().await.list_object_versions().bucket(&described.key).max_keys(1).send().await;
    let held = found("listing the objects of the bucket", page)?.map(|page| identifiers(&page)).transpose()?;
    if held.unwrap_or_default().is_empty() {
        return Ok(());
    }
    let why =
        "its objects may be locked, so none of them was removed; remove them once S3 lets go of them, and apply again";
    Err(DriverError::new(Class::Conflict, why))
}

/// The versions of a page, as they are named to remove them.
fn identifiers(page: &ListObjectVersionsOutput) -> Result<Vec<ObjectIdentifier>, DriverError> {
    let versions = page.versions().iter().map(|one| (one.key(), one.version_id()));
    let markers = page.delete_markers().iter().map(|one| (one.key(), one.version_id()));
    let named = versions.chain(markers).map(|(key, version)| {
        ObjectIdentifier::builder().key(key.unwrap_or_default()).set_version_id(version.map(str::to_owned)).build()
    });
    named.collect::<Result<_, _>>().map_err(unbuildable)
}

/// When the newest of a page was written, in seconds.
fn written(page: &ListObjectVersionsOutput) -> Option<i64> {
    let versions = page.versions().iter().filter_map(|one| one.last_modified());
    let markers = page.delete_markers().iter().filter_map(|one| one.last_modified());
    versions.chain(markers).map(DateTime::secs).max()
}

fn usage(objects: Count, bytes: Count) -> Usage {
    Usage::from_iter([("bytes".into(), bytes), ("objects".into(), objects)])
}
