//! Roles, over IAM.

use async_trait::async_trait;
use aws_sdk_iam::operation::list_instance_profiles_for_role::ListInstanceProfilesForRoleOutput;
use aws_sdk_iam::types::{EntityType, Tag};

use super::api::{Api, Directory, ObjectPart, PartWrite};
use super::error::{done, found};
use super::iam::{decode, found_in_details, tags, to_tags};
use super::mark::{self, Tags};
use super::object::{Description, optional, text};
use super::region::{ApiScope, Region};
use super::rights::{self, RIGHTS, RoleRights};
use crate::driver::protocol::is_managed;
use crate::driver::{Class, DriverError, Request};
use crate::kind::{document, duration};
use crate::observed::{Mark, Owner};
use crate::value::{Attributes, Value};

pub(super) struct Roles;

static PARTS: &[ObjectPart] = &[
    ObjectPart {
        covers: &["description", "max_session"],
        read: None,
        write: |to| Box::pin(put_settings(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["trust", "trust_policy"],
        read: None,
        write: |to| Box::pin(put_trust(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["permissions_boundary"],
        read: None,
        write: |to| Box::pin(put_boundary(to)),
        always: false,
        clear: Some(|to| Box::pin(remove_boundary(to))),
    },
    ObjectPart {
        covers: &["allow", "deny", "policy", "inline_policies"],
        read: Some(|at| Box::pin(rights::inline(&RoleRights, at, None))),
        write: |to| Box::pin(rights::put_inline(&RoleRights, to)),
        always: true,
        clear: None,
    },
    ObjectPart {
        covers: &["policies"],
        read: Some(|at| Box::pin(rights::policies(&RoleRights, at))),
        write: |to| Box::pin(rights::attach(&RoleRights, to)),
        always: true,
        clear: None,
    },
];

#[async_trait]
impl Api for Roles {
    fn kind(&self) -> &'static str {
        "role"
    }

    /// The tag search does not know roles.
    fn directory(&self) -> Directory {
        Directory { scope: ApiScope::Account, search: None }
    }

    /// IAM tells the tags of a thousand in one call.
    async fn tagged(&self, region: &Region, owner: &Owner) -> Result<Option<Vec<String>>, DriverError> {
        let is_own =
            |name: &str, list: &[Tag]| mark::read(&tags(list), self.kind(), name).is_some_and(|mark| owner.has(&mark));
        found_in_details(region, EntityType::Role, "reading the tags of all roles", |page| {
            let all = page.role_detail_list().iter();
            let own = all.filter(|role| is_own(role.role_name().unwrap_or_default(), role.tags()));
            own.map(|role| role.role_name().unwrap_or_default().to_owned()).collect()
        })
        .await
    }

    /// The names of all roles of the account but AWS's own.
    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let iam = region.iam().await;
        let mut pages = iam.list_roles().max_items(1_000).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = done("listing roles", page)?;
            let own = page.roles().iter().filter(|role| !role.path().starts_with("/aws-"));
            names.extend(own.map(|role| role.role_name().to_owned()));
        }
        Ok(names)
    }

    async fn find(&self, region: &Region, name: &str) -> Result<Option<Description>, DriverError> {
        let answer = found("reading a role", region.iam().await.get_role().role_name(name).send().await)?;
        let Some(role) = answer.and_then(|answer| answer.role) else { return Ok(None) };
        let mut described = Description::new(self.kind(), name, name, tags(role.tags()));
        let boundary = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
        let session = u64::try_from(role.max_session_duration().unwrap_or(3_600)).unwrap_or(3_600);
        described.attributes.extend([
            ("path", role.path().into()),
            ("description", optional(role.description())),
            ("permissions_boundary", optional(boundary)),
            ("max_session", duration::format(session).as_str().into()),
        ]);
        described.detail = decode(role.assume_role_policy_document().unwrap_or_default());
        Ok(Some(described))
    }

    async fn complete(
        &self,
        region: &Region,
        described: &mut Description,
        wanted: Option<&Attributes>,
    ) -> Result<bool, DriverError> {
        let account = region.account().await?;
        described.attributes.push(trust(&described.detail, account, described.mark.as_ref(), wanted));
        Ok(true)
    }

    fn parts(&self) -> &'static [ObjectPart] {
        PARTS
    }

    fn fresh(&self, attributes: &Attributes) -> Attributes {
        let there = attributes.iter().filter(|(name, _)| !RIGHTS.contains(name));
        there.map(|(name, value)| (name, value.clone())).collect()
    }

    /// The policies that it names have to be there: its boundary is a part of the creation, and the others are attached after it.
    async fn prepare(&self, region: &Region, want: &Request<'_>) -> Result<(), DriverError> {
        let iam = region.iam().await;
        let (boundary, policies) =
            (text(want.attributes, "permissions_boundary"), want.attributes.get("policies").items());
        for arn in boundary.into_iter().chain(policies.iter().filter_map(Value::as_str)) {
            match found("reading a policy of the role", iam.get_policy().policy_arn(arn).send().await) {
                Ok(None) => return Err(DriverError::new(Class::Invalid, format!("there is no policy `{arn}`"))),
                // The rights to make a role are not those to read a policy.
                Err(error) if error.class == Class::Denied => {}
                read => drop(read?),
            }
        }
        Ok(())
    }

    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError> {
        let (name, attributes) = (want.identity.name(), want.attributes);
        let make = region.iam().await.create_role();
        let made = make
            .role_name(&*name)
            .path(text(attributes, "path").unwrap_or("/"))
            .set_description(text(attributes, "description").map(str::to_owned))
            .assume_role_policy_document(wanted_trust(attributes, region.account().await?))
            .set_permissions_boundary(text(attributes, "permissions_boundary").map(str::to_owned))
            .max_session_duration(session(attributes))
            .set_tags(Some(to_tags(tags)?))
            .send()
            .await;
        done("creating the role", made)?;
        Ok(name.into_owned())
    }

    async fn untag(&self, region: &Region, key: &str, gone: Vec<String>) -> Result<(), DriverError> {
        let untag = region.iam().await.untag_role().role_name(key).set_tag_keys(Some(gone)).send().await;
        done("removing tags of the role", untag).map(drop)
    }

    async fn tag(&self, region: &Region, key: &str, fresh: Tags) -> Result<(), DriverError> {
        let tag = region.iam().await.tag_role().role_name(key).set_tags(Some(to_tags(&fresh)?)).send().await;
        done("tagging the role", tag).map(drop)
    }

    /// Deletes the role with all that hangs on it, which IAM asks for:
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>. An instance profile is an object of its
    /// own, so a role that one holds stays whole.
    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        let name = &described.key;
        let iam = region.iam().await;
        if let Some(profile) = profile_of(region, name).await? {
            // IAM reports that a profile has just released it a little later, so the step is tried again.
            let why = format!("the role can't be deleted: the instance profile `{profile}` still holds it");
            return Err(DriverError::new(Class::Transient, why));
        }
        rights::strip(&RoleRights, region, name, None).await?;
        found("deleting the role", iam.delete_role().role_name(name).send().await).map(drop)
    }
}

