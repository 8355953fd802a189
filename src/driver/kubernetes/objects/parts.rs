//! Records of apps that would be too long for one `ConfigMap`, which takes 1 MiB: what the app is, in parts beside the record.
//!
//! The names of parts hold a hash of the whole, and the record names them once they are there. So nobody ever reads parts of two.

use serde_json::{Value as Json, json};

use super::api::{ApplyMode, ClusterApi, ObjectPlace};
use super::app::{self, RECORD_LABEL};
use super::mark;
use crate::driver::{DriverError, Request, with_retries};
use crate::identity::Identity;
use crate::observed::Owner;
use crate::value::short_hash;

/// How much of an app one object takes: beside it a record has kinds and what ran, and the server counts all of it.
const MOST: usize = 500_000;
/// The key under which a record names its parts.
const PARTS_KEY: &str = "parts";
/// The key under which a part has what it holds.
const PART_KEY: &str = "part";

/// Writes an app that is too long for its record into parts, which the record then names in its place.
pub async fn part(
    api: &ClusterApi,
    want: &Request<'_>,
    cluster: &Identity,
    record: &mut Json,
) -> Result<(), DriverError> {
    let text = record["data"]["app"].as_str().unwrap_or_default().to_owned();
    if text.len() <= MOST {
        return Ok(());
    }
    let whole = short_hash(text.as_bytes());
    let parts = split(&text);
    for (at, part) in parts.iter().enumerate() {
        let place = place(want.identity, &whole, at);
        let mut object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": place.name, "namespace": place.namespace, "labels": { RECORD_LABEL: "part" } },
            "data": { PART_KEY: part },
        });
        mark::put(&mut object, want.mark, want.identity, cluster);
        api.apply(&place, &object, ApplyMode { takes_over: true, is_trial: false }).await?;
    }
    if let Some(data) = record["data"].as_object_mut() {
        data.remove("app");
        data.insert(PARTS_KEY.into(), format!("{whole} {}", parts.len()).into());
    }
    Ok(())
}

/// Puts the parts of an app together in its record. What is not there any more leaves a record that says nothing of its app.
pub async fn complete(api: &ClusterApi, app: &Identity, record: &mut Json) -> Result<(), DriverError> {
    let Some((whole, count)) = named(record) else { return Ok(()) };
    let mut text = String::new();
    for at in 0..count {
        let place = place(app, &whole, at);
        let part = with_retries(|| api.get(&place)).await?;
        text.push_str(part.as_ref().and_then(|part| part["data"][PART_KEY].as_str()).unwrap_or_default());
    }
    if short_hash(text.as_bytes()) == whole {
        record["data"]["app"] = text.into();
    }
    Ok(())
}

/// Removes parts of an app that its record does not name; all of them where there is no record.
pub async fn tidy(
    api: &ClusterApi,
    app: &Identity,
    cluster: &Identity,
    of: &Owner,
    record: Option<&Json>,
) -> Result<(), DriverError> {
    let kept = record.and_then(named);
    let kept: Vec<String> =
        kept.iter().flat_map(|(whole, count)| (0..*count).map(|at| place(app, whole, at).name)).collect();
    let labels = format!("{},{RECORD_LABEL}=part", mark::selector(of));
    for part in api.list(&app::served(), app.scope().as_deref(), &labels).await? {
        let name = part["metadata"]["name"].as_str().unwrap_or_default();
        let is_own = mark::read(&part, cluster).is_some_and(|(_, own)| own == *app);
        if is_own && !kept.iter().any(|one| one == name) {
            let place = ObjectPlace { name: name.to_owned(), ..app::place(app) };
            api.delete(&place, part["metadata"]["uid"].as_str().unwrap_or_default()).await?;
        }
    }
    Ok(())
}

/// Whether a record has parts, or had some.
pub fn has_parts(record: &Json) -> bool {
    record["data"][PARTS_KEY].is_string()
}

/// The parts that a record names: the hash of the whole, and how many there are.
fn named(record: &Json) -> Option<(String, usize)> {
    let (whole, count) = record["data"][PARTS_KEY].as_str()?.split_once(' ')?;
    Some((whole.to_owned(), count.parse().ok()?))
}

fn place(app: &Identity, whole: &str, at: usize) -> ObjectPlace {
    let record = app::place(app);
    ObjectPlace { name: format!("{}.{whole}-{at}", record.name), ..record }
}

fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let end = (0..=MOST.min(rest.len())).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (part, more) = rest.split_at(end);
        parts.push(part);
        rest = more;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{MOST, split};

    #[test]
    fn a_text_is_split_between_characters() {
        let text = "aä".repeat(MOST / 2);
        let parts = split(&text);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= MOST));
        assert_eq!(parts.concat(), text);
    }
}
