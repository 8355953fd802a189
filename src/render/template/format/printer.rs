//! `printf` with Go's verbs, flags, widths, precisions and its way to say what went wrong within the text.

use std::fmt::Write as _;

use super::quote;
use crate::render::template::kinds;
use crate::render::value::ChartValue;

/// Widths and precisions above this are none, as in Go.
const WIDEST: i64 = 1_000_000;
/// A text that gets longer than this is not gone on with: it is above every limit, and maps can hold themselves.
const LONGEST: usize = 80 << 20;
/// Values that lie deeper than this are left out, for the same reason.
const DEEPEST: usize = 2000;

/// The text of a format and its operands.
pub fn printf(format: &str, operands: &[ChartValue]) -> String {
    let mut printer = Printer { out: String::new(), operands, next: 0, reordered: false, spec: VerbSpec::default() };
    printer.run(format);
    printer.out
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct VerbSpec {
    pub(super) sharp: bool,
    pub(super) zero: bool,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) space: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    /// `%#v`: values in Go's own notation.
    go: bool,
}

/// What is printed so far, and how.
pub(super) struct Printer<'a> {
    pub(super) out: String,
    operands: &'a [ChartValue],
    next: usize,
    reordered: bool,
    pub(super) spec: VerbSpec,
}

/// A reader of one verb's specification.
struct FormatCursor<'f> {
    rest: &'f str,
    good: bool,
    after_index: bool,
}

impl FormatCursor<'_> {
    fn take(&mut self, c: char) -> bool {
        let taken = self.rest.strip_prefix(c);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    fn number(&mut self) -> Option<i64> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().ok().filter(|number| *number <= WIDEST)
    }
}

