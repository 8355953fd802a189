//! Managed policies, over IAM.

use async_trait::async_trait;
use aws_sdk_iam::types::{PolicyScopeType, PolicyUsageType};

use super::api::{Api, Directory, ObjectPart, PartWrite};
use super::error::{done, found};
use super::group::Groups;
use super::iam::{decode, grants, tags, to_tags, wanted_document};
use super::mark::Tags;
use super::object::{Description, optional, text};
use super::region::Region;
use super::rights::{GroupRights, PolicyHolder, RoleRights, UserRights};
use super::role::Roles;
use super::user::Users;
use crate::driver::{Class, DriverError, Request};
use crate::kind::document;
use crate::observed::{Mark, Owner};
use crate::value::Attributes;

/// IAM keeps at most five versions of a policy:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const VERSIONS: usize = 5;

pub(super) struct Policies;

static PARTS: &[ObjectPart] = &[ObjectPart {
    covers: &["allow", "deny", "document"],
    read: None,
    write: |to| Box::pin(put_document(to)),
    always: false,
    clear: None,
}];

#[async_trait]
impl Api for Policies {
    fn kind(&self) -> &'static str {
        "policy"
    }

    fn directory(&self) -> Directory {
        Directory::of_account("iam:policy", |arn| arn.contains(":policy/").then_some(arn))
    }

    /// The ARNs of all policies of the account that are its own.
    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let iam = region.iam().await;
        let mut pages = iam.list_policies().scope(PolicyScopeType::Local).max_items(1_000).into_paginator().send();
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
        described.uses = policy.attachment_count().unwrap_or_default();
        described.bounds = policy.permissions_boundary_usage_count().unwrap_or_default();
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

    /// Deletes the policy with all its versions. It is taken from those identities of its owner's that are known to need it: where
    /// it is replaced, they get the new one. While anything else has it, all of it stays. IAM reports that something was
    /// detached a little later, so the step is tried again.
    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        let iam = region.iam().await;
        let arn = &described.key;
        if described.uses + described.bounds > 0 {
            let (own, others) = users(region, described).await?;
            if let Some(first) = others.first() {
                let more = others.len() - 1;
                let more = if more > 0 { format!(" and {more} others have") } else { " has".to_owned() };
                let why = format!("the policy can't be deleted: {first}{more} it still");
                return Err(DriverError::new(Class::Transient, why));
            }
            for (holder, name) in own {
                holder.detach(region, &name, arn).await?;
            }
        }
        for version in old_versions(region, arn).await? {
            delete_version(region, arn, &version).await?;
        }
        found("deleting the policy", iam.delete_policy().policy_arn(arn).send().await).map(drop)
    }
}

/// An identity that has a policy.
type PolicyUser = (&'static dyn PolicyHolder, String);

/// Who has a policy: those that need it by their own marks, and everybody else, in words.
async fn users(region: &Region, described: &Description) -> Result<(Vec<PolicyUser>, Vec<String>), DriverError> {
    let iam = region.iam().await;
    let (mut own, mut others) = (Vec::new(), Vec::new());
    let ask = iam.list_entities_for_policy().policy_arn(&described.key);
    let mut pages = ask.policy_usage_filter(PolicyUsageType::PermissionsPolicy).into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = found("looking for who has the policy", page)? else { break };
        let all: [(&'static dyn Api, &'static dyn PolicyHolder, Vec<&str>); 3] = [
            (&Users, &UserRights, page.policy_users().iter().filter_map(|user| user.user_name()).collect()),
            (&Groups, &GroupRights, page.policy_groups().iter().filter_map(|group| group.group_name()).collect()),
            (&Roles, &RoleRights, page.policy_roles().iter().filter_map(|role| role.role_name()).collect()),
        ];
        for (api, holder, names) in all {
            for name in names {
                if needs(api, region, name, described).await? {
                    own.push((holder, name.to_owned()));
                } else {
                    others.push(format!("the {} `{name}`", api.kind()));
                }
            }
        }
    }
    // A role without its boundary would have more rights for a moment.
    let bounds = described.bounds;
    others.extend((bounds > 0).then(|| format!("{bounds} roles and users are bounded by it, and one of them")));
    Ok((own, others))
}

/// Whether an identity is of the policy's owner, and needs the policy by its mark.
async fn needs(api: &dyn Api, region: &Region, name: &str, policy: &Description) -> Result<bool, DriverError> {
    let mark = api.find(region, name).await?.and_then(|described| described.mark);
    let needs =
        |mark: &Mark, of: &Mark| Owner::new(&of.project, &of.environment).has(mark) && mark.needs.contains(&of.address);
    Ok(mark.zip(policy.mark.as_ref()).is_some_and(|(mark, of)| needs(&mark, of)))
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
