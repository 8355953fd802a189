//! Go's comparisons, which only compare what is of one kind.

use std::cmp::Ordering;

use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::kinds;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail};
use crate::render::value::ChartValue;

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("eq", &[ArgumentType::Reflect], any_equal).rest(ArgumentType::Reflect).decides(),
    TemplateFunction::new("ne", &[ArgumentType::Reflect, ArgumentType::Reflect], |call| {
        Ok(ChartValue::Bool(!equal(call.args.any(0), call.args.any(1))?))
    })
    .decides(),
    TemplateFunction::new("lt", &[ArgumentType::Reflect, ArgumentType::Reflect], |call| {
        less(call).map(ChartValue::Bool)
    })
    .decides(),
    TemplateFunction::new("le", &[ArgumentType::Reflect, ArgumentType::Reflect], |call| {
        at_most(call).map(ChartValue::Bool)
    })
    .decides(),
    TemplateFunction::new("gt", &[ArgumentType::Reflect, ArgumentType::Reflect], |call| {
        at_most(call).map(|it| ChartValue::Bool(!it))
    })
    .decides(),
    TemplateFunction::new("ge", &[ArgumentType::Reflect, ArgumentType::Reflect], |call| {
        less(call).map(|it| ChartValue::Bool(!it))
    })
    .decides(),
];

#[derive(PartialEq, Eq)]
enum ComparedKind {
    Bool,
    Int,
    Float,
    Text,
    Other,
}

fn kind(value: &ChartValue) -> ComparedKind {
    match value {
        ChartValue::Bool(_) => ComparedKind::Bool,
        ChartValue::Int(_) | ChartValue::Int64(_) => ComparedKind::Int,
        ChartValue::Float(_) => ComparedKind::Float,
        ChartValue::Text(_) | ChartValue::Unknown(_) => ComparedKind::Text,
        ChartValue::Object(object) if object.type_name() == "time.Duration" => ComparedKind::Int,
        _ => ComparedKind::Other,
    }
}

/// The number of what Go has as a whole number.
fn whole(value: &ChartValue) -> i64 {
    match value {
        ChartValue::Int(number) | ChartValue::Int64(number) => *number,
        ChartValue::Object(object) => match object.call("Nanoseconds", &[]) {
            Some(Ok(ChartValue::Int64(number))) => number,
            _ => 0,
        },
        _ => 0,
    }
}

fn any_equal(call: &FunctionCall<'_, '_>) -> FunctionResult {
    if call.args.len() < 2 {
        return fail("missing argument for comparison");
    }
    for other in &call.args.all[1..] {
        if equal(call.args.any(0), other)? {
            return Ok(ChartValue::Bool(true));
        }
    }
    Ok(ChartValue::Bool(false))
}

fn equal(one: &ChartValue, other: &ChartValue) -> Result<bool, RenderFault> {
    let (left, right) = (kind(one), kind(other));
    if left != right {
        if matches!(one, ChartValue::Nil) || matches!(other, ChartValue::Nil) {
            return Ok(false);
        }
        return incompatible(one, other);
    }
    Ok(match (one, other) {
        (ChartValue::Bool(a), ChartValue::Bool(b)) => a == b,
        (ChartValue::Float(a), ChartValue::Float(b)) => a == b,
        (ChartValue::Text(a), ChartValue::Text(b)) => a == b,
        _ if left == ComparedKind::Int => whole(one) == whole(other),
        (ChartValue::Nil, _) | (_, ChartValue::Nil) => matches!((one, other), (ChartValue::Nil, ChartValue::Nil)),
        (ChartValue::List(_) | ChartValue::Map(_), _) | (_, ChartValue::List(_) | ChartValue::Map(_)) => {
            return fail(format!("non-comparable type {}", kinds::type_name(other)));
        }
        _ => kinds::deep_equal(one, other),
    })
}

fn incompatible<T>(one: &ChartValue, other: &ChartValue) -> Result<T, RenderFault> {
    let (left, right) = (kinds::type_name(one), kinds::type_name(other));
    fail(format!("incompatible types for comparison: {left} and {right}"))
}

/// How the two arguments stand to each other. None where neither is below the other, which numbers that are none do.
fn order(call: &FunctionCall<'_, '_>) -> Result<Option<Ordering>, RenderFault> {
    let (one, other) = (call.args.any(0), call.args.any(1));
    let (left, right) = (kind(one), kind(other));
    if left == ComparedKind::Other || right == ComparedKind::Other {
        return fail("invalid type for comparison");
    }
    if left != right {
        return incompatible(one, other);
    }
    match (one, other) {
        (ChartValue::Float(a), ChartValue::Float(b)) => Ok(a.partial_cmp(b)),
        (ChartValue::Text(a), ChartValue::Text(b)) => Ok(Some(a.cmp(b))),
        _ if left == ComparedKind::Int => Ok(Some(whole(one).cmp(&whole(other)))),
        _ => fail("invalid type for comparison"),
    }
}

fn less(call: &FunctionCall<'_, '_>) -> Result<bool, RenderFault> {
    Ok(order(call)? == Some(Ordering::Less))
}

fn at_most(call: &FunctionCall<'_, '_>) -> Result<bool, RenderFault> {
    Ok(matches!(order(call)?, Some(Ordering::Less | Ordering::Equal)))
}
