//! Values as people read them in a plan.

use crate::style::harmless;
use crate::value::{Part, Text, Value};

/// What stands for a value that only the apply can tell.
pub const UNKNOWN: &str = "(known after apply)";

/// A value in one line.
#[must_use]
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "(none)".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => quote(text),
        Value::Template(template) => match template.0.as_slice() {
            [Part::Reference(_)] => UNKNOWN.into(),
            parts => parts
                .iter()
                .map(|part| match part {
                    Part::Literal(text) => text.as_str(),
                    Part::Reference(_) => UNKNOWN,
                })
                .collect(),
        },
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, item)| format!("{} = {}", bare(key), self::value(item))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A value in as many lines as it takes to stay within a width. The first line continues one that is begun already.
#[must_use]
pub fn block(item: &Value, indent: usize, width: usize, used: usize) -> String {
    let line = value(item);
    let fits = used + line.chars().count() <= width;
    let pad = " ".repeat(indent + 4);
    match item {
        Value::String(text) if text.contains('\n') => {
            let lines: Vec<String> = text.lines().map(|line| format!("\n{pad}{}", harmless(line))).collect();
            format!("|{}", lines.concat())
        }
        Value::List(items) if !fits && !items.is_empty() => {
            let inner = |item| format!("\n{pad}{},", block(item, indent + 4, width, indent + 5));
            let lines: Vec<String> = items.iter().map(inner).collect();
            format!("[{}\n{}]", lines.concat(), " ".repeat(indent))
        }
        Value::Map(entries) if !fits && !entries.is_empty() => {
            let inner = |(key, item): (&Text, &Value)| {
                let key = bare(key);
                format!("\n{pad}{key} = {},", block(item, indent + 4, width, indent + 8 + key.len()))
            };
            let lines: Vec<String> = entries.iter().map(inner).collect();
            format!("{{{}\n{}}}", lines.concat(), " ".repeat(indent))
        }
        _ => line,
    }
}

/// A text in quotes. Control characters are shown as escapes, so that no value has an effect on the terminal.
fn quote(text: &str) -> String {
    harmless(&serde_json::to_string(text).unwrap_or_default())
}

fn bare(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if plain { key.to_owned() } else { quote(key) }
}
