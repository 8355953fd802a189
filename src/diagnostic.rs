//! Diagnostics: what is wrong, where it stands in the spec, and the way out.
//!
//! Each sort of problem has a [`Code`], which fixes its summary; what is special about one case goes into the detail. Every
//! function that can find several problems collects them all.

pub mod code;

use serde::Serialize;

pub use code::Code;

use crate::address::Address;

/// A range of bytes in the spec's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last one.
    pub end: u32,
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing may be applied.
    Error,
    /// Worth a look; nothing is held up.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether it stops an apply.
    pub severity: Severity,
    /// What sort of problem it is.
    pub code: &'static Code,
    /// What is special about this case.
    pub detail: String,
    /// Where it stands in the spec.
    pub span: Option<Span>,
    /// The way out.
    pub hint: Option<String>,
    /// The resource that it concerns.
    pub address: Option<Address>,
    /// Whether what stands at the span must not be shown: it may be a secret.
    #[serde(skip)]
    pub redacted: bool,
    /// The unknown name, if that is what is wrong.
    #[serde(skip)]
    pub unknown: Option<UnknownName>,
}

/// An unknown name. Which one was meant is found once all names are known, the unknown ones among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The kind whose names it could have been; `var` for a variable.
    pub among: &'static str,
    /// The name.
    pub name: String,
}

impl Diagnostic {
    /// An error of one sort, with its detail.
    #[must_use]
    pub fn error(code: &'static Code, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            detail: detail.into(),
            span: None,
            hint: None,
            address: None,
            redacted: false,
            unknown: None,
        }
    }

    /// A warning of one sort, with its detail.
    #[must_use]
    pub fn warning(code: &'static Code, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, detail) }
    }

    /// What sort of problem it is, in a few words: the same each time.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.code.summary
    }

    /// Points into the spec.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }

    /// Keeps what stands at the span out of every output.
    #[must_use]
    pub const fn redacted(mut self) -> Self {
        self.redacted = true;
        self
    }

    /// Says which name is unknown, and of which kind it is; `var` for a variable.
    #[must_use]
    pub fn unknown(mut self, among: &'static str, name: impl Into<String>) -> Self {
        self.unknown = Some(UnknownName { among, name: name.into() });
        self
    }

    /// Says the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the resource.
    #[must_use]
    pub fn of(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }
}

/// All that was found, in the order of the spec once [`Diagnostics::finish`] has run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another collection.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether any of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every diagnostic.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Every diagnostic, to be completed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Diagnostic> {
        self.0.iter_mut()
    }

    /// Keeps some.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.0.retain(keep);
    }

    /// Orders them as the spec is read and drops what was said already: a resource that stands in several places
    /// makes the same mistake in each.
    pub fn finish(&mut self) {
        self.0.sort_by_key(|one| (one.span.is_none(), one.span, one.severity));
        self.0.dedup_by(|a, b| a.span.is_some() && a.span == b.span && a.code == b.code && a.detail == b.detail);
    }
}

impl Span {
    /// The span of a range of bytes.
    #[must_use]
    pub fn new(range: std::ops::Range<usize>) -> Self {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: narrow(range.start), end: narrow(range.end) }
    }

    /// The range of bytes, for slicing.
    #[must_use]
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The spec's text and what it is called, for pointing into it.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'a> {
    /// The path, as the person gave it.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
}

impl SourceText<'_> {
    /// The line and the column of a byte, both counted from one; columns count characters.
    #[must_use]
    pub fn position(&self, byte: u32) -> (usize, usize) {
        self.lines().position(byte)
    }

    /// The text with the beginnings of its lines, for many positions.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { text: self.text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Diagnostics as a JSON list, with lines and columns.
    #[must_use]
    pub fn to_json(&self, diagnostics: &Diagnostics) -> serde_json::Value {
        let lines = self.lines();
        let mut cursor = lines.cursor();
        let entry = |diagnostic: &Diagnostic| {
            let position = diagnostic.span.map(|span| cursor.position(span.start));
            serde_json::json!({
                "severity": diagnostic.severity,
                "code": diagnostic.code.name,
                "summary": diagnostic.summary(),
                "detail": diagnostic.detail,
                "hint": diagnostic.hint,
                "address": diagnostic.address,
                "file": position.map(|_| self.name),
                "line": position.map(|(line, _)| line),
                "column": position.map(|(_, column)| column),
            })
        };
        diagnostics.iter().map(entry).collect()
    }
}

/// A text with the beginnings of its lines.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

/// Looks up one position after the other. Positions that ascend cost the text between them, also where all of them are in one
/// long line.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    lines: &'a Lines<'a>,
    line: usize,
    byte: usize,
    column: usize,
}

impl Lines<'_> {
    /// The line and the column of a byte, both counted from one; columns count characters.
    #[must_use]
    pub fn position(&self, byte: u32) -> (usize, usize) {
        self.cursor().position(byte)
    }

    /// For looking up many positions.
    #[must_use]
    pub const fn cursor(&self) -> Cursor<'_> {
        Cursor { lines: self, line: 0, byte: 0, column: 1 }
    }
}

impl Cursor<'_> {
    /// The line and the column of a byte, both counted from one; columns count characters.
    pub fn position(&mut self, byte: u32) -> (usize, usize) {
        let byte = byte as usize;
        let line = self.lines.starts.partition_point(|start| *start <= byte);
        if line != self.line || byte < self.byte {
            (self.line, self.byte, self.column) = (line, self.lines.starts[line.saturating_sub(1)], 1);
        }
        self.column += self.lines.text.get(self.byte..byte).map_or(0, |between| between.chars().count());
        self.byte = byte;
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::SourceText;

    #[test]
    fn positions_are_the_same_in_any_order() {
        let source = SourceText { name: "t", text: "aé\nbcd\n\nü" };
        let lines = source.lines();
        let whole: Vec<(usize, usize)> = [0, 1, 3, 4, 6, 8, 9, 11].map(|byte| source.position(byte)).into();
        assert_eq!(whole, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (4, 1), (4, 2)]);
        let mut cursor = lines.cursor();
        for byte in [9, 11, 4, 6, 6, 0, 3, 1] {
            assert_eq!(cursor.position(byte), source.position(byte), "{byte}");
        }
    }
}
