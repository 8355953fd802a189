//! Sprig's functions for texts: parts, affixes, quotes, indents.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::builtins::list;
use crate::render::bytes;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::{ArgumentType, items};
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};
use crate::render::template::{format, unknown};
use crate::render::value::{ChartValue, Methods, UnknownValue};

use ArgumentType::{Any, Int, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("hello", &[], |_| text("Hello!")),
    TemplateFunction::new("trim", &[Text], trim).moves(),
    TemplateFunction::new("trimAll", &[Text, Text], trim_all).moves(),
    TemplateFunction::new("trimall", &[Text, Text], trim_all).moves(),
    TemplateFunction::new("trimSuffix", &[Text, Text], |call| trim_affix(call, true)).moves(),
    TemplateFunction::new("trimPrefix", &[Text, Text], |call| trim_affix(call, false)).moves(),
    TemplateFunction::new("trunc", &[Int, Text], trunc),
    TemplateFunction::new("substr", &[Int, Int, Text], substr),
    TemplateFunction::new("repeat", &[Int, Text], repeat),
    TemplateFunction::new("contains", &[Text, Text], |call| test(call, |it, part| it.contains(part))),
    TemplateFunction::new("hasPrefix", &[Text, Text], |call| test(call, |it, part| it.starts_with(part))),
    TemplateFunction::new("hasSuffix", &[Text, Text], |call| test(call, |it, part| it.ends_with(part))),
    TemplateFunction::new("quote", &[], |call| quote(call, |it| format::quoted(&strval(it)))).rest(Any).moves(),
    TemplateFunction::new("squote", &[], |call| quote(call, |it| format!("'{}'", format::plain(it)))).rest(Any).moves(),
    TemplateFunction::new("cat", &[], cat).rest(Any).moves(),
    TemplateFunction::new("indent", &[Int, Text], |call| text(indent(call)?)).moves(),
    TemplateFunction::new("nindent", &[Int, Text], |call| text(format!("\n{}", indent(call)?))).moves(),
    TemplateFunction::new("replace", &[Text, Text, Text], replace),
    TemplateFunction::new("plural", &[Text, Text, Int], |call| {
        Ok(call.args.any(usize::from(call.args.int(2) != 1)).clone())
    }),
    TemplateFunction::new("toString", &[Any], |call| text(strval(call.args.any(0)))).moves(),
    TemplateFunction::new("toStrings", &[Any], |call| {
        Ok(list(strings(call.args.any(0)).into_iter().map(ChartValue::text).collect()))
    })
    .moves(),
    TemplateFunction::new("join", &[Text, Any], |call| text(strings(call.args.any(1)).join(&call.args.text(0))))
        .moves(),
    TemplateFunction::new("split", &[Text, Text], |call| Ok(numbered(call, usize::MAX, 1))),
    TemplateFunction::new("splitn", &[Text, Int, Text], splitn),
    TemplateFunction::new("splitList", &[Text, Text], |call| {
        Ok(list(pieces(&call.args.text(1), &call.args.text(0), usize::MAX).into_iter().map(ChartValue::text).collect()))
    }),
    TemplateFunction::new("sortAlpha", &[Any], sort_alpha).deep(),
];

/// White space in Go is what Unicode says, and so it is in Rust.
pub fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// The text of anything.
pub fn strval(value: &ChartValue) -> String {
    format::plain(value)
}

/// The texts of the items of a list, or of what is no list, without what is `nil`.
pub fn strings(value: &ChartValue) -> Vec<String> {
    match (items(value), value) {
        (Some(items), _) => items.iter().filter(|item| !matches!(item, ChartValue::Nil)).map(strval).collect(),
        (None, ChartValue::Nil) => Vec::new(),
        (None, other) => vec![strval(other)],
    }
}

/// White space is taken off the known parts at the edges only: what is not known is taken to have none.
fn trim(call: &FunctionCall<'_, '_>) -> FunctionResult {
    text(call.args.text(0).trim_matches(is_space))
}

fn trim_all(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (set, it) = (call.args.text(0), call.args.text(1));
    let trimmed = it.trim_matches(|c| set.contains(c));
    let hidden = trimmed.starts_with(UnknownValue::START) || trimmed.ends_with(UnknownValue::END);
    let found = unknown::in_value(call.args.any(0)).or_else(|| unknown::in_value(call.args.any(1)).filter(|_| hidden));
    found.map_or_else(|| text(trimmed), |found| Ok(call.unknown(&found)))
}

/// Takes an affix off. Where what is known at that edge is only a part of the affix, what is not known may have the rest.
fn trim_affix(call: &FunctionCall<'_, '_>, at_end: bool) -> FunctionResult {
    let (affix, it) = (call.args.text(0), call.args.text(1));
    let stripped = if at_end { it.strip_suffix(&*affix) } else { it.strip_prefix(&*affix) };
    let hidden = unknown::is_marked(&it) && stripped.is_none() && {
        if at_end {
            affix.ends_with(it.rsplit(UnknownValue::END).next().unwrap_or_default())
        } else {
            affix.starts_with(it.split(UnknownValue::START).next().unwrap_or_default())
        }
    };
    let found = unknown::in_value(call.args.any(0)).or_else(|| unknown::in_value(call.args.any(1)).filter(|_| hidden));
    found.map_or_else(|| text(stripped.unwrap_or(&it)), |found| Ok(call.unknown(&found)))
}

