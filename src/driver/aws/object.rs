//! What was seen of one object, in Atlas's words but for the tags.

use super::mark::{self, Tags};
use super::region::Region;
use crate::driver::DriverError;
use crate::kind::{Facts, Kind, KindRef, Usage, normal_attributes};
use crate::observed::{Condition, Mark, Object};
use crate::value::{Attributes, Value};

/// Attributes with their values, as a service tells them. Texts in the place of an address are ARNs.
pub(super) type Told = Vec<(&'static str, Value)>;

/// One object as its service tells it.
#[derive(Clone)]
pub(super) struct Description {
    /// What the service's calls name it by.
    pub key: String,
    pub name: String,
    pub tags: Tags,
    /// The mark that its tags hold, when it is this object's own.
    pub mark: Option<Mark>,
    /// Its attributes but for the tags.
    pub attributes: Told,
    /// Which others it has that the spec says nothing about, where it is to be taken over.
    pub unsaid: Vec<String>,
    pub usage: Usage,
    /// When the newest of what it holds was written, in seconds, where that was counted.
    pub newest: Option<i64>,
    /// What else the first answer told and another call needs, such as the version of a policy.
    pub detail: String,
    /// How many others have it, and how many it bounds, where a service tells that: a policy can't be deleted then.
    pub uses: i32,
    pub bounds: i32,
}

impl Description {
    /// An object of a kind by its name, with the tags that it has.
    pub fn new(kind: &str, key: &str, name: &str, tags: Tags) -> Self {
        Self {
            key: key.to_owned(),
            name: name.to_owned(),
            mark: mark::read(&tags, kind, name),
            tags,
            attributes: vec![("name", name.into())],
            unsaid: Vec::new(),
            usage: Usage::default(),
            newest: None,
            detail: String::new(),
            uses: 0,
            bounds: 0,
        }
    }

    /// Its attributes in normal form, but for the tags.
    pub fn normal(&self, kind: &Kind) -> Attributes {
        normal_attributes(kind, self.attributes.iter().cloned().collect())
    }

    /// The object. Its outputs follow from its attributes and from its region.
    pub async fn object(
        &self,
        kind: &KindRef,
        region: &Region,
        wanted: Option<&Attributes>,
    ) -> Result<Object, DriverError> {
        let told = self.attributes.iter().cloned().chain(mark::attributes(kind, &self.tags, wanted));
        let attributes = normal_attributes(kind, told.collect());
        let facts = Facts {
            attributes: &attributes,
            name: &self.name,
            place: Some(region.name()),
            host: Some(region.outputs().await?),
        };
        Ok(Object {
            kind: kind.clone(),
            identity: region.identity.inside(kind.name, &self.name),
            hosts: vec![region.identity.clone()],
            outputs: kind.derive_outputs(&facts),
            attributes,
            usage: self.usage.clone(),
            mark: self.mark.clone(),
            external: false,
            unsaid: self.unsaid.clone(),
            condition: Condition::Ready,
        })
    }
}

/// A text attribute, when it is set and known.
pub(super) fn text<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.get(name).as_str()
}

/// The texts of a set.
pub(super) fn texts<'a>(attributes: &'a Attributes, name: &str) -> Vec<&'a str> {
    attributes.get(name).items().iter().filter_map(Value::as_str).collect()
}

/// A text as a value, when it says anything.
pub(super) fn optional(text: Option<&str>) -> Value {
    text.filter(|text| !text.is_empty()).map(Value::from).unwrap_or_default()
}

/// A value that a service tells of every object, unless it is the usual one and the spec does not say it: then it is left
/// out, as it is of an object that nobody set it on.
pub(super) fn unless_usual(name: &str, value: Value, usual: &Value, wanted: Option<&Attributes>) -> Value {
    let said = wanted.is_some_and(|wanted| !wanted.get(name).is_null());
    if value == *usual && !said { Value::Null } else { value }
}
