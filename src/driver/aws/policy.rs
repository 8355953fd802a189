//! Managed policies, over IAM.

use aws_sdk_iam::types::{PolicyScopeType, Tag};

use super::error::{classify, is_absent};
use super::mark::{self, Tags};
use super::region::Region;
use super::sight::{Names, Sight, is_managed};
use super::{decode, text};
use crate::driver::{DriverError, Request};
use crate::kind::{self, Outputs, Usage, document};
use crate::value::{Attributes, Value};

/// IAM keeps at most five versions of a policy:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const VERSIONS: usize = 5;

/// The ARNs of all policies of the account that are its own.
pub(super) async fn list(region: &Region) -> Result<Vec<String>, DriverError> {
    let iam = &region.clients().await.iam;
    let mut pages = iam.list_policies().scope(PolicyScopeType::Local).into_paginator().send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify("listing policies", &error))?;
        arns.extend(page.policies().iter().filter_map(|policy| policy.arn().map(str::to_owned)));
    }
    Ok(arns)
}

/// The ARN of a policy by its path and name.
pub(super) async fn arn(region: &Region, attributes: &Attributes) -> Result<String, DriverError> {
    let account = region.account().await?;
    let path = text(attributes, "path").unwrap_or("/");
    Ok(format!("arn:aws:iam::{account}:policy{path}{}", text(attributes, "name").unwrap_or_default()))
}

/// Looks at one policy.
pub(super) async fn look(
    region: &Region,
    arn: &str,
    wanted: Option<&Attributes>,
    any: bool,
) -> Result<Option<Sight>, DriverError> {
    let iam = &region.clients().await.iam;
    let policy = match iam.get_policy().policy_arn(arn).send().await {
        Ok(answer) => answer.policy,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(classify("reading a policy", &error)),
    };
    let Some(policy) = policy else { return Ok(None) };
    let tags = tags(policy.tags());
    if !any && mark::read(&tags).is_none() {
        return Ok(None);
    }
    let version = policy.default_version_id().unwrap_or("v1");
    let answer = iam.get_policy_version().policy_arn(arn).version_id(version).send().await;
    let answer = answer.map_err(|error| classify("reading the version of a policy", &error))?;
    let stored = decode(answer.policy_version().and_then(|version| version.document()).unwrap_or_default());
    let mut attributes = vec![
        ("name", policy.policy_name().unwrap_or_default().into()),
        ("path", policy.path().unwrap_or("/").into()),
        ("description", policy.description().filter(|text| !text.is_empty()).map(Value::from).unwrap_or_default()),
    ];
    attributes.extend(grants("document", &stored, &tags, wanted));
    let name = policy.policy_name().unwrap_or_default();
    Ok(Some(Sight {
        kind: kind::get("policy").unwrap_or(kind::ALL[0]),
        identity: format!("{}/policy/{name}", region.identity()),
        host: region.identity(),
        arn: arn.to_owned(),
        tags,
        attributes,
        outputs: Outputs::default(),
        usage: Usage::default(),
    }))
}

/// Makes the policy, with its tags, in one call.
pub(super) async fn create(region: &Region, request: &Request<'_>, names: &Names) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    let attributes = request.attributes;
    let made = iam
        .create_policy()
        .policy_name(text(attributes, "name").unwrap_or_default())
        .path(text(attributes, "path").unwrap_or("/"))
        .set_description(text(attributes, "description").map(str::to_owned))
        .policy_document(wanted_document(attributes, "document").unwrap_or_default())
        .set_tags(Some(to_tags(&mark::write(request.mark, attributes))?))
        .send()
        .await;
    made.map_err(|error| classify("creating the policy", &error))?;
    names.learn(&request.mark.address, &arn(region, attributes).await?);
    Ok(())
}

/// Brings the policy that is there to the request's document and tags.
pub(super) async fn update(
    region: &Region,
    there: &Sight,
    request: &Request<'_>,
    names: &Names,
) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    let before: Attributes = there.attributes.iter().cloned().collect();
    let wanted = wanted_document(request.attributes, "document").unwrap_or_default();
    if !document::same(&wanted, &wanted_document(&before, "document").unwrap_or_default()) {
        make_room(region, &there.arn).await?;
        let set = iam.create_policy_version().policy_arn(&there.arn).policy_document(wanted).set_as_default(true);
        set.send().await.map_err(|error| classify("changing the policy", &error))?;
    }
    let tags = mark::merged(&there.tags, request.mark, request.attributes);
    retag(region, there, tags).await?;
    names.learn(&request.mark.address, &there.arn);
    Ok(())
}

