//! Texts in double quotes with Go's escapes. Marks of values that are not known yet stay as they are.

use std::fmt::Write as _;

use crate::render::value::UnknownValue;

/// A text in double quotes, where what can be printed stays as it is.
pub fn quoted(text: &str) -> String {
    quote(text, '"', false)
}

/// A text in double quotes, in ASCII.
pub fn quoted_ascii(text: &str) -> String {
    quote(text, '"', true)
}

/// A character in single quotes.
pub fn character(c: char, ascii: bool) -> String {
    quote(c.encode_utf8(&mut [0; 4]), '\'', ascii)
}

/// Whether a text can be written within backquotes.
pub fn fits_backquotes(text: &str) -> bool {
    text.chars().all(|c| c == '\t' || (c != '`' && c != '\u{feff}' && c != '\u{7f}' && c >= ' '))
}

/// Whether Go takes a character for one that can be printed: letters, marks, numbers, punctuation, symbols and the space.
pub fn is_printable(c: char) -> bool {
    // After another character, Rust's own debug form escapes just what Go takes for unprintable, but for four characters.
    let mut pair = String::from("a");
    pair.push(c);
    matches!(c, '"' | '\'' | '\\') || (pair.escape_debug().count() == 2 && c != '\0')
}

fn quote(text: &str, mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    let mut within = false;
    for c in text.chars() {
        within = (within || c == UnknownValue::START) && !(within && c == UnknownValue::END);
        match c {
            UnknownValue::START | UnknownValue::END => out.push(c),
            _ if within => out.push(c),
            '\\' => out.push_str("\\\\"),
            _ if c == mark => {
                out.push('\\');
                out.push(c);
            }
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            _ if !ascii && !c.is_ascii() && is_printable(c) => out.push(c),
            _ => escape(&mut out, u32::from(c)),
        }
    }
    out.push(mark);
    out
}

fn escape(out: &mut String, code: u32) {
    // Writing to a text cannot fail.
    let _ = match code {
        0..=0x1f | 0x7f => write!(out, "\\x{code:02x}"),
        0..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}
