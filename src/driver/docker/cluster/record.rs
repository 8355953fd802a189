//! What Atlas brought a cluster to: an empty volume whose labels say it.
//!
//! A container can't be given other labels, so its own tell what it was made from, and what is changed in place stands here.
//! The record is written before anything else of a cluster and removed after all of it, so that a cluster whose making or
//! removal was interrupted is found again, with its token. While one is written the one before stays; the last counts.

use std::collections::BTreeMap;

use bollard::models::{Volume, VolumeCreateRequest};
use serde::{Deserialize, Serialize};

use super::super::engine::Engine;
use super::super::error::classify;
use super::super::mark::{self, Labels};
use super::super::volume;
use super::labels::{MADE_FROM, TOKEN};
use crate::driver::DriverError;
use crate::value::Value;

/// The label with the number of a record.
const NUMBER: &str = "atlas.cluster.record";
/// The label of a record of a cluster that is not all there yet.
const BEGUN: &str = "atlas.cluster.begun";
/// The label of what nodes have that their names don't tell.
const KEPT: &str = "atlas.cluster.kept";

/// A record of a cluster.
#[derive(Clone, Debug)]
pub struct Record {
    volume: String,
    number: u64,
    /// The labels that say whose the cluster is.
    pub labels: Labels,
}

/// What a node has that its name does not tell, because it was made before Atlas chose it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The volume with its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// The password by which the cluster knows it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// What a record says besides whose the cluster is.
pub struct RecordContents<'a> {
    pub cluster: &'a str,
    pub token: &'a str,
    /// What the cluster was brought to, or is being made from.
    pub made_from: &'a BTreeMap<String, Value>,
    /// Whether all of it is there.
    pub is_done: bool,
    pub kept: &'a BTreeMap<String, Kept>,
}

/// Whether a volume is a record.
pub(super) fn is_record(volume: &Volume) -> bool {
    mark::get(&volume.labels, NUMBER).is_some()
}

impl Record {
    /// The last record among the volumes of a cluster.
    pub fn last_of(volumes: &[Volume]) -> Option<Self> {
        let all = volumes.iter().filter_map(|volume| {
            let number = mark::get(&volume.labels, NUMBER)?.parse().ok()?;
            Some(Self { volume: volume.name.clone(), number, labels: volume.labels.clone() })
        });
        all.max_by_key(|record| record.number)
    }

    /// What the cluster was brought to, or was to be made from.
    pub fn made_from(&self) -> Option<BTreeMap<String, Value>> {
        serde_json::from_str(mark::get(&self.labels, MADE_FROM)?).ok()
    }

    /// Whether all of that was done.
    pub fn is_done(&self) -> bool {
        mark::get(&self.labels, BEGUN).is_none()
    }

    /// What nodes have that their names don't tell, by the names of their containers.
    pub fn kept(&self) -> BTreeMap<String, Kept> {
        mark::get(&self.labels, KEPT).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// Removes it.
    pub async fn remove(&self, engine: &Engine) -> Result<(), DriverError> {
        volume::remove(engine, &self.volume).await
    }

    /// Writes a record in place of the one before.
    pub async fn write(
        engine: &Engine,
        before: Option<&Self>,
        mut labels: Labels,
        contents: &RecordContents<'_>,
    ) -> Result<Self, DriverError> {
        let number = before.map_or(1, |record| record.number + 1);
        let mut put = |key: &str, value: String| labels.insert(key.to_owned(), value);
        put("app", "k3d".into());
        put("k3d.cluster", contents.cluster.to_owned());
        put(TOKEN, contents.token.to_owned());
        put(NUMBER, number.to_string());
        put(KEPT, serde_json::to_string(contents.kept).unwrap_or_default());
        put(MADE_FROM, serde_json::to_string(contents.made_from).unwrap_or_default());
        if !contents.is_done {
            put(BEGUN, "true".into());
        }
        let volume = format!("k3d-{}-record-{number}", contents.cluster);
        let request =
            VolumeCreateRequest { name: Some(volume.clone()), labels: Some(labels.clone()), ..Default::default() };
        let written = engine.docker().await?.create_volume(request).await;
        written.map_err(|error| classify("writing what the cluster was brought to", &error))?;
        if let Some(before) = before {
            volume::remove(engine, &before.volume).await?;
        }
        Ok(Self { volume, number, labels })
    }
}
