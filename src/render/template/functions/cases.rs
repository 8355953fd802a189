//! Upper and lower case, and the cases that words are joined in: `camelcase`, `snakecase`, `kebabcase`.

use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{TemplateFunction, text};

use ArgumentType::Text;

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("upper", &[Text], |call| text(simple(&call.args.text(0), upper))),
    TemplateFunction::new("lower", &[Text], |call| text(simple(&call.args.text(0), lower))),
    TemplateFunction::new("title", &[Text], |call| text(title(&call.args.text(0)))),
    TemplateFunction::new("untitle", &[Text], |call| text(untitle(&call.args.text(0)))),
    TemplateFunction::new("swapcase", &[Text], |call| text(swap(&call.args.text(0)))),
    TemplateFunction::new("camelcase", &[Text], |call| text(camel(&call.args.text(0)))),
    TemplateFunction::new("snakecase", &[Text], |call| text(lower_words(&call.args.text(0), '_'))),
    TemplateFunction::new("kebabcase", &[Text], |call| text(lower_words(&call.args.text(0), '-'))),
];

fn simple(text: &str, map: fn(char) -> char) -> String {
    text.chars().map(map).collect()
}

/// Go maps one character to one; what Unicode maps to several stays.
fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn lower(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        // The only one of two characters: Go takes the first.
        _ if c == 'İ' => 'i',
        _ => c,
    }
}

/// Words begin after what is no letter, digit or underscore; beyond ASCII only white space ends them.
fn title(text: &str) -> String {
    let mut before = ' ';
    text.chars()
        .map(|c| {
            let begins = is_separator(before);
            before = c;
            if begins { upper(c) } else { c }
        })
        .collect()
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() {
        return !(c.is_ascii_alphanumeric() || c == '_');
    }
    !c.is_alphanumeric() && c.is_whitespace()
}

fn untitle(text: &str) -> String {
    let mut begins = true;
    text.chars()
        .map(|c| {
            if c.is_whitespace() {
                begins = true;
                c
            } else if std::mem::take(&mut begins) {
                lower(c)
            } else {
                c
            }
        })
        .collect()
}

fn swap(text: &str) -> String {
    text.chars().map(|c| if c.is_uppercase() { lower(c) } else { upper(c) }).collect()
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// Each word begins with an upper case letter, and what follows one in upper case too is lowered; of connectors that follow each
/// other, one joins the words. A text of connectors only has its last one twice.
fn camel(text: &str) -> String {
    let head = text.chars().take_while(|c| is_connector(*c)).count();
    let mut out: String = text.chars().take(head).collect();
    let mut rest = text.chars().skip(head);
    let Some(first) = rest.next() else {
        out.extend(text.chars().last());
        return out;
    };
    let mut lowers = first.is_uppercase();
    let mut last = upper(first);
    for c in rest {
        if is_connector(last) {
            if is_connector(c) {
                out.push(last);
                last = c;
            } else {
                lowers = c.is_uppercase();
                last = upper(c);
            }
            continue;
        }
        out.push(last);
        lowers = lowers && c.is_uppercase();
        last = if lowers { lower(c) } else { c };
    }
    out.push(last);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CaseKind {
    None,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

fn is_alphabet(c: char) -> bool {
    c.is_alphabetic() && (c.is_lowercase() || c.is_uppercase())
}

fn is_punctuation(c: char) -> bool {
    // The symbols of ASCII are no punctuation in Unicode.
    if c.is_ascii() {
        return c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c);
    }
    matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}')
}

/// The words of a text with their kinds.
struct CaseWords<'a> {
    rest: &'a str,
}

