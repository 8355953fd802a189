//! Lets go of values without going as deep as they are: a template can nest lists deeper than the stack is.

use std::rc::Rc;

use crate::render::value::ChartValue;

/// Lets go of a value, and of what only it held.
pub fn bury(value: ChartValue) {
    if !matches!(value, ChartValue::List(_) | ChartValue::Map(_)) {
        return;
    }
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            ChartValue::List(items) => open.extend(Rc::try_unwrap(items).unwrap_or_default()),
            ChartValue::Map(map) => {
                if let Ok(map) = Rc::try_unwrap(map) {
                    open.extend(map.into_inner().into_values());
                }
            }
            _ => {}
        }
    }
}
