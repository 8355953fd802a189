//! Ownership marks as labels, and which labels are an object's own.
//!
//! An engine gives labels to an object when it is made and never changes them. What changes about a mark later is written
//! into a note (see [`super::note`]).
//!
//! An image gives its labels to every container that is made from it, and whoever commits a container gives the container's
//! labels to the image. So labels that an image has as well are no mark, unless they are of a container that Atlas made:
//! each object that Atlas makes has a label with a random text, which no image can have had before.

use std::collections::HashMap;

use super::random;
use super::table::texts;
use crate::address::Address;
use crate::desired::OnRemove;
use crate::driver::DriverError;
use crate::identity::Identity;
use crate::observed::Mark;
use crate::value::Attributes;

/// Labels by key.
pub(super) type Labels = HashMap<String, String>;

const OWN: &str = "atlas.";
/// The label that no two objects share.
const MADE: &str = "atlas.made";

/// The labels of a mark.
pub(super) fn labels(mark: &Mark, identity: &Identity) -> Labels {
    let mut labels = Labels::new();
    let mut put = |key: &str, value: String| labels.insert(format!("{OWN}{key}"), value);
    put("project", mark.project.to_string());
    put("environment", mark.environment.to_string());
    put("address", mark.address.to_string());
    put("identity", identity.to_string());
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

/// The labels of an object that is made now.
pub(super) fn labels_of_new(mark: &Mark, identity: &Identity) -> Result<Labels, DriverError> {
    let mut labels = labels(mark, identity);
    labels.insert(MADE.into(), random::token("the object's mark")?);
    Ok(labels)
}

/// Whether an engine made an object with these labels when it was asked to, and did not find one of that name.
pub(super) fn is_made_with(there: &Labels, asked: &Labels) -> bool {
    asked.get(MADE).is_some_and(|made| there.get(MADE) == Some(made))
}

/// Whether Atlas made the object that has these labels, and did not adopt it.
pub(super) fn is_of_a_made_one(labels: &Labels) -> bool {
    labels.contains_key(MADE)
}

/// The mark that labels hold; none when they hold none.
pub(super) fn read(labels: &Labels) -> Option<Mark> {
    let get = |key: &str| labels.get(&format!("{OWN}{key}"));
    let is = |key: &str, word: &str| get(key).is_some_and(|value| value == word);
    if is("forgotten", "true") {
        return None;
    }
    identity(labels)?;
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
pub(super) fn identity(labels: &Labels) -> Option<Identity> {
    Some(Identity::from_text(get(labels, "atlas.identity")?))
}

/// A label that says something. One that an image brings along is emptied where Atlas makes a container from it.
pub(super) fn get<'a>(labels: &'a Labels, key: &str) -> Option<&'a str> {
    labels.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

/// Labels by which other tools keep track of what they made.
const TOOLS: [&str; 2] = ["com.docker.compose.", "io.podman."];

/// Whether a label is one by which another tool keeps track of what it made: no spec can say it.
pub(super) fn is_of_tools(key: &str) -> bool {
    TOOLS.iter().any(|start| key.starts_with(start))
}

/// Whether a label is Atlas's own.
pub(super) fn is_own(key: &str) -> bool {
    key.starts_with(OWN)
}

/// Whether a label tells what an object is, to Atlas or to k3d.
fn tells(key: &str) -> bool {
    is_own(key) || key.starts_with("k3d.")
}

/// The labels of a container that are its own and not its image's, as far as they tell what it is.
pub(super) fn own(mut labels: Labels, image: Option<&Labels>) -> Labels {
    let Some(image) = image else { return labels };
    let made = get(&labels, MADE);
    if made.is_none() || made == get(image, MADE) {
        labels.retain(|key, value| !tells(key) || image.get(key) != Some(value));
    }
    labels
}

/// Empties the labels that an image would bring along and that tell what an object is.
pub(super) fn empty_those_of(image: &Labels, labels: &mut Labels) {
    for key in image.keys().filter(|key| tells(key)) {
        labels.entry(key.clone()).or_default();
    }
}

/// Takes the labels away that tell what an object is, and leaves those that were emptied.
pub(super) fn take_from(labels: &mut Labels) {
    labels.retain(|key, value| !tells(key) || value.is_empty());
}

/// Adds the spec's own labels to those of the mark, and which they are. The mark's come first, whatever the spec says.
pub(super) fn carry(labels: &mut Labels, wanted: &Attributes) {
    let own: Vec<(String, String)> = texts(wanted.get("labels")).filter(|(key, _)| !is_own(key)).collect();
    keys(labels, "labels", own.iter().map(|(key, _)| key.as_str()));
    for (key, value) in own {
        labels.entry(key).or_insert(value);
    }
}

/// Notes which entries of a table are Atlas's own.
pub(super) fn keys<'a>(labels: &mut Labels, name: &str, keys: impl Iterator<Item = &'a str>) {
    labels.insert(format!("atlas.keys.{name}"), keys.collect::<Vec<_>>().join(" "));
}

