//! Durations as people write them: `"30s"`, `"5m"`, `"1h30m"`, `"14d"`.

use super::fault::Fault;
use crate::value::Text;

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// Reads a duration, in seconds.
///
/// # Errors
/// Points at the first characters that make no sense.
pub fn parse(text: &str) -> Result<u64, Fault> {
    let hint = "write a number and a unit, s, m, h or d: \"30s\", \"1h30m\", \"14d\"";
    let fail = |at, reason: String| Err(Fault::new(reason).at(at).hint(hint));
    if text.is_empty() {
        return fail(0..0, "a duration can't be empty".into());
    }
    let mut seconds: u64 = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits == 0 {
            let wrong = rest.chars().next().map_or(1, char::len_utf8);
            return fail(at..at + wrong, format!("a number was expected at `{rest}`"));
        }
        let letters = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let unit = &rest[digits..digits + letters];
        let Some((_, size)) = UNITS.iter().find(|(word, _)| *word == unit) else {
            return if unit.is_empty() {
                fail(at..text.len(), format!("`{rest}` has no unit"))
            } else {
                fail(at + digits..at + digits + letters, format!("`{unit}` is no unit of time"))
            };
        };
        let sum = rest[..digits].parse::<u64>().ok().and_then(|n| n.checked_mul(*size)?.checked_add(seconds));
        let Some(sum) = sum else { return fail(at..at + digits, "that is longer than anyone can wait".into()) };
        seconds = sum;
        at += digits + letters;
    }
    Ok(seconds)
}

/// Writes a number of seconds in its normal form, the largest units first: `90` is `1m30s`.
#[must_use]
pub fn format(seconds: u64) -> Text {
    use std::fmt::Write as _;
    let mut rest = seconds;
    let mut text = Text::default();
    for (unit, size) in UNITS {
        if rest >= size {
            // To write to a text in memory can't fail.
            let _ = write!(text, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{format, parse};

    #[test]
    fn a_duration_survives_its_normal_form() {
        for (text, seconds, normal) in [
            ("30s", 30, "30s"),
            ("90s", 90, "1m30s"),
            ("24h", 86_400, "1d"),
            ("1h30m", 5_400, "1h30m"),
            ("0s", 0, "0s"),
        ] {
            assert_eq!(parse(text), Ok(seconds));
            assert_eq!(format(seconds), normal);
        }
    }

    #[test]
    fn the_wrong_characters_are_pointed_at() {
        for (text, at) in [("30sec", 2..5), ("30", 0..2), ("s", 0..1), ("1h5x", 3..4), ("99999999999999999999d", 0..20)]
        {
            assert_eq!(parse(text).expect_err(text).at, Some(at), "{text}");
        }
    }
}
