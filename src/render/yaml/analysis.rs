//! What a text is made of, as far as it decides how it may be written.

use crate::render::value::UnknownValue;

/// The styles in which texts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarStyle {
    Plain,
    Single,
    Double,
    Literal,
}

/// The ways in which a text may be written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Analysis {
    pub multiline: bool,
    pub plain: bool,
    pub single: bool,
    pub block: bool,
}

/// The breaks of lines that YAML 1.1 knows.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What goes into a text without an escape. The marks of unknown values count as the plain letters that they stand for.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}' | UnknownValue::START | UnknownValue::END)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Looks at a text that is written outside of flow collections. Where tabs are kept, a block may have them.
pub(super) fn analyze(text: &[char], tabs: bool) -> Analysis {
    if text.is_empty() {
        return Analysis { multiline: false, plain: true, single: true, block: false };
    }
    let edge = |at: usize| text.get(at).copied().unwrap_or('a');
    let last = text.len() - 1;
    let (leading, trailing) = (edge(0), edge(last));
    let outer = |c: char| c == ' ' || is_break(c);
    let pair = |fits: fn(char, char) -> bool| text.windows(2).any(|two| fits(two[0], two[1]));
    let break_space = pair(|a, b| is_break(a) && b == ' ');
    let space_break = pair(|a, b| a == ' ' && is_break(b));
    let special = !text.iter().all(|c| is_printable(*c) || (tabs && *c == '\t'));
    let tabbed = tabs && text.contains(&'\t');
    let multiline = text.iter().any(|c| is_break(*c));
    Analysis {
        multiline,
        plain: !(outer(leading)
            || outer(trailing)
            || break_space
            || space_break
            || special
            || tabbed
            || multiline
            || has_indicators(text)),
        single: !(break_space || space_break || special || tabbed),
        block: !(trailing == ' ' || space_break || special),
    }
}

/// Whether a text would be read as something else than a plain scalar.
fn has_indicators(text: &[char]) -> bool {
    if text.len() >= 3 && (text.starts_with(&['-', '-', '-']) || text.starts_with(&['.', '.', '.'])) {
        return true;
    }
    let blank_after = |at: usize| text.get(at + 1).is_none_or(|c| is_blank(*c));
    let blank_before = |at: usize| text.get(at - 1).is_none_or(|c| is_blank(*c) || is_break(*c) || *c == '\0');
    text.iter().enumerate().any(|(at, c)| match c {
        ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => at == 0,
        '?' | '-' => at == 0 && blank_after(at),
        ':' => blank_after(at),
        '#' => at == 0 || blank_before(at),
        _ => false,
    })
}
