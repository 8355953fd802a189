//! Values that are not known yet: their marks in texts, and what they may and may not pass through.

use std::collections::HashSet;
use std::rc::Rc;

use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, UnknownValue};

/// Whether a text has a mark in it.
pub fn is_marked(text: &str) -> bool {
    text.contains(UnknownValue::START)
}

/// The numbers of the values that a text has marks of.
pub fn marks(text: &str) -> Vec<u32> {
    let pieces = text.split(UnknownValue::START).skip(1);
    pieces.filter_map(|piece| piece.split_once(UnknownValue::END)).filter_map(|(id, _)| id.parse().ok()).collect()
}

/// A text without its marks.
pub fn known_part(text: &str) -> String {
    UnknownValue::replace_marks(text, |_| String::new())
}

/// The first value that is not known yet in a value itself or in its text, not in what it holds.
pub fn in_value(value: &ChartValue) -> Option<FoundUnknown> {
    match value {
        ChartValue::Unknown(unknown) => Some(FoundUnknown::Value(Rc::clone(unknown))),
        ChartValue::Text(text) if is_marked(text) => marks(text).first().map(|id| FoundUnknown::Mark(*id)),
        _ => None,
    }
}

/// The first value that is not known yet anywhere in a value.
pub fn anywhere(value: &ChartValue) -> Option<FoundUnknown> {
    inside(value, &mut HashSet::new())
}

/// An unknown value as it was found.
#[derive(Clone, Debug)]
pub enum FoundUnknown {
    /// As a value of its own.
    Value(Rc<UnknownValue>),
    /// As a mark in a text.
    Mark(u32),
}

impl FoundUnknown {
    /// What it is, in words.
    pub fn of(&self, all: &[Rc<UnknownValue>]) -> Rc<str> {
        match self {
            Self::Value(unknown) => Rc::clone(&unknown.of),
            Self::Mark(id) => usize::try_from(*id)
                .ok()
                .and_then(|id| all.get(id))
                .map_or_else(|| "a value that is not known yet".into(), |unknown| Rc::clone(&unknown.of)),
        }
    }
}

/// The fault of a function or an action that cannot go on without the value.
pub fn decides(what: &str, of: &str) -> RenderFault {
    let mut fault = RenderFault::new(format!("{what} depends on {of}, which is not known yet"));
    fault.unknown = true;
    fault
}

/// Each list and map is looked into once, however often it is held.
fn inside(value: &ChartValue, seen: &mut HashSet<usize>) -> Option<FoundUnknown> {
    match value {
        ChartValue::List(items) => {
            let new = seen.insert(Rc::as_ptr(items).addr());
            let mut items = items.iter().filter(|_| new);
            stacker::maybe_grow(64 << 10, 1 << 20, || items.find_map(|item| inside(item, seen)))
        }
        ChartValue::Map(map) => {
            let new = seen.insert(Rc::as_ptr(map).addr());
            let map = map.borrow();
            let mut items = map.values().filter(|_| new);
            stacker::maybe_grow(64 << 10, 1 << 20, || items.find_map(|item| inside(item, seen)))
        }
        other => in_value(other),
    }
}
