//! Completing references with what is known of other resources. Planning and execution share it.

use std::borrow::Cow;

use crate::address::Address;
use crate::kind::{Kind, Outputs, Type, normal};
use crate::value::{Attributes, Part, Reference, Template, Text, Value};

/// What is known of one resource. Most is borrowed from the spec and from what was observed.
#[derive(Clone, Debug)]
pub struct Resolved<'a> {
    /// Its attributes; references in them may still be open.
    pub attributes: Cow<'a, Attributes>,
    /// Its outputs, as far as they are known.
    pub outputs: Cow<'a, Outputs>,
}

/// Completes references with what it knows of other resources.
pub trait Resolver {
    /// The attributes of a resource; references in them may still be open.
    fn attributes_of(&self, address: &Address) -> Option<&Attributes>;

    /// The outputs of a resource, as far as they are known.
    fn outputs_of(&self, address: &Address) -> Option<&Outputs>;

    /// Completes every attribute as far as possible, in normal form. What is complete already is only borrowed.
    #[must_use]
    fn resolve<'b>(&self, kind: &Kind, attributes: &'b Attributes) -> Cow<'b, Attributes> {
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
    fn matches(&self, kind: &Kind, attributes: &Attributes, observed: &Attributes) -> bool {
        let same = |(name, value): (&'static str, &Value), (other, now): (&'static str, &Value)| {
            let equal = || kind.attribute(name).and_then(|attribute| self.equals(&attribute.ty, value, now));
            name == other
                && if value.is_known() {
                    value == now
                } else {
                    equal().unwrap_or_else(|| self.value(kind, name, value) == *now)
                }
        };
        attributes.len() == observed.len() && attributes.iter().zip(observed.iter()).all(|(one, now)| same(one, now))
    }

    /// Whether a value, once it is completed, is this one; none when only the completed value itself can show it. It is
    /// asked of every reference in every plan, and almost always the answer is yes.
    fn equals(&self, ty: &Type, value: &Value, now: &Value) -> Option<bool> {
        match (ty, value, now) {
            (Type::Map(item), Value::Map(entries), Value::Map(others)) => {
                if entries.len() != others.len() {
                    return Some(false);
                }
                for ((key, value), (other, now)) in entries.iter().zip(others.iter()) {
                    if key != other || !self.equals(item, value, now)? {
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

    /// A value with its references completed as far as possible.
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

    /// A text with its references completed as far as possible.
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
        match self.outputs_of(&reference.address)?.get(&reference.path) {
            Some(output) => Some(output),
            None => self.attributes_of(&reference.address)?.at(&reference.path)?.as_str(),
        }
    }

    /// What a reference means.
    fn lookup(&self, reference: &Reference) -> Option<Value> {
        if let Some(output) = self.outputs_of(&reference.address)?.get(&reference.path) {
            return Some(Value::String(output.as_str().into()));
        }
        let value = self.attributes_of(&reference.address)?.at(&reference.path)?;
        (value.is_known() && !value.is_null()).then(|| value.clone())
    }
}

fn text(value: &Value) -> Option<Text> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Int(number) => Some(number.to_string().into()),
        Value::Float(number) => Some(number.to_string().into()),
        _ => None,
    }
}
