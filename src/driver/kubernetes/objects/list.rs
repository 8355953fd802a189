//! Looking at everything in a cluster that is Atlas's or is wanted: one list for each kind and namespace, by label, and single
//! looks only at what is wanted and was not among that.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value as Json;

use super::api::ObjectPlace;
use super::app::{self, KindInNamespace};
use super::namespace::{self, GuardRails};
use super::read::{FoundObject, app_object, namespace_object, object_of};
use super::state::ClusterState;
use super::{given, manifest, mark, parts, said};
use crate::driver::{Claims, Class, DriverError, Listing, with_retries};
use crate::identity::Identity;
use crate::kind::is_of_kubernetes;
use crate::observed::{Mark, Owner};
use crate::render::objects::full_word;
use crate::value::Attributes;

/// How many lists and looks are under way at once.
const AT_ONCE: usize = 8;

/// Everything in a cluster that claims ask for.
pub async fn list(state: &ClusterState, claims: &Claims<'_>) -> Result<Listing, DriverError> {
    let wanted = Wants::in_cluster(&state.cluster, claims);
    let mut found = Listing::default();
    let selector = mark::selector(claims.owner);
    let (dying, mut hosts) = namespaces(state, claims.owner, &wanted, &mut found).await?;
    hosts.extend(apps(state, claims.owner, &wanted, &dying, &mut found).await?);
    objects(state, &selector, &wanted, &dying, &hosts, &mut found).await;
    Ok(found)
}

/// Everything in a namespace that was not seen yet, whoever owns it: what would go along with it. What others make of it by
/// themselves, such as the pods of a Deployment, is no loss of its own.
pub async fn strangers(
    state: &ClusterState,
    namespace: &Identity,
    seen: &HashSet<&str>,
) -> Result<Listing, DriverError> {
    let api = &state.api;
    let name = namespace.name();
    let kinds = with_retries(|| api.namespaced()).await?;
    let lists = kinds.into_iter().map(|served| {
        let name = name.clone();
        async move {
            let listed = with_retries(|| api.list(&served, Some(&name), "")).await;
            (served, listed)
        }
    });
    let mut found = Listing::default();
    let mut listed = stream::iter(lists.collect::<Vec<_>>()).buffered(AT_ONCE);
    while let Some((served, objects)) = listed.next().await {
        let told = |error: DriverError| {
            let which = format!("`{}` of `{}`", served.plural, served.api_version);
            DriverError::new(error.class, format!("{which} can't be listed: {}", error.chain()))
        };
        for object in objects.map_err(told)? {
            let metadata = &object["metadata"];
            // What a claim holds is lost with it, whoever made the claim.
            let made_by_others = served.kind != "PersistentVolumeClaim"
                && metadata["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
            let its_name = metadata["name"].as_str().unwrap_or_default();
            let always_there = matches!(
                (served.kind.as_str(), its_name),
                ("ServiceAccount", "default") | ("ConfigMap", "kube-root-ca.crt")
            );
            if made_by_others || always_there || COME_AND_GO.contains(&served.kind.as_str()) {
                continue;
            }
            let mark = mark::read(&object, &state.cluster);
            let identity = match &mark {
                Some((_, identity)) => identity.clone(),
                None => state.cluster.object(&full_word(&served.api_version, &served.kind), Some(&name), its_name),
            };
            let is_own_guard = namespace::is_guard(&served.kind, its_name) && super::fields::applied(&object).is_some();
            if !is_own_guard && !seen.contains(identity.as_str()) {
                let mark = mark.map(|(mark, _)| mark);
                found.objects.push(object_of(state, object, identity, mark, namespace.clone()));
            }
        }
    }
    Ok(found)
}

/// Kinds whose objects others make all the time.
const COME_AND_GO: [&str; 5] = ["Endpoints", "EndpointSlice", "Event", "ControllerRevision", "Lease"];

/// What is wanted in one cluster.
#[derive(Default)]
struct Wants<'a> {
    namespaces: BTreeMap<Identity, Option<&'a Attributes>>,
    apps: BTreeSet<Identity>,
    objects: HashMap<&'a str, &'a Attributes>,
}

impl<'a> Wants<'a> {
    fn in_cluster(cluster: &Identity, claims: &Claims<'a>) -> Self {
        let mut wants = Self::default();
        let prefix = format!("{cluster}/");
        for (text, attributes) in claims.wanted.iter().filter(|(text, _)| text.starts_with(&prefix)) {
            let identity = Identity::from_text(*text);
            match (identity.kind(), attributes) {
                ("namespace", attributes) => drop(wants.namespaces.insert(identity, *attributes)),
                ("app", _) => drop(wants.apps.insert(identity)),
                (kind, Some(attributes)) if is_of_kubernetes(kind) => drop(wants.objects.insert(text, attributes)),
                _ => {}
            }
        }
        wants
    }
}

/// An app or a namespace that has objects, by its mark, with their kinds.
type HostOfObjects = (Mark, Identity, Vec<KindInNamespace>);

