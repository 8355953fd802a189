//! Sprig's functions for maps. `set` and `unset` change the map that they get, as everybody who holds it sees.

use std::rc::Rc;

use super::builtins::list;
use super::text::strval;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail};
use crate::render::template::{bury, kinds, unknown};
use crate::render::value::{ChartValue, Map};

use ArgumentType::{Any, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("dict", &[], dict).rest(Any).moves(),
    TemplateFunction::new("get", &[ArgumentType::Map, Text], get),
    TemplateFunction::new("set", &[ArgumentType::Map, Text, Any], set).moves(),
    TemplateFunction::new("unset", &[ArgumentType::Map, Text], unset).decides(),
    TemplateFunction::new("hasKey", &[ArgumentType::Map, Text], has_key).decides(),
    TemplateFunction::new("pluck", &[Text], pluck).rest(ArgumentType::Map),
    TemplateFunction::new("keys", &[], keys).rest(ArgumentType::Map),
    TemplateFunction::new("values", &[ArgumentType::Map], values),
    TemplateFunction::new("pick", &[ArgumentType::Map], |call| chosen(call, true)).rest(Text),
    TemplateFunction::new("omit", &[ArgumentType::Map], |call| chosen(call, false)).rest(Text),
    TemplateFunction::new("dig", &[], dig).rest(Any).moves(),
    TemplateFunction::new("deepCopy", &[Any], deep_copy).moves(),
    TemplateFunction::new("mustDeepCopy", &[Any], deep_copy).moves(),
];

fn dict(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut entries = Map::new();
    for pair in call.args.all.chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| ChartValue::text(""));
        entries.insert(strval(&pair[0]).into(), value);
    }
    Ok(ChartValue::map(entries))
}

fn get(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let found = call.args.map(0).and_then(|map| map.borrow().get(&call.args.text(1)).cloned());
    Ok(found.unwrap_or_else(|| ChartValue::text("")))
}

fn set(call: &FunctionCall<'_, '_>) -> FunctionResult {
    // The map is changed in its place, whatever is made of the answer, so nothing may be left out of it.
    if let Some(found) = call.args.all[..2].iter().find_map(unknown::in_value) {
        return Err(call.decided(&found));
    }
    let Some(map) = call.args.map(0) else { return fail("assignment to entry in nil map") };
    let before = map.borrow_mut().insert(call.args.text(1), call.args.any(2).clone());
    bury(before.unwrap_or_default());
    Ok(ChartValue::Map(Rc::clone(map)))
}

fn unset(call: &FunctionCall<'_, '_>) -> FunctionResult {
    if let Some(map) = call.args.map(0) {
        let before = map.borrow_mut().remove(&call.args.text(1));
        bury(before.unwrap_or_default());
        return Ok(ChartValue::Map(Rc::clone(map)));
    }
    Ok(ChartValue::map(Map::new()))
}

fn has_key(call: &FunctionCall<'_, '_>) -> FunctionResult {
    Ok(ChartValue::Bool(call.args.map(0).is_some_and(|map| map.borrow().contains_key(&call.args.text(1)))))
}

fn pluck(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let key = call.args.text(0);
    let maps = (1..call.args.len()).filter_map(|at| call.args.map(at));
    Ok(list(maps.filter_map(|map| map.borrow().get(&key).cloned()).collect()))
}

/// Go gives keys and values in any order, a chart that is meant to stay the same sorts them; here they are in order.
fn keys(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let maps = (0..call.args.len()).filter_map(|at| call.args.map(at));
    Ok(list(maps.flat_map(|map| map.borrow().keys().cloned().collect::<Vec<_>>()).map(ChartValue::Text).collect()))
}

fn values(call: &FunctionCall<'_, '_>) -> FunctionResult {
    Ok(list(call.args.map(0).map(|map| map.borrow().values().cloned().collect()).unwrap_or_default()))
}

fn chosen(call: &FunctionCall<'_, '_>, listed: bool) -> FunctionResult {
    let keys: Vec<_> = (1..call.args.len()).map(|at| call.args.text(at)).collect();
    let mut entries = call.args.map(0).map(|map| map.borrow().clone()).unwrap_or_default();
    entries.retain(|key, _| keys.contains(key) == listed);
    Ok(ChartValue::map(entries))
}

fn dig(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let count = call.args.len();
    if count < 3 {
        return fail("dig needs at least three arguments");
    }
    let mut value = call.args.any(count - 1).clone();
    if let Some(found) = call.args.all[..count - 2].iter().find_map(unknown::in_value) {
        return Err(call.decided(&found));
    }
    for at in 0..count - 2 {
        let ChartValue::Text(key) = call.args.any(at) else {
            let got = kinds::type_name(call.args.any(at));
            return fail(format!("interface conversion: interface {{}} is {got}, not string"));
        };
        if let Some(found) = unknown::in_value(&value) {
            return Ok(call.unknown(&found));
        }
        let ChartValue::Map(map) = value else {
            let got = kinds::type_name(&value);
            return fail(format!("interface conversion: interface {{}} is {got}, not map[string]interface {{}}"));
        };
        let found = map.borrow().get(key).cloned();
        match found {
            Some(found) => value = found,
            None => return Ok(call.args.any(count - 2).clone()),
        }
    }
    Ok(value)
}

fn deep_copy(call: &FunctionCall<'_, '_>) -> FunctionResult {
    match call.args.any(0) {
        ChartValue::Nil => fail("reflect: call of reflect.Value.Type on zero Value"),
        value => copied(call, value, 0),
    }
}

/// What a copy of one value costs, as it takes memory of its own.
const COPIED: usize = 16;

/// A copy that shares no map and no list with what it is a copy of.
fn copied(call: &FunctionCall<'_, '_>, value: &ChartValue, depth: usize) -> Result<ChartValue, RenderFault> {
    if depth > 1000 {
        return fail("a map or list holds itself");
    }
    call.run.spend(COPIED)?;
    stacker::maybe_grow(64 << 10, 1 << 20, || match value {
        ChartValue::List(items) => {
            Ok(list(items.iter().map(|item| copied(call, item, depth + 1)).collect::<Result<Vec<_>, _>>()?))
        }
        ChartValue::Map(map) => {
            let mut entries = Map::new();
            for (key, item) in map.borrow().iter() {
                entries.insert(Rc::clone(key), copied(call, item, depth + 1)?);
            }
            Ok(ChartValue::map(entries))
        }
        other => Ok(other.clone()),
    })
}
