//! Volumes.

use std::collections::HashMap;

use bollard::models::{Volume, VolumeCreateRequest};
use bollard::query_parameters::{DataUsageOptionsBuilder, ListVolumesOptions, RemoveVolumeOptions};

use super::engine::Engine;
use super::error::{classify, is_absent};
use super::mark::{Labels, is_note};
use super::sight::{Listed, carry, said, texts};
use crate::kind::{Outputs, Usage};
use crate::provider::ProviderError;
use crate::value::{Attributes, Value};

/// Every volume of an engine but Atlas's own notes, in one call.
pub(super) async fn list(engine: &Engine) -> Result<Vec<Volume>, ProviderError> {
    let found = engine.docker().await?.list_volumes(None::<ListVolumesOptions>).await;
    let found = found.map_err(|error| classify("listing volumes", &error))?;
    Ok(found.volumes.into_iter().flatten().filter(|volume| !is_note(&volume.labels)).collect())
}

/// A listed volume in the words of the other objects. A volume has no name of the engine's own; when it was made tells it
/// from a later one of the same name.
pub(super) fn listed(volume: &Volume) -> Listed {
    let made = volume.created_at.as_ref().map(ToString::to_string).unwrap_or_default();
    Listed { id: format!("{} {made}", volume.name), name: volume.name.clone(), labels: volume.labels.clone() }
}

/// What the engine says of a volume.
pub(super) fn attributes(
    volume: &Volume,
    engine: Option<&str>,
    managed: impl Fn(&str) -> bool,
    wanted: Option<&Attributes>,
) -> Attributes {
    let options = volume.options.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    [
        ("name", volume.name.as_str().into()),
        ("engine", engine.map_or(Value::Null, Value::from)),
        ("driver", volume.driver.as_str().into()),
        ("options", Value::Map(options.collect())),
        ("labels", said("labels", &volume.labels, &volume.labels, &managed, wanted)),
    ]
    .into_iter()
    .collect()
}

/// Makes a volume.
pub(super) async fn create(engine: &Engine, wanted: &Attributes, mut labels: Labels) -> Result<Outputs, ProviderError> {
    carry(&mut labels, wanted);
    let request = VolumeCreateRequest {
        name: wanted.get("name").as_str().map(str::to_owned),
        driver: wanted.get("driver").as_str().map(str::to_owned),
        driver_opts: Some(texts(wanted.get("options")).collect()),
        labels: Some(labels),
        ..Default::default()
    };
    let made = engine.docker().await?.create_volume(request).await;
    made.map_err(|error| classify("creating a volume", &error))?;
    Ok(Outputs::default())
}

/// Removes a volume. What is not there is removed already.
pub(super) async fn remove(engine: &Engine, name: &str) -> Result<(), ProviderError> {
    match engine.docker().await?.remove_volume(name, None::<RemoveVolumeOptions>).await {
        Err(error) if !is_absent(&error) => Err(classify("removing a volume", &error)),
        _ => Ok(()),
    }
}

/// What a volume holds, and who uses it.
pub(super) fn usage(name: &str, sizes: &HashMap<String, u64>, users: &HashMap<String, u64>) -> Usage {
    let users = ("containers".to_owned(), users.get(name).copied().unwrap_or_default());
    let bytes = sizes.get(name).map(|bytes| ("bytes".to_owned(), *bytes));
    Usage::from_iter([users].into_iter().chain(bytes))
}

/// How many bytes each volume holds, for all of them in one call. The engine counts them file by file, so it is asked only
/// when something is about to be removed. Engines before 29 answer in another form.
pub(super) async fn sizes(engine: &Engine) -> HashMap<String, u64> {
    let Ok(docker) = engine.docker().await else { return HashMap::new() };
    let options = DataUsageOptionsBuilder::default()._type(vec!["volume".into()]).verbose(true).build();
    let answer = docker.df(Some(options)).await.ok();
    let items = answer.and_then(|answer| answer.volume_usage?.items).unwrap_or_default();
    let items = if items.is_empty() { engine.volumes_of_old().await } else { items };
    let size = |item: &serde_json::Value| {
        let name = item["Name"].as_str()?.to_owned();
        Some((name, u64::try_from(item["UsageData"]["Size"].as_i64()?).ok()?))
    };
    items.iter().filter_map(size).collect()
}
