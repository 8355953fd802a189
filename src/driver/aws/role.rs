//! Roles, over IAM.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::operation::list_instance_profiles_for_role::ListInstanceProfilesForRoleOutput;
use aws_sdk_iam::types::EntityType;
use litemap::LiteMap;

use super::api::{Api, Directory, ObjectPart, PartRead, PartWrite};
use super::error::{done, found};
use super::iam::{decode, grants, tags, to_tags, wanted_document};
use super::mark::{self, Tags};
use super::object::{Description, Told, optional, text};
use super::region::{ApiScope, Region};
use crate::driver::protocol::is_managed;
use crate::driver::{Class, DriverError, Request};
use crate::kind::{document, duration};
use crate::observed::{Mark, Owner};
use crate::value::{Attributes, Text, Value};

/// The name of the inline policy that has what `allow`, `deny` and `policy` say.
const INLINE: &str = "atlas";

/// What a new role does not have yet.
const AFTERWARDS: [&str; 5] = ["allow", "deny", "policy", "inline_policies", "policies"];

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
        read: Some(|at| Box::pin(inline(at))),
        write: |to| Box::pin(put_inline(to)),
        always: true,
        clear: None,
    },
    ObjectPart {
        covers: &["policies"],
        read: Some(|at| Box::pin(policies(at))),
        write: |to| Box::pin(attach(to)),
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
        let ask = region.iam().await.get_account_authorization_details().filter(EntityType::Role).max_items(1_000);
        let mut pages = ask.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match done("reading the tags of all roles", page) {
                Ok(page) => page,
                Err(error) if error.class == Class::Denied => return Ok(None),
                Err(error) => return Err(error),
            };
            for role in page.role_detail_list() {
                let name = role.role_name().unwrap_or_default();
                if mark::read(&tags(role.tags()), self.kind(), name).is_some_and(|mark| owner.has(&mark)) {
                    names.push(name.to_owned());
                }
            }
        }
        Ok(Some(names))
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
        let there = attributes.iter().filter(|(name, _)| !AFTERWARDS.contains(name));
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
        for arn in attached(region, name).await? {
            detach(region, name, &arn).await?;
        }
        for policy in inline_names(region, name).await? {
            delete_inline(region, name, &policy).await?;
        }
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

/// All that the role may do by policies of its own: rights that somebody added are rights that the spec does not give.
async fn inline(at: PartRead<'_>) -> Result<Told, DriverError> {
    let iam = at.region.iam().await;
    let role = &at.described.key;
    let (mut told, mut others) = (Told::new(), LiteMap::new_vec());
    for name in inline_names(at.region, role).await? {
        let ask = iam.get_role_policy().role_name(role).policy_name(&name);
        let Some(answer) = found("reading a policy of a role", ask.send().await)? else { continue };
        let stored = decode(answer.policy_document());
        if name == INLINE {
            told.extend(grants("policy", &stored, at.described.mark.as_ref(), at.wanted));
        } else {
            let document = said_or(&stored, at.wanted, &name);
            others.insert(Text::from(name), Value::from(document.as_str()));
        }
    }
    told.push(("inline_policies", Value::Map(others)));
    Ok(told)
}

/// A further inline policy as the spec says it, where that means the same.
fn said_or(stored: &str, wanted: Option<&Attributes>, name: &str) -> String {
    let said = wanted.and_then(|wanted| named(wanted).find(|(own, _)| *own == name));
    said.map(|(_, said)| said).filter(|said| document::same(said, stored)).unwrap_or(stored).to_owned()
}

/// Writes the inline policies that do not mean the same as those that are there, and deletes the others.
async fn put_inline(to: PartWrite<'_>) -> Result<(), DriverError> {
    let document = |attributes: &Attributes| -> BTreeMap<String, String> {
        let own = wanted_document(attributes, "policy").map(|document| (INLINE.to_owned(), document));
        named(attributes).map(|(name, document)| (name.to_owned(), document.to_owned())).chain(own).collect()
    };
    let (old, new) = (document(to.before), document(to.after));
    for (name, document) in &new {
        if old.get(name).is_none_or(|old| !document::same(old, document)) {
            let put = to.region.iam().await.put_role_policy().role_name(to.key).policy_name(name);
            done("writing a policy of the role", put.policy_document(document).send().await)?;
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        delete_inline(to.region, to.key, name).await?;
    }
    Ok(())
}

/// The further inline policies that attributes say, by name.
fn named(attributes: &Attributes) -> impl Iterator<Item = (&str, &str)> {
    let entries = match attributes.get("inline_policies") {
        Value::Map(entries) => Some(entries.iter()),
        _ => None,
    };
    entries.into_iter().flatten().filter_map(|(name, document)| Some((name.as_str(), document.as_str()?)))
}

async fn policies(at: PartRead<'_>) -> Result<Told, DriverError> {
    let attached = attached(at.region, &at.described.key).await?;
    Ok(vec![("policies", Value::List(attached.iter().map(|arn| Value::from(arn.as_str())).collect()))])
}

/// Brings the attached policies from what they were to what they should be.
async fn attach(to: PartWrite<'_>) -> Result<(), DriverError> {
    let arns = |attributes: &Attributes| -> Vec<String> {
        attributes.get("policies").items().iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (old, new) = (arns(to.before), arns(to.after));
    for arn in old.iter().filter(|arn| !new.contains(arn)) {
        detach(to.region, to.key, arn).await?;
    }
    for arn in new.iter().filter(|arn| !old.contains(arn)) {
        let attach = to.region.iam().await.attach_role_policy().role_name(to.key).policy_arn(arn).send().await;
        done("attaching a policy to the role", attach)?;
    }
    Ok(())
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

async fn attached(region: &Region, name: &str) -> Result<Vec<String>, DriverError> {
    let iam = region.iam().await;
    let mut pages = iam.list_attached_role_policies().role_name(name).into_paginator().send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        let Some(page) = found("listing the policies of a role", page)? else { return Ok(arns) };
        arns.extend(page.attached_policies().iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)));
    }
    Ok(arns)
}

async fn inline_names(region: &Region, role: &str) -> Result<Vec<String>, DriverError> {
    let iam = region.iam().await;
    let mut pages = iam.list_role_policies().role_name(role).into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let Some(page) = found("listing the policies of a role", page)? else { return Ok(names) };
        names.extend_from_slice(page.policy_names());
    }
    Ok(names)
}

/// Takes a managed policy from a role; one that does not have it is as it should be.
pub(super) async fn detach(region: &Region, name: &str, arn: &str) -> Result<(), DriverError> {
    let detach = region.iam().await.detach_role_policy().role_name(name).policy_arn(arn);
    found("detaching a policy from the role", detach.send().await).map(drop)
}

async fn delete_inline(region: &Region, name: &str, policy: &str) -> Result<(), DriverError> {
    let delete = region.iam().await.delete_role_policy().role_name(name).policy_name(policy);
    found("deleting a policy of the role", delete.send().await).map(drop)
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
