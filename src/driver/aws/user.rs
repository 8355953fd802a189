//! Users, over IAM: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html>. Atlas makes no keys and no passwords.

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_sdk_iam::config::Builder;
use aws_sdk_iam::types::{EntityType, Tag};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::api::{Api, Directory, ObjectPart, PartRead, PartWrite};
use super::error::{SdkError, code, done, found};
use super::iam::{found_in_details, name_in, tags, to_tags};
use super::mark::{self, Tags};
use super::object::{Description, Told, optional, text, texts};
use super::region::{ApiScope, Region};
use super::rights::{self, RIGHTS, UserRights};
use crate::driver::{Class, DriverError, Request};
use crate::kind::{Count, Usage, hindrance};
use crate::observed::Owner;
use crate::value::{Attributes, Value};

pub(super) struct Users;

static PARTS: &[ObjectPart] = &[
    ObjectPart { covers: &["path"], read: None, write: |to| Box::pin(put_path(to)), always: false, clear: None },
    ObjectPart {
        covers: &["permissions_boundary"],
        read: None,
        write: |to| Box::pin(put_boundary(to)),
        always: false,
        clear: Some(|to| Box::pin(remove_boundary(to))),
    },
    ObjectPart {
        covers: &["allow", "deny", "policy", "inline_policies"],
        read: Some(|at| Box::pin(rights::inline(&UserRights, at, None))),
        write: |to| Box::pin(rights::put_inline(&UserRights, to)),
        always: true,
        clear: None,
    },
    ObjectPart {
        covers: &["policies"],
        read: Some(|at| Box::pin(rights::policies(&UserRights, at))),
        write: |to| Box::pin(rights::attach(&UserRights, to)),
        always: true,
        clear: None,
    },
    ObjectPart {
        covers: &["groups"],
        read: Some(|at| Box::pin(groups(at))),
        write: |to| Box::pin(put_groups(to)),
        always: true,
        clear: None,
    },
];

#[async_trait]
impl Api for Users {
    fn kind(&self) -> &'static str {
        "user"
    }

    /// The tag search does not know users.
    fn directory(&self) -> Directory {
        Directory { scope: ApiScope::Account, search: None }
    }

    /// IAM tells the tags of a thousand in one call.
    async fn tagged(&self, region: &Region, owner: &Owner) -> Result<Option<Vec<String>>, DriverError> {
        let is_own =
            |name: &str, list: &[Tag]| mark::read(&tags(list), self.kind(), name).is_some_and(|mark| owner.has(&mark));
        found_in_details(region, EntityType::User, "reading the tags of all users", |page| {
            let all = page.user_detail_list().iter();
            let own = all.filter(|user| is_own(user.user_name().unwrap_or_default(), user.tags()));
            own.map(|user| user.user_name().unwrap_or_default().to_owned()).collect()
        })
        .await
    }

    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let mut pages = region.iam().await.list_users().max_items(1_000).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = done("listing users", page)?;
            names.extend(page.users().iter().map(|user| user.user_name().to_owned()));
        }
        Ok(names)
    }

    async fn find(&self, region: &Region, name: &str) -> Result<Option<Description>, DriverError> {
        let answer = found("reading a user", region.iam().await.get_user().user_name(name).send().await)?;
        let Some(user) = answer.and_then(|answer| answer.user) else { return Ok(None) };
        let mut described = Description::new(self.kind(), name, name, tags(user.tags()));
        let boundary = user.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
        described.attributes.extend([("path", user.path().into()), ("permissions_boundary", optional(boundary))]);
        Ok(Some(described))
    }

    async fn count(&self, region: &Region, described: &mut Description, _: Option<usize>) -> Result<(), DriverError> {
        described.usage = credentials(region, &described.key).await?;
        Ok(())
    }

    fn parts(&self) -> &'static [ObjectPart] {
        PARTS
    }

    fn fresh(&self, attributes: &Attributes) -> Attributes {
        let there = attributes.iter().filter(|(name, _)| !RIGHTS.contains(name) && *name != "groups");
        there.map(|(name, value)| (name, value.clone())).collect()
    }

    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError> {
        let (name, attributes) = (want.identity.name(), want.attributes);
        let make = region.iam().await.create_user().user_name(&*name).path(text(attributes, "path").unwrap_or("/"));
        let make = make.set_permissions_boundary(text(attributes, "permissions_boundary").map(str::to_owned));
        done("creating the user", make.set_tags(Some(to_tags(tags)?)).send().await)?;
        Ok(name.into_owned())
    }

    /// All tags are written at once, as emulators lose those of a user that is moved.
    async fn retag(&self, region: &Region, key: &str, there: &Tags, wanted: Tags) -> Result<(), DriverError> {
        let (gone, _) = mark::difference(there, wanted.clone());
        if !gone.is_empty() {
            self.untag(region, key, gone).await?;
        }
        let own: Tags = wanted.into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect();
        if own.is_empty() { Ok(()) } else { self.tag(region, key, own).await }
    }

    async fn untag(&self, region: &Region, key: &str, gone: Vec<String>) -> Result<(), DriverError> {
        let untag = region.iam().await.untag_user().user_name(key).set_tag_keys(Some(gone)).send().await;
        done("removing tags of the user", untag).map(drop)
    }

    async fn tag(&self, region: &Region, key: &str, fresh: Tags) -> Result<(), DriverError> {
        let tag = region.iam().await.tag_user().user_name(key).set_tags(Some(to_tags(&fresh)?)).send().await;
        done("tagging the user", tag).map(drop)
    }

    /// Deletes the user with all that Atlas gave it. IAM deletes none that somebody can sign in as, so all of it stays as long as
    /// anybody can: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>.
    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        let name = &described.key;
        if let Some(why) = hindrance(&credentials(region, name).await?) {
            let why = format!(
                "the user can't be deleted: {why}; nothing was taken from it, and what was made has to go first"
            );
            return Err(DriverError::new(Class::Conflict, why));
        }
        for group in groups_of(region, name).await? {
            leave(region, name, &group).await?;
        }
        rights::strip(&UserRights, region, name, None).await?;
        found("deleting the user", region.iam().await.delete_user().user_name(name).send().await).map(drop)
    }
}

