//! Sprig's functions for lists. Nothing changes a list in its place.

use std::rc::Rc;

use super::builtins::list;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::{ArgumentType, items};
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail};
use crate::render::template::{kinds, unknown};
use crate::render::value::ChartValue;

use ArgumentType::{Any, Int};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("list", &[], |call| Ok(list(call.args.all.clone()))).rest(Any).moves(),
    TemplateFunction::new("tuple", &[], |call| Ok(list(call.args.all.clone()))).rest(Any).moves(),
    TemplateFunction::new("append", &[Any, Any], push).moves(),
    TemplateFunction::new("push", &[Any, Any], push).moves(),
    TemplateFunction::new("mustAppend", &[Any, Any], push).moves(),
    TemplateFunction::new("mustPush", &[Any, Any], push).moves(),
    TemplateFunction::new("prepend", &[Any, Any], prepend).moves(),
    TemplateFunction::new("mustPrepend", &[Any, Any], prepend).moves(),
    TemplateFunction::new("first", &[Any], |call| edge(call, |items| items.first())),
    TemplateFunction::new("mustFirst", &[Any], |call| edge(call, |items| items.first())),
    TemplateFunction::new("last", &[Any], |call| edge(call, |items| items.last())),
    TemplateFunction::new("mustLast", &[Any], |call| edge(call, |items| items.last())),
    TemplateFunction::new("rest", &[Any], |call| part(call, |items| items.get(1..))),
    TemplateFunction::new("mustRest", &[Any], |call| part(call, |items| items.get(1..))),
    TemplateFunction::new("initial", &[Any], |call| part(call, |items| items.split_last().map(|(_, before)| before))),
    TemplateFunction::new("mustInitial", &[Any], |call| {
        part(call, |items| items.split_last().map(|(_, before)| before))
    }),
    TemplateFunction::new("reverse", &[Any], reverse),
    TemplateFunction::new("mustReverse", &[Any], reverse),
    TemplateFunction::new("compact", &[Any], compact),
    TemplateFunction::new("mustCompact", &[Any], compact),
    TemplateFunction::new("uniq", &[Any], uniq).deep(),
    TemplateFunction::new("mustUniq", &[Any], uniq).deep(),
    TemplateFunction::new("without", &[Any], without).rest(Any).deep(),
    TemplateFunction::new("mustWithout", &[Any], without).rest(Any).deep(),
    TemplateFunction::new("has", &[Any, Any], has).deep(),
    TemplateFunction::new("mustHas", &[Any, Any], has).deep(),
    TemplateFunction::new("slice", &[Any], slice).rest(Any),
    TemplateFunction::new("mustSlice", &[Any], slice).rest(Any),
    TemplateFunction::new("concat", &[], concat).rest(Any),
    TemplateFunction::new("chunk", &[Int, Any], chunk),
    TemplateFunction::new("mustChunk", &[Int, Any], chunk),
];

/// The items of an argument that has to be a list.
fn given(call: &FunctionCall<'_, '_>, at: usize, verb: &str) -> Result<Rc<Vec<ChartValue>>, RenderFault> {
    let value = call.args.any(at);
    items(value).ok_or_else(|| match value {
        ChartValue::Nil => RenderFault::new("runtime error: invalid memory address or nil pointer dereference"),
        other => RenderFault::new(format!("Cannot {verb} on type {}", kinds::kind(other))),
    })
}

/// An unknown list cannot have anything put to it; what is put may be unknown.
fn known_list(
    call: &FunctionCall<'_, '_>,
    at: usize,
    verb: &str,
) -> Result<Result<Rc<Vec<ChartValue>>, ChartValue>, RenderFault> {
    match unknown::in_value(call.args.any(at)) {
        Some(found) => Ok(Err(call.unknown(&found))),
        None => given(call, at, verb).map(Ok),
    }
}

fn push(call: &FunctionCall<'_, '_>) -> FunctionResult {
    Ok(match known_list(call, 0, "push")? {
        Ok(items) => list(items.iter().chain([call.args.any(1)]).cloned().collect()),
        Err(unknown) => unknown,
    })
}

