//! What an object would become: the server is asked by a dry run, as nobody else knows what it fills in and what webhooks change.

use serde_json::Value as Json;

use super::api::ApplyMode;
use super::state::ClusterState;
use super::{displaced, fields, manifest, mark, rivals, secret, wait};
use crate::driver::{Class, DriverError, Preview, Request};
use crate::render::objects::{group, is_own_group};
use crate::value::Value;

/// What an object that is there would become. Where nobody touched what Atlas applied, and that is what is wanted, nothing is asked.
pub async fn preview(state: &ClusterState, live: &Json, want: &Request<'_>) -> Result<Preview, DriverError> {
    if !live["metadata"]["uid"].is_string() {
        // It ran and is gone. As something else it is to run again.
        let ran = state.ran(want.identity).is_some_and(|(_, mark)| mark.applied == want.mark.applied);
        let mut attributes = want.attributes.clone();
        if !ran {
            attributes.set("manifest", Value::Null);
        }
        let is_fixed = (!ran).then(|| "it ran as something else, and is gone".to_owned());
        return Ok(Preview { is_fixed, ..Preview::of(attributes) });
    }
    if wait::is_failed_hook(live) {
        let mut attributes = want.attributes.clone();
        attributes.set("manifest", Value::Null);
        return Ok(Preview { is_fixed: Some("it failed, and is to run again".to_owned()), ..Preview::of(attributes) });
    }
    let wanted = manifest::wanted(want.attributes);
    let was = mark::read(live, &state.cluster).map(|(mark, _)| mark);
    let same = was.as_ref().is_some_and(|was| was.applied == want.mark.applied);
    let is_whole = fields::has_all(fields::applied(live), &wanted);
    let is_touched = same && !is_whole || fields::took_away(live, &wanted);
    let told = |told: Value| Preview { is_touched, ..Preview::of(manifest::with(want.attributes, told)) };
    let data = match secret::data(&state.secrets, want.attributes, Some(live)) {
        Ok(data) => data,
        // Whether it has the right values nobody can say here.
        Err(error) if same && is_whole => return Err(error),
        Err(error) => return Ok(Preview { is_refused: Some(error.chain()), ..told(plainly(&wanted, live)) }),
    };
    if same && is_whole && data.is_none_or(|data| secret::has(live, &data)) {
        return Ok(Preview::of(want.attributes.clone()));
    }
    match trial(state, live, want).await {
        Ok(Some(mut then)) => {
            // What is only to be taken over belongs to others so far, and whoever says `adopt` means that.
            let contested = was.as_ref().map(|_| rivals::contested(live, &then, want.fields)).unwrap_or_default();
            let is_contested = rivals::told(&contested);
            let mut live = live.clone();
            if let Some(managers) = fields::taken_over(&live) {
                live["metadata"]["managedFields"] = Json::Array(managers);
                fields::remove_unapplied(&live, &mut then);
            }
            Ok(Preview { is_contested, ..told(fields::in_wanted_words(&wanted, &live, &then)) })
        }
        Ok(None) => Ok(Preview { is_touched, ..Preview::of(manifest::attributes(live, was.as_ref())) }),
        Err(NoPreview::Fixed(why)) => Ok(Preview { is_fixed: Some(why), ..told(plainly(&wanted, live)) }),
        // A webhook that can't be asked by a trial, or what takes more than one write: what the manifest says is compared as it stands.
        Err(NoPreview::Unasked(is_untried)) => {
            let mut object = manifest::of(want.attributes);
            secret::fill(&state.secrets, want.attributes, Some(live), &mut object)?;
            rivals::leave(live, want.fields, &mut object);
            let contested = was.as_ref().map(|_| rivals::contested_as_it_stands(live, &object, want.fields));
            let is_contested = rivals::told(&contested.unwrap_or_default());
            Ok(Preview { is_contested, is_untried, ..told(plainly(&wanted, live)) })
        }
        Err(NoPreview::Otherwise(error)) if matches!(error.class, Class::Invalid | Class::Denied) => {
            // A definition that changes in the same plan may allow it by then.
            let is_refused = is_own_group(group_of(want)).then(|| error.chain());
            Ok(Preview { is_refused, ..told(plainly(&wanted, live)) })
        }
        Err(NoPreview::Otherwise(error)) => Err(error),
    }
}

/// The group of what is wanted.
fn group_of<'a>(want: &Request<'a>) -> &'a str {
    group(want.attributes.get("api_version").as_str().unwrap_or_default())
}

