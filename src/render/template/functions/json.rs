//! JSON as Go's encoder writes it and its decoder reads it: every number is a float.

use std::fmt::Write as _;

use crate::render::bytes;
use crate::render::fault::RenderFault;
use crate::render::template::state::{FunctionResult, fail};
use crate::render::value::{ChartValue, Map};
use crate::render::yaml;

/// Longer texts are above every limit. Maps can hold themselves.
const LONGEST: usize = 80 << 20;
/// Values that lie deeper than this have no JSON.
const DEEPEST: usize = 1000;

/// A value on one line; `escaped` writes `<`, `>` and `&` so that HTML does not see them.
pub fn write(value: &ChartValue, escaped: bool) -> Result<String, RenderFault> {
    let mut writer = JsonWriter { out: String::new(), escaped, indent: None };
    writer.value(value, 0)?;
    Ok(writer.out)
}

/// A value with a line for each item.
pub fn write_pretty(value: &ChartValue) -> Result<String, RenderFault> {
    let mut writer = JsonWriter { out: String::new(), escaped: true, indent: Some("  ") };
    writer.value(value, 0)?;
    Ok(writer.out)
}

/// Reads one value.
pub fn read(text: &str) -> FunctionResult {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => Ok(ChartValue::from(value)),
        Err(_) if text.trim().is_empty() => fail("unexpected end of JSON input"),
        Err(error) if error.is_eof() => fail("unexpected end of JSON input"),
        Err(error) => {
            let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
            let at = line.as_bytes().get(error.column().saturating_sub(1)).copied().map_or(' ', char::from);
            let told = error.to_string();
            if told.starts_with("expected value") || told.starts_with("expected ident") {
                return fail(format!("invalid character '{at}' looking for beginning of value"));
            }
            if told.starts_with("trailing characters") {
                return fail(format!("invalid character '{at}' after top-level value"));
            }
            fail(told)
        }
    }
}

/// What JSON calls a value.
pub fn kind(value: &ChartValue) -> &'static str {
    match value {
        ChartValue::Bool(_) => "bool",
        ChartValue::Int(_) | ChartValue::Int64(_) | ChartValue::Float(_) => "number",
        ChartValue::List(_) => "array",
        ChartValue::Map(_) => "object",
        _ => "string",
    }
}

struct JsonWriter {
    out: String,
    escaped: bool,
    indent: Option<&'static str>,
}

impl JsonWriter {
    fn value(&mut self, value: &ChartValue, depth: usize) -> Result<(), RenderFault> {
        if depth > DEEPEST || self.out.len() > LONGEST {
            return unsupported("value: encountered a cycle");
        }
        match value {
            ChartValue::Nil => self.out.push_str("null"),
            ChartValue::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            ChartValue::Int(number) | ChartValue::Int64(number) => {
                let _ = write!(self.out, "{number}");
            }
            ChartValue::Float(number) => match yaml::format_json(*number) {
                Some(text) => self.out.push_str(&text),
                None => return unsupported("value: a number that is none"),
            },
            ChartValue::Text(text) => self.text(text),
            ChartValue::Unknown(unknown) => self.text(&unknown.mark()),
            ChartValue::List(items) => stacker::maybe_grow(64 << 10, 1 << 20, || self.list(items, depth))?,
            ChartValue::Map(map) => {
                let entries = map.borrow().clone();
                stacker::maybe_grow(64 << 10, 1 << 20, || self.map(&entries, depth))?;
            }
            ChartValue::Object(object) => {
                let inner = match object.type_name() {
                    "time.Duration" => object.call("Nanoseconds", &[]),
                    "time.Time" => object.call("Json", &[]),
                    _ => None,
                };
                let inner = inner.and_then(Result::ok).unwrap_or_else(|| object.value());
                self.value(&inner, depth + 1)?;
            }
        }
        Ok(())
    }

    fn list(&mut self, items: &[ChartValue], depth: usize) -> Result<(), RenderFault> {
        self.out.push('[');
        for (at, item) in items.iter().enumerate() {
            self.between(at, depth + 1);
            self.value(item, depth + 1)?;
        }
        self.close(items.is_empty(), depth, ']');
        Ok(())
    }

    fn map(&mut self, entries: &Map, depth: usize) -> Result<(), RenderFault> {
        self.out.push('{');
        for (at, (key, item)) in entries.iter().enumerate() {
            self.between(at, depth + 1);
            self.text(key);
            self.out.push_str(if self.indent.is_some() { ": " } else { ":" });
            self.value(item, depth + 1)?;
        }
        self.close(entries.is_empty(), depth, '}');
        Ok(())
    }

    fn between(&mut self, at: usize, depth: usize) {
        if at > 0 {
            self.out.push(',');
        }
        self.line(depth);
    }

    fn close(&mut self, empty: bool, depth: usize, close: char) {
        if !empty {
            self.line(depth);
        }
        self.out.push(close);
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(indent, depth));
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        // JSON has no bytes that are no characters; Go writes a sign for each.
        for c in bytes::shown(text).chars() {
            match c {
                c if short_escape(c).is_some() => self.out.extend(short_escape(c)),
                '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => self.escape(c),
                '<' | '>' | '&' if self.escaped => self.escape(c),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, c: char) {
        let _ = write!(self.out, "\\u{:04x}", u32::from(c));
    }
}

/// How a character is written that has a short form in a quoted text, in JSON and in TOML.
pub fn short_escape(c: char) -> Option<&'static str> {
    Some(match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => return None,
    })
}

/// A fault for what has no form in the language asked for.
pub fn unsupported<T>(what: &str) -> Result<T, RenderFault> {
    fail(format!("json: unsupported {what}"))
}
