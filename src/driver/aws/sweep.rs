//! Looking at everything at once: the regions, then what lives in them.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};

use super::region::Region;
use super::sight::{Names, Sight};
use super::{bucket, policy, queue, region_kind, role};
use crate::driver::{Class, DriverError, Observation, Query, patiently};
use crate::kind::{Facts, Outputs, Usage};
use crate::observed::Object;
use crate::value::{Attributes, Value};

/// How many calls are on their way at once to one region.
const CONCURRENCY: usize = 16;

/// Asks every region who is calling: what answers is there, and tells its account.
pub(super) async fn regions(all: impl Iterator<Item = &Arc<Region>>) -> Observation {
    let asked: Vec<_> = all.map(|region| async move { (region, patiently(|| region.account()).await) }).collect();
    let mut observation = Observation::default();
    for (region, answer) in futures_util::future::join_all(asked).await {
        match answer {
            Ok(account) => observation.objects.push(given(region, account)),
            Err(error) => drop(observation.unreachable.insert(region.identity(), reason(&error))),
        }
    }
    observation
}

/// Looks at all that lives in some regions.
pub(super) async fn contents(regions: Vec<Arc<Region>>, query: &Query<'_>, names: &Names) -> Observation {
    let mut observation = Observation::default();
    let looked = regions.iter().map(|region| async move { (region, everything(region, query).await) });
    let mut sights = Vec::new();
    for (region, found) in futures_util::future::join_all(looked).await {
        for one in found {
            match one {
                Found::Seen(sight) => sights.push((Arc::clone(region), sight)),
                Found::Hidden(identity, error) => drop(observation.unreachable.insert(identity, reason(&error))),
            }
        }
    }
    let mine = |sight: &Sight| {
        sight
            .mark()
            .filter(|mark| (mark.project.as_str(), mark.environment.as_str()) == (query.project, query.environment))
    };
    for (_, sight) in &sights {
        if let Some(mark) = mine(sight) {
            names.learn(&mark.address, &sight.arn);
        }
    }
    for (region, sight) in sights {
        // IAM and S3 list what belongs to every region; an object is where its mark says it is.
        let elsewhere = mine(&sight).is_some_and(|mark| mark.address.place() != Some(region.name()));
        let wanted = query.wanted.get(sight.identity.as_str());
        if wanted.is_none() && (elsewhere || mine(&sight).is_none()) {
            continue;
        }
        let Ok(account) = region.account().await else { continue };
        let object = sight.object(names, wanted.copied().flatten());
        observation.objects.push(with_outputs(object, &region, account));
    }
    observation
}

/// The outputs follow from the attributes and from the region.
pub(super) fn with_outputs(mut object: Object, region: &Region, account: &str) -> Object {
    let host = region_outputs(region, account);
    let facts = Facts {
        attributes: &object.attributes,
        name: object.attributes.get("name").as_str().unwrap_or_default(),
        place: Some(region.name()),
        host: Some(&host),
    };
    object.outputs = object.kind.derive_outputs(&facts);
    object
}

/// What came of looking at one object, or at all of one kind.
enum Found {
    Seen(Sight),
    /// The identity that could not be looked at: of the object, or of the whole region.
    Hidden(String, DriverError),
}

async fn everything(region: &Arc<Region>, query: &Query<'_>) -> Vec<Found> {
    let (buckets, queues, policies, roles) = futures_util::future::join4(
        all(region, query, "bucket", patiently(|| bucket::list(region))),
        all(region, query, "queue", patiently(|| queue::list(region))),
        all(region, query, "policy", patiently(|| policy::list(region))),
        all(region, query, "role", patiently(|| role::list(region))),
    )
    .await;
    buckets.into_iter().chain(queues).chain(policies).chain(roles).collect()
}

/// Lists all of one kind and looks at each, several at once.
async fn all(
    region: &Arc<Region>,
    query: &Query<'_>,
    kind: &'static str,
    list: impl Future<Output = Result<Vec<String>, DriverError>>,
) -> Vec<Found> {
    let listed = match list.await {
        Ok(listed) => listed,
        Err(error) => return vec![Found::Hidden(region.identity(), error)],
    };
    let look = |key: String| {
        let name = key.rsplit('/').next().unwrap_or_default();
        let identity = format!("{}/{kind}/{name}", region.identity());
        let wanted = query.wanted.get(identity.as_str());
        // What the spec does not want may be about to be removed, so what it holds matters.
        let usage = query.usage || wanted.is_none();
        let (any, wanted) = (wanted.is_some(), wanted.copied().flatten().cloned());
        look_at(Arc::clone(region), kind, key, identity, any, wanted, usage)
    };
    let looks: Vec<_> = listed.into_iter().map(look).collect();
    stream::iter(looks).buffer_unordered(CONCURRENCY).filter_map(|found| async { found }).collect().await
}

async fn look_at(
    region: Arc<Region>,
    kind: &'static str,
    key: String,
    identity: String,
    any: bool,
    wanted: Option<Attributes>,
    usage: bool,
) -> Option<Found> {
    let (region, key, wanted) = (&region, key.as_str(), wanted.as_ref());
    let seen = patiently(|| async move {
        match kind {
            "bucket" => bucket::look(region, key, wanted, any, usage).await,
            "queue" => queue::look(region, key, any).await,
            "policy" => policy::look(region, key, wanted, any).await,
            _ => role::look(region, key, wanted, any).await,
        }
    })
    .await;
    match seen {
        Ok(sight) => sight.map(Found::Seen),
        // What nobody wants and nobody may look at is nobody's business here.
        Err(error) if error.class == Class::Denied && !any => None,
        Err(error) if error.class == Class::Unreachable => Some(Found::Hidden(region.identity(), error)),
        // The region was there to list it, so it is this one object that can't be looked at.
        Err(error) => Some(Found::Hidden(identity, error)),
    }
}

fn given(region: &Region, account: &str) -> Object {
    let name = region.name();
    let mut aws = Value::default();
    if let Some(endpoint) = &region.settings.endpoint {
        aws = aws.with(&["endpoint"], endpoint.as_str().into());
    }
    if let Some(profile) = &region.settings.profile {
        aws = aws.with(&["profile"], profile.as_str().into());
    }
    tracing::debug!(region = name, account, "the region answers");
    Object {
        kind: region_kind(),
        identity: region.identity(),
        hosts: Vec::new(),
        attributes: std::iter::once(("aws", aws)).collect(),
        outputs: region_outputs(region, account),
        usage: Usage::default(),
        mark: None,
        external: true,
        condition: Condition::Ready,
    }
}

fn region_outputs(region: &Region, account: &str) -> Outputs {
    let endpoint = region.settings.endpoint.as_ref().map(|endpoint| endpoint.trim_end_matches('/').to_owned());
    let endpoint = endpoint.map(|endpoint| ("endpoint".into(), endpoint));
    std::iter::once(("account".into(), account.to_owned())).chain(endpoint).collect()
}

fn reason(error: &DriverError) -> String {
    match error.class {
        Class::Denied => format!("denies access: {}", error.chain()),
        _ => format!("does not answer: {}", error.chain()),
    }
}