/// The namespaces; gives those that are wanted and being removed, and of which kinds each has objects. Those that are being removed, and
/// what is in them, are as good as gone: making them waits until they are.
async fn namespaces(
    state: &ClusterState,
    owner: &Owner,
    wanted: &Wants<'_>,
    found: &mut Listing,
) -> Result<(BTreeSet<String>, Vec<HostOfObjects>), DriverError> {
    let api = &state.api;
    let served = namespace::served();
    let selector = mark::selector(owner);
    let listed = with_retries(|| api.list(&served, None, &selector)).await;
    let mut all = seen_or_denied(state, listed, "namespace", found)?;
    let known: BTreeSet<String> = all.iter().map(name).collect();
    for identity in wanted.namespaces.keys().filter(|identity| !known.contains(&*identity.name())) {
        let place = namespace::place(&identity.name());
        all.extend(with_retries(|| api.get(&place)).await?);
    }
    let looks = all.into_iter().map(|one| async move {
        let rails = with_retries(|| GuardRails::read(api, &one)).await;
        (one, rails)
    });
    let looked: Vec<_> = stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
    let (mut dying, mut hosts) = (BTreeSet::new(), Vec::new());
    for (one, rails) in looked {
        let identity = state.cluster.inside("namespace", &name(&one));
        // One that a chart makes is an object of its app.
        if mark::read(&one, &state.cluster).is_some_and(|(_, own)| own != identity) {
            continue;
        }
        let own = wanted.namespaces.get(&identity).copied();
        if own.is_some() && one["metadata"]["deletionTimestamp"].is_string() {
            dying.insert(name(&one));
            continue;
        }
        let mark = mark::read(&one, &state.cluster).map(|(mark, _)| mark).filter(|mark| owner.has(mark));
        hosts.extend(mark.map(|mark| (mark, identity.clone(), said::kinds(&one))));
        let said = own.flatten();
        match rails {
            Ok(rails) => found.objects.push(namespace_object(state, &one, &rails, said)),
            Err(error) => drop(found.unreachable.insert(identity, error.chain())),
        }
    }
    Ok((dying, hosts))
}

/// What was listed in a whole cluster. Whoever may only look into some namespaces still sees what is wanted there, and is told
/// that of everything else nothing is known.
fn seen_or_denied(
    state: &ClusterState,
    listed: Result<Vec<Json>, DriverError>,
    kind: &str,
    found: &mut Listing,
) -> Result<Vec<Json>, DriverError> {
    match listed {
        Err(error) if error.class == Class::Denied && !is_unknown(&error) => {
            let others = state.cluster.inside(kind, "*");
            found.unreachable.insert(others, format!("denies access: {}", error.chain()));
            Ok(Vec::new())
        }
        other => other,
    }
}

/// Whether the server does not know who asks, so that nothing at all can be seen.
fn is_unknown(error: &DriverError) -> bool {
    error.message.contains("Unauthorized")
}

/// The records of apps: what they say, and of which kinds each has objects.
async fn apps(
    state: &ClusterState,
    owner: &Owner,
    wanted: &Wants<'_>,
    dying: &BTreeSet<String>,
    found: &mut Listing,
) -> Result<Vec<HostOfObjects>, DriverError> {
    let api = &state.api;
    let labels = format!("{},{}=app", mark::selector(owner), app::RECORD_LABEL);
    let served = app::served();
    let listed = with_retries(|| api.list(&served, None, &labels)).await;
    let records = seen_or_denied(state, listed, "app", found)?;
    let mut known = Vec::new();
    for mut record in records {
        let Some((mark, identity)) = mark::read(&record, &state.cluster) else { continue };
        parts::complete(api, &identity, &mut record).await?;
        let record = &record;
        state.learn_record(&identity, record);
        if dying.contains(&namespace_of(record)) && wanted.apps.contains(&identity) {
            continue;
        }
        known.push((mark, identity.clone(), app::kinds(record).into_values().collect()));
        found.objects.extend(app_object(state, record, identity));
    }
    // A record without its label is one that somebody touched.
    let mut found_by_name = Vec::new();
    for identity in wanted.apps.iter().filter(|wanted| !known.iter().any(|(_, identity, _)| identity == *wanted)) {
        let place = app::place(identity);
        if let Some(mut record) = with_retries(|| api.get(&place)).await? {
            parts::complete(api, identity, &mut record).await?;
            if dying.contains(&namespace_of(&record)) {
                continue;
            }
            if let Some((mark, own)) = mark::read(&record, &state.cluster).filter(|(mark, _)| owner.has(mark)) {
                found_by_name.push((mark, own, app::kinds(&record).into_values().collect()));
            }
            state.learn_record(identity, &record);
            found.objects.extend(app_object(state, &record, identity.clone()));
        }
    }
    known.extend(found_by_name);
    Ok(known)
}

