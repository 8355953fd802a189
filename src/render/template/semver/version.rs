//! Semantic versions, as Sprig has them.

use std::rc::Rc;

use crate::render::fault::RenderFault;
use crate::render::template::state::{fail, text};
use crate::render::value::{ChartValue, Methods};

/// A semantic version, which may have been written without its minor or patch number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SemanticVersion {
    /// The three numbers.
    pub numbers: [u64; 3],
    /// What stands after the hyphen.
    pub pre: String,
    meta: String,
    original: String,
}

impl SemanticVersion {
    /// Reads a version.
    pub fn read(text: &str) -> Result<Self, RenderFault> {
        let wrong = || RenderFault::new("invalid semantic version");
        let body = text.strip_prefix('v').unwrap_or(text);
        let (body, meta) = body.split_once('+').map_or((body, None), |(body, meta)| (body, Some(meta)));
        let (body, pre) = body.split_once('-').map_or((body, None), |(body, pre)| (body, Some(pre)));
        let parts: Vec<_> = body.split('.').collect();
        if parts.len() > 3 || !pre.into_iter().chain(meta).all(is_dotted) {
            return Err(wrong());
        }
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(&parts) {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong());
            }
            *number = part.parse().map_err(|_| {
                RenderFault::new(format!(
                    "error parsing version segment: strconv.ParseUint: parsing \"{part}\": value out of range"
                ))
            })?;
        }
        let padded =
            |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
        if pre.is_some_and(|pre| pre.split('.').any(padded)) {
            return fail("version segment starts with 0");
        }
        let owned = |part: Option<&str>| part.unwrap_or_default().to_owned();
        Ok(Self { numbers, pre: owned(pre), meta: owned(meta), original: text.to_owned() })
    }

    /// How two versions follow each other.
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| pre_order(&self.pre, &other.pre))
    }

    fn written(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let mut out = format!("{major}.{minor}.{patch}");
        for (sign, part) in [('-', &self.pre), ('+', &self.meta)] {
            if !part.is_empty() {
                out.push(sign);
                out.push_str(part);
            }
        }
        out
    }

    fn next(&self, place: usize) -> Self {
        let mut next = self.clone();
        // A version before its release becomes that release.
        if place < 2 || self.pre.is_empty() {
            next.numbers[place] = next.numbers[place].saturating_add(1);
        }
        next.numbers[place + 1..].fill(0);
        next.pre.clear();
        next.meta.clear();
        let v = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{v}{}", next.written());
        next
    }

    fn other(given: &[ChartValue]) -> Result<Self, RenderFault> {
        match given.first() {
            Some(ChartValue::Object(object)) if object.type_name() == "*semver.Version" => {
                match object.call("Original", &[]) {
                    Some(Ok(ChartValue::Text(original))) => Self::read(&original),
                    _ => fail("invalid semantic version"),
                }
            }
            _ => fail("wrong type for value; expected *semver.Version"),
        }
    }
}

impl Methods for SemanticVersion {
    fn call(&self, name: &str, given: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let number = |at: usize| Ok(ChartValue::Int64(i64::try_from(self.numbers[at]).unwrap_or(i64::MAX)));
        let compared = |holds: fn(std::cmp::Ordering) -> bool| {
            Self::other(given).map(|other| ChartValue::Bool(holds(self.order(&other))))
        };
        let object = |version: Self| Ok(ChartValue::Object(Rc::new(version)));
        Some(match name {
            "Major" => number(0),
            "Minor" => number(1),
            "Patch" => number(2),
            "Prerelease" => text(self.pre.as_str()),
            "Metadata" => text(self.meta.as_str()),
            "Original" => text(self.original.as_str()),
            "String" => text(self.written()),
            "Compare" => Self::other(given).map(|other| ChartValue::Int(self.order(&other) as i64)),
            "Equal" => compared(|order| order == Equal),
            "LessThan" => compared(|order| order == Less),
            "GreaterThan" => compared(|order| order == Greater),
            "LessThanEqual" => compared(|order| order != Greater),
            "GreaterThanEqual" => compared(|order| order != Less),
            "IncMajor" => object(self.next(0)),
            "IncMinor" => object(self.next(1)),
            "IncPatch" => object(self.next(2)),
            _ => return None,
        })
    }

    fn value(&self) -> ChartValue {
        ChartValue::text(self.written())
    }

    fn type_name(&self) -> &'static str {
        "*semver.Version"
    }
}

/// Whether a text is identifiers with points between them.
pub fn is_dotted(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// A version without a hyphen comes after those that have one.
pub fn pre_order(one: &str, other: &str) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    match (one.is_empty(), other.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        _ => {}
    }
    let mut others = other.split('.');
    for part in one.split('.') {
        let Some(against) = others.next() else { return Ordering::Greater };
        let order = match (part.parse::<u64>(), against.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            _ => part.cmp(against),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    if others.next().is_some() { Ordering::Less } else { Ordering::Equal }
}
