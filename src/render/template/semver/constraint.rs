//! What `semverCompare` asks of a version: `>=1.2, <2 || ~3.1`.

use std::cmp::Ordering;

use super::version::{SemanticVersion, is_dotted, pre_order};
use crate::render::fault::RenderFault;
use crate::render::template::format;

/// Groups, of which one has to hold in all its parts.
pub type Constraint = Vec<Vec<ConstraintPart>>;

/// One comparison.
#[derive(Debug)]
pub struct ConstraintPart {
    operator: &'static str,
    version: SemanticVersion,
    /// How many of the three numbers are given: the others may be anything.
    given: usize,
}

/// Longer ones come first, since they begin with shorter ones.
const OPERATORS: [&str; 11] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

/// Reads a constraint.
pub fn read(text: &str) -> Result<Constraint, RenderFault> {
    text.split("||").map(group).collect()
}

/// Whether a version is as the constraint asks.
pub fn holds(constraint: &Constraint, version: &SemanticVersion) -> bool {
    constraint.iter().any(|group| {
        let pre = group.iter().any(|part| !part.version.pre.is_empty());
        group.iter().all(|part| (version.pre.is_empty() || pre) && part.holds(version))
    })
}

fn group(text: &str) -> Result<Vec<ConstraintPart>, RenderFault> {
    let wrong = || RenderFault::new(format!("improper constraint: {}", format::quoted(text)));
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator)).copied().unwrap_or("");
        let (mut part, after) = version(rest[operator.len()..].trim_start()).ok_or_else(wrong)??;
        part.operator = operator;
        rest = after;
        let trimmed = rest.trim_start();
        if operator.is_empty() && trimmed.len() < rest.len() && trimmed.starts_with("- ") {
            let (mut last, after) = version(trimmed[1..].trim_start()).ok_or_else(wrong)??;
            part.operator = ">=";
            last.operator = "<=";
            parts.push(part);
            part = last;
            rest = after;
        }
        parts.push(part);
        let trimmed = rest.trim_start();
        if trimmed.is_empty() {
            return Ok(parts);
        }
        rest = match trimmed.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if trimmed.len() < rest.len() => trimmed,
            None => return Err(wrong()),
        };
    }
}

/// A version in which numbers may be missing or be `x`, `X` or `*`.
fn version(text: &str) -> Option<Result<(ConstraintPart, &str), RenderFault>> {
    let mut rest = text.strip_prefix('v').unwrap_or(text);
    let mut numbers: Vec<&str> = Vec::new();
    while numbers.len() < 3 {
        let body = if numbers.is_empty() { rest } else { rest.strip_prefix('.').unwrap_or("") };
        let end = body.find(|c: char| !c.is_ascii_digit() && !"xX*".contains(c)).unwrap_or(body.len());
        if end == 0 {
            break;
        }
        numbers.push(&body[..end]);
        rest = &body[end..];
    }
    let first = *numbers.first()?;
    let (pre, after) = suffix(rest, '-');
    let (_, after) = suffix(after, '+');
    let is_any = |number: &&str| matches!(*number, "x" | "X" | "*");
    let given = if is_any(&first) { 0 } else { numbers.iter().position(is_any).unwrap_or(numbers.len()) };
    let mut known: Vec<&str> = numbers[..given].to_vec();
    known.resize(3, "0");
    let read = SemanticVersion::read(&format!("{}{}", known.join("."), pre))
        .map_err(|_| RenderFault::new("constraint parser error"));
    Some(read.map(|version| (ConstraintPart { operator: "", version, given }, after)))
}

/// What follows a sign, with the sign.
fn suffix(text: &str, sign: char) -> (&str, &str) {
    let Some(body) = text.strip_prefix(sign) else { return ("", text) };
    let end = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.').unwrap_or(body.len());
    if is_dotted(&body[..end]) { text.split_at(end + 1) } else { ("", text) }
}

impl ConstraintPart {
    fn holds(&self, version: &SemanticVersion) -> bool {
        let [major, minor, _] = self.version.numbers;
        let [its_major, its_minor, _] = version.numbers;
        let order = version.order(&self.version);
        let whole = self.given == 3;
        match self.operator {
            "!=" => !self.is_within(version),
            ">" if whole => order == Ordering::Greater,
            ">" => match self.given {
                0 => its_major > major || (its_major == major && order == Ordering::Greater),
                1 => its_major > major,
                _ => (its_major, its_minor) > (major, minor),
            },
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" if whole => order != Ordering::Greater,
            "<=" | "=<" => its_major < major || (its_major == major && (its_minor <= minor || self.given == 1)),
            "^" => order != Ordering::Less && self.is_compatible(version),
            "" | "=" if whole => order == Ordering::Equal,
            _ => order != Ordering::Less && self.is_near(version),
        }
    }

    /// Whether the numbers that are given are those of the version.
    fn is_within(&self, version: &SemanticVersion) -> bool {
        if self.given == 3 {
            return version.order(&self.version) == Ordering::Equal;
        }
        let (ours, its) = (&self.version, version);
        if ours.numbers[0] != its.numbers[0] {
            return false;
        }
        match self.given {
            1 => true,
            2 if ours.numbers[1] != its.numbers[1] => false,
            2 => pre_order(&its.pre, &ours.pre) == Ordering::Equal,
            _ => ours.numbers[1] == its.numbers[1] && its.order(ours) == Ordering::Equal,
        }
    }

    /// `~`: the same major and, where it is given, minor number. Three zeros or none stand for every version.
    fn is_near(&self, version: &SemanticVersion) -> bool {
        if self.version.numbers == [0, 0, 0] && !matches!(self.given, 1 | 2) {
            return true;
        }
        let (ours, its) = (self.version.numbers, version.numbers);
        its[0] == ours[0] && (its[1] == ours[1] || self.given == 1)
    }

    /// `^`: nothing changes from the first number on that is not 0.
    fn is_compatible(&self, version: &SemanticVersion) -> bool {
        let (ours, its) = (self.version.numbers, version.numbers);
        if ours[0] > 0 || self.given == 1 {
            return its[0] == ours[0];
        }
        if its[0] > 0 {
            return false;
        }
        if ours[1] > 0 || self.given == 2 {
            return its[1] == ours[1];
        }
        its[1] == 0 && its[2] == ours[2]
    }
}
