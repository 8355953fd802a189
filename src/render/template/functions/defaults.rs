//! Sprig's functions for values that may not be there.

use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction};
use crate::render::template::unknown;
use crate::render::value::ChartValue;

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("default", &[ArgumentType::Any], default).rest(ArgumentType::Any).moves(),
    TemplateFunction::new("empty", &[ArgumentType::Any], |call| Ok(ChartValue::Bool(call.is_empty(call.args.any(0))?)))
        .moves(),
    TemplateFunction::new("coalesce", &[], coalesce).rest(ArgumentType::Any).moves(),
    TemplateFunction::new("all", &[], |call| all_or_any(call, true)).rest(ArgumentType::Any).moves(),
    TemplateFunction::new("any", &[], |call| all_or_any(call, false)).rest(ArgumentType::Any).moves(),
    TemplateFunction::new("ternary", &[ArgumentType::Any, ArgumentType::Any, ArgumentType::Bool], ternary).moves(),
];

/// What is not known yet is taken to be something, so that it stands where it is wanted.
fn default(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let given = call.args.any(1);
    if call.args.len() > 1 && unknown::in_value(given).is_some() {
        return Ok(given.clone());
    }
    let empty = call.args.len() < 2 || call.is_empty(given)?;
    Ok(if empty { call.args.any(0).clone() } else { given.clone() })
}

fn coalesce(call: &FunctionCall<'_, '_>) -> FunctionResult {
    for value in &call.args.all {
        if !call.is_empty(value)? {
            return Ok(value.clone());
        }
    }
    Ok(ChartValue::Nil)
}

fn all_or_any(call: &FunctionCall<'_, '_>, all: bool) -> FunctionResult {
    for value in &call.args.all {
        if call.is_empty(value)? == all {
            return Ok(ChartValue::Bool(!all));
        }
    }
    Ok(ChartValue::Bool(all))
}

fn ternary(call: &FunctionCall<'_, '_>) -> FunctionResult {
    if let Some(found) = unknown::in_value(call.args.any(2)) {
        return Err(call.decided(&found));
    }
    Ok(call.args.any(if call.args.bool(2) { 0 } else { 1 }).clone())
}
