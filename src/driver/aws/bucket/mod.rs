//! Buckets, over S3.

mod acl;
mod contents;
mod cors;
mod inventory;
mod lifecycle;
mod logging;
mod look;
mod notifications;
mod object_lock;
mod replication;
mod tiering;
mod website;
mod words;
mod write;

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::api::{Api, Directory, ObjectPart};
use super::error::{classify, code, done, found};
use super::mark::{self, Tags};
use super::object::Description;
use super::region::Region;
use crate::driver::{DriverError, Request};
use crate::value::{Attributes, Value};

pub(super) struct Buckets;

static PARTS: &[ObjectPart] = &[
    ObjectPart {
        covers: &["versioning"],
        read: Some(|at| Box::pin(look::versioning(at))),
        write: |to| Box::pin(write::versioning(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["object_lock"],
        read: Some(|at| Box::pin(object_lock::read(at))),
        write: |to| Box::pin(object_lock::write(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["encryption", "kms_key", "bucket_key", "customer_keys"],
        read: Some(|at| Box::pin(look::encryption(at))),
        write: |to| Box::pin(write::encryption(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["object_ownership"],
        read: Some(|at| Box::pin(look::ownership(at))),
        write: |to| Box::pin(write::controls(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["public_access"],
        read: Some(|at| Box::pin(look::public_access(at))),
        write: |to| Box::pin(write::public_access(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["acl"],
        // A look at the ownership tells it, where it counts.
        read: None,
        write: |to| Box::pin(acl::write(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["policy", "secure_transport"],
        read: Some(|at| Box::pin(look::policy(at))),
        write: |to| Box::pin(write::policy(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["lifecycle", "transition_minimum"],
        read: Some(|at| Box::pin(look::rules(at))),
        write: |to| Box::pin(write::rules(to)),
        always: false,
        clear: Some(|to| Box::pin(write::no_rules(to))),
    },
    ObjectPart {
        covers: &["logging"],
        read: Some(|at| Box::pin(logging::read(at))),
        write: |to| Box::pin(logging::write(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["replication", "replication_rules"],
        read: Some(|at| Box::pin(look::copies(at))),
        write: |to| Box::pin(write::replication(to)),
        always: false,
        clear: Some(|to| Box::pin(write::no_replication(to))),
    },
    ObjectPart {
        covers: &["inventory"],
        read: Some(|at| Box::pin(inventory::read(at))),
        write: |to| Box::pin(inventory::write(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["intelligent_tiering"],
        read: Some(|at| Box::pin(tiering::read(at))),
        write: |to| Box::pin(tiering::write(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["cors"],
        read: Some(|at| Box::pin(cors::read(at))),
        write: |to| Box::pin(cors::write(to)),
        always: false,
        clear: Some(|to| Box::pin(cors::clear(to))),
    },
    ObjectPart {
        covers: &["notifications"],
        read: Some(|at| Box::pin(notifications::read(at))),
        write: |to| Box::pin(notifications::write(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["website"],
        read: Some(|at| Box::pin(website::read(at))),
        write: |to| Box::pin(website::write(to)),
        always: false,
        clear: Some(|to| Box::pin(website::clear(to))),
    },
];

#[async_trait]
impl Api for Buckets {
    fn kind(&self) -> &'static str {
        "bucket"
    }

    fn creates_tagged(&self) -> bool {
        false
    }

    fn directory(&self) -> Directory {
        Directory::of_region("s3", |arn| Some(arn.strip_prefix("arn:")?.split_once(":s3:::")?.1))
    }

    /// S3 answers in one region for buckets of another.
    fn is_listed_first(&self) -> bool {
        true
    }

    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let s3 = region.s3().await;
        // A listing has the buckets of all regions; only AWS itself can restrict it to one.
        let only = region.endpoint().is_none().then(|| region.name().to_owned());
        let mut pages = s3.list_buckets().set_bucket_region(only).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = done("listing buckets", page)?;
            names.extend(page.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)));
        }
        Ok(names)
    }

    async fn find(&self, region: &Region, name: &str) -> Result<Option<Description>, DriverError> {
        Ok(look::tags(region, name).await?.map(|tags| Description::new(self.kind(), name, name, tags)))
    }

    async fn count(
        &self,
        region: &Region,
        described: &mut Description,
        bound: Option<usize>,
    ) -> Result<(), DriverError> {
        contents::count(region, described, bound).await
    }

    fn parts(&self) -> &'static [ObjectPart] {
        PARTS
    }

    /// The attributes of a new bucket on every server. Whether public access is blocked differs between servers.
    fn fresh(&self, attributes: &Attributes) -> Attributes {
        let mut fresh = Attributes::default();
        // S3 makes a bucket that locks objects keep their versions.
        let locks = !attributes.get("object_lock").is_null();
        fresh.set("versioning", Value::Bool(locks));
        fresh.set("object_lock", if locks { "enabled".into() } else { Value::Null });
        fresh.set("encryption", "aes256".into());
        fresh.set("secure_transport", Value::Bool(false));
        fresh.set("object_ownership", attributes.get("object_ownership").clone());
        fresh
    }

    /// Makes the bucket, and its mark at once.
    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError> {
        let name = want.identity.name();
        // A bucket without a location constraint goes to us-east-1, and S3 refuses that region's name as one:
        // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>.
        let place = (region.name() != "us-east-1").then(|| {
            let place = BucketLocationConstraint::from(region.name());
            CreateBucketConfiguration::builder().location_constraint(place).build()
        });
        let make = region.s3().await.create_bucket().bucket(&*name).set_create_bucket_configuration(place);
        let locks = (!want.attributes.get("object_lock").is_null()).then_some(true);
        let make = make.object_ownership(write::ownership(want.attributes)).set_object_lock_enabled_for_bucket(locks);
        let made = make.send().await;
        if let Err(error) = made {
            // The SDK tried again after an answer that was lost. There was no such bucket a moment ago, so as long as
            // it has no mark, it is the one that was made here.
            let again = code(&error) == "BucketAlreadyOwnedByYou";
            let there = if again { look::tags(region, &name).await? } else { None };
            let unmarked =
                |tags: &Tags| tags.is_empty() || mark::read(tags, self.kind(), &name).as_ref() == Some(want.mark);
            if !there.as_ref().is_some_and(unmarked) {
                return Err(classify("creating the bucket", &error));
            }
        }
        write::retag(region, &name, tags).await?;
        Ok(name.into_owned())
    }

    async fn retag(&self, region: &Region, name: &str, _: &Tags, wanted: Tags) -> Result<(), DriverError> {
        write::retag(region, name, &wanted).await
    }

    /// Deletes the bucket; one that says `force_empty` with every version of every object in it.
    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        if mark::empties(&described.tags) {
            contents::refuse_locked(region, described).await?;
            contents::remove(region, described).await?;
        }
        let delete = region.s3().await.delete_bucket().bucket(&described.key);
        found("deleting the bucket", delete.send().await).map(drop)
    }
}
