//! Values as JSON and YAML, and back.

use super::json;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, text};
use crate::render::template::unknown;
use crate::render::value::{ChartValue, Map};
use crate::render::yaml;

use ArgumentType::{Any, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("toYaml", &[Any], |call| text(yaml_text(call.args.any(0)).unwrap_or_default())).moves(),
    TemplateFunction::new("mustToYaml", &[Any], |call| text(yaml_text(call.args.any(0))?)).moves(),
    TemplateFunction::new("toYamlPretty", &[Any], |call| text(yaml_pretty(call.args.any(0)).unwrap_or_default()))
        .moves(),
    TemplateFunction::new("fromYaml", &[Text], |call| from_yaml(call, false)).moves(),
    TemplateFunction::new("fromYamlArray", &[Text], |call| from_yaml(call, true)).moves(),
    TemplateFunction::new("toJson", &[Any], |call| text(json::write(call.args.any(0), true).unwrap_or_default()))
        .moves(),
    TemplateFunction::new("mustToJson", &[Any], |call| text(json::write(call.args.any(0), true)?)).moves(),
    TemplateFunction::new("toRawJson", &[Any], |call| text(json::write(call.args.any(0), false)?)).moves(),
    TemplateFunction::new("mustToRawJson", &[Any], |call| text(json::write(call.args.any(0), false)?)).moves(),
    TemplateFunction::new("toPrettyJson", &[Any], |call| {
        text(json::write_pretty(call.args.any(0)).unwrap_or_default())
    })
    .moves(),
    TemplateFunction::new("mustToPrettyJson", &[Any], |call| text(json::write_pretty(call.args.any(0))?)).moves(),
    TemplateFunction::new("fromJson", &[Text], |call| from_json(call, false)).moves(),
    TemplateFunction::new("fromJsonArray", &[Text], |call| from_json(call, true)).moves(),
    TemplateFunction::new("mustFromJson", &[Text], |call| {
        whole_unknown(call).map_or_else(|| json::read(&call.args.text(0)), Ok)
    })
    .moves(),
];

fn yaml_text(value: &ChartValue) -> Result<String, RenderFault> {
    let mut written = yaml::write(value)?;
    if written.ends_with('\n') {
        written.pop();
    }
    Ok(written)
}

fn yaml_pretty(value: &ChartValue) -> Result<String, RenderFault> {
    let mut written = yaml::write_pretty(value)?;
    if written.ends_with('\n') {
        written.pop();
    }
    Ok(written)
}

/// What is read from a text that is not known at all is not known either; marks within a text are read as texts.
fn whole_unknown(call: &FunctionCall<'_, '_>) -> Option<ChartValue> {
    let it = call.args.text(0);
    let found = unknown::in_value(call.args.any(0))?;
    unknown::known_part(&it).trim().is_empty().then(|| call.unknown(&found))
}

fn from_yaml(call: &FunctionCall<'_, '_>, list: bool) -> FunctionResult {
    if let Some(unknown) = whole_unknown(call) {
        return Ok(unknown);
    }
    let it = call.args.text(0);
    call.run.spend(it.len() / 8)?;
    Ok(shaped(yaml::read(&it), list, "error unmarshaling JSON: while decoding JSON: "))
}

fn from_json(call: &FunctionCall<'_, '_>, list: bool) -> FunctionResult {
    if let Some(unknown) = whole_unknown(call) {
        return Ok(unknown);
    }
    let it = call.args.text(0);
    call.run.spend(it.len() / 8)?;
    Ok(shaped(json::read(&it), list, ""))
}

/// A map or a list; what is wrong is told within it.
fn shaped(read: FunctionResult, list: bool, before: &str) -> ChartValue {
    let wrong = match (read, list) {
        (Ok(map @ ChartValue::Map(_)), false) => return map,
        (Ok(items @ ChartValue::List(_)), true) => return items,
        (Ok(ChartValue::Nil), false) => return ChartValue::map(Map::new()),
        (Ok(ChartValue::Nil), true) => return ChartValue::list(Vec::new()),
        (Ok(other), _) => {
            let wanted = if list { "[]interface {}" } else { "map[string]interface {}" };
            format!("{before}json: cannot unmarshal {} into Go value of type {wanted}", json::kind(&other))
        }
        (Err(fault), _) => fault.what,
    };
    if list {
        ChartValue::list(vec![ChartValue::text(wrong)])
    } else {
        ChartValue::map(Map::from([("Error".into(), ChartValue::text(wrong))]))
    }
}
