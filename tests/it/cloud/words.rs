//! What can be said of an attribute, word by word, as the table of its kind has it.

use atlas::kind::{Attribute, Kind, Type, literal};
use serde_json::{Map, Value, json};

/// Whether an attribute is more than one word: a table, a list, a policy. What anybody may add to, as to tags, is none.
pub fn is_document(attribute: &Attribute) -> bool {
    let several = |ty: &Type| {
        matches!(
            ty,
            Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Object(_) | Type::Json(_) | Type::WordOrObject(..)
        )
    };
    several(&attribute.ty) && attribute.name != "tags"
}

/// The attributes of a kind that are documents.
pub fn documents(kind: &'static Kind) -> impl Iterator<Item = &'static Attribute> {
    kind.attributes.iter().filter(|attribute| is_document(attribute))
}

/// The example that says the most.
pub fn richest(attribute: &Attribute) -> Value {
    let longest = attribute.examples.iter().max_by_key(|example| example.len()).expect("an example");
    literal(longest).to_json()
}

/// Values that differ from one by one word, each with the word: every part is said otherwise, left out, and said where it was not.
pub fn changes(attribute: &Attribute, value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    others(attribute, value, attribute.name, &mut found);
    below(&attribute.ty, value, attribute.name, &mut found);
    found
}

/// The first example of an attribute that differs from what is said.
fn others(attribute: &Attribute, value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let said = attribute.examples.iter().map(|example| literal(example).to_json());
    let mut others = said.filter(|other| other != value);
    found.extend(others.next().map(|other| (format!("{path} = {other}"), other)));
}

fn below(ty: &Type, value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match (ty, value) {
        (Type::Object(parts) | Type::WordOrObject(_, parts), Value::Object(entries)) => {
            for part in parts.iter() {
                of_part(part, entries, path, found);
            }
            if let Type::WordOrObject(words, _) = ty {
                found.extend(words.iter().map(|word| (format!("{path} = {word}"), json!(word))));
            }
        }
        (Type::List(inner) | Type::Set(inner), Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                let mut changed = Vec::new();
                below(inner, item, &format!("{path}[{at}]"), &mut changed);
                let with =
                    |item| items.iter().enumerate().map(|(n, own)| if n == at { &item } else { own }.clone()).collect();
                found.extend(changed.into_iter().map(|(words, item): (String, Value)| (words, with(item))));
                if items.len() > 1 {
                    let rest = items.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, own)| own.clone());
                    found.push((format!("{path}[{at}] left out"), rest.collect()));
                }
            }
        }
        (Type::Map(_), Value::Object(entries)) if entries.len() > 1 => {
            let first = entries.keys().next().cloned().unwrap_or_default();
            found.push((format!("{path}.{first} left out"), without(entries, &first)));
        }
        _ => {}
    }
}

fn of_part(part: &Attribute, entries: &Map<String, Value>, path: &str, found: &mut Vec<(String, Value)>) {
    let path = format!("{path}.{}", part.name);
    let with = |value: Value| {
        let mut all = entries.clone();
        all.insert(part.name.to_owned(), value);
        Value::Object(all)
    };
    let mut changed = Vec::new();
    match entries.get(part.name) {
        Some(value) => {
            others(part, value, &path, &mut changed);
            below(&part.ty, value, &path, &mut changed);
            if !part.required {
                found.push((format!("{path} left out"), without(entries, part.name)));
            }
        }
        None => others(part, &Value::Null, &path, &mut changed),
    }
    found.extend(changed.into_iter().map(|(words, value)| (words, with(value))));
}

fn without(entries: &Map<String, Value>, name: &str) -> Value {
    Value::Object(
        entries.iter().filter(|(own, _)| *own != name).map(|(own, value)| (own.clone(), value.clone())).collect(),
    )
}
