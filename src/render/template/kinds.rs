//! Types, kinds and truth of values as Go's reflection sees them.

use std::collections::HashSet;
use std::rc::Rc;

use super::unknown;
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;

/// The type, as `%T` and `typeOf` say it.
pub fn type_name(value: &ChartValue) -> &'static str {
    match value {
        ChartValue::Nil => "<nil>",
        ChartValue::Bool(_) => "bool",
        ChartValue::Int(_) => "int",
        ChartValue::Int64(_) => "int64",
        ChartValue::Float(_) => "float64",
        ChartValue::Text(_) | ChartValue::Unknown(_) => "string",
        ChartValue::List(_) => "[]interface {}",
        ChartValue::Map(_) => "map[string]interface {}",
        ChartValue::Object(object) => object.type_name(),
    }
}

/// The type in messages about arguments, where nothing is an interface without a value.
pub fn static_type(value: &ChartValue) -> &'static str {
    match value {
        ChartValue::Nil => "interface {}",
        other => type_name(other),
    }
}

/// The kind, as `kindOf` says it.
pub fn kind(value: &ChartValue) -> &'static str {
    match value {
        ChartValue::Nil => "invalid",
        ChartValue::Bool(_) => "bool",
        ChartValue::Int(_) => "int",
        ChartValue::Int64(_) => "int64",
        ChartValue::Float(_) => "float64",
        ChartValue::Text(_) | ChartValue::Unknown(_) => "string",
        ChartValue::List(_) => "slice",
        ChartValue::Map(_) => "map",
        ChartValue::Object(object) => match object.type_name() {
            "time.Duration" => "int64",
            "time.Time" | "sprig.certificate" => "struct",
            name if name.starts_with('*') => "ptr",
            name if name.starts_with("map[") => "map",
            name if name.starts_with("[]") => "slice",
            _ => match object.value() {
                ChartValue::Map(_) if object.type_name().ends_with("iles") => "map",
                ChartValue::List(_) => "slice",
                ChartValue::Text(_) => "string",
                _ => "struct",
            },
        },
    }
}

/// What `if` and its like make of a value. `what` is who asks, for the fault of a value that is not known yet.
pub fn truth(
    value: Option<&ChartValue>,
    what: &str,
    all: &[Rc<crate::render::value::UnknownValue>],
) -> Result<bool, RenderFault> {
    Ok(match value {
        None | Some(ChartValue::Nil) => false,
        Some(ChartValue::Bool(truth)) => *truth,
        Some(ChartValue::Int(number) | ChartValue::Int64(number)) => *number != 0,
        Some(ChartValue::Float(number)) => *number != 0.0,
        Some(ChartValue::Text(text)) if unknown::is_marked(text) => {
            let known = unknown::known_part(text);
            match unknown::marks(text).first() {
                Some(id) if known.is_empty() && !unknown::marks(text).iter().any(|id| is_filled(*id, all)) => {
                    return Err(unknown::decides(what, &unknown::FoundUnknown::Mark(*id).of(all)));
                }
                _ => true,
            }
        }
        Some(ChartValue::Text(text)) => !text.is_empty(),
        Some(ChartValue::List(items)) => !items.is_empty(),
        Some(ChartValue::Map(map)) => !map.borrow().is_empty(),
        Some(ChartValue::Unknown(unknown)) if unknown.is_filled || is_filled(unknown.id, all) => true,
        Some(ChartValue::Unknown(unknown)) => return Err(unknown::decides(what, &unknown.of)),
        Some(ChartValue::Object(object)) => match kind(&ChartValue::Object(Rc::clone(object))) {
            "map" | "slice" | "string" => return truth(Some(&object.value()), what, all),
            "int64" => !matches!(object.call("Nanoseconds", &[]), Some(Ok(ChartValue::Int64(0)))),
            _ => true,
        },
    })
}

/// Whether the unknown value of a number is known to be no empty text.
fn is_filled(id: u32, all: &[Rc<crate::render::value::UnknownValue>]) -> bool {
    usize::try_from(id).ok().and_then(|id| all.get(id)).is_some_and(|unknown| unknown.is_filled)
}

/// Sprig's `empty`: the opposite of truth but for structures, which are never empty there either.
pub fn is_empty(
    value: &ChartValue,
    what: &str,
    all: &[Rc<crate::render::value::UnknownValue>],
) -> Result<bool, RenderFault> {
    truth(Some(value), what, all).map(|truth| !truth)
}

/// Go's `reflect.DeepEqual`: numbers of different types are different.
pub fn deep_equal(one: &ChartValue, other: &ChartValue) -> bool {
    equal(one, other, &mut HashSet::new())
}

/// Two lists or maps that are being compared already count as equal: what holds itself would be compared for ever.
fn equal(one: &ChartValue, other: &ChartValue, seen: &mut HashSet<(usize, usize)>) -> bool {
    match (one, other) {
        (ChartValue::Nil, ChartValue::Nil) => true,
        (ChartValue::Bool(a), ChartValue::Bool(b)) => a == b,
        (ChartValue::Int(a), ChartValue::Int(b)) | (ChartValue::Int64(a), ChartValue::Int64(b)) => a == b,
        // Go compares numbers with fractions as IEEE 754 says, and so does Rust.
        (ChartValue::Float(a), ChartValue::Float(b)) => a == b,
        (ChartValue::Text(a), ChartValue::Text(b)) => a == b,
        (ChartValue::List(a), ChartValue::List(b)) => {
            let pair = (Rc::as_ptr(a).addr(), Rc::as_ptr(b).addr());
            if Rc::ptr_eq(a, b) || !seen.insert(pair) {
                return true;
            }
            deeper(|| a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(a, b, seen)))
        }
        (ChartValue::Map(a), ChartValue::Map(b)) => {
            let pair = (Rc::as_ptr(a).addr(), Rc::as_ptr(b).addr());
            if Rc::ptr_eq(a, b) || !seen.insert(pair) {
                return true;
            }
            let (a, b) = (a.borrow(), b.borrow());
            let mut pairs = a.iter().zip(b.iter());
            deeper(|| a.len() == b.len() && pairs.all(|((key, a), (other, b))| key == other && equal(a, b, seen)))
        }
        (ChartValue::Object(a), ChartValue::Object(b)) => {
            Rc::ptr_eq(a, b) || (a.type_name() == b.type_name() && equal(&a.value(), &b.value(), seen))
        }
        (ChartValue::Unknown(a), ChartValue::Unknown(b)) => a == b,
        _ => false,
    }
}

/// Values can be deep, and stacks are not.
fn deeper(compare: impl FnOnce() -> bool) -> bool {
    stacker::maybe_grow(64 << 10, 1 << 20, compare)
}
