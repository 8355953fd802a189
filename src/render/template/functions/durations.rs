//! Helm's functions for durations.

use super::casts::parse_float;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::format::{plain, quoted};
use crate::render::template::kinds;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction};
use crate::render::template::time::duration::{Duration, HOUR, SECOND};
use crate::render::value::ChartValue;

use ArgumentType::Any;

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("mustToDuration", &[Any], |call| Ok(duration(call.args.any(0))?.value())),
    TemplateFunction::new("durationNanoseconds", &[Any], |call| whole(call, 1)),
    TemplateFunction::new("durationMicroseconds", &[Any], |call| whole(call, 1000)),
    TemplateFunction::new("durationMilliseconds", &[Any], |call| whole(call, 1_000_000)),
    TemplateFunction::new("durationSeconds", &[Any], |call| parts(call, SECOND, 1.0)),
    TemplateFunction::new("durationMinutes", &[Any], |call| parts(call, 60 * SECOND, 1.0)),
    TemplateFunction::new("durationHours", &[Any], |call| parts(call, HOUR, 1.0)),
    TemplateFunction::new("durationDays", &[Any], |call| parts(call, HOUR, 24.0)),
    TemplateFunction::new("durationWeeks", &[Any], |call| match duration(call.args.any(0)) {
        Ok(duration) => Ok(ChartValue::Float(duration.in_units(HOUR) / 24.0 / 7.0)),
        Err(_) => Ok(ChartValue::Float(0.0)),
    }),
    TemplateFunction::new("durationRoundTo", &[Any, Any], |call| multiple(call, Duration::rounded)),
    TemplateFunction::new("durationTruncateTo", &[Any, Any], |call| multiple(call, Duration::truncated)),
];

/// A duration out of a text or of a number of seconds.
fn duration(value: &ChartValue) -> Result<Duration, RenderFault> {
    if let Some(duration) = Duration::of(value) {
        return Ok(duration);
    }
    match value {
        ChartValue::Text(text) => {
            let trimmed = text.trim();
            if trimmed.is_empty() {
                return Err(RenderFault::new("empty duration"));
            }
            Duration::read(trimmed).or_else(|_| match parse_float(trimmed) {
                Some(seconds) => of_seconds(seconds),
                None => Err(RenderFault::new(format!("could not parse duration {}", quoted(text)))),
            })
        }
        ChartValue::Nil => Err(RenderFault::new("invalid duration")),
        ChartValue::Int(seconds) | ChartValue::Int64(seconds) => seconds
            .checked_mul(SECOND)
            .map(Duration)
            .ok_or_else(|| RenderFault::new(format!("duration seconds overflow: {seconds}"))),
        ChartValue::Float(seconds) => of_seconds(*seconds),
        other => Err(RenderFault::new(format!("unsupported duration type {}", kinds::type_name(other)))),
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn of_seconds(seconds: f64) -> Result<Duration, RenderFault> {
    let shown = || plain(&ChartValue::Float(seconds));
    if !seconds.is_finite() {
        return Err(RenderFault::new(format!("invalid duration seconds: {}", shown())));
    }
    let nanoseconds = seconds * SECOND as f64;
    if nanoseconds.abs() >= i64::MAX as f64 {
        return Err(RenderFault::new(format!("duration seconds overflow: {}", shown())));
    }
    Ok(Duration(nanoseconds as i64))
}

fn whole(call: &FunctionCall<'_, '_>, unit: i64) -> FunctionResult {
    Ok(ChartValue::Int64(duration(call.args.any(0)).map_or(0, |duration| duration.0 / unit)))
}

fn parts(call: &FunctionCall<'_, '_>, unit: i64, by: f64) -> FunctionResult {
    Ok(ChartValue::Float(duration(call.args.any(0)).map_or(0.0, |duration| duration.in_units(unit) / by)))
}

fn multiple(call: &FunctionCall<'_, '_>, step: fn(Duration, Duration) -> Duration) -> FunctionResult {
    let Ok(value) = duration(call.args.any(0)) else { return Ok(Duration(0).value()) };
    Ok(duration(call.args.any(1)).map_or(value, |by| step(value, by)).value())
}