/// Finds out whether the server would take an object. Where its namespace is not there yet, or what it has to be held against, nobody
/// can tell.
pub async fn rehearse(state: &ClusterState, want: &Request<'_>) -> Result<(), DriverError> {
    if !is_own_group(group_of(want)) {
        // The definition of a custom resource may change in the same plan.
        return Ok(());
    }
    let Some(place) = state.api.place(want.attributes).await? else { return Ok(()) };
    let mut object = manifest::of(want.attributes);
    secret::fill(&state.secrets, want.attributes, None, &mut object)?;
    mark::put(&mut object, want.mark, want.identity, &state.cluster);
    match state.api.apply(&place, &object, ApplyMode { is_trial: true, takes_over: true }).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_absent() || error.forbids_change() || error.is_no_trial() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Leaves the number of replicas to an autoscaler, while there is one: also where the manifest says a number, and where it does not
/// say it any more. To take the field away would set it back to one.
pub async fn leave_to_autoscaler(state: &ClusterState, live: &Json, object: &mut Json) -> Scaled {
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let scales = |entry: &Json| {
        entry["manager"] == "kube-controller-manager"
            && entry["subresource"] == "scale"
            && entry["fieldsV1"]["f:spec"]["f:replicas"].is_object()
    };
    let is_set = { entries }.any(scales);
    let owned = fields::applied(live).and_then(|fields| fields.get("f:spec"));
    let is_owned = owned.is_some_and(|spec| spec["f:replicas"].is_object());
    let is_said = !object["spec"]["replicas"].is_null();
    if !(is_set && is_said || is_owned && !is_said) || !is_scaled(state, live).await {
        return Scaled::ByNobody;
    }
    if is_said {
        if let Some(spec) = object.get_mut("spec").and_then(Json::as_object_mut) {
            spec.remove("replicas");
        }
        return Scaled::ByItself;
    }
    Scaled::FromNowOn
}

/// Who says how many replicas a workload has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scaled {
    /// No autoscaler does.
    ByNobody,
    /// An autoscaler does already.
    ByItself,
    /// An autoscaler does once Atlas does not any more.
    FromNowOn,
}

/// Whether an autoscaler is there for a workload.
async fn is_scaled(state: &ClusterState, live: &Json) -> bool {
    // Where nobody can say, there may be one: a workload under load must not be scaled down for want of a look.
    let served = match state.api.served("autoscaling/v2", "HorizontalPodAutoscaler").await {
        Ok(Some(served)) => served,
        Ok(None) => return false,
        Err(_) => return true,
    };
    let Ok(scalers) = state.api.list(&served, live["metadata"]["namespace"].as_str(), "").await else { return true };
    scalers.iter().any(|scaler| {
        let target = &scaler["spec"]["scaleTargetRef"];
        target["kind"] == live["kind"] && target["name"] == live["metadata"]["name"]
    })
}

/// Why there is no preview.
enum NoPreview {
    /// A field can't be changed, and why.
    Fixed(String),
    /// Nobody can be asked by a trial, and why where that is somebody's fault.
    Unasked(Option<String>),
    Otherwise(DriverError),
}

async fn trial(state: &ClusterState, live: &Json, want: &Request<'_>) -> Result<Option<Json>, NoPreview> {
    let place = state.api.place(want.attributes).await.map_err(NoPreview::Otherwise)?;
    let Some(place) = place else { return Ok(None) };
    let mut object = manifest::of(want.attributes);
    secret::fill(&state.secrets, want.attributes, Some(live), &mut object).map_err(NoPreview::Otherwise)?;
    mark::keep(live, &mut object);
    rivals::leave(live, want.fields, &mut object);
    if leave_to_autoscaler(state, live, &mut object).await == Scaled::FromNowOn {
        object["spec"]["replicas"] = live["spec"]["replicas"].clone();
    }
    let mode = ApplyMode { is_trial: true, takes_over: true };
    match state.api.apply(&place, &object, mode).await {
        Ok(then) => Ok(Some(then)),
        Err(error) if error.is_no_trial() => Err(NoPreview::Unasked(Some(error.message().to_owned()))),
        Err(error) if error.forbids_change() => Err(NoPreview::Fixed(error.forbidden())),
        // A trial can't take away first what is in the way.
        Err(error) if error.code() == 422 && displaced::managers(live, &object).is_some() => {
            Err(NoPreview::Unasked(None))
        }
        Err(error) => Err(NoPreview::Otherwise(error.into())),
    }
}

/// What an object is at the places that a manifest names, without asking anybody.
fn plainly(wanted: &Value, live: &Json) -> Value {
    match (wanted, live) {
        (Value::Map(entries), Json::Object(there)) => {
            let parts = entries.iter().map(|(key, item)| {
                let there = there.get(key.as_str()).unwrap_or(&Json::Null);
                (key.clone(), plainly(item, there))
            });
            Value::map(parts.filter(|(_, item)| !item.is_null()).collect())
        }
        (Value::List(items), Json::Array(there)) if items.len() == there.len() => {
            Value::List(items.iter().zip(there).map(|(item, there)| plainly(item, there)).collect())
        }
        (_, there) => Value::from(there.clone()),
    }
}
