//! Reads times by Go's layouts.

use super::calendar::{self, Civil, DAYS, MONTHS};
use super::layout::{LayoutPiece, pieces};
use super::moment::DateTime;
use crate::render::fault::RenderFault;
use crate::render::template::format::quoted;

/// What was read so far.
struct DateReading<'t> {
    rest: &'t str,
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    of_year: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    afternoon: Option<bool>,
    offset: Option<i32>,
    zone: String,
}

/// The time that a text says, in a layout. Clocks without a zone show UTC.
pub fn read(layout: &str, text: &str) -> Result<DateTime, RenderFault> {
    let mut read = DateReading {
        rest: text,
        year: 0,
        month: None,
        day: None,
        of_year: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
        afternoon: None,
        offset: None,
        zone: String::new(),
    };
    let fault = |what: &str| RenderFault::new(format!("parsing time {} as {}: {what}", quoted(text), quoted(layout)));
    let all = pieces(layout);
    for (at, piece) in all.iter().enumerate() {
        let fraction_follows = matches!(all.get(at + 1), Some(LayoutPiece::Fraction(..)));
        let left = read.rest;
        read.piece(piece, fraction_follows).ok_or_else(|| fault(&format!("cannot parse {}", quoted(left))))?;
    }
    if !read.rest.is_empty() {
        return Err(fault(&format!("extra text: {}", quoted(read.rest))));
    }
    read.moment().ok_or_else(|| fault("out of range"))
}

impl<'t> DateReading<'t> {
    fn piece(&mut self, piece: &LayoutPiece<'_>, fraction_follows: bool) -> Option<()> {
        match piece {
            LayoutPiece::Text(text) => self.literal(text),
            LayoutPiece::Fraction(_, zeros, count) => self.fraction(*zeros, *count),
            LayoutPiece::Part(part) => {
                self.part(part)?;
                // A fraction is read after seconds even where the layout has none.
                let seconds = matches!(*part, "5" | "05") && !fraction_follows;
                let has = self.rest.starts_with(['.', ',']) && self.rest[1..].starts_with(|c: char| c.is_ascii_digit());
                if seconds && has { self.fraction(false, 9) } else { Some(()) }
            }
        }
    }

