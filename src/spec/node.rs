//! The spec's text as a tree that remembers where everything stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::pieces::{self, PIECE};
use super::table::Table;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::value::Text;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The bytes of the value.
    pub span: Span,
    /// The value itself.
    pub content: Content,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text; TOML's dates and times are kept as theirs.
    String(Text),
    /// Values in order.
    Array(Vec<Node>),
    /// Values by key.
    Table(Table),
}

/// One entry of a [`Table`].
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key stands.
    pub key: Span,
    /// The value.
    pub node: Node,
}

/// Reads what the parser made of a text, which may be a piece of a longer one.
pub struct Reading<'a> {
    /// Where the piece begins.
    from: usize,
    diagnostics: &'a mut Diagnostics,
}

/// Parses TOML, collecting every syntax error.
pub fn parse(source: &str, diagnostics: &mut Diagnostics) -> Table {
    let long = source.len() > 2 * PIECE;
    long.then(|| pieces::parse(source, PIECE)).flatten().unwrap_or_else(|| whole(source, diagnostics))
}

/// Parses TOML in one piece, collecting every syntax error.
pub fn whole(source: &str, diagnostics: &mut Diagnostics) -> Table {
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in errors {
        let span = error.span().map(|range| visible(source, range));
        diagnostics.push(
            Diagnostic::error("the spec is not TOML", error.message())
                .at(span)
                .hint("see https://toml.io for how TOML is written"),
        );
    }
    if diagnostics.has_errors() {
        return Table::new();
    }
    Reading::new(0, diagnostics).table(table.into_inner())
}

impl Node {
    /// The sort of value, in words.
    #[must_use]
    pub const fn describe(&self) -> &'static str {
        match self.content {
            Content::Bool(_) => "true or false",
            Content::Int(_) => "a whole number",
            Content::Float(_) => "a number",
            Content::String(_) => "a text",
            Content::Array(_) => "a list",
            Content::Table(_) => "a table",
        }
    }

    /// The text, when it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::String(text) => Some(text),
            _ => None,
        }
    }

    /// The table, when it is one.
    #[must_use]
    pub const fn as_table(&self) -> Option<&Table> {
        match &self.content {
            Content::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Where a text stands in the value.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Span> {
        match &self.content {
            Content::String(own) => (own == text).then_some(self.span),
            Content::Array(items) => items.iter().find_map(|item| item.find(text)),
            Content::Table(table) => table.values().find_map(|entry| entry.node.find(text)),
            _ => None,
        }
    }

    /// Where the value at a path such as `allow.0.actions` stands, as deep as the path can be followed.
    #[must_use]
    pub fn span_at(&self, path: &str) -> Span {
        let mut node = self;
        for part in crate::path::split(path) {
            let next = match &node.content {
                Content::Table(table) => table.get(part).map(|entry| &entry.node),
                Content::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.span
    }
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
            (key.into(), Entry { key: span, node: self.node(value) })
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
                    self.diagnostics.push(Diagnostic::error("number out of range", detail).at(span));
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
