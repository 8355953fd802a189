//! What is there and nobody's: what a spec could take over.

use super::contract::Listing;
use super::observe::HostListing;
use super::{DriverError, Sessions};
use crate::observed::Object;

/// Every object that lives in a host, or in the world itself, and that is nobody's, with all that somebody chose about it. What
/// objects name in each other stands there as their API says it.
///
/// # Errors
/// When a driver can't be asked at all.
pub async fn survey(sessions: &Sessions, host: Option<&Object>) -> Result<Listing, DriverError> {
    let mut all = Listing::default();
    for job in HostListing::all(sessions, host) {
        let Listing { objects, unreachable, .. } = job.survey(sessions).await?;
        all.objects.extend(objects.into_iter().filter(|object| object.mark.is_none() && !object.external));
        all.unreachable.extend(unreachable);
    }
    all.objects.sort_by(|a, b| a.identity.cmp(&b.identity));
    Ok(all)
}
