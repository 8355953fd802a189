//! What was seen of one object, before it is brought into Atlas's words.
//!
//! Objects name each other by ARN, and the spec by address. Which address an ARN has is known once all tags are, so
//! looking comes first and wording second.

use std::sync::{Mutex, PoisonError};

use foldhash::HashMap;

use super::mark::{self, Tags};
use crate::address::Address;
use crate::kind::{Kind, Outputs, Usage, normal_attributes};
use crate::observed::Object;
use crate::value::{Attributes, Value};

/// One object as its service tells it.
pub(super) struct Sight {
    pub kind: &'static Kind,
    pub identity: String,
    pub host: String,
    pub arn: String,
    pub tags: Tags,
    /// Its attributes but for the tags. Texts in the place of an address are ARNs still.
    pub attributes: Vec<(&'static str, Value)>,
    pub outputs: Outputs,
    pub usage: Usage,
}

/// Which resource has which ARN.
#[derive(Default)]
pub(super) struct Names(Mutex<Both>);

#[derive(Default)]
struct Both {
    arns: HashMap<Address, String>,
    /// Two regions behind endpoints of their own may well have the same account, and so the same ARNs.
    addresses: HashMap<String, Vec<Address>>,
}

impl Names {
    pub fn learn(&self, address: &Address, arn: &str) {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        both.arns.insert(address.clone(), arn.to_owned());
        let known = both.addresses.entry(arn.to_owned()).or_default();
        if !known.contains(address) {
            known.push(address.clone());
        }
    }

    /// The ARN of a resource; a text that is no address is taken for an ARN.
    pub fn arn(&self, address: &str) -> Option<String> {
        let Ok(address) = Address::parse(address) else { return Some(address.to_owned()) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).arns.get(&address).cloned()
    }

    /// The address of an ARN, rather one at this place; the ARN itself when it is nobody's that Atlas knows.
    fn address(&self, arn: &str, place: &str) -> String {
        let both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = both.addresses.get(arn).map(Vec::as_slice).unwrap_or_default();
        let near = known.iter().find(|address| address.place() == Some(place)).or(known.first());
        near.map_or_else(|| arn.to_owned(), ToString::to_string)
    }

    fn worded(&self, value: Value, place: &str) -> Value {
        match value {
            Value::String(text) if text.starts_with("arn:") => Value::from(self.address(&text, place).as_str()),
            Value::List(items) => Value::List(items.into_iter().map(|item| self.worded(item, place)).collect()),
            Value::Map(entries) => {
                Value::Map(entries.into_iter().map(|(key, item)| (key, self.worded(item, place))).collect())
            }
            other => other,
        }
    }
}

/// The attributes whose texts name other resources.
const NAMING: [&str; 5] = ["dead_letter", "redrive_allow", "policies", "replication", "logging"];

impl Sight {
    pub fn mark(&self) -> Option<crate::observed::Mark> {
        mark::read(&self.tags)
    }

    /// The object, with the addresses of the resources that it names.
    pub fn object(self, names: &Names, wanted: Option<&Attributes>) -> Object {
        let mark = self.mark();
        let place = self.host.rsplit('/').next().unwrap_or_default();
        let worded = self
            .attributes
            .into_iter()
            .map(|(name, value)| (name, if NAMING.contains(&name) { names.worded(value, place) } else { value }));
        let attributes = worded.chain(mark::attributes(self.kind, &self.tags, wanted)).collect();
        Object {
            kind: self.kind,
            identity: self.identity,
            hosts: vec![self.host],
            attributes: normal_attributes(self.kind, attributes),
            outputs: self.outputs,
            usage: self.usage,
            mark,
            external: false,
            condition: Condition::Ready,
        }
    }
}

/// Whether an attribute of an object is Atlas's business: the spec says it, or Atlas once applied it.
pub(super) fn is_managed(name: &str, tags: &Tags, wanted: Option<&Attributes>) -> bool {
    let said = wanted.is_some_and(|wanted| !wanted.get(name).is_null());
    said || mark::read(tags)
        .is_some_and(|mark| mark.applied.split(' ').any(|pair| pair.starts_with(&format!("{name}:"))))
}
