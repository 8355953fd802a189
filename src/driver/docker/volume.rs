//! Volumes.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{Volume, VolumeCreateRequest};
use bollard::query_parameters::{
    DataUsageOptionsBuilder, ListVolumesOptions, ListVolumesOptionsBuilder, RemoveVolumeOptions,
};

use tokio::time::Instant;

use super::engine::Engine;
use super::error::{classify, is_absent};
use super::listed::{Listed, said};
use super::mark::{Labels, carry, is_made_with};
use super::note::is_note;
use super::table::texts;
use crate::driver::{Class, DriverError};
use crate::value::{Attributes, Value};

/// How long it is asked again while the engine is busy with counting.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The version of Docker's API since which it tells the sizes of volumes in other words.
const NEW_WORDS: (usize, usize) = (1, 52);

/// Every volume of an engine but Atlas's own notes, in one call.
pub(super) async fn list(engine: &Engine) -> Result<Vec<Volume>, DriverError> {
    let found = engine.docker().await?.list_volumes(None::<ListVolumesOptions>).await;
    let found = found.map_err(|error| classify("listing volumes", &error))?;
    Ok(found.volumes.into_iter().flatten().filter(|volume| !is_note(&volume.labels)).collect())
}

/// The volumes of an engine that have all these labels, in one call.
pub(super) async fn with_labels(engine: &Engine, labels: &[String]) -> Result<Vec<Volume>, DriverError> {
    let filters = HashMap::from([("label", labels.to_vec())]);
    let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
    let found = engine.docker().await?.list_volumes(Some(options)).await;
    Ok(found.map_err(|error| classify("listing volumes", &error))?.volumes.unwrap_or_default())
}

/// All that the engine knows of one volume; none when it is gone.
pub(super) async fn inspect(engine: &Engine, name: &str) -> Result<Option<Volume>, DriverError> {
    match engine.docker().await?.inspect_volume(name).await {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(classify("looking at a volume", &error)),
    }
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
    let options = volume.options.iter().map(|(key, value)| (key.into(), Value::from(value.as_str())));
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

/// Makes a volume. An engine that has one of that name says that it made it, and changes nothing.
pub(super) async fn create(engine: &Engine, wanted: &Attributes, mut labels: Labels) -> Result<(), DriverError> {
    carry(&mut labels, wanted);
    let asked = labels.clone();
    let request = VolumeCreateRequest {
        name: wanted.get("name").as_str().map(str::to_owned),
        driver: wanted.get("driver").as_str().map(str::to_owned),
        driver_opts: Some(texts(wanted.get("options")).collect()),
        labels: Some(labels),
        ..Default::default()
    };
    let made = engine.docker().await?.create_volume(request).await;
    let made = made.map_err(|error| classify("creating a volume", &error))?;
    match is_made_with(&made.labels, &asked) {
        true => Ok(()),
        false => Err(DriverError::new(Class::Conflict, format!("a volume `{}` is there already", made.name))),
    }
}

/// Removes a volume. What is not there is removed already.
pub(super) async fn remove(engine: &Engine, name: &str) -> Result<(), DriverError> {
    match engine.docker().await?.remove_volume(name, None::<RemoveVolumeOptions>).await {
        Err(error) if !is_absent(&error) => Err(classify("removing a volume", &error)),
        _ => Ok(()),
    }
}

/// How many bytes each volume holds, for all of them in one call. The engine counts them file by file, so it is asked
/// only when something is about to be removed. Empty when the engine can't tell.
pub(super) async fn sizes(engine: &Engine) -> HashMap<String, u64> {
    // Engines before 23 refuse to count while they count already, be it for us or for others.
    let _alone = engine.counting.lock().await;
    let end = Instant::now() + BUSY_TIMEOUT;
    let items = loop {
        match count(engine).await {
            Err(error) if error.message.contains("already running") && Instant::now() < end => {
                tokio::time::sleep(PAUSE).await;
            }
            counted => break counted.unwrap_or_default(),
        }
    };
    let size = |item: &serde_json::Value| {
        let name = item["Name"].as_str()?.to_owned();
        Some((name, u64::try_from(item["UsageData"]["Size"].as_i64()?).ok()?))
    };
    items.iter().filter_map(size).collect()
}

/// The volumes with their sizes. Engines before 29 have other words for it, which the client does not read.
async fn count(engine: &Engine) -> Result<Vec<serde_json::Value>, DriverError> {
    let docker = engine.docker().await?;
    let version = docker.client_version();
    if (version.major_version, version.minor_version) < NEW_WORDS {
        return engine.volumes_of_old().await;
    }
    let options = DataUsageOptionsBuilder::default()._type(vec!["volume".into()]).verbose(true).build();
    let answer = docker.df(Some(options)).await;
    let answer = answer.map_err(|error| classify("counting what volumes hold", &error))?;
    Ok(answer.volume_usage.and_then(|usage| usage.items).unwrap_or_default())
}
