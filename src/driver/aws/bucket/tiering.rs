//! When objects are archived that nobody reads, from and to S3's words. Each configuration is written by itself, and all of them
//! are read.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    IntelligentTieringAccessTier, IntelligentTieringAndOperator, IntelligentTieringConfiguration,
    IntelligentTieringFilter, IntelligentTieringStatus, Tiering,
};

use super::super::error::unbuildable;
use super::words::{age, changed_by_id, days, has_none, present, tags, text, to_tags};
use crate::driver::DriverError;
use crate::driver::aws::api::{PartRead, PartWrite};
use crate::driver::aws::error::{done, found};
use crate::driver::aws::object::Told;
use crate::value::Value;

/// The attribute.
const NAME: &str = "intelligent_tiering";

/// The tiers: the spec's word, and S3's.
const TIERS: [(&str, IntelligentTieringAccessTier); 2] = [
    ("archive_after", IntelligentTieringAccessTier::ArchiveAccess),
    ("deep_archive_after", IntelligentTieringAccessTier::DeepArchiveAccess),
];

pub async fn read(at: PartRead<'_>) -> Result<Told, DriverError> {
    let s3 = at.region.s3().await;
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let ask = s3.list_bucket_intelligent_tiering_configurations().bucket(&at.described.key);
        let page = match ask.set_continuation_token(next).send().await {
            Err(error) if has_none(error.raw_response(), "IntelligentTieringConfiguration") => break,
            page => page,
        };
        let Some(page) = found("reading how a bucket archives objects", page)? else { break };
        all.extend(page.intelligent_tiering_configuration_list().iter().map(read_one));
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
        let gone = s3.delete_bucket_intelligent_tiering_configuration().bucket(to.key).id(id).send().await;
        found("removing how the bucket archives objects", gone)?;
    }
    for one in changed {
        let put = s3.put_bucket_intelligent_tiering_configuration().bucket(to.key);
        let put = put.id(text(one, "id").unwrap_or_default());
        let put = put.intelligent_tiering_configuration(write_one(one).map_err(unbuildable)?).send().await;
        done("changing how the bucket archives objects", put)?;
    }
    Ok(())
}

fn read_one(one: &IntelligentTieringConfiguration) -> Value {
    let filter = one.filter();
    let all = filter.and_then(IntelligentTieringFilter::and);
    let single = filter.and_then(IntelligentTieringFilter::tag).map(std::slice::from_ref).unwrap_or_default();
    let prefix = filter.and_then(IntelligentTieringFilter::prefix);
    let mut told = Value::default()
        .with(&["id"], present(Some(one.id())))
        .with(&["enabled"], Value::Bool(*one.status() == IntelligentTieringStatus::Enabled))
        .with(&["prefix"], present(prefix.or_else(|| all.and_then(IntelligentTieringAndOperator::prefix))))
        .with(&["tags"], tags(all.map_or(single, IntelligentTieringAndOperator::tags)));
    for (word, tier) in &TIERS {
        let own = one.tierings().iter().find(|tiering| tiering.access_tier() == tier);
        told = told.with(&[word], days(own.map(Tiering::days)));
    }
    told
}

fn write_one(one: &Value) -> Result<IntelligentTieringConfiguration, BuildError> {
    let (prefix, tags) = (text(one, "prefix").map(str::to_owned), to_tags(one.at("tags"))?);
    let filter = IntelligentTieringFilter::builder();
    let filter = match usize::from(prefix.is_some()) + tags.len() {
        // Without a filter it is about all objects.
        0 => None,
        1 => Some(filter.set_prefix(prefix).set_tag(tags.into_iter().next()).build()),
        _ => {
            let all = IntelligentTieringAndOperator::builder().set_prefix(prefix).set_tags(Some(tags));
            Some(filter.and(all.build()).build())
        }
    };
    let tiers = TIERS.iter().filter_map(|(word, tier)| Some((age(one, word)?, tier.clone())));
    let tiers = tiers.map(|(days, tier)| Tiering::builder().days(days).access_tier(tier).build());
    let enabled = one.at("enabled") != Some(&Value::Bool(false));
    IntelligentTieringConfiguration::builder()
        .set_id(text(one, "id").map(str::to_owned))
        .set_filter(filter)
        .status(if enabled { IntelligentTieringStatus::Enabled } else { IntelligentTieringStatus::Disabled })
        .set_tierings(Some(tiers.collect::<Result<Vec<_>, _>>()?))
        .build()
}
