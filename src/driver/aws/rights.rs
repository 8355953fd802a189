//! What an identity of IAM may do: policies of its own, and those that are attached to it. Roles, users and groups have the same
//! calls under other names.

use std::collections::BTreeMap;

use async_trait::async_trait;
use litemap::LiteMap;

use super::api::{PartRead, PartWrite};
use super::error::{done, found};
use super::iam::{decode, grants, wanted_document};
use super::object::{Told, texts};
use super::region::Region;
use crate::driver::DriverError;
use crate::kind::document;
use crate::value::{Attributes, Text, Value};

/// The name of the inline policy that has what `allow`, `deny` and `policy` say.
const INLINE: &str = "atlas";

/// The attributes that say what an identity may do. A new one may nothing yet.
pub(super) const RIGHTS: [&str; 5] = ["allow", "deny", "policy", "inline_policies", "policies"];

/// An identity that has policies.
#[async_trait]
pub(super) trait PolicyHolder: Sync {
    /// The names of its own policies.
    async fn inline_names(&self, region: &Region, name: &str) -> Result<Vec<String>, DriverError>;
    /// One of its own policies, as IAM hands it out; none when it is not there.
    async fn inline(&self, region: &Region, name: &str, policy: &str) -> Result<Option<String>, DriverError>;
    /// Writes one of its own policies.
    async fn put_inline(&self, region: &Region, name: &str, policy: &str, document: &str) -> Result<(), DriverError>;
    /// Deletes one of its own policies; one that is not there is as it should be.
    async fn delete_inline(&self, region: &Region, name: &str, policy: &str) -> Result<(), DriverError>;
    /// The ARNs of the policies that are attached to it.
    async fn attached(&self, region: &Region, name: &str) -> Result<Vec<String>, DriverError>;
    /// Attaches a policy.
    async fn attach(&self, region: &Region, name: &str, arn: &str) -> Result<(), DriverError>;
    /// Takes an attached policy away; one that it does not have is as it should be.
    async fn detach(&self, region: &Region, name: &str, arn: &str) -> Result<(), DriverError>;
}

/// Writes a holder down: its word, how calls name it, and the calls.
macro_rules! holder {
    ($holder:ident, $word:literal, $by:ident, $list:ident, $get:ident, $put:ident, $delete:ident, $attached:ident, $attach:ident, $detach:ident) => {
        #[doc = concat!("The policies of a ", $word, ".")]
        pub(super) struct $holder;

        #[async_trait]
        impl PolicyHolder for $holder {
            async fn inline_names(&self, region: &Region, name: &str) -> Result<Vec<String>, DriverError> {
                let mut pages = region.iam().await.$list().$by(name).into_paginator().send();
                let mut names = Vec::new();
                while let Some(page) = pages.next().await {
                    let page = found(concat!("listing the policies of a ", $word), page)?;
                    let Some(page) = page else { return Ok(names) };
                    names.extend_from_slice(page.policy_names());
                }
                Ok(names)
            }

            async fn inline(&self, region: &Region, name: &str, policy: &str) -> Result<Option<String>, DriverError> {
                let ask = region.iam().await.$get().$by(name).policy_name(policy).send().await;
                let answer = found(concat!("reading a policy of a ", $word), ask)?;
                Ok(answer.map(|answer| answer.policy_document().to_owned()))
            }

            async fn put_inline(
                &self,
                region: &Region,
                name: &str,
                policy: &str,
                document: &str,
            ) -> Result<(), DriverError> {
                let put = region.iam().await.$put().$by(name).policy_name(policy).policy_document(document);
                done(concat!("writing a policy of the ", $word), put.send().await).map(drop)
            }

            async fn delete_inline(&self, region: &Region, name: &str, policy: &str) -> Result<(), DriverError> {
                let delete = region.iam().await.$delete().$by(name).policy_name(policy).send().await;
                found(concat!("deleting a policy of the ", $word), delete).map(drop)
            }

            async fn attached(&self, region: &Region, name: &str) -> Result<Vec<String>, DriverError> {
                let mut pages = region.iam().await.$attached().$by(name).into_paginator().send();
                let mut arns = Vec::new();
                while let Some(page) = pages.next().await {
                    let page = found(concat!("listing the policies of a ", $word), page)?;
                    let Some(page) = page else { return Ok(arns) };
                    arns.extend(page.attached_policies().iter().filter_map(|one| one.policy_arn().map(str::to_owned)));
                }
                Ok(arns)
            }

            async fn attach(&self, region: &Region, name: &str, arn: &str) -> Result<(), DriverError> {
                let attach = region.iam().await.$attach().$by(name).policy_arn(arn).send().await;
                done(concat!("attaching a policy to the ", $word), attach).map(drop)
            }

            async fn detach(&self, region: &Region, name: &str, arn: &str) -> Result<(), DriverError> {
                let detach = region.iam().await.$detach().$by(name).policy_arn(arn).send().await;
                found(concat!("detaching a policy from the ", $word), detach).map(drop)
            }
        }
    };
}

