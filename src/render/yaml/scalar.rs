//! How a text is laid down in each of its styles.

use super::analysis::{ScalarStyle, is_break, is_printable};
use super::emit::Emitter;

impl Emitter {
    /// Writes a text in a style. Only where folding is allowed long lines are broken at their spaces.
    pub(super) fn styled(&mut self, text: &[char], style: ScalarStyle, fold: bool) {
        match style {
            ScalarStyle::Plain => self.plain(text, fold),
            ScalarStyle::Single => self.single(text, fold),
            ScalarStyle::Double => self.double(text, fold),
            ScalarStyle::Literal => self.literal(text),
        }
    }

    fn folds(&self, text: &[char], at: usize, fold: bool, spaces: bool) -> bool {
        fold && !spaces && self.column > self.width && at + 1 < text.len()
    }

    fn plain(&mut self, text: &[char], fold: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.flowing(text, fold, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &[char], fold: bool) {
        self.indicator("'", true, false, false);
        self.flowing(text, fold, true);
        self.indicator("'", false, false, false);
    }

    fn flowing(&mut self, text: &[char], fold: bool, quoted: bool) {
        let (mut spaces, mut breaks) = (false, false);
        for (at, c) in text.iter().copied().enumerate() {
            if c == ' ' {
                let next_is_space = text.get(at + 1) == Some(&' ');
                if self.folds(text, at, fold, spaces) && (at > 0 || !quoted) && !next_is_space {
                    self.indent_line();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.line_break('\n');
                }
                self.line_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.indent_line();
                }
                if quoted && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                (spaces, breaks) = (false, false);
            }
        }
    }

    fn double(&mut self, text: &[char], fold: bool) {
        self.indicator("\"", true, false, false);
        // Go's emitter looks for a byte order mark at the start of the text each time, and then escapes everything.
        let marked = text.first() == Some(&'\u{FEFF}');
        let mut spaces = false;
        for (at, c) in text.iter().copied().enumerate() {
            if marked || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.escape(c);
                spaces = false;
            } else if c == ' ' {
                if self.folds(text, at, fold, spaces) && at > 0 {
                    self.indent_line();
                    if text.get(at + 1) == Some(&' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' | '\\' => c,
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => return self.escape_number(u32::from(c)),
        };
        self.put('\\');
        self.put(short);
    }

    fn escape_number(&mut self, code: u32) {
        let text = match code {
            0..=0xFF => format!("\\x{code:02X}"),
            0x100..=0xFFFF => format!("\\u{code:04X}"),
            _ => format!("\\U{code:08X}"),
        };
        text.chars().for_each(|c| self.put(c));
    }

    fn literal(&mut self, text: &[char]) {
        self.indicator("|", true, false, false);
        if text.first().is_some_and(|c| *c == ' ' || is_break(*c)) {
            let hint = self.best_indent.to_string();
            self.indicator(&hint, false, false, false);
        }
        match text {
            [.., last] if !is_break(*last) => self.indicator("-", false, false, false),
            [_] => self.indicator("+", false, false, false),
            [.., before, _] if is_break(*before) => self.indicator("+", false, false, false),
            _ => {}
        }
        self.line_break('\n');
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.iter().copied() {
            if is_break(c) {
                self.line_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.indent_line();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }
}
