//! Tables of values: how two of them become one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::render::value::{ChartValue, Map};

pub use crate::render::value::ValueTable;

/// A table that holds nothing yet.
#[must_use]
pub fn empty() -> ValueTable {
    Rc::default()
}

/// The table that a value is, where it is one.
#[must_use]
pub fn table(value: &ChartValue) -> Option<ValueTable> {
    match value {
        ChartValue::Map(map) => Some(Rc::clone(map)),
        _ => None,
    }
}

/// The value of a key. Nothing stays borrowed, so that a table may be among its own sources.
#[must_use]
pub fn get(table: &ValueTable, key: &str) -> Option<ChartValue> {
    table.borrow().get(key).cloned()
}

/// Sets the value of a key.
pub fn put(table: &ValueTable, key: &str, value: ChartValue) {
    table.borrow_mut().insert(key.into(), value);
}

/// Takes a key away.
pub fn remove(table: &ValueTable, key: &str) {
    table.borrow_mut().remove(key);
}

/// The entries of a table as they are now.
#[must_use]
pub fn entries(table: &ValueTable) -> Vec<(Rc<str>, ChartValue)> {
    table.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect()
}

/// The table at a path of keys.
#[must_use]
pub fn at<'a>(root: &ValueTable, path: impl IntoIterator<Item = &'a str>) -> Option<ValueTable> {
    path.into_iter().try_fold(Rc::clone(root), |found, key| get(&found, key).as_ref().and_then(table))
}

/// A value with tables of its own all the way down.
#[must_use]
pub fn copy(value: &ChartValue) -> ChartValue {
    match value {
        ChartValue::Map(map) => ChartValue::Map(copy_table(map)),
        ChartValue::List(items) => ChartValue::list(items.iter().map(copy).collect()),
        other => other.clone(),
    }
}

/// A table with tables of its own all the way down.
#[must_use]
pub fn copy_table(source: &ValueTable) -> ValueTable {
    let copied: Map = source.borrow().iter().map(|(key, value)| (Rc::clone(key), copy(value))).collect();
    Rc::new(RefCell::new(copied))
}

/// Lays one table over another: tables are joined, everything else is replaced, also by nothing.
#[must_use]
pub fn overlay(under: &ValueTable, over: &ValueTable) -> ValueTable {
    let out = Rc::new(RefCell::new(under.borrow().clone()));
    for (key, value) in entries(over) {
        let joined = match (get(&out, &key).as_ref().and_then(table), table(&value)) {
            (Some(below), Some(above)) => ChartValue::Map(overlay(&below, &above)),
            _ => value,
        };
        put(&out, &key, joined);
    }
    out
}

/// What becomes of nothing when tables are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// It takes a default away, and goes itself.
    Removes,
    /// It stays, for a later joining to see.
    Stays,
}

/// Completes a table with the entries of another one, which has less say.
pub fn complete(over: &ValueTable, under: &ValueTable, nothing: Nothing) {
    if Rc::ptr_eq(over, under) {
        return;
    }
    let known: BTreeSet<Rc<str>> =
        entries(under).into_iter().filter(|(_, value)| !is_nothing(value)).map(|(key, _)| key).collect();
    for (key, value) in entries(over) {
        if is_nothing(&value) {
            put(under, &key, ChartValue::Nil);
        }
    }
    for (key, value) in entries(under) {
        match get(over, &key) {
            Some(ChartValue::Nil) if nothing == Nothing::Removes && known.contains(&key) => remove(over, &key),
            None => put(over, &key, value),
            Some(present) => {
                if let (Some(above), Some(below)) = (table(&present), table(&value)) {
                    complete(&above, &below, nothing);
                }
            }
        }
    }
}

/// Takes away the keys that have nothing, all the way down.
pub fn without_nothing(source: &ValueTable) {
    for (key, value) in entries(source) {
        if is_nothing(&value) {
            remove(source, &key);
        } else if let Some(inner) = table(&value) {
            without_nothing(&inner);
        }
    }
}

/// Whether a value is there without being anything.
#[must_use]
pub fn is_nothing(value: &ChartValue) -> bool {
    matches!(value, ChartValue::Nil)
}
