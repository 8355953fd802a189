//! Whether values are as the schemas of a chart and of its sub-charts ask.

use jsonschema::error::ValidationErrorKind;
use serde_json::Value as Json;

use super::chart::Chart;
use super::tables::{ValueTable, get};
use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, UnknownValue};

/// How deep values may be.
const DEPTH: usize = 300;

/// Checks the values of a chart and, with their share of them, of every sub-chart.
pub(super) fn check(chart: &Chart, values: &ValueTable) -> Result<(), RenderFault> {
    check_at(chart, values, "")
}

fn check_at(chart: &Chart, values: &ValueTable, path: &str) -> Result<(), RenderFault> {
    let name = &chart.metadata.name;
    if let Some(schema) = &chart.schema {
        check_one(name, schema, values, path)?;
    }
    for sub in &chart.charts {
        let inner = format!("{path}{}.", sub.metadata.name);
        match get(values, &sub.metadata.name) {
            Some(ChartValue::Map(values)) => check_at(sub, &values, &inner)?,
            None | Some(ChartValue::Nil) => {}
            Some(_) => {
                let what = format!("the values of the sub-chart {} are no table", sub.metadata.name);
                return Err(fault(what, inner.trim_end_matches('.')));
            }
        }
    }
    Ok(())
}

fn check_one(name: &str, schema: &[u8], values: &ValueTable, path: &str) -> Result<(), RenderFault> {
    let broken = |what: String| {
        let mut fault = RenderFault::new(format!("the schema of the chart {name} cannot be used: {what}"));
        fault.file = Some(format!("{name}/values.schema.json"));
        fault
    };
    let schema: Json = serde_json::from_slice(schema).map_err(|error| broken(error.to_string()))?;
    let validator = jsonschema::options().build(&schema).map_err(|error| broken(error.to_string()))?;
    let mut unknown = Vec::new();
    let json = to_json(&ChartValue::Map(values.clone()), &mut String::new(), &mut unknown, 0)?;
    for error in validator.iter_errors(&json) {
        let at = error.instance_path().as_str().to_owned();
        if !may_be_unknown(&error, &at, &unknown) {
            let place = dotted(&at);
            let full = format!("{path}{place}");
            let full = full.trim_end_matches('.');
            let of = if full.is_empty() { String::new() } else { format!("{full}: ") };
            return Err(fault(
                format!("the values do not fit the schema of the chart {name}: {of}{}", error.masked()),
                full,
            ));
        }
    }
    Ok(())
}

/// What is not known yet may be anything: it is no fault where it stands, nor where it decides between branches of a schema.
fn may_be_unknown(error: &jsonschema::ValidationError<'_>, at: &str, unknown: &[String]) -> bool {
    let above = || unknown.iter().any(|place| place.starts_with(at) && place[at.len()..].starts_with('/'));
    // A condition that an unknown value decides may have led to the other branch.
    let conditional = || {
        let path = error.schema_path().as_str();
        !unknown.is_empty() && path.split('/').any(|part| part == "then" || part == "else")
    };
    unknown.iter().any(|place| place == at)
        || conditional()
        || (matches!(
            error.kind(),
            ValidationErrorKind::AnyOf { .. }
                | ValidationErrorKind::OneOfMultipleValid { .. }
                | ValidationErrorKind::OneOfNotValid { .. }
                | ValidationErrorKind::Not { .. }
                | ValidationErrorKind::Contains
                | ValidationErrorKind::UniqueItems
                | ValidationErrorKind::Constant { .. }
                | ValidationErrorKind::Enum { .. }
        ) && above())
}

fn fault(what: String, value: &str) -> RenderFault {
    let mut fault = RenderFault::new(what);
    fault.value = Some(value.to_owned());
    fault
}

/// A JSON pointer as a path of values.
fn dotted(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    parts.collect::<Vec<_>>().join(".")
}

/// Values as JSON, with whole floats as whole numbers, and the pointers to all that is not known yet.
fn to_json(value: &ChartValue, at: &mut String, unknown: &mut Vec<String>, depth: usize) -> Result<Json, RenderFault> {
    if depth > DEPTH {
        return Err(RenderFault::new("the values are too deep"));
    }
    Ok(match value {
        ChartValue::Nil => Json::Null,
        ChartValue::Bool(yes) => Json::Bool(*yes),
        ChartValue::Int(int) | ChartValue::Int64(int) => Json::from(*int),
        ChartValue::Float(float) => number(*float),
        ChartValue::Text(text) => {
            if text.contains(UnknownValue::START) {
                unknown.push(at.clone());
            }
            Json::String(text.to_string())
        }
        ChartValue::List(items) => {
            let items = items.iter().enumerate();
            let items =
                items.map(|(index, item)| nested(at, &index.to_string(), |at| to_json(item, at, unknown, depth + 1)));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        ChartValue::Map(map) => {
            let map = map.borrow();
            let entries = map.iter().map(|(key, value)| {
                let part = key.replace('~', "~0").replace('/', "~1");
                Ok((key.to_string(), nested(at, &part, |at| to_json(value, at, unknown, depth + 1))?))
            });
            Json::Object(entries.collect::<Result<_, RenderFault>>()?)
        }
        ChartValue::Object(object) => to_json(&object.value(), at, unknown, depth + 1)?,
        ChartValue::Unknown(_) => {
            unknown.push(at.clone());
            Json::Null
        }
    })
}

fn nested<T>(at: &mut String, part: &str, run: impl FnOnce(&mut String) -> T) -> T {
    let length = at.len();
    at.push('/');
    at.push_str(part);
    let result = run(at);
    at.truncate(length);
    result
}

#[allow(clippy::cast_possible_truncation)]
fn number(float: f64) -> Json {
    if float.fract() == 0.0 && float.abs() < 9e18 { Json::from(float as i64) } else { Json::from(float) }
}
