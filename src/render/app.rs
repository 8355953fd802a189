//! Between the values of a spec and those of charts.

use std::rc::Rc;

use super::fault::RenderFault;
use super::helm::tables::{ValueTable, empty, put};
use super::value::{ChartValue, UnknownValue};
use super::yaml;
use crate::kind;
use crate::value::{Part, Reference, Template, Value};

/// The values of an app for its chart, and those among them that only another resource can complete.
#[must_use]
pub fn values_of(values: &Value) -> (ValueTable, Vec<Rc<UnknownValue>>) {
    let mut unknowns = Vec::new();
    let table = match converted(values, &mut unknowns) {
        ChartValue::Map(map) => map,
        _ => empty(),
    };
    (table, unknowns)
}

/// A value as YAML, with every value that is not known yet said as a reference.
///
/// # Errors
/// Where it is no YAML.
pub fn written(value: &Value) -> Result<String, RenderFault> {
    let mut unknowns = Vec::new();
    let text = yaml::write(&converted(value, &mut unknowns))?;
    Ok(shown(&text, &unknowns))
}

/// A text in which every value that is not known yet is said as a reference, `${bucket.logs@us-east-1.arn}`.
#[must_use]
pub fn shown(text: &str, unknowns: &[Rc<UnknownValue>]) -> String {
    UnknownValue::replace_marks(text, |id| {
        let unknown = usize::try_from(id).ok().and_then(|id| unknowns.get(id));
        unknown.map_or_else(String::new, |unknown| said(unknown))
    })
}

/// What an object says, as JSON, with every value that is not known yet said as a reference.
#[must_use]
pub fn to_json(value: &ChartValue, unknowns: &[Rc<UnknownValue>]) -> serde_json::Value {
    match value {
        ChartValue::Nil => serde_json::Value::Null,
        ChartValue::Bool(yes) => (*yes).into(),
        ChartValue::Int(number) | ChartValue::Int64(number) => (*number).into(),
        ChartValue::Float(number) => (*number).into(),
        ChartValue::Text(text) => shown(text, unknowns).into(),
        ChartValue::List(items) => items.iter().map(|item| to_json(item, unknowns)).collect(),
        ChartValue::Map(map) => {
            let entries = map.borrow();
            let entries = entries.iter().map(|(key, value)| (shown(key, unknowns), to_json(value, unknowns)));
            serde_json::Value::Object(entries.collect())
        }
        ChartValue::Object(object) => to_json(&object.value(), unknowns),
        ChartValue::Unknown(unknown) => said(unknown).into(),
    }
}

/// A value that is not known yet, as the reference that it is in a spec.
fn said(unknown: &UnknownValue) -> String {
    format!("${{{}}}", unknown.of)
}

/// Whole numbers of a spec stay whole, as those of `--set` do; a file of values would make fractions of them.
fn converted(value: &Value, unknowns: &mut Vec<Rc<UnknownValue>>) -> ChartValue {
    match value {
        Value::Null => ChartValue::Nil,
        Value::Bool(yes) => ChartValue::Bool(*yes),
        Value::Int(number) => ChartValue::Int64(*number),
        Value::Float(number) => ChartValue::Float(*number),
        Value::String(text) => ChartValue::text(text.as_str()),
        Value::List(items) => ChartValue::list(items.iter().map(|item| converted(item, unknowns)).collect()),
        Value::Map(entries) => {
            let table = empty();
            entries.iter().for_each(|(key, value)| put(&table, key, converted(value, unknowns)));
            ChartValue::Map(table)
        }
        Value::Template(template) => of_template(template, unknowns),
    }
}

fn of_template(template: &Template, unknowns: &mut Vec<Rc<UnknownValue>>) -> ChartValue {
    let mut text = String::new();
    for part in &template.0 {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Reference(reference) => {
                let of = format!("{}.{}", reference.address, reference.path);
                let unknown = known_before(&of, is_output(reference), unknowns);
                if template.0.len() == 1 {
                    return ChartValue::Unknown(unknown);
                }
                text.push_str(&unknown.mark());
            }
        }
    }
    ChartValue::text(text)
}

/// Whether a reference is to what an object tells once it is there. None of that is ever empty.
fn is_output(reference: &Reference) -> bool {
    let kind = kind::get(reference.address.kind());
    kind.is_some_and(|kind| kind.outputs.iter().any(|output| output.name == reference.path.as_str()))
}

/// The unknown value of a reference: the same one wherever it stands.
fn known_before(of: &str, is_filled: bool, unknowns: &mut Vec<Rc<UnknownValue>>) -> Rc<UnknownValue> {
    if let Some(unknown) = unknowns.iter().find(|unknown| &*unknown.of == of) {
        return Rc::clone(unknown);
    }
    let id = u32::try_from(unknowns.len()).unwrap_or(u32::MAX);
    let unknown = Rc::new(UnknownValue { id, of: of.into(), is_filled });
    unknowns.push(Rc::clone(&unknown));
    unknown
}