#[cfg(test)]
mod tests {
    use super::{Labels, carry, empty_those_of, is_made_with, labels_of_new, own, read};
    use crate::address::Address;
    use crate::desired::OnRemove;
    use crate::identity::Identity;
    use crate::observed::Mark;
    use crate::value::{Attributes, Value};

    fn made() -> (Mark, Labels) {
        let mark = Mark {
            project: "p".into(),
            environment: "e".into(),
            address: Address::new("container", "cache", None),
            protect: false,
            on_remove: OnRemove::Delete,
            needs: Vec::new(),
            applied: "image:1".into(),
        };
        let labels = labels_of_new(&mark, &Identity::root("container", "cache")).expect("random");
        (mark, labels)
    }

    #[test]
    fn what_an_image_brings_along_is_no_mark() {
        let (mark, original) = made();
        assert_eq!(read(&own(original.clone(), None)), Some(mark.clone()));
        // A container that was made from an image that was made from the original.
        assert_eq!(read(&own(original.clone(), Some(&original))), None);
        let with = |labels: &Labels, key: &str, value: &str| {
            let mut labels = labels.clone();
            labels.insert(key.into(), value.into());
            labels
        };
        assert_eq!(read(&own(with(&original, "atlas.protect", "true"), Some(&original))), None);
        assert_eq!(read(&own(with(&original, "team", "ledger"), Some(&original))), None);
        // A container that Atlas made from that image: it has a text of its own, also where all else is the same.
        let (_, again) = made();
        assert_eq!(read(&own(again.clone(), Some(&original))), Some(mark.clone()));
        // A container of an older Atlas, which made no such texts, from an image without a mark.
        let mut older = original.clone();
        older.remove(super::MADE);
        let plain = Labels::from([("team".to_owned(), "ledger".to_owned())]);
        assert_eq!(read(&own(older.clone(), Some(&plain))), Some(mark));
        assert_eq!(read(&own(older.clone(), Some(&older))), None);
    }

    #[test]
    fn what_an_image_says_of_its_own_containers_does_not_count_for_atlas_s() {
        let (mark, labels) = made();
        let image: Labels = [("atlas.protect", "true"), ("atlas.forgotten", "true"), ("k3d.role", "server")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let mut made = labels.clone();
        empty_those_of(&image, &mut made);
        // The engine puts the labels of the container over those of the image.
        let mut there = image.clone();
        there.extend(made);
        assert_eq!(read(&own(there.clone(), Some(&image))), Some(mark));
        assert_eq!(super::get(&there, "k3d.role"), None);
    }

    #[test]
    fn labels_of_the_spec_never_touch_the_mark() {
        let (mark, mut labels) = made();
        let said = ["atlas.project", "atlas.protect", "atlas.identity", "atlas.made", "atlas.keys.labels", "team"];
        let said = said.into_iter().map(|key| (key.into(), Value::from("victim"))).collect();
        let wanted: Attributes = [("labels", Value::Map(said))].into_iter().collect();
        let before = labels.clone();
        carry(&mut labels, &wanted);
        assert_eq!(read(&labels), Some(mark));
        assert_eq!(labels.get("team").map(String::as_str), Some("victim"));
        assert_eq!(labels.get("atlas.keys.labels").map(String::as_str), Some("team"));
        assert!(before.iter().all(|(key, value)| labels.get(key) == Some(value)));
    }

    #[test]
    fn what_was_there_already_was_not_made() {
        let ((_, asked), (_, other)) = (made(), made());
        assert!(is_made_with(&asked, &asked));
        assert!(!is_made_with(&other, &asked) && !is_made_with(&Labels::new(), &asked));
    }
}
