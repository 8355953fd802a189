//! What Atlas gave to an Argo CD: the Applications of an ApplicationSet, what they deliver, and taking them away without that.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::api::{ClusterApi, ObjectPlace};
use super::mark;
use super::state::ClusterState;
use crate::driver::kubernetes::condition::APPLICATIONS;
pub use crate::driver::kubernetes::condition::is_given;
use crate::driver::{Class, DriverError};
use crate::identity::Identity;
use crate::kind::Count;
use crate::observed::{DeliveredObject, Mark};
use crate::render::objects::{ARGO_API, CASCADE, DELIVERS_ANNOTATION, full_word};

/// How long an Application may take to let go of what it delivers.
const LETTING_GO: Duration = Duration::from_secs(60);
/// How often is looked whether it has.
const PAUSE: Duration = Duration::from_millis(500);

/// An object with the Applications that it made, where it is an ApplicationSet by which an app is delivered.
pub async fn with_applications(api: &ClusterApi, mut live: Json) -> Result<Json, DriverError> {
    if is_set(&live) {
        live[APPLICATIONS] = applications(api, &live).await?.into();
    }
    Ok(live)
}

/// What an Argo CD delivers by an object that carries a mark.
pub fn delivered(live: &Json, mark: &Mark) -> Vec<DeliveredObject> {
    let mut all = Vec::new();
    if !is_given(live) {
        return all;
    }
    let cluster = Identity::root("cluster", "any");
    for one in each(live) {
        let said = one["metadata"]["annotations"][DELIVERS_ANNOTATION].as_str();
        let said = said.and_then(|text| crate::address::Address::parse(text).ok());
        let app = if is_set(live) { said } else { mark.address.parent() };
        let Some(app) = app else { continue };
        for part in one["status"]["resources"].as_array().into_iter().flatten() {
            let text = |name: &str| part[name].as_str().unwrap_or_default();
            let version = [text("group"), text("version")].into_iter().filter(|word| !word.is_empty());
            let word = full_word(&version.collect::<Vec<_>>().join("/"), text("kind"));
            let identity =
                cluster.object(&word, part["namespace"].as_str().filter(|one| !one.is_empty()), text("name"));
            all.extend(DeliveredObject::of(&app, &identity));
        }
    }
    all
}

/// How many claims, and so volumes, an Argo CD deletes along with an object; none for one that is not what it was given. Nobody can say
/// that before the Argo CD has told what it delivers, nor where a whole namespace or a definition is among that.
pub fn volumes(live: &Json) -> Option<Count> {
    is_given(live).then(|| {
        let all = each(live);
        let elements = live["spec"]["generators"][0]["list"]["elements"].as_array().map_or(1, Vec::len);
        let is_told = all.len() >= elements && all.iter().all(|one| one["status"]["resources"].is_array());
        let parts = || all.iter().flat_map(|one| one["status"]["resources"].as_array().into_iter().flatten());
        let holds_others = |part: &Json| part["kind"] == "Namespace" || part["kind"] == "CustomResourceDefinition";
        match is_told && !parts().any(holds_others) {
            true => Count::Exactly(parts().filter(|part| part["kind"] == "PersistentVolumeClaim").count() as u64),
            false => Count::Unknown,
        }
    })
}

/// Whether an object is an ApplicationSet by which an app is delivered.
pub fn is_set(live: &Json) -> bool {
    is_given(live) && live["kind"] == "ApplicationSet"
}

/// Before an object is taken back that an Argo CD of the same cluster delivered: tells that to do nothing about the app any more, or it
/// would undo what is changed.
pub async fn quiet(state: &ClusterState, want: &Mark, identity: &Identity) -> Result<(), DriverError> {
    let Some(object) = want.address.parent().and_then(|app| DeliveredObject::of(&app, identity)) else { return Ok(()) };
    let own = |live: &Json| mark::read(live, &state.cluster).filter(|_| !is_set(live));
    let delivers = |live: &Json| own(live).is_some_and(|(mark, _)| delivered(live, &mark).contains(&object));
    let Some(live) = state.find_live(|live| is_given(live) && delivers(live)) else { return Ok(()) };
    if live["spec"]["syncPolicy"]["automated"].is_null() {
        return Ok(());
    }
    let patch = json!({
        "metadata": { "uid": live["metadata"]["uid"] },
        "spec": { "syncPolicy": { "automated": null } },
    });
    if let (Some(place), Some((_, identity))) = (place_of(&state.api, &live).await?, own(&live)) {
        match state.api.merge(&place, &patch).await {
            Err(error) if error.is_absent() => {}
            now => state.learn_live(&identity, now?),
        }
    }
    Ok(())
}

