//! Sprig's functions for types.

use crate::render::template::arguments::ArgumentType;
use crate::render::template::kinds;
use crate::render::template::state::{TemplateFunction, text};
use crate::render::value::ChartValue;

use ArgumentType::{Any, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("typeOf", &[Any], |call| text(kinds::type_name(call.args.any(0)))),
    TemplateFunction::new("kindOf", &[Any], |call| text(kinds::kind(call.args.any(0)))),
    TemplateFunction::new("typeIs", &[Text, Any], |call| {
        Ok(ChartValue::Bool(*call.args.text(0) == *kinds::type_name(call.args.any(1))))
    }),
    TemplateFunction::new("typeIsLike", &[Text, Any], |call| {
        let (wanted, got) = (call.args.text(0), kinds::type_name(call.args.any(1)));
        Ok(ChartValue::Bool(*wanted == *got || got.strip_prefix('*') == Some(&wanted)))
    }),
    TemplateFunction::new("kindIs", &[Text, Any], |call| {
        Ok(ChartValue::Bool(*call.args.text(0) == *kinds::kind(call.args.any(1))))
    }),
    TemplateFunction::new("deepEqual", &[Any, Any], |call| {
        Ok(ChartValue::Bool(kinds::deep_equal(call.args.any(0), call.args.any(1))))
    })
    .deep(),
];