/// Keeps each object once. One that is in no namespace may be found under the identity that it is wanted by, and under the one in
/// its mark, which an app in another namespace gave it.
fn once(objects: &mut Vec<FoundObject>, wanted: &Wants<'_>) {
    let uid = |one: &FoundObject| one.object["metadata"]["uid"].as_str().map(str::to_owned);
    let is_wanted = |one: &FoundObject| wanted.objects.contains_key(one.identity.as_str());
    let known: HashSet<String> = objects.iter().filter(|one| is_wanted(one)).filter_map(uid).collect();
    objects.retain(|one| is_wanted(one) || uid(one).is_none_or(|uid| !known.contains(&uid)));
}

fn namespace_of(object: &Json) -> String {
    object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned()
}

async fn objects(
    state: &ClusterState,
    selector: &str,
    wanted: &Wants<'_>,
    dying: &BTreeSet<String>,
    of: &[HostOfObjects],
    found: &mut Listing,
) {
    let hosts: HashMap<&str, &Identity> =
        of.iter().map(|(mark, identity, _)| (mark.address.as_str(), identity)).collect();
    let mut kinds: BTreeMap<KindInNamespace, Vec<(&str, &Attributes)>> = BTreeMap::new();
    for kind in of.iter().flat_map(|(_, _, kinds)| kinds) {
        kinds.entry(kind.clone()).or_default();
    }
    for (identity, attributes) in &wanted.objects {
        kinds.entry(KindInNamespace::of(attributes)).or_default().push((identity, attributes));
    }
    let lists = kinds.into_iter().map(|(kind, wanted)| async move {
        let listed = of_kind(state, selector, &kind, &wanted).await;
        (kind, wanted, listed)
    });
    let mut listed: Vec<_> = stream::iter(lists.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
    for (_, _, objects) in &mut listed {
        if let Ok(objects) = objects {
            objects.retain(|one| {
                !(wanted.objects.contains_key(one.identity.as_str()) && dying.contains(&namespace_of(&one.object)))
            });
            once(objects, wanted);
        }
    }
    for (kind, wanted, listed) in listed {
        match listed {
            Ok(objects) => {
                for FoundObject { object, identity, mark } in objects {
                    if let Some(mark) = &mark {
                        found.delivered.extend(given::delivered(&object, mark));
                    }
                    let host = mark.as_ref().and_then(|mark| hosts.get(mark.address.parent()?.as_str()).copied());
                    let host = host.cloned().unwrap_or_else(|| state.cluster.clone());
                    found.objects.push(object_of(state, object, identity, mark, host));
                }
            }
            Err(error) => {
                let what = format!("can't be looked at: {}", error.chain());
                let hidden = state.cluster.object(&kind.kind, kind.namespace.as_deref(), "*");
                let all = wanted.iter().map(|(identity, _)| Identity::from_text(*identity)).chain([hidden]);
                found.unreachable.extend(all.map(|identity| (identity, what.clone())));
            }
        }
    }
}

/// The objects of one kind in one namespace: those that carry the owner's mark, and those that are wanted, whoever owns them.
async fn of_kind(
    state: &ClusterState,
    selector: &str,
    kind: &KindInNamespace,
    wanted: &[(&str, &Attributes)],
) -> Result<Vec<FoundObject>, DriverError> {
    let api = &state.api;
    let served = with_retries(|| api.still_served(&kind.api_version, &kind.kind)).await?;
    let Some(served) = served else { return Ok(Vec::new()) };
    let listed = with_retries(|| api.list(&served, kind.namespace.as_deref(), selector)).await?;
    let mut found: Vec<FoundObject> = Vec::new();
    for object in listed {
        // A copy of a mark is none, and records are no objects of their apps.
        if let Some((mark, identity)) = mark::read(&object, &state.cluster).filter(|(_, own)| own.kind() != "app") {
            found.push(FoundObject { object, identity, mark: Some(mark) });
        }
    }
    let known: BTreeSet<String> = found.iter().map(|one| one.identity.to_string()).collect();
    let missing: Vec<_> = wanted.iter().filter(|(identity, _)| !known.contains(*identity)).collect();
    let looks = missing.into_iter().map(|(identity, attributes)| {
        let name = attributes.get("name").as_str().unwrap_or_default();
        let place = ObjectPlace::of(&served, kind.namespace.as_deref(), name);
        async move { (Identity::from_text(*identity), *attributes, with_retries(|| api.get(&place)).await) }
    });
    let mut looked = stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE);
    while let Some((identity, attributes, object)) = looked.next().await {
        if let Some(object) = object? {
            let mark = mark::read(&object, &state.cluster).map(|(mark, _)| mark);
            found.push(FoundObject { object, identity, mark });
        } else if let Some((_, mark)) = state.ran(&identity) {
            // Whether it ran as it is wanted now, a preview tells.
            found.push(FoundObject { object: manifest::of(attributes), identity, mark: Some(mark) });
        }
    }
    for one in &mut found {
        if given::is_set(&one.object) {
            one.object = given::with_applications(api, std::mem::take(&mut one.object)).await?;
        }
    }
    Ok(found)
}

fn name(object: &Json) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}
