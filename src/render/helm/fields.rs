//! Fields of a document whose kinds are known, read as Go's decoder of JSON reads them.

use std::rc::Rc;

use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, Map};
use crate::render::yaml::format_general_single;

/// The fields of a map.
#[derive(Debug)]
pub(super) struct MetadataFields {
    of: String,
    map: Map,
}

/// The fields of a value. None where it is nothing at all.
pub(super) fn fields(value: &ChartValue, of: &str) -> Result<Option<MetadataFields>, RenderFault> {
    match value {
        ChartValue::Nil => Ok(None),
        ChartValue::Map(map) => Ok(Some(MetadataFields { of: of.to_owned(), map: map.borrow().clone() })),
        _ if of.is_empty() => Err(RenderFault::new("the document is no map")),
        _ => Err(RenderFault::new(format!("{of} has an item that is no map"))),
    }
}

impl MetadataFields {
    /// The field of a name, whatever the case of its letters if there is none that is just so.
    fn get(&self, name: &str) -> Option<&ChartValue> {
        let exact = self.map.get(name);
        let found =
            exact.or_else(|| self.map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value));
        found.filter(|value| !matches!(value, ChartValue::Nil))
    }

    fn wrong(&self, name: &str, kind: &str) -> RenderFault {
        let path = if self.of.is_empty() { name.to_owned() } else { format!("{}.{name}", self.of) };
        RenderFault::new(format!("{path} is no {kind}"))
    }

    pub(super) fn text(&self, name: &str, into: &mut String) -> Result<(), RenderFault> {
        if let Some(value) = self.get(name) {
            *into = text_of(value).ok_or_else(|| self.wrong(name, "text"))?;
        }
        Ok(())
    }

    pub(super) fn flag(&self, name: &str, into: &mut bool) -> Result<(), RenderFault> {
        match self.get(name) {
            None => {}
            Some(ChartValue::Bool(yes)) => *into = *yes,
            Some(_) => return Err(self.wrong(name, "true or false")),
        }
        Ok(())
    }

    pub(super) fn items(&self, name: &str) -> Result<Option<Rc<Vec<ChartValue>>>, RenderFault> {
        match self.get(name) {
            None => Ok(None),
            Some(ChartValue::List(items)) => Ok(Some(Rc::clone(items))),
            Some(_) => Err(self.wrong(name, "list")),
        }
    }

    pub(super) fn texts(&self, name: &str, into: &mut Vec<String>) -> Result<(), RenderFault> {
        let Some(items) = self.items(name)? else { return Ok(()) };
        let texts = items.iter().map(|item| text_of(item).ok_or_else(|| self.wrong(name, "list of texts")));
        *into = texts.collect::<Result<_, _>>()?;
        Ok(())
    }

    pub(super) fn pairs(&self, name: &str, into: &mut Vec<(String, String)>) -> Result<(), RenderFault> {
        match self.get(name) {
            None => Ok(()),
            Some(ChartValue::Map(map)) => {
                let map = map.borrow();
                let pairs = map.iter().map(|(key, value)| Some((key.to_string(), text_of(value)?)));
                *into = pairs.collect::<Option<_>>().ok_or_else(|| self.wrong(name, "map of texts"))?;
                Ok(())
            }
            Some(_) => Err(self.wrong(name, "map of texts")),
        }
    }
}

/// Numbers and booleans are taken for texts where a text is asked for.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn text_of(value: &ChartValue) -> Option<String> {
    match value {
        ChartValue::Nil => Some(String::new()),
        ChartValue::Text(text) => Some(text.to_string()),
        ChartValue::Bool(yes) => Some(yes.to_string()),
        ChartValue::Int(int) | ChartValue::Int64(int) => Some(int.to_string()),
        ChartValue::Float(float) => Some(format_general_single(*float as f32)),
        _ => None,
    }
}
