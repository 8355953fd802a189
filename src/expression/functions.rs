//! The functions of expressions: those of CEL's standard library that JSON has a use for, and some of Kubernetes' own.
//!
//! <https://kubernetes.io/docs/reference/using-api/cel/>

use cel::common::ast::operators as sign;
use regex::RegexBuilder;

use super::ends::Undecided;
use super::value::CelValue;
use crate::suggest::suggest;

/// How a function is called.
pub struct Called<'a> {
    pub name: &'a str,
    /// Whether it stands behind a dot.
    pub on_value: bool,
    /// How many inputs stand in its brackets.
    pub inputs: usize,
}

/// Signs, with how many values each stands between.
const SIGNS: [(&str, usize); 18] = [
    (sign::CONDITIONAL, 3),
    (sign::LOGICAL_AND, 2),
    (sign::LOGICAL_OR, 2),
    (sign::LOGICAL_NOT, 1),
    (sign::NOT_STRICTLY_FALSE, 1),
    (sign::NEGATE, 1),
    (sign::SUBSTRACT, 2),
    (sign::ADD, 2),
    (sign::MULTIPLY, 2),
    (sign::DIVIDE, 2),
    (sign::MODULO, 2),
    (sign::EQUALS, 2),
    (sign::NOT_EQUALS, 2),
    (sign::GREATER_EQUALS, 2),
    (sign::LESS_EQUALS, 2),
    (sign::GREATER, 2),
    (sign::LESS, 2),
    (sign::INDEX, 2),
];

/// Functions that stand behind a value, with how many inputs each has.
const OF_VALUES: [(&str, usize); 8] = [
    ("contains", 1),
    ("endsWith", 1),
    ("lowerAscii", 0),
    ("matches", 1),
    ("size", 0),
    ("startsWith", 1),
    ("trim", 0),
    ("upperAscii", 0),
];

/// Functions that stand alone.
const ALONE: [(&str, usize); 6] = [("double", 1), ("dyn", 1), ("int", 1), ("matches", 2), ("size", 1), ("string", 1)];

/// The macros of CEL, which the parser writes out.
const MACROS: [&str; 6] = ["all", "exists", "exists_one", "filter", "has", "map"];

/// How large a compiled pattern may be: one that repeats repetitions would take long.
const PATTERN: usize = 1 << 18;

/// Refuses a call of what is not there, with the way out.
pub fn is_there(called: &Called<'_>) -> Result<(), (String, Option<String>)> {
    let name = called.name;
    if name == sign::IN || SIGNS.contains(&(name, called.inputs)) && !called.on_value {
        return Ok(());
    }
    let table: &[(&str, usize)] = if called.on_value { &OF_VALUES } else { &ALONE };
    if table.contains(&(name, called.inputs)) {
        return Ok(());
    }
    let known: Vec<&str> = table.iter().map(|(name, _)| *name).chain(MACROS).collect();
    if let Some((_, inputs)) = table.iter().find(|(other, _)| *other == name) {
        return Err((format!("`{name}` takes {inputs} values in its brackets, and not {}", called.inputs), None));
    }
    if MACROS.contains(&name) {
        let way = if name == "has" { "has(object.status)" } else { "object.items.NAME(item, item.ready)" };
        return Err((format!("`{name}` is not written like this"), Some(way.replace("NAME", name))));
    }
    let hint = suggest(name, &known).unwrap_or_else(|| format!("there are {}", known.join(", ")));
    Err((format!("there is no function `{name}`"), Some(hint)))
}

/// What a function gives for its inputs, of which there are as many as it takes.
pub fn call<'a>(name: &str, inputs: &[CelValue<'a>]) -> Result<CelValue<'a>, Undecided> {
    let wrong = || Undecided::Wrong(format!("`{name}` can't be asked of {}", told(inputs)));
    if inputs.iter().any(|input| matches!(input, CelValue::Null)) && name != "dyn" {
        return Err(Undecided::Missing(format!("`{name}` is asked of null")));
    }
    match (name, inputs) {
        ("dyn", [one]) => Ok(one.clone()),
        ("size", [one]) => one.size().and_then(|size| i64::try_from(size).ok()).map(CelValue::Int).ok_or_else(wrong),
        ("int", [one]) => whole(one).map(CelValue::Int).ok_or_else(wrong),
        ("double", [one]) => {
            let read = || one.as_text()?.trim().parse().ok();
            one.as_number().or_else(read).map(CelValue::Double).ok_or_else(wrong)
        }
        ("string", [one]) => match one {
            CelValue::Int(number) => Ok(CelValue::text(&number.to_string())),
            CelValue::Double(number) => Ok(CelValue::text(&number.to_string())),
            CelValue::Bool(is_so) => Ok(CelValue::text(&is_so.to_string())),
            text if text.as_text().is_some() => Ok(text.clone()),
            _ => Err(wrong()),
        },
        (_, [one]) => {
            let text = one.as_text().ok_or_else(wrong)?;
            Ok(match name {
                "lowerAscii" => CelValue::text(&text.to_ascii_lowercase()),
                "upperAscii" => CelValue::text(&text.to_ascii_uppercase()),
                "trim" => CelValue::text(text.trim()),
                _ => return Err(wrong()),
            })
        }
        (_, [one, other]) => {
            let (text, part) = one.as_text().zip(other.as_text()).ok_or_else(wrong)?;
            Ok(CelValue::Bool(match name {
                "contains" => text.contains(part),
                "startsWith" => text.starts_with(part),
                "endsWith" => text.ends_with(part),
                "matches" => {
                    let pattern = RegexBuilder::new(part).size_limit(PATTERN).dfa_size_limit(PATTERN).build();
                    let told = |error: regex::Error| {
                        let words = error.to_string();
                        format!("it is no pattern: {}", words.lines().last().unwrap_or_default().trim())
                    };
                    pattern.map_err(|error| Undecided::Wrong(told(error)))?.is_match(text)
                }
                _ => return Err(wrong()),
            }))
        }
        _ => Err(wrong()),
    }
}

/// Values in words.
pub fn told(values: &[CelValue<'_>]) -> String {
    values.iter().map(CelValue::told).collect::<Vec<_>>().join(" and ")
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn whole(one: &CelValue<'_>) -> Option<i64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    match one {
        CelValue::Int(number) => Some(*number),
        CelValue::Double(number) => (number.abs() <= LARGEST).then_some(number.trunc() as i64),
        text => text.as_text()?.trim().parse().ok(),
    }
}
