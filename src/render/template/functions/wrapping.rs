//! Texts that are shortened or broken into lines: `wrap`, `abbrev`, `initials`.

use super::text::cut;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};

use ArgumentType::{Int, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("wrap", &[Int, Text], |call| text(wrap(&call.args.text(1), call.args.int(0), "\n", false))),
    TemplateFunction::new("wrapWith", &[Int, Text, Text], wrap_with),
    TemplateFunction::new("abbrev", &[Int, Text], |call| {
        let (width, it) = (call.args.int(0), call.args.text(1));
        if width < 4 { Ok(call.args.any(1).clone()) } else { text(abbreviate(&it, 0, size(width))) }
    }),
    TemplateFunction::new("abbrevboth", &[Int, Int, Text], abbreviate_both),
    TemplateFunction::new("initials", &[Text], |call| {
        text(call.args.text(0).split_whitespace().filter_map(|word| word.chars().next()).collect::<String>())
    }),
    TemplateFunction::new("nospace", &[Text], |call| text(nospace(&call.args.text(0)))),
];

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn wrap_with(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (width, separator, it) = (call.args.int(0), call.args.text(1), call.args.text(2));
    let most = (it.len() + 1).saturating_mul(separator.len() + 1);
    if most > call.run.settings.output {
        return fail("the text would be too long");
    }
    text(wrap(&it, width, if separator.is_empty() { "\n" } else { &separator }, true))
}

/// Breaks lines at spaces, and words that are too long only where it is asked for. Widths count bytes.
fn wrap(it: &str, width: i64, separator: &str, long_words: bool) -> String {
    let width = size(width).max(1);
    let bytes = it.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(it.len() + 16);
    let mut at = 0;
    while bytes.len() - at > width {
        if bytes[at] == b' ' {
            at += 1;
            continue;
        }
        let end = at + width;
        let space = bytes[at..=end].iter().rposition(|byte| *byte == b' ').map(|space| at + space);
        let (stop, next) = match space {
            Some(space) => (space, space + 1),
            None if long_words => (end, end),
            None => match bytes[end..].iter().position(|byte| *byte == b' ') {
                Some(space) => (end + space, end + space + 1),
                None => {
                    out.extend_from_slice(&bytes[at..]);
                    at = bytes.len();
                    break;
                }
            },
        };
        out.extend_from_slice(&bytes[at..stop]);
        out.extend_from_slice(separator.as_bytes());
        at = next;
    }
    out.extend_from_slice(&bytes[at..]);
    crate::render::bytes::text(&out)
}

fn abbreviate_both(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (left, right) = (call.args.int(0), call.args.int(1));
    if right < 4 || (left > 0 && right < 7) {
        return Ok(call.args.any(2).clone());
    }
    text(abbreviate(&call.args.text(2), left, size(right)))
}

/// Shortens a text to so many bytes, by three points in place of what comes after and, past the fifth byte, before.
fn abbreviate(it: &str, offset: i64, width: usize) -> String {
    if it.len() <= width || width < 4 {
        return it.to_owned();
    }
    let kept = width - 3;
    let offset = size(offset).min(it.len()).min(it.len() - kept.min(it.len()));
    if offset <= 4 {
        return format!("{}...", cut(it, 0, kept));
    }
    if width < 7 {
        return String::new();
    }
    if offset + kept < it.len() {
        return format!("...{}", abbreviate(&cut(it, offset, it.len()), 0, kept));
    }
    format!("...{}", cut(it, it.len() - kept, it.len()))
}

/// A text without its blanks. Sprig's library takes every byte for a character of its own where there is a blank at all.
fn nospace(text: &str) -> String {
    let characters = || text.bytes().map(char::from);
    match characters().any(char::is_whitespace) {
        true => characters().filter(|c| !c.is_whitespace()).collect(),
        false => text.to_owned(),
    }
}
