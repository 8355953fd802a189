//! The access control list of a bucket, from and to S3's words. It is written as a whole, and read as one.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::get_bucket_acl::GetBucketAclOutput;
use aws_sdk_s3::types::{AccessControlPolicy, BucketCannedAcl, Grant, Grantee, Owner, Permission, Type};

use super::super::error::unbuildable;
use super::words::{present, text};
use crate::driver::DriverError;
use crate::driver::aws::api::PartWrite;
use crate::driver::aws::error::{done, found};
use crate::driver::aws::region::Region;
use crate::kind::literal;
use crate::value::{Attributes, Value};

/// S3's groups: Atlas's word, and the URI.
const GROUPS: [(&str, &str); 3] = [
    ("all-users", "http://acs.amazonaws.com/groups/global/AllUsers"),
    ("authenticated-users", "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"),
    ("log-delivery", "http://acs.amazonaws.com/groups/s3/LogDelivery"),
];

/// S3's words for whole lists, each with the grants that it means:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>.
const WORDS: [(&str, &str); 5] = [
    ("private", "[]"),
    ("public-read", "[{ group = \"all-users\", right = \"read\" }]"),
    (
        "public-read-write",
        "[{ group = \"all-users\", right = \"read\" }, { group = \"all-users\", right = \"write\" }]",
    ),
    ("authenticated-read", "[{ group = \"authenticated-users\", right = \"read\" }]"),
    (
        "log-delivery-write",
        "[{ group = \"log-delivery\", right = \"read-acl\" }, { group = \"log-delivery\", right = \"write\" }]",
    ),
];

/// The list as the spec says it: in a word where there is one, unless the spec says it as a table.
pub async fn list(region: &Region, name: &str, said: Option<&Value>) -> Result<Value, DriverError> {
    let answer = region.s3().await.get_bucket_acl().bucket(name).send().await;
    Ok(found("reading the access control list of a bucket", answer)?
        .map(|answer| told(&answer, said))
        .unwrap_or_default())
}

/// Writes the list, unless the bucket's owner owns everything: then S3 takes none.
pub async fn write(to: PartWrite<'_>) -> Result<(), DriverError> {
    if is_off(to.after) {
        return Ok(());
    }
    put(&to, to.after.get("acl")).await
}

/// S3 lets the owner own everything only once nobody else has a right by the list.
pub async fn close(to: &PartWrite<'_>) -> Result<(), DriverError> {
    let open = to.before.get("acl");
    if !is_off(to.after) || open.is_null() || open.as_str() == Some("private") {
        return Ok(());
    }
    put(to, &Value::Null).await
}

/// From now on the list counts, whatever it said while the owner owned everything: it has to say what the spec does.
pub async fn begin(to: &PartWrite<'_>) -> Result<(), DriverError> {
    let written_anyway = to.before.get("acl") != to.after.get("acl");
    if !is_off(to.before) || is_off(to.after) || written_anyway {
        return Ok(());
    }
    put(to, to.after.get("acl")).await
}

/// Whether a bucket has no list that counts.
pub fn is_off(attributes: &Attributes) -> bool {
    attributes.get("object_ownership").as_str() == Some("bucket-owner-enforced")
}

async fn put(to: &PartWrite<'_>, wanted: &Value) -> Result<(), DriverError> {
    let s3 = to.region.s3().await;
    let what = "changing the access control list of the bucket";
    let ask = s3.put_bucket_acl().bucket(to.key);
    if !matches!(wanted, Value::Map(_)) {
        let word = BucketCannedAcl::from(wanted.as_str().unwrap_or("private"));
        return done(what, ask.acl(word).send().await).map(drop);
    }
    let there = done("reading the access control list of the bucket", s3.get_bucket_acl().bucket(to.key).send().await)?;
    let policy = policy(wanted, there.owner().cloned()).map_err(unbuildable)?;
    done(what, ask.access_control_policy(policy).send().await).map(drop)
}

