//! Sprig's `semver` and `semverCompare`.

use std::rc::Rc;

use crate::render::template::arguments::ArgumentType;
use crate::render::template::semver::{self, SemanticVersion};
use crate::render::template::state::TemplateFunction;
use crate::render::value::ChartValue;

use ArgumentType::Text;

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("semver", &[Text], |call| {
        Ok(ChartValue::Object(Rc::new(SemanticVersion::read(&call.args.text(0))?)))
    }),
    TemplateFunction::new("semverCompare", &[Text, Text], |call| {
        let wanted = semver::read(&call.args.text(0))?;
        let version = SemanticVersion::read(&call.args.text(1))?;
        Ok(ChartValue::Bool(semver::holds(&wanted, &version)))
    }),
];