impl Printer<'_> {
    fn run(&mut self, format: &str) {
        let mut rest = format;
        while let Some((before, after)) = rest.split_once('%') {
            self.out.push_str(before);
            self.spec = VerbSpec::default();
            let mut cursor = FormatCursor { rest: after, good: true, after_index: false };
            self.specification(&mut cursor);
            let Some(verb) = cursor.rest.chars().next() else {
                self.out.push_str("%!(NOVERB)");
                rest = "";
                break;
            };
            rest = &cursor.rest[verb.len_utf8()..];
            self.verb(verb, cursor.good);
            if self.out.len() > LONGEST {
                return;
            }
        }
        self.out.push_str(rest);
        self.extra();
    }

    fn specification(&mut self, cursor: &mut FormatCursor<'_>) {
        while let Some(c @ ('#' | '0' | '+' | '-' | ' ')) = cursor.rest.chars().next() {
            cursor.rest = &cursor.rest[1..];
            match c {
                '#' => self.spec.sharp = true,
                '0' => self.spec.zero = true,
                '+' => self.spec.plus = true,
                '-' => self.spec.minus = true,
                _ => self.spec.space = true,
            }
        }
        self.index(cursor);
        if cursor.take('*') {
            match self.star() {
                None => self.out.push_str("%!(BADWIDTH)"),
                Some(width) => {
                    if width < 0 {
                        self.spec.minus = true;
                        self.spec.zero = false;
                    }
                    self.spec.width = usize::try_from(width.unsigned_abs()).ok();
                }
            }
            cursor.after_index = false;
        } else {
            self.spec.width = cursor.number().and_then(|width| usize::try_from(width).ok());
            cursor.good &= !(cursor.after_index && self.spec.width.is_some());
        }
        // A point at the very end of the format is the verb.
        if cursor.rest.len() > 1 && cursor.take('.') {
            cursor.good &= !cursor.after_index;
            self.index(cursor);
            if cursor.take('*') {
                match self.star() {
                    None => self.out.push_str("%!(BADPREC)"),
                    Some(precision) => self.spec.precision = usize::try_from(precision).ok(),
                }
                cursor.after_index = false;
            } else {
                self.spec.precision = Some(cursor.number().and_then(|it| usize::try_from(it).ok()).unwrap_or(0));
            }
        }
        if !cursor.after_index {
            self.index(cursor);
        }
    }

    /// Reads `[n]`, which says which operand comes next.
    fn index(&mut self, cursor: &mut FormatCursor<'_>) {
        if !cursor.rest.starts_with('[') {
            cursor.after_index = false;
            return;
        }
        self.reordered = true;
        let Some(end) = cursor.rest.find(']') else {
            cursor.good = false;
            cursor.rest = &cursor.rest[1..];
            cursor.after_index = false;
            return;
        };
        let number: Option<usize> = cursor.rest[1..end].parse().ok();
        cursor.rest = &cursor.rest[end + 1..];
        match number {
            Some(number) if number >= 1 && number <= self.operands.len() => {
                self.next = number - 1;
                cursor.after_index = true;
            }
            number => {
                cursor.good = false;
                cursor.after_index = number.is_some();
            }
        }
    }

    fn star(&mut self) -> Option<i64> {
        let operand = self.operands.get(self.next);
        self.next += usize::from(operand.is_some());
        match operand {
            Some(ChartValue::Int(number) | ChartValue::Int64(number)) if number.abs() <= WIDEST => Some(*number),
            _ => None,
        }
    }

    fn verb(&mut self, verb: char, good: bool) {
        if verb == '%' {
            self.out.push('%');
        } else if !good {
            let _ = write!(self.out, "%!{verb}(BADINDEX)");
        } else if let Some(operand) = self.operands.get(self.next) {
            self.next += 1;
            if verb == 'v' {
                self.spec.go = std::mem::take(&mut self.spec.sharp);
                self.spec.plus = false;
            }
            self.operand(operand, verb);
        } else {
            let _ = write!(self.out, "%!{verb}(MISSING)");
        }
    }

    fn extra(&mut self) {
        if self.reordered || self.next >= self.operands.len() {
            return;
        }
        self.spec = VerbSpec::default();
        self.out.push_str("%!(EXTRA ");
        for (at, operand) in self.operands[self.next..].iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            if !matches!(operand, ChartValue::Nil) {
                self.out.push_str(kinds::type_name(operand));
                self.out.push('=');
            }
            self.operand(operand, 'v');
        }
        self.out.push(')');
    }

    fn operand(&mut self, value: &ChartValue, verb: char) {
        match (value, verb) {
            (_, 'T') => self.text(kinds::type_name(value)),
            (ChartValue::Nil, 'v') => self.pad("<nil>"),
            (ChartValue::Nil, _) => self.bad(value, verb),
            _ => self.value(value, verb, 0),
        }
    }

    fn value(&mut self, value: &ChartValue, verb: char, depth: usize) {
        if depth > DEEPEST || self.out.len() > LONGEST {
            return;
        }
        match value {
            ChartValue::Nil => self.out.push_str(if self.spec.go { "interface {}(nil)" } else { "<nil>" }),
            ChartValue::Bool(truth) if matches!(verb, 't' | 'v') => self.pad(if *truth { "true" } else { "false" }),
            ChartValue::Int(number) | ChartValue::Int64(number) => self.integer(value, *number, verb),
            ChartValue::Float(number) => self.float(value, *number, verb),
            ChartValue::Text(text) => self.string(value, text, verb),
            ChartValue::Unknown(unknown) => self.string(value, &unknown.mark(), verb),
            ChartValue::List(items) => stacker::maybe_grow(64 << 10, 1 << 20, || self.list(items, verb, depth)),
            ChartValue::Map(map) => {
                let entries: Vec<_> = map.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                stacker::maybe_grow(64 << 10, 1 << 20, || self.map(&entries, verb, depth));
            }
            ChartValue::Object(object) => match object.value() {
                ChartValue::Object(_) => {}
                inner => self.value(&inner, verb, depth + 1),
            },
            ChartValue::Bool(_) => self.bad(value, verb),
        }
    }

    fn list(&mut self, items: &[ChartValue], verb: char, depth: usize) {
        let (open, between, close) = if self.spec.go { ("[]interface {}{", ", ", '}') } else { ("[", " ", ']') };
        self.out.push_str(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push_str(between);
            }
            self.value(item, verb, depth + 1);
        }
        self.out.push(close);
    }

    fn map(&mut self, entries: &[(std::rc::Rc<str>, ChartValue)], verb: char, depth: usize) {
        let (open, between, close) =
            if self.spec.go { ("map[string]interface {}{", ", ", '}') } else { ("map[", " ", ']') };
        self.out.push_str(open);
        for (at, (key, item)) in entries.iter().enumerate() {
            if at > 0 {
                self.out.push_str(between);
            }
            self.value(&ChartValue::Text(key.clone()), verb, depth + 1);
            self.out.push(':');
            self.value(item, verb, depth + 1);
        }
        self.out.push(close);
    }

    pub(super) fn bad(&mut self, value: &ChartValue, verb: char) {
        let _ = write!(self.out, "%!{verb}(");
        if matches!(value, ChartValue::Nil) {
            self.out.push_str("<nil>");
        } else {
            self.out.push_str(kinds::type_name(value));
            self.out.push('=');
            self.value(value, 'v', 0);
        }
        self.out.push(')');
    }

    fn string(&mut self, value: &ChartValue, text: &str, verb: char) {
        match verb {
            'v' if self.spec.go => {
                let quoted = quote::quoted(text);
                self.pad(&quoted);
            }
            'v' | 's' => self.text(text),
            'q' => {
                let text = self.truncated(text);
                let quoted = if self.spec.sharp && quote::fits_backquotes(text) {
                    format!("`{text}`")
                } else if self.spec.plus {
                    quote::quoted_ascii(text)
                } else {
                    quote::quoted(text)
                };
                self.pad(&quoted);
            }
            'x' | 'X' => self.bytes(text.as_bytes(), verb == 'X'),
            _ => self.bad(value, verb),
        }
    }

    fn bytes(&mut self, bytes: &[u8], upper: bool) {
        let bytes = &bytes[..self.spec.precision.unwrap_or(bytes.len()).min(bytes.len())];
        let prefix = if upper { "0X" } else { "0x" };
        let mut text = String::with_capacity(bytes.len() * 2);
        for (at, byte) in bytes.iter().enumerate() {
            if self.spec.space && at > 0 {
                text.push(' ');
            }
            if self.spec.sharp && (at == 0 || self.spec.space) {
                text.push_str(prefix);
            }
            let _ = if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") };
        }
        self.pad(&text);
    }

    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        let end = self.spec.precision.and_then(|count| text.char_indices().nth(count));
        end.map_or(text, |(at, _)| &text[..at])
    }

    fn text(&mut self, text: &str) {
        let text = self.truncated(text);
        self.pad(text);
    }

    pub(super) fn pad(&mut self, text: &str) {
        let missing = self.spec.width.unwrap_or(0).saturating_sub(text.chars().count());
        if self.spec.minus {
            self.out.push_str(text);
            self.out.extend(std::iter::repeat_n(' ', missing));
        } else {
            self.out.extend(std::iter::repeat_n(if self.spec.zero { '0' } else { ' ' }, missing));
            self.out.push_str(text);
        }
    }
}
