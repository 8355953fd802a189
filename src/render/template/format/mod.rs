//! Texts of values as Go's fmt writes them: `print`, `println`, `printf` and what an action prints.

mod float;
mod numbers;
mod printer;
mod quote;

use crate::render::value::ChartValue;

pub use float::float;
pub use printer::printf;
pub use quote::quoted;

/// What an action prints. None is Go's invalid value.
pub fn printed(value: Option<&ChartValue>) -> String {
    match value {
        None => "<no value>".to_owned(),
        Some(ChartValue::Text(text)) => text.to_string(),
        Some(value) => plain(value),
    }
}

/// A value by `%v`.
pub fn plain(value: &ChartValue) -> String {
    match value {
        ChartValue::Text(text) => text.to_string(),
        other => printf("%v", std::slice::from_ref(other)),
    }
}

/// What `print` gives: a space between two operands where neither is a text.
pub fn spaced(values: &[ChartValue]) -> String {
    let mut out = String::new();
    for (at, value) in values.iter().enumerate() {
        let is_text = |value: &ChartValue| matches!(value, ChartValue::Text(_) | ChartValue::Unknown(_));
        if at > 0 && !is_text(value) && !is_text(&values[at - 1]) {
            out.push(' ');
        }
        out.push_str(&plain(value));
    }
    out
}

/// What `println` gives.
pub fn spaced_line(values: &[ChartValue]) -> String {
    let mut out = values.iter().map(plain).collect::<Vec<_>>().join(" ");
    out.push('\n');
    out
}