impl<'a> CaseWords<'a> {
    fn next(&mut self) -> (CaseKind, &'a str) {
        let Some(first) = self.rest.chars().next() else { return (CaseKind::None, "") };
        let (kind, end) = match first {
            c if is_connector(c) => (CaseKind::Connector, self.run(is_connector)),
            c if is_punctuation(c) => (CaseKind::Punctuation, self.run(is_punctuation)),
            c if c.is_uppercase() => (CaseKind::Upper, self.upper()),
            c if is_alphabet(c) => (CaseKind::Alphabet, self.run(|c| is_alphabet(c) && !c.is_uppercase())),
            c if c.is_numeric() => (CaseKind::Number, self.run(char::is_numeric)),
            _ => (
                CaseKind::Other,
                self.run(|c| !(is_connector(c) || is_alphabet(c) || c.is_numeric() || is_punctuation(c))),
            ),
        };
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (kind, word)
    }

    /// The first character and those after it that hold.
    fn run(&self, holds: impl Fn(char) -> bool) -> usize {
        self.rest.char_indices().skip(1).find(|(_, c)| !holds(*c)).map_or(self.rest.len(), |(at, _)| at)
    }

    /// `HTTPServer` is two words, so the last of several upper case letters belongs to the lower case ones after it.
    fn upper(&self) -> usize {
        let mut after = self.rest.char_indices().skip(1);
        match after.next() {
            Some((second, c)) if c.is_uppercase() => {
                let mut last = second;
                for (at, c) in after {
                    if !c.is_uppercase() {
                        return if is_alphabet(c) { last } else { at };
                    }
                    last = at;
                }
                self.rest.len()
            }
            Some((_, c)) if is_alphabet(c) => self.run(|c| is_alphabet(c) && !c.is_uppercase()),
            Some((second, _)) => second,
            None => self.rest.len(),
        }
    }
}

fn put(out: &mut String, kind: CaseKind, word: &str, connector: char) {
    if matches!(kind, CaseKind::Upper | CaseKind::Connector) {
        out.extend(word.chars().map(|c| if is_connector(c) { connector } else { lower(c) }));
    } else {
        out.push_str(word);
    }
}

fn lower_words(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut words = CaseWords { rest: text };
    let (mut kind, mut word) = words.next();
    let joins = |kind: CaseKind| !matches!(kind, CaseKind::None | CaseKind::Punctuation | CaseKind::Connector);
    while !words.rest.is_empty() {
        if kind != CaseKind::Connector {
            put(&mut out, kind, word, connector);
        }
        let (before, last) = (kind, word);
        (kind, word) = words.next();
        match before {
            CaseKind::Number => {
                while matches!(kind, CaseKind::Alphabet | CaseKind::Number) {
                    put(&mut out, kind, word, connector);
                    (kind, word) = words.next();
                }
                if joins(kind) {
                    out.push(connector);
                }
            }
            CaseKind::Connector => put(&mut out, before, last, connector),
            CaseKind::Punctuation => {}
            _ if kind != CaseKind::Number => {
                if !matches!(kind, CaseKind::Connector | CaseKind::Punctuation) {
                    out.push(connector);
                }
            }
            _ if words.rest.is_empty() => {}
            _ => after_number(&mut out, &mut words, (&mut kind, &mut word), connector),
        }
    }
    put(&mut out, kind, word, connector);
    out
}

/// A number after letters belongs to them, unless lower case letters follow it.
fn after_number<'a>(
    out: &mut String,
    words: &mut CaseWords<'a>,
    current: (&mut CaseKind, &mut &'a str),
    connector: char,
) {
    let (kind, word) = current;
    let number = *word;
    (*kind, *word) = words.next();
    if *kind != CaseKind::Alphabet {
        put(out, CaseKind::Number, number, connector);
        if !matches!(*kind, CaseKind::Connector | CaseKind::Punctuation) {
            out.push(connector);
        }
        return;
    }
    out.push(connector);
    put(out, CaseKind::Number, number, connector);
    while matches!(*kind, CaseKind::Alphabet | CaseKind::Number) {
        put(out, *kind, word, connector);
        (*kind, *word) = words.next();
    }
    if !matches!(*kind, CaseKind::None | CaseKind::Connector | CaseKind::Punctuation) {
        out.push(connector);
    }
}
