//! Go's layouts of times: the reference time `Mon Jan 2 15:04:05 MST 2006` in the form wanted.

use std::fmt::Write as _;

use super::calendar::{self, Civil, DAYS, MONTHS};

/// A piece of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutPiece<'l> {
    /// What stands as it is.
    Text(&'l str),
    /// A part of the time, by how the reference time has it.
    Part(&'l str),
    /// A fraction of a second: its sign, whether zeros at its end are kept, and how many digits it has.
    Fraction(char, bool, usize),
}

/// Longer ones come first, since they begin with shorter ones.
const PARTS: [&str; 33] = [
    "January",
    "Monday",
    "-07:00:00",
    "Z07:00:00",
    "-070000",
    "Z070000",
    "-07:00",
    "Z07:00",
    "-0700",
    "Z0700",
    "2006",
    "Jan",
    "Mon",
    "MST",
    "-07",
    "Z07",
    "__2",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "_2",
    "PM",
    "pm",
    "1",
    "2",
    "3",
    "4",
    "5",
];

/// The pieces of a layout.
pub fn pieces(layout: &str) -> Vec<LayoutPiece<'_>> {
    let mut all = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while at < layout.len() {
        let rest = &layout[at..];
        let Some((piece, skip, len)) = next(rest) else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if at + skip > begin {
            all.push(LayoutPiece::Text(&layout[begin..at + skip]));
        }
        all.push(piece);
        at += skip + len;
        begin = at;
    }
    if begin < layout.len() {
        all.push(LayoutPiece::Text(&layout[begin..]));
    }
    all
}

/// The part that a text begins with, what is skipped before it, and its length.
fn next(rest: &str) -> Option<(LayoutPiece<'_>, usize, usize)> {
    // An underscore before a whole year only separates.
    if rest.starts_with("_2006") {
        return Some((LayoutPiece::Part(&rest[1..5]), 1, 4));
    }
    if let Some(sign @ ('.' | ',')) = rest.chars().next() {
        let digit = rest[1..].chars().next().filter(|c| matches!(c, '0' | '9'))?;
        let count = rest[1..].chars().take_while(|c| *c == digit).count();
        let ends = !rest[1 + count..].starts_with(|c: char| c.is_ascii_digit());
        return ends.then_some((LayoutPiece::Fraction(sign, digit == '0', count), 0, 1 + count));
    }
    let part = PARTS.iter().find(|part| rest.starts_with(**part))?;
    // The short name of a month or day is none where a word goes on.
    if matches!(*part, "Jan" | "Mon") && rest[3..].starts_with(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    Some((LayoutPiece::Part(&rest[..part.len()]), 0, part.len()))
}

/// A time by a layout.
pub fn format(civil: &Civil, offset: i32, zone: &str, layout: &str) -> String {
    let mut out = String::new();
    for piece in pieces(layout) {
        match piece {
            LayoutPiece::Text(text) => out.push_str(text),
            LayoutPiece::Fraction(sign, zeros, count) => fraction(&mut out, civil.nanosecond, (sign, zeros, count)),
            LayoutPiece::Part(part) => self::part(&mut out, civil, offset, zone, part),
        }
    }
    out
}

fn fraction(out: &mut String, nanoseconds: u32, (sign, zeros, count): (char, bool, usize)) {
    let all = format!("{nanoseconds:09}");
    let mut digits = &all[..count.min(9)];
    if !zeros {
        digits = digits.trim_end_matches('0');
    }
    if !digits.is_empty() {
        out.push(sign);
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', if zeros { count.saturating_sub(9) } else { 0 }));
    }
}

fn part(out: &mut String, civil: &Civil, offset: i32, zone: &str, part: &str) {
    let month = MONTHS[usize::try_from(civil.month).unwrap_or(1).clamp(1, 12) - 1];
    let day = DAYS[calendar::weekday(civil)];
    let hour = (civil.hour + 11) % 12 + 1;
    let half = if civil.hour >= 12 { "PM" } else { "AM" };
    // Writing to a text cannot fail.
    let _ = match part {
        "2006" if civil.year < 0 => write!(out, "-{:04}", -civil.year),
        "2006" => write!(out, "{:04}", civil.year),
        "06" => write!(out, "{:02}", civil.year.rem_euclid(100)),
        "January" => write!(out, "{month}"),
        "Jan" => write!(out, "{}", &month[..3]),
        "1" => write!(out, "{}", civil.month),
        "01" => write!(out, "{:02}", civil.month),
        "Monday" => write!(out, "{day}"),
        "Mon" => write!(out, "{}", &day[..3]),
        "2" => write!(out, "{}", civil.day),
        "_2" => write!(out, "{:2}", civil.day),
        "02" => write!(out, "{:02}", civil.day),
        "__2" => write!(out, "{:3}", calendar::day_of_year(civil)),
        "002" => write!(out, "{:03}", calendar::day_of_year(civil)),
        "15" => write!(out, "{:02}", civil.hour),
        "3" => write!(out, "{hour}"),
        "03" => write!(out, "{hour:02}"),
        "4" => write!(out, "{}", civil.minute),
        "04" => write!(out, "{:02}", civil.minute),
        "5" => write!(out, "{}", civil.second),
        "05" => write!(out, "{:02}", civil.second),
        "PM" => write!(out, "{half}"),
        "pm" => write!(out, "{}", half.to_lowercase()),
        "MST" if zone.is_empty() => write!(out, "{}", short_offset(offset)),
        "MST" => write!(out, "{zone}"),
        numeric if numeric.starts_with('Z') && offset == 0 => write!(out, "Z"),
        numeric => write!(out, "{}", numeric_offset(offset, &numeric[1..])),
    };
}

/// An offset in hours, and in minutes where it has some, as the name of a zone without one.
fn short_offset(offset: i32) -> String {
    let whole = numeric_offset(offset, "0700");
    if offset % 3600 == 0 { whole[..3].to_owned() } else { whole }
}

fn numeric_offset(offset: i32, form: &str) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let size = offset.unsigned_abs();
    let colon = if form.contains(':') { ":" } else { "" };
    let mut out = format!("{sign}{:02}", size / 3600);
    let digits = form.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 4 {
        let _ = write!(out, "{colon}{:02}", size / 60 % 60);
    }
    if digits >= 6 {
        let _ = write!(out, "{colon}{:02}", size % 60);
    }
    out
}
