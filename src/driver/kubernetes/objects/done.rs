//! Jobs that ran and are gone, by their own clock or by the policy of their hook. The record of their app keeps what they were, so
//! that they are not run again and again.
//!
//! <https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/>, <https://helm.sh/docs/topics/charts_hooks/>

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::api::ClusterApi;
use super::app;
use crate::driver::DriverError;
use crate::identity::Identity;
use crate::observed::Mark;
use crate::value::short_hash;

/// What the keys begin with under which a record has what ran.
const DONE_KEY: &str = "done.";

/// Whether an object goes by itself once it has ended.
pub fn goes_by_itself(object: &Json) -> bool {
    object["kind"] == "Job" && (object["spec"]["ttlSecondsAfterFinished"].is_number() || is_removed_by_hook(object))
}

/// Whether a hook is to be removed once it succeeded.
pub fn is_removed_by_hook(object: &Json) -> bool {
    has_policy(object, "hook-succeeded")
}

/// Whether a hook is to be removed once it failed.
pub fn is_removed_when_failed(object: &Json) -> bool {
    has_policy(object, "hook-failed")
}

/// Whether a Job has done what it is for.
pub fn has_completed(job: &Json) -> bool {
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    { conditions }.any(|one| one["type"] == "Complete" && one["status"] == "True")
}

fn has_policy(object: &Json, word: &str) -> bool {
    let annotations = &object["metadata"]["annotations"];
    let policies = annotations["helm.sh/hook-delete-policy"].as_str().unwrap_or_default();
    annotations["helm.sh/hook"].is_string() && policies.split(',').any(|policy| policy.trim() == word)
}

/// What ran and may be gone, as the record of an app has it, by the key of its identity.
pub fn read(record: &Json) -> BTreeMap<String, Mark> {
    let data = record["data"].as_object().into_iter().flatten();
    let lines = data.filter_map(|(key, text)| Some((key.strip_prefix(DONE_KEY)?, text.as_str()?)));
    lines.filter_map(|(key, text)| Some((key.to_owned(), serde_json::from_str(text).ok()?))).collect()
}

/// The key by which a record has an object.
pub fn key(identity: &Identity) -> String {
    short_hash(identity.as_str().as_bytes())
}

/// Writes into the record of an app that an object was made, or that it has to be made again.
pub async fn write(
    api: &ClusterApi,
    app: &Identity,
    object: &Identity,
    mark: Option<&Mark>,
) -> Result<(), DriverError> {
    let text = mark.map(|mark| serde_json::to_string(mark).unwrap_or_default());
    let patch = json!({ "data": { format!("{DONE_KEY}{}", key(object)): text } });
    match api.merge(&app::place(app), &patch).await {
        // Without its record nothing of an app is remembered any more.
        Err(error) if error.is_absent() && mark.is_none() => Ok(()),
        other => Ok(other.map(drop)?),
    }
}
