//! Values as TOML in the layout of Go's encoder that Helm uses, and back.

use std::fmt::Write as _;
use std::rc::Rc;

use super::json::short_escape;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};
use crate::render::template::time::reading;
use crate::render::template::{format, kinds};
use crate::render::value::{ChartValue, Map};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("toToml", &[ArgumentType::Any], |call| {
        text(write(call.args.any(0)).unwrap_or_else(|fault| fault.what))
    })
    .moves(),
    TemplateFunction::new("mustToToml", &[ArgumentType::Any], |call| text(write(call.args.any(0))?)).moves(),
    TemplateFunction::new("fromToml", &[ArgumentType::Text], read).moves(),
];

/// Values that lie deeper than this have no TOML: maps can hold themselves.
const DEEPEST: usize = 200;
/// Longer texts are above every limit.
const LONGEST: usize = 80 << 20;

fn write(value: &ChartValue) -> Result<String, RenderFault> {
    let mut writer = TomlWriter { out: String::new() };
    match value {
        ChartValue::Nil => return fail("runtime error: invalid memory address or nil pointer dereference"),
        ChartValue::Map(_) => writer.table(&[], value)?,
        ChartValue::List(items) if is_tables(items)? => return fail("top-level values must be Go maps or structs"),
        other => writer.element(other, 0)?,
    }
    Ok(writer.out)
}

/// Whether a list is a list of maps, which has a header for each.
fn is_tables(items: &[ChartValue]) -> Result<bool, RenderFault> {
    if items.iter().any(|item| matches!(item, ChartValue::Nil)) {
        return fail("toml: cannot encode array with nil element");
    }
    Ok(!items.is_empty() && items.iter().all(|item| matches!(item, ChartValue::Map(_))))
}

struct TomlWriter {
    out: String,
}

impl TomlWriter {
    fn line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn table(&mut self, path: &[Rc<str>], value: &ChartValue) -> Result<(), RenderFault> {
        if path.len() > DEEPEST || self.out.len() > LONGEST {
            return fail("toml: the value is too deep or too large");
        }
        let ChartValue::Map(map) = value else { return Ok(()) };
        let entries: Vec<_> = map.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect();
        let mut tables = Vec::new();
        for (key, value) in entries {
            let below = match &value {
                ChartValue::Nil => continue,
                ChartValue::Map(_) => true,
                ChartValue::List(items) => is_tables(items)?,
                _ => false,
            };
            if below {
                tables.push((key, value));
                continue;
            }
            let _ = write!(self.out, "{}{} = ", "  ".repeat(path.len()), quoted_key(&key));
            self.element(&value, path.len())?;
            self.out.push('\n');
        }
        for (key, value) in tables {
            let inner: Vec<_> = path.iter().cloned().chain([key]).collect();
            stacker::maybe_grow(64 << 10, 1 << 20, || self.below(&inner, &value))?;
        }
        Ok(())
    }

    fn below(&mut self, path: &[Rc<str>], value: &ChartValue) -> Result<(), RenderFault> {
        let name = path.iter().map(|key| quoted_key(key)).collect::<Vec<_>>().join(".");
        let indent = "  ".repeat(path.len() - 1);
        if let ChartValue::List(items) = value {
            for item in items.iter() {
                self.line();
                let _ = writeln!(self.out, "{indent}[[{name}]]");
                self.table(path, item)?;
            }
            return Ok(());
        }
        if path.len() == 1 {
            self.line();
        }
        let _ = writeln!(self.out, "{indent}[{name}]");
        self.table(path, value)
    }

    fn element(&mut self, value: &ChartValue, depth: usize) -> Result<(), RenderFault> {
        if depth > DEEPEST || self.out.len() > LONGEST {
            return fail("toml: the value is too deep or too large");
        }
        match value {
            ChartValue::Nil => return fail("toml: cannot encode array with nil element"),
            ChartValue::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            ChartValue::Int(number) | ChartValue::Int64(number) => {
                let _ = write!(self.out, "{number}");
            }
            ChartValue::Float(number) => self.float(*number),
            ChartValue::Text(text) => self.text(text),
            ChartValue::Unknown(unknown) => self.text(&unknown.mark()),
            ChartValue::List(items) => {
                is_tables(items)?;
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.element(item, depth + 1)?;
                }
                self.out.push(']');
            }
            ChartValue::Map(map) => self.inline(&map.borrow().clone(), depth)?,
            ChartValue::Object(object) if kinds::kind(value) == "struct" && object.type_name() == "time.Time" => {
                if let Some(Ok(ChartValue::Text(written))) = object.call("Json", &[]) {
                    self.out.push_str(&written);
                }
            }
            ChartValue::Object(object) => self.element(&object.value(), depth + 1)?,
        }
        Ok(())
    }

    /// A map within a list that has other items too: what is no map comes first there as well.
    fn inline(&mut self, map: &Map, depth: usize) -> Result<(), RenderFault> {
        let is_table = |value: &ChartValue| match value {
            ChartValue::Map(_) => true,
            ChartValue::List(items) => !items.is_empty() && items.iter().all(|item| matches!(item, ChartValue::Map(_))),
            _ => false,
        };
        let (tables, direct): (Vec<_>, Vec<_>) =
            map.iter().filter(|(_, value)| !matches!(value, ChartValue::Nil)).partition(|(_, value)| is_table(value));
        self.out.push('{');
        for (at, (key, value)) in direct.into_iter().chain(tables).enumerate() {
            self.out.push_str(if at > 0 { ", " } else { "" });
            let _ = write!(self.out, "{} = ", quoted_key(key));
            self.element(value, depth + 1)?;
        }
        self.out.push('}');
        Ok(())
    }

    fn float(&mut self, number: f64) {
        if !number.is_finite() {
            let sign = if number.is_sign_negative() { "-" } else { "" };
            let _ = write!(self.out, "{sign}{}", if number.is_nan() { "nan" } else { "inf" });
            return;
        }
        let written = format::float(number, 'g', None);
        self.out.push_str(&written);
        if !written.contains(['e', '.']) {
            self.out.push_str(".0");
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                c if short_escape(c).is_some() => self.out.extend(short_escape(c)),
                '\0'..='\u{1f}' | '\u{7f}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare {
        return key.to_owned();
    }
    let mut writer = TomlWriter { out: String::new() };
    writer.text(key);
    writer.out
}

fn read(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let it = call.args.text(0);
    call.run.spend(it.len() / 8)?;
    Ok(match it.parse::<::toml::Table>() {
        Ok(table) => converted(::toml::Value::Table(table)),
        Err(error) => {
            ChartValue::map(Map::from([("Error".into(), ChartValue::text(format!("toml: {}", error.message())))]))
        }
    })
}

fn converted(value: ::toml::Value) -> ChartValue {
    match value {
        ::toml::Value::String(text) => ChartValue::text(text),
        ::toml::Value::Integer(number) => ChartValue::Int64(number),
        ::toml::Value::Float(number) => ChartValue::Float(number),
        ::toml::Value::Boolean(truth) => ChartValue::Bool(truth),
        ::toml::Value::Datetime(time) => {
            let written = time.to_string();
            let layouts = ["2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02", "15:04:05"];
            let read = layouts.iter().find_map(|layout| reading::read(layout, &written).ok());
            read.map_or_else(|| ChartValue::text(written), |moment| moment.value())
        }
        ::toml::Value::Array(items) => ChartValue::list(items.into_iter().map(converted).collect()),
        ::toml::Value::Table(entries) => {
            ChartValue::map(entries.into_iter().map(|(key, value)| (Rc::from(key), converted(value))).collect())
        }
    }
}
