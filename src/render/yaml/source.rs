//! Where the parser and Go's reader of YAML do not agree on what a text is: what Go takes is brought into a form that the parser takes
//! too, and what Go refuses is refused.

use std::borrow::Cow;

use granit_parser::Span;

use crate::render::bytes;
use crate::render::fault::RenderFault;

/// How often a text is mended before it is given up.
const REPAIRS: usize = 100;
/// The largest text that is mended, since it is read again each time.
const SIZE: usize = 1 << 20;

/// Why a text could not be read.
pub(super) struct Wrong {
    pub fault: RenderFault,
    /// The place of a comment that is not parted from what is before it, in characters.
    pub comment: Option<usize>,
}

impl From<RenderFault> for Wrong {
    fn from(fault: RenderFault) -> Self {
        Self { fault, comment: None }
    }
}

/// Reads a text, and where it is refused mends what Go's reader would not mind.
pub(super) fn repaired<T>(text: &str, read: impl Fn(&str) -> Result<T, Wrong>) -> Result<T, RenderFault> {
    // A next-line character is a break like any other in YAML 1.1.
    let mut text = if text.contains('\u{85}') { Cow::Owned(text.replace('\u{85}', "\n")) } else { Cow::Borrowed(text) };
    for _ in 0..REPAIRS {
        let wrong = match read(&text) {
            Ok(result) => return Ok(result),
            Err(wrong) => wrong,
        };
        if text.len() > SIZE {
            return Err(wrong.fault);
        }
        let comment = wrong.comment.and_then(|index| text.char_indices().nth(index)).filter(|(_, c)| *c == '#');
        if let Some((at, _)) = comment {
            text.to_mut().insert(at, ' ');
        } else if let Some(mended) = without_tabs(&text) {
            text = Cow::Owned(mended);
        } else {
            return Err(wrong.fault);
        }
    }
    Err(RenderFault::new("the YAML text has too many comments that nothing parts from what is before them"))
}

/// A document that is one list or map in brackets, with blanks for the tabs that its lines begin with.
fn without_tabs(text: &str) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) || !text.contains("\n\t") {
        return None;
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let rest = line.trim_start_matches([' ', '\t']);
        let indent = line.len() - rest.len();
        format!("{}{rest}", " ".repeat(indent))
    });
    Some(lines.collect())
}

/// Whether nothing but blanks and the dashes of lists is before a place in its line, and a tab among them.
pub(super) fn is_behind_tab(text: &str, at: Option<usize>) -> bool {
    let Some(before) = at.and_then(|at| text.get(..at)) else { return false };
    let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    line.contains('\t')
        && line.bytes().all(|b| matches!(b, b' ' | b'\t' | b'-' | b'?'))
        && line.split([' ', '\t']).all(|part| matches!(part, "" | "-" | "?"))
}

/// The text of a block scalar. Where the source ends without a break, so does the text, though the parser adds one.
pub(super) fn as_far_as_written(scalar: &str, source: &str, span: &Span) -> String {
    let last = source.rsplit('\n').next().unwrap_or_default().trim_start();
    let ends = span.byte_range().is_some_and(|range| range.end >= source.len());
    match scalar.strip_suffix('\n') {
        Some(written) if ends && !last.is_empty() && written.ends_with(last) => written.to_owned(),
        _ => scalar.to_owned(),
    }
}

/// The characters that a YAML text may have.
pub(super) fn readable(c: char) -> bool {
    bytes::byte(c).is_none()
        && matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
}
