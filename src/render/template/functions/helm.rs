//! Helm's own functions that are not about data: `include`, `tpl`, `required`, `fail`, `lookup`.

use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, text};
use crate::render::template::unknown;
use crate::render::value::{ChartValue, Map, UnknownValue};

use ArgumentType::{Any, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("include", &[Text, Any], |call| {
        if let Some(found) = unknown::in_value(call.args.any(0)) {
            return Err(call.decided(&found));
        }
        text(call.run.include(call.scope, &call.args.text(0), call.args.any(1))?)
    })
    .moves(),
    TemplateFunction::new("tpl", &[Text, Any], |call| {
        text(call.run.text(call.scope, &call.args.text(0), call.args.any(1))?)
    })
    .moves(),
    TemplateFunction::new("required", &[Text, Any], required).moves(),
    TemplateFunction::new("fail", &[Text], |call| Err(own(call, &call.args.text(0)))).moves(),
    TemplateFunction::new("lookup", &[Text, Text, Text, Text], |_| Ok(ChartValue::map(Map::new()))).moves(),
    TemplateFunction::new("getHostByName", &[Text], |_| text("")).moves(),
];

fn own(call: &FunctionCall<'_, '_>, message: &str) -> RenderFault {
    let mut fault = RenderFault::new(message);
    fault.own = true;
    if unknown::is_marked(message) {
        fault.unknown = true;
        let all = call.run.settings.unknowns.borrow();
        fault.what = UnknownValue::replace_marks(message, |id| unknown::FoundUnknown::Mark(id).of(&all).to_string());
    }
    fault
}

fn required(call: &FunctionCall<'_, '_>) -> FunctionResult {
    match call.args.any(1) {
        ChartValue::Nil => Err(own(call, &call.args.text(0))),
        ChartValue::Text(text) if text.is_empty() => Err(own(call, &call.args.text(0))),
        value => Ok(value.clone()),
    }
}
