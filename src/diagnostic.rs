//! Diagnostics: what is wrong, where it stands in the spec, and the way out.
//!
//! The summary is constant for each sort of problem; what is special about one case goes into the detail. Every
//! function that can find several problems collects them all.

use serde::Serialize;

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
    /// What sort of problem it is: the same sentence each time.
    pub summary: String,
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
}

impl Diagnostic {
    /// An error with its constant summary and its detail.
    #[must_use]
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            span: None,
            hint: None,
            address: None,
            redacted: false,
        }
    }

    /// A warning with its constant summary and its detail.
    #[must_use]
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary, detail) }
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

    /// Keeps some.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.0.retain(keep);
    }

    /// Orders them as the spec is read and drops what was said already: a resource that stands in several places
    /// makes the same mistake in each.
    pub fn finish(&mut self) {
        self.0.sort_by_key(|one| (one.span.is_none(), one.span, one.severity));
        self.0.dedup_by(|a, b| a.span.is_some() && a.span == b.span && a.summary == b.summary && a.detail == b.detail);
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
        let entry = |diagnostic: &Diagnostic| {
            let position = diagnostic.span.map(|span| lines.position(span.start));
            serde_json::json!({
                "severity": diagnostic.severity,
                "summary": diagnostic.summary,
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

impl Lines<'_> {
    /// The line and the column of a byte, both counted from one; columns count characters.
    #[must_use]
    pub fn position(&self, byte: u32) -> (usize, usize) {
        let byte = byte as usize;
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line.saturating_sub(1)];
        let column = self.text.get(start..byte).map_or(0, |before| before.chars().count()) + 1;
        (line, column)
    }
}