fn told(answer: &GetBucketAclOutput, said: Option<&Value>) -> Value {
    let owner = answer.owner().and_then(Owner::id);
    let is_own = |grant: &&Grant| {
        let grantee = grant.grantee().and_then(Grantee::id);
        grantee.is_some() && grantee == owner && grant.permission() == Some(&Permission::FullControl)
    };
    let others = answer.grants().iter().filter(|grant| !is_own(grant)).map(read_grant);
    let mut others: Vec<Value> = others.collect();
    let order = |all: &mut Vec<Value>| all.sort_by_key(|one| serde_json::to_string(one).unwrap_or_default());
    order(&mut others);
    let owned = answer.grants().iter().any(|grant| is_own(&grant));
    let word = WORDS.iter().filter(|_| owned).find(|(_, grants)| {
        let mut grants = literal(grants).items().to_vec();
        order(&mut grants);
        grants == others
    });
    match word {
        Some((word, _)) if !matches!(said, Some(Value::Map(_))) => (*word).into(),
        _ => Value::default()
            .with(&["owner"], Value::Bool(owned))
            .with(&["grants"], if others.is_empty() { Value::Null } else { Value::List(others) }),
    }
}

fn read_grant(grant: &Grant) -> Value {
    told_grant(grant.grantee(), grant.permission().map(Permission::as_str))
}

/// A right as the spec says it.
pub fn told_grant(grantee: Option<&Grantee>, right: Option<&str>) -> Value {
    let uri = grantee.and_then(Grantee::uri);
    let group = uri.map(|uri| GROUPS.iter().find(|(_, own)| *own == uri).map_or(uri, |(word, _)| word));
    let account = grantee.and_then(|grantee| grantee.id().or(grantee.email_address()));
    let right = right.map(|right| right.to_lowercase().replace('_', "-"));
    Value::default()
        .with(&["account"], present(account))
        .with(&["group"], present(group))
        .with(&["right"], present(right.as_deref().map(right_of)))
}

/// S3 says `ACP` where the spec says `acl`.
fn right_of(word: &str) -> &str {
    match word {
        "read-acp" => "read-acl",
        "write-acp" => "write-acl",
        word => word,
    }
}

fn policy(wanted: &Value, owner: Option<Owner>) -> Result<AccessControlPolicy, BuildError> {
    let grants = wanted.at("grants").map(Value::items).unwrap_or_default().iter().map(write_grant);
    let mut grants = grants.collect::<Result<Vec<_>, _>>()?;
    if wanted.at("owner") != Some(&Value::Bool(false)) {
        let id = owner.as_ref().and_then(Owner::id).map(str::to_owned);
        let own = Grantee::builder().r#type(Type::CanonicalUser).set_id(id).build()?;
        grants.push(Grant::builder().grantee(own).permission(Permission::FullControl).build());
    }
    Ok(AccessControlPolicy::builder().set_owner(owner).set_grants(Some(grants)).build())
}

fn write_grant(grant: &Value) -> Result<Grant, BuildError> {
    let right = Permission::from(right_for(grant).as_str());
    Ok(Grant::builder().grantee(grantee(grant)?).permission(right).build())
}

/// Whose a right is, as S3 takes it.
pub fn grantee(grant: &Value) -> Result<Grantee, BuildError> {
    let grantee = match (text(grant, "group"), text(grant, "account").unwrap_or_default()) {
        (Some(group), _) => {
            let uri = GROUPS.iter().find(|(word, _)| *word == group).map_or(group, |(_, uri)| uri);
            Grantee::builder().r#type(Type::Group).uri(uri)
        }
        (None, address) if address.contains('@') => {
            Grantee::builder().r#type(Type::AmazonCustomerByEmail).email_address(address)
        }
        (None, id) => Grantee::builder().r#type(Type::CanonicalUser).id(id),
    };
    grantee.build()
}

/// A right in S3's words.
pub fn right_for(grant: &Value) -> String {
    text(grant, "right").unwrap_or_default().replace("-acl", "-acp").to_uppercase().replace('-', "_")
}
