//! What the kinds of IAM have in common: tags, documents, and statements in the spec's short form.

use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
use aws_sdk_iam::types::{EntityType, Tag};

use super::error::done;
use super::mark::Tags;
use super::object::text;
use super::region::Region;
use crate::driver::protocol::is_managed;
use crate::driver::{Class, DriverError};
use crate::kind::document;
use crate::observed::Mark;
use crate::value::{Attributes, Value};

/// The tags of an object.
pub(super) fn tags(list: &[Tag]) -> Tags {
    list.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// The names that somebody finds among the details of all identities of a sort, which IAM tells a thousand of in one call; none
/// where that is denied. `what` is being read.
pub(super) async fn found_in_details(
    region: &Region,
    sort: EntityType,
    what: &str,
    names_in: impl Fn(&GetAccountAuthorizationDetailsOutput) -> Vec<String> + Send + Sync,
) -> Result<Option<Vec<String>>, DriverError> {
    let ask = region.iam().await.get_account_authorization_details().filter(sort).max_items(1_000);
    let mut pages = ask.into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        match done(what, page) {
            Ok(page) => names.extend(names_in(&page)),
            Err(error) if error.class == Class::Denied => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(names))
}

/// Tags as IAM takes them.
pub(super) fn to_tags(tags: &Tags) -> Result<Vec<Tag>, DriverError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let built: Result<Vec<Tag>, _> = tags.iter().map(tag).collect();
    built.map_err(|error| DriverError::from_source(Class::Invalid, "a tag can't be made", error))
}

/// The name at the end of an ARN, by which IAM's calls name a role.
pub(super) fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

/// The statements of an object in the form that the spec uses: its short form, unless the spec writes JSON or did when it
/// was last applied, or the short form can't say all of it. `raw` is the attribute for the JSON.
pub(super) fn grants(
    raw: &'static str,
    stored: &str,
    mark: Option<&Mark>,
    wanted: Option<&Attributes>,
) -> Vec<(&'static str, Value)> {
    let said = wanted.and_then(|wanted| text(wanted, raw));
    if let Some(said) = said.filter(|said| document::same(said, stored)) {
        return vec![(raw, said.into())];
    }
    let short = !is_managed(raw, mark, wanted);
    match document::to_grants(stored).filter(|_| short) {
        Some(found) => ["allow", "deny"]
            .into_iter()
            .zip([found.0, found.1])
            .map(|(name, list)| {
                let said = wanted.map_or(&Value::Null, |wanted| wanted.get(name));
                (name, document::worded_like(said, list))
            })
            .collect(),
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

/// IAM hands out documents with their special characters encoded as in addresses:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