    /// A space in the layout stands for any number of spaces.
    fn literal(&mut self, text: &str) -> Option<()> {
        let mut wanted = text;
        while let Some(c) = wanted.chars().next() {
            if c == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return None;
                }
                wanted = wanted.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
                continue;
            }
            self.rest = self.rest.strip_prefix(c)?;
            wanted = &wanted[c.len_utf8()..];
        }
        Some(())
    }

    fn fraction(&mut self, zeros: bool, count: usize) -> Option<()> {
        if !self.rest.starts_with(['.', ',']) {
            return if zeros { None } else { Some(()) };
        }
        let digits = self.rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        let taken = if zeros { count } else { digits };
        if digits < taken || digits == 0 {
            return if zeros { None } else { Some(()) };
        }
        let mut kept: String = self.rest[1..=taken].chars().take(9).collect();
        kept.extend(std::iter::repeat_n('0', 9 - kept.len()));
        self.nanosecond = kept.parse().ok()?;
        self.rest = &self.rest[1 + taken..];
        Some(())
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits.parse().ok()
    }

    fn name(&mut self, names: &[&str], short: bool) -> Option<u32> {
        for (at, name) in names.iter().enumerate() {
            let name = if short { &name[..3] } else { name };
            if self.rest.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name)) {
                self.rest = &self.rest[name.len()..];
                return u32::try_from(at).ok();
            }
        }
        None
    }

    fn part(&mut self, part: &str) -> Option<()> {
        match part {
            "2006" => self.year = i64::from(self.digits(4, 4)?),
            "06" => {
                let year = i64::from(self.digits(2, 2)?);
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
            }
            "January" | "Jan" => self.month = Some(self.name(&MONTHS, part == "Jan")? + 1),
            "1" => self.month = Some(self.digits(1, 2)?),
            "01" => self.month = Some(self.digits(2, 2)?),
            "Monday" | "Mon" => drop(self.name(&DAYS, part == "Mon")?),
            "2" | "_2" => {
                if part == "_2" {
                    self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                }
                self.day = Some(self.digits(1, 2)?);
            }
            "02" => self.day = Some(self.digits(2, 2)?),
            "__2" | "002" => {
                self.rest = self.rest.trim_start_matches(if part == "__2" { ' ' } else { '\0' });
                self.of_year = Some(self.digits(if part == "002" { 3 } else { 1 }, 3)?);
            }
            "15" => self.hour = self.digits(1, 2)?,
            "3" => self.hour = self.digits(1, 2).filter(|hour| *hour <= 12)?,
            "03" => self.hour = self.digits(2, 2).filter(|hour| *hour <= 12)?,
            "4" => self.minute = self.digits(1, 2)?,
            "04" => self.minute = self.digits(2, 2)?,
            "5" => self.second = self.digits(1, 2)?,
            "05" => self.second = self.digits(2, 2)?,
            "PM" | "pm" => self.half(part)?,
            "MST" => self.zone_name()?,
            numeric => self.zone_offset(numeric)?,
        }
        Some(())
    }

    fn half(&mut self, part: &str) -> Option<()> {
        let names = if part == "PM" { ["AM", "PM"] } else { ["am", "pm"] };
        let (text, rest) = self.rest.split_at_checked(2)?;
        self.afternoon = Some(names.iter().position(|name| *name == text)? == 1);
        self.rest = rest;
        Some(())
    }

    fn zone_name(&mut self) -> Option<()> {
        let count = self.rest.bytes().take_while(u8::is_ascii_uppercase).count();
        if count < 3 {
            return None;
        }
        let (name, rest) = self.rest.split_at(count.min(5));
        name.clone_into(&mut self.zone);
        self.rest = rest;
        Some(())
    }

    fn zone_offset(&mut self, form: &str) -> Option<()> {
        if form.starts_with('Z')
            && let Some(rest) = self.rest.strip_prefix('Z')
        {
            self.rest = rest;
            self.offset = Some(0);
            "UTC".clone_into(&mut self.zone);
            return Some(());
        }
        let sign = match self.rest.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let mut offset = i32::try_from(self.digits(2, 2)?).ok()? * 3600;
        for unit in [60, 1].iter().take((form.bytes().filter(u8::is_ascii_digit).count() / 2).saturating_sub(1)) {
            if form.contains(':') {
                self.rest = self.rest.strip_prefix(':')?;
            }
            offset += i32::try_from(self.digits(2, 2)?).ok()? * unit;
        }
        self.offset = Some(sign * offset);
        Some(())
    }

    fn moment(self) -> Option<DateTime> {
        let mut hour = self.hour;
        match self.afternoon {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            _ => {}
        }
        let (mut month, mut day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if let Some(of_year) = self.of_year.filter(|it| (1..=366).contains(it)) {
            let (_, its_month, its_day) = calendar::date(calendar::days(self.year, 1, 1) + i64::from(of_year) - 1);
            (month, day) = (its_month, its_day);
        }
        let fits = (1..=12).contains(&month) && day >= 1 && day <= calendar::days_in(self.year, month);
        if !fits || hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let (minute, second, nanosecond) = (self.minute, self.second, self.nanosecond);
        let civil = Civil { year: self.year, month, day, hour, minute, second, nanosecond };
        let offset = self.offset.unwrap_or(0);
        let zone = if self.zone.is_empty() && offset == 0 { "UTC".to_owned() } else { self.zone };
        Some(DateTime { nanoseconds: calendar::nanoseconds(&civil, offset), offset, zone: zone.into() })
    }
}