fn prepend(call: &FunctionCall<'_, '_>) -> FunctionResult {
    Ok(match known_list(call, 0, "prepend")? {
        Ok(items) => list([call.args.any(1)].into_iter().chain(items.iter()).cloned().collect()),
        Err(unknown) => unknown,
    })
}

fn edge(call: &FunctionCall<'_, '_>, pick: fn(&[ChartValue]) -> Option<&ChartValue>) -> FunctionResult {
    let items = given(call, 0, call.name)?;
    Ok(pick(&items).cloned().unwrap_or_default())
}

fn part(call: &FunctionCall<'_, '_>, pick: fn(&[ChartValue]) -> Option<&[ChartValue]>) -> FunctionResult {
    let items = given(call, 0, call.name)?;
    Ok(list(pick(&items).unwrap_or_default().to_vec()))
}

fn reverse(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let items = given(call, 0, "reverse")?;
    Ok(list(items.iter().rev().cloned().collect()))
}

fn compact(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut kept = Vec::new();
    for item in given(call, 0, "compact")?.iter() {
        if !call.is_empty(item)? {
            kept.push(item.clone());
        }
    }
    Ok(list(kept))
}

fn holds(call: &FunctionCall<'_, '_>, items: &[ChartValue], value: &ChartValue) -> Result<bool, RenderFault> {
    call.run.spend(items.len() / 4)?;
    Ok(items.iter().any(|item| kinds::deep_equal(value, item)))
}

fn uniq(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut kept: Vec<ChartValue> = Vec::new();
    for item in given(call, 0, "uniq")?.iter() {
        if !holds(call, &kept, item)? {
            kept.push(item.clone());
        }
    }
    Ok(list(kept))
}

fn without(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut kept = Vec::new();
    for item in given(call, 0, "without")?.iter() {
        if !holds(call, &call.args.all[1..], item)? {
            kept.push(item.clone());
        }
    }
    Ok(list(kept))
}

fn has(call: &FunctionCall<'_, '_>) -> FunctionResult {
    if matches!(call.args.any(1), ChartValue::Nil) {
        return Ok(ChartValue::Bool(false));
    }
    let items = given(call, 1, "has")?;
    Ok(ChartValue::Bool(holds(call, &items, call.args.any(0))?))
}

fn slice(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let Some(items) = items(call.args.any(0)) else {
        return fail(format!("list should be type of slice or array but {}", kinds::kind(call.args.any(0))));
    };
    if items.is_empty() {
        return Ok(ChartValue::Nil);
    }
    let place = |at: usize, or: usize| {
        if call.args.len() > at { usize::try_from(super::casts::int64(call.args.any(at))).ok() } else { Some(or) }
    };
    let part = match (place(1, 0), place(2, items.len())) {
        (Some(from), Some(to)) => items.get(from..to),
        _ => None,
    };
    part.map_or_else(|| fail("reflect.Value.Slice: slice index out of bounds"), |part| Ok(list(part.to_vec())))
}

fn concat(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut all = Vec::new();
    for value in &call.args.all {
        let Some(items) = items(value) else {
            return fail(format!("Cannot concat type {} as list", kinds::kind(value)));
        };
        all.extend(items.iter().cloned());
    }
    call.run.spend(all.len() / 8)?;
    Ok(list(all))
}

fn chunk(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let items = given(call, 1, "chunk")?;
    let size = call.args.int(0);
    // Sprig works out how many parts there are before it asks whether that makes sense: parts of less than nothing may be none.
    let below = usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX);
    match items.len() {
        _ if size > 0 => Ok(list(items.chunks(below).map(|part| list(part.to_vec())).collect())),
        1 if size < -1 => Ok(list(vec![list(items.to_vec())])),
        count if size < 0 && count >= 2 && count - 1 <= below => Ok(list(Vec::new())),
        _ => fail("runtime error: makeslice: len out of range"),
    }
}
