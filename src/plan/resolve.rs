//! Completing references with what is known of other resources. Planning and execution share it.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt as _};

use crate::address::Address;
use crate::kind::{Kind, Outputs, Type, normal};
use crate::value::{Attributes, Part, Reference, Template, Value};

/// What is known of each resource so far.
#[derive(Clone, Debug, Default)]
pub struct Known<'a>(HashMap<Address, Facts<'a>>);

/// What is known of one resource. Most is borrowed from the spec and from what was observed.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Its attributes; references in them may still be open.
    pub attributes: Cow<'a, Attributes>,
    /// Its outputs, as far as they are known.
    pub outputs: Cow<'a, Outputs>,
}

impl<'a> Known<'a> {
    /// Knows nothing yet, and has room for that many resources.
    #[must_use]
    pub fn with_capacity(size: usize) -> Self {
        Self(HashMap::with_capacity(size))
    }

    /// Learns about a resource.
    pub fn learn(&mut self, address: Address, facts: Facts<'a>) {
        self.0.insert(address, facts);
    }

    /// What is known of a resource.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Facts<'a>> {
        self.0.get(address)
    }

    /// Keeps what is known of some resources only, and by itself.
    #[must_use]
    pub fn only<'b>(mut self, addresses: impl Iterator<Item = &'b Address>) -> Known<'static> {
        let mut kept = HashMap::default();
        for address in addresses {
            if let Some(facts) = self.0.remove(address) {
                let attributes = Cow::Owned(facts.attributes.into_owned());
                let outputs = Cow::Owned(facts.outputs.into_owned());
                kept.insert(address.clone(), Facts { attributes, outputs });
            }
        }
        Known(kept)
    }

    /// Completes every attribute as far as possible, in normal form. What is complete already is only borrowed.
    #[must_use]
    pub fn resolve<'b>(&self, kind: &Kind, attributes: &'b Attributes) -> Cow<'b, Attributes> {
        if attributes.iter().all(|(_, value)| value.is_known()) {
            return Cow::Borrowed(attributes);
        }
        let resolved = attributes.iter().map(|(name, value)| {
            if value.is_known() {
                return (name, value.clone());
            }
            (name, self.value(kind, name, value))
        });
        Cow::Owned(resolved.collect())
    }

    /// Whether an object has these attributes, once they are completed.
    #[must_use]
    pub fn matches(&self, kind: &Kind, attributes: &Attributes, observed: &Attributes) -> bool {
        let same = |(name, value): (&'static str, &Value), (other, now): (&'static str, &Value)| {
            let told = || kind.attribute(name).and_then(|attribute| self.tell(&attribute.ty, value, now));
            name == other
                && if value.is_known() {
                    value == now
                } else {
                    told().unwrap_or_else(|| self.value(kind, name, value) == *now)
                }
        };
        attributes.len() == observed.len() && attributes.iter().zip(observed.iter()).all(|(one, now)| same(one, now))
    }

    /// Whether a value, once it is completed, is this one; none when that can't be told without making it. It is asked of
    /// every reference in every plan, and almost always the answer is yes.
    fn tell(&self, ty: &Type, value: &Value, now: &Value) -> Option<bool> {
        match (ty, value, now) {
            (Type::Map(item), Value::Map(entries), Value::Map(others)) => {
                if entries.len() != others.len() {
                    return Some(false);
                }
                for ((key, value), (other, now)) in entries.iter().zip(others.iter()) {
                    if key != other || !self.tell(item, value, now)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            (Type::Text(_), Value::Template(template), Value::String(now)) => {
                let mut rest = now.as_str();
                for part in &template.0 {
                    let text = match part {
                        Part::Literal(text) => text,
                        Part::Reference(reference) => self.look_up_text(reference)?,
                    };
                    match rest.strip_prefix(text) {
                        Some(behind) => rest = behind,
                        None => return Some(false),
                    }
                }
                Some(rest.is_empty())
            }
            (Type::Text(_), Value::String(text), Value::String(now)) => Some(text == now),
            _ => None,
        }
    }

    /// One value, completed as far as possible and in normal form.
    fn value(&self, kind: &Kind, name: &str, value: &Value) -> Value {
        let value = self.complete(value);
        match kind.attribute(name) {
            Some(attribute) => normal(&attribute.ty, value),
            None => value,
        }
    }

    fn complete(&self, value: &Value) -> Value {
        match value {
            Value::Template(template) => self.template(template),
            Value::List(items) => Value::List(items.iter().map(|item| self.complete(item)).collect()),
            Value::Map(entries) => {
                Value::Map(entries.iter().map(|(key, item)| (key.clone(), self.complete(item))).collect())
            }
            known => known.clone(),
        }
    }

    fn template(&self, template: &Template) -> Value {
        if let [Part::Reference(only)] = template.0.as_slice() {
            return self.lookup(only).unwrap_or_else(|| Value::Template(Box::new(template.clone())));
        }
        let mut parts: Vec<Part> = Vec::new();
        for part in &template.0 {
            let filled = match part {
                Part::Reference(reference) => self.lookup(reference).and_then(|value| text(&value)).map(Part::Literal),
                Part::Literal(_) => None,
            };
            match (parts.last_mut(), filled.unwrap_or_else(|| part.clone())) {
                (Some(Part::Literal(before)), Part::Literal(more)) => before.push_str(&more),
                (_, part) => parts.push(part),
            }
        }
        match parts.as_slice() {
            [Part::Literal(only)] => Value::String(only.clone()),
            _ => Value::Template(Box::new(Template(parts))),
        }
    }

    /// What a reference means, where that is a text.
    fn look_up_text(&self, reference: &Reference) -> Option<&str> {
        let facts = self.get(&reference.address)?;
        match facts.outputs.get(&reference.path) {
            Some(output) => Some(output),
            None => facts.attributes.at(&reference.path)?.as_str(),
        }
    }

    fn lookup(&self, reference: &Reference) -> Option<Value> {
        let facts = self.get(&reference.address)?;
        if let Some(output) = facts.outputs.get(&reference.path) {
            return Some(Value::String(output.clone()));
        }
        let value = facts.attributes.at(&reference.path)?;
        (value.is_known() && !value.is_null()).then(|| value.clone())
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
