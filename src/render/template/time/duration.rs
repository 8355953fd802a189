//! Durations: how Go writes, reads and rounds them.

use std::rc::Rc;

use crate::render::fault::RenderFault;
use crate::render::template::format::quoted;
use crate::render::value::{ChartValue, Methods};

/// A duration in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub i64);

/// A second in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;
/// An hour in nanoseconds.
pub const HOUR: i64 = 3600 * SECOND;

impl Duration {
    /// The duration that a value is.
    pub fn of(value: &ChartValue) -> Option<Self> {
        let ChartValue::Object(object) = value else { return None };
        if object.type_name() != "time.Duration" {
            return None;
        }
        match object.call("Nanoseconds", &[]) {
            Some(Ok(ChartValue::Int64(nanoseconds))) => Some(Self(nanoseconds)),
            _ => None,
        }
    }

    /// The duration as a value.
    pub fn value(self) -> ChartValue {
        ChartValue::Object(Rc::new(self))
    }

    /// Reads a duration such as `1h2m3.5s`.
    pub fn read(text: &str) -> Result<Self, RenderFault> {
        let invalid = || RenderFault::new(format!("time: invalid duration {}", quoted(text)));
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut sum: u64 = 0;
        while !rest.is_empty() {
            let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (digits, after) = rest.split_at(number);
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
                return Err(invalid());
            }
            let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, next) = after.split_at(end);
            if unit.is_empty() {
                return Err(RenderFault::new(format!("time: missing unit in duration {}", quoted(text))));
            }
            let size = unit_size(unit).ok_or_else(|| {
                RenderFault::new(format!("time: unknown unit {} in duration {}", quoted(unit), quoted(text)))
            })?;
            let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
            let part = whole.checked_mul(size).and_then(|part| part.checked_add(fraction_of(fraction, size)));
            sum = part.and_then(|part| sum.checked_add(part)).filter(|sum| *sum <= 1 << 63).ok_or_else(invalid)?;
            rest = next;
        }
        if negative { 0_i64.checked_sub_unsigned(sum) } else { i64::try_from(sum).ok() }.map(Self).ok_or_else(invalid)
    }

    /// The duration as Go writes it.
    pub fn written(self) -> String {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if size == 0 {
            return "0s".to_owned();
        }
        if size < 1_000_000_000 {
            let (unit, name) = match size {
                0..1000 => (1, "ns"),
                1000..1_000_000 => (1000, "µs"),
                _ => (1_000_000, "ms"),
            };
            return format!("{sign}{}{name}", decimal(size, unit));
        }
        let seconds = format!("{}s", decimal(size % 60_000_000_000, 1_000_000_000));
        let minutes = size / 60_000_000_000;
        match (minutes / 60, minutes % 60) {
            (0, 0) => format!("{sign}{seconds}"),
            (0, minutes) => format!("{sign}{minutes}m{seconds}"),
            (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}"),
        }
    }

    /// The nearest multiple, halves away from zero.
    pub fn rounded(self, by: Self) -> Self {
        if by.0 <= 0 {
            return self;
        }
        let rest = self.0 % by.0;
        let half_up = rest.unsigned_abs() >= by.0.unsigned_abs() - rest.unsigned_abs();
        let down = self.0 - rest;
        Self(match (half_up, self.0 < 0) {
            (false, _) => down,
            (true, true) => down.checked_sub(by.0).unwrap_or(i64::MIN),
            (true, false) => down.checked_add(by.0).unwrap_or(i64::MAX),
        })
    }

    /// The multiple towards zero.
    pub fn truncated(self, by: Self) -> Self {
        if by.0 <= 0 { self } else { Self(self.0 - self.0 % by.0) }
    }

    /// The duration in units with a fraction, computed as Go does: whole units and the rest apart.
    #[allow(clippy::cast_precision_loss)]
    pub fn in_units(self, unit: i64) -> f64 {
        (self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64
    }
}

fn unit_size(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn fraction_of(digits: &str, size: u64) -> u64 {
    let kept = &digits[..digits.len().min(18)];
    let scale = 10_f64.powi(i32::try_from(kept.len()).unwrap_or(0));
    kept.parse::<u64>().map_or(0, |number| (number as f64 * (size as f64 / scale)) as u64)
}

/// A number of nanoseconds in a unit, without zeros at its end.
fn decimal(size: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", size % unit);
    match fraction.trim_end_matches('0') {
        "" => (size / unit).to_string(),
        fraction => format!("{}.{fraction}", size / unit),
    }
}

impl Methods for Duration {
    fn call(&self, name: &str, given: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        Some(Ok(match name {
            "Nanoseconds" => ChartValue::Int64(self.0),
            "Microseconds" => ChartValue::Int64(self.0 / 1000),
            "Milliseconds" => ChartValue::Int64(self.0 / 1_000_000),
            "Seconds" => ChartValue::Float(self.in_units(SECOND)),
            "Minutes" => ChartValue::Float(self.in_units(60 * SECOND)),
            "Hours" => ChartValue::Float(self.in_units(HOUR)),
            "String" => ChartValue::text(self.written()),
            "Abs" => Self(self.0.checked_abs().unwrap_or(i64::MAX)).value(),
            "Round" | "Truncate" => match given.first().and_then(Self::of) {
                Some(by) if name == "Round" => self.rounded(by).value(),
                Some(by) => self.truncated(by).value(),
                None => return Some(Err(RenderFault::new("wrong type for value; expected time.Duration"))),
            },
            _ => return None,
        }))
    }

    fn value(&self) -> ChartValue {
        ChartValue::text(self.written())
    }

    fn type_name(&self) -> &'static str {
        "time.Duration"
    }
}
