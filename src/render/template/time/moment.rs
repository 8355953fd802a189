//! A time in a zone, with the methods that templates call.

use std::rc::Rc;

use super::calendar::{self, Civil};
use super::duration::{self, Duration};
use super::layout;
use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, Methods};

/// A point in time, and the zone that it is shown in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// Nanoseconds since 1970.
    pub nanoseconds: i128,
    /// By how many seconds the zone is ahead of UTC.
    pub offset: i32,
    /// The zone's short name, where it has one.
    pub zone: Rc<str>,
}

impl DateTime {
    /// The zero of Go's times, which stands for none.
    pub fn none() -> Self {
        Self { nanoseconds: -62_135_596_800 * 1_000_000_000, offset: 0, zone: "UTC".into() }
    }

    /// A time in UTC.
    pub fn utc(nanoseconds: i128) -> Self {
        Self { nanoseconds, offset: 0, zone: "UTC".into() }
    }

    /// The time that a value is.
    pub fn of(value: &ChartValue) -> Option<Self> {
        let ChartValue::Object(object) = value else { return None };
        if !matches!(object.type_name(), "time.Time" | "*time.Time") {
            return None;
        }
        match object.call("parts", &[]) {
            Some(Ok(ChartValue::List(parts))) => match parts.as_slice() {
                [
                    ChartValue::Int64(seconds),
                    ChartValue::Int64(rest),
                    ChartValue::Int64(offset),
                    ChartValue::Text(zone),
                ] => Some(Self {
                    nanoseconds: i128::from(*seconds) * 1_000_000_000 + i128::from(*rest),
                    offset: i32::try_from(*offset).unwrap_or(0),
                    zone: Rc::clone(zone),
                }),
                _ => None,
            },
            _ => None,
        }
    }

    /// The time as a value.
    pub fn value(self) -> ChartValue {
        ChartValue::Object(Rc::new(self))
    }

    /// What clocks and calendars show.
    pub fn civil(&self) -> Civil {
        calendar::civil(self.nanoseconds, self.offset)
    }

