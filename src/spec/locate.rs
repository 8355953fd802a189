//! From a byte of a text's meaning to the byte of the spec that wrote it.
//!
//! A rule finds a fault in the decoded text (`"a\u0062"` is `ab`); a caret has to point at what stands in the file.

use std::ops::Range;

use crate::diagnostic::Span;

/// The part of the spec that wrote `range` of the text whose literal stands at `span`.
///
/// Where the literal can't be followed, all of it is the answer: a caret never points at the wrong characters.
#[must_use]
pub fn locate(source: &str, span: Span, range: &Range<usize>) -> Span {
    Literal::new(source, span).locate(range)
}

/// A literal that is followed from its beginning to its end. Ranges that ascend cost the text between them, however many
/// there are.
pub struct Literal<'a> {
    source: &'a str,
    span: Span,
    text: &'a str,
    escapes: bool,
    /// Where the meaning begins and ends in the literal.
    inner: Range<usize>,
    /// How far it was followed: the byte in the literal, and that of its meaning.
    raw: usize,
    decoded: usize,
}

impl<'a> Literal<'a> {
    /// The literal that stands at a span.
    pub fn new(source: &'a str, span: Span) -> Self {
        let text = source.get(span.range()).unwrap_or_default();
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| text.starts_with(quote)).unwrap_or_default();
        let mut start = quote.len();
        if quote.len() == 3 {
            let rest = &text[start..];
            start += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        }
        // What is no literal, or is cut off, has nothing that could be followed.
        let end = text.len().checked_sub(quote.len()).filter(|end| !quote.is_empty() && *end >= start);
        let inner = start..end.unwrap_or_default();
        Self { source, span, text, escapes: quote.starts_with('"'), raw: start, inner, decoded: 0 }
    }

    /// As [`locate`].
    pub fn locate(&mut self, range: &Range<usize>) -> Span {
        self.inside(range).unwrap_or(self.span)
    }

    fn inside(&mut self, range: &Range<usize>) -> Option<Span> {
        if self.inner.end < self.inner.start || self.inner.end == 0 {
            return None;
        }
        if range.start < self.decoded {
            (self.raw, self.decoded) = (self.inner.start, 0);
        }
        let mut start = None;
        loop {
            let rest = self.text.get(self.raw..self.inner.end)?;
            let next = if rest.is_empty() { None } else { Some(step(rest, self.escapes)?) };
            // A line that is continued writes nothing, so nothing begins with it.
            if self.decoded >= range.start && start.is_none() && next.is_none_or(|(_, length)| length > 0) {
                start = Some(self.raw);
            }
            let Some((width, length)) = next.filter(|_| self.decoded < range.end || start.is_none()) else { break };
            self.raw += width;
            self.decoded += length;
        }
        let start = start?;
        let end = if self.raw > start { self.raw } else { (start + 1).min(self.text.len()) };
        let base = self.span.start as usize;
        let (start, end) = (base + start, base + end);
        (self.source.is_char_boundary(start) && self.source.is_char_boundary(end)).then(|| Span::new(start..end))
    }
}

/// How many bytes the next character takes in the literal, and how many in its meaning.
fn step(rest: &str, escapes: bool) -> Option<(usize, usize)> {
    let mut chars = rest.chars();
    let first = chars.next()?;
    if !escapes || first != '\\' {
        return Some((first.len_utf8(), first.len_utf8()));
    }
    let digits = match chars.next()? {
        'u' => 4,
        'U' => 8,
        'x' => 2,
        c if c.is_whitespace() => {
            let folded = rest[1..].find(|c: char| !c.is_whitespace()).unwrap_or(rest.len() - 1);
            return Some((1 + folded, 0));
        }
        _ => return Some((2, 1)),
    };
    let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    Some((2 + digits, char::from_u32(code)?.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::{Literal, locate};
    use crate::diagnostic::Span;

    fn found(source: &str, range: std::ops::Range<usize>) -> &str {
        &source[locate(source, Span::new(0..source.len()), &range).range()]
    }

    #[test]
    fn every_sort_of_literal_is_followed() {
        assert_eq!(found("\"abcdef\"", 2..4), "cd");
        assert_eq!(found("'abcdef'", 2..4), "cd");
        assert_eq!(found("\"a\\u0062cd\"", 1..2), "\\u0062");
        assert_eq!(found("\"a\\nbc\"", 2..3), "b");
        assert_eq!(found("'''\nabc\n'''", 1..2), "b");
        assert_eq!(found("\"\"\"\nab\\\n   cd\"\"\"", 2..3), "c");
        assert_eq!(found("\"\"\"é§x\"\"\"", 4..5), "x");
    }

    #[test]
    fn to_follow_on_is_to_follow_from_the_beginning() {
        for source in
            ["\"a\\u0062c\\td\\\n  ef\"", "'''\nabc\n§é'''", "\"\"\"a\\\n   bc\"\"\"", "abc", "\"", "\"a\\qb\""]
        {
            let span = Span::new(0..source.len());
            for first in 0..8 {
                for second in 0..8 {
                    let mut literal = Literal::new(source, span);
                    for range in [first..first + 1, second..second + 2, second..second] {
                        assert_eq!(literal.locate(&range), locate(source, span, &range), "{source} {first} {second}");
                    }
                }
            }
        }
    }
}
