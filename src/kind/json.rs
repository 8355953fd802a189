//! JSON inside the spec: parsed strictly, with the place of every fault, compared by meaning.

use std::ops::Range;

use foldhash::HashSet;
use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::fault::Fault;
use crate::value::Value;

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses strict JSON and gives its tree, with positions, to `look`.
///
/// # Errors
/// When it is not JSON, or whatever `look` finds.
pub fn with_tree<T>(text: &str, look: impl FnOnce(&Node<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    let tree = parse_to_ast(text, &CollectOptions::default(), &STRICT).map_err(|error| {
        let range = error.range();
        let end = range.end.max(range.start + 1).min(text.len());
        Fault::new(error.kind().to_string()).at(range.start.min(end)..end).hint("this text has to be strict JSON")
    })?;
    match tree.value {
        Some(value) => look(&value),
        None => Err(Fault::new("there is no JSON in this text").at(0..text.len())),
    }
}

/// Checks that a text is strict JSON.
///
/// # Errors
/// When it is not.
pub fn check(text: &str) -> Result<(), Fault> {
    with_tree(text, |_| Ok(()))
}

/// The meaning of a JSON text. A text that is no JSON means itself.
#[must_use]
pub fn meaning(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// The normal form of a JSON text: keys sorted, two spaces of indentation.
#[must_use]
pub fn normal(text: &str) -> String {
    serde_json::from_str::<Value>(text)
        .ok()
        .and_then(|meaning| serde_json::to_string_pretty(&meaning).ok())
        .unwrap_or_else(|| text.to_owned())
}

/// The bytes of a node.
#[must_use]
pub fn range_of(node: &Node<'_>) -> Range<usize> {
    let range = node.range();
    range.start..range.end
}

/// The value of a key.
#[must_use]
pub fn get<'a, 'b>(object: &'a Object<'b>, key: &str) -> Option<&'a Node<'b>> {
    object.properties.iter().find(|property| property.name.as_str() == key).map(|property| &property.value)
}

/// Refuses an object that has a key twice: of the two values one would be dropped without a word.
///
/// # Errors
/// At the second of the two.
pub fn no_key_twice(node: &Node<'_>) -> Result<(), Fault> {
    match node {
        Node::Object(object) => {
            let mut seen: HashSet<&str> = HashSet::default();
            for property in &object.properties {
                let key = property.name.as_str();
                if !seen.insert(key) {
                    let at = property.range.start..property.range.start + key.len() + 2;
                    return Err(Fault::new(format!("the key `{key}` stands here twice"))
                        .at(at)
                        .hint("keep one of them"));
                }
                no_key_twice(&property.value)?;
            }
            Ok(())
        }
        Node::Array(list) => list.elements.iter().try_for_each(no_key_twice),
        _ => Ok(()),
    }
}
