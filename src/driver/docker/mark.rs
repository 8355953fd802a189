//! Ownership marks as labels, and as notes where labels can't be changed.
//!
//! An engine gives labels to an object when it is made and never changes them. What changes about a mark later (it is
//! protected now, something else was applied) is written into a *note*: an empty volume whose labels are the mark, with the
//! object that it is about. The latest note about an object counts; without one, the object's own labels do.

use std::collections::HashMap;

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions};

use super::engine::Engine;
use super::error::{classify, is_absent};
use crate::address::Address;
use crate::desired::OnRemove;
use crate::driver::DriverError;
use crate::observed::Mark;
use crate::value::long_hash;

/// Labels by key.
pub(super) type Labels = HashMap<String, String>;

const OWN: &str = "atlas.";
const ABOUT: &str = "atlas.note";

/// The notes on one engine, by the identity and the engine's own name of what they are about.
#[derive(Debug, Default)]
pub(super) struct Notes(HashMap<(String, String), Vec<Note>>);

#[derive(Debug)]
struct Note {
    number: u64,
    volume: String,
    labels: Labels,
}

/// The labels of a mark.
pub(super) fn labels(mark: &Mark, identity: &str) -> Labels {
    let mut labels = Labels::new();
    let mut put = |key: &str, value: String| labels.insert(format!("{OWN}{key}"), value);
    put("project", mark.project.to_string());
    put("environment", mark.environment.to_string());
    put("address", mark.address.to_string());
    put("identity", identity.to_owned());
    put("applied", mark.applied.clone());
    put("needs", mark.needs.iter().map(Address::as_str).collect::<Vec<_>>().join(" "));
    if mark.protect {
        put("protect", "true".into());
    }
    if mark.on_remove == OnRemove::Forget {
        put("on-remove", "forget".into());
    }
    labels
}

/// The mark that labels hold; none when they hold none.
pub(super) fn read(labels: &Labels) -> Option<Mark> {
    let get = |key: &str| labels.get(&format!("{OWN}{key}"));
    if get("forgotten").is_some() {
        return None;
    }
    let is = |key: &str, word: &str| get(key).is_some_and(|value| value == word);
    Some(Mark {
        project: get("project")?.into(),
        environment: get("environment")?.into(),
        address: Address::parse(get("address")?).ok()?,
        protect: is("protect", "true"),
        on_remove: if is("on-remove", "forget") { OnRemove::Forget } else { OnRemove::Delete },
        needs: get("needs")?.split(' ').filter_map(|need| Address::parse(need).ok()).collect(),
        applied: get("applied").cloned().unwrap_or_default(),
    })
}

/// The identity that an object was made under.
pub(super) fn identity(labels: &Labels) -> Option<&str> {
    labels.get("atlas.identity").map(String::as_str)
}

/// Whether a label is Atlas's own.
pub(super) fn is_own(key: &str) -> bool {
    key.starts_with(OWN)
}

/// Whether a volume is a note.
pub(super) fn is_note(labels: &Labels) -> bool {
    labels.contains_key(ABOUT)
}

impl Notes {
    /// Reads all notes of an engine, in one call.
    pub async fn read(engine: &Engine) -> Result<Self, DriverError> {
        let filters = HashMap::from([("label", vec![ABOUT])]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let found = engine.docker().await?.list_volumes(Some(options)).await;
        let found = found.map_err(|error| classify("listing notes", &error))?;
        let mut notes = HashMap::<(String, String), Vec<Note>>::new();
        for volume in found.volumes.into_iter().flatten() {
            let labels = volume.labels;
            let get = |key: &str| labels.get(key).cloned();
            let (Some(about), Some(object)) = (get("atlas.identity"), get(ABOUT)) else { continue };
            let number = get("atlas.number").and_then(|text| text.parse().ok()).unwrap_or_default();
            let note = Note { number, volume: volume.name, labels };
            notes.entry((about, object)).or_default().push(note);
        }
        // A run that was interrupted may have left an older one; the last counts.
        notes.values_mut().for_each(|list| list.sort_by_key(|note| note.number));
        Ok(Self(notes))
    }

    /// The labels that count for an object: those of its latest note, or its own.
    pub fn latest<'a>(&'a self, identity: &str, object: &str, own: &'a Labels) -> &'a Labels {
        let about = self.0.get(&(identity.to_owned(), object.to_owned()));
        about.and_then(|list| list.last()).map_or(own, |note| &note.labels)
    }

    /// Writes a note about an object, in place of the one before; without a mark it is nobody's any more.
    pub async fn write(
        &self,
        engine: &Engine,
        identity: &str,
        object: &str,
        mark: Option<&Mark>,
    ) -> Result<(), DriverError> {
        let key = (identity.to_owned(), object.to_owned());
        let before = self.0.get(&key).map(Vec::as_slice).unwrap_or_default();
        let number = before.last().map_or(1, |note| note.number + 1);
        let mut all = mark.map(|mark| labels(mark, identity)).unwrap_or_default();
        if mark.is_none() {
            all.insert("atlas.forgotten".into(), "true".into());
        }
        all.insert("atlas.identity".into(), identity.to_owned());
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

    /// Removes what is noted about an object that is gone.
    pub async fn clear(&self, engine: &Engine, identity: &str) -> Result<(), DriverError> {
        for note in self.0.iter().filter(|((about, _), _)| about == identity).flat_map(|(_, list)| list) {
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
