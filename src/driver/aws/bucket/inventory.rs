//! Inventories, from and to S3's words. Each is written by itself, and all of them are read.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    InventoryConfiguration, InventoryDestination, InventoryEncryption, InventoryFilter, InventoryFormat,
    InventoryFrequency, InventoryIncludedObjectVersions, InventoryOptionalField, InventoryS3BucketDestination,
    InventorySchedule, Ssekms, Sses3,
};

use super::super::error::unbuildable;
use super::words::{changed_by_id, has_none, kebab, lower, present, text, texts, to_texts};
use crate::driver::DriverError;
use crate::driver::aws::api::{PartRead, PartWrite};
use crate::driver::aws::error::{done, found};
use crate::driver::aws::object::Told;
use crate::value::Value;

/// The attribute.
const NAME: &str = "inventory";

/// How S3 says which fields are told, and how the spec does where that is no matter of capital letters alone.
const FIELDS: [(&str, &str); 1] = [("ETag", "e-tag")];

pub async fn read(at: PartRead<'_>) -> Result<Told, DriverError> {
    let s3 = at.region.s3().await;
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let ask = s3.list_bucket_inventory_configurations().bucket(&at.described.key).set_continuation_token(next);
        let page = match ask.send().await {
            Err(error) if has_none(error.raw_response(), "InventoryConfiguration") => break,
            page => page,
        };
        let Some(page) = found("reading the inventories of a bucket", page)? else { break };
        all.extend(page.inventory_configuration_list().iter().map(read_one));
        next = page.next_continuation_token;
        if next.is_none() {
            break;
        }
    }
    Ok(if all.is_empty() { Told::new() } else { vec![(NAME, Value::List(all))] })
}

pub async fn write(to: PartWrite<'_>) -> Result<(), DriverError> {
    let s3 = to.region.s3().await;
    let (gone, changed) = changed_by_id(to.before.get(NAME), to.after.get(NAME));
    for id in gone {
        let gone = s3.delete_bucket_inventory_configuration().bucket(to.key).id(id).send().await;
        found("removing an inventory of the bucket", gone)?;
    }
    for one in changed {
        let put = s3.put_bucket_inventory_configuration().bucket(to.key).id(text(one, "id").unwrap_or_default());
        let put = put.inventory_configuration(write_one(one).map_err(unbuildable)?).send().await;
        done("changing an inventory of the bucket", put)?;
    }
    Ok(())
}

fn read_one(one: &InventoryConfiguration) -> Value {
    let to = one.destination().and_then(InventoryDestination::s3_bucket_destination);
    let encryption = to.and_then(InventoryS3BucketDestination::encryption);
    let key = encryption.and_then(InventoryEncryption::ssekms).map(Ssekms::key_id);
    let plain = encryption.and_then(InventoryEncryption::sses3).map(|_| "aes256");
    let versions =
        if *one.included_object_versions() == InventoryIncludedObjectVersions::All { "all" } else { "current" };
    let fields: Vec<String> = one.optional_fields().iter().map(|field| field_of(field.as_str())).collect();
    Value::default()
        .with(&["id"], present(Some(one.id())))
        .with(&["enabled"], Value::Bool(one.is_enabled()))
        .with(&["to"], present(to.map(InventoryS3BucketDestination::bucket)))
        .with(&["account"], present(to.and_then(InventoryS3BucketDestination::account_id)))
        .with(&["to_prefix"], present(to.and_then(InventoryS3BucketDestination::prefix)))
        .with(&["format"], lower(to.map(|to| to.format().as_str())))
        .with(&["schedule"], lower(one.schedule().map(|schedule| schedule.frequency().as_str())))
        .with(&["versions"], versions.into())
        .with(&["prefix"], present(one.filter().map(InventoryFilter::prefix)))
        .with(&["fields"], texts(&fields))
        .with(&["encryption"], present(key.map(|_| "kms").or(plain)))
        .with(&["kms_key"], present(key))
}

fn write_one(one: &Value) -> Result<InventoryConfiguration, BuildError> {
    let own = |name: &str| text(one, name).map(str::to_owned);
    let encryption = match text(one, "encryption") {
        Some("kms") => {
            let key = Ssekms::builder().key_id(text(one, "kms_key").unwrap_or_default()).build()?;
            Some(InventoryEncryption::builder().ssekms(key).build())
        }
        Some(_) => Some(InventoryEncryption::builder().sses3(Sses3::builder().build()).build()),
        None => None,
    };
    let to = InventoryS3BucketDestination::builder()
        .bucket(text(one, "to").unwrap_or_default())
        .set_account_id(own("account"))
        .set_prefix(own("to_prefix"))
        .format(InventoryFormat::from(match text(one, "format") {
            Some("orc") => "ORC",
            Some("parquet") => "Parquet",
            _ => "CSV",
        }))
        .set_encryption(encryption);
    let weekly = text(one, "schedule") == Some("weekly");
    let frequency = if weekly { InventoryFrequency::Weekly } else { InventoryFrequency::Daily };
    let every = text(one, "versions") == Some("all");
    let versions = if every { InventoryIncludedObjectVersions::All } else { InventoryIncludedObjectVersions::Current };
    let fields = to_texts(one, "fields").unwrap_or_default();
    let fields: Vec<_> = fields.iter().map(|word| InventoryOptionalField::from(field_for(word).as_str())).collect();
    let filter = own("prefix").map(|prefix| InventoryFilter::builder().prefix(prefix).build()).transpose()?;
    InventoryConfiguration::builder()
        .set_id(own("id"))
        .is_enabled(one.at("enabled") != Some(&Value::Bool(false)))
        .destination(InventoryDestination::builder().s3_bucket_destination(to.build()?).build())
        .schedule(InventorySchedule::builder().frequency(frequency).build()?)
        .included_object_versions(versions)
        .set_filter(filter)
        .set_optional_fields((!fields.is_empty()).then_some(fields))
        .build()
}

/// A field as the spec says it: `LastModifiedDate` is `last-modified-date`.
fn field_of(word: &str) -> String {
    FIELDS.iter().find(|(theirs, _)| *theirs == word).map_or_else(|| kebab(word), |(_, own)| (*own).to_owned())
}

/// A field as S3 says it.
fn field_for(word: &str) -> String {
    if let Some((theirs, _)) = FIELDS.iter().find(|(_, own)| *own == word) {
        return (*theirs).to_owned();
    }
    let parts = word.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_uppercase() + rest
    });
    parts.collect()
}