holder! {
    RoleRights, "role", role_name, list_role_policies, get_role_policy, put_role_policy, delete_role_policy,
    list_attached_role_policies, attach_role_policy, detach_role_policy
}
holder! {
    UserRights, "user", user_name, list_user_policies, get_user_policy, put_user_policy, delete_user_policy,
    list_attached_user_policies, attach_user_policy, detach_user_policy
}
holder! {
    GroupRights, "group", group_name, list_group_policies, get_group_policy, put_group_policy, delete_group_policy,
    list_attached_group_policies, attach_group_policy, detach_group_policy
}

/// All that an identity may do by policies of its own but for one that says no right: rights that somebody added are rights that
/// the spec does not give.
pub(super) async fn inline(
    holder: &dyn PolicyHolder,
    at: PartRead<'_>,
    but: Option<&str>,
) -> Result<Told, DriverError> {
    let owner = &at.described.key;
    let (mut told, mut others) = (Told::new(), LiteMap::new_vec());
    for name in holder.inline_names(at.region, owner).await? {
        if but == Some(&*name) {
            continue;
        }
        let Some(stored) = holder.inline(at.region, owner, &name).await? else { continue };
        let stored = decode(&stored);
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
pub(super) async fn put_inline(holder: &dyn PolicyHolder, to: PartWrite<'_>) -> Result<(), DriverError> {
    let document = |attributes: &Attributes| -> BTreeMap<String, String> {
        let own = wanted_document(attributes, "policy").map(|document| (INLINE.to_owned(), document));
        named(attributes).map(|(name, document)| (name.to_owned(), document.to_owned())).chain(own).collect()
    };
    let (old, new) = (document(to.before), document(to.after));
    for (name, document) in &new {
        if old.get(name).is_none_or(|old| !document::same(old, document)) {
            holder.put_inline(to.region, to.key, name, document).await?;
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        holder.delete_inline(to.region, to.key, name).await?;
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

/// The policies that are attached to an identity.
pub(super) async fn policies(holder: &dyn PolicyHolder, at: PartRead<'_>) -> Result<Told, DriverError> {
    let attached = holder.attached(at.region, &at.described.key).await?;
    Ok(vec![("policies", Value::List(attached.iter().map(|arn| Value::from(arn.as_str())).collect()))])
}

/// Brings the attached policies from what they were to what they should be.
pub(super) async fn attach(holder: &dyn PolicyHolder, to: PartWrite<'_>) -> Result<(), DriverError> {
    let (old, new) = (texts(to.before, "policies"), texts(to.after, "policies"));
    for arn in old.iter().filter(|arn| !new.contains(arn)) {
        holder.detach(to.region, to.key, arn).await?;
    }
    for arn in new.iter().filter(|arn| !old.contains(arn)) {
        holder.attach(to.region, to.key, arn).await?;
    }
    Ok(())
}

/// Takes everything away that an identity may do, as IAM deletes none that has policies, but for one policy.
pub(super) async fn strip(
    holder: &dyn PolicyHolder,
    region: &Region,
    name: &str,
    but: Option<&str>,
) -> Result<(), DriverError> {
    for arn in holder.attached(region, name).await? {
        holder.detach(region, name, &arn).await?;
    }
    for policy in holder.inline_names(region, name).await?.iter().filter(|policy| but != Some(policy)) {
        holder.delete_inline(region, name, policy).await?;
    }
    Ok(())
}
