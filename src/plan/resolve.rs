//! Completing references with what is known of other resources. Planning and execution share it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::address::Address;
use crate::kind::{Kind, Outputs, normal};
use crate::spec::Desired;
use crate::value::{Attributes, Part, Reference, Template, Value};

/// What is known of each resource so far.
#[derive(Clone, Debug, Default)]
pub struct Known(HashMap<Address, Facts>);

/// What is known of one resource.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Its attributes; references in them may still be open. None while they are as the spec says them, which is so of
    /// most, so that they need not be kept twice.
    pub attributes: Option<Attributes>,
    /// Its outputs, as far as they are known.
    pub outputs: Outputs,
}

impl Known {
    /// Learns about a resource.
    pub fn learn(&mut self, address: Address, facts: Facts) {
        self.0.insert(address, facts);
    }

    /// What is known of a resource.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Facts> {
        self.0.get(address)
    }

    /// What is known of an attribute of a resource.
    #[must_use]
    pub fn attributes<'a>(&'a self, address: &Address, desired: Option<&'a Desired>) -> Option<&'a Attributes> {
        let own = self.0.get(address)?.attributes.as_ref();
        own.or_else(|| desired?.get(address).map(|instance| &instance.attributes))
    }

    /// Keeps what is known of some resources only, by itself and without the spec.
    #[must_use]
    pub fn only<'a>(mut self, addresses: impl Iterator<Item = &'a Address>, desired: &Desired) -> Self {
        let mut kept = HashMap::new();
        for address in addresses {
            if let Some(mut facts) = self.0.remove(address) {
                if facts.attributes.is_none() {
                    facts.attributes = desired.get(address).map(|instance| instance.attributes.clone());
                }
                kept.insert(address.clone(), facts);
            }
        }
        Self(kept)
    }

    /// Completes every attribute as far as possible, in normal form. What is complete already is only borrowed.
    #[must_use]
    pub fn resolve<'a>(
        &self,
        kind: &Kind,
        attributes: &'a Attributes,
        desired: Option<&Desired>,
    ) -> Cow<'a, Attributes> {
        if attributes.iter().all(|(_, value)| value.is_known()) {
            return Cow::Borrowed(attributes);
        }
        let lookup = Lookup { known: self, desired };
        let resolved = attributes.iter().map(|(name, value)| {
            if value.is_known() {
                return (name, value.clone());
            }
            let value = lookup.complete(value);
            let ty = kind.attribute(name).map(|attribute| &attribute.ty);
            (name, ty.map_or_else(|| value.clone(), |ty| normal(ty, value.clone())))
        });
        Cow::Owned(resolved.collect())
    }
}

/// Looks up what references refer to.
struct Lookup<'a> {
    known: &'a Known,
    desired: Option<&'a Desired>,
}

impl Lookup<'_> {
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

    fn lookup(&self, reference: &Reference) -> Option<Value> {
        let facts = self.known.0.get(&reference.address)?;
        if let Some(output) = facts.outputs.get(&reference.path) {
            return Some(Value::String(output.clone()));
        }
        let value = self.known.attributes(&reference.address, self.desired)?.at(&reference.path)?;
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
