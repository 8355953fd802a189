//! Amounts, times and commands in compose's words.

use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent};
use crate::value::Value;

const MEBI: f64 = 1_048_576.0;

/// Memory in whole MiB. A part of one counts as one, and is said by the second.
pub fn mebibytes(value: &Yaml) -> Result<(i64, bool), Untakable> {
    let text = value.text().ok_or_else(|| Untakable::sort(value.sort(), "an amount such as \"512m\""))?;
    let bytes = bytes(&text).ok_or_else(|| {
        Untakable::new(format!("`{text}` is no amount of memory"), "write a number and a unit, such as \"512m\"")
    })?;
    // Less than nothing means no limit, and stays less than nothing.
    let whole = if bytes < 0.0 { (bytes / MEBI).floor() } else { (bytes / MEBI).ceil() };
    #[allow(clippy::cast_possible_truncation, reason = "it is checked to be small")]
    match whole.is_finite() && whole.abs() < 1e12 {
        true => Ok((whole as i64, (whole * MEBI - bytes).abs() > 0.5)),
        false => Err(Untakable::new(format!("`{text}` is more than there is"), "write less")),
    }
}

fn bytes(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 6] =
        [("b", 1.0), ("k", 1024.0), ("m", MEBI), ("g", MEBI * 1024.0), ("t", MEBI * MEBI), ("p", MEBI * MEBI * 1024.0)];
    let text = text.trim().to_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let unit = text[end..].trim();
    let short =
        unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b').filter(|rest| !rest.is_empty())).unwrap_or(unit);
    let size = if unit.is_empty() { 1.0 } else { UNITS.iter().find(|(word, _)| *word == short)?.1 };
    Some(number * size)
}

/// A time in whole seconds. A part of one counts as one, and is said by the second.
pub fn seconds(value: &Yaml) -> Result<(u64, bool), Untakable> {
    let wrong = || Untakable::new("it is no time", "write a number and a unit, such as \"30s\" or \"1m30s\"");
    let text = value.text().ok_or_else(wrong)?;
    let mut total = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() && rest != "0" {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let letters = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = match &rest[digits..digits + letters] {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return Err(wrong()),
        };
        total += number * unit;
        rest = &rest[digits + letters..];
    }
    let whole = f64::ceil(total);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked to be small")]
    match whole < 1e10 {
        true => Ok((whole as u64, whole - total > 1e-6)),
        false => Err(wrong()),
    }
}

/// A command: a list of words, or a text that is cut into them as a shell does, without anything else that a shell does.
pub fn command(value: &Yaml) -> Result<Value, Untakable> {
    let words = match &value.content {
        YamlContent::List(items) => {
            let words: Option<Vec<String>> = items.iter().map(Yaml::text).collect();
            words.ok_or_else(|| Untakable::new("not all of its words are texts", "write each word as a text"))?
        }
        _ => {
            let text = value.text().ok_or_else(|| Untakable::sort(value.sort(), "a text or a list of words"))?;
            words(&text)
                .ok_or_else(|| Untakable::new("a quote in it is never closed", "write it as a list of words"))?
        }
    };
    if words.is_empty() {
        let why = "it is empty, and an image's own can't be taken away";
        return Err(Untakable::new(why, "write the command that the image would run"));
    }
    if words.iter().any(String::is_empty) {
        return Err(Untakable::new("one of its words is empty", "leave that word out, or let a shell say it"));
    }
    Ok(Value::List(words.iter().map(|word| Value::from(word.as_str())).collect()))
}

fn words(text: &str) -> Option<Vec<String>> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => all.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\' | '$' | '`') => word.push(c),
                            other => word.extend(['\\', other]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::{bytes, seconds, words};
    use crate::compose::yaml::{Yaml, YamlContent};

    #[test]
    fn amounts_are_what_compose_takes_them_for() {
        for (text, expected) in [
            ("512m", 536_870_912.0),
            ("1.5g", 1_610_612_736.0),
            ("64MB", 67_108_864.0),
            ("1kib", 1024.0),
            ("100", 100.0),
            ("100b", 100.0),
            ("-1", -1.0),
        ] {
            assert_eq!(bytes(text), Some(expected), "{text}");
        }
        for text in ["", "m", "1x", "1mm", "1.2.3m"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_whole_seconds() {
        let read = |text: &str| seconds(&Yaml { content: YamlContent::Text(text.into()), ..Yaml::default() }).ok();
        for (text, expected) in [
            ("30s", Some((30, false))),
            ("1m30s", Some((90, false))),
            ("1.5h", Some((5_400, false))),
            ("500ms", Some((1, true))),
            ("0", Some((0, false))),
            ("2d", Some((172_800, false))),
            ("30", None),
            ("s", None),
            ("", None),
            ("99999999999h", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_is_cut_into_words() {
        for (text, expected) in [
            ("sleep 1d", vec!["sleep", "1d"]),
            ("sh -c 'a b' \"c \\\" d\" e\\ f g'h'i", vec!["sh", "-c", "a b", "c \" d", "e f", "ghi"]),
            ("  a\n b ", vec!["a", "b"]),
            ("''", vec![""]),
            ("", vec![]),
        ] {
            assert_eq!(words(text), Some(expected.into_iter().map(str::to_owned).collect()), "{text}");
        }
        assert_eq!(words("sh -c 'open"), None);
    }
}
