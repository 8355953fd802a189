//! Numbers as Go reads them from texts and writes them into texts.

/// What becomes of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Every number is a `ChartValue::Float`, as Helm hands values to templates.
    Floats,
    /// Whole numbers of 64 bits are `ChartValue::Int`, as the cluster reads objects.
    Whole,
}

/// A whole number or none, in Go's notation: a sign, then digits of base 10, or `0x`, `0o`, `0b` or `0` and digits of that base.
#[must_use]
pub fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = signed(text);
    let magnitude = parse_magnitude(digits)?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// A whole number without a sign, in the same notation.
pub(super) fn parse_magnitude(digits: &str) -> Option<u64> {
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, rest) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if rest.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(rest, radix).ok()
}

fn signed(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// A float as Go's `%g` with the shortest digits: with an exponent where that is below -4 or above 5.
#[must_use]
pub fn format_general(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    general(&format!("{number:e}"), || format!("{number}"))
}

/// The same for a float of 32 bits.
#[must_use]
pub fn format_general_single(number: f32) -> String {
    if number.is_finite() {
        general(&format!("{number:e}"), || format!("{number}"))
    } else {
        format_general(f64::from(number))
    }
}

fn general(scientific: &str, plain: impl FnOnce() -> String) -> String {
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific.to_owned() };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return plain();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// A float as Go's encoder of JSON writes it. None for what JSON has no number for.
#[must_use]
pub fn format_json(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return Some(match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            _ => text,
        });
    }
    Some(format!("{number}"))
}
