//! Regular expressions in Go's syntax, which Rust's is close to.

use std::rc::Rc;

use regex::Regex;

use super::builtins::list;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};
use crate::render::template::syntax;
use crate::render::value::ChartValue;

use ArgumentType::{Int, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("regexMatch", &[Text, Text], |call| {
        Ok(ChartValue::Bool(pattern(call).is_ok_and(|pattern| pattern.is_match(&call.args.text(1)))))
    }),
    TemplateFunction::new("mustRegexMatch", &[Text, Text], |call| {
        Ok(ChartValue::Bool(pattern(call)?.is_match(&call.args.text(1))))
    }),
    TemplateFunction::new("regexFind", &[Text, Text], find),
    TemplateFunction::new("mustRegexFind", &[Text, Text], find),
    TemplateFunction::new("regexFindAll", &[Text, Text, Int], find_all),
    TemplateFunction::new("mustRegexFindAll", &[Text, Text, Int], find_all),
    TemplateFunction::new("regexReplaceAll", &[Text, Text, Text], replace),
    TemplateFunction::new("mustRegexReplaceAll", &[Text, Text, Text], replace),
    TemplateFunction::new("regexReplaceAllLiteral", &[Text, Text, Text], replace_literal),
    TemplateFunction::new("mustRegexReplaceAllLiteral", &[Text, Text, Text], replace_literal),
    TemplateFunction::new("regexSplit", &[Text, Text, Int], split),
    TemplateFunction::new("mustRegexSplit", &[Text, Text, Int], split),
    TemplateFunction::new("regexQuoteMeta", &[Text], |call| text(quote_meta(&call.args.text(0)))),
];

/// The pattern that is the first argument, read once in a rendering.
fn pattern(call: &FunctionCall<'_, '_>) -> Result<Regex, RenderFault> {
    let source = call.args.text(0);
    if let Some(pattern) = call.run.patterns.borrow().get(&source) {
        return Ok(pattern.clone());
    }
    call.run.spend(1000 + source.len() * 8)?;
    let wrong = |what: String| RenderFault::new(format!("regexp: Compile({source:?}): {what}"));
    let translated = syntax::translated(&source).map_err(|what| wrong(format!("error parsing regexp: {what}")))?;
    let pattern = Regex::new(&translated).map_err(|error| {
        let told = error.to_string();
        wrong(format!("error parsing regexp: {}", told.lines().last().unwrap_or("it is wrong")))
    })?;
    call.run.patterns.borrow_mut().insert(Rc::clone(&source), pattern.clone());
    Ok(pattern)
}

fn find(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let it = call.args.text(1);
    text(pattern(call)?.find(&it).map_or("", |found| found.as_str()))
}

fn find_all(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let it = call.args.text(1);
    let most = usize::try_from(call.args.int(2)).unwrap_or(usize::MAX);
    Ok(list(pattern(call)?.find_iter(&it).take(most).map(|found| ChartValue::text(found.as_str())).collect()))
}

fn replace(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (it, with) = (call.args.text(1), call.args.text(2));
    let pattern = pattern(call)?;
    let mut out = String::new();
    let mut end = 0;
    for found in pattern.captures_iter(&it) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&it[end..whole.start()]);
        found.expand(&with, &mut out);
        end = whole.end();
        if out.len() > call.run.settings.output {
            return fail("the text would be too long");
        }
    }
    out.push_str(&it[end..]);
    text(out)
}

fn replace_literal(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (it, with) = (call.args.text(1), call.args.text(2));
    let pattern = pattern(call)?;
    let found = pattern.find_iter(&it).count();
    if found.saturating_mul(with.len()).saturating_add(it.len()) > call.run.settings.output {
        return fail("the text would be too long");
    }
    text(pattern.replace_all(&it, regex::NoExpand(&with)).into_owned())
}

fn split(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (source, it, count) = (call.args.text(0), call.args.text(1), call.args.int(2));
    let pattern = pattern(call)?;
    if count == 0 {
        return Ok(list(Vec::new()));
    }
    if !source.is_empty() && it.is_empty() {
        return Ok(list(vec![ChartValue::text("")]));
    }
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    for found in pattern.find_iter(&it).take(most) {
        if parts.len() + 1 == most {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(ChartValue::text(&it[begin..end]));
        }
        begin = found.end();
    }
    if end != it.len() {
        parts.push(ChartValue::text(&it[begin..]));
    }
    Ok(list(parts))
}

fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