/// What somebody made for a user to sign in with.
async fn credentials(region: &Region, name: &str) -> Result<Usage, DriverError> {
    let iam = region.iam().await;
    let keys = iam.list_access_keys().user_name(name).send().await;
    let password = iam.get_login_profile().user_name(name).send().await;
    let devices = iam.list_mfa_devices().user_name(name).send().await;
    let ssh = iam.list_ssh_public_keys().user_name(name).send().await;
    let certificates = iam.list_signing_certificates().user_name(name).send().await;
    let mut services = iam.list_service_specific_credentials().user_name(name).customize();
    let emulated = region.endpoint().is_some();
    if emulated {
        services = services.config_override(Builder::new().retry_config(RetryConfig::disabled()));
    }
    let counts = [
        ("access_keys", counted(keys, |all| all.access_key_metadata().len())?),
        ("passwords", counted(password, |_| 1)?),
        ("mfa_devices", counted(devices, |all| all.mfa_devices().len())?),
        ("ssh_keys", counted(ssh, |all| all.ssh_public_keys().len())?),
        ("certificates", counted(certificates, |all| all.certificates().len())?),
        (
            "service_credentials",
            match services.send().await {
                // An emulator without this call fails without the code of an error, and nobody could have made any there.
                Err(error) if emulated && error.as_service_error().is_some() && code(&error).is_empty() => {
                    Count::Exactly(0)
                }
                services => counted(services, |all| all.service_specific_credentials().len())?,
            },
        ),
    ];
    Ok(counts.into_iter().map(|(counter, count)| (counter.into(), count)).collect())
}

/// How many there are of a sort. What may not be listed is unknown.
fn counted<T, E>(answer: Result<T, SdkError<E>>, count: impl Fn(&T) -> usize) -> Result<Count, DriverError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match found("looking for credentials of the user", answer) {
        Ok(answer) => Ok(Count::Exactly(answer.map_or(0, |answer| count(&answer)) as u64)),
        Err(error) if error.class == Class::Denied => Ok(Count::Unknown),
        Err(error) => Err(error),
    }
}

async fn put_path(to: PartWrite<'_>) -> Result<(), DriverError> {
    let path = text(to.after, "path").unwrap_or("/");
    done("moving the user", to.region.iam().await.update_user().user_name(to.key).new_path(path).send().await).map(drop)
}

async fn put_boundary(to: PartWrite<'_>) -> Result<(), DriverError> {
    let arn = text(to.after, "permissions_boundary").unwrap_or_default();
    let put = to.region.iam().await.put_user_permissions_boundary().user_name(to.key).permissions_boundary(arn);
    done("bounding the user", put.send().await).map(drop)
}

async fn remove_boundary(to: PartWrite<'_>) -> Result<(), DriverError> {
    let gone = to.region.iam().await.delete_user_permissions_boundary().user_name(to.key).send().await;
    done("removing the boundary of the user", gone).map(drop)
}

/// The groups that the user is in: one that somebody put it into gives it rights that the spec does not give.
async fn groups(at: PartRead<'_>) -> Result<Told, DriverError> {
    let arns = groups_of(at.region, &at.described.key).await?;
    Ok(vec![("groups", Value::List(arns.iter().map(|arn| Value::from(arn.as_str())).collect()))])
}

/// The ARNs of the groups that a user is in.
async fn groups_of(region: &Region, name: &str) -> Result<Vec<String>, DriverError> {
    let mut pages = region.iam().await.list_groups_for_user().user_name(name).into_paginator().send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        let Some(page) = found("listing the groups of a user", page)? else { return Ok(arns) };
        arns.extend(page.groups().iter().map(|group| group.arn().to_owned()));
    }
    Ok(arns)
}

async fn put_groups(to: PartWrite<'_>) -> Result<(), DriverError> {
    let (old, new) = (texts(to.before, "groups"), texts(to.after, "groups"));
    for arn in new.iter().filter(|arn| !old.contains(arn)) {
        let join = to.region.iam().await.add_user_to_group().user_name(to.key).group_name(name_in(arn));
        done("putting the user into a group", join.send().await)?;
    }
    for arn in old.iter().filter(|arn| !new.contains(arn)) {
        leave(to.region, to.key, arn).await?;
    }
    Ok(())
}

async fn leave(region: &Region, name: &str, arn: &str) -> Result<(), DriverError> {
    let leave = region.iam().await.remove_user_from_group().user_name(name).group_name(name_in(arn));
    found("taking the user out of a group", leave.send().await).map(drop)
}
