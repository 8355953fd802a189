//! Sprig's `merge` and `mergeOverwrite`, which change the first map by the others.

use std::rc::Rc;

use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail};
use crate::render::template::{kinds, unknown};
use crate::render::value::{ChartValue, ValueTable};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("merge", &[ArgumentType::Map], |call| merged(call, false)).rest(ArgumentType::Map).decides(),
    TemplateFunction::new("mustMerge", &[ArgumentType::Map], |call| merged(call, false))
        .rest(ArgumentType::Map)
        .decides(),
    TemplateFunction::new("mergeOverwrite", &[ArgumentType::Map], |call| merged(call, true))
        .rest(ArgumentType::Map)
        .decides(),
    TemplateFunction::new("mustMergeOverwrite", &[ArgumentType::Map], |call| merged(call, true))
        .rest(ArgumentType::Map)
        .decides(),
];

fn merged(call: &FunctionCall<'_, '_>, overwrite: bool) -> FunctionResult {
    let target = call.args.map(0).cloned().unwrap_or_default();
    for at in 1..call.args.len() {
        if let Some(source) = call.args.map(at) {
            merge(call, &target, source, overwrite, 0)?;
        }
    }
    Ok(ChartValue::Map(target))
}

/// Puts what a map has into another. What is missing or empty there is taken over as it is, so both then share it; maps are
/// merged. Where it overwrites, everything else is taken over too, even what is empty or `nil`.
fn merge(
    call: &FunctionCall<'_, '_>,
    target: &ValueTable,
    source: &ValueTable,
    overwrite: bool,
    depth: usize,
) -> Result<(), RenderFault> {
    if depth > 1000 {
        return fail("a map holds itself");
    }
    let entries: Vec<_> = source.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect();
    for (key, value) in entries {
        call.run.spend(1)?;
        let before = target.borrow().get(&key).cloned();
        if matches!(value, ChartValue::Nil) {
            if overwrite {
                target.borrow_mut().insert(key, value);
            }
            continue;
        }
        if let (Some(ChartValue::Map(inner)), ChartValue::Map(other)) = (&before, &value) {
            stacker::maybe_grow(64 << 10, 1 << 20, || merge(call, inner, other, overwrite, depth + 1))?;
            // A map that is still empty shares what is put into the other one later.
            if inner.borrow().is_empty() {
                target.borrow_mut().insert(key, value);
            }
            continue;
        }
        let missing = match &before {
            None => true,
            Some(before) => unknown::in_value(before).is_none() && kinds::is_empty(before, call.name, &[])?,
        };
        if overwrite || missing {
            target.borrow_mut().insert(key, value);
        }
    }
    Ok(())
}
