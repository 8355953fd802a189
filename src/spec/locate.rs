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
    inside(source, span, range).unwrap_or(span)
}

fn inside(source: &str, span: Span, range: &Range<usize>) -> Option<Span> {
    let literal = source.get(span.range())?;
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| literal.starts_with(quote))?;
    let escapes = quote.starts_with('"');
    let mut raw = quote.len();
    if quote.len() == 3 {
        let rest = &literal[raw..];
        raw += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    let end_of_text = literal.len().checked_sub(quote.len())?;
    let mut decoded = 0;
    let mut start = None;
    loop {
        let rest = literal.get(raw..end_of_text)?;
        let next = if rest.is_empty() { None } else { Some(step(rest, escapes)?) };
        // A line that is continued writes nothing, so nothing begins with it.
        if decoded >= range.start && start.is_none() && next.is_none_or(|(_, length)| length > 0) {
            start = Some(raw);
        }
        let Some((width, length)) = next.filter(|_| decoded < range.end || start.is_none()) else { break };
        raw += width;
        decoded += length;
    }
    let start = start?;
    let end = if raw > start { raw } else { (start + 1).min(literal.len()) };
    let base = span.start as usize;
    let (start, end) = (base + start, base + end);
    (source.is_char_boundary(start) && source.is_char_boundary(end)).then(|| Span::new(start..end))
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
    use super::locate;
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
}
