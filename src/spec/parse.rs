//! From text to nodes, by way of the TOML parser.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::node::{Content, Node, Table, TableEntry};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};

/// Reads what the parser made of a text, which may be a piece of a longer one.
pub struct Reading<'a> {
    /// Where the piece begins.
    from: usize,
    diagnostics: &'a mut Diagnostics,
}

/// Parses TOML in one piece, collecting every syntax error.
pub fn whole(source: &str, diagnostics: &mut Diagnostics) -> Table {
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in errors {
        let span = error.span().map(|range| visible(source, range));
        diagnostics.push(
            Diagnostic::error(&code::NOT_TOML, error.message())
                .at(span)
                .hint("see https://toml.io for how TOML is written"),
        );
    }
    if diagnostics.has_errors() {
        return Table::new();
    }
    Reading::new(0, diagnostics).table(table.into_inner())
}

impl<'a> Reading<'a> {
    pub const fn new(from: usize, diagnostics: &'a mut Diagnostics) -> Self {
        Self { from, diagnostics }
    }

    /// A table with all that is in it.
    pub fn table(&mut self, table: DeTable<'_>) -> Table {
        let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
            let span = self.span(key.span());
            let key: std::borrow::Cow<'_, str> = key.into_inner();
            (key.into(), TableEntry { key: span, node: self.node(value) })
        };
        table.into_iter().map(entry).collect()
    }

    fn node(&mut self, value: Spanned<DeValue<'_>>) -> Node {
        let span = self.span(value.span());
        let content = match value.into_inner() {
            DeValue::Boolean(flag) => Content::Bool(flag),
            DeValue::String(text) => Content::String(text.into()),
            DeValue::Datetime(time) => Content::String(time.to_string().into()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Content::Int(number),
                Err(_) => {
                    let detail = "whole numbers have 64 bits here";
                    self.diagnostics.push(Diagnostic::error(&code::OUT_OF_RANGE, detail).at(span));
                    Content::Int(0)
                }
            },
            DeValue::Float(number) => Content::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Array(items) => Content::Array(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => Content::Table(self.table(table)),
        };
        Node { span, content }
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(range.start + self.from..range.end + self.from)
    }
}

/// A span that a caret can point at: never empty, never past the text.
fn visible(source: &str, range: Range<usize>) -> Span {
    let mut start = range.start.min(source.len());
    let mut end = range.end.clamp(start, source.len());
    if start == end {
        while end < source.len() {
            end += 1;
            if source.is_char_boundary(end) {
                break;
            }
        }
        while start == end && start > 0 {
            start -= 1;
            while !source.is_char_boundary(start) {
                start -= 1;
            }
        }
    }
    Span::new(start..end)
}
