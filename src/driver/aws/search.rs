//! The tag search of AWS, which tells an owner's objects in one call whatever else there is:
//! <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>.

use aws_sdk_resourcegroupstagging::types::TagFilter;

use super::api::Api;
use super::error::done;
use super::mark;
use super::region::{ApiScope, Region};
use crate::driver::{Class, DriverError};
use crate::observed::Owner;

/// The ARNs of all objects of these kinds that have the owner's tags; none when the caller may not search. It lags behind
/// changes, so each hit is looked at by itself, and what a spec wants does not depend on it.
pub(super) async fn search(
    region: &Region,
    scope: ApiScope,
    apis: &[&'static dyn Api],
    owner: &Owner,
) -> Result<Option<Vec<String>>, DriverError> {
    let filters: Vec<String> =
        apis.iter().filter_map(|api| api.directory().search).map(|term| term.filter.to_owned()).collect();
    let tag = |key: &str, value: &str| TagFilter::builder().key(mark::own(key)).values(value).build();
    let tags = [tag("project", &owner.project), tag("environment", &owner.environment)];
    let ask = region.tagging(scope).await.get_resources();
    let ask = ask.set_resource_type_filters(Some(filters)).set_tag_filters(Some(tags.to_vec()));
    let mut pages = ask.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        match done("searching for tags", page) {
            Ok(page) => {
                let arns = page.resource_tag_mapping_list().iter().filter_map(|one| one.resource_arn());
                found.extend(arns.map(str::to_owned));
            }
            Err(error) if error.class == Class::Denied => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(found))
}