    /// The time by a layout.
    pub fn format(&self, layout: &str) -> String {
        layout::format(&self.civil(), self.offset, &self.zone, layout)
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.nanoseconds.div_euclid(1_000_000_000)).unwrap_or(0)
    }

    fn number(&self, name: &str) -> Option<ChartValue> {
        let civil = self.civil();
        Some(match name {
            "Unix" => ChartValue::Int64(self.seconds()),
            "UnixMilli" => ChartValue::Int64(i64::try_from(self.nanoseconds.div_euclid(1_000_000)).unwrap_or(0)),
            "UnixMicro" => ChartValue::Int64(i64::try_from(self.nanoseconds.div_euclid(1000)).unwrap_or(0)),
            "UnixNano" => ChartValue::Int64(i64::try_from(self.nanoseconds).unwrap_or(0)),
            "Year" => ChartValue::Int(civil.year),
            "Day" => ChartValue::Int(i64::from(civil.day)),
            "Hour" => ChartValue::Int(i64::from(civil.hour)),
            "Minute" => ChartValue::Int(i64::from(civil.minute)),
            "Second" => ChartValue::Int(i64::from(civil.second)),
            "Nanosecond" => ChartValue::Int(i64::from(civil.nanosecond)),
            "YearDay" => ChartValue::Int(calendar::day_of_year(&civil)),
            // These print as their names; as numbers they are rare.
            "Month" => ChartValue::text(self.format("January")),
            "Weekday" => ChartValue::text(self.format("Monday")),
            _ => return None,
        })
    }

    fn compared(&self, name: &str, given: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        let other = given.first().and_then(Self::of).map(|other| other.nanoseconds);
        let own = self.nanoseconds;
        let wrong = || RenderFault::new("wrong type for value; expected time.Time");
        Some(match name {
            "After" => other.map(|it| ChartValue::Bool(own > it)).ok_or_else(wrong),
            "Before" => other.map(|it| ChartValue::Bool(own < it)).ok_or_else(wrong),
            "Equal" => other.map(|it| ChartValue::Bool(own == it)).ok_or_else(wrong),
            "Sub" => other
                .map(|it| {
                    Duration(i64::try_from(own - it).unwrap_or(if own > it { i64::MAX } else { i64::MIN })).value()
                })
                .ok_or_else(wrong),
            "Add" => match given.first().and_then(Duration::of) {
                Some(Duration(by)) => Ok(Self { nanoseconds: own + i128::from(by), ..self.clone() }.value()),
                None => Err(RenderFault::new("wrong type for value; expected time.Duration")),
            },
            "AddDate" => match given {
                [ChartValue::Int(years), ChartValue::Int(months), ChartValue::Int(days)] => {
                    Ok(self.moved(*years, *months, *days).value())
                }
                _ => Err(RenderFault::new("wrong number of args for AddDate: want 3")),
            },
            "Truncate" | "Round" => match given.first().and_then(Duration::of) {
                Some(Duration(by)) => Ok(self.rounded(by, name == "Round").value()),
                None => Err(RenderFault::new("wrong type for value; expected time.Duration")),
            },
            _ => return None,
        })
    }

    fn moved(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let months = i64::from(civil.month) - 1 + months.clamp(-1_000_000, 1_000_000);
        let year = civil.year + years.clamp(-100_000, 100_000) + months.div_euclid(12);
        let month = u32::try_from(months.rem_euclid(12)).unwrap_or(0) + 1;
        let first = calendar::nanoseconds(&Civil { year, month, day: 1, ..civil }, self.offset);
        let days = i64::from(civil.day) - 1 + days.clamp(-10_000_000, 10_000_000);
        Self { nanoseconds: first + i128::from(days) * 86_400_000_000_000, ..self.clone() }
    }

    fn rounded(&self, by: i64, up: bool) -> Self {
        if by <= 0 {
            return self.clone();
        }
        // Go counts from the first year.
        let since = self.nanoseconds - Self::none().nanoseconds;
        let rest = since.rem_euclid(i128::from(by));
        let add = if up && rest * 2 >= i128::from(by) { i128::from(by) - rest } else { -rest };
        Self { nanoseconds: self.nanoseconds + add, ..self.clone() }
    }
}

impl Methods for DateTime {
    fn call(&self, name: &str, given: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        if let Some(number) = self.number(name) {
            return Some(Ok(number));
        }
        Some(Ok(match name {
            "Format" => match given.first() {
                Some(ChartValue::Text(layout)) => ChartValue::text(self.format(layout)),
                _ => return Some(Err(RenderFault::new("wrong type for value; expected string"))),
            },
            "String" => self.value(),
            "Json" => ChartValue::text(self.format("2006-01-02T15:04:05.999999999Z07:00")),
            "UTC" => Self::utc(self.nanoseconds).value(),
            "Local" => Self { zone: "UTC".into(), offset: 0, ..self.clone() }.value(),
            "IsZero" => ChartValue::Bool(self.nanoseconds == Self::none().nanoseconds),
            "parts" => ChartValue::list(vec![
                ChartValue::Int64(self.seconds()),
                ChartValue::Int64(i64::from(self.civil().nanosecond)),
                ChartValue::Int64(i64::from(self.offset)),
                ChartValue::Text(Rc::clone(&self.zone)),
            ]),
            _ => return self.compared(name, given),
        }))
    }

    fn value(&self) -> ChartValue {
        ChartValue::text(self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn type_name(&self) -> &'static str {
        "time.Time"
    }
}

/// A time that is so long after another one.
pub fn after(moment: &DateTime, by: duration::Duration) -> DateTime {
    DateTime { nanoseconds: moment.nanoseconds + i128::from(by.0), ..moment.clone() }
}
