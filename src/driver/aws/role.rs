//! Roles, over IAM.

use super::error::{classify, is_absent};
use super::mark::{self, Tags};
use super::policy::{grants, tags, to_tags, wanted_document};
use super::region::Region;
use super::sight::{Names, Sight, is_managed};
use super::{decode, resolve, text};
use crate::driver::{DriverError, Request};
use crate::kind::{self, Outputs, Usage, document, duration};
use crate::value::{Attributes, Value};

/// The name of the one inline policy that is Atlas's.
const INLINE: &str = "atlas";

/// The names of all roles of the account but AWS's own.
pub(super) async fn list(region: &Region) -> Result<Vec<String>, DriverError> {
    let iam = &region.clients().await.iam;
    let mut pages = iam.list_roles().into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify("listing roles", &error))?;
        let own = page.roles().iter().filter(|role| !role.path().starts_with("/aws-"));
        names.extend(own.map(|role| role.role_name().to_owned()));
    }
    Ok(names)
}

/// Looks at one role, as far as it is Atlas's business.
pub(super) async fn look(
    region: &Region,
    name: &str,
    wanted: Option<&Attributes>,
    any: bool,
) -> Result<Option<Sight>, DriverError> {
    let iam = &region.clients().await.iam;
    let role = match iam.get_role().role_name(name).send().await {
        Ok(answer) => answer.role,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(classify("reading a role", &error)),
    };
    let Some(role) = role else { return Ok(None) };
    let tags = tags(role.tags());
    if !any && mark::read(&tags).is_none() {
        return Ok(None);
    }
    let boundary = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
    let session = u64::try_from(role.max_session_duration().unwrap_or(3_600)).unwrap_or(3_600);
    let optional = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(Value::from).unwrap_or_default();
    let mut attributes = vec![
        ("name", name.into()),
        ("path", role.path().into()),
        ("description", optional(role.description())),
        ("permissions_boundary", optional(boundary)),
        ("max_session", duration::format(session).as_str().into()),
    ];
    let account = region.account().await?;
    let stored = decode(role.assume_role_policy_document().unwrap_or_default());
    attributes.push(trust(&stored, account, &tags, wanted));
    let managed = |names: &[&str]| names.iter().any(|name| is_managed(name, &tags, wanted));
    if managed(&["allow", "deny", "policy"])
        && let Some(stored) = inline(region, name).await?
    {
        attributes.extend(grants("policy", &stored, &tags, wanted));
    }
    if managed(&["policies"]) {
        let attached = attached(region, name).await?;
        let items = attached.iter().map(|arn| Value::from(arn.as_str()));
        attributes.push(("policies", Value::List(items.collect())));
    }
    Ok(Some(Sight {
        kind: kind::get("role").unwrap_or(kind::ALL[0]),
        identity: format!("{}/role/{name}", region.identity()),
        host: region.identity(),
        arn: role.arn().to_owned(),
        tags,
        attributes,
        outputs: Outputs::default(),
        usage: Usage::default(),
    }))
}

/// Makes the role with its tags, then what hangs on it.
pub(super) async fn create(
    region: &Region,
    name: &str,
    request: &Request<'_>,
    names: &Names,
) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    let attributes = request.attributes;
    let made = iam
        .create_role()
        .role_name(name)
        .path(text(attributes, "path").unwrap_or("/"))
        .set_description(text(attributes, "description").map(str::to_owned))
        .assume_role_policy_document(wanted_trust(attributes, region.account().await?))
        .set_permissions_boundary(text(attributes, "permissions_boundary").map(str::to_owned))
        .max_session_duration(session(attributes))
        .set_tags(Some(to_tags(&mark::write(request.mark, attributes))?))
        .send()
        .await;
    let made = made.map_err(|error| classify("creating the role", &error))?;
    let arn = made.role().map(|role| role.arn().to_owned()).unwrap_or_default();
    names.learn(&request.mark.address, &arn);
    attach(region, name, &Attributes::default(), attributes, names).await
}

/// Brings the role that is there to the request's attributes, with as few calls as that takes.
pub(super) async fn update(
    region: &Region,
    name: &str,
    there: &Sight,
    request: &Request<'_>,
    names: &Names,
) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    let attributes = request.attributes;
    let before: Attributes = there.attributes.iter().cloned().collect();
    let account = region.account().await?;
    let changed = |name: &str| before.get(name) != attributes.get(name);
    if changed("description") || changed("max_session") {
        let description = text(attributes, "description").unwrap_or_default();
        let set = iam.update_role().role_name(name).description(description).max_session_duration(session(attributes));
        set.send().await.map_err(|error| classify("changing the role", &error))?;
    }
    let trust = wanted_trust(attributes, account);
    if !document::same(&trust, &wanted_trust(&before, account)) {
        let set = iam.update_assume_role_policy().role_name(name).policy_document(trust).send().await;
        set.map_err(|error| classify("changing the trust policy of the role", &error))?;
    }
    if changed("permissions_boundary") {
        match text(attributes, "permissions_boundary") {
            Some(arn) => {
                let set = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(arn).send().await;
                set.map_err(|error| classify("bounding the role", &error))?;
            }
            None => {
                let gone = iam.delete_role_permissions_boundary().role_name(name).send().await;
                gone.map_err(|error| classify("removing the boundary of the role", &error))?;
            }
        }
    }
    attach(region, name, &before, attributes, names).await?;
    let tags = mark::merged(&there.tags, request.mark, request.attributes);
    retag(region, name, &there.tags, tags).await?;
    names.learn(&request.mark.address, &there.arn);
    Ok(())
}

