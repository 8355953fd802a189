//! An object as the world stores it: its name and its kind in columns of their own, and the rest as JSON.

use serde::{Deserialize, Serialize};

use super::error::WorldError;
use crate::identity::Identity;
use crate::kind::{Catalog, KindRef, Outputs, Usage};
use crate::observed::{Condition, Mark, Object};
use crate::parallel::{self, SHARE};
use crate::value::{Attributes, Text, Value, fitted};

/// An object as it is stored.
pub struct Row {
    identity: Identity,
    kind: KindRef,
    body: String,
    mark: Option<String>,
}

impl Row {
    /// Takes over a row of the database, with the columns `identity, kind, body, mark`.
    ///
    /// # Errors
    /// When what it holds is no text, or its kind is none that the world knows.
    pub fn of(row: &rusqlite::Row<'_>, kinds: &Catalog) -> Result<Self, WorldError> {
        let identity = Identity::from_text(row.get::<_, String>(0)?);
        let kind = row.get_ref(1)?.as_str().ok().and_then(|name| kinds.get(name)).cloned();
        match (kind, row.get(2), row.get(3)) {
            (Some(kind), Ok(body), Ok(mark)) => Ok(Self { identity, kind, body, mark }),
            _ => Err(WorldError::Unreadable(identity.to_string())),
        }
    }

    /// The object that it stands for.
    ///
    /// # Errors
    /// When its JSON means no object.
    pub fn read(self) -> Result<Object, WorldError> {
        let parsed = self.parse();
        let Ok((body, mut mark)) = parsed else { return Err(WorldError::Unreadable(self.identity.to_string())) };
        mark.iter_mut().for_each(|mark| mark.needs.shrink_to_fit());
        let known = |(name, value): (Text, Value)| Some((self.kind.attribute(&name)?.name, value));
        let attributes = body.attributes.0.into_iter().filter_map(known).collect();
        let mut hosts = body.hosts;
        hosts.shrink_to_fit();
        Ok(Object {
            kind: self.kind,
            identity: self.identity,
            hosts,
            attributes,
            outputs: fitted(body.outputs),
            usage: fitted(body.usage),
            mark,
            external: false,
            unsaid: Vec::new(),
            condition: Condition::Ready,
        })
    }

    /// The objects that many rows stand for, in their order.
    pub fn read_all(rows: Vec<Self>) -> Vec<Result<Object, WorldError>> {
        parallel::map_into(rows, SHARE, Self::read)
    }

    fn parse(&self) -> serde_json::Result<(Body, Option<Mark>)> {
        let mark = self.mark.as_deref().map(serde_json::from_str).transpose()?;
        Ok((serde_json::from_str(&self.body)?, mark))
    }
}

/// What is stored of an object besides its name, its kind and its mark.
///
/// # Errors
/// When something in it is nothing that JSON could say.
pub fn body(object: &Object) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Body<'a> {
        hosts: &'a [Identity],
        attributes: &'a Attributes,
        outputs: &'a Outputs,
        usage: &'a Usage,
    }
    let Object { hosts, attributes, outputs, usage, .. } = object;
    serde_json::to_string(&Body { hosts, attributes, outputs, usage })
}

#[derive(Deserialize)]
struct Body {
    hosts: Vec<Identity>,
    /// In the order of the names, as [`Attributes`] are written.
    attributes: Pairs,
    outputs: Outputs,
    usage: Usage,
}

/// Attributes as they are read, before their names are those of the kind.
struct Pairs(Vec<(Text, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> serde::de::Visitor<'de> for Entries {
            type Value = Pairs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("attributes by name")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                // Most kinds have about a dozen attributes, and a vector that grows is copied again and again.
                let mut pairs = Vec::with_capacity(16);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
