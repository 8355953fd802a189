//! Go's own functions but for comparisons: `print` and its like, `len`, `index`, escapes.

use std::fmt::Write as _;
use std::rc::Rc;

use crate::render::bytes;
use crate::render::template::arguments::{ArgumentType, items};
use crate::render::template::fields;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};
use crate::render::template::{format, kinds, unknown};
use crate::render::value::ChartValue;

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("and", &[ArgumentType::Reflect], |call| Ok(call.args.any(0).clone()))
        .rest(ArgumentType::Reflect)
        .moves(),
    TemplateFunction::new("or", &[ArgumentType::Reflect], |call| Ok(call.args.any(0).clone()))
        .rest(ArgumentType::Reflect)
        .moves(),
    TemplateFunction::new("not", &[ArgumentType::Reflect], |call| {
        Ok(ChartValue::Bool(!call.run.truth(Some(call.args.any(0)), "not")?))
    })
    .moves(),
    TemplateFunction::new("print", &[], |call| text(format::spaced(&call.args.all))).rest(ArgumentType::Any).moves(),
    TemplateFunction::new("println", &[], |call| text(format::spaced_line(&call.args.all)))
        .rest(ArgumentType::Any)
        .moves(),
    TemplateFunction::new("printf", &[ArgumentType::Text], printf).rest(ArgumentType::Any).moves(),
    TemplateFunction::new("html", &[], |call| text(html(&joined(call)))).rest(ArgumentType::Any).deep(),
    TemplateFunction::new("js", &[], |call| text(js(&joined(call)))).rest(ArgumentType::Any).deep(),
    TemplateFunction::new("urlquery", &[], |call| text(urlquery(&joined(call)))).rest(ArgumentType::Any).deep(),
    TemplateFunction::new("len", &[ArgumentType::Reflect], len).decides(),
    TemplateFunction::new("index", &[ArgumentType::Reflect], index).rest(ArgumentType::Reflect).moves(),
    TemplateFunction::new("call", &[ArgumentType::Reflect], |call| match call.args.any(0) {
        ChartValue::Nil => fail("call of nil"),
        other => fail(format!("non-function of type {}", kinds::type_name(other))),
    })
    .rest(ArgumentType::Reflect),
];

/// `printf` lets marks through where its verbs only move text; a width or another verb would have to know it.
fn printf(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let layout = call.args.text(0);
    let operands = &call.args.all[1..];
    let found = operands.iter().find_map(unknown::anywhere);
    if let Some(found) = found.filter(|_| !only_moves(&layout)) {
        return Ok(call.unknown(&found));
    }
    text(format::printf(&layout, operands))
}

fn only_moves(layout: &str) -> bool {
    layout.replace("%%", "").split('%').skip(1).all(|verb| verb.starts_with(['s', 'v', 'q']))
}

/// The operands as one text, as the escaping functions take them.
fn joined(call: &FunctionCall<'_, '_>) -> String {
    match call.args.all.as_slice() {
        [ChartValue::Text(text)] => text.to_string(),
        all => {
            let shown = |it: &ChartValue| {
                if matches!(it, ChartValue::Nil) { ChartValue::text("<no value>") } else { it.clone() }
            };
            format::spaced(&all.iter().map(shown).collect::<Vec<_>>())
        }
    }
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c if !c.is_ascii() && !format::quoted(c.encode_utf8(&mut [0; 4])).contains(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

fn urlquery(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn len(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let count = match call.args.any(0) {
        ChartValue::Nil => return fail("len of nil pointer"),
        ChartValue::Text(text) => bytes::bytes(text).len(),
        ChartValue::Map(map) => map.borrow().len(),
        ChartValue::Object(object) => match object.value() {
            ChartValue::List(items) => items.len(),
            ChartValue::Map(map) => map.borrow().len(),
            _ => return fail(format!("len of type {}", object.type_name())),
        },
        other => match items(other) {
            Some(items) => items.len(),
            None => return fail(format!("len of type {}", kinds::type_name(other))),
        },
    };
    Ok(ChartValue::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn index(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut item = call.args.any(0).clone();
    if matches!(item, ChartValue::Nil) {
        return fail("index of untyped nil");
    }
    for key in &call.args.all[1..] {
        if let Some(found) = unknown::in_value(key) {
            return Err(call.decided(&found));
        }
        item = step(call, &item, key)?;
    }
    Ok(item)
}

fn step(call: &FunctionCall<'_, '_>, item: &ChartValue, key: &ChartValue) -> FunctionResult {
    match item {
        ChartValue::Nil => fail("index of nil pointer"),
        ChartValue::Map(map) => match key {
            ChartValue::Text(key) => Ok(map.borrow().get(key).cloned().unwrap_or_default()),
            ChartValue::Nil => fail("value is nil; should be of type string"),
            other => fail(format!("value has type {}; should be string", kinds::type_name(other))),
        },
        ChartValue::Object(object) => match (object.value(), key) {
            (list @ ChartValue::List(_), key) => step(call, &list, key),
            (ChartValue::Map(_), ChartValue::Text(key)) => {
                Ok(fields::field(call.run, Some(item), key, &[], false)?.unwrap_or_default())
            }
            _ => fail(format!("can't index item of type {}", object.type_name())),
        },
        ChartValue::Unknown(unknown) => {
            Ok(call.run.settings.unknown(format!("{}[{}]", unknown.of, format::plain(key))))
        }
        ChartValue::Text(text) => {
            let at = position(key, text.len())?;
            // Go gives the byte, whose type no other function here has.
            text.as_bytes().get(at).map_or_else(|| out_of_range(at), |byte| Ok(ChartValue::Int(i64::from(*byte))))
        }
        ChartValue::List(items) => {
            let at = position(key, items.len())?;
            items.get(at).cloned().map_or_else(|| out_of_range(at), Ok)
        }
        other => fail(format!("can't index item of type {}", kinds::type_name(other))),
    }
}

fn out_of_range(at: usize) -> FunctionResult {
    fail(format!("reflect: slice index out of range: {at}"))
}

fn position(key: &ChartValue, len: usize) -> Result<usize, crate::render::fault::RenderFault> {
    match key {
        ChartValue::Int(number) | ChartValue::Int64(number) => match usize::try_from(*number) {
            Ok(at) if at <= len => Ok(at),
            _ => fail(format!("index out of range: {number}")),
        },
        ChartValue::Nil => fail("cannot index slice/array with nil"),
        other => fail(format!("cannot index slice/array with type {}", kinds::type_name(other))),
    }
}

/// A list that holds the values.
pub fn list(items: Vec<ChartValue>) -> ChartValue {
    ChartValue::List(Rc::new(items))
}
