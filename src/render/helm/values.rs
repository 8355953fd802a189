//! The values that a chart and its sub-charts get: defaults, completed from above, with the globals handed down.

use std::rc::Rc;

use super::chart::Chart;
use super::tables::{
    Nothing, ValueTable, complete, copy_table, empty, entries, get, is_nothing, put, remove, table, without_nothing,
};
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;

/// The key of the values that every sub-chart sees.
const GLOBAL: &str = "global";

/// The values of a chart and of all that it depends on, with what is asked for having the last word.
///
/// # Errors
/// Where a sub-chart's values are no table.
pub(super) fn coalesce(chart: &Chart, asked: &ValueTable, nothing: Nothing) -> Result<ValueTable, RenderFault> {
    let values = copy_table(asked);
    coalesce_into(chart, &values, nothing, "")?;
    Ok(values)
}

fn coalesce_into(chart: &Chart, values: &ValueTable, nothing: Nothing, path: &str) -> Result<(), RenderFault> {
    take_defaults(chart, values, nothing);
    for sub in &chart.charts {
        let name = &sub.metadata.name;
        let path = format!("{path}{name}");
        let inner = match get(values, name) {
            None => {
                let inner = empty();
                put(values, name, ChartValue::Map(Rc::clone(&inner)));
                inner
            }
            Some(ChartValue::Map(inner)) => inner,
            Some(_) => {
                let mut fault = RenderFault::new(format!("the values of the sub-chart {name} are no table"));
                fault.value = Some(path);
                return Err(fault);
            }
        };
        hand_down_globals(&inner, values);
        coalesce_into(sub, &inner, nothing, &format!("{path}."))?;
    }
    Ok(())
}

/// Completes values with the chart's own defaults.
fn take_defaults(chart: &Chart, values: &ValueTable, nothing: Nothing) {
    let defaults = copy_table(&chart.values);
    for (key, default) in entries(&defaults) {
        let Some(present) = get(values, &key) else {
            if nothing == Nothing::Removes {
                if is_nothing(&default) {
                    continue;
                }
                if let Some(inner) = table(&default) {
                    without_nothing(&inner);
                }
            }
            put(values, &key, default);
            continue;
        };
        if is_nothing(&present) && nothing == Nothing::Removes {
            remove(values, &key);
        } else if let (Some(over), Some(under)) = (table(&present), table(&default)) {
            // The defaults that a parent has for a sub-chart keep their nothings, which take away that chart's own defaults later on.
            let is_sub = chart.charts.iter().any(|sub| *sub.metadata.name == *key);
            let nothing = if is_sub { Nothing::Stays } else { nothing };
            if nothing == Nothing::Removes {
                without_nothing(&under);
            }
            complete(&over, &under, nothing);
        }
    }
}

/// Gives a sub-chart the globals of its parent, which have more say than its own.
fn hand_down_globals(inner: &ValueTable, outer: &ValueTable) {
    let globals = |values: &ValueTable| match get(values, GLOBAL) {
        None => Some(empty()),
        Some(value) => table(&value),
    };
    let (Some(own), Some(given)) = (globals(inner), globals(outer)) else { return };
    for (key, value) in entries(&given) {
        let present = get(&own, &key);
        match (table(&value), present.as_ref()) {
            (Some(above), None) => put(&own, &key, ChartValue::map(above.borrow().clone())),
            (Some(above), Some(ChartValue::Map(below))) => {
                let joined = Rc::new(std::cell::RefCell::new(above.borrow().clone()));
                complete(&joined, below, Nothing::Stays);
                put(&own, &key, ChartValue::Map(joined));
            }
            (Some(_), Some(_)) | (None, Some(ChartValue::Map(_))) => {}
            (None, _) => put(&own, &key, value),
        }
    }
    put(inner, GLOBAL, ChartValue::Map(own));
}
