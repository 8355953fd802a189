//! Amounts as `500m` and `1Gi`, in the one form that the server gives back.

use serde_json::{Value, json};

const BINARY: [(&str, u32); 6] = [("Ki", 1), ("Mi", 2), ("Gi", 3), ("Ti", 4), ("Pi", 5), ("Ei", 6)];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// The form of an amount, or `None` if it is none.
pub fn canonical(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || whole.len() + fraction.len() > 30 {
        return None;
    }
    let number: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?;
    let sign = if negative && number != 0 { "-" } else { "" };
    if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        let bytes = number.checked_mul(1024_i128.checked_pow(*power)?)?;
        let scale = 10_i128.checked_pow(u32::try_from(places).ok()?)?;
        // What is below a whole byte goes up to one, unless it can be said as a decimal fraction.
        if bytes % scale == 0 {
            return Some(format!("{sign}{}", binary(bytes / scale)));
        }
        return Some(format!("{sign}{}", decimal(bytes, -places)?));
    }
    let exponent = match DECIMAL.iter().find(|(name, _)| *name == suffix) {
        Some((_, exponent)) => *exponent,
        None => return exponential(sign, number, suffix, places),
    };
    Some(format!("{sign}{}", decimal(number, exponent - places)?))
}

fn exponential(sign: &str, number: i128, suffix: &str, places: i32) -> Option<String> {
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let (mut number, mut exponent) = (number, exponent - places);
    while number != 0 && number % 10 == 0 {
        (number, exponent) = (number / 10, exponent + 1);
    }
    while exponent.rem_euclid(3) != 0 {
        (number, exponent) = (number.checked_mul(10)?, exponent - 1);
    }
    Some(if exponent == 0 || number == 0 { format!("{sign}{number}") } else { format!("{sign}{number}e{exponent}") })
}

fn binary(mut bytes: i128) -> String {
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut suffix = "";
    for (name, _) in BINARY {
        if bytes == 0 || bytes % 1024 != 0 {
            break;
        }
        (bytes, suffix) = (bytes / 1024, name);
    }
    format!("{bytes}{suffix}")
}

fn decimal(mut number: i128, mut exponent: i32) -> Option<String> {
    if number == 0 {
        return Some("0".to_owned());
    }
    while number % 10 == 0 {
        (number, exponent) = (number / 10, exponent + 1);
    }
    // Nothing is smaller than a billionth: it goes up to one.
    while exponent < -9 {
        (number, exponent) = ((number + 9) / 10, exponent + 1);
    }
    while number % 10 == 0 {
        (number, exponent) = (number / 10, exponent + 1);
    }
    while exponent.rem_euclid(3) != 0 || exponent > 18 {
        (number, exponent) = (number.checked_mul(10)?, exponent - 1);
    }
    let (name, _) = DECIMAL.iter().find(|(_, other)| *other == exponent)?;
    Some(format!("{number}{name}"))
}

/// An amount in thousandths, roughly: to tell the greater of two.
pub fn thousandths(text: &str) -> f64 {
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let number: f64 = digits.parse().unwrap_or(0.0);
    let binary = BINARY.iter().find(|(name, _)| *name == suffix).map(|(_, power)| 1024_f64.powi(power.cast_signed()));
    let decimal = DECIMAL.iter().find(|(name, _)| *name == suffix).map(|(_, exponent)| 10_f64.powi(*exponent));
    number * binary.or(decimal).unwrap_or(1.0) * 1000.0
}

/// Brings an amount into its form; a number becomes a text. What is no amount stays: `false`.
pub fn normalise(value: &mut Value) -> bool {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return false,
    };
    let Some(form) = canonical(&text) else { return false };
    *value = json!(form);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_one_form() {
        let cases = [
            ("1000m", "1"),
            ("1000M", "1G"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("100", "100"),
            ("0", "0"),
            ("1500m", "1500m"),
            ("1.5", "1500m"),
            ("2000", "2k"),
            ("1Ki", "1Ki"),
            ("512Ki", "512Ki"),
            ("1e3", "1e3"),
            ("0.1m", "100u"),
            ("128974848", "128974848"),
            ("0.5Gi", "512Mi"),
            ("1000Ki", "1000Ki"),
        ];
        for (text, form) in cases {
            assert_eq!(canonical(text).as_deref(), Some(form), "{text}");
        }
        assert_eq!(canonical("a lot"), None);
    }
}
