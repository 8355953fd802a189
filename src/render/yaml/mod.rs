//! YAML as Helm reads and writes it: the words of YAML 1.1, numbers by way of JSON, and the look that Go's emitter gives.

mod analysis;
mod decode;
mod emit;
mod number;
mod order;
mod resolve;
mod scalar;
mod source;
mod timestamp;
mod tree;

use super::fault::RenderFault;
use super::value::ChartValue;

pub use number::{Numbers, format_general, format_general_single, format_json, parse_int};
pub use order::natural;

/// Reads the first document of a text, with every number as a float: what Helm makes of values files and of `fromYaml`'s text.
///
/// # Errors
/// Where the text is no YAML, has keys that JSON has no words for, or grows beyond reason by its aliases.
pub fn read(text: &str) -> Result<ChartValue, RenderFault> {
    read_as(text, Numbers::Floats)
}

/// Reads the first document of a text.
///
/// # Errors
/// As `read`.
pub fn read_as(text: &str, numbers: Numbers) -> Result<ChartValue, RenderFault> {
    match tree::first(text)? {
        Some(node) => decode::decode(&node, numbers),
        None => Ok(ChartValue::Nil),
    }
}

/// Reads every document of a text.
///
/// # Errors
/// As `read`.
pub fn read_all(text: &str, numbers: Numbers) -> Result<Vec<ChartValue>, RenderFault> {
    tree::all(text)?.iter().map(|node| decode::decode(node, numbers)).collect()
}

/// Keys that stand twice in one map of a text, each with its place: the last one counts, as for Helm and `kubectl`. None where the text is no
/// YAML.
#[must_use]
pub fn doubled(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for node in tree::all(text).unwrap_or_default() {
        tree::doubled(&node, "", &mut found);
    }
    found
}

/// Writes a value as `toYaml` does, with the line break at its end.
///
/// # Errors
/// Where a number is no number of JSON, a text has control characters, or maps hold themselves.
pub fn write(value: &ChartValue) -> Result<String, RenderFault> {
    emit::emit(value, emit::YamlLook::Usual)
}

/// Writes a value as `toYamlPretty` does, with the line break at its end.
///
/// # Errors
/// Where maps hold themselves, or the value is too large.
pub fn write_pretty(value: &ChartValue) -> Result<String, RenderFault> {
    emit::emit(value, emit::YamlLook::Pretty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> String {
        write(&read(text).unwrap()).unwrap()
    }

    #[test]
    fn written_as_go_writes() {
        assert_eq!(again("{b: [1, {c: 'x: y', d: ''}, []], a: {}}"), "a: {}\nb:\n- 1\n- c: 'x: y'\n  d: \"\"\n- []\n");
        assert_eq!(again("- - a\n  - b\n- c"), "- - a\n  - b\n- c\n");
        assert_eq!(
            again("a: \"x\\ny\\n\"\nb: \"x\\ny\"\nc: \"x \\ny\""),
            "a: |\n  x\n  y\nb: |-\n  x\n  y\nc: \"x \\ny\"\n"
        );
        assert_eq!(again("'yes'"), "\"yes\"\n");
        assert_eq!(again("1e6"), "1000000\n");
        assert_eq!(again("1234567.5"), "1.2345675e+06\n");
    }

    #[test]
    fn merges_and_duplicates() {
        assert_eq!(again("a: &a {x: 1, y: 2}\nb: {x: 3, <<: *a, y: 4}\na: 1"), "a: 1\nb:\n  \"true\": 4\n  x: 1\n");
    }

    #[test]
    fn bombs_and_depth_are_faults() {
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (one, next) in ('a'..='i').zip('b'..='j') {
            bomb += &format!("{next}: &{next} [{}]\n", vec![format!("*{one}"); 9].join(", "));
        }
        assert!(read(&bomb).is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&"{a: ".repeat(100_000)).is_err());
        assert!(read("a: &a [*a]").is_err());
        let map = ChartValue::map(crate::render::value::Map::new());
        let ChartValue::Map(inner) = &map else { panic!("a map") };
        inner.borrow_mut().insert("self".into(), map.clone());
        assert!(write(&map).is_err());
        inner.borrow_mut().clear();
    }

    #[test]
    fn marks_stay_as_they_are() {
        assert_eq!(again("a: arn:\u{10FE00}7\u{10FE01}/x"), "a: arn:\u{10FE00}7\u{10FE01}/x\n");
    }
}
