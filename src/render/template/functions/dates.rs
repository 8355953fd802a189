//! Sprig's functions for dates. The local zone is UTC, since a rendering must not depend on where it runs.

use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, text};
use crate::render::template::time::duration::{Duration, SECOND};
use crate::render::template::time::moment::{self, DateTime};
use crate::render::template::time::reading;
use crate::render::value::ChartValue;

use ArgumentType::{Any, Text, Time};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("now", &[], |call| Ok(DateTime::utc(call.run.settings.now).value())),
    TemplateFunction::new("date", &[Text, Any], |call| date(call, &call.args.text(0), 1, "Local")),
    TemplateFunction::new("dateInZone", &[Text, Any, Text], |call| {
        date(call, &call.args.text(0), 1, &call.args.text(2))
    }),
    TemplateFunction::new("date_in_zone", &[Text, Any, Text], |call| {
        date(call, &call.args.text(0), 1, &call.args.text(2))
    }),
    TemplateFunction::new("htmlDate", &[Any], |call| date(call, "2006-01-02", 0, "Local")),
    TemplateFunction::new("htmlDateInZone", &[Any, Text], |call| date(call, "2006-01-02", 0, &call.args.text(1))),
    TemplateFunction::new("dateModify", &[Text, Time], |call| modified(call).or_else(|_| Ok(call.args.any(1).clone()))),
    TemplateFunction::new("date_modify", &[Text, Time], |call| {
        modified(call).or_else(|_| Ok(call.args.any(1).clone()))
    }),
    TemplateFunction::new("mustDateModify", &[Text, Time], modified),
    TemplateFunction::new("must_date_modify", &[Text, Time], modified),
    TemplateFunction::new("toDate", &[Text, Text], |call| {
        let read = reading::read(&call.args.text(0), &call.args.text(1));
        Ok(read.unwrap_or_else(|_| DateTime::none()).value())
    }),
    TemplateFunction::new("mustToDate", &[Text, Text], |call| {
        Ok(reading::read(&call.args.text(0), &call.args.text(1))?.value())
    }),
    TemplateFunction::new("unixEpoch", &[Time], |call| {
        text(DateTime::of(call.args.any(0)).map_or(0, |it| it.nanoseconds.div_euclid(1_000_000_000)).to_string())
    }),
    TemplateFunction::new("ago", &[Any], |call| {
        let since = call.run.settings.now - time_of(call, call.args.any(0)).nanoseconds;
        text(Duration(i64::try_from(since).unwrap_or(i64::MAX)).rounded(Duration(SECOND)).written())
    }),
    TemplateFunction::new("duration", &[Any], |call| {
        text(Duration(seconds(call.args.any(0)).wrapping_mul(SECOND)).written())
    }),
    TemplateFunction::new("durationRound", &[Any], rounded),
];

/// A time; a whole number is seconds since 1970, and everything else is now.
fn time_of(call: &FunctionCall<'_, '_>, value: &ChartValue) -> DateTime {
    match value {
        ChartValue::Int(seconds) | ChartValue::Int64(seconds) => DateTime::utc(i128::from(*seconds) * 1_000_000_000),
        other => DateTime::of(other).unwrap_or_else(|| DateTime::utc(call.run.settings.now)),
    }
}

fn date(call: &FunctionCall<'_, '_>, layout: &str, at: usize, zone: &str) -> FunctionResult {
    let time = time_of(call, call.args.any(at));
    text(in_zone(time, zone).format(layout))
}

/// The time in a zone of the world's; in UTC where there is no such zone.
fn in_zone(time: DateTime, zone: &str) -> DateTime {
    let utc = DateTime::utc(time.nanoseconds);
    if matches!(zone, "" | "UTC" | "Local") {
        return utc;
    }
    let (Ok(zone), Ok(at)) =
        (jiff::tz::TimeZoneDatabase::bundled().get(zone), jiff::Timestamp::from_nanosecond(time.nanoseconds))
    else {
        return utc;
    };
    let info = zone.to_offset_info(at);
    DateTime { offset: info.offset().seconds(), zone: info.abbreviation().into(), ..utc }
}

fn modified(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let by = Duration::read(&call.args.text(0))?;
    let time = DateTime::of(call.args.any(1)).unwrap_or_else(DateTime::none);
    Ok(moment::after(&time, by).value())
}

fn seconds(value: &ChartValue) -> i64 {
    match value {
        ChartValue::Text(text) => text.parse().unwrap_or(0),
        ChartValue::Int64(seconds) => *seconds,
        _ => 0,
    }
}

/// The largest unit that a duration has more than one of.
fn rounded(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let duration = match call.args.any(0) {
        ChartValue::Text(text) => Duration::read(text).map_or(0, |duration| duration.0),
        ChartValue::Int64(nanoseconds) => *nanoseconds,
        other => DateTime::of(other)
            .map_or(0, |it| i64::try_from(call.run.settings.now - it.nanoseconds).unwrap_or(i64::MAX)),
    };
    let size = duration.unsigned_abs();
    let second = SECOND.unsigned_abs();
    let units = [(365 * 24 * 3600, "y"), (30 * 24 * 3600, "mo"), (24 * 3600, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let unit = units.iter().find(|(unit, _)| size > unit * second);
    text(unit.map_or("0s".to_owned(), |(unit, name)| format!("{}{name}", size / (unit * second))))
}