/// Leaves the policy without its mark.
pub(super) async fn forget(region: &Region, there: &Sight) -> Result<(), DriverError> {
    retag(region, there, mark::without(&there.tags)).await
}

/// Deletes the policy with all its versions. Roles that still have it keep it from going.
pub(super) async fn delete(region: &Region, arn: &str) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    for version in old_versions(region, arn).await? {
        delete_version(region, arn, &version).await?;
    }
    match iam.delete_policy().policy_arn(arn).send().await {
        Err(error) if !is_absent(&error) => Err(classify("deleting the policy", &error)),
        _ => Ok(()),
    }
}

/// The statements of an object in the form that the spec uses: its short form, unless the spec writes JSON or the short
/// form can't say all of it. `raw` is the attribute for the JSON.
pub(super) fn grants(
    raw: &'static str,
    stored: &str,
    tags: &Tags,
    wanted: Option<&Attributes>,
) -> Vec<(&'static str, Value)> {
    let said = wanted.and_then(|wanted| text(wanted, raw));
    if let Some(said) = said.filter(|said| document::same(said, stored)) {
        return vec![(raw, said.into())];
    }
    let short = !is_managed(raw, tags, wanted) || wanted.is_some_and(|wanted| wanted.get(raw).is_null());
    match document::to_grants(stored).filter(|_| short) {
        Some((allow, deny)) => vec![("allow", allow), ("deny", deny)],
        None => vec![(raw, document::normal(stored).as_str().into())],
    }
}

/// The document that attributes ask for; none when they ask for no statement.
pub(super) fn wanted_document(attributes: &Attributes, raw: &str) -> Option<String> {
    if let Some(document) = text(attributes, raw) {
        return Some(document.to_owned());
    }
    let (allow, deny) = (attributes.get("allow"), attributes.get("deny"));
    (!allow.is_null() || !deny.is_null()).then(|| document::from_grants(allow, deny))
}

pub(super) fn tags(list: &[Tag]) -> Tags {
    list.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

pub(super) fn to_tags(tags: &Tags) -> Result<Vec<Tag>, DriverError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let built: Result<Vec<Tag>, _> = tags.iter().map(tag).collect();
    built.map_err(|error| DriverError::from_source(crate::driver::Class::Invalid, "a tag can't be made", error))
}

async fn retag(region: &Region, there: &Sight, wanted: Tags) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    let (gone, fresh) = mark::difference(&there.tags, wanted);
    if !gone.is_empty() {
        let untag = iam.untag_policy().policy_arn(&there.arn).set_tag_keys(Some(gone)).send().await;
        untag.map_err(|error| classify("removing tags of the policy", &error))?;
    }
    if !fresh.is_empty() {
        let tag = iam.tag_policy().policy_arn(&there.arn).set_tags(Some(to_tags(&fresh)?)).send().await;
        tag.map_err(|error| classify("tagging the policy", &error))?;
    }
    Ok(())
}

/// Removes the oldest version that is not in use when there is no room for another.
async fn make_room(region: &Region, arn: &str) -> Result<(), DriverError> {
    let old = old_versions(region, arn).await?;
    match old.last() {
        Some(oldest) if old.len() + 1 >= VERSIONS => delete_version(region, arn, oldest).await,
        _ => Ok(()),
    }
}

/// The versions that are not the default one, youngest first.
async fn old_versions(region: &Region, arn: &str) -> Result<Vec<String>, DriverError> {
    let iam = &region.clients().await.iam;
    match iam.list_policy_versions().policy_arn(arn).send().await {
        Ok(answer) => {
            let old = answer.versions().iter().filter(|version| !version.is_default_version());
            Ok(old.filter_map(|version| version.version_id().map(str::to_owned)).collect())
        }
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(classify("listing the versions of a policy", &error)),
    }
}

async fn delete_version(region: &Region, arn: &str, version: &str) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    match iam.delete_policy_version().policy_arn(arn).version_id(version).send().await {
        Err(error) if !is_absent(&error) => Err(classify("deleting a version of the policy", &error)),
        _ => Ok(()),
    }
}