async fn put_settings(to: PartWrite<'_>) -> Result<(), DriverError> {
    let description = text(to.after, "description").unwrap_or_default();
    let set = to.region.iam().await.update_role().role_name(to.key).description(description);
    let set = set.max_session_duration(session(to.after)).send().await;
    done("changing the role", set).map(drop)
}

/// Writes the trust policy, unless the one that is there means the same.
async fn put_trust(to: PartWrite<'_>) -> Result<(), DriverError> {
    let account = to.region.account().await?;
    let trust = wanted_trust(to.after, account);
    if document::same(&trust, &wanted_trust(to.before, account)) {
        return Ok(());
    }
    let set = to.region.iam().await.update_assume_role_policy().role_name(to.key).policy_document(trust);
    done("changing the trust policy of the role", set.send().await).map(drop)
}

async fn put_boundary(to: PartWrite<'_>) -> Result<(), DriverError> {
    let arn = text(to.after, "permissions_boundary").unwrap_or_default();
    let put = to.region.iam().await.put_role_permissions_boundary().role_name(to.key).permissions_boundary(arn);
    done("bounding the role", put.send().await).map(drop)
}

async fn remove_boundary(to: PartWrite<'_>) -> Result<(), DriverError> {
    let gone = to.region.iam().await.delete_role_permissions_boundary().role_name(to.key).send().await;
    done("removing the boundary of the role", gone).map(drop)
}

/// An instance profile that holds the role.
async fn profile_of(region: &Region, name: &str) -> Result<Option<String>, DriverError> {
    let ask = region.iam().await.list_instance_profiles_for_role().role_name(name);
    let answer = found("looking for instance profiles that hold the role", ask.send().await)?;
    let name = |answer: ListInstanceProfilesForRoleOutput| {
        answer.instance_profiles().first().map(|profile| profile.instance_profile_name().to_owned())
    };
    Ok(answer.and_then(name))
}

/// The trust policy in the form that the spec uses.
fn trust(stored: &str, account: &str, mark: Option<&Mark>, wanted: Option<&Attributes>) -> (&'static str, Value) {
    let said = wanted.and_then(|wanted| text(wanted, "trust_policy"));
    if let Some(said) = said.filter(|said| document::same(said, stored)) {
        return ("trust_policy", said.into());
    }
    let long = is_managed("trust_policy", mark, wanted);
    match document::to_trust(stored, account).filter(|_| !long) {
        Some(trust) => ("trust", trust),
        None => ("trust_policy", document::normal(stored).as_str().into()),
    }
}

fn wanted_trust(attributes: &Attributes, account: &str) -> String {
    match text(attributes, "trust_policy") {
        Some(document) => document.to_owned(),
        None => document::from_trust(attributes.get("trust"), account),
    }
}

fn session(attributes: &Attributes) -> i32 {
    let seconds = text(attributes, "max_session").and_then(|text| duration::parse(text).ok()).unwrap_or(3_600);
    i32::try_from(seconds).unwrap_or(3_600)
}
