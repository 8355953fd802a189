//! What a scalar is by its words: YAML 1.1's booleans and nulls, Go's numbers, times of day.

use super::number::parse_magnitude;
use super::timestamp;

/// What a scalar was found to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number that only fits without a sign.
    Large(u64),
    Float(f64),
    /// A time of day: read as text, but quoted when a text that looks like it is written.
    Time,
    Text,
}

/// What a plain scalar is.
pub(super) fn resolve(text: &str) -> Scalar {
    let Some(first) = text.bytes().next() else { return Scalar::Null };
    match first {
        b'+' | b'-' | b'0'..=b'9' => special_float(text).unwrap_or_else(|| numeric(text)),
        b'.' => special_float(text).or_else(|| float(text)).unwrap_or(Scalar::Text),
        _ => word(text),
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::Text,
    }
}

fn special_float(text: &str) -> Option<Scalar> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(Scalar::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Some(Scalar::Float(f64::NEG_INFINITY)),
        _ => None,
    }
}

fn numeric(text: &str) -> Scalar {
    if timestamp::is_timestamp(text) {
        return Scalar::Time;
    }
    let plain: std::borrow::Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if let Some(int) = super::number::parse_int(&plain) {
        return Scalar::Int(int);
    }
    if let Some(large) = parse_magnitude(&plain) {
        return Scalar::Large(large);
    }
    if looks_like_float(&plain) { float(&plain).unwrap_or(Scalar::Text) } else { Scalar::Text }
}

/// Go refuses floats that are too large, where Rust says they are infinite.
fn float(text: &str) -> Option<Scalar> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Scalar::Float)
}

/// A sign, digits with at most one point among or before them, and an exponent.
fn looks_like_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    mantissa_fits && exponent_fits
}

/// Numbers to the base 60, which nobody reads any more, but which are quoted for the readers that do.
pub(super) fn is_base_sixty(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) || !unsigned.contains(':') {
        return false;
    }
    let (places, fraction) = match unsigned.split_once('.') {
        Some((places, fraction)) => (places, Some(fraction)),
        None => (unsigned, None),
    };
    let loose = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut parts = places.split(':');
    parts.next().is_some_and(loose)
        && places.contains(':')
        && parts.all(|part| match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        })
        && fraction.is_none_or(loose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_yaml_1_1() {
        assert_eq!(resolve("y"), Scalar::Bool(true));
        assert_eq!(resolve("Off"), Scalar::Bool(false));
        assert_eq!(resolve("oFF"), Scalar::Text);
        assert_eq!(resolve(""), Scalar::Null);
    }

    #[test]
    fn numbers() {
        assert_eq!(resolve("0777"), Scalar::Int(511));
        assert_eq!(resolve("-0b11"), Scalar::Int(-3));
        assert_eq!(resolve("0x_1F"), Scalar::Int(31));
        assert_eq!(resolve("1_000"), Scalar::Int(1000));
        assert_eq!(resolve("08"), Scalar::Float(8.0));
        assert_eq!(resolve("18446744073709551615"), Scalar::Large(u64::MAX));
        assert_eq!(resolve("1e3"), Scalar::Float(1000.0));
        assert_eq!(resolve("1e999"), Scalar::Text);
        assert_eq!(resolve("+-1"), Scalar::Text);
        assert_eq!(resolve("12:30"), Scalar::Text);
        assert!(is_base_sixty("12:30:45.5"));
        assert!(!is_base_sixty("12:60"));
    }

    #[test]
    fn times() {
        assert_eq!(resolve("2001-1-2"), Scalar::Time);
        assert_eq!(resolve("2001-02-30"), Scalar::Text);
        assert_eq!(resolve("2001-12-14T21:59:43.1-05:00"), Scalar::Time);
    }
}
