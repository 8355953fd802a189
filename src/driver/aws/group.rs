//! Groups, over IAM: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html>. A group takes no tags, so its mark is an
//! inline policy that allows nothing: the one action in it needs no right, and its conditions are the tags of the mark.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::{EntityType, GroupDetail};
use serde_json::json;

use super::api::{Api, Directory, ObjectPart, PartWrite};
use super::error::{done, found};
use super::iam::{decode, found_in_details};
use super::mark::{self, Tags};
use super::object::{Description, text};
use super::region::{ApiScope, Region};
use super::rights::{self, GroupRights, PolicyHolder as _, RIGHTS};
use crate::driver::{Class, DriverError, Request};
use crate::kind::json::meaning;
use crate::observed::Owner;
use crate::value::{Attributes, Text, Value};

pub(super) struct Groups;

/// The name of the inline policy that is the mark.
const MARK: &str = "atlas-mark";

/// What stands before each key of the mark in the conditions.
const KEY: &str = "aws:PrincipalTag/";

static PARTS: &[ObjectPart] = &[
    ObjectPart { covers: &["path"], read: None, write: |to| Box::pin(put_path(to)), always: false, clear: None },
    ObjectPart {
        covers: &["allow", "deny", "policy", "inline_policies"],
        read: Some(|at| Box::pin(rights::inline(&GroupRights, at, Some(MARK)))),
        write: |to| Box::pin(rights::put_inline(&GroupRights, to)),
        always: true,
        clear: None,
    },
    ObjectPart {
        covers: &["policies"],
        read: Some(|at| Box::pin(rights::policies(&GroupRights, at))),
        write: |to| Box::pin(rights::attach(&GroupRights, to)),
        always: true,
        clear: None,
    },
];

#[async_trait]
impl Api for Groups {
    fn kind(&self) -> &'static str {
        "group"
    }

    fn creates_tagged(&self) -> bool {
        false
    }

    fn directory(&self) -> Directory {
        Directory { scope: ApiScope::Account, search: None }
    }

    /// IAM tells the inline policies of a thousand in one call.
    async fn tagged(&self, region: &Region, owner: &Owner) -> Result<Option<Vec<String>>, DriverError> {
        found_in_details(region, EntityType::Group, "reading the marks of all groups", |page| {
            let is_own = |group: &&GroupDetail| {
                let mut policies = group.group_policy_list().iter();
                let policy = policies.find(|policy| policy.policy_name() == Some(MARK));
                let tags = policy.and_then(|policy| Some(mark_in(&decode(policy.policy_document()?))));
                let mark = tags.and_then(|tags| mark::read(&tags, self.kind(), group.group_name().unwrap_or_default()));
                mark.is_some_and(|mark| owner.has(&mark))
            };
            let own = page.group_detail_list().iter().filter(is_own);
            own.map(|group| group.group_name().unwrap_or_default().to_owned()).collect()
        })
        .await
    }

    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let mut pages = region.iam().await.list_groups().max_items(1_000).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = done("listing groups", page)?;
            names.extend(page.groups().iter().map(|group| group.group_name().to_owned()));
        }
        Ok(names)
    }

    async fn find(&self, region: &Region, name: &str) -> Result<Option<Description>, DriverError> {
        let answer =
            found("reading a group", region.iam().await.get_group().group_name(name).max_items(1).send().await)?;
        let Some(group) = answer.and_then(|answer| answer.group) else { return Ok(None) };
        let mark = GroupRights.inline(region, name, MARK).await?;
        let tags = mark.map(|document| mark_in(&decode(&document))).unwrap_or_default();
        let mut described = Description::new(self.kind(), name, name, tags);
        described.attributes.push(("path", group.path().into()));
        Ok(Some(described))
    }

    fn parts(&self) -> &'static [ObjectPart] {
        PARTS
    }

    fn fresh(&self, attributes: &Attributes) -> Attributes {
        let there = attributes.iter().filter(|(name, _)| !RIGHTS.contains(name));
        there.map(|(name, value)| (name, value.clone())).collect()
    }

    /// Makes the group, and its mark at once.
    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError> {
        let name = want.identity.name().into_owned();
        let make = region.iam().await.create_group().group_name(&name);
        done("creating the group", make.path(text(want.attributes, "path").unwrap_or("/")).send().await)?;
        GroupRights.put_inline(region, &name, MARK, &document_of(tags)).await?;
        Ok(name)
    }

    async fn retag(&self, region: &Region, key: &str, there: &Tags, wanted: Tags) -> Result<(), DriverError> {
        if !wanted.is_empty() {
            return GroupRights.put_inline(region, key, MARK, &document_of(&wanted)).await;
        }
        if there.is_empty() {
            return Ok(());
        }
        let gone = region.iam().await.delete_group_policy().group_name(key).policy_name(MARK).send().await;
        done("removing the mark of the group", gone).map(drop)
    }

    /// IAM deletes only a group without members and policies. Its mark is the last of them to go.
    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        let name = &described.key;
        let iam = region.iam().await;
        let answer = found("reading the members of a group", iam.get_group().group_name(name).send().await)?;
        let members = answer.map(|answer| answer.users).unwrap_or_default();
        if let Some(first) = members.first() {
            // IAM reports that a user has just left a little later, so the step is tried again.
            let why = format!("the group can't be deleted: the user `{}` is in it still", first.user_name());
            return Err(DriverError::new(Class::Transient, why));
        }
        rights::strip(&GroupRights, region, name, Some(MARK)).await?;
        GroupRights.delete_inline(region, name, MARK).await?;
        found("deleting the group", iam.delete_group().group_name(name).send().await).map(drop)
    }
}

async fn put_path(to: PartWrite<'_>) -> Result<(), DriverError> {
    let path = text(to.after, "path").unwrap_or("/");
    let update = to.region.iam().await.update_group().group_name(to.key).new_path(path).send().await;
    done("moving the group", update).map(drop)
}

/// The policy that holds the tags of a mark.
fn document_of(tags: &Tags) -> String {
    let tests: BTreeMap<String, &String> = tags.iter().map(|(key, value)| (format!("{KEY}{key}"), value)).collect();
    let statement = json!({
        "Sid": "AtlasMark",
        "Effect": "Allow",
        // Nobody needs a right to it: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.
        "Action": "sts:GetCallerIdentity",
        "Resource": "*",
        "Condition": { "StringEquals": tests },
    });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

/// The tags of a mark in the policy that holds them; none in another policy.
fn mark_in(document: &str) -> Tags {
    let document = meaning(document);
    let tests = document.at("Statement.0.Condition.StringEquals");
    let Some(Value::Map(tests)) = tests else { return Tags::new() };
    let tag = |(key, value): (&Text, &Value)| Some((key.strip_prefix(KEY)?.to_owned(), value.as_str()?.to_owned()));
    tests.iter().filter_map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::{Tags, document_of, mark_in};

    #[test]
    fn a_mark_survives_its_policy() {
        let tags: Tags = [("atlas:project", "p"), ("atlas:applied", "name:1 path:2/")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(mark_in(&document_of(&tags)), tags);
        for other in
            ["", "{}", "{\"Statement\":{}}", "{\"Statement\":[{\"Condition\":{\"StringEquals\":{\"a\":\"b\"}}}]}"]
        {
            assert_eq!(mark_in(other), Tags::new(), "{other}");
        }
    }
}
