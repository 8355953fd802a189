//! Tables of texts in the spec: variables, labels, options.

use crate::value::Value;

/// The entries of a table of texts.
pub(super) fn texts(value: &Value) -> impl Iterator<Item = (String, String)> {
    let entries = match value {
        Value::Map(entries) => {
            entries.iter().filter_map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned()))).collect()
        }
        _ => Vec::new(),
    };
    entries.into_iter()
}
