//! The credentials of registries that the service account `default` of a namespace has. Kubernetes makes that account by itself, so it
//! stays whose it is, and Atlas only sees to it that its own are among what it names.
//!
//! <https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#add-imagepullsecrets-to-a-service-account>

use serde_json::{Value as Json, json};

use super::api::{ApplyMode, CallError, ClusterApi, ObjectPlace, Served};
use crate::driver::DriverError;
use crate::value::Value;

/// How often it is tried where somebody else writes to the account at the same time.
const TRIES: usize = 4;

/// What stands in the place of credentials that the account does not have.
const NOT_ATTACHED: &str = "(not of the service account `default`)";

/// The names of the credentials that the account has.
pub async fn attached(api: &ClusterApi, namespace: &str) -> Result<Vec<String>, DriverError> {
    Ok(api.get(&place(namespace)).await?.as_ref().map(names).unwrap_or_default())
}

/// Says of credentials that the account does not have them.
pub fn compare(wanted: &Value, attached: &[String]) -> Value {
    let Value::Map(all) = wanted else { return wanted.clone() };
    let one = |name: &str, said: &Value| match attached.iter().any(|other| other == name) {
        true => said.clone(),
        false => NOT_ATTACHED.into(),
    };
    Value::map(all.iter().map(|(name, said)| (name.clone(), one(name, said))).collect())
}

/// Gives the account these credentials, and takes those away that it was given before. Those of others stay.
pub async fn attach(
    api: &ClusterApi,
    namespace: &str,
    wanted: &[String],
    former: &[String],
) -> Result<(), DriverError> {
    if wanted.is_empty() && former.is_empty() {
        return Ok(());
    }
    let place = place(namespace);
    for _ in 1..TRIES {
        match attach_once(api, &place, wanted, former).await {
            Err(error) if error.code() == 409 => {}
            done => return Ok(done?),
        }
    }
    Ok(attach_once(api, &place, wanted, former).await?)
}

async fn attach_once(
    api: &ClusterApi,
    place: &ObjectPlace,
    wanted: &[String],
    former: &[String],
) -> Result<(), CallError> {
    let list = |names: &[String]| names.iter().map(|name| json!({ "name": name })).collect::<Json>();
    let Some(account) = api.look(place).await? else {
        // Kubernetes leaves one alone that is there already.
        let body = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": { "name": place.name, "namespace": place.namespace },
            "imagePullSecrets": list(wanted),
        });
        return match wanted.is_empty() {
            true => Ok(()),
            false => api.apply(place, &body, ApplyMode { is_trial: false, takes_over: true }).await.map(drop),
        };
    };
    let has = names(&account);
    let mut all: Vec<String> =
        has.iter().filter(|name| wanted.contains(name) || !former.contains(name)).cloned().collect();
    all.extend(wanted.iter().filter(|name| !has.contains(name)).cloned());
    if all == has {
        return Ok(());
    }
    let version = &account["metadata"]["resourceVersion"];
    let patch = json!({ "metadata": { "resourceVersion": version }, "imagePullSecrets": list(&all) });
    api.merge(place, &patch).await.map(drop)
}

fn names(account: &Json) -> Vec<String> {
    let all = account["imagePullSecrets"].as_array().into_iter().flatten();
    all.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
}

fn place(namespace: &str) -> ObjectPlace {
    let served = Served::always("v1", "ServiceAccount", "serviceaccounts", true);
    ObjectPlace { served, namespace: Some(namespace.to_owned()), name: "default".to_owned() }
}