/// The part of a text between two places in bytes, which may lie within characters.
pub fn cut(text: &str, from: usize, to: usize) -> String {
    bytes::text(text.as_bytes().get(from..to).unwrap_or_default())
}

fn trunc(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (count, it) = (call.args.int(0), call.args.text(1));
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if size >= it.len() {
        return Ok(call.args.any(1).clone());
    }
    if count < 0 { text(cut(&it, it.len() - size, it.len())) } else { text(cut(&it, 0, size)) }
}

fn substr(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (from, to, it) = (call.args.int(0), call.args.int(1), call.args.text(2));
    let len = i64::try_from(it.len()).unwrap_or(i64::MAX);
    let (from, to) = if from < 0 {
        (0, to)
    } else if to < 0 || to > len {
        (from, len)
    } else {
        (from, to)
    };
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to && to <= it.len() => text(cut(&it, from, to)),
        _ => fail(format!("slice bounds out of range [{from}:{to}]")),
    }
}

fn repeat(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (count, it) = (call.args.int(0), call.args.text(1));
    let Ok(count) = usize::try_from(count) else { return fail("strings: negative Repeat count") };
    if it.len().saturating_mul(count) > call.run.settings.output {
        return fail("the text would be too long");
    }
    text(it.repeat(count))
}

fn test(call: &FunctionCall<'_, '_>, holds: fn(&str, &str) -> bool) -> FunctionResult {
    Ok(ChartValue::Bool(holds(&call.args.text(1), &call.args.text(0))))
}

fn quote(call: &FunctionCall<'_, '_>, one: fn(&ChartValue) -> String) -> FunctionResult {
    let quoted: Vec<_> = call.args.all.iter().filter(|it| !matches!(it, ChartValue::Nil)).map(one).collect();
    text(quoted.join(" "))
}

fn cat(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let given: Vec<_> = call.args.all.iter().filter(|it| !matches!(it, ChartValue::Nil)).map(format::plain).collect();
    text(given.join(" "))
}

fn indent(call: &FunctionCall<'_, '_>) -> Result<String, RenderFault> {
    if let Some(found) = unknown::in_value(call.args.any(0)) {
        return Err(call.decided(&found));
    }
    let (count, it) = (call.args.int(0), call.args.text(1));
    let Ok(count) = usize::try_from(count) else { return fail("strings: negative Repeat count") };
    let lines = it.matches('\n').count() + 1;
    if lines.saturating_mul(count).saturating_add(it.len()) > call.run.settings.output {
        return fail("the text would be too long");
    }
    let pad = " ".repeat(count);
    Ok(format!("{pad}{}", it.replace('\n', &format!("\n{pad}"))))
}

fn replace(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (old, new, it) = (call.args.text(0), call.args.text(1), call.args.text(2));
    let found = if old.is_empty() { it.chars().count() + 1 } else { it.matches(&*old).count() };
    if found.saturating_mul(new.len()).saturating_add(it.len()) > call.run.settings.output {
        return fail("the text would be too long");
    }
    text(it.replace(&*old, &new))
}

/// Go's `strings.SplitN`: an empty separator splits between characters.
pub fn pieces(text: &str, separator: &str, most: usize) -> Vec<String> {
    if separator.is_empty() {
        return grouped(text.chars().map(String::from).collect(), most);
    }
    text.splitn(most, separator).map(str::to_owned).collect()
}

fn grouped(mut characters: Vec<String>, most: usize) -> Vec<String> {
    if characters.len() > most {
        let rest = characters.split_off(most.saturating_sub(1)).concat();
        characters.push(rest);
    }
    characters
}

fn splitn(call: &FunctionCall<'_, '_>) -> FunctionResult {
    match usize::try_from(call.args.int(1)) {
        Ok(0) => Ok(ChartValue::Object(Rc::new(TextMap(BTreeMap::new())))),
        Ok(most) => Ok(numbered(call, most, 2)),
        Err(_) => Ok(numbered(call, usize::MAX, 2)),
    }
}

fn numbered(call: &FunctionCall<'_, '_>, most: usize, at: usize) -> ChartValue {
    let parts = pieces(&call.args.text(at), &call.args.text(0), most);
    let entries =
        parts.into_iter().enumerate().map(|(at, part)| (Rc::from(format!("_{at}")), Rc::from(part))).collect();
    ChartValue::Object(Rc::new(TextMap(entries)))
}

/// A map of texts to texts, in which what is not there is an empty text.
#[derive(Debug)]
struct TextMap(BTreeMap<Rc<str>, Rc<str>>);

impl Methods for TextMap {
    fn call(&self, name: &str, _: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        Some(Ok(ChartValue::Text(self.0.get(name).cloned().unwrap_or_default())))
    }

    fn value(&self) -> ChartValue {
        ChartValue::map(self.0.iter().map(|(key, it)| (Rc::clone(key), ChartValue::Text(Rc::clone(it)))).collect())
    }

    fn type_name(&self) -> &'static str {
        "map[string]string"
    }
}

fn sort_alpha(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut sorted = strings(call.args.any(0));
    if matches!(call.args.any(0), ChartValue::Nil) {
        sorted = vec!["<nil>".to_owned()];
    }
    sorted.sort();
    Ok(list(sorted.into_iter().map(ChartValue::text).collect()))
}
