//! Files of values.

use super::tables::{ValueTable, empty, overlay};
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;
use crate::render::yaml;

/// Reads a file of values: a map, or several that are laid over each other.
///
/// # Errors
/// Where it is no YAML, or a document is no map.
pub fn read(text: &str) -> Result<ValueTable, RenderFault> {
    let mut values = empty();
    let mut before = 0;
    for document in documents(text) {
        let read = yaml::read(document).map_err(|mut fault| {
            fault.line = fault.line.map(|line| line + before);
            fault
        })?;
        before += document.matches('\n').count() + 1;
        match read {
            ChartValue::Nil => {}
            ChartValue::Map(map) => values = overlay(&values, &map),
            _ => return Err(RenderFault::new("the values are no map")),
        }
    }
    Ok(values)
}

/// The documents of a text, parted at lines that have nothing but three dashes and perhaps a comment.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.strip_prefix("---").is_some_and(|rest| matches!(rest.trim_start().chars().next(), None | Some('#')))
            && at > start
        {
            documents.push(&text[start..at]);
            start = at + line.len();
        }
        at += line.len();
    }
    if at > start {
        documents.push(&text[start..at]);
    }
    documents
}
