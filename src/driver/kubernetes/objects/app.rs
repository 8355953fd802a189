//! The record of an app on its cluster: a `ConfigMap` that says what the app is, and of which kinds its objects are.
//!
//! It is there before the first object is, and until the last one is gone. So whatever of an app is on a cluster is found,
//! also when the spec does not have the app any more.

use std::collections::BTreeMap;

use litemap::LiteMap;
use serde_json::{Value as Json, json};

use super::api::{ClusterApi, ObjectPlace, Served};
use super::mark;
use crate::driver::{Class, DriverError, Request};
use crate::identity::Identity;
use crate::kind::{Attribute, Kind};
use crate::value::{Attributes, Text, Value, short_hash};

/// The label by which records are found.
pub const RECORD_LABEL: &str = "atlas/record";
/// What the keys begin with under which a record has the kinds of objects.
const KIND_KEY: &str = "kind.";

/// Objects of one kind in one namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindInNamespace {
    pub api_version: String,
    pub kind: String,
    /// None for what is in no namespace.
    pub namespace: Option<String>,
}

/// Where records of apps are.
pub fn served() -> Served {
    Served::always("v1", "ConfigMap", "configmaps", true)
}

/// Where the record of an app is.
pub fn place(app: &Identity) -> ObjectPlace {
    let namespace = app.scope().map(std::borrow::Cow::into_owned);
    ObjectPlace { served: served(), namespace, name: format!("{}{}", mark::RECORD, app.name()) }
}

/// The record of an app, besides its mark. `kinds` are those that it has already.
pub fn manifest(want: &Request<'_>, kinds: &BTreeMap<String, KindInNamespace>) -> Json {
    let place = place(want.identity);
    let mut data = serde_json::Map::new();
    data.insert("app".into(), serde_json::to_string(want.attributes).unwrap_or_default().into());
    data.extend(kinds.iter().map(|(key, kind)| (key.clone(), kind.line().into())));
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": place.name, "namespace": place.namespace, "labels": { RECORD_LABEL: "app" } },
        "data": data,
    })
}

/// The attributes of an app as its record says them.
pub fn attributes(record: &Json, kind: &Kind) -> Attributes {
    let text = record["data"]["app"].as_str().unwrap_or_default();
    let all: LiteMap<Text, Value> = serde_json::from_str(text).unwrap_or_default();
    let known = |(name, value): (Text, Value)| Some((kind.attribute(&name).map(named)?, value));
    all.into_iter().filter_map(known).collect()
}

const fn named(attribute: &Attribute) -> &'static str {
    attribute.name
}

/// The kinds of objects that a record names, by the keys under which it does.
pub fn kinds(record: &Json) -> BTreeMap<String, KindInNamespace> {
    let data = record["data"].as_object().into_iter().flatten();
    let lines = data.filter(|(key, _)| key.starts_with(KIND_KEY));
    lines.filter_map(|(key, line)| Some((key.clone(), KindInNamespace::read(line.as_str()?)?))).collect()
}

/// Writes into the record of an app that it has objects of a kind, before the first of them is made.
pub async fn name_kind(api: &ClusterApi, app: &Identity, kind: &KindInNamespace) -> Result<(), DriverError> {
    let patch = json!({ "data": { kind.key(): kind.line() } });
    match api.merge(&place(app), &patch).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_absent() => {
            Err(DriverError::new(Class::Conflict, "the record of its app is gone; plan again"))
        }
        Err(error) => Err(error.into()),
    }
}

impl KindInNamespace {
    /// The kind that attributes of an object name.
    pub fn of(attributes: &Attributes) -> Self {
        let text = |name: &str| attributes.get(name).as_str().unwrap_or_default().to_owned();
        let namespace = attributes.get("namespace").as_str().map(str::to_owned);
        Self { api_version: text("api_version"), kind: text("kind"), namespace }
    }

    fn key(&self) -> String {
        format!("{KIND_KEY}{}", short_hash(self.line().as_bytes()))
    }

    fn line(&self) -> String {
        format!("{} {} {}", self.api_version, self.kind, self.namespace.as_deref().unwrap_or("-"))
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(str::to_owned);
        let (api_version, kind, namespace) = (words.next()?, words.next()?, words.next()?);
        Some(Self { api_version, kind, namespace: Some(namespace).filter(|word| word != "-") })
    }
}
