//! Notes: what changed about a mark after its object was made.
//!
//! A note is an empty volume whose labels are the mark, with the engine's own name of the object that it is about. The
//! latest note about an object counts; without one, the object's own labels do. No image and no copy brings a note along,
//! so an object that one is about is known for certain, whatever it is called by now.

use std::collections::HashMap;

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions};

use super::engine::Engine;
use super::error::{classify, is_absent};
use super::mark::{self, Labels};
use crate::driver::DriverError;
use crate::identity::Identity;
use crate::kind::Kind;
use crate::observed::Mark;
use crate::value::long_hash;

const ABOUT: &str = "atlas.note";

/// Notes on one engine, by the engine's own name of what they are about.
#[derive(Debug, Default)]
pub(super) struct Notes(HashMap<String, Vec<Note>>);

#[derive(Debug)]
struct Note {
    number: u64,
    identity: Identity,
    volume: String,
    labels: Labels,
}

/// Whether a volume is a note.
pub(super) fn is_note(labels: &Labels) -> bool {
    labels.contains_key(ABOUT)
}

impl Notes {
    /// Reads all notes of an engine, in one call.
    pub async fn read(engine: &Engine) -> Result<Self, DriverError> {
        Self::labelled(engine, vec![ABOUT.to_owned()]).await
    }

    /// Reads the notes about the object of an identity, in one call.
    pub async fn about(engine: &Engine, identity: &Identity) -> Result<Self, DriverError> {
        Self::labelled(engine, vec![ABOUT.to_owned(), format!("atlas.identity={identity}")]).await
    }

    async fn labelled(engine: &Engine, labels: Vec<String>) -> Result<Self, DriverError> {
        let filters = HashMap::from([("label", labels)]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let found = engine.docker().await?.list_volumes(Some(options)).await;
        let found = found.map_err(|error| classify("listing notes", &error))?;
        let mut notes = HashMap::<String, Vec<Note>>::new();
        for volume in found.volumes.into_iter().flatten() {
            let labels = volume.labels;
            let (Some(identity), Some(object)) = (mark::identity(&labels), labels.get(ABOUT).cloned()) else {
                continue;
            };
            let number = labels.get("atlas.number").and_then(|text| text.parse().ok()).unwrap_or_default();
            notes.entry(object).or_default().push(Note { number, identity, volume: volume.name, labels });
        }
        // A run that was interrupted may have left an older one; the last counts.
        notes.values_mut().for_each(|list| list.sort_by_key(|note| note.number));
        Ok(Self(notes))
    }

    fn latest(&self, kind: &Kind, object: &str) -> Option<&Note> {
        self.0.get(object)?.iter().rev().find(|note| note.identity.kind() == kind.name)
    }

    /// The identity of an object that something is noted about, and the labels that count for it now.
    pub fn of(&self, kind: &Kind, object: &str) -> Option<(&Identity, &Labels)> {
        self.latest(kind, object).map(|note| (&note.identity, &note.labels))
    }

    /// The labels that count for an object now, whatever its kind is; none where nothing is noted.
    pub fn labels_of(&self, object: &str) -> Option<&Labels> {
        self.0.get(object)?.last().map(|note| &note.labels)
    }

    /// The engine's own names of all that something is noted about.
    pub fn objects(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Writes a note about an object, in place of those before; without a mark it is nobody's any more.
    pub async fn write(
        &self,
        engine: &Engine,
        identity: &Identity,
        object: &str,
        mark: Option<&Mark>,
    ) -> Result<(), DriverError> {
        let before = self.0.get(object).map(Vec::as_slice).unwrap_or_default();
        let number = before.last().map_or(1, |note| note.number + 1);
        let mut all = mark.map(|mark| mark::labels(mark, identity)).unwrap_or_default();
        if mark.is_none() {
            all.insert("atlas.forgotten".into(), "true".into());
        }
        all.insert("atlas.identity".into(), identity.to_string());
        all.insert(ABOUT.into(), object.to_owned());
        all.insert("atlas.number".into(), number.to_string());
        let name = format!("atlas-note-{}-{number}", &long_hash(format!("{identity} {object}").as_bytes())[..16]);
        let request = VolumeCreateRequest { name: Some(name), labels: Some(all), ..Default::default() };
        let docker = engine.docker().await?;
        docker.create_volume(request).await.map_err(|error| classify("writing a note", &error))?;
        for note in before {
            remove(engine, &note.volume).await?;
        }
        Ok(())
    }

    /// Removes what is noted about the objects of an identity: they are gone.
    pub async fn clear(&self, engine: &Engine, identity: &Identity) -> Result<(), DriverError> {
        for note in self.0.values().flatten().filter(|note| note.identity == *identity) {
            remove(engine, &note.volume).await?;
        }
        Ok(())
    }
}

async fn remove(engine: &Engine, volume: &str) -> Result<(), DriverError> {
    match engine.docker().await?.remove_volume(volume, None::<RemoveVolumeOptions>).await {
        Err(error) if !is_absent(&error) => Err(classify("removing a note", &error)),
        _ => Ok(()),
    }
}