/// Sees to it that what an Argo CD delivers by an object stays when the object goes.
pub async fn spare(api: &ClusterApi, place: &ObjectPlace, live: &Json) -> Result<(), DriverError> {
    if !is_given(live) {
        return Ok(());
    }
    if !is_set(live) {
        return without_cascade(api, place, live).await;
    }
    // Its controller would give the finalizers back to its Applications.
    let keep = json!({
        "metadata": { "uid": live["metadata"]["uid"] },
        "spec": { "syncPolicy": { "preserveResourcesOnDeletion": true } },
    });
    api.merge(place, &keep).await?;
    let end = tokio::time::Instant::now() + LETTING_GO;
    let mut looked = 0;
    // One that was being written meanwhile has it back once more, so it has to be gone twice.
    while looked < 2 {
        let all = applications(api, live).await?;
        let held: Vec<&Json> = all.iter().filter(|one| has_cascade(one)).collect();
        looked = if held.is_empty() { looked + 1 } else { 0 };
        if looked == 0 && tokio::time::Instant::now() >= end {
            let what = "its Applications keep the finalizer by which they take along what they delivered";
            return Err(DriverError::new(Class::Conflict, format!("{what}; nothing was deleted")));
        }
        for one in held {
            if let Some(place) = place_of(api, one).await? {
                without_cascade(api, &place, one).await?;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Takes away from an Application what lets it take along what it delivered.
async fn without_cascade(api: &ClusterApi, place: &ObjectPlace, live: &Json) -> Result<(), DriverError> {
    if !has_cascade(live) {
        return Ok(());
    }
    let finalizers = live["metadata"]["finalizers"].as_array().into_iter().flatten();
    let rest: Vec<&Json> = finalizers.filter(|one| !is_cascade(one)).collect();
    let rest = if rest.is_empty() { Json::Null } else { json!(rest) };
    let patch = json!({ "metadata": { "uid": live["metadata"]["uid"], "finalizers": rest } });
    match api.merge(place, &patch).await {
        Err(error) if error.is_absent() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(now) if has_cascade(&now) => {
            Err(DriverError::new(Class::Conflict, "its finalizer comes back; nothing was deleted"))
        }
        Ok(_) => Ok(()),
    }
}

fn has_cascade(live: &Json) -> bool {
    live["metadata"]["finalizers"].as_array().into_iter().flatten().any(is_cascade)
}

/// The finalizer has several forms, which differ in what they wait for.
fn is_cascade(finalizer: &Json) -> bool {
    finalizer.as_str().is_some_and(|text| text.starts_with(CASCADE))
}

/// The Applications of an ApplicationSet.
async fn applications(api: &ClusterApi, set: &Json) -> Result<Vec<Json>, DriverError> {
    let Some(served) = api.served(ARGO_API, "Application").await? else { return Ok(Vec::new()) };
    let mut all = api.list(&served, set["metadata"]["namespace"].as_str(), "").await?;
    all.retain(|one| {
        let owners = one["metadata"]["ownerReferences"].as_array().into_iter().flatten();
        { owners }.any(|owner| owner["uid"] == set["metadata"]["uid"])
    });
    Ok(all)
}

async fn place_of(api: &ClusterApi, application: &Json) -> Result<Option<ObjectPlace>, DriverError> {
    let served = api.served(ARGO_API, "Application").await?;
    let metadata = &application["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    Ok(served.map(|served| ObjectPlace::of(&served, metadata["namespace"].as_str(), name)))
}

/// The Applications of an object: itself, or those that it made.
fn each(live: &Json) -> Vec<&Json> {
    match is_set(live) {
        true => live[APPLICATIONS].as_array().into_iter().flatten().collect(),
        false => vec![live],
    }
}