/// Leaves the role without its mark.
pub(super) async fn forget(region: &Region, name: &str, there: &Sight) -> Result<(), DriverError> {
    retag(region, name, &there.tags, mark::without(&there.tags)).await
}

/// Deletes the role with all that hangs on it, which IAM asks for:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>.
pub(super) async fn delete(region: &Region, name: &str) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    for arn in attached(region, name).await? {
        detach(region, name, &arn).await?;
    }
    let inline = match iam.list_role_policies().role_name(name).send().await {
        Ok(answer) => answer.policy_names,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(classify("listing the policies of a role", &error)),
    };
    for policy in inline {
        delete_inline(region, name, &policy).await?;
    }
    match iam.delete_role().role_name(name).send().await {
        Err(error) if !is_absent(&error) => Err(classify("deleting the role", &error)),
        _ => Ok(()),
    }
}

/// Brings the inline policy and the attached ones from what they were to what they should be.
async fn attach(
    region: &Region,
    name: &str,
    before: &Attributes,
    after: &Attributes,
    names: &Names,
) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    match (wanted_document(before, "policy"), wanted_document(after, "policy")) {
        (Some(old), Some(new)) if document::same(&old, &new) => {}
        (_, Some(new)) => {
            let put = iam.put_role_policy().role_name(name).policy_name(INLINE).policy_document(new).send().await;
            put.map_err(|error| classify("writing the policy of the role", &error))?;
        }
        (Some(_), None) => delete_inline(region, name, INLINE).await?,
        (None, None) => {}
    }
    let arns = |attributes: &Attributes| -> Result<Vec<String>, DriverError> {
        attributes.get("policies").items().iter().filter_map(Value::as_str).map(|one| resolve(names, one)).collect()
    };
    let (old, new) = (arns(before)?, arns(after)?);
    for arn in old.iter().filter(|arn| !new.contains(arn)) {
        detach(region, name, arn).await?;
    }
    for arn in new.iter().filter(|arn| !old.contains(arn)) {
        let attach = iam.attach_role_policy().role_name(name).policy_arn(arn).send().await;
        attach.map_err(|error| classify("attaching a policy to the role", &error))?;
    }
    Ok(())
}

async fn inline(region: &Region, name: &str) -> Result<Option<String>, DriverError> {
    let iam = &region.clients().await.iam;
    match iam.get_role_policy().role_name(name).policy_name(INLINE).send().await {
        Ok(answer) => Ok(Some(decode(answer.policy_document()))),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(classify("reading the policy of a role", &error)),
    }
}

async fn attached(region: &Region, name: &str) -> Result<Vec<String>, DriverError> {
    let iam = &region.clients().await.iam;
    let mut pages = iam.list_attached_role_policies().role_name(name).into_paginator().send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Err(error) if is_absent(&error) => return Ok(arns),
            other => other.map_err(|error| classify("listing the policies of a role", &error))?,
        };
        arns.extend(page.attached_policies().iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)));
    }
    Ok(arns)
}

async fn detach(region: &Region, name: &str, arn: &str) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    match iam.detach_role_policy().role_name(name).policy_arn(arn).send().await {
        Err(error) if !is_absent(&error) => Err(classify("detaching a policy from the role", &error)),
        _ => Ok(()),
    }
}

async fn delete_inline(region: &Region, name: &str, policy: &str) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    match iam.delete_role_policy().role_name(name).policy_name(policy).send().await {
        Err(error) if !is_absent(&error) => Err(classify("deleting a policy of the role", &error)),
        _ => Ok(()),
    }
}

async fn retag(region: &Region, name: &str, there: &Tags, wanted: Tags) -> Result<(), DriverError> {
    let iam = &region.clients().await.iam;
    let (gone, fresh) = mark::difference(there, wanted);
    if !gone.is_empty() {
        let untag = iam.untag_role().role_name(name).set_tag_keys(Some(gone)).send().await;
        untag.map_err(|error| classify("removing tags of the role", &error))?;
    }
    if !fresh.is_empty() {
        let tag = iam.tag_role().role_name(name).set_tags(Some(to_tags(&fresh)?)).send().await;
        tag.map_err(|error| classify("tagging the role", &error))?;
    }
    Ok(())
}

/// The trust policy in the form that the spec uses.
fn trust(stored: &str, account: &str, tags: &Tags, wanted: Option<&Attributes>) -> (&'static str, Value) {
    let said = wanted.and_then(|wanted| text(wanted, "trust_policy"));
    if let Some(said) = said.filter(|said| document::same(said, stored)) {
        return ("trust_policy", said.into());
    }
    let long = match wanted {
        Some(wanted) => !wanted.get("trust_policy").is_null(),
        None => is_managed("trust_policy", tags, wanted),
    };
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
