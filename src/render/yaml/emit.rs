//! Values as YAML: the layout of lists and maps, and the choice of a style for each text.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::analysis::{ScalarStyle, analyze};
use super::number::{format_general, format_json};
use super::order::{natural, newer, sorted};
use super::resolve::{Scalar, is_base_sixty, resolve};
use super::source::readable;
use crate::render::bytes;
use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, Map};

/// How deep a value may be.
const DEPTH: usize = 300;
/// How long a text may become.
const SIZE: usize = 64 << 20;
/// The length of a line after which texts are folded.
const WIDTH: usize = 80;

/// Which of Go's two emitters is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum YamlLook {
    /// That of `toYaml`: by way of JSON, lists no deeper than their keys, long lines folded.
    Usual,
    /// That of `toYamlPretty`: numbers as Go has them, lists deeper than their keys, nothing folded.
    Pretty,
}

/// Writes a value as one document.
pub(super) fn emit(value: &ChartValue, look: YamlLook) -> Result<String, RenderFault> {
    let mut emitter = Emitter::new(look);
    emitter.node(value, EmitPlace::Root, 0)?;
    emitter.indent = 0;
    emitter.indent_line();
    Ok(emitter.out)
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EmitPlace {
    Root,
    Item,
    Key,
    Value,
}

/// What has been written, and the state of its last line.
#[derive(Debug)]
pub(super) struct Emitter {
    pub out: String,
    pub column: usize,
    pub width: usize,
    pub look: YamlLook,
    pub best_indent: usize,
    /// None until the first collection or text has begun.
    indent: usize,
    begun: bool,
    pub whitespace: bool,
    pub indention: bool,
}

impl Emitter {
    fn new(look: YamlLook) -> Self {
        Self {
            out: String::new(),
            column: 0,
            width: if look == YamlLook::Usual { WIDTH } else { usize::MAX },
            look,
            best_indent: 2,
            indent: 0,
            begun: false,
            whitespace: true,
            indention: true,
        }
    }

    pub(super) fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    pub(super) fn line_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }

    pub(super) fn indicator(&mut self, text: &str, apart: bool, whitespace: bool, indention: bool) {
        if apart && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = whitespace;
        self.indention = self.indention && indention;
    }

    /// Goes to the indentation of the present collection, on a new line where something stands on this one.
    pub(super) fn indent_line(&mut self) {
        if !self.indention || self.column > self.indent || (self.column == self.indent && !self.whitespace) {
            self.line_break('\n');
        }
        while self.column < self.indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// Runs a part with a deeper indentation.
    fn deeper<T>(&mut self, flow: bool, indentless: bool, part: impl FnOnce(&mut Self) -> T) -> T {
        let (indent, begun) = (self.indent, self.begun);
        if !begun {
            self.indent = if flow { self.best_indent } else { 0 };
            self.begun = true;
        } else if !indentless {
            self.indent += self.best_indent;
        }
        let result = part(self);
        (self.indent, self.begun) = (indent, begun);
        result
    }

    fn node(&mut self, value: &ChartValue, place: EmitPlace, depth: usize) -> Result<(), RenderFault> {
        if depth > DEPTH || self.out.len() > SIZE {
            return Err(RenderFault::new(
                "the value is too deep or too large to be written as YAML, or it holds itself",
            ));
        }
        match value {
            ChartValue::Nil => self.word("null"),
            ChartValue::Bool(yes) => self.word(if *yes { "true" } else { "false" }),
            ChartValue::Int(int) | ChartValue::Int64(int) => self.word(&int.to_string()),
            ChartValue::Float(float) if self.look == YamlLook::Pretty => self.word(&pretty_float(*float)),
            ChartValue::Float(float) => self.word(&float_text(*float)?),
            ChartValue::Text(text) => self.text(text, place)?,
            ChartValue::Unknown(unknown) => self.text(&unknown.mark(), place)?,
            ChartValue::List(items) => self.list(items, place, depth)?,
            ChartValue::Map(map) => match map.try_borrow() {
                Ok(map) => self.map(&map, depth)?,
                Err(_) => return Err(RenderFault::new("a map is written while it is changed")),
            },
            ChartValue::Object(object) => self.node(&object.value(), place, depth + 1)?,
        }
        Ok(())
    }

    fn list(&mut self, items: &[ChartValue], place: EmitPlace, depth: usize) -> Result<(), RenderFault> {
        if items.is_empty() {
            self.empty("[", "]");
            return Ok(());
        }
        let indentless = self.look == YamlLook::Usual && place == EmitPlace::Value && !self.indention;
        self.deeper(false, indentless, |emitter| {
            for item in items {
                emitter.indent_line();
                emitter.indicator("-", true, false, true);
                emitter.node(item, EmitPlace::Item, depth + 1)?;
            }
            Ok(())
        })
    }

    fn map(&mut self, map: &Map, depth: usize) -> Result<(), RenderFault> {
        if map.is_empty() {
            self.empty("{", "}");
            return Ok(());
        }
        let entries = sorted(map.iter().map(|(key, value)| (&**key, value)).collect(), self.order());
        self.deeper(false, false, |emitter| {
            for (key, value) in entries {
                if key.contains('\u{85}') && emitter.look == YamlLook::Usual {
                    return Err(RenderFault::new("YAML has no keys with a next-line character"));
                }
                emitter.indent_line();
                if is_simple(key) {
                    emitter.text(key, EmitPlace::Key)?;
                    emitter.indicator(":", false, false, false);
                } else {
                    emitter.indicator("?", true, false, true);
                    emitter.text(key, EmitPlace::Value)?;
                    emitter.indent_line();
                    emitter.indicator(":", true, false, true);
                }
                emitter.node(value, EmitPlace::Value, depth + 1)?;
            }
            Ok(())
        })
    }

    fn order(&self) -> fn(&str, &str) -> Ordering {
        if self.look == YamlLook::Usual { natural } else { newer }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.indicator(open, true, true, false);
        self.indicator(close, false, false, false);
    }

    fn word(&mut self, text: &str) {
        let text: Vec<char> = text.chars().collect();
        self.deeper(true, false, |emitter| emitter.styled(&text, ScalarStyle::Plain, true));
    }

    fn text(&mut self, text: &str, place: EmitPlace) -> Result<(), RenderFault> {
        let text = if self.look == YamlLook::Usual { through_json(text)? } else { Cow::Borrowed(text) };
        let chars: Vec<char> = text.chars().collect();
        let analysis = analyze(&chars, self.look == YamlLook::Pretty);
        let key = place == EmitPlace::Key;
        let mut style = if text.contains('\n') {
            ScalarStyle::Literal
        } else if resolve(&text) == Scalar::Text && !is_base_sixty(&text) {
            ScalarStyle::Plain
        } else {
            ScalarStyle::Double
        };
        if key && analysis.multiline {
            style = ScalarStyle::Double;
        }
        if style == ScalarStyle::Plain && (!analysis.plain || (chars.is_empty() && key)) {
            style = ScalarStyle::Single;
        }
        if style == ScalarStyle::Single && !analysis.single || style == ScalarStyle::Literal && (!analysis.block || key)
        {
            style = ScalarStyle::Double;
        }
        self.deeper(true, false, |emitter| emitter.styled(&chars, style, !key));
        Ok(())
    }
}

/// Whether a key can stand on the line of its value.
fn is_simple(key: &str) -> bool {
    key.len() <= 128 && !key.contains(super::analysis::is_break)
}

/// A number as it looks after its way through JSON, where whole floats become whole numbers.
fn float_text(float: f64) -> Result<String, RenderFault> {
    let text = format_json(float).ok_or_else(|| RenderFault::new("JSON has no such number"))?;
    Ok(match resolve(&text) {
        Scalar::Int(int) => int.to_string(),
        Scalar::Large(large) => large.to_string(),
        _ => format_general(float),
    })
}

fn pretty_float(float: f64) -> String {
    match format_general(float).as_str() {
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        "NaN" => ".nan".to_owned(),
        text => text.to_owned(),
    }
}

/// A text after its way through JSON: some characters are refused there, and a next-line character counts as a break that is folded.
fn through_json(text: &str) -> Result<Cow<'_, str>, RenderFault> {
    if text.contains(|c| bytes::byte(c).is_some()) {
        return Ok(Cow::Owned(through_json(&bytes::shown(text))?.into_owned()));
    }
    if let Some(c) = text.chars().find(|c| *c >= ' ' && !readable(*c)) {
        return Err(RenderFault::new(format!("YAML has no character U+{:04X}", u32::from(c))));
    }
    if !text.contains('\u{85}') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\u{85}') {
        out.push_str(rest[..at].trim_end_matches(' '));
        let run = rest[at..].len() - rest[at..].trim_start_matches(['\u{85}', ' ']).len();
        let breaks = rest[at..at + run].matches('\u{85}').count();
        if breaks == 1 {
            out.push(' ')
        } else {
            out.extend(std::iter::repeat_n('\n', breaks - 1))
        }
        rest = &rest[at + run..];
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}
