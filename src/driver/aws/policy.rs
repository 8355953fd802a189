//! Managed policies, over IAM.

use async_trait::async_trait;
use aws_sdk_iam::types::PolicyScopeType;

use super::api::{Api, ObjectPart, PartWrite};
use super::error::{done, found};
use super::iam::{decode, grants, tags, to_tags, wanted_document};
use super::mark::Tags;
use super::object::{Description, optional, text};
use super::region::Region;
use crate::driver::{Class, DriverError, Request};
use crate::kind::document;
use crate::value::Attributes;

/// IAM keeps at most five versions of a policy:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const VERSIONS: usize = 5;

pub(super) struct Policies;

static PARTS: &[ObjectPart] = &[ObjectPart {
    covers: &["allow", "deny", "document"],
    read: None,
    write: |to| Box::pin(put_document(to)),
    clear: None,
}];

#[async_trait]
impl Api for Policies {
    fn kind(&self) -> &'static str {
        "policy"
    }

    /// The ARNs of all policies of the account that are its own.
    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let iam = region.iam().await;
        let mut pages = iam.list_policies().scope(PolicyScopeType::Local).into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let page = done("listing policies", page)?;
            arns.extend(page.policies().iter().filter_map(|policy| policy.arn().map(str::to_owned)));
        }
        Ok(arns)
    }

    /// A policy is found by its whole ARN, and only its attributes tell the path in it.
    async fn key(
        &self,
        region: &Region,
        name: &str,
        wanted: Option<&Attributes>,
    ) -> Result<Option<String>, DriverError> {
        if let Some(attributes) = wanted {
            return arn(region, name, attributes).await.map(Some);
        }
        let ending = format!("/{name}");
        Ok(self.list(region).await?.into_iter().find(|arn| arn.ends_with(&ending)))
    }

    async fn find(&self, region: &Region, arn: &str) -> Result<Option<Description>, DriverError> {
        let answer = found("reading a policy", region.iam().await.get_policy().policy_arn(arn).send().await)?;
        let Some(policy) = answer.and_then(|answer| answer.policy) else { return Ok(None) };
        let name = policy.policy_name().unwrap_or_default();
        let mut described = Description::new(self.kind(), arn, name, tags(policy.tags()));
        described.attributes.push(("path", policy.path().unwrap_or("/").into()));
        described.attributes.push(("description", optional(policy.description())));
        described.detail = policy.default_version_id().unwrap_or("v1").to_owned();
        let uses = policy.attachment_count().unwrap_or_default()
            + policy.permissions_boundary_usage_count().unwrap_or_default();
        described.held = (uses > 0).then(|| format!("{uses} of the account's roles, users and groups still have it"));
        Ok(Some(described))
    }

    async fn complete(
        &self,
        region: &Region,
        described: &mut Description,
        wanted: Option<&Attributes>,
    ) -> Result<bool, DriverError> {
        let ask = region.iam().await.get_policy_version().policy_arn(&described.key).version_id(&described.detail);
        let answer = done("reading the version of a policy", ask.send().await)?;
        let stored = decode(answer.policy_version().and_then(|version| version.document()).unwrap_or_default());
        described.attributes.extend(grants("document", &stored, described.mark.as_ref(), wanted));
        Ok(true)
    }

    fn parts(&self) -> &'static [ObjectPart] {
        PARTS
    }

    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError> {
        let (name, attributes) = (want.identity.name(), want.attributes);
        let make = region.iam().await.create_policy();
        let made = make
            .policy_name(&*name)
            .path(text(attributes, "path").unwrap_or("/"))
            .set_description(text(attributes, "description").map(str::to_owned))
            .policy_document(wanted_document(attributes, "document").unwrap_or_default())
            .set_tags(Some(to_tags(tags)?))
            .send()
            .await;
        done("creating the policy", made)?;
        arn(region, &name, attributes).await
    }

    async fn untag(&self, region: &Region, key: &str, gone: Vec<String>) -> Result<(), DriverError> {
        let untag = region.iam().await.untag_policy().policy_arn(key).set_tag_keys(Some(gone)).send().await;
        done("removing tags of the policy", untag).map(drop)
    }

    async fn tag(&self, region: &Region, key: &str, fresh: Tags) -> Result<(), DriverError> {
        let tag = region.iam().await.tag_policy().policy_arn(key).set_tags(Some(to_tags(&fresh)?)).send().await;
        done("tagging the policy", tag).map(drop)
    }

    /// Deletes the policy with all its versions. While something has it attached, all of it stays. IAM reports that
    /// something was detached a little later, so the step is tried again.
    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        if let Some(why) = &described.held {
            return Err(DriverError::new(Class::Transient, format!("the policy can't be deleted: {why}")));
        }
        for version in old_versions(region, &described.key).await? {
            delete_version(region, &described.key, &version).await?;
        }
        found("deleting the policy", region.iam().await.delete_policy().policy_arn(&described.key).send().await)
            .map(drop)
    }
}

/// The ARN of a policy by its path and name.
async fn arn(region: &Region, name: &str, attributes: &Attributes) -> Result<String, DriverError> {
    let account = region.account().await?;
    let path = text(attributes, "path").unwrap_or("/");
    Ok(format!("arn:aws:iam::{account}:policy{path}{name}"))
}

/// Makes another version of the policy, unless the one that is there means the same.
async fn put_document(to: PartWrite<'_>) -> Result<(), DriverError> {
    let wanted = wanted_document(to.after, "document").unwrap_or_default();
    if document::same(&wanted, &wanted_document(to.before, "document").unwrap_or_default()) {
        return Ok(());
    }
    make_room(to.region, to.key).await?;
    let make = to.region.iam().await.create_policy_version().policy_arn(to.key);
    let made = make.policy_document(wanted).set_as_default(true).send().await;
    done("changing the policy", made).map(drop)
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
    let iam = region.iam().await;
    let answer = iam.list_policy_versions().policy_arn(arn).send().await;
    let Some(answer) = found("listing the versions of a policy", answer)? else { return Ok(Vec::new()) };
    let old = answer.versions().iter().filter(|version| !version.is_default_version());
    Ok(old.filter_map(|version| version.version_id().map(str::to_owned)).collect())
}

async fn delete_version(region: &Region, arn: &str, version: &str) -> Result<(), DriverError> {
    let delete = region.iam().await.delete_policy_version().policy_arn(arn).version_id(version);
    found("deleting a version of the policy", delete.send().await).map(drop)
}
