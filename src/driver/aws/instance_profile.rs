//! Instance profiles, over IAM: what hands a role to the machines of EC2. A profile holds one role at most:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html>.

use async_trait::async_trait;

use super::api::{Api, Directory, ObjectPart, PartWrite};
use super::error::{done, found};
use super::iam::{name_in, tags, to_tags};
use super::mark::Tags;
use super::object::{Description, text};
use super::region::Region;
use crate::driver::{DriverError, Request};
use crate::value::{Attributes, Value};

pub(super) struct InstanceProfiles;

static PARTS: &[ObjectPart] = &[ObjectPart {
    covers: &["role"],
    read: None,
    write: |to| Box::pin(put_role(to)),
    always: false,
    clear: Some(|to| Box::pin(remove_role(to.region, to.key, to.before))),
}];

#[async_trait]
impl Api for InstanceProfiles {
    fn kind(&self) -> &'static str {
        "instance_profile"
    }

    fn directory(&self) -> Directory {
        Directory::of_account("iam:instance-profile", |arn| Some(name_in(arn.split_once(":instance-profile/")?.1)))
    }

    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let mut pages = region.iam().await.list_instance_profiles().max_items(1_000).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(done("listing instance profiles", page)?.instance_profiles);
        }
        Ok(found.into_iter().map(|profile| profile.instance_profile_name).collect())
    }

    async fn find(&self, region: &Region, name: &str) -> Result<Option<Description>, DriverError> {
        let ask = region.iam().await.get_instance_profile().instance_profile_name(name);
        let answer = found("reading an instance profile", ask.send().await)?;
        let Some(profile) = answer.and_then(|answer| answer.instance_profile) else { return Ok(None) };
        let mut described = Description::new(self.kind(), name, name, tags(profile.tags()));
        let role = profile.roles().first().map(|role| Value::from(role.arn())).unwrap_or_default();
        described.attributes.extend([("path", profile.path().into()), ("role", role)]);
        Ok(Some(described))
    }

    fn parts(&self) -> &'static [ObjectPart] {
        PARTS
    }

    /// A new profile holds no role yet.
    fn fresh(&self, attributes: &Attributes) -> Attributes {
        attributes.iter().filter(|(name, _)| *name != "role").map(|(name, value)| (name, value.clone())).collect()
    }

    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError> {
        let name = want.identity.name();
        let make = region.iam().await.create_instance_profile().instance_profile_name(&*name);
        let make = make.path(text(want.attributes, "path").unwrap_or("/")).set_tags(Some(to_tags(tags)?));
        done("creating the instance profile", make.send().await)?;
        Ok(name.into_owned())
    }

    async fn untag(&self, region: &Region, key: &str, gone: Vec<String>) -> Result<(), DriverError> {
        let untag = region.iam().await.untag_instance_profile().instance_profile_name(key);
        done("removing tags of the instance profile", untag.set_tag_keys(Some(gone)).send().await).map(drop)
    }

    async fn tag(&self, region: &Region, key: &str, fresh: Tags) -> Result<(), DriverError> {
        let tag = region.iam().await.tag_instance_profile().instance_profile_name(key);
        done("tagging the instance profile", tag.set_tags(Some(to_tags(&fresh)?)).send().await).map(drop)
    }

    /// IAM deletes only a profile that holds no role.
    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        remove_role(region, &described.key, &described.attributes.iter().cloned().collect()).await?;
        let delete = region.iam().await.delete_instance_profile().instance_profile_name(&described.key);
        found("deleting the instance profile", delete.send().await).map(drop)
    }
}

async fn put_role(to: PartWrite<'_>) -> Result<(), DriverError> {
    remove_role(to.region, to.key, to.before).await?;
    let role = name_in(text(to.after, "role").unwrap_or_default());
    let add = to.region.iam().await.add_role_to_instance_profile().instance_profile_name(to.key);
    done("adding the role to the instance profile", add.role_name(role).send().await).map(drop)
}

async fn remove_role(region: &Region, name: &str, before: &Attributes) -> Result<(), DriverError> {
    let Some(role) = text(before, "role").map(name_in) else { return Ok(()) };
    let remove = region.iam().await.remove_role_from_instance_profile().instance_profile_name(name);
    found("removing the role from the instance profile", remove.role_name(role).send().await).map(drop)
}
