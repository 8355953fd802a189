//! Values that are not known yet: their marks in texts, and what they may and may not pass through.

use std::collections::HashSet;
use std::rc::Rc;

use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, UnknownValue};

/// What a mark begins with. It is followed by the number of the value in decimal.
pub const OPEN: char = UnknownValue::START;
/// What a mark ends with.
pub const CLOSE: char = UnknownValue::END;

/// The mark that stands for a value in a text.
pub fn mark(unknown: &UnknownValue) -> String {
    format!("{OPEN}{}{CLOSE}", unknown.id)
}

/// Whether a text has a mark in it.
pub fn is_marked(text: &str) -> bool {
    text.contains(OPEN)
}

/// The numbers of the values that a text has marks of.
pub fn marks(text: &str) -> Vec<u32> {
    let pieces = text.split(OPEN).skip(1);
    pieces.filter_map(|piece| piece.split_once(CLOSE)).filter_map(|(id, _)| id.parse().ok()).collect()
}

/// A text without its marks.
pub fn known_part(text: &str) -> String {
    let mut pieces = text.split(OPEN);
    let mut known = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        known.push_str(piece.split_once(CLOSE).map_or("", |(_, rest)| rest));
    }
    known
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
