//! Numbers out of anything, as the functions for sums take them: what is no number is 0.

use crate::render::value::ChartValue;

/// A whole number of anything.
pub fn int64(value: &ChartValue) -> i64 {
    match value {
        ChartValue::Int(number) | ChartValue::Int64(number) => *number,
        ChartValue::Float(number) => truncated(*number),
        ChartValue::Bool(truth) => i64::from(*truth),
        ChartValue::Text(text) => parse_int(without_zero_fraction(text)).unwrap_or(0),
        _ => 0,
    }
}

/// A number with a fraction of anything.
#[allow(clippy::cast_precision_loss)]
pub fn float64(value: &ChartValue) -> f64 {
    match value {
        ChartValue::Int(number) | ChartValue::Int64(number) => *number as f64,
        ChartValue::Float(number) => *number,
        ChartValue::Bool(truth) => f64::from(u8::from(*truth)),
        ChartValue::Text(text) => parse_float(text).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// What the processor makes of a float that has no whole number of 64 bits is the lowest one.
#[allow(clippy::cast_possible_truncation)]
pub fn truncated(number: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) { number as i64 } else { i64::MIN }
}

/// A whole number in Go's notation with its base in front, and with `_` between digits where there is a base.
pub fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, rest) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(two) if two.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let separated = rest.strip_prefix('_').filter(|_| radix != 10).unwrap_or(rest);
    if separated.starts_with(['+', '-', '_']) || separated.ends_with('_') || separated.contains("__") {
        return None;
    }
    let magnitude = u64::from_str_radix(&separated.replace('_', ""), radix).ok()?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// A decimal number as Go's `strconv.ParseFloat` reads it, without its hexadecimal notation.
pub fn parse_float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(body.to_ascii_lowercase().as_str(), "inf" | "infinity" | "nan") {
        return text.to_ascii_lowercase().parse().ok();
    }
    if body.starts_with("0x") || body.starts_with("0X") {
        let size = hexadecimal(&body[2..])?;
        return Some(if text.starts_with('-') { -size } else { size });
    }
    let plain = text.replace('_', "");
    let between = |at: usize| {
        let digit = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
        digit(at.checked_sub(1)) && digit(at.checked_add(1))
    };
    let digits = plain.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if body.is_empty() || !digits || !text.match_indices('_').all(|(at, _)| between(at)) {
        return None;
    }
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Hexadecimal digits with a power of two, which has to be there.
fn hexadecimal(text: &str) -> Option<f64> {
    let (digits, power) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut size = 0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        size = size * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let power: i32 = power.parse().ok()?;
    let shift = power.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    Some(size * 2_f64.powi(shift)).filter(|size| size.is_finite() && !whole.is_empty() | !fraction.is_empty())
}

/// A number without a fraction that is only zeros.
fn without_zero_fraction(text: &str) -> &str {
    let kept = text.trim_end_matches('0');
    if kept.len() < text.len() { kept.strip_suffix('.').unwrap_or(text) } else { text }
}
