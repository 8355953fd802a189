//! Numbers by the verbs of `printf`.

use std::fmt::Write as _;

use super::float::float;
use super::printer::Printer;
use super::quote;
use crate::render::value::ChartValue;

impl Printer<'_> {
    pub(super) fn integer(&mut self, value: &ChartValue, number: i64, verb: char) {
        let size = number.unsigned_abs();
        let digits = match verb {
            'd' | 'v' => format!("{size}"),
            'b' => format!("{size:b}"),
            'o' | 'O' => format!("{size:o}"),
            'x' => format!("{size:x}"),
            'X' => format!("{size:X}"),
            'c' => return self.pad(point(number).encode_utf8(&mut [0; 4])),
            'q' => return self.pad(&quote::character(point(number), self.spec.plus)),
            'U' => return self.code_point(number),
            _ => return self.bad(value, verb),
        };
        self.digits(digits, number < 0, verb);
    }

    fn digits(&mut self, mut digits: String, negative: bool, verb: char) {
        let zero = std::mem::take(&mut self.spec.zero);
        let least = match (self.spec.precision, self.spec.width) {
            (Some(0), width) if digits == "0" => {
                self.out.extend(std::iter::repeat_n(' ', width.unwrap_or(0)));
                return;
            }
            (Some(precision), _) => precision,
            (None, Some(width)) if zero && !self.spec.minus => {
                width.saturating_sub(usize::from(negative || self.spec.plus || self.spec.space))
            }
            _ => 0,
        };
        if digits.len() < least {
            digits.insert_str(0, &"0".repeat(least - digits.len()));
        }
        let prefix = match verb {
            'b' if self.spec.sharp => "0b",
            'o' if self.spec.sharp && !digits.starts_with('0') => "0",
            'O' if self.spec.sharp && !digits.starts_with('0') => "0o0",
            'O' => "0o",
            'x' if self.spec.sharp => "0x",
            'X' if self.spec.sharp => "0X",
            _ => "",
        };
        let sign = match (negative, self.spec.plus, self.spec.space) {
            (true, _, _) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        self.pad(&format!("{sign}{prefix}{digits}"));
        self.spec.zero = zero;
    }

    fn code_point(&mut self, number: i64) {
        let digits = self.spec.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{number:0digits$X}");
        if self.spec.sharp
            && let Some(c) = u32::try_from(number).ok().and_then(char::from_u32).filter(|c| quote::is_printable(*c))
        {
            let _ = write!(text, " '{c}'");
        }
        let zero = std::mem::take(&mut self.spec.zero);
        self.pad(&text);
        self.spec.zero = zero;
    }

    pub(super) fn float(&mut self, value: &ChartValue, number: f64, verb: char) {
        let precision = match verb {
            'e' | 'E' | 'f' | 'F' => Some(self.spec.precision.unwrap_or(6)),
            'v' | 'g' | 'G' | 'x' | 'X' | 'b' => self.spec.precision,
            _ => return self.bad(value, verb),
        };
        let text = float(number, if verb == 'v' { 'g' } else { verb }, precision);
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => (text.chars().next().unwrap_or('+'), digits),
            None => ('+', text.as_str()),
        };
        let finite = number.is_finite();
        let digits =
            if self.spec.sharp && finite && verb != 'b' { sharpened(digits, verb, precision) } else { digits.into() };
        let shown = match (sign, self.spec.plus, self.spec.space) {
            // Infinity has its sign only where it is asked for or negative.
            ('-', _, _) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ if number.is_infinite() => "+",
            _ => "",
        };
        let zero = std::mem::take(&mut self.spec.zero);
        let missing = self.spec.width.unwrap_or(0).saturating_sub(shown.len() + digits.len());
        if zero && finite && !self.spec.minus {
            let _ = write!(self.out, "{shown}{}{digits}", "0".repeat(missing));
        } else {
            self.pad(&format!("{shown}{digits}"));
        }
        self.spec.zero = zero;
    }
}

fn point(number: i64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// `%#g` and its like: always a point, and zeros up to the precision.
fn sharpened(digits: &str, verb: char, precision: Option<usize>) -> String {
    let (body, tail) = match digits.find(['p', 'P']).or_else(|| digits.find(['e', 'E'])) {
        Some(at) if !matches!(verb, 'x' | 'X') || digits[at..].starts_with(['p', 'P']) => digits.split_at(at),
        _ => (digits, ""),
    };
    let mut wanted = if matches!(verb, 'v' | 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    let significant = body.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    wanted = wanted.saturating_sub(significant + usize::from(body == "0"));
    let point = if body.contains('.') { "" } else { "." };
    format!("{body}{point}{}{tail}", "0".repeat(wanted))
}
